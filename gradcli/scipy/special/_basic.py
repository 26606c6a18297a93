"""The error function and the normal distribution, and functions made of logarithms."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import complex_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import special as p
from gradcli.engine.ops import special_faddeeva as faddeeva
from gradcli.engine.ops.operators import add, inexact, like, multiply, true_divide, where
from gradcli.engine.ops.special_normal import ndtri as _ndtri


def erf(x: Any) -> Any:
    """The error function."""
    return p.erf(*inexact(x))


def erfc(x: Any) -> Any:
    """``1 - erf(x)``, precise where erf is near 1."""
    return p.erfc(*inexact(x))


def erfinv(x: Any) -> Any:
    """The inverse of :func:`erf`."""
    return p.erf_inv(*inexact(x))


def expit(x: Any) -> Any:
    """The logistic sigmoid."""
    return e.logistic(*inexact(x))


def logit(x: Any) -> Any:
    """``log(x / (1 - x))``, the inverse of :func:`expit`."""
    (x,) = inexact(x)
    return e.sub(e.log(x), e.log1p(e.neg(x)))


def _guarded(x: Any, safe: Any, y: Any, neutral: float) -> Any:
    """``y``, or a harmless value where ``x`` is 0 and the logarithm of ``y`` would not be finite."""
    keep = e.bitwise_or(e.bitwise_or(e.ne(x, like(x, 0)), safe), e.ne(y, y))
    return where(keep, y, like(y, neutral))


def _inside(y: Any, low: float) -> Any:
    """Where a logarithm that ends at ``low`` is finite."""
    if type_of(y).dtype.kind == "c":
        return e.ne(y, like(y, low))
    return e.bitwise_and(e.gt(y, like(y, low)), e.lt(y, like(y, math.inf)))


def xlogy(x: Any, y: Any) -> Any:
    """``x log(y)``, 0 where ``x`` is 0."""
    x, y = inexact(x, y)
    safe = _inside(y, 0)
    return e.mul(x, e.log(_guarded(x, safe, y, 1.0)))


def xlog1py(x: Any, y: Any) -> Any:
    """``x log(1 + y)``, 0 where ``x`` is 0."""
    x, y = inexact(x, y)
    safe = _inside(y, -1)
    return e.mul(x, e.log1p(_guarded(x, safe, y, 0.0)))


def entr(x: Any) -> Any:
    """``-x log(x)``: 0 at 0, -inf below."""
    (x,) = inexact(x)
    return where(e.lt(x, like(x, 0)), like(x, -math.inf), e.neg(xlogy(x, x)))


def rel_entr(p: Any, q: Any) -> Any:
    """``p log(p / q)``: 0 where ``p`` is 0, inf for a negative ``p`` or a ``q`` that is not positive."""
    p, q = inexact(p, q)
    zero = like(p, 0)
    both = e.bitwise_and(e.gt(p, zero), e.gt(q, zero))
    none = e.bitwise_and(e.eq(p, zero), e.ge(q, zero))
    top, bottom = where(both, p, like(p, 1)), where(both, q, like(p, 1))
    value = e.sub(xlogy(top, top), xlogy(top, bottom))
    return where(both, value, where(none, zero, like(p, math.inf)))


def kl_div(p: Any, q: Any) -> Any:
    """``p log(p / q) - p + q``."""
    p, q = inexact(p, q)
    return e.add(e.sub(rel_entr(p, q), p), q)


def ndtr(x: Any) -> Any:
    """The distribution function of the standard normal distribution."""
    (x,) = inexact(x)
    return e.mul(like(x, 0.5), p.erfc(e.mul(x, like(x, -math.sqrt(0.5)))))


def ndtri(p: Any) -> Any:
    """The quantile function of the standard normal distribution, precise for the smallest ``p``."""
    return _ndtri(*inexact(p))


def log_ndtr(x: Any, series_order: int = 3) -> Any:
    """The logarithm of :func:`ndtr`, precise in both tails.

    ``series_order`` is there for calls written for JAX: no series is needed, as :func:`erfcx` does not underflow.
    """
    (x,) = inexact(x)
    upper = e.gt(x, like(x, 0))
    low = where(upper, like(x, 0), x)
    scaled = erfcx(e.mul(low, like(x, -math.sqrt(0.5))))
    tail = e.sub(e.log(e.mul(like(x, 0.5), scaled)), e.mul(like(x, 0.5), e.square(low)))
    tail = where(e.eq(x, like(x, -math.inf)), x, tail)
    small = ndtr(e.neg(where(upper, x, like(x, 0))))
    return where(upper, e.log1p(e.neg(small)), tail)


def erfcx(x: Any) -> Any:
    """``exp(x**2) * erfc(x)``, which neither overflows nor underflows for large ``x``."""
    return faddeeva.erfcx(*inexact(x))


def dawsn(x: Any) -> Any:
    """Dawson's integral ``exp(-x**2)`` times the integral of ``exp(t**2)`` from 0 to x."""
    return faddeeva.dawsn(*inexact(x))


def wofz(z: Any) -> Any:
    """The Faddeeva function ``exp(-z**2) * erfc(-1j * z)``; the result is complex."""
    (z,) = inexact(z)
    dtype = type_of(z).dtype
    return faddeeva.wofz(z if dtype.kind == "c" else e.convert_element_type(z, complex_dtype(dtype)))


def boxcox(x: Any, lmbda: Any) -> Any:
    """The transformation of Box and Cox: ``(x**lmbda - 1) / lmbda``, ``log(x)`` for 0."""
    x, lmbda = inexact(x, lmbda)
    return _expm1_over(lmbda, e.log(x))


def boxcox1p(x: Any, lmbda: Any) -> Any:
    """:func:`boxcox` of ``1 + x``, precise for small ``x``."""
    x, lmbda = inexact(x, lmbda)
    return _expm1_over(lmbda, e.log1p(x))


def _expm1_over(lmbda: Any, log: Any) -> Any:
    """``expm1(lmbda * log) / lmbda``; by its first terms about 0, so that it can be differentiated there."""
    size = e.abs(lmbda)
    near = e.lt(size, like(size, 1e-12))
    safe = where(near, like(lmbda, 1), lmbda)
    finite = where(e.is_finite(e.abs(log)), log, like(log, 0))
    first = add(log, multiply(multiply(0.5, lmbda), e.square(finite)))
    return where(near, first, true_divide(e.expm1(multiply(safe, log)), safe))
