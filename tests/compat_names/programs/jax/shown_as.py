"""How things are printed, what errors say first, and containers of results."""

import jax
import jax.numpy as jnp
from jax import lax

called = []


def first_words(f, *args):
    try:
        f(*args)
    except Exception as error:
        return type(error).__name__, str(error).split(".")[0]
    return "no error"


@jax.jit
def unread(x):
    jax.pure_callback(lambda a: called.append(1) or a, jax.ShapeDtypeStruct((), jnp.float32), x)
    return x * 2


@jax.jit
def doubled(x):
    return x * 2


unread(jnp.float32(1.0)), unread(jnp.float32(2.0))
sizes = [(doubled(jnp.ones(n)), doubled._cache_size())[1] for n in (2, 2, 3)]

result = {
    "scalar types": [repr(jnp.int32), repr(jnp.float32), repr(jnp.bool_)],
    "aval": [str(jnp.ones(3).aval), repr(jnp.ones((2, 1), jnp.int8).aval), repr(jnp.asarray(1.0).aval)],
    "jit": repr(jax.jit(abs)),
    "programs": sizes,
    "traced shape": first_words(jax.jit(lambda n: jnp.zeros(n)), 3),
    "traced shapes": first_words(jax.jit(lambda n: jnp.ones((2, n))), 3),
    "static": first_words(jax.jit(lambda x, n: x, static_argnums=1), 1.0, [1]),
    "callbacks of no use": len(called),
    "lists": [type(lax.top_k(jnp.arange(3.0), 2)).__name__, type(lax.approx_max_k(jnp.arange(3.0), 2)).__name__],
    "stacked": str(jax.make_jaxpr(lambda a, b: jnp.array([[a, b], [b, 1.0]]))(1.0, 2.0)),
}
