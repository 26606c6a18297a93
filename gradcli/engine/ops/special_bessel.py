"""Bessel functions as primitives: exponentially scaled I0 and I1, and J of whole order.

- I: the power series DLMF 10.25.2, the integral 10.32.3 by the trapezoidal rule (which converges exponentially for a
  periodic integrand), the asymptotic series 10.40.1
- J: the power series 10.2.2, downward recurrence normalised by 10.12.4 (J. C. P. Miller), the asymptotic series 10.17.3
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.ops.elementwise import add, div, eq, mul, neg, select_n, sign, sub
from gradcli.engine.ops.families import unary
from gradcli.engine.ops.special import FloatArray
from gradcli.engine.ops.special_gamma import _like
from gradcli.engine.ops.special_jets import Orders, by_points, choose, function_of_orders

# --- I --------------------------------------------------------------------------------------------------------------

_ANGLES = np.linspace(0.0, math.pi, 65)
_ENDS_HALVED = np.where((_ANGLES == 0) | (_ANGLES == _ANGLES[-1]), 0.5, 1.0) / 64


def _i_scaled(order: int) -> Any:
    def small(y: FloatArray) -> FloatArray:
        square = np.square(0.5 * y)
        term = (0.5 * y) ** order
        total = term.copy()
        for k in range(1, 40):
            term = term * square / (k * (k + order))
            total = total + term
        return np.exp(-y) * total

    def middle(y: FloatArray) -> FloatArray:
        weights = _ENDS_HALVED * np.cos(order * _ANGLES)
        return np.asarray(np.exp(-2.0 * y[:, None] * np.square(np.sin(0.5 * _ANGLES))) @ weights)

    def large(y: FloatArray) -> FloatArray:
        term = np.ones_like(y)
        total = term.copy()
        for k in range(1, 30):
            term = term * ((2 * k - 1) ** 2 - 4 * order) / (8.0 * k * y)
            total = total + term
        return total / np.sqrt(2 * math.pi * y)

    def evaluate(x: FloatArray) -> FloatArray:
        y = np.abs(x)
        out = choose([(y <= 8.0, small), (y <= 40.0, middle), (y < math.inf, large)], y)
        out = np.where(np.isinf(y), 0.0, out)
        return np.asarray(np.copysign(out, x) if order else out)

    return by_points(evaluate)


def _i1_slope(t: Any, out: Any, x: Any) -> Any:
    zero, one = _like(x, 0.0), _like(x, 1.0)
    at_zero = eq(x, zero)
    safe = select_n(at_zero, x, one)
    slope = sub(bessel_i0e(x), mul(out, add(sign(x), div(one, safe))))
    return mul(t, select_n(at_zero, slope, _like(x, 0.5)))


bessel_i0e: Callable[..., Any] = unary(
    "bessel_i0e", _i_scaled(0), lambda t, out, x: mul(t, sub(bessel_i1e(x), mul(sign(x), out))), "f"
)
bessel_i1e: Callable[..., Any] = unary("bessel_i1e", _i_scaled(1), _i1_slope, "f")

# --- J --------------------------------------------------------------------------------------------------------------


def _j_series(y: FloatArray, n: int) -> FloatArray:
    square = -np.square(0.5 * y)
    term = np.exp(n * np.log(0.5 * y) - math.lgamma(n + 1)) if n > 20 else (0.5 * y) ** n / math.factorial(n)
    total = term.copy()
    for k in range(1, 40):
        term = term * square / (k * (k + n))
        total = total + term
    return np.asarray(total)


def _j_recurrence(y: FloatArray, n: int) -> FloatArray:
    top = max(n, int(np.max(y)))
    start = 2 * ((top + 30 + int(math.sqrt(60 * top))) // 2)
    above, here = np.zeros_like(y), np.full_like(y, 1e-300)
    total, found = np.zeros_like(y), np.zeros_like(y)
    for k in range(start, 0, -1):
        above, here = here, 2.0 * k / y * here - above  # orders k and k - 1
        if k - 1 == n:
            found = here
        if (k - 1) % 2 == 0 and k > 1:
            total = total + 2.0 * here
        shrink = np.where(np.abs(here) > 1e200, 1e-200, 1.0)
        above, here, total, found = above * shrink, here * shrink, total * shrink, found * shrink
    return found / (total + here)


def _j_asymptotic(y: FloatArray, n: int) -> FloatArray:
    mu = 4.0 * n * n
    term, real, imaginary = np.ones_like(y), np.ones_like(y), np.zeros_like(y)
    for k in range(1, 25):
        term = term * (mu - (2 * k - 1) ** 2) / (8.0 * k * y)
        signed = term if k % 4 in (0, 1) else -term
        if k % 2:
            imaginary = imaginary + signed
        else:
            real = real + signed
    quarter = n % 4  # the phase n pi / 2 exactly
    c, s = np.cos(y), np.sin(y)
    c, s = ((c, s), (s, -c), (-c, -s), (-s, c))[quarter]
    wave = real * (c + s) - imaginary * (s - c)
    return np.asarray(wave / np.sqrt(math.pi * y))


def _j(x: FloatArray, orders: Orders) -> FloatArray:
    (n,) = orders
    y = np.abs(x)
    far = max(200.0, 3.0 * n * n)
    out = choose(
        [
            (np.square(y) <= 4.0 * (n + 1), lambda y: _j_series(y, n)),
            ((y > far) & (y < math.inf), lambda y: _j_asymptotic(y, n)),
            (y <= far, lambda y: _j_recurrence(y, n)),
        ],
        y,
    )
    out = np.where(np.isinf(y), 0.0, out)
    return np.asarray(np.where(x < 0, -out, out) if n % 2 else out)


def _j_slope(t: Any, x: Any, orders: Orders) -> Any:
    (n,) = orders
    if n == 0:
        return neg(mul(t, bessel_j(x, orders=(1,))))
    return mul(t, mul(_like(x, 0.5), sub(bessel_j(x, orders=(n - 1,)), bessel_j(x, orders=(n + 1,)))))


bessel_j: Callable[..., Any] = function_of_orders("bessel_j", _j, [_j_slope])
