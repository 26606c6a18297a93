"""The hypergeometric functions 1F1 and 2F1 of real operands as primitives, differentiable in all of them.

- 1F1: the series DLMF 13.2.2, for negative x after Kummer's transformation 13.2.39
- 2F1: the series 15.2.1, for negative x after Pfaff's transformation 15.8.1; towards x = 1 the solution of the
  differential equation 15.10.1 is carried on by Taylor series from point to point; at 1 the sum 15.4.20

Derivatives in the parameters are the same sums in truncated power series of the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.ops.elementwise import add, div, mul
from gradcli.engine.ops.special import FloatArray, _lgamma
from gradcli.engine.ops.special_gamma import _like
from gradcli.engine.ops.special_jets import (
    Jet,
    Orders,
    choose,
    constant,
    exponential,
    function_of_orders,
    over,
    raised,
    times,
    variable,
)

_LIMIT = 4000
_STEPS = 60  # towards 1, each halves the distance
_TAYLOR = 72


# --- series ---------------------------------------------------------------------------------------------------------


def _series(tops: Sequence[Jet], lows: Sequence[Jet], x: FloatArray, orders: Orders) -> Jet:
    """Σ (tops)_n / (lows)_n x^n / n!; a factor 0 of the numerator ends the values, not the derivatives."""
    one = constant(1.0, orders, x.size)
    zero = (0,) * len(orders)
    whole = [t[zero] for t in tops]
    until = max([3.0, *(float(-t[(t < 0) & (t > -500)].min(initial=0.0)) + 2 for t in whole)])
    term, total = one, one.copy()
    for n in range(_LIMIT):
        for top in tops:
            term = times(term, top + n * one)
        for low in lows:
            term = over(term, low + n * one)
        term = term * (x / (n + 1.0))
        total = total + term
        size = np.abs(total) + np.abs(total[zero])
        if n > until and not (np.abs(term) > 1e-17 * size).any():
            break
    return total


def _ends(a: FloatArray) -> Any:
    """Where a numerator parameter makes the series a polynomial."""
    return (a <= 0) & (a == np.floor(a)) & (a > -500)


def _sign_gamma(x: FloatArray) -> FloatArray:
    return np.where((x < 0) & (np.floor(x) % 2 == 1), -1.0, 1.0)


def _gamma_ratio(tops: Sequence[FloatArray], lows: Sequence[FloatArray]) -> FloatArray:
    log = sum(_lgamma(t) for t in tops) - sum(_lgamma(w) for w in lows)
    sign = np.ones_like(tops[0])
    for z in (*tops, *lows):
        sign = sign * _sign_gamma(z)
    return sign * np.exp(log)


# --- 1F1 ------------------------------------------------------------------------------------------------------------


def _confluent(a: FloatArray, b: FloatArray, x: FloatArray, orders: Orders) -> FloatArray:
    i, j = orders
    scale = math.factorial(i) * math.factorial(j)

    def direct(a: FloatArray, b: FloatArray, x: FloatArray) -> FloatArray:
        n = x.size
        jet = _series([variable(a, (0,), orders, n)], [variable(b, (1,), orders, n)], x, orders)
        return np.asarray(jet[i, j] * scale)

    def kummer(a: FloatArray, b: FloatArray, x: FloatArray) -> FloatArray:
        n = x.size
        low = variable(b, (1,), orders, n)
        jet = _series([low - variable(a, (0,), orders, n)], [low], -x, orders)
        return np.asarray(jet[i, j] * scale * np.exp(x))

    def far(a: FloatArray, b: FloatArray, x: FloatArray) -> FloatArray:
        """DLMF 13.7.2 for very negative x: values only."""
        if i or j:
            return np.full_like(x, math.nan)
        term = total = np.ones_like(x)
        for k in range(30):
            term = term * (a + k) * (a - b + 1 + k) / ((k + 1) * -x)
            total = total + term
        return _gamma_ratio([b], [b - a]) * np.power(-x, -a) * total

    pole = _ends(b) & ~(_ends(a) & (a >= b))
    branches = [
        (np.isnan(a) | np.isnan(b) | np.isnan(x), lambda a, b, x: a + b + x),
        (pole, lambda a, b, x: np.full_like(x, math.inf if i + j == 0 else math.nan)),
        ((x >= 0) | _ends(a), direct),
        (x < -600, far),
        (x < 0, kummer),
    ]
    return np.asarray(choose(branches, a, b, x))


hyp1f1_derivative: Callable[..., Any] = function_of_orders(
    "hyp1f1",
    _confluent,
    [
        lambda t, a, b, x, orders: mul(t, hyp1f1_derivative(a, b, x, orders=raised(orders, 0))),
        lambda t, a, b, x, orders: mul(t, hyp1f1_derivative(a, b, x, orders=raised(orders, 1))),
        lambda t, a, b, x, orders: mul(t, _confluent_slope(a, b, x, orders)),
    ],
)


def _confluent_slope(a: Any, b: Any, x: Any, orders: Orders) -> Any:
    """The derivative in x: (a / b) 1F1(a + 1, b + 1, x), and what Leibniz's rule makes of its derivatives in a."""
    i, j = orders
    if j:
        raise NotImplementedError("derivatives of hyp1f1 in x of its derivatives in b")
    one = _like(x, 1.0)
    up = (add(a, one), add(b, one), x)
    out = mul(a, hyp1f1_derivative(*up, orders=(i, 0)))
    if i:
        out = add(out, mul(_like(x, float(i)), hyp1f1_derivative(*up, orders=(i - 1, 0))))
    return div(out, b)


# --- 2F1 ------------------------------------------------------------------------------------------------------------


def _gauss(a: FloatArray, b: FloatArray, c: FloatArray, x: FloatArray, orders: Orders) -> FloatArray:
    scale = math.prod(math.factorial(n) for n in orders)

    def jets(a: FloatArray, b: FloatArray, c: FloatArray) -> tuple[Jet, Jet, Jet]:
        at, bt, ct = (variable(v, (k,), orders, v.size) for k, v in enumerate((a, b, c)))
        return at, bt, ct

    def direct(a: FloatArray, b: FloatArray, c: FloatArray, x: FloatArray) -> FloatArray:
        at, bt, ct = jets(a, b, c)
        return np.asarray(_right(at, bt, ct, x, 1.0 - x, orders)[orders] * scale)

    def polynomial(a: FloatArray, b: FloatArray, c: FloatArray, x: FloatArray) -> FloatArray:
        if any(orders) and (np.abs(x) >= 1).any():
            return np.where(np.abs(x) < 1, direct(a, b, c, np.where(np.abs(x) < 1, x, 0.0)), math.nan)
        at, bt, ct = jets(a, b, c)
        return np.asarray(_series([at, bt], [ct], x, orders)[orders] * scale)

    def pfaff(a: FloatArray, b: FloatArray, c: FloatArray, x: FloatArray) -> FloatArray:
        at, bt, ct = jets(a, b, c)
        factor = exponential(-at * np.log1p(-x))
        return np.asarray(
            times(factor, _right(at, ct - bt, ct, x / (x - 1.0), 1.0 / (1.0 - x), orders))[orders] * scale
        )

    def at_one(a: FloatArray, b: FloatArray, c: FloatArray, x: FloatArray) -> FloatArray:
        if any(orders):
            return np.full_like(x, math.nan)
        ratio = _gamma_ratio([c, c - a - b], [c - a, c - b])
        endless = np.where(_sign_gamma(c) * _sign_gamma(a) * _sign_gamma(b) > 0, math.inf, -math.inf)
        return np.where(c - a - b > 0, ratio, endless)

    pole = _ends(c) & ~((_ends(a) & (a >= c)) | (_ends(b) & (b >= c)))
    branches = [
        (np.isnan(a) | np.isnan(b) | np.isnan(c) | np.isnan(x), lambda a, b, c, x: a + b + c + x),
        (pole, lambda a, b, c, x: np.full_like(x, math.inf if not any(orders) else math.nan)),
        (_ends(a) | _ends(b), polynomial),
        (x == 1, at_one),
        ((x >= 0) & (x < 1), direct),
        (x < 0, pfaff),
    ]
    return np.asarray(choose(branches, a, b, c, x))


def _right(a: Jet, b: Jet, c: Jet, x: FloatArray, rest: FloatArray, orders: Orders) -> Jet:
    """For 0 <= x < 1, rest being 1 - x: the series up to 0.8, from there on Taylor series of the differential equation.

    A singularity at 1 is taken out first by Euler's transformation DLMF 15.8.1.
    """
    zero = (0,) * len(orders)
    steep = (x > 0.8) & (c[zero] - a[zero] - b[zero] < 0)
    if steep.any():
        power = np.where(steep, c - a - b, 0.0)
        first, second = np.where(steep, c - a, a), np.where(steep, c - b, b)
        return times(exponential(power * np.log(rest)), _towards_one(first, second, c, x, rest, orders))
    return _towards_one(a, b, c, x, rest, orders)


def _towards_one(a: Jet, b: Jet, c: Jet, x: FloatArray, rest: FloatArray, orders: Orders) -> Jet:
    near = np.minimum(x, 0.8)
    value = _series([a, b], [c], near, orders)
    if not (x > 0.8).any():
        return value
    one = constant(1.0, orders, x.size)
    slope = times(over(times(a, b), c), _series([a + one, b + one], [c + one], near, orders))
    gap = np.where(x > 0.8, 1.0 - near, rest)  # the distance to 1, kept by itself as it gets small
    for _ in range(_STEPS):
        step = np.clip(gap - rest, 0.0, 0.5 * gap)
        if not (step > 0).any():
            break
        value, slope = _carry(a, b, c, gap, step, value, slope)
        gap = gap - step
    return value


def _carry(a: Jet, b: Jet, c: Jet, gap: FloatArray, h: FloatArray, value: Jet, slope: Jet) -> tuple[Jet, Jet]:
    """The solution at z + h by the Taylor series about z = 1 - gap, from its value and slope there."""
    z = 1.0 - gap
    one = constant(1.0, tuple(n - 1 for n in a.shape[:-1]), z.size)
    drift = c - (a + b + one) * z
    old, new = value, slope * h  # the coefficients times powers of h
    total, rise = old + new, new
    for n in range(_TAYLOR):
        first = times(drift + n * (2.0 * gap - 1.0) * one, new) * ((n + 1) * h)
        second = times(times(a + n * one, b + n * one), old) * np.square(h)
        old, new = new, (second - first) / (z * gap * ((n + 2) * (n + 1)))
        total = total + new
        rise = rise + (n + 2) * new
    return total, rise / np.where(h > 0, h, 1.0) + np.where(h > 0, 0.0, slope)


def _gauss_slope(a: Any, b: Any, c: Any, x: Any, orders: Orders) -> Any:
    """The derivative in x: (a b / c) 2F1(a + 1, b + 1, c + 1, x); of derivatives in a and b by Leibniz's rule."""
    i, j, k = orders
    if k:
        raise NotImplementedError("derivatives of hyp2f1 in x of its derivatives in c")
    one = _like(x, 1.0)
    up = (add(a, one), add(b, one), add(c, one), x)
    total: Any = None
    for p in range(min(i, 1) + 1):
        for q in range(min(j, 1) + 1):
            lead = mul(_like(x, float(i)) if p else a, _like(x, float(j)) if q else b)
            term = mul(lead, hyp2f1_derivative(*up, orders=(i - p, j - q, 0)))
            total = term if total is None else add(total, term)
    return div(total, c)


hyp2f1_derivative: Callable[..., Any] = function_of_orders(
    "hyp2f1",
    _gauss,
    [
        lambda t, a, b, c, x, orders: mul(t, hyp2f1_derivative(a, b, c, x, orders=raised(orders, 0))),
        lambda t, a, b, c, x, orders: mul(t, hyp2f1_derivative(a, b, c, x, orders=raised(orders, 1))),
        lambda t, a, b, c, x, orders: mul(t, hyp2f1_derivative(a, b, c, x, orders=raised(orders, 2))),
        lambda t, a, b, c, x, orders: mul(t, _gauss_slope(a, b, c, x, orders)),
    ],
)
