"""The chi-squared distribution of ``df`` degrees of freedom: gamma of shape df / 2 and twice the scale."""

from __future__ import annotations

from typing import Any

from gradcli.scipy.stats import gamma
from gradcli.scipy.stats._base import density, floats


def _as_gamma(x: Any, df: Any, loc: Any, scale: Any) -> tuple[Any, Any, Any, Any]:
    x, df, loc, scale = floats(x, df, loc, scale)
    return x, df / 2, loc, 2 * scale


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density, -inf below ``loc``."""
    return gamma.logpdf(*_as_gamma(x, df, loc, scale))


pdf = density(logpdf)


def cdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``, differentiable in all operands."""
    return gamma.cdf(*_as_gamma(x, df, loc, scale))


def sf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of more than ``x``."""
    return gamma.sf(*_as_gamma(x, df, loc, scale))


def logcdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`cdf`."""
    return gamma.logcdf(*_as_gamma(x, df, loc, scale))


def logsf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`sf`."""
    return gamma.logsf(*_as_gamma(x, df, loc, scale))
