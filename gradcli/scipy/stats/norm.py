"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

from gradcli.numpy import log, square
from gradcli.scipy.special import log_ndtr, ndtr, ndtri
from gradcli.scipy.stats._base import density, floats, standard


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density.

    >>> print(logpdf(0.0).round(6))
    -0.918939
    """
    z, scale = standard(x, loc, scale)
    return -(log(2 * math.pi * square(scale)) + square(z)) / 2


pdf = density(logpdf)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    return ndtr(standard(x, loc, scale)[0])


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`cdf`, precise in both tails."""
    return log_ndtr(standard(x, loc, scale)[0])


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    return ndtr(-standard(x, loc, scale)[0])


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`sf`, precise in both tails."""
    return log_ndtr(-standard(x, loc, scale)[0])


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The quantile, the inverse of :func:`cdf`."""
    q, loc, scale = floats(q, loc, scale)
    return loc + scale * ndtri(q)


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The inverse of :func:`sf`."""
    q, loc, scale = floats(q, loc, scale)
    return loc - scale * ndtri(q)
