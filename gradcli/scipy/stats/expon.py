"""The exponential distribution."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import exp, expm1, log, log1p, where
from gradcli.scipy.stats._base import INF, density, exp_of, floats, only_where, standard, unit_interval


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density, -inf below ``loc``."""
    z, scale = standard(x, loc, scale)
    return where(z < 0, -INF, -log(scale) - z)


pdf = density(logpdf)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    z, _ = standard(x, loc, scale)
    return where(z < 0, 0.0, -expm1(-only_where(z >= 0, z, 0.0)))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`cdf`."""
    z, _ = standard(x, loc, scale)
    inside = z > 0
    z = only_where(inside | (z != z), z, 1.0)
    return where(inside | (z != z), where(z < 0.6, log(-expm1(-z)), log1p(-exp(-z))), -INF)


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`sf`."""
    z, _ = standard(x, loc, scale)
    return where(z < 0, 0.0, -z)


sf = exp_of(logsf, "sf", "The probability of more than ``x``.")


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The quantile, the inverse of :func:`cdf`; nan for what is no probability."""
    q, loc, scale = floats(q, loc, scale)
    return unit_interval(q, loc - scale * log1p(-q))
