"""Special functions, by the names of ``jax.scipy.special``."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import special as p
from gradcli.engine.ops.operators import inexact, like, where
from gradcli.nn import logsumexp
from gradcli.numpy import sinc

__all__ = [
    "betaln", "digamma", "entr", "erf", "erfc", "erfinv", "expit", "gamma", "gammaln", "kl_div", "log_ndtr", "logit",
    "logsumexp", "ndtr", "ndtri", "polygamma", "psi", "rel_entr", "sinc", "xlog1py", "xlogy",
]  # fmt: skip


def erf(x: Any) -> Any:
    """The error function."""
    return p.erf(*inexact(x))


def erfc(x: Any) -> Any:
    """``1 - erf(x)``, precise where erf is near 1."""
    return p.erfc(*inexact(x))


def erfinv(x: Any) -> Any:
    """The inverse of :func:`erf`."""
    return p.erf_inv(*inexact(x))


def gammaln(x: Any) -> Any:
    """The logarithm of the size of the gamma function."""
    return p.lgamma(*inexact(x))


def gamma(x: Any) -> Any:
    """The gamma function; nan at its poles other than 0."""
    (x,) = inexact(x)
    floor = e.floor(x)
    odd = e.ne(e.rem(floor, like(x, 2)), like(x, 0))
    flip = e.bitwise_and(e.lt(x, like(x, 0)), odd)
    out = e.exp(p.lgamma(x))
    out = where(flip, e.neg(out), out)
    return where(e.bitwise_and(e.lt(x, like(x, 0)), e.eq(x, floor)), like(x, math.nan), out)


def digamma(x: Any) -> Any:
    """The derivative of :func:`gammaln`."""
    return p.digamma(*inexact(x))


psi = digamma


def polygamma(n: Any, x: Any) -> Any:
    """The ``n``-th derivative of :func:`digamma`."""
    return p.polygamma(*inexact(n, x))


def betaln(a: Any, b: Any) -> Any:
    """The logarithm of the beta function."""
    a, b = inexact(a, b)
    return e.sub(e.add(p.lgamma(a), p.lgamma(b)), p.lgamma(e.add(a, b)))


def expit(x: Any) -> Any:
    """The logistic sigmoid."""
    return e.logistic(*inexact(x))


def logit(x: Any) -> Any:
    """``log(x / (1 - x))``, the inverse of :func:`expit`."""
    (x,) = inexact(x)
    return e.sub(e.log(x), e.log1p(e.neg(x)))


def _guarded(x: Any, safe: Any, y: Any, neutral: float) -> Any:
    """``y``, or a harmless value where ``x`` is 0 and the logarithm of ``y`` would not be finite."""
    return where(e.bitwise_or(e.ne(x, like(x, 0)), safe), y, like(y, neutral))


def xlogy(x: Any, y: Any) -> Any:
    """``x log(y)``, 0 where ``x`` is 0."""
    x, y = inexact(x, y)
    safe = e.bitwise_and(e.gt(y, like(y, 0)), e.lt(y, like(y, math.inf)))
    return e.mul(x, e.log(_guarded(x, safe, y, 1.0)))


def xlog1py(x: Any, y: Any) -> Any:
    """``x log(1 + y)``, 0 where ``x`` is 0."""
    x, y = inexact(x, y)
    safe = e.bitwise_and(e.gt(y, like(y, -1)), e.lt(y, like(y, math.inf)))
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


def ndtri(x: Any) -> Any:
    """The quantile function of the standard normal distribution."""
    (x,) = inexact(x)
    return e.mul(like(x, math.sqrt(2.0)), p.erf_inv(e.sub(e.mul(like(x, 2), x), like(x, 1))))


def log_ndtr(x: Any) -> Any:
    """The logarithm of :func:`ndtr`, by its asymptotic series for very negative ``x``."""
    (x,) = inexact(x)
    limit = like(x, -30 if type_of(x).dtype.itemsize == 8 else -10)  # erfc is precise down to here
    far = e.lt(x, limit)
    near, low = where(far, like(x, 0), x), where(far, x, limit)
    square = e.integer_pow(low, -2)
    series = like(x, 0)
    for k in range(9, -1, -1):  # sum of (-1)^k (2k-1)!! / x^(2k)
        factor = (-1) ** k * math.prod(range(1, 2 * k, 2))
        series = e.add(like(x, factor), e.mul(series, square))
    tail = e.sub(e.mul(like(x, -0.5), e.square(low)), e.log(e.neg(low)))
    tail = e.add(e.sub(tail, like(x, 0.5 * math.log(2 * math.pi))), e.log(series))
    upper = e.gt(near, like(x, 0))
    small = ndtr(where(upper, e.neg(near), near))
    return where(far, tail, where(upper, e.log1p(e.neg(small)), e.log(small)))
