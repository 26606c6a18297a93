"""``autograd.misc`` and ``autograd.builtins``: vectors of containers, optimizers, fixed points, and asking for types.

Momentum: Polyak 1964; RMSProp: Tieleman and Hinton 2012; Adam: Kingma and Ba 2015. The derivative of a fixed point is
that of the implicit function theorem (Christianson 1994).
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.compat.autogradnames.extend import defvjp, notrace_primitive, primitive
from gradcli.compat.autogradnames.operators import vjp_of
from gradcli.compat.autogradnames.vspace import vspace
from gradcli.engine.array import type_of
from gradcli.engine.tree import tree_flatten, tree_unflatten

Function = Callable[..., Any]

isinstance_standin = notrace_primitive(builtins.isinstance)
type_standin = notrace_primitive(builtins.type)
BUILTINS: dict[str, Any] = {
    "isinstance": isinstance_standin, "type": type_standin, "list": list, "dict": dict, "tuple": tuple,
    "isinstance_": builtins.isinstance, "type_": builtins.type, "list_": list, "dict_": dict, "tuple_": tuple,
}  # fmt: skip


def flatten(value: Any) -> tuple[Any, Function]:
    """All numbers of nested containers as one vector, and the function that builds the containers again."""
    leaves, tree = tree_flatten(value)
    shapes = [type_of(x).shape for x in leaves]
    scalars = [builtins.isinstance(x, (float, int)) for x in leaves]
    bounds = np.cumsum([0, *(int(np.prod(s)) for s in shapes)])

    def unflatten(vector: Any) -> Any:
        parts = [
            vector[a] if scalar else np.reshape(vector[a:b], shape)
            for a, b, shape, scalar in zip(bounds, bounds[1:], shapes, scalars, strict=False)
        ]
        return tree_unflatten(tree, parts)

    rows = [np.reshape(x, (-1,)) for x in leaves]
    return (np.concatenate(rows) if rows else np.zeros(0)), unflatten


def flatten_func(func: Function, example: Any) -> tuple[Function, Function, Any]:
    """``func`` as a function of vectors: ``(flat_func, unflatten, flat_example)``."""
    flat_example, unflatten = flatten(example)

    def flat_func(vector: Any, *args: Any) -> Any:
        return flatten(func(unflatten(vector), *args))[0]

    return flat_func, unflatten, flat_example


def unflatten_optimizer(optimize: Function) -> Function:
    """An optimizer of vectors as one of nested containers."""

    @functools.wraps(optimize)
    def run(grad: Function, x0: Any, callback: Function | None = None, *args: Any, **kwargs: Any) -> Any:
        start, unflatten = flatten(x0)

        def flat_grad(x: Any, i: int) -> Any:
            return flatten(grad(unflatten(x), i))[0]

        def flat_callback(x: Any, i: int, g: Any) -> None:
            if callback is not None:
                callback(unflatten(x), i, unflatten(g))

        return unflatten(optimize(flat_grad, start, flat_callback, *args, **kwargs))

    return run


@unflatten_optimizer
def sgd(
    grad: Function, x: Any, callback: Any = None, num_iters: int = 200, step_size: float = 0.1, mass: float = 0.9
) -> Any:
    """Gradient descent with momentum; ``grad(x, i)``, ``callback(x, i, g)``."""
    velocity = np.zeros(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        callback(x, i, g)
        velocity = mass * velocity - (1.0 - mass) * g
        x = x + step_size * velocity
    return x


@unflatten_optimizer
def rmsprop(
    grad: Function, x: Any, callback: Any = None, num_iters: int = 100, step_size: float = 0.1, gamma: float = 0.9,
    eps: float = 1e-8,
) -> Any:  # fmt: skip
    """RMSProp."""
    mean_square = np.ones(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        callback(x, i, g)
        mean_square = mean_square * gamma + g**2 * (1 - gamma)
        x = x - step_size * g / (np.sqrt(mean_square) + eps)
    return x


@unflatten_optimizer
def adam(
    grad: Function, x: Any, callback: Any = None, num_iters: int = 100, step_size: float = 0.001, b1: float = 0.9,
    b2: float = 0.999, eps: float = 1e-8,
) -> Any:  # fmt: skip
    """Adam."""
    m, v = np.zeros(len(x)), np.zeros(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        callback(x, i, g)
        m = (1 - b1) * g + b1 * m
        v = (1 - b2) * g**2 + b2 * v
        x = x - step_size * (m / (1 - b1 ** (i + 1))) / (np.sqrt(v / (1 - b2 ** (i + 1))) + eps)
    return x


def _iterate(f: Function, a: Any, x0: Any, distance: Function, tol: float) -> Any:
    step = f(a)
    x, before = step(x0), x0
    while distance(x, before) > tol:
        x, before = step(x), x
    return x


fixed_point = primitive(_iterate)
fixed_point.__name__ = "fixed_point"
fixed_point.__doc__ = """The fixed point of ``f(a)``, reached from ``x0`` by steps until ``distance`` is below ``tol``.

It can be differentiated with respect to ``a``.
"""


def _fixed_point_vjp(ans: Any, f: Function, a: Any, x0: Any, distance: Function, tol: float) -> Function:
    def adjoint_step(packed: Any) -> Function:
        at, x_star, x_bar = packed
        pull, _ = vjp_of(f(at), x_star)
        space = vspace(x_star)
        return lambda g: space.add(pull(g), x_bar)

    def vjp(g: Any) -> Any:
        pull, _ = vjp_of(lambda at: f(at)(ans), a)
        return pull(fixed_point(adjoint_step, (a, ans, g), vspace(x0).zeros(), distance, tol))

    return vjp


defvjp(fixed_point, _fixed_point_vjp, None, argnums=(1, 2))
