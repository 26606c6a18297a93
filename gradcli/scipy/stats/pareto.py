"""The Pareto distribution of shape ``b``."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import exp, expm1, log, log1p, where
from gradcli.scipy.stats._base import INF, density, exp_of, floats, only_where, standard, unit_interval


def _log_standard(x: Any, loc: Any, scale: Any, b: Any) -> list[Any]:
    """The logarithm of the standardised variable (0 outside), whether it is below its smallest value, scale and b."""
    z, scale, b = standard(x, loc, scale, b)
    return [log(only_where(~(z < 1), z, 1.0)), z < 1, scale, b]


def logpdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density, -inf below ``loc + scale``."""
    z, below, scale, b = _log_standard(x, loc, scale, b)
    return where(below, -INF, log(b / scale) - (b + 1) * z)


pdf = density(logpdf)


def cdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    z, below, _, b = _log_standard(x, loc, scale, b)
    return where(below, 0.0, -expm1(-b * z))


def logcdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`cdf`."""
    return log(cdf(x, b, loc, scale))


def logsf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of :func:`sf`."""
    z, below, _, b = _log_standard(x, loc, scale, b)
    return where(below, 0.0, -b * z)


sf = exp_of(logsf, "sf", "The probability of more than ``x``.")


def ppf(q: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The quantile, the inverse of :func:`cdf`; nan for what is no probability."""
    q, b, loc, scale = floats(q, b, loc, scale)
    return unit_interval(q, loc + scale * exp(-log1p(-q) / b))
