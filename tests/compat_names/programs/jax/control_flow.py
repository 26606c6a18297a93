"""cond, switch, while_loop, fori_loop, scan, map, select and associative_scan, under jit, grad and vmap."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax


@jax.jit
def bounded(x):
    return lax.cond(x < 3.0, lambda x: 3.0 * x**2, lambda x: -4 * x, x)


@partial(jax.jit, static_argnames=("n",))
def unrolled(x, n):
    y = 0.0
    for i in range(n):
        y = y + x[i]
    return y


@jax.jit
def rnn(h, xs):
    def cell(h, x):
        h = jnp.tanh(h * 0.9 + x)
        return h, h * 2

    return lax.scan(cell, h, xs)


def collatz(n):
    def step(state):
        n, count = state
        return jnp.where(n % 2 == 0, n // 2, 3 * n + 1), count + 1

    return lax.while_loop(lambda s: s[0] != 1, step, (n, 0))[1]


@jax.jit
def needs_value(x):
    if x < 3:
        return 3.0 * x**2
    return -4 * x


try:
    needs_value(2.0)
    caught = "nothing"
except jax.errors.TracerBoolConversionError as error:
    caught = type(error).__name__

xs = jnp.arange(4.0) / 4
result = {
    "cond": [bounded(2.0), bounded(5.0), jax.grad(bounded)(2.0), jax.vmap(bounded)(jnp.array([1.0, 5.0]))],
    "switch": [lax.switch(i, [jnp.sin, jnp.cos, jnp.tan], 0.5) for i in (0, 1, 7)],
    "unrolled": unrolled(xs, 3),
    "scan": rnn(jnp.float32(0.5), xs),
    "scan_grad": jax.grad(lambda h, xs: rnn(h, xs)[1].sum(), (0, 1))(0.5, xs),
    "while": collatz(27),
    "fori": jax.grad(lambda x: lax.fori_loop(0, 5, lambda i, c: c * x + i, 1.0))(1.1),
    "map": lax.map(lambda x: x**2, xs),
    "associative": lax.associative_scan(jnp.add, xs),
    "cumulative": [lax.cumsum(xs), lax.cummax(xs)],
    "select": lax.select(xs > 0.3, xs, -xs),
    "caught": caught,
    "disabled": None,
}
with jax.disable_jit():
    result["disabled"] = needs_value(2.0)
