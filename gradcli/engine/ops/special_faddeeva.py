"""The Faddeeva function w(z) = exp(-z^2) erfc(-i z) and its relatives on the real line, as primitives.

In the upper half plane by the trapezoidal rules of M. Al Azah and S. N. Chandler-Wilde (SIAM J. Numer. Anal. 59, 2021,
2346-2367), which add the residue of the integrand's pole, and by the continued fraction DLMF 7.9.3 far from 0; below
by the reflection 7.4.3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.ops.elementwise import mul, sub
from gradcli.engine.ops.families import unary
from gradcli.engine.ops.special import _CODY_LARGE, _CODY_MIDDLE, FloatArray, _erf, _horner, _ratio
from gradcli.engine.ops.special_gamma import _like
from gradcli.engine.ops.special_jets import by_points, choose

ComplexArray = np.ndarray[Any, np.dtype[np.complex128]]

_TERMS = 12
_STEP = math.sqrt(math.pi / _TERMS)
_FAR = 8.0


def _exp_minus_square(z: ComplexArray) -> ComplexArray:
    """``exp(-z^2)``, the real part of the square free of cancellation."""
    x, y = z.real, z.imag
    return np.asarray(np.exp((y - x) * (y + x)) * np.exp(-2j * x * y))


def _trapezoid(z: ComplexArray, shifted: bool) -> ComplexArray:
    """The rule with its points at (k + 1/2) h, or at k h, for the integral of exp(-t^2) / (z^2 - t^2)."""
    square = z * z
    total = np.zeros_like(z) if shifted else 0.5 / square
    for k in range(0 if shifted else 1, _TERMS + 1):
        t = ((k + 0.5) if shifted else k) * _STEP
        total = total + math.exp(-t * t) / (square - t * t)
    out = 2j * _STEP / math.pi * z * total
    turn = np.exp(-2j * math.pi * z / _STEP)
    pole = 2.0 * _exp_minus_square(z) / (1.0 + turn if shifted else 1.0 - turn)
    return np.asarray(np.where(z.imag < math.pi / _STEP, out + pole, out))


def _laplace(z: ComplexArray) -> ComplexArray:
    tail = np.zeros_like(z)
    for k in range(24, 0, -1):
        tail = 0.5 * k / (z - tail)
    return np.asarray(1j / math.sqrt(math.pi) / (z - tail))


def faddeeva_upper(z: ComplexArray) -> ComplexArray:
    """w for Im z >= 0, of vectors."""
    phase = np.abs(z.real) / _STEP % 1.0
    middle = (phase > 0.25) & (phase < 0.75)
    out = choose(
        [
            (np.abs(z) > _FAR, _laplace),
            (~middle, lambda z: _trapezoid(z, True)),
            (middle, lambda z: _trapezoid(z, False)),
        ],
        z,
    )
    return np.asarray(out, complex)


def _wofz(z: Any) -> Any:
    z = np.asarray(z)
    flat = z.astype(complex).reshape(-1)
    with np.errstate(all="ignore"):
        lower = flat.imag < 0
        upper = faddeeva_upper(np.where(lower, -flat, flat))
        out = np.where(lower, 2.0 * _exp_minus_square(flat) - upper, upper)
        out = np.where(np.isinf(flat.real) & np.isfinite(flat.imag), 0.0, out)
    return out.reshape(z.shape).astype(z.dtype)[()]


wofz = unary(
    "wofz",
    _wofz,
    lambda t, out, z: mul(t, sub(_like(z, 2j / math.sqrt(math.pi)), mul(_like(z, 2.0), mul(z, out)))),
    "c",
)

# --- on the real line -----------------------------------------------------------------------------------------------


def _erfcx(x: FloatArray) -> FloatArray:
    """``exp(x^2) erfc(x)`` by Cody's approximations of erfc without their exponential."""

    def large(x: FloatArray) -> FloatArray:
        inverse = 1.0 / np.square(x)
        return (1.0 / math.sqrt(math.pi) - inverse * _ratio(inverse, _CODY_LARGE)) / x

    branches = [
        (np.abs(x) <= 0.46875, lambda x: np.exp(np.square(x)) * (1.0 - _erf(x))),
        (x > 4.0, large),
        (x > 0, lambda x: _ratio(x, _CODY_MIDDLE)),
        (x < -27.0, lambda x: np.full_like(x, math.inf)),
        (x < 0, lambda x: 2.0 * np.exp(np.square(x)) - _erfcx(-x)),
    ]
    return np.where(x == math.inf, 0.0, choose(branches, x))


_DAWSON = [(-2.0) ** k / math.prod(range(1, 2 * k + 2, 2)) for k in range(24, -1, -1)]


def _dawsn(x: FloatArray) -> FloatArray:
    out = choose(
        [
            (np.abs(x) < 1.0, lambda x: x * _horner(np.square(x), _DAWSON)),
            (np.abs(x) < math.inf, lambda x: 0.5 * math.sqrt(math.pi) * faddeeva_upper(x + 0j).imag),
        ],
        x,
    )
    return np.where(np.isinf(x), 0.0, out)


erfcx = unary(
    "erfcx",
    by_points(_erfcx),
    lambda t, out, x: mul(t, sub(mul(_like(x, 2.0), mul(x, out)), _like(x, 2.0 / math.sqrt(math.pi)))),
    "f",
)
dawsn = unary(
    "dawsn", by_points(_dawsn), lambda t, out, x: mul(t, sub(_like(x, 1.0), mul(_like(x, 2.0), mul(x, out)))), "f"
)
