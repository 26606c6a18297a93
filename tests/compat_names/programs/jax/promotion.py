"""Strict promotion of dtypes and of ranks, the lattice itself, and what else is refused as JAX refuses it."""

import itertools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
from jax._src import dtypes

result = {}


def refused(f):
    try:
        return [str(x.dtype) for x in jax.tree.leaves(f())]
    except Exception as error:
        kinds = (ValueError, TypeError, IndexError)
        return [kind.__name__ for kind in kinds if isinstance(error, kind)]


# --- the lattice ------------------------------------------------------------------------------------------------------
names = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 complex64 complex128".split()
result["promote"] = [str(jnp.promote_types(a, b)) for a, b in itertools.product(names, names)]
kinds = [*(np.dtype(n) for n in names), int, float, complex]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # JAX says of each 64-bit dtype that it is cut
    result["lattice"] = [[str(t), weak] for t, weak in (dtypes.lattice_result_type(a, b) for a in kinds for b in kinds)]

# --- strict promotion of dtypes ---------------------------------------------------------------------------------------
whole, real = jnp.ones(2, jnp.int32), jnp.ones(2)
cases = {
    "int + float": lambda: whole + real, "int + 1": lambda: whole + 1, "float + 1": lambda: real + 1,
    "int + 1.0": lambda: whole + 1.0, "where": lambda: jnp.where(whole > 0, real, 0), "sin": lambda: jnp.sin(whole),
    "concatenate": lambda: jnp.concatenate([whole, real]), "list": lambda: jnp.array([1, 2.0]),
    "int * True": lambda: whole * True, "float * bool": lambda: real * (real > 0), "mean": lambda: jnp.mean(real),
    "widths": lambda: jnp.int32(1) + jnp.int8(1), "square": lambda: real**2, "half": lambda: whole / 2,
    "compiled": lambda: jax.jit(lambda a, b: a * b)(whole, real), "maximum": lambda: jnp.maximum(real, 0),
}  # fmt: skip
with jax.numpy_dtype_promotion("strict"):
    result["strict"] = {name: refused(f) for name, f in cases.items()}
jax.config.update("jax_numpy_dtype_promotion", "strict")
result["strict flag"] = refused(cases["int + float"])
jax.config.update("jax_numpy_dtype_promotion", "standard")
result["standard"] = {name: refused(f) for name, f in cases.items()}

# --- ranks ------------------------------------------------------------------------------------------------------------
x, v = jnp.ones((2, 3)), jnp.ones(3)
ranks = {
    "operator": lambda: x + v, "number": lambda: x + 1.0, "equal ranks": lambda: x + jnp.ones((1, 3)),
    "product": lambda: x @ v, "broadcast": lambda: jnp.broadcast_to(v, (2, 3)), "power": lambda: jnp.power(x, v),
    "scalar": lambda: x + jnp.float32(1), "set": lambda: x.at[0].set(v), "twice": lambda: x + v,
}  # fmt: skip
with jax.numpy_rank_promotion("raise"):
    result["ranks"] = {name: refused(f) for name, f in ranks.items()}
with jax.numpy_rank_promotion("warn"), warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    x - v
    result["warned"] = ["rank promotion" in str(w.message) for w in caught]

# --- refusals ---------------------------------------------------------------------------------------------------------
result["refusals"] = [
    refused(lambda: jax.jvp(jnp.sin, (1.0,), (jnp.ones(2),))),
    refused(lambda: jnp.einsum("ij,jk->ik", x, x)),
    refused(lambda: {jnp.float32(1): 2}),
    refused(lambda: jax.jit(lambda a, b: b, static_argnums=0)(jnp.ones(2), 1.0)),
]
result["errors"] = [
    issubclass(getattr(jax.errors, name), Exception)
    for name in ("KeyReuseError", "InconclusiveDimensionOperation", "JaxprTypeError", "JaxRuntimeError")
]

# --- the linear map of a function as a pytree -------------------------------------------------------------------------
out, push = jax.linearize(lambda p: jnp.sin(p["a"]) * p["b"], {"a": 2.0, "b": jnp.arange(3.0)})
tangent = {"a": 1.0, "b": jnp.ones(3)}
again = jax.tree.map(lambda leaf: leaf, push)
result["linearize"] = [out, push(tangent), again(tangent), jax.jit(lambda f, t: f(t))(push, tangent)]
i32 = jax.ShapeDtypeStruct((), jnp.int32)
result["ahead of time"] = jax.jit(lambda a, b: 2 * a + b).trace(i32, i32).lower().compile()(3, 4)
