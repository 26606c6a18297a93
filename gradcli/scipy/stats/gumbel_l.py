"""The Gumbel distribution of smallest values."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import exp, expm1, log, log1p, where
from gradcli.scipy.stats._base import NAN, density, exp_of, floats, standard, unit_interval


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density, nan unless scale > 0."""
    z, scale = standard(x, loc, scale)
    return where(scale > 0, -log(scale) + z - exp(z), NAN)


pdf = density(logpdf)


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability of more than ``x``."""
    z, scale = standard(x, loc, scale)
    return where(scale > 0, -exp(z), NAN)


sf = exp_of(logsf, "sf", "The probability of more than ``x``.")


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    z, scale = standard(x, loc, scale)
    return where(scale > 0, -expm1(-exp(z)), NAN)


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`cdf`."""
    return log(cdf(x, loc, scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The quantile, the inverse of :func:`cdf`; nan for what is no probability, and unless scale > 0."""
    q, loc, scale = floats(q, loc, scale)
    return where(scale > 0, unit_interval(q, loc + scale * log(-log1p(-q))), NAN)
