"""Older ways to call things, and what is passed on as it is."""

import functools

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

x = jnp.arange(3.0)


def repeated(row, count, function):
    return jnp.broadcast_to(function(row), (count,)) + jnp.arange(count)


def cond_each(flag, v):
    return jax.lax.cond(flag, (v, 1.0), lambda pair: pair[0] * 2 + pair[1], v + 5, lambda w: w)


traced = []
jax.jit(lambda v: traced.append(isinstance(jax.device_get(v), jax.core.Tracer)) or v)(1.0)
result = {
    "each": [cond_each(True, x), cond_each(False, x), jax.grad(lambda v: cond_each(v > 1, v))(3.0)],
    "passed on": jax.vmap(repeated, in_axes=(0, None, None))(x, 4, functools.partial(jnp.multiply, 3.0)),
    "named": jax.vmap(lambda a, n: jax.lax.psum(a, "i") * n, in_axes=(0, None), axis_name="i")(x, 2),
    "traced": traced,
    "spec": list(PartitionSpec("a", None)),
}
