"""Truncated power series over NumPy vectors, by which special functions are differentiated in their parameters.

A series in one or more small quantities is an array whose leading axes are the powers and whose last is the vector of
points: ``jet[i, j]`` is the coefficient of ``e0**i * e1**j``. Also how a primitive with such derivatives is defined.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.errors import RuleError, fail
from gradcli.engine.ops.define import JvpOperand, Primitive, operand_jvp
from gradcli.engine.ops.families import add_tangents, batch_elementwise, one_dtype, same_type
from gradcli.engine.ops.shape import broadcast_to_type
from gradcli.engine.trace.tracer import bind

Jet = np.ndarray[Any, np.dtype[np.float64]]
Orders = tuple[int, ...]


# --- arithmetic -----------------------------------------------------------------------------------------------------


def constant(value: Any, orders: Orders, points: int) -> Jet:
    """The series that is only a constant."""
    out = np.zeros((*(n + 1 for n in orders), points))
    out[(0,) * len(orders)] = value
    return out


def variable(value: Any, which: Sequence[int], orders: Orders, points: int) -> Jet:
    """``value`` plus the small quantities of these numbers (those whose order is 0 are left out)."""
    out = constant(value, orders, points)
    for k in which:
        if orders[k]:
            out[tuple(int(i == k) for i in range(len(orders)))] += 1.0
    return out


def times(u: Jet, v: Jet) -> Jet:
    """The product."""
    if u[..., 0].size == 1:
        return u * v
    out = np.zeros(np.broadcast_shapes(u.shape, v.shape))
    powers = list(product(*(range(n) for n in u.shape[:-1])))
    for i in powers:
        for j in powers:
            k = tuple(a + b for a, b in zip(i, j, strict=True))
            if all(a < n for a, n in zip(k, u.shape, strict=False)):
                out[k] += u[i] * v[j]
    return out


def over(u: Jet, v: Jet) -> Jet:
    """The quotient ``u / v``, power by power."""
    if v[..., 0].size == 1:
        return u / v
    out = np.zeros(np.broadcast_shapes(u.shape, v.shape))
    powers = list(product(*(range(n) for n in v.shape[:-1])))
    zero = powers[0]
    for k in powers:
        rest = u[k].copy()
        for j in powers[1:]:
            i = tuple(a - b for a, b in zip(k, j, strict=True))
            if min(i) >= 0:
                rest -= v[j] * out[i]
        out[k] = rest / v[zero]
    return out


def exponential(u: Jet) -> Jet:
    """``exp(u)`` by the sum of the powers of what is not constant in it."""
    zero = (0,) * (u.ndim - 1)
    small = u.copy()
    small[zero] = 0.0
    out = constant(1.0, tuple(n - 1 for n in u.shape[:-1]), u.shape[-1])
    power = out.copy()
    for k in range(1, sum(n - 1 for n in u.shape[:-1]) + 1):
        power = times(power, small) / k
        out += power
    return np.asarray(out * np.exp(u[zero]))


# --- values ---------------------------------------------------------------------------------------------------------


def by_points(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function of any float dtype and shape made from one of float64 vectors: operands broadcast."""

    def apply(*args: Any, **params: Any) -> Any:
        dtype = np.asarray(args[0]).dtype
        wide = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in args))
        shape = wide[0].shape
        with np.errstate(all="ignore"):
            out = f(*(w.reshape(-1) for w in wide), **params)
        return out.reshape(shape).astype(dtype)[()]

    return apply


def choose(branches: Sequence[tuple[Any, Callable[..., Any]]], *args: Any) -> Any:
    """Evaluates each function at the points of its mask only (the first mask that holds); nan elsewhere."""
    out: Any = None
    rest = np.ones(args[0].shape, bool)
    for mask, f in branches:
        chosen = rest & mask
        rest &= ~mask
        if chosen.any():
            part = f(*(a[chosen] for a in args))
            if out is None:
                out = np.full((*part.shape[:-1], rest.size), math.nan, part.dtype)
            out[..., chosen] = part
    return np.full(rest.shape, math.nan) if out is None else out


def fraction(partial: Callable[[int], tuple[Jet, Jet]], limit: int = 4000) -> Jet:
    """The continued fraction ``a1/(b1 + a2/(b2 + ...))``, ``partial(n)`` being ``(a_n, b_n)``.

    Summed by its forward recurrence of numerators and denominators, scaled, until it no longer changes.
    """
    a, b = partial(1)
    one = np.zeros_like(b)
    one[(0,) * (b.ndim - 1)] = 1.0
    top_old, top, low_old, low = np.zeros_like(one), a, one, b
    out = over(top, low)
    open_ = np.ones(out.shape[-1], bool)  # the points that still change; others keep their value, free of more rounding
    for n in range(2, limit):
        a, b = partial(n)
        top_old, top = top, times(b, top) + times(a, top_old)
        low_old, low = low, times(b, low) + times(a, low_old)
        scale = 1.0 / np.maximum(np.abs(low[(0,) * (low.ndim - 1)]), 1e-300)
        top_old, top, low_old, low = top_old * scale, top * scale, low_old * scale, low * scale
        if n % 4 == 0:
            new = over(top, low)
            size = np.abs(new) + np.abs(new[(0,) * (new.ndim - 1)])
            changed = (np.abs(new - out) > 4e-16 * size).reshape(-1, open_.size).any(axis=0)
            out = np.where(open_, new, out)
            open_ &= changed
            if not open_.any():
                break
    return out


# --- primitives -----------------------------------------------------------------------------------------------------

ParameterRule = Callable[..., Any]


def function_of_orders(name: str, impl: Callable[..., Any], rules: Sequence[ParameterRule]) -> Callable[..., Any]:
    """A primitive with a parameter ``orders``: how often the function is differentiated in which parameter.

    ``rules[i](tangent, *operands, orders=...)`` is the linear map of operand ``i``.
    """
    kind = same_type(name, "f")

    def apply(*args: Any, orders: Orders) -> Any:
        return bind(prim, *one_dtype(args), orders=orders)

    def wrap(rule: ParameterRule) -> JvpOperand:
        def widened(tangent: Any, out: Any, *primals: Any, orders: Orders) -> Any:
            return broadcast_to_type(rule(tangent, *primals, orders=orders), type_of(out))

        return widened

    prim = Primitive(
        name,
        type_rule=kind,
        impl=by_points(impl),
        jvp=operand_jvp(apply, [wrap(r) for r in rules], add_tangents),
        batch=lambda size, args, dims, **params: batch_elementwise(apply, size, args, dims, **params),
        family="elementwise",
    )
    apply.__name__ = apply.__qualname__ = name
    return apply


def raised(orders: Orders, which: int) -> Orders:
    """The orders with one more derivative in one parameter."""
    return tuple(n + (i == which) for i, n in enumerate(orders))


def no_derivative(name: str, operand: str) -> JvpOperand:
    """The rule of an operand that a function is not differentiated in: raises RuleError that says so."""

    def rule(tangent: Any, out: Any, *primals: Any, **params: Any) -> Any:
        raise fail(
            "G203", f"{name} has no derivative with respect to {operand}", cls=RuleError,
            hint="stop_gradient on it says that it is meant as a constant",
        )  # fmt: skip

    return rule
