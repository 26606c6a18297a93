"""Images of other sizes, and sums of rows by number."""

import jax
import jax.numpy as jnp

image = jax.random.normal(jax.random.key(3), (5, 8, 2))
METHODS = ["nearest", "linear", "cubic", "cubic-pytorch", "lanczos3", "lanczos5", "area"]
data = jnp.arange(12.0).reshape(6, 2)
ids = jnp.array([2, 0, 2, 5, -1, 1])


def moved(scale, shift, method="cubic"):
    return jax.image.scale_and_translate(image, (7, 6, 2), (0, 1), scale, shift, method, antialias=False)


def raised(function):
    try:
        function()
    except ValueError:
        return "ValueError"
    return "nothing"


scale, shift = jnp.array([1.3, 0.7]), jnp.array([0.4, -0.6])
result = {
    "resized": {m: jax.image.resize(image, (9, 4, 2), m) for m in METHODS},
    "sharp": jax.image.resize(image, (3, 8, 2), "lanczos3", antialias=False),
    "whole": jax.image.resize(jnp.arange(4), (8,), jax.image.ResizeMethod.LINEAR),
    "kept": jax.image.resize(jnp.arange(4), (6,), "nearest"),
    "moved": {m: moved(scale, shift, m) for m in ("linear", "cubic-pytorch", "area")},
    "gradient": jax.grad(lambda s, t: (moved(s, t)[2:5, 2:4] ** 2).sum(), (0, 1))(scale, shift),
    "transposed": jax.grad(lambda x: (jax.image.resize(x, (3, 3, 2), "cubic") ** 2).sum())(image),
    "segments": {
        name: getattr(jax.ops, f"segment_{name}")(data, ids, num_segments=5, mode=mode)
        for name in ("sum", "prod", "max", "min") for mode in (None, jax.lax.GatherScatterMode.FILL_OR_DROP)
    },
    "counted": jax.ops.segment_sum(jnp.ones(3, int), jnp.array([0, 3, 0])),
    "whole segments": jax.ops.segment_max(jnp.array([3, -4, 5]), jnp.array([0, 2, 0]), 3, indices_are_sorted=False),
    "by segment": jax.grad(lambda d: (jax.ops.segment_sum(d, ids, 6) ** 2).sum())(data),
    "batched": jax.vmap(lambda d: jax.ops.segment_sum(d, ids, 6))(data.T),
    "raised": [
        raised(lambda: jax.image.resize(image, (3, 3), "linear")),
        raised(lambda: jax.image.resize(image, (3, 3, 2), "none")),
        raised(lambda: moved(scale, shift, "nearest")),
    ],
}  # fmt: skip
