"""Programs: as text, as data, run again, inverted by an interpreter; lowering and compiling."""

from functools import wraps

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend import core


def examine_jaxpr(closed_jaxpr):
    jaxpr = closed_jaxpr.jaxpr
    rows = [len(jaxpr.invars), len(jaxpr.outvars), len(jaxpr.constvars)]
    rows += [[eqn.primitive.name, len(eqn.invars), len(eqn.outvars)] for eqn in jaxpr.eqns]
    return rows


def foo(x):
    return jnp.tanh(jnp.dot(w, x) + bias)


w, bias = jnp.ones((5, 4)), jnp.ones(5)


def eval_jaxpr(jaxpr, consts, *args):
    env = {}

    def read(var):
        return var.val if type(var) is core.Literal else env[var]

    for var, val in [*zip(jaxpr.invars, args, strict=True), *zip(jaxpr.constvars, consts, strict=True)]:
        env[var] = val
    for eqn in jaxpr.eqns:
        outvals = eqn.primitive.bind(*map(read, eqn.invars), **eqn.params)
        if not eqn.primitive.multiple_results:
            outvals = [outvals]
        env.update(zip(eqn.outvars, outvals, strict=True))
    return list(map(read, jaxpr.outvars))


inverse_registry = {lax.exp_p.name if hasattr(lax, "exp_p") else "exp": jnp.log, "tanh": jnp.arctanh}


def inverse(fun):
    @wraps(fun)
    def wrapped(*args):
        closed = jax.make_jaxpr(fun)(*args)
        env = dict(zip(closed.jaxpr.outvars, args, strict=True))
        for eqn in closed.jaxpr.eqns[::-1]:
            (out,) = eqn.outvars
            env[eqn.invars[0]] = inverse_registry[eqn.primitive.name](env[out])
        return env[closed.jaxpr.invars[0]]

    return wrapped


def f(x):
    return jnp.exp(jnp.tanh(x))


assert jnp.allclose(inverse(f)(f(0.5)), 0.5, atol=1e-5)
closed = jax.make_jaxpr(foo)(jnp.ones(4))
compiled = jax.jit(f).lower(1.0).compile()


def loopy(x):
    return lax.fori_loop(0, 3, lambda i, v: v * x, 1.0)


def words(jaxpr):
    return str(jaxpr).replace(";", " ").split()


result = {
    "texts": [
        words(jax.make_jaxpr(f)(2.0)),
        words(jax.make_jaxpr(lambda x: x * 2 + jnp.sin(x))(jnp.ones(3))),
        words(jax.make_jaxpr(jax.grad(lambda x: jnp.sin(x) * x))(1.0)),
        words(jax.make_jaxpr(lambda x: jnp.sin(x[1:]))(jnp.ones(3))),
    ],
    "rows": examine_jaxpr(jax.make_jaxpr(f)(1.0)),
    "consts": [len(closed.consts), [a.shape for a in closed.in_avals], [a.shape for a in closed.out_avals]],
    "again": eval_jaxpr(closed.jaxpr, closed.literals, jnp.ones(4)),
    "core": jax.core.eval_jaxpr(closed.jaxpr, closed.consts, jnp.ones(4)),
    "compiled": compiled(1.0),
    "shape": jax.eval_shape(foo, jnp.ones(4)).shape,
    "loop": jax.jit(loopy)(2.0),
    "typeof": [jax.typeof(jnp.ones(3)).shape, jax.typeof(2.0).dtype.name],
}
