"""Functions flattened and changed step by step, and dependencies found in a program, as libraries do it."""

import jax
import jax.numpy as jnp
from jax.api_util import argnums_partial, debug_info, flatten_fun, flatten_fun_nokwargs
from jax.extend import linear_util as lu
from jax.extend.core import Literal
from jax.extend.core.primitives import call_p, closed_call_p, jit_p, scatter_add_p, sin_p


def info(fun, args, kwargs):
    return debug_info("wrapped", fun, args, kwargs)


def model(pair, *, scale):
    a, b = pair
    return {"sum": a + b, "scaled": [jnp.sin(a) * scale]}


args, kwargs = ((1.5, jnp.arange(3.0)),), {"scale": 2.0}
leaves, tree = jax.tree.flatten((args, kwargs))
flat, out_tree = flatten_fun(lu.wrap_init(model, debug_info=info(model, args, kwargs)), tree)
out = flat.call_wrapped(*leaves)
again, _ = flatten_fun(lu.wrap_init(model, debug_info=info(model, args, kwargs)), tree)


@lu.transformation
def doubled(factor, *args, **kwargs):
    out = yield args, kwargs
    yield factor * out


@lu.transformation_with_aux
def counted(*args):
    out = yield (*args, 1.0), {}
    yield out, len(args)


add = lu.wrap_init(lambda x, y: x * 10 + y, debug_info=info(jnp.add, (1.0, 1.0), {}))
with_one, count = counted(add)
both, given = argnums_partial(
    lu.wrap_init(lambda x, y, z: x - 2 * y + 3 * z, debug_info=info(jnp.add, (1.0, 1.0), {})), (2, 0), (1.0, 2.0, 3.0)
)
leaf, pair_tree = jax.tree.flatten(((1.0, 2.0),))
plain, plain_tree = flatten_fun_nokwargs(
    lu.wrap_init(lambda pair: (pair[1], pair[0]), debug_info=info(jnp.add, (1.0,), {})), pair_tree
)


def dependencies(fun, *args):
    program = jax.make_jaxpr(fun)(*args)
    known = {v: frozenset([i]) for i, v in enumerate(program.jaxpr.invars)}
    for eqn in program.jaxpr.eqns:
        read = [known.get(v, frozenset()) for v in eqn.invars if not isinstance(v, Literal)]
        known.update((v, frozenset().union(*read)) for v in eqn.outvars)
    return [sorted(known[v]) for v in program.jaxpr.outvars]


program = jax.make_jaxpr(jax.jit(lambda x: jnp.sin(x).at[jnp.array([0, 0])].add(1.0)))(jnp.ones(3))
inner = [e for e in program.jaxpr.eqns if e.primitive is jit_p][0].params["jaxpr"].jaxpr
names = [e.primitive for e in inner.eqns]
result = {
    "flat": out,
    "tree": jax.tree.unflatten(out_tree(), out),
    "grad": jax.grad(lambda a: sum(jnp.sum(v) for v in again.call_wrapped(a, *leaves[1:])))(1.5),
    "changed": doubled(with_one, 3.0).call_wrapped(4.0),
    "aux": count(),
    "partial": [both.call_wrapped(5.0, 7.0), *given],
    "plain": [plain.call_wrapped(*leaf), str(plain_tree())],
    "dependencies": dependencies(lambda x, y, z: (x * y, jnp.cos(z), y + z), 1.0, 2.0, 3.0),
    "primitives": [sin_p in names, scatter_add_p in names, call_p in names, closed_call_p in names],
}
