"""Primitives of one's own, with reverse and forward rules, to second order; notrace and linear ones; containers."""

import autograd.numpy as np
from autograd import grad, hessian, jacobian, make_jvp, make_vjp
from autograd.builtins import isinstance, tuple
from autograd.extend import def_linear, defjvp, defvjp, defvjp_argnums, notrace_primitive, primitive, vspace
from autograd.test_util import check_grads
from autograd.tracer import getval, isbox

x = np.array([1.5, 2.0, -0.5])


@primitive
def logsumexp(x):
    """Numerically stable log(sum(exp(x)))."""
    max_x = np.max(x)
    return max_x + np.log(np.sum(np.exp(x - max_x)))


def logsumexp_vjp(ans, x):
    x_shape = x.shape
    return lambda g: np.full(x_shape, g) * np.exp(x - np.full(x_shape, ans))


defvjp(logsumexp, logsumexp_vjp)


@primitive
def product(a, b, scale=1.0):
    return np.asarray(a) * b * scale


defvjp(product, lambda ans, a, b, scale=1.0: lambda g: g * b * scale,
       lambda ans, a, b, scale=1.0: lambda g: g * a * scale)  # fmt: skip
defjvp(product, lambda g, ans, a, b, scale=1.0: g * b * scale, "same")


@primitive
def scaled(a, factor):
    return a * factor


defvjp(scaled, lambda ans, a, factor: lambda g: scaled(g, factor), None)
def_linear(scaled)


@primitive
def pair(a, b):
    return a * b + np.sin(a)


def pair_vjp(argnums, ans, args, kwargs):
    a, b = args
    parts = {0: b + np.cos(a), 1: a}
    return lambda g: tuple([g * parts[n] for n in argnums])


defvjp_argnums(pair, pair_vjp)
seen = []


@notrace_primitive
def record(v):
    seen.append(float(np.sum(v)))
    return 2.0


def example(y):
    z = y**2
    return logsumexp(z) + record(z)


def asks(v):
    assert isinstance(v, np.ndarray) and isbox(v)
    seen.append(float(np.sum(getval(v))))
    return np.sum(v**2)


@primitive
def unruled(v):
    return v * 2


try:
    grad(lambda t: unruled(t))(1.0)
    missing = "nothing"
except NotImplementedError as error:
    missing = str(error).split(" wrt")[0]
check_grads(example, modes=["rev"], order=2)(x)
check_grads(product, (0, 1), order=2)(x, x * 2)
result = {
    "value": logsumexp(x),
    "grad": grad(example)(x),
    "hessian": hessian(logsumexp)(x),
    "jacobian": jacobian(lambda v: product(v, v, scale=3.0))(x),
    "forward": make_jvp(lambda v: product(v, np.cos(v)))(x)(np.ones(3)),
    "vjp": make_vjp(scaled)(x, 3.0)[0](np.ones(3)),
    "pair": grad(lambda a: pair(a, a * 2))(1.5),
    "asks": grad(asks)(x),
    "missing": missing,
    "vspace": [int(vspace(x).size), int(vspace([x, 1.0]).size), vspace(1j).iscomplex, vspace(x).zeros()],
}
assert seen
