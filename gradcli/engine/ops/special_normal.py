"""The quantile of the normal distribution and Pochhammer's symbol as primitives.

- ndtri: Halley's method on the logarithm of the tail, from the start 26.2.23 of Abramowitz and Stegun; near the median
  the inverse error function
- poch: products for whole m, quotients of gamma functions (DLMF 5.2.5) else
"""

from __future__ import annotations

import math

import numpy as np

from gradcli.engine.ops.elementwise import add, exp, mul, square, sub
from gradcli.engine.ops.erf_inv import erf_inv_values
from gradcli.engine.ops.families import nary, unary
from gradcli.engine.ops.special import FloatArray, _lgamma, digamma
from gradcli.engine.ops.special_faddeeva import _erfcx
from gradcli.engine.ops.special_gamma import _like
from gradcli.engine.ops.special_hyper import _sign_gamma
from gradcli.engine.ops.special_jets import by_points, choose

_ROOT = math.sqrt(2.0)


def _tail_quantile(p: FloatArray) -> FloatArray:
    """The y >= 0 with the upper tail p, for p < 1/2."""
    log = np.log(p)
    t = np.sqrt(-2.0 * log)
    y = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    for _ in range(3):
        scaled = _erfcx(y / _ROOT)
        rate = math.sqrt(2.0 / math.pi) / scaled  # density over tail
        f = np.log(0.5 * scaled) - 0.5 * np.square(y) - log
        y = y + f / (rate + 0.5 * f * (rate - y))
    return y


def _ndtri(p: FloatArray) -> FloatArray:
    return np.asarray(
        choose(
            [
                (p == 0, lambda p: np.full_like(p, -math.inf)),
                (p == 1, lambda p: np.full_like(p, math.inf)),
                ((p > 0) & (p < 0.25), lambda p: -_tail_quantile(p)),
                ((p >= 0.25) & (p <= 0.75), lambda p: _ROOT * erf_inv_values(2.0 * p - 1.0)),
                ((p > 0.75) & (p < 1), lambda p: _tail_quantile(1.0 - p)),
            ],
            p,
        )
    )


ndtri = unary(
    "ndtri",
    by_points(_ndtri),
    lambda t, out, p: mul(t, mul(_like(p, math.sqrt(2 * math.pi)), exp(mul(_like(p, 0.5), square(out))))),
    "f",
)


def _product(z: FloatArray, m: FloatArray) -> FloatArray:
    out = np.ones_like(z)
    for k in range(int(m.max(initial=0))):
        out = np.where(k < m, out * (z + k), out)
    return out


def _quotient(z: FloatArray, m: FloatArray) -> FloatArray:
    top = z + m
    pole = (z <= 0) & (z == np.floor(z))
    out = _sign_gamma(top) * _sign_gamma(z) * np.exp(_lgamma(top) - _lgamma(z))
    return np.where(pole, 0.0, np.where((top <= 0) & (top == np.floor(top)), math.nan, out))


def _poch(z: FloatArray, m: FloatArray) -> FloatArray:
    whole = m == np.floor(m)
    return np.asarray(
        choose(
            [
                (whole & (m >= 0) & (m <= 60), _product),
                (whole & (m < 0) & (m >= -60), lambda z, m: 1.0 / _product(z + m, -m)),
                (np.isfinite(z) & np.isfinite(m), _quotient),
            ],
            z,
            m,
        )
    )


poch = nary(
    "poch",
    by_points(_poch),
    [
        lambda t, out, z, m: mul(t, mul(out, sub(digamma(add(z, m)), digamma(z)))),
        lambda t, out, z, m: mul(t, mul(out, digamma(add(z, m)))),
    ],
    "f",
)
