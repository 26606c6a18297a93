"""Modules under autograd's names over the engine: its differential operators, and NumPy as its ``autograd.numpy``."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.plain import numpy_module
from gradcli.engine import api
from gradcli.engine.custom import as_value

Function = Callable[..., Any]


def _floats(x: Any) -> Any:
    """autograd differentiates integers as floats."""
    return x * 1.0 if not isinstance(x, (list, tuple, dict)) else x


def _unary(operator: Function) -> Function:
    """An operator of the engine with autograd's ``argnum``; functions may get further arguments as they are."""

    @functools.wraps(operator)
    def with_argnum(fun: Function, argnum: Any = 0, *rest: Any, **options: Any) -> Function:
        argnums = tuple(argnum) if isinstance(argnum, (list, tuple)) else argnum

        @functools.wraps(fun, updated=())
        def run(*args: Any, **kwargs: Any) -> Any:
            picked = argnums if isinstance(argnums, tuple) else (argnums,)
            full = [_floats(a) if i in picked else a for i, a in enumerate(args)]
            return operator(fun, argnums)(*full, **kwargs)

        return run

    return with_argnum


grad = _unary(api.grad)
value_and_grad = _unary(api.value_and_grad)
jacobian = _unary(api.jacrev)
hessian = _unary(api.hessian)


def elementwise_grad(fun: Function, argnum: int = 0) -> Function:
    """The gradient of the sum of the outputs: the derivative of each output for an elementwise function."""
    summed: Function = grad(lambda *args, **kwargs: gnp.sum(gnp.asarray(fun(*args, **kwargs))), argnum)
    return summed


egrad = elementwise_grad


def make_vjp(fun: Function, argnum: int = 0) -> Function:
    """``make_vjp(f)(x) -> (vjp, value)``."""

    def run(*args: Any) -> Any:
        def of_one(x: Any) -> Any:
            return fun(*args[:argnum], x, *args[argnum + 1 :])

        value, pull = api.vjp(of_one, _floats(args[argnum]))
        return (lambda g: pull(as_value(g))[0]), value

    return run


def make_jvp(fun: Function, argnum: int = 0) -> Function:
    """``make_jvp(f)(x)(v) -> (value, tangent)``."""

    def run(*args: Any) -> Any:
        def of_one(x: Any) -> Any:
            return fun(*args[:argnum], x, *args[argnum + 1 :])

        return lambda v: api.jvp(of_one, (_floats(args[argnum]),), (v,))

    return run


def make_hvp(fun: Function, argnum: int = 0) -> Function:
    """``make_hvp(f)(x) -> (hvp, gradient)``."""
    return make_vjp(grad(fun, argnum), argnum)


def hessian_vector_product(fun: Function, argnum: int = 0) -> Function:
    """``hvp(*args, v)``: the Hessian times v."""

    def run(*args: Any) -> Any:
        *points, v = args
        return make_jvp(grad(fun, argnum), argnum)(*points)(v)[1]

    return run


@functools.cache
def modules() -> dict[str, types.ModuleType]:
    """Every module by its full name."""
    operators = {f.__name__: f for f in (elementwise_grad, make_vjp, make_jvp, make_hvp, hessian_vector_product)} | {
        "grad": grad,
        "value_and_grad": value_and_grad,
        "jacobian": jacobian,
        "hessian": hessian,
        "egrad": egrad,
    }
    root = types.ModuleType("autograd", "gradcli's stand-in for autograd.")
    root.__dict__.update(operators, numpy=numpy_module(), __path__=[], __version__="1.9.1")
    differential = types.ModuleType("autograd.differential_operators")
    differential.__dict__.update(operators)
    test_util = types.ModuleType("autograd.test_util")
    test_util.__dict__["check_grads"] = lambda f, modes=("fwd", "rev"), order=2: (
        lambda *args: api.check_grads(f, args, order, modes)
    )
    return {
        "autograd": root,
        "autograd.numpy": numpy_module(),
        "autograd.numpy.linalg": np.linalg,
        "autograd.numpy.random": np.random,
        "autograd.differential_operators": differential,
        "autograd.test_util": test_util,
    }
