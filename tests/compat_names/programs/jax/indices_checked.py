"""Checks of indices by checkify: traced integers, arrays of them and windows, read and written, batched, in loops."""

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import checkify

result = {}
x, table = jnp.arange(5.0), jnp.arange(6.0).reshape(2, 3)
reads = {
    "integer": lambda v, i: v[i], "row": lambda v, i: v[i, 1:], "array": lambda v, i: v[jnp.stack([i, i - 1])],
    "take": lambda v, i: jnp.take(v, i, axis=0), "slice": lambda v, i: lax.dynamic_slice_in_dim(v, i, 2),
    "gather": lambda v, i: v.at[i].get(mode="fill"), "static": lambda v, i: v[1],
}  # fmt: skip
writes = {
    "set": lambda v, i: v.at[i].set(1.0), "add": lambda v, i: v.at[jnp.stack([i, i])].add(2.0),
    "max": lambda v, i: v.at[i].max(9.0), "mul": lambda v, i: v.at[i].multiply(2.0),
    "update": lambda v, i: lax.dynamic_update_slice_in_dim(v, v[:2], i, 0),
}  # fmt: skip


def said(f, *args):
    error, _ = checkify.checkify(f, errors=checkify.index_checks)(*args)
    return error.get()


for name, f in (reads | writes).items():
    for i in (0, 1, 4, 7, -1, -9):
        operand = table if name == "row" else x
        result[f"{name} {i}"] = said(f, operand, jnp.array(i))
        result[f"{name} {i} compiled"] = said(jax.jit(f), operand, jnp.array(i))
result["two axes"] = said(lambda v, i, j: v[i, j], table, jnp.array([0, 1]), jnp.array([2, 3]))


def loop(v):
    return lax.fori_loop(0, 8, lambda i, c: c + v[i], 0.0)


def both(v, i):
    checkify.check(i >= 0, "negative: {i}", i=i)
    return v[i]


checked = checkify.checkify(both, errors=checkify.all_checks)
result["loop"] = said(loop, x)
result["gradient"] = said(jax.grad(lambda v, i: v[i] ** 2), x, jnp.array(8))
result["batch"] = jax.vmap(checked)(jnp.ones((3, 5)), jnp.array([-1, 2, 100]))[0].get()
result["one error"] = checkify.checkify(jax.vmap(both), errors=checkify.all_checks)(
    jnp.ones((3, 5)), jnp.array([3, 2, 100])
)[0].get()
