"""Integrals as primitives: exponential, sine, cosine and Fresnel integrals, the dilogarithm, Owen's T."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.ops.elementwise import (
    abs,
    cos,
    div,
    exp,
    log,
    lt,
    mul,
    neg,
    select_n,
    sin,
    square,
    sub,
)
from gradcli.engine.ops.families import nary, unary
from gradcli.engine.ops.special import _BERNOULLI, _EULER, FloatArray, _digamma, _erfc, _horner, erf
from gradcli.engine.ops.special_faddeeva import faddeeva_upper
from gradcli.engine.ops.special_gamma import _like
from gradcli.engine.ops.special_jets import by_points, choose, fraction, no_derivative

# --- exponential integrals ------------------------------------------------------------------------------------------


def _expn_series(n: FloatArray, x: FloatArray) -> FloatArray:
    """DLMF 8.19.8."""
    total = np.zeros_like(x)
    term = np.ones_like(x)
    for m in range(30):
        total = total - np.where(m == n - 1, 0.0, term / (m - n + 1.0))
        term = term * -x / (m + 1.0)
    lead = np.ones_like(x)
    for k in range(1, int(np.max(n))):
        lead = np.where(k < n, lead * -x / k, lead)
    return np.asarray(total + lead * (_digamma(n) - np.log(x)))


def _expn_fraction(n: FloatArray, x: FloatArray) -> FloatArray:
    """DLMF 8.19.17, its even part."""

    def partial(k: int) -> tuple[FloatArray, FloatArray]:
        top = np.ones_like(x) if k == 1 else -(k - 1) * (n + k - 2)
        return top[None], (x + n + 2 * (k - 1))[None]

    return np.asarray(np.exp(-x) * fraction(partial)[0])


def _expn(n: FloatArray, x: FloatArray) -> FloatArray:
    """E_n for whole n; those below 1 by the recurrence DLMF 8.19.12."""
    whole = (n == np.floor(n)) & (n >= -40)
    inner = np.maximum(n, 1.0)
    out = choose(
        [
            (whole & (x > 0) & (x <= 1.0) & (n <= 60), _expn_series),
            (whole & (x > 0) & (x < math.inf), _expn_fraction),
        ],
        inner, x,
    )  # fmt: skip
    out = np.where((x == 0) & whole, np.where(n > 1, 1.0 / np.maximum(n - 1.0, 1.0), math.inf), out)
    out = np.where((x == math.inf) & whole, 0.0, out)
    step = np.zeros_like(n)
    while (low := step > n - 1).any() and whole.any() and step.min() > -40:
        above = np.exp(-x) / x if step.max() == 0 else (np.exp(-x) - step * out) / x
        out = np.where(low & whole & np.isfinite(out), above, out)
        step = step - 1
    return out


def _expi(x: FloatArray) -> FloatArray:
    """DLMF 6.6.1, and 6.12.2 from 40 on."""

    def series(x: FloatArray) -> FloatArray:
        term, total = np.ones_like(x), np.zeros_like(x)
        for k in range(1, 160):
            term = term * x / k
            total = total + term / k
        return _EULER + np.log(x) + total

    def asymptotic(x: FloatArray) -> FloatArray:
        term, total = np.ones_like(x), np.ones_like(x)
        for k in range(1, 40):
            term = term * k / x
            total = total + term
        return np.exp(x) / x * total

    def negative(x: FloatArray) -> FloatArray:
        return -_expn(np.ones_like(x), -x)

    out = choose([(x < 0, negative), ((x > 0) & (x < 40.0), series), (x < math.inf, asymptotic)], x)
    return np.where(x == 0, -math.inf, np.where(x == math.inf, x, out))


expi = unary("expi", by_points(_expi), lambda t, out, x: mul(t, div(exp(x), x)), "f")
expn: Callable[..., Any] = nary(
    "expn",
    by_points(_expn),
    [no_derivative("expn", "its order n"), lambda t, out, n, x: neg(mul(t, expn(sub(n, _like(n, 1.0)), x)))],
    "f",
)

# --- sine and cosine integrals --------------------------------------------------------------------------------------


def _sine_cosine(y: FloatArray) -> FloatArray:
    """Si and Ci for y > 0: DLMF 6.6.5 and 6.6.6, and E1(i y) by its continued fraction 6.9.1 from 4 on."""

    def series(y: FloatArray) -> FloatArray:
        si, ci, term = np.zeros_like(y), np.zeros_like(y), np.ones_like(y)
        for k in range(1, 40):
            term = term * y / k
            signed = term / k * (1 if k % 4 in (0, 1) else -1)
            si, ci = (si + signed, ci) if k % 2 else (si, ci + signed)
        return np.stack([si, _EULER + np.log(y) + ci])

    def far(y: FloatArray) -> FloatArray:
        def partial(k: int) -> tuple[Any, Any]:
            top = np.full(y.shape, 1.0 if k == 1 else -((k - 1.0) ** 2), complex)
            return top[None], (1j * y + (2 * k - 1))[None]

        e1 = (np.cos(y) - 1j * np.sin(y)) * fraction(partial)[0]
        return np.stack([e1.imag + 0.5 * math.pi, -e1.real])

    out = choose([(y < 4.0, series), (y < math.inf, far)], y)
    return np.asarray(out if out.ndim == 2 else np.stack([out, out]))


def _si(x: FloatArray) -> FloatArray:
    out = np.where(np.isinf(x), 0.5 * math.pi, _sine_cosine(np.abs(x))[0])
    return np.asarray(np.copysign(np.where(x == 0, 0.0, out), x))


def _ci(x: FloatArray) -> FloatArray:
    out = np.where(np.isinf(x), 0.0, _sine_cosine(np.abs(x))[1])
    return np.where(x == 0, -math.inf, out)


def sinc(x: Any) -> Any:
    """``sin(x) / x`` with its series about 0, so that derivatives of any order are right there."""
    near = lt(abs(x), _like(x, 0.1))
    safe = select_n(near, x, _like(x, 1.0))
    z = square(select_n(near, _like(x, 0.0), x))
    series: Any = _like(x, 0.0)
    for k in range(6, -1, -1):
        series = sub(_like(x, (-1) ** k / math.factorial(2 * k + 1)), neg(mul(series, z)))
    return select_n(near, div(sin(safe), safe), series)


sine_integral = unary("sine_integral", by_points(_si), lambda t, out, x: mul(t, sinc(x)), "f")
cosine_integral = unary("cosine_integral", by_points(_ci), lambda t, out, x: mul(t, div(cos(x), x)), "f")

# --- Fresnel integrals ----------------------------------------------------------------------------------------------


def _fresnel(x: FloatArray, part: int) -> FloatArray:
    """S (1) or C (0): the series DLMF 7.6.4 and 7.6.6 below 1, by the error function (7.5.8) above."""

    def series(y: FloatArray) -> FloatArray:
        total = np.zeros_like(y)
        for k in range(16):
            power = 2 * k + part
            total = total + (-1) ** k * (0.5 * math.pi) ** power / (math.factorial(power) * (2 * power + 1)) * y ** (
                2 * power + 1
            )
        return total

    def far(y: FloatArray) -> FloatArray:
        phase = 0.5 * math.pi * np.fmod(np.square(y), 4.0)
        rest = (np.cos(phase) + 1j * np.sin(phase)) * faddeeva_upper(
            np.asarray((0.5 + 0.5j) * math.sqrt(math.pi) * y, np.complex128)
        )
        out = (0.5 + 0.5j) * (1.0 - rest)
        return np.asarray(out.imag if part else out.real)

    y = np.abs(x)
    out = choose([(y < 1.0, series), (y < math.inf, far)], y)
    return np.asarray(np.copysign(np.where(np.isinf(y), 0.5, out), x))


def _phase(x: Any) -> Any:
    return mul(_like(x, 0.5 * math.pi), square(x))


fresnel_s = unary("fresnel_s", by_points(lambda x: _fresnel(x, 1)), lambda t, out, x: mul(t, sin(_phase(x))), "f")
fresnel_c = unary("fresnel_c", by_points(lambda x: _fresnel(x, 0)), lambda t, out, x: mul(t, cos(_phase(x))), "f")

# --- dilogarithm ----------------------------------------------------------------------------------------------------

_DEBYE = [b / math.factorial(2 * k + 3) for k, b in reversed(list(enumerate(_BERNOULLI)))]


def _dilogarithm(u: FloatArray) -> FloatArray:
    """Li2(1 - exp(-u)) for small u, by the Bernoulli numbers: the integral of u / (exp(u) - 1)."""
    z = np.square(u)
    return u - 0.25 * z + u * z * _horner(z, _DEBYE)


def _spence(x: FloatArray) -> FloatArray:
    """Li2(1 - x) with the reflection and inversion DLMF 25.12.6 and 25.12.4."""
    branches: list[tuple[Any, Callable[..., Any]]] = [
        (x == 0, lambda x: np.full_like(x, math.pi**2 / 6)),
        ((x > 0) & (x < 0.5), lambda x: math.pi**2 / 6 - np.log(x) * np.log1p(-x) - _dilogarithm(-np.log1p(-x))),
        ((x >= 0.5) & (x <= 2.0), lambda x: _dilogarithm(-np.log1p(x - 1.0))),
        ((x > 2.0) & (x < math.inf), lambda x: -0.5 * np.square(np.log(x)) - _spence(1.0 / x)),
        (x == math.inf, np.negative),
    ]
    return np.asarray(choose(branches, x))


def _spence_slope(t: Any, out: Any, x: Any) -> Any:
    """``log(x) / (1 - x)``, by its series in 1 - x near 1."""
    one = _like(x, 1.0)
    rest = sub(one, x)
    near = lt(abs(rest), _like(x, 0.02))
    small = select_n(near, _like(x, 0.0), rest)
    series: Any = _like(x, 0.0)
    for k in range(9, 0, -1):
        series = sub(mul(series, small), _like(x, 1.0 / k))
    quotient = div(log(select_n(near, x, _like(x, 2.0))), select_n(near, rest, _like(x, -1.0)))
    return mul(t, select_n(near, quotient, series))


spence = unary("spence", by_points(_spence), _spence_slope, "f")

# --- Owen's T -------------------------------------------------------------------------------------------------------

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def _owens_inner(h: FloatArray, a: FloatArray) -> FloatArray:
    """The definition by quadrature for |a| <= 1; the integrand is nothing beyond 9 / h."""
    end = np.minimum(a, 9.0 / np.maximum(h, 1e-300))
    t = 0.5 * end * (1.0 + _NODES[:, None])
    values = np.exp(-0.5 * np.square(h) * (1.0 + np.square(t))) / (1.0 + np.square(t))
    return np.asarray(0.5 * end * (_WEIGHTS @ values) / (2 * math.pi))


def _owens_t(h: FloatArray, a: FloatArray) -> FloatArray:
    """For |a| > 1 by T(h, a) with T(a h, 1 / a) (D. B. Owen, Ann. Math. Stat. 27 (1956), 1075-1090)."""
    h, b = np.abs(h), np.abs(a)
    large = b > 1.0
    direct = _owens_inner(h, np.where(large, 1.0, b))
    scaled = np.where(h == 0, 0.0, h * b)
    upper, lower = (0.5 * _erfc(z / math.sqrt(2.0)) for z in (h, scaled))
    swapped = 0.5 * (upper + lower) - upper * lower - _owens_inner(scaled, np.where(large, 1.0 / b, 0.0))
    out = np.where(large, swapped, direct)
    return np.where(np.isnan(h) | np.isnan(a), math.nan, np.copysign(out, a))


def _owens_in_h(t: Any, out: Any, h: Any, a: Any) -> Any:
    density = mul(_like(h, 0.5 / math.sqrt(2 * math.pi)), exp(mul(_like(h, -0.5), square(h))))
    return neg(mul(t, mul(density, erf(mul(_like(h, math.sqrt(0.5)), mul(a, h))))))


def _owens_in_a(t: Any, out: Any, h: Any, a: Any) -> Any:
    wide = sub(_like(a, 1.0), neg(square(a)))
    return mul(t, div(exp(mul(_like(h, -0.5), mul(square(h), wide))), mul(_like(h, 2 * math.pi), wide)))


owens_t = nary("owens_t", by_points(_owens_t), [_owens_in_h, _owens_in_a], "f")
