"""The regularized incomplete beta function as a primitive, differentiable in all operands.

The even part of the continued fraction DLMF 8.17.22, as A. R. DiDonato and A. H. Morris write it (ACM Trans. Math.
Softw. 18, 1992, 360-373), in which nothing cancels near x = 1, with the reflection 8.17.4; Gauss-Legendre quadrature
of the definition 8.17.1 from x towards the thinner tail where both parameters are above 200. Derivatives in the
parameters are the same sums in truncated power series of both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.ops.elementwise import add, exp, log, log1p, mul, neg, sub
from gradcli.engine.ops.families import nary
from gradcli.engine.ops.special import FloatArray, _lgamma, digamma, lgamma, polygamma
from gradcli.engine.ops.special_gamma import _like, deviance, polygammas, stirling_rest
from gradcli.engine.ops.special_jets import (
    Jet,
    Orders,
    by_points,
    choose,
    constant,
    exponential,
    fraction,
    function_of_orders,
    over,
    raised,
    times,
    variable,
)

QUADRATURE_FROM = 200.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_DROP = 42.0


# --- factors --------------------------------------------------------------------------------------------------------


def log_beta(a: FloatArray, b: FloatArray) -> FloatArray:
    """The logarithm of the beta function for positive operands, without cancellation for large ones."""
    small, large = np.minimum(a, b), np.maximum(a, b)
    far = np.maximum(large, 8.0)  # lgamma(large) - lgamma(large + small) by Stirling's series
    shift = -(far + small - 0.5) * np.log1p(small / far) - small * np.log(far) + small
    shift = shift + stirling_rest(far) - stirling_rest(far + small)
    return _lgamma(small) + np.where(large >= 8.0, shift, _lgamma(large) - _lgamma(large + small))


def _log_front(a: FloatArray, b: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """The logarithm of ``x**a y**b / B(a, b)``, y being 1 - x."""
    big = (a >= 8.0) & (b >= 8.0)
    u, v = np.where(big, a, 8.0), np.where(big, b, 8.0)
    n = u + v
    offset = np.where(x < y, x * n - u, v - y * n)
    by_deviance = 0.5 * np.log(u / n * v / (2 * math.pi)) + stirling_rest(n) - stirling_rest(u) - stirling_rest(v)
    by_deviance = by_deviance - u * deviance(offset / u, x * n / u) - v * deviance(-offset / v, y * n / v)
    lower = np.where(x < 0.5, np.log(x), np.log1p(-y))
    upper = np.where(y < 0.5, np.log(y), np.log1p(-x))
    return np.where(big, by_deviance, a * lower + b * upper - log_beta(a, b))


def _log_jet(a: FloatArray, b: FloatArray, logs: tuple[Any, Any], orders: Orders) -> Jet:
    """The logarithm of ``x**(a + e0) y**(b + e1) / B(a + e0, b + e1)``, without its constant term."""
    out = np.zeros((orders[0] + 1, orders[1] + 1, a.size))
    total = sum(orders)
    both = polygammas(a + b, total)
    for k in range(1, total + 1):
        for i in range(max(0, k - orders[1]), min(k, orders[0]) + 1):
            out[i, k - i] += math.comb(k, i) * both[k - 1]
    for k, c in enumerate(polygammas(a, orders[0]), 1):
        out[k, 0] += (logs[0] if k == 1 else 0.0) - c
    for k, c in enumerate(polygammas(b, orders[1]), 1):
        out[0, k] += (logs[1] if k == 1 else 0.0) - c
    return out


# --- sums -----------------------------------------------------------------------------------------------------------


def _fraction(a: FloatArray, b: FloatArray, x: FloatArray, y: FloatArray, orders: Orders) -> Jet:
    n = a.size
    at, bt = variable(a, (0,), orders, n), variable(b, (1,), orders, n)
    both = variable(a + b, (0, 1), orders, n)
    one = constant(1.0, orders, n)
    start = at * y - bt * x + one

    def partial(k: int) -> tuple[Jet, Jet]:
        m = k - 1
        low = over(times(at + m * one, start + m * (1.0 + y) * one), at + (2 * m + 1) * one)
        if m == 0:
            return one, low
        share = over((bt - m * one) * (m * x), at + (2 * m - 1) * one)
        top = over(times(times(at + (m - 1) * one, both + (m - 1) * one), share), at + (2 * m - 1) * one)
        return top * x, low + share + m * one

    log = _log_jet(a, b, (np.log(x), np.log(y)), orders)
    log[0, 0] = _log_front(a, b, x, y)
    return times(exponential(log), fraction(partial))


def _tail(a: FloatArray, b: FloatArray, x: FloatArray, y: FloatArray, orders: Orders) -> Jet:
    """The integral from x down to 0, for large a and b and x below the mean."""
    slope = np.maximum((a - 1.0) / x - (b - 1.0) / y, 0.0)
    bend = (a - 1.0) / np.square(x)
    width = np.minimum(2 * _DROP / (slope + np.sqrt(np.square(slope) + 2 * _DROP * bend)), 0.999 * x)
    for _ in range(30):  # Newton's method from beyond for the point where the logarithm of the density has dropped
        f = (a - 1.0) * np.log1p(-width / x) + (b - 1.0) * np.log1p(width / y) + _DROP
        width = width - f / ((b - 1.0) / (y + width) - (a - 1.0) / (x - width))
    down = 0.5 * width * (1.0 + _NODES[:, None])
    t, s = x - down, y + down
    wide = [np.broadcast_to(z, t.shape) for z in (a, b)]
    front = _log_front(*(w.reshape(-1) for w in (*wide, t, s))).reshape(t.shape)
    weight = 0.5 * width * _WEIGHTS[:, None] * np.exp(front) / (t * s)
    logs = (np.log(t).reshape(-1), np.log(s).reshape(-1))
    jet = exponential(_log_jet(wide[0].reshape(-1), wide[1].reshape(-1), logs, orders))
    return np.asarray((jet.reshape(*jet.shape[:2], *t.shape) * weight).sum(axis=2))


def _flipped(a: FloatArray, b: FloatArray, x: FloatArray, orders: Orders) -> Jet:
    """1 - I(b, a, 1 - x) (DLMF 8.17.4)."""
    jet = -np.swapaxes(_lower(b, a, 1.0 - x, x, orders[::-1]), 0, 1)
    jet[0, 0] += 1.0
    return jet


def _lower(a: FloatArray, b: FloatArray, x: FloatArray, y: FloatArray, orders: Orders) -> Jet:
    big = (a > QUADRATURE_FROM) & (b > QUADRATURE_FROM)
    out = choose(
        [
            (big, lambda a, b, x, y: _tail(a, b, x, y, orders)),
            (~big, lambda a, b, x, y: _fraction(a, b, x, y, orders)),
        ],
        a, b, x, y,
    )  # fmt: skip
    return np.asarray(out)


def beta_jets(a: FloatArray, b: FloatArray, x: FloatArray, orders: Orders) -> Jet:
    """The Taylor coefficients of I(a + e0, b + e1, x) for a, b > 0 and 0 < x < 1; nan elsewhere."""
    valid = (a > 0) & (b > 0) & (x > 0) & (x < 1) & np.isfinite(a) & np.isfinite(b)
    mean = np.where((a > QUADRATURE_FROM) & (b > QUADRATURE_FROM), a / (a + b), (a + 1.0) / (a + b + 2.0))
    out = choose(
        [
            (~valid, lambda a, b, x: np.full((orders[0] + 1, orders[1] + 1, a.size), math.nan)),
            (x <= mean, lambda a, b, x: _lower(a, b, x, 1.0 - x, orders)),
            (x > mean, lambda a, b, x: _flipped(a, b, x, orders)),
        ],
        a, b, x,
    )  # fmt: skip
    return np.asarray(out if out.ndim == 3 else np.zeros((orders[0] + 1, orders[1] + 1, 0)))


def _value(a: FloatArray, b: FloatArray, x: FloatArray) -> FloatArray:
    out = beta_jets(a, b, x, (0, 0))[0, 0]
    inside = (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
    out = np.where(inside & (x == 0), 0.0, np.where(inside & (x == 1), 1.0, out))
    return np.where((a > 0) & (b == 0) & (x >= 0) & (x <= 1), np.where(x == 1, 1.0, 0.0), out)


def _parameter_derivative(a: FloatArray, b: FloatArray, x: FloatArray, orders: Orders) -> FloatArray:
    i, j = orders
    out = beta_jets(a, b, x, orders)[i, j] * math.factorial(i) * math.factorial(j)
    return np.where((a > 0) & (b > 0) & ((x == 0) | (x == 1)), 0.0, out)


# --- primitives -----------------------------------------------------------------------------------------------------


def _density(a: Any, b: Any, x: Any) -> Any:
    one = _like(x, 1.0)
    power = add(mul(sub(a, one), log(x)), mul(sub(b, one), log1p(neg(x))))
    return exp(add(power, sub(lgamma(add(a, b)), add(lgamma(a), lgamma(b)))))


def _in_x(t: Any, a: Any, b: Any, x: Any, orders: Orders) -> Any:
    """The derivative in x of a derivative in the parameters: that of the density, up to the second order."""
    i, j = orders
    if i + j > 2:
        raise NotImplementedError(f"derivatives of order {i + j} of betainc in its parameters, and one in x")
    both = digamma(add(a, b))
    slopes = [sub(add(log(x), both), digamma(a)), sub(add(log1p(neg(x)), both), digamma(b))]
    factor: Any = _like(x, 1.0)
    for slope in [slopes[0]] * i + [slopes[1]] * j:
        factor = mul(factor, slope)
    if i + j == 2:
        one = _like(x, 1.0)
        factor = add(factor, polygamma(one, add(a, b)))
        if i != j:
            factor = sub(factor, polygamma(one, a if i else b))
    return mul(t, mul(_density(a, b, x), factor))


betainc_derivative: Callable[..., Any] = function_of_orders(
    "regularized_incomplete_beta_derivative",
    _parameter_derivative,
    [
        lambda t, a, b, x, orders: mul(t, betainc_derivative(a, b, x, orders=raised(orders, 0))),
        lambda t, a, b, x, orders: mul(t, betainc_derivative(a, b, x, orders=raised(orders, 1))),
        _in_x,
    ],
)
betainc: Callable[..., Any] = nary(
    "regularized_incomplete_beta",
    by_points(_value),
    [
        lambda t, out, a, b, x: mul(t, betainc_derivative(a, b, x, orders=(1, 0))),
        lambda t, out, a, b, x: mul(t, betainc_derivative(a, b, x, orders=(0, 1))),
        lambda t, out, a, b, x: mul(t, _density(a, b, x)),
    ],
    "f",
)
