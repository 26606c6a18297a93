"""vmap over arguments, trees and axes; convolution of signals one at a time."""

import jax
import jax.numpy as jnp

x = jnp.arange(5)
w = jnp.array([2.0, 3.0, 4.0])


def convolve(x, w):
    output = []
    for i in range(1, len(x) - 1):
        output.append(jnp.dot(x[i - 1 : i + 2], w))
    return jnp.array(output)


xs = jnp.stack([x, x + 1.0])
ws = jnp.stack([w, w * 2])
auto = jax.vmap(convolve)(xs, ws)
assert jnp.array_equal(auto, jnp.stack([convolve(a, b) for a, b in zip(xs, ws, strict=True)]))
tree = {"a": jnp.arange(6.0).reshape(3, 2), "b": jnp.arange(3.0)}
result = {
    "plain": convolve(x, w),
    "axes": jax.vmap(convolve, in_axes=1, out_axes=1)(xs.T, ws.T),
    "one": jax.vmap(convolve, in_axes=[0, None])(xs, w) if False else jax.vmap(convolve, (0, None))(xs, w),
    "jit": jax.jit(jax.vmap(convolve))(xs, ws),
    "tree": jax.vmap(lambda t, k: t["a"].sum() * t["b"] + k, in_axes=({"a": 0, "b": 0}, None))(tree, 2.0),
    "nested": jax.vmap(jax.vmap(jnp.multiply, (None, 0)), (0, None))(w, w),
    "collective": jax.vmap(lambda v: v - jax.lax.pmean(v, "i"), axis_name="i")(jnp.arange(4.0)),
    "spmd": jax.vmap(lambda v: jax.lax.psum(v, "i") + jax.lax.axis_index("i"), axis_name="i")(jnp.arange(3.0)),
}
