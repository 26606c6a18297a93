"""The gamma function and what is made of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.array import raw, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import default_float
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import special as p
from gradcli.engine.ops import special_beta, special_gamma
from gradcli.engine.ops.operators import add, inexact, like, subtract, where
from gradcli.engine.ops.special_normal import poch as _poch
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer
from gradcli.numpy import asarray

_SHIFT = 10  # how far complex operands are brought to the right before Stirling's series
_STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400]


def gammaln(x: Any) -> Any:
    """The logarithm of the size of the gamma function."""
    return p.lgamma(*inexact(x))


def gammasgn(x: Any) -> Any:
    """The sign of the gamma function: nan at its poles below 0, the sign of the zero at 0."""
    (x,) = inexact(x)
    zero, floor = like(x, 0), e.floor(x)
    below = e.lt(x, zero)
    odd = e.bitwise_and(below, e.ne(e.rem(floor, like(x, 2)), zero))
    one = like(x, 1)
    at_zero = e.sign(e.div(one, where(e.eq(x, zero), x, one)))
    out = where(e.eq(x, zero), at_zero, where(odd, like(x, -1), one))
    none = e.bitwise_or(e.bitwise_and(below, e.eq(x, floor)), e.ne(x, x))
    return where(none, like(x, math.nan), out)


def gamma(x: Any) -> Any:
    """The gamma function, also of complex numbers; nan at its poles below 0.

    >>> print(gamma(5.0).round(8))
    24.0
    """
    (x,) = inexact(x)
    if type_of(x).dtype.kind == "c":
        return e.exp(loggamma(x))
    return e.mul(gammasgn(x), e.exp(p.lgamma(x)))


def loggamma(x: Any) -> Any:
    """The logarithm of the gamma function: nan below 0, its principal branch for complex numbers."""
    (x,) = inexact(x)
    if type_of(x).dtype.kind == "c":
        return _complex_loggamma(x)
    return where(e.gt(x, like(x, 0)), p.lgamma(x), like(x, math.nan))


def _complex_loggamma(z: Any) -> Any:
    """Stirling's series DLMF 5.11.1 after the recurrence 5.5.1, and the reflection 5.5.3 on the left."""
    one = like(z, 1)
    left = e.lt(e.real(z), like(e.real(z), 0.5))
    right = where(left, e.sub(one, z), z)
    shifted = e.add(right, like(z, _SHIFT))
    inverse = e.div(one, shifted)
    square, series = e.mul(inverse, inverse), like(z, 0)
    for c in reversed(_STIRLING):
        series = e.add(e.mul(series, square), like(z, c))
    out = e.mul(e.sub(shifted, like(z, 0.5)), e.log(shifted))
    out = e.add(e.sub(out, shifted), e.add(like(z, 0.5 * math.log(2 * math.pi)), e.mul(series, inverse)))
    for k in range(_SHIFT):
        out = e.sub(out, e.log(e.add(right, like(z, k))))
    reflected = e.sub(e.sub(like(z, math.log(math.pi)), _log_sin_pi(z)), out)
    return where(left, reflected, out)


def _log_sin_pi(z: Any) -> Any:
    """The logarithm of sin(pi z), continuous off the real axis, without overflow for large imaginary parts."""
    up = e.ge(e.imag(z), like(e.imag(z), 0))
    upper = where(up, z, e.conj(z))
    turn = e.exp(e.mul(like(z, 2j * math.pi), upper))
    out = e.sub(e.log1p(e.neg(turn)), e.mul(like(z, 1j * math.pi), upper))
    out = e.add(out, like(z, complex(-math.log(2), 0.5 * math.pi)))
    return where(up, out, e.conj(out))


def digamma(x: Any) -> Any:
    """The derivative of :func:`gammaln`."""
    return p.digamma(*inexact(x))


def polygamma(n: Any, x: Any) -> Any:
    """The ``n``-th derivative of :func:`digamma`; it cannot be differentiated in ``n``."""
    return p.polygamma(*inexact(n, x))


def betaln(a: Any, b: Any) -> Any:
    """The logarithm of the size of the beta function."""
    a, b = inexact(a, b)
    return e.sub(e.add(p.lgamma(a), p.lgamma(b)), p.lgamma(e.add(a, b)))


def beta(a: Any, b: Any) -> Any:
    """The beta function ``gamma(a) * gamma(b) / gamma(a + b)``."""
    a, b = inexact(a, b)
    sign = e.mul(e.mul(gammasgn(a), gammasgn(b)), gammasgn(e.add(a, b)))
    return e.mul(sign, e.exp(betaln(a, b)))


def betainc(a: Any, b: Any, x: Any) -> Any:
    """The regularized incomplete beta function, differentiable in all operands; nan unless a, b > 0, 0 <= x <= 1.

    >>> print(betainc(2.0, 3.0, 0.5).round(8))
    0.6875
    """
    return special_beta.betainc(*inexact(a, b, x))


def gammainc(a: Any, x: Any) -> Any:
    """The regularized lower incomplete gamma function, differentiable in both operands; nan unless a, x >= 0."""
    return special_gamma.igamma(*inexact(a, x))


def gammaincc(a: Any, x: Any) -> Any:
    """``1 - gammainc(a, x)``, precise where it is small."""
    return special_gamma.igammac(*inexact(a, x))


def zeta(x: Any, q: Any = None) -> Any:
    """The Hurwitz zeta function, the sum of ``(k + q)**-x`` over k >= 0; by default Riemann's; nan for x < 1."""
    return special_gamma.zeta(*inexact(x, 1.0 if q is None else q))


def factorial(n: Any, exact: bool = False) -> Any:
    """``gamma(n + 1)``, 0 for negative ``n``. Raises NotImplementedError for ``exact``."""
    if exact:
        raise fail("G212", "factorial has no exact results, which would be integers of any size",
                   location=user_location(), cls=NotImplementedError)  # fmt: skip
    (n,) = inexact(n)
    return where(e.lt(n, like(n, 0)), like(n, 0), e.exp(p.lgamma(e.add(n, like(n, 1)))))


def comb(N: Any, k: Any, *, repetition: bool = False) -> Any:
    """The number of choices of ``k`` out of ``N``, 0 where there are none; with ``repetition``, with replacement."""
    n, k = inexact(N, k)
    zero, one = like(k, 0), like(k, 1)
    if repetition:
        out = comb(e.sub(e.add(n, k), one), k)
        return where(e.bitwise_and(e.eq(k, zero), e.ge(n, zero)), one, out)
    some = e.bitwise_and(e.bitwise_and(e.le(k, n), e.ge(n, zero)), e.ge(k, zero))
    n, k = where(some, n, zero), where(some, k, zero)
    low = e.add(p.lgamma(e.add(k, one)), p.lgamma(e.add(e.sub(n, k), one)))
    return where(some, e.exp(e.sub(p.lgamma(e.add(n, one)), low)), zero)


def poch(z: Any, m: Any) -> Any:
    """Pochhammer's symbol ``gamma(z + m) / gamma(z)``."""
    return _poch(*inexact(z, m))


def multigammaln(a: Any, d: Any) -> Any:
    """The logarithm of the multivariate gamma function of dimension ``d``, an integer that is known.

    Raises ValueError for a ``d`` that is not known.
    """
    if isinstance(d, Tracer) or np.ndim(raw(d)):
        raise fail("G206", "multigammaln needs a dimension that is one known integer", location=user_location(),
                   cls=ValueError)  # fmt: skip
    d = int(raw(d))
    (a,) = inexact(a)
    out = like(a, 0.25 * d * (d - 1) * math.log(math.pi))
    for j in range(d):
        out = add(out, p.lgamma(subtract(a, 0.5 * j)))
    return out


def bernoulli(n: int) -> Any:
    """The Bernoulli numbers B_0 to B_n, with B_1 = -1/2. Raises ValueError for negative ``n``.

    >>> print(bernoulli(2))
    [ 1.         -0.5         0.16666667]
    """
    n = int(raw(n))
    if n < 0:
        raise fail("G206", f"bernoulli needs an integer that is not negative, got {n}", location=user_location(),
                   cls=ValueError)  # fmt: skip
    out = np.zeros(max(n + 1, 3))
    out[:2] = 1.0, -0.5
    for k, tangent in enumerate(_tangent_numbers((n + 1) // 2 + 1), 1):
        if 2 * k < out.size:
            top, low = 2 * k * tangent, 4**k * (4**k - 1)
            out[2 * k] = (-1) ** (k + 1) * (top / low if top < low << 1023 else math.inf)
    return asarray(out[: n + 1], dtype=default_float())


def _tangent_numbers(n: int) -> list[int]:
    """The first tangent numbers, by integers only (R. P. Brent and D. Harvey, "Fast computation of Bernoulli, tangent
    and secant numbers", 2011)."""
    out = [math.factorial(k) for k in range(n)]
    for k in range(1, n):
        for j in range(k, n):
            out[j] = (j - k) * out[j - 1] + (j - k + 2) * out[j]
    return out
