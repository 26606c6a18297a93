"""A primitive of one's own with all its rules, and its use under every transformation."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jax.interpreters import ad, batching

multiply_add_p = core.Primitive("multiply_add")


def multiply_add(x, y, z):
    return multiply_add_p.bind(x, y, z)


@multiply_add_p.def_impl
def implementation(x, y, z):
    return np.add(np.multiply(x, y), z)


@multiply_add_p.def_abstract_eval
def abstract_eval(x, y, z):
    assert x.shape == y.shape == z.shape
    return jax.core.ShapedArray(x.shape, x.dtype)


def value_and_jvp(args, tangents):
    x, y, z = args
    xt, yt, zt = (jnp.zeros_like(a) if type(t) is ad.Zero else t for a, t in zip(args, tangents, strict=True))
    return multiply_add(x, y, z), multiply_add(xt, y, multiply_add(x, yt, zt))


ad.primitive_jvps[multiply_add_p] = value_and_jvp


def transpose(ct, x, y, z):
    if not ad.is_undefined_primal(x):
        return None, ct if y is None else multiply_add(ct, x, jnp.zeros_like(ct)), ct
    return multiply_add(ct, y, jnp.zeros_like(ct)), None, ct


ad.primitive_transposes[multiply_add_p] = transpose


def batch(args, dims):
    assert dims[0] == dims[1] == dims[2]
    return multiply_add(*args), dims[0]


batching.primitive_batchers[multiply_add_p] = batch


def square_add(a, b):
    return multiply_add(a, a, b)


xs = np.array([2.0, 3.0], np.float32)
two, ten = np.float32(2.0), np.float32(10.0)
result = {
    "value": square_add(two, ten),
    "jvp": jax.jvp(square_add, (two, ten), (np.float32(1.0), np.float32(1.0))),
    "grad": jax.grad(square_add)(two, ten),
    "batch": jax.vmap(square_add)(xs, xs),
    "names": [eqn.primitive.name for eqn in jax.make_jaxpr(square_add)(two, ten).jaxpr.eqns],
}
