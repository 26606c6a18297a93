"""Special functions as primitives: the error function and its relatives, log gamma and its derivatives.

NumPy has none of them. They are evaluated in float64 with an error of a few units in the last place and rounded to the
operand's dtype:

- erf, erfc: rational approximations of W. J. Cody, Math. Comp. 23 (1969), 631-637
- lgamma, digamma: Taylor series at 2 (DLMF 5.7.3), recurrence (5.5.1), reflection (5.5.3) and asymptotic series (5.11)
- polygamma: recurrence and Euler-Maclaurin summation of the Hurwitz zeta function (DLMF 25.11.5, 5.15.1)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.errors import RuleError, fail
from gradcli.engine.ops.elementwise import add, exp, mul, neg, square
from gradcli.engine.ops.erf_inv import erf_inv as erf_inv
from gradcli.engine.ops.families import nary, unary

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

# --- evaluation -----------------------------------------------------------------------------------------------------


def _in_float64(f: Callable[[FloatArray], FloatArray]) -> Callable[[Any], Any]:
    """The NumPy function of any float dtype made from one of float64 vectors."""

    def apply(x: Any) -> Any:
        x = np.asarray(x)
        with np.errstate(all="ignore"):
            return f(x.astype(np.float64).reshape(-1)).reshape(x.shape).astype(x.dtype)[()]

    return apply


def _horner(x: FloatArray, coefficients: Sequence[float]) -> FloatArray:
    """The polynomial with these coefficients, highest power first."""
    out = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        out *= x
        out += c
    return out


_CODY_SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)  # fmt: skip
_CODY_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_CODY_LARGE = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip


def _ratio(x: FloatArray, table: Sequence[Sequence[float]]) -> FloatArray:
    return _horner(x, table[0]) / _horner(x, table[1])


def _erfc_tail(y: FloatArray) -> FloatArray:
    """erfc for y > 0.46875; the square is split so that its rounding does not reach the exponential."""
    inverse = 1.0 / np.square(np.maximum(y, 4.0))
    large = (1.0 / math.sqrt(math.pi) - inverse * _ratio(inverse, _CODY_LARGE)) / y
    factor = np.where(y <= 4.0, _ratio(np.minimum(y, 4.0), _CODY_MIDDLE), large)
    near = np.trunc(np.minimum(y, 30.0) * 16.0) / 16.0
    out = np.exp(-near * near) * np.exp(-(y - near) * (y + near)) * factor
    return np.where(y > 27.3, 0.0, out)  # below the smallest subnormal; infinity would be 0 * inf


def _erf(x: FloatArray) -> FloatArray:
    y = np.abs(x)
    small = np.minimum(y, 0.46875)
    inner = x * _ratio(np.square(small), _CODY_SMALL)
    outer = np.copysign((0.5 - _erfc_tail(np.maximum(y, 0.46875))) + 0.5, x)
    return np.where(y <= 0.46875, inner, np.where(np.isnan(x), x, outer))


def _erfc(x: FloatArray) -> FloatArray:
    y = np.abs(x)
    tail = _erfc_tail(np.maximum(y, 0.46875))
    outer = np.where(x < 0, 2.0 - tail, tail)
    return np.where(y <= 0.46875, 1.0 - _erf(x), np.where(np.isnan(x), x, outer))


def _zeta_minus_one(n: int) -> float:
    """ζ(n) - 1 by Euler-Maclaurin summation from 12 on (DLMF 25.2.9)."""
    head = math.fsum(k**-n for k in range(2, 12))
    a = 12.0
    tail = a ** (1 - n) / (n - 1) + 0.5 * a**-n
    term, factor = a ** (-n - 1) * n, 1.0
    for j, b in enumerate(_BERNOULLI[:8]):
        factor = b / math.factorial(2 * j + 2)
        tail += factor * term
        term *= (n + 2 * j + 1) * (n + 2 * j + 2) / (a * a)
    return head + tail


_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330,
)  # fmt: skip
_EULER = 0.57721566490153286061
_ZETA = [_zeta_minus_one(k) for k in range(2, 30)]
# the Taylor coefficients of lgamma(2 + z), highest power first, down to z, and those of digamma(2 + z)
_LGAMMA_TWO = [(-1) ** k * z / k for k, z in reversed(list(enumerate(_ZETA, 2)))] + [1 - _EULER, 0.0]
_DIGAMMA_TWO = [(-1) ** k * z for k, z in reversed(list(enumerate(_ZETA, 2)))] + [1 - _EULER]

# those of the asymptotic series of both, in 1/x^2, highest power first
_STIRLING = [b / ((2 * k + 1) * (2 * k + 2)) for k, b in reversed(list(enumerate(_BERNOULLI)))]
_STIRLING_SLOPE = [b / (2 * k + 2) for k, b in reversed(list(enumerate(_BERNOULLI)))]


def _lgamma(x: FloatArray) -> FloatArray:
    flipped = x < 0.5
    positive = np.where(flipped, 1.0 - x, x)
    out = _lgamma_right(positive)
    tiny = np.abs(x) < 1e-8
    reflected = np.log(math.pi) - np.log(np.abs(_sin_pi(np.where(tiny, 0.5, x)))) - out
    reflected = np.where(tiny, -np.log(np.abs(x)) - _EULER * x, reflected)
    near = (x > 0) & flipped & ~tiny  # no reflection where the recurrence will do
    reflected = np.where(near, _lgamma_right(np.where(near, x + 1.0, 1.0)) - np.log(np.where(near, x, 1.0)), reflected)
    out = np.where(flipped, reflected, out)
    pole = (x <= 0) & (x == np.floor(x))
    return np.where(pole | np.isinf(x), math.inf, out)


def _sin_pi(x: FloatArray) -> FloatArray:
    """sin(pi x), exact about the reduction by whole periods."""
    return np.sin(math.pi * (x - 2.0 * np.round(0.5 * x)))


def _lgamma_right(x: FloatArray) -> FloatArray:
    """For x >= 0.5: brought by the recurrence to within 0.5 of 2, where a Taylor series keeps the zeros at 1 and 2."""
    shifted = np.minimum(x, 8.0)
    product = np.ones_like(x)
    for _ in range(6):
        down = shifted > 2.5
        shifted = np.where(down, shifted - 1.0, shifted)
        product = np.where(down, product * shifted, product)
    up = shifted < 1.5
    near = _horner(np.where(up, shifted - 1.0, shifted - 2.0), _LGAMMA_TWO)
    near = np.where(up, near - np.log1p(np.where(up, shifted - 1.0, 0.0)), near + np.log(product))
    far = np.maximum(x, 8.0)
    inverse = 1.0 / far
    series = _horner(np.square(inverse), _STIRLING)
    stirling = (far - 0.5) * np.log(far) - far + 0.5 * math.log(2 * math.pi) + inverse * series
    return np.where(x > 8.0, stirling, near)


def _digamma(x: FloatArray) -> FloatArray:
    flipped = x < 0.5
    positive = np.where(flipped, 1.0 - x, x)
    out = _digamma_right(positive)
    period = x - np.round(x)
    cot = math.pi / np.tan(math.pi * period)
    out = np.where(flipped, out - cot, out)
    pole = (x <= 0) & (x == np.floor(x))
    out = np.where(pole, math.nan, np.where(x == 0, np.copysign(math.inf, -x), out))
    return np.where(x == math.inf, x, out)


def _digamma_right(x: FloatArray) -> FloatArray:
    """For x >= 0.5, as for lgamma."""
    shifted = np.minimum(x, 8.0)
    total = np.zeros_like(x)
    for _ in range(6):
        down = shifted > 2.5
        shifted = np.where(down, shifted - 1.0, shifted)
        total = np.where(down, total + 1.0 / shifted, total)
    up = shifted < 1.5
    near = _horner(np.where(up, shifted - 1.0, shifted - 2.0), _DIGAMMA_TWO)
    near = np.where(up, near - 1.0 / np.where(up, shifted, 1.0), near + total)
    far = np.maximum(x, 8.0)
    inverse = np.square(1.0 / far)
    series = _horner(inverse, _STIRLING_SLOPE)
    return np.where(x > 8.0, np.log(far) - 0.5 / far - inverse * series, near)


def _polygamma(m: Any, x: Any) -> Any:
    """The m-th derivative of digamma, for m >= 1: (-1)^(m+1) m! ζ(m+1, x); m = 0 is digamma. nan for other m."""
    dtype = np.asarray(x).dtype
    m, x = np.broadcast_arrays(np.asarray(m, np.float64), np.asarray(x, np.float64))
    shape, m, x = x.shape, m.reshape(-1), x.reshape(-1)
    s = m + 1.0
    with np.errstate(all="ignore"):
        valid = (m >= 1) & (m == np.floor(m))
        sign = np.where(m % 2 == 1, 1.0, -1.0)
        out = sign * np.exp(_lgamma(np.where(valid, s, 1.0))) * _hurwitz(np.where(valid, s, 2.0), x)
        out = np.where(valid, out, np.where(m == 0, _digamma(x), math.nan))
    return out.reshape(shape).astype(dtype)[()]


def _hurwitz(s: FloatArray, x: FloatArray) -> FloatArray:
    """Σ (x + k)^-s over k >= 0, for integers s >= 2: summed up to x = 12 + s, the rest by Euler-Maclaurin."""
    x = np.where(x < -1e4, math.nan, x)
    goal, whole = hurwitz_goal(s, x)
    total = np.zeros_like(x)
    while True:
        low = x < goal
        if not low.any():
            break
        total = np.where(low, total + np.power(np.where(low, x, 1.0), -s), total)
        x = np.where(low, x + 1.0, x)
    tail = np.power(x, 1.0 - s) / (s - 1.0) + 0.5 * np.power(x, -s)
    term = s * np.power(x, -s - 1.0)
    for j, b in enumerate(_BERNOULLI[:9]):
        tail = tail + b / math.factorial(2 * j + 2) * term
        term = term * (s + 2 * j + 1) * (s + 2 * j + 2) / np.square(x)
    return np.where(whole, total, total + tail)


def hurwitz_goal(s: FloatArray, x: FloatArray) -> tuple[FloatArray, Any]:
    """Up to where the terms of the Hurwitz zeta function are summed, and where these are all that count."""
    start = np.where(x > 0, x, 1.0 + x - np.floor(x))
    last = start * np.exp(40.0 / s) + 1.0
    return np.minimum(12.0 + s, last), (last < 12.0 + s) & (x <= last)


# --- primitives -----------------------------------------------------------------------------------------------------

_SLOPE = 2.0 / math.sqrt(math.pi)


def _no_order(*args: Any) -> Any:
    raise fail("G203", "polygamma has no derivative with respect to its order", cls=RuleError)


erf = unary("erf", _in_float64(_erf), lambda t, out, x: mul(_SLOPE, mul(t, exp(neg(square(x))))), "f")
erfc = unary("erfc", _in_float64(_erfc), lambda t, out, x: mul(-_SLOPE, mul(t, exp(neg(square(x))))), "f")
polygamma: Callable[..., Any] = nary(
    "polygamma", _polygamma, [_no_order, lambda t, out, m, x: mul(t, polygamma(add(m, 1.0), x))], "f"
)
digamma = unary("digamma", _in_float64(_digamma), lambda t, out, x: mul(t, polygamma(1.0, x)), "f")
lgamma = unary("lgamma", _in_float64(_lgamma), lambda t, out, x: mul(t, digamma(x)), "f")
