"""Incomplete gamma functions and the Hurwitz zeta function as primitives, differentiable in all operands.

- P and Q: the series DLMF 8.7.1 below x = a + 1, the continued fraction 8.9.2 above; from a = 200 on Gauss-Legendre
  quadrature of the definition 8.2.4 from x towards the thinner tail. The factor in front is written by deviations of
  x from a, so that a large exponent does not spoil it.
- derivatives in a: the same sums in truncated power series of a
- zeta: Euler-Maclaurin summation, DLMF 25.11.5 and 25.2.9
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.ops.elementwise import add, div, exp, log, mul, neg, sub
from gradcli.engine.ops.families import nary
from gradcli.engine.ops.special import (
    _BERNOULLI,
    _LGAMMA_TWO,
    _STIRLING,
    FloatArray,
    _digamma,
    _horner,
    _lgamma,
    _polygamma,
    digamma,
    hurwitz_goal,
    lgamma,
    polygamma,
)
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
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_DROP = 42.0  # the tail is cut where the density is exp(-42) of that at x


# --- factors --------------------------------------------------------------------------------------------------------


def deviance(u: FloatArray, ratio: FloatArray) -> FloatArray:
    """``u - log(ratio)`` for ratio = 1 + u: by r = u / (2 + u), log(1 + u) = 2 artanh(r), without cancellation."""
    r = np.where(np.abs(u) < 0.5, u / (2.0 + u), 0.0)
    series = _horner(np.square(r), [1.0 / (2 * k + 1) for k in range(19, 0, -1)])
    return np.where(np.abs(u) < 0.5, r * u - 2.0 * r**3 * series, u - np.log(ratio))


def stirling_rest(a: FloatArray) -> FloatArray:
    """``lgamma(a) - ((a - 1/2) log(a) - a + log(2 pi) / 2)`` for a >= 8 (DLMF 5.11.1)."""
    return _horner(np.square(1.0 / a), _STIRLING) / a


def polygammas(a: FloatArray, orders: int) -> list[FloatArray]:
    """The Taylor coefficients of lgamma(a + e) from e on: the k-th is polygamma(k - 1, a) / k!."""
    return [(_digamma(a) if k == 1 else _polygamma(k - 1, a)) / math.factorial(k) for k in range(1, orders + 1)]


def _log_front(a: FloatArray, x: FloatArray) -> FloatArray:
    """The logarithm of ``x**a exp(-x) / Γ(a + 1)``."""
    large = np.maximum(a, 8.0)
    by_deviance = (
        -large * deviance((x - large) / large, x / large) - 0.5 * np.log(2 * math.pi * large) - stirling_rest(large)
    )
    power = np.where((a == 0), 0.0, a * np.log(x))
    return np.where(a >= 8.0, by_deviance, power - x - _lgamma(a + 1.0))


def _front(a: FloatArray, x: FloatArray, order: int) -> Jet:
    log = constant(_log_front(a, x), (order,), a.size)
    for k, c in enumerate(polygammas(a + 1.0, order), 1):
        log[k] = (np.log(x) if k == 1 else 0.0) - c
    return exponential(log)


# --- incomplete gamma -----------------------------------------------------------------------------------------------


def _series(a: FloatArray, x: FloatArray, order: int) -> Jet:
    term = constant(1.0, (order,), a.size)
    total = term.copy()
    for n in range(1, 4000):
        term = over(term * x, variable(a + n, (0,), (order,), a.size))
        total += term
        if np.all(~(np.abs(term) > 1e-17 * np.abs(total))):
            break
    return times(_front(a, x, order), total)


def _fraction(a: FloatArray, x: FloatArray, order: int) -> Jet:
    at = variable(a, (0,), (order,), a.size)

    def partial(n: int) -> tuple[Jet, Jet]:
        low = constant(x + 2 * n - 1, (order,), a.size) - at
        if n == 1:
            return at, low
        return (n - 1) * (at - constant(n - 1, (order,), a.size)), low

    return times(_front(a, x, order), fraction(partial))


def _tail(a: FloatArray, x: FloatArray, order: int) -> Jet:
    """The thinner tail for large a: P for x < a, Q above."""
    left = x < a
    slope = np.abs((a - 1.0) / x - 1.0)
    bend = (a - 1.0) / np.square(x)
    width_left = 2 * _DROP / (slope + np.sqrt(np.square(slope) + 2 * _DROP * bend))
    width_right = 4 * _DROP + 12.0 * np.sqrt(x)
    for _ in range(12):  # Newton's method for the point where the logarithm of the density has dropped
        f = width_right - (a - 1.0) * np.log1p(width_right / x) - _DROP
        width_right = width_right - f / (1.0 - (a - 1.0) / (x + width_right))
    width = np.where(left, -np.minimum(width_left, x), width_right)
    t = x + 0.5 * width * (1.0 + _NODES[:, None])
    weight = _WEIGHTS[:, None] * 0.5 * np.abs(width) * np.exp(-a * deviance((t - a) / a, t / a) - stirling_rest(a)) / t
    weight = weight * np.sqrt(a / (2 * math.pi))
    points = t.size
    log = np.zeros((order + 1, points))
    for k, c in enumerate(polygammas(a, order), 1):
        log[k] = ((np.log(t) if k == 1 else 0.0) - c[None]).reshape(-1) if k == 1 else np.tile(-c, t.shape[0])
    shape = (order + 1, *t.shape)
    return np.asarray((exponential(log).reshape(shape) * weight).sum(axis=1))


def _upper_small(a: FloatArray, x: FloatArray, order: int) -> Jet:
    """Q for small a and x, where 1 - P would cancel (DLMF 8.7.3 with the leading terms joined)."""
    scaled = a * np.log(x) - _horner(a, _LGAMMA_TWO) + np.log1p(a)
    term, total = np.ones_like(x), np.zeros_like(x)
    for n in range(1, 40):
        term = term * -x / n
        total = total + term / (a + n)
    return (-np.expm1(scaled) - np.exp(scaled) * a * total)[None]


def _complement(jet: Jet) -> Jet:
    out = -jet
    out[0] = 1.0 - jet[0]
    return out


def gamma_jets(a: FloatArray, x: FloatArray, order: int, upper: bool) -> Jet:
    """The Taylor coefficients of P(a + e, x), or of Q, for a > 0 and 0 < x < inf; nan elsewhere."""
    valid = (a > 0) & (x > 0) & np.isfinite(x) & np.isfinite(a)

    def side(f: Any, gives_upper: Any) -> Any:
        def run(a: FloatArray, x: FloatArray) -> Jet:
            jet = f(a, x, order)
            swap = (gives_upper(a, x) if callable(gives_upper) else np.full(a.shape, gives_upper)) != upper
            return np.where(swap, _complement(jet), jet)

        return run

    branches = [
        (~valid, lambda a, x: np.full((order + 1, a.size), math.nan)),
        (a > QUADRATURE_FROM, side(_tail, lambda a, x: x >= a)),
    ]
    if upper and order == 0:
        branches.append(((x < 1.0) & (a < 0.5) & (a * np.abs(np.log(x)) < 1.0), side(_upper_small, True)))
    branches += [(x < a + 1.0, side(_series, False)), (valid, side(_fraction, True))]
    out = choose(branches, a, x)
    return np.asarray(out if out.ndim == 2 else np.zeros((order + 1, 0)))


def _value(a: FloatArray, x: FloatArray, upper: bool) -> FloatArray:
    out = gamma_jets(a, x, 0, upper)[0]
    zero, one = (1.0, 0.0) if upper else (0.0, 1.0)
    out = np.where((x == 0) & (a > 0), zero, out)
    out = np.where((a == 0) & (x > 0), one, out)
    out = np.where((x == math.inf) & (a >= 0) & np.isfinite(a), one, out)
    return np.where((a == math.inf) & (x >= 0) & np.isfinite(x), zero, out)


def _parameter_derivative(a: FloatArray, x: FloatArray, orders: Orders) -> FloatArray:
    (order,) = orders
    out = gamma_jets(a, x, order, False)[order] * math.factorial(order)
    return np.where(((x == 0) | (x == math.inf)) & (a > 0), 0.0, out)


def _sample_derivative(a: FloatArray, x: FloatArray) -> FloatArray:
    density = np.exp(_log_front(a, x)) * a / x
    out = -gamma_jets(a, x, 1, False)[1] / density
    tiny = x * (polygammas(a + 1.0, 1)[0] - np.log(x)) / a  # x so small that P is its first term
    out = np.where(x < 1e-12 * a, tiny, out)
    return np.where((x == 0) & (a > 0), 0.0, out)


# --- Hurwitz zeta ---------------------------------------------------------------------------------------------------


def _zeta(s: FloatArray, q: FloatArray, orders: Orders = (0,)) -> FloatArray:
    (order,) = orders
    whole = q == np.floor(q)
    pole = (q <= 0) & whole
    valid = (s > 1) & ~pole & np.isfinite(q) & ((q > 0) | (s == np.floor(s))) & (q > -1e5)
    out = choose([(valid, lambda s, q: _zeta_sum(s, q, order)[None])], s, q)
    out = out.reshape(-1) * math.factorial(order)
    if order:
        return np.where((s > 1) & (q == math.inf), 0.0, out)
    out = np.where((s == 1) | ((s > 1) & pole), math.inf, out)
    out = np.where((s == math.inf) & (q > 0), np.where(q > 1, 0.0, np.where(q == 1, 1.0, math.inf)), out)
    return np.where((s > 1) & (q == math.inf), 0.0, out)


def _power(q: FloatArray, s: FloatArray, order: int) -> Jet:
    """``q**-(s + e)``; for a negative base the derivatives are nan, as s must be whole."""
    logs = np.log(q)
    base = np.power(q, -s)
    return np.stack([base * (-logs) ** k / math.factorial(k) if k else base for k in range(order + 1)])


def _zeta_sum(s: FloatArray, q: FloatArray, order: int) -> FloatArray:
    points = s.size
    goal, whole = hurwitz_goal(s + order, q)
    total = np.zeros((order + 1, points))
    while True:
        low = q < goal
        if not low.any():
            break
        total += np.where(low, _power(np.where(low, q, 1.0), s, order), 0.0)
        q = np.where(low, q + 1.0, q)
    base = _power(q, s, order)
    at = variable(s, (0,), (order,), points)
    one = constant(1.0, (order,), points)
    tail = over(base * q, at - one) + 0.5 * base
    term = times(base / q, at)
    for j, b in enumerate(_BERNOULLI):
        tail += b / math.factorial(2 * j + 2) * term
        term = times(times(term, at + (2 * j + 1) * one), at + (2 * j + 2) * one) / np.square(q)
    return np.asarray(np.where(whole, total[order], total[order] + tail[order]))


# --- primitives -----------------------------------------------------------------------------------------------------


def _density(a: Any, x: Any) -> Any:
    """The derivative of P in x: ``x**(a-1) exp(-x) / Γ(a)``."""
    return exp(sub(sub(mul(sub(a, _like(a, 1.0)), log(x)), x), lgamma(a)))


def _like(x: Any, value: complex) -> Any:
    return np.dtype(getattr(x, "dtype", np.float64)).type(value)


def _log_slope(a: Any, x: Any) -> Any:
    return sub(log(x), digamma(a))


def _higher_in_x(t: Any, a: Any, x: Any, orders: Orders) -> Any:
    """The derivative in x of the n-th derivative of P in a: that of the density, for n <= 2."""
    (n,) = orders
    factor: Any = _like(x, 1.0)
    slope = _log_slope(a, x)
    if n == 1:
        factor = slope
    elif n == 2:
        factor = sub(mul(slope, slope), _trigamma(a))
    else:
        raise NotImplementedError(f"derivatives of order {n + 1} of the incomplete gamma function in a and x")
    return mul(t, mul(_density(a, x), factor))


def _trigamma(a: Any) -> Any:
    return polygamma(_like(a, 1.0), a)


igamma_derivative: Callable[..., Any] = function_of_orders(
    "igamma_derivative",
    _parameter_derivative,
    [
        lambda t, a, x, orders: mul(t, igamma_derivative(a, x, orders=raised(orders, 0))),
        _higher_in_x,
    ],
)
igamma_grad_a: Callable[..., Any] = nary(
    "igamma_grad_a",
    by_points(lambda a, x: _parameter_derivative(a, x, (1,))),
    [
        lambda t, out, a, x: mul(t, igamma_derivative(a, x, orders=(2,))),
        lambda t, out, a, x: _higher_in_x(t, a, x, (1,)),
    ],
    "f",
)
igamma: Callable[..., Any] = nary(
    "igamma",
    by_points(lambda a, x: _value(a, x, False)),
    [
        lambda t, out, a, x: mul(t, igamma_grad_a(a, x)),
        lambda t, out, a, x: mul(t, _density(a, x)),
    ],
    "f",
)
igammac: Callable[..., Any] = nary(
    "igammac",
    by_points(lambda a, x: _value(a, x, True)),
    [
        lambda t, out, a, x: neg(mul(t, igamma_grad_a(a, x))),
        lambda t, out, a, x: neg(mul(t, _density(a, x))),
    ],
    "f",
)
random_gamma_grad: Callable[..., Any] = nary(
    "random_gamma_grad",
    by_points(_sample_derivative),
    [
        lambda t, out, a, x: neg(
            mul(t, add(div(igamma_derivative(a, x, orders=(2,)), _density(a, x)), mul(out, _log_slope(a, x))))
        ),
        lambda t, out, a, x: neg(
            mul(t, add(_log_slope(a, x), mul(out, sub(div(sub(a, _like(a, 1.0)), x), _like(x, 1.0)))))
        ),
    ],
    "f",
)


def _zeta_in_q(t: Any, s: Any, q: Any, orders: Orders) -> Any:
    (n,) = orders
    above = add(s, _like(s, 1.0))
    out = mul(s, zeta_derivative(above, q, orders=(n,)))
    if n:
        out = add(out, mul(_like(s, float(n)), zeta_derivative(above, q, orders=(n - 1,))))
    return neg(mul(t, out))


zeta_derivative: Callable[..., Any] = function_of_orders(
    "zeta_derivative",
    _zeta,
    [lambda t, s, q, orders: mul(t, zeta_derivative(s, q, orders=raised(orders, 0))), _zeta_in_q],
)
zeta: Callable[..., Any] = nary(
    "zeta",
    by_points(_zeta),
    [
        lambda t, out, s, q: mul(t, zeta_derivative(s, q, orders=(1,))),
        lambda t, out, s, q: neg(mul(t, mul(s, zeta(add(s, _like(s, 1.0)), q)))),
    ],
    "f",
)
