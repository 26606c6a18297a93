"""What stands between a function and its numbers: stages of jit, flags that look at values, stepping, printing."""

import contextlib
import io

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

result = {}


def refused(f):
    try:
        f()
    except Exception as error:
        kinds = (ValueError, TypeError, FloatingPointError)
        return [kind.__name__ for kind in kinds if isinstance(error, kind)]
    return "nothing"


# --- stages -----------------------------------------------------------------------------------------------------------
traced = jax.jit(lambda x, y: {"sum": x + y, "sin": jnp.sin(y)}).trace(jnp.ones(3), 2.0)
lowered = traced.lower()
result["out_info"] = {k: (v.shape, str(v.dtype)) for k, v in traced.out_info.items()}
result["in_avals"] = [str(a.dtype) for a in lowered.in_avals[0]]
result["compiled"] = lowered.compile()(jnp.arange(3.0), 4.0)
like = jax.ShapeDtypeStruct.like(jnp.ones((2, 3), jnp.int32))
result["like"] = [like.shape, str(like.dtype)]

# --- indices out of bounds --------------------------------------------------------------------------------------------
x = jnp.arange(10)
result["clamped"] = [x[11], x[-11], jnp.arange(6.0).reshape(2, 3)[5, 1], jax.jit(lambda v: v[12])(x), x.at[11].set(9)]
result["gradient"] = jax.grad(lambda v: v[11] * 2.0)(jnp.arange(10.0))

# --- looking for nans -------------------------------------------------------------------------------------------------
jax.config.update("jax_debug_nans", True)
result["nans"] = [refused(lambda: jnp.log(-jnp.ones(2))), refused(lambda: jax.jit(jnp.log)(-1.0)), jnp.log(2.0)]
with jax.debug_nans(False):
    result["nans off"] = jnp.isnan(jnp.log(-1.0))
jax.config.update("jax_debug_nans", False)
with jax.debug_infs(True):
    result["infs"] = refused(lambda: jnp.float32(1.0) / jnp.zeros(2))

# --- step by step -----------------------------------------------------------------------------------------------------
seen = []


def step(c, x):
    seen.append(float(c))
    return c + x, {"twice": c * 2.0}


with jax.disable_jit():
    result["steps"] = [
        lax.scan(step, 1.0, jnp.arange(3.0)),
        lax.scan(step, 0.0, jnp.arange(3.0), reverse=True),
        lax.while_loop(lambda c: float(c) < 4.0, lambda c: c * 2.0, 1.0),
        lax.fori_loop(0, 3, lambda i, c: c + int(i), 0),
        lax.cond(jnp.array(True), lambda: 1.0, lambda: 2.0),
        lax.switch(1, [lambda v: v, lambda v: -v], 3.0),
        jax.jit(lambda v: v if float(v) > 0 else -v)(-5.0),
        jax.grad(lambda v: lax.scan(lambda c, r: (c * r, c), v, jnp.arange(1.0, 4.0))[0])(2.0),
    ]
result["seen"] = seen
jax.config.update("jax_disable_jit", True)
result["flag"] = jax.jit(lambda v: v if float(v) > 0 else -v)(-5.0)
jax.config.update("jax_disable_jit", False)

# --- printing ---------------------------------------------------------------------------------------------------------
third = jnp.float32(1.0) / 3
result["formats"] = [f"{third}", f"{third:.3f}", str(third), f"{jnp.arange(3)}", f"{jnp.int32(5):>8}"]
shown = io.StringIO()
with contextlib.redirect_stdout(shown):
    jax.debug.print("{a} {b:.2f} {c}", a=third, b=third, c={"k": jnp.arange(2)})
    jax.effects_barrier()
result["printed"] = shown.getvalue()


# --- callbacks and rules that cannot be differentiated ---------------------------------------------------------------
def called(v):
    return jax.pure_callback(np.sin, jax.ShapeDtypeStruct.like(v), v)


@jax.custom_vjp
def clipped(lo, hi, v):
    return v


clipped.defvjp(lambda lo, hi, v: (v, (lo, hi)), lambda res, g: (None, None, jnp.clip(g, *res)))
result["refusals"] = [
    refused(lambda: jax.grad(called)(1.0)),
    refused(lambda: jax.jvp(lambda v: clipped(-1.0, 1.0, v), (3.0,), (1.0,))),
]


# --- custom rules outside of transformations: the function itself -----------------------------------------------------
@jax.custom_jvp
def pair(v):
    return {"given": v, "sin": jnp.sin(v)}


pair.defjvp(lambda p, t: (pair(*p), {"given": t[0], "sin": jnp.cos(p[0]) * t[0]}))
result["custom"] = [isinstance(pair(2.0)["given"], float), jax.grad(lambda v: pair(v)["sin"])(2.0)]

# --- jit of one function ----------------------------------------------------------------------------------------------
offset, times = 0.0, []


def shifted(v, n=1):
    times.append(1)
    return v * n + offset


again = [jax.jit(shifted)(4.0)]
offset = 10.0
again += [jax.jit(shifted)(5.0), jax.jit(shifted)(jnp.array([4.0])), jax.jit(shifted, static_argnums=1)(4.0, 2)]
result["one function"] = [again, len(times)]

# --- programs by their parts ------------------------------------------------------------------------------------------
closed = jax.make_jaxpr(lambda v: jnp.sin(v) * 2.0)(1.0)
swapped = [
    e.replace(primitive=lax.cos_p, params={**e.params}) if e.primitive is lax.sin_p else e for e in closed.jaxpr.eqns
]
result["replaced"] = [e.primitive.name for e in swapped]
result["pretty"] = closed.pretty_print(use_color=False) == str(closed)
