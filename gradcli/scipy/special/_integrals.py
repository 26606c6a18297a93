"""Exponential and other integrals, Bessel and hypergeometric functions, spherical harmonics."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from gradcli.engine.array import raw
from gradcli.engine.errors import fail
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import special_bessel as bessel
from gradcli.engine.ops import special_hyper as hyper
from gradcli.engine.ops import special_integrals as integrals
from gradcli.engine.ops.operators import inexact, like
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer
from gradcli.numpy import abs, asarray, cos, sin, sqrt, stack, where, zeros_like


def exp1(x: Any) -> Any:
    """The exponential integral E1 for x >= 0."""
    return expn(1, x)


def expi(x: Any) -> Any:
    """The exponential integral Ei, the principal value for x > 0."""
    return integrals.expi(*inexact(x))


def expn(n: Any, x: Any) -> Any:
    """The generalized exponential integral E_n for whole n >= 0 and x >= 0; nan elsewhere."""
    n, x = inexact(n, x)
    return integrals.expn(where(e.lt(n, like(n, 0)), math.nan, n), x)


def sici(x: Any) -> tuple[Any, Any]:
    """The sine integral, and the cosine integral (that of the absolute value for negative ``x``)."""
    (x,) = inexact(x)
    return integrals.sine_integral(x), integrals.cosine_integral(x)


def fresnel(x: Any) -> tuple[Any, Any]:
    """The Fresnel integrals S and C: of sin and cos of ``pi t**2 / 2`` from 0 to x."""
    (x,) = inexact(x)
    return integrals.fresnel_s(x), integrals.fresnel_c(x)


def spence(x: Any) -> Any:
    """Spence's function, the integral of ``log(t) / (1 - t)`` from 1 to x: the dilogarithm of ``1 - x``."""
    return integrals.spence(*inexact(x))


def owens_t(h: Any, a: Any) -> Any:
    """Owen's T: the probability that X > h and 0 < Y < a X for independent standard normal X and Y."""
    return integrals.owens_t(*inexact(h, a))


# --- Bessel ---------------------------------------------------------------------------------------------------------


def i0e(x: Any) -> Any:
    """``exp(-abs(x)) * i0(x)``."""
    return bessel.bessel_i0e(*inexact(x))


def i0(x: Any) -> Any:
    """The modified Bessel function of order 0."""
    (x,) = inexact(x)
    return e.mul(e.exp(e.abs(x)), bessel.bessel_i0e(x))


def i1e(x: Any) -> Any:
    """``exp(-abs(x)) * i1(x)``."""
    return bessel.bessel_i1e(*inexact(x))


def i1(x: Any) -> Any:
    """The modified Bessel function of order 1."""
    (x,) = inexact(x)
    return e.mul(e.exp(e.abs(x)), bessel.bessel_i1e(x))


def bessel_jn(z: Any, *, v: int, n_iter: int = 50) -> Any:
    """Bessel functions of the first kind of the orders 0 to ``v``, along a new leading axis.

    ``n_iter`` is there for calls written for JAX; the recurrence starts as high as is needed.
    Raises TypeError for an order that is no integer, ValueError for a negative one.
    """
    (z,), v = inexact(z), operator.index(v)
    if v < 0:
        raise fail("G206", f"bessel_jn needs an order that is not negative, got {v}", location=user_location(),
                   cls=ValueError)  # fmt: skip
    return stack([bessel.bessel_j(z, orders=(n,)) for n in range(v + 1)])


# --- hypergeometric -------------------------------------------------------------------------------------------------


def hyp1f1(a: Any, b: Any, x: Any) -> Any:
    """Kummer's confluent hypergeometric function 1F1, differentiable in all operands."""
    return hyper.hyp1f1_derivative(*inexact(a, b, x), orders=(0, 0))


def hyp2f1(a: Any, b: Any, c: Any, x: Any) -> Any:
    """Gauss' hypergeometric function 2F1 for x <= 1, differentiable in all operands; nan above unless a polynomial."""
    return hyper.hyp2f1_derivative(*inexact(a, b, c, x), orders=(0, 0, 0))


# --- spherical harmonics --------------------------------------------------------------------------------------------


def sph_harm_y(n: Any, m: Any, theta: Any, phi: Any, diff_n: int | None = None, n_max: int | None = None) -> Any:
    """Spherical harmonics of degree ``n`` and order ``m``, orthonormal, at colatitude ``theta`` and longitude ``phi``.

    n_max: the largest degree, needed where ``n`` is not known; larger degrees are taken as it.
    Raises NotImplementedError for ``diff_n``, ValueError where the largest degree is not known.
    """
    if diff_n is not None:
        raise fail("G212", "sph_harm_y has no diff_n; grad differentiates it", location=user_location(),
                   cls=NotImplementedError)  # fmt: skip
    if n_max is None:
        if isinstance(n, Tracer):
            raise fail("G206", "sph_harm_y needs n_max where n is not known", location=user_location(),
                       cls=ValueError)  # fmt: skip
        n_max = int(np.max(raw(asarray(n)), initial=0))
    theta, phi = inexact(theta, phi)
    degree, order = asarray(n), asarray(m)
    degree = where(degree > n_max, n_max, degree)
    size = abs(order)
    legendre = _legendre(degree, size, cos(theta), sin(theta), int(n_max))
    legendre = where((order < 0) & (size % 2 == 1), -legendre, legendre)
    angle = e.convert_element_type(order, asarray(phi).dtype) * asarray(phi)
    return e.complex(*_same_shape(legendre * cos(angle), legendre * sin(angle)))


def _same_shape(x: Any, y: Any) -> list[Any]:
    return [x + zeros_like(y), y + zeros_like(x)]


def _legendre(n: Any, m: Any, x: Any, s: Any, n_max: int) -> Any:
    """Associated Legendre functions, normalised, by the recurrence DLMF 14.10.3 in the degree."""
    x, s = asarray(x), asarray(s)
    top = zeros_like(x) + x.dtype.type(math.sqrt(0.25 / math.pi))
    for k in range(1, n_max + 1):
        top = where(k <= m, top * s * -math.sqrt((2 * k + 1) / (2 * k)), top)
    below, here = zeros_like(top), top
    order = e.convert_element_type(m, x.dtype)
    for step in range(1, n_max + 1):
        degree = order + step
        squares = [degree * degree, (degree - 1) * (degree - 1), order * order]
        rise = sqrt((4 * squares[0] - 1) / (squares[0] - squares[2]))
        fall = sqrt((squares[1] - squares[2]) / (4 * squares[1] - 1)) if step > 1 else 0.0
        above = rise * (x * here - fall * below)
        more = m + step <= n
        below, here = where(more, here, below), where(more, above, here)
    return here
