"""The logistic distribution."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import log, logaddexp
from gradcli.scipy.special import expit, logit
from gradcli.scipy.stats._base import density, floats, standard


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density."""
    z, scale = standard(x, loc, scale)
    return -2 * logaddexp(z / 2, -z / 2) - log(scale)


pdf = density(logpdf)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    return expit(standard(x, loc, scale)[0])


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    return expit(-standard(x, loc, scale)[0])


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The quantile, the inverse of :func:`cdf`."""
    q, loc, scale = floats(q, loc, scale)
    return loc + scale * logit(q)


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The inverse of :func:`sf`."""
    q, loc, scale = floats(q, loc, scale)
    return loc - scale * logit(q)
