"""What files do around their computations: options, devices, types, contexts, errors, callbacks."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend import backend
from jax.typing import ArrayLike

x = jnp.arange(3.0)


def typed(a: ArrayLike) -> Array:
    return jnp.asarray(a)


try:
    x[0] = 1.0
    assigned = "yes"
except TypeError:
    assigned = "TypeError"
try:
    jax.config.update("jax_enable_x46", True)
    unknown = "accepted"
except AttributeError:
    unknown = "AttributeError"
try:
    jax.grad(lambda v: v)(x)
    vector = "accepted"
except TypeError as error:
    vector = str(error).split(".")[0]
try:
    jax.jit(lambda v: float(v.sum()))(x)
    traced = "accepted"
except jax.errors.ConcretizationTypeError:
    traced = "ConcretizationTypeError"

with jax.named_scope("scope"), jax.default_matmul_precision("float32"), jax.ensure_compile_time_eval():
    inside = jnp.sin(x)
with jax.profiler.trace("/nowhere") if False else jax.named_scope("again"):
    pass
called = jax.pure_callback(lambda v: np.sin(v), jax.ShapeDtypeStruct(x.shape, x.dtype), x)
before = x.dtype.name
jax.config.update("jax_enable_x64", True)
after = jnp.arange(3.0).dtype.name
flag = jax.config.jax_enable_x64
jax.config.update("jax_enable_x64", False)
result = {
    "isinstance": [isinstance(x, jax.Array), isinstance(x, jnp.ndarray), isinstance(np.ones(3), jax.Array)],
    "scalar": [jnp.float32(1), jnp.int32(2.7), jnp.bool_(1), jnp.complex64(1)],
    "dtypes": [before, after, flag, x.dtype == jnp.float32, jnp.issubdtype(x.dtype, jnp.floating)],
    "devices": [jax.device_count(), jax.default_backend(), jax.devices()[0].platform, len(x.devices())],
    "backend": [backend.get_backend().platform, backend.get_backend("cpu").device_count(), list(backend.backends())],
    "wait": jax.block_until_ready(jnp.sin(x).block_until_ready()),
    "moved": [jax.device_put(np.ones(2, np.float32)), type(jax.device_get(x)).__name__],
    "errors": [assigned, unknown, vector, traced],
    "inside": inside,
    "called": called,
    "at": [x.at[0].set(5.0), x.at[1:].add(1.0), x.at[0].get()],
    "checkpoint": jax.grad(jax.checkpoint(lambda v: jnp.sin(jnp.sin(v))))(0.3),
    "segment": jax.ops.segment_sum(jnp.arange(5.0), jnp.array([0, 0, 1, 1, 2]), num_segments=3),
    "closed": jax.closure_convert(lambda v: v * 2.0, 1.0)[0](3.0),
    "typed": typed([1.0, 2.0]),
    "leaf": jax.dtypes.canonicalize_dtype(np.float64).name,
    "numpy": [np.asarray(x).dtype.name, float(x.sum()), x.tolist()],
    "vectorize": jnp.vectorize(lambda a, b: jnp.dot(a, b), signature="(n),(n)->()")(jnp.ones((2, 3)), x),
}
result["shapes"] = [
    list(jnp.shape(a)) for a in (3.0, np.array(["a", "b"]), x, jax.ShapeDtypeStruct((2, 1), jnp.float32), jax.typeof(x))
] + [jnp.ndim(np.array(["a"])), jnp.ndim(2), jax.jit(lambda v: jnp.ndim(v) * v)(x)]


def checked(x):
    """As libraries look at arguments: what is known is computed at once, what is traced is not."""
    with jax.ensure_compile_time_eval():
        known = bool(jnp.all(jnp.arange(3) >= 0))
        fine = jnp.all((x == x) & (x > float("-inf")))
        doubled = jax.jit(lambda v: v * 2)(x)
    seen.append([known, jax._src.core.trace_state_clean()])
    return jnp.where(fine, doubled * x, 0.0).sum()


seen = []
result["checked"] = [
    checked(x), jax.grad(checked)(x), jax.jit(checked)(x), jax.vmap(checked)(x), jax.hessian(checked)(x),
    jax.jit(jax.vmap(jax.grad(checked)))(x), jax.lax.scan(lambda c, v: (c, jax.grad(checked)(v * c)), 1.0, x)[1],
]  # fmt: skip
result["seen"] = [seen[0], *[known for known, _ in seen[1:]], all(clean for _, clean in seen)]
