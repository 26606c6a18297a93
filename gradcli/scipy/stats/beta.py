"""The beta distribution."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import log, where
from gradcli.scipy.special import betainc, betaln, xlog1py, xlogy
from gradcli.scipy.stats._base import INF, NAN, density, only_where, standard


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density: -inf outside [0, 1], nan unless a, b > 0."""
    z, scale, a, b = standard(x, loc, scale, a, b)
    outside = (z < 0) | (z > 1)
    z = only_where(~outside, z, 0.5)
    value = xlogy(a - 1, z) + xlog1py(b - 1, -z) - betaln(a, b) - log(scale)
    return where((a <= 0) | (b <= 0), NAN, where(outside, -INF, value))


pdf = density(logpdf)


def _chance(a: Any, b: Any, z: Any) -> Any:
    inside = only_where(~((z < 0) | (z > 1)), z, 0.5)
    return where(z < 0, 0.0, where(z > 1, 1.0, betainc(a, b, inside)))


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``, differentiable in all operands."""
    z, _, a, b = standard(x, loc, scale, a, b)
    return _chance(a, b, z)


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    z, _, a, b = standard(x, loc, scale, a, b)
    return _chance(b, a, 1 - z)


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`cdf`."""
    return log(cdf(x, a, b, loc, scale))


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`sf`."""
    return log(sf(x, a, b, loc, scale))
