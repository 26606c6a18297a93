"""The gamma distribution of shape ``a``."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import log, where
from gradcli.scipy.special import gammainc, gammaincc, gammaln, xlogy
from gradcli.scipy.stats._base import INF, density, only_where, standard


def logpdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density, -inf below ``loc``."""
    z, scale, a = standard(x, loc, scale, a)
    inside = only_where(~(z < 0), z, 1.0)
    return where(z < 0, -INF, xlogy(a - 1, inside) - inside - gammaln(a) - log(scale))


pdf = density(logpdf)


def cdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``, differentiable in all operands."""
    z, _, a = standard(x, loc, scale, a)
    return where(z < 0, 0.0, gammainc(a, only_where(~(z < 0), z, 1.0)))


def sf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    z, _, a = standard(x, loc, scale, a)
    return where(z < 0, 1.0, gammaincc(a, only_where(~(z < 0), z, 1.0)))


def logcdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`cdf`."""
    return log(cdf(x, a, loc, scale))


def logsf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`sf`."""
    return log(sf(x, a, loc, scale))
