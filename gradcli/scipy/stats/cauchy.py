"""The Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

from gradcli.numpy import arctan2, log, log1p, ones_like, square, tan
from gradcli.scipy.stats._base import density, floats, standard, unit_interval


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density."""
    z, scale = standard(x, loc, scale)
    return -(log(math.pi * scale) + log1p(square(z)))


pdf = density(logpdf)


def _below(z: Any) -> Any:
    return arctan2(ones_like(z), -z) / math.pi  # precise far below, where 1/2 + atan(z) / pi would cancel


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    return _below(standard(x, loc, scale)[0])


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`cdf`."""
    return log(cdf(x, loc, scale))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    return _below(-standard(x, loc, scale)[0])


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`sf`."""
    return log(sf(x, loc, scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The quantile, the inverse of :func:`cdf`; nan for what is no probability."""
    q, loc, scale = floats(q, loc, scale)
    return unit_interval(q, loc + scale * tan(math.pi * q - 0.5 * math.pi))


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The inverse of :func:`sf`."""
    q, loc, scale = floats(q, loc, scale)
    return unit_interval(q, loc + scale * tan(0.5 * math.pi - math.pi * q))
