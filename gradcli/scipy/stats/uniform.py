"""The uniform distribution on [loc, loc + scale]."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import log, where
from gradcli.scipy.stats._base import INF, density, floats, unit_interval


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density, -inf outside."""
    x, loc, scale = floats(x, loc, scale)
    return where((x > loc + scale) | (x < loc), -INF, -log(scale))


pdf = density(logpdf)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    x, loc, scale = floats(x, loc, scale)
    return where(x < loc, 0.0, where(x > loc + scale, 1.0, (x - loc) / scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The quantile, the inverse of :func:`cdf`; nan for what is no probability."""
    q, loc, scale = floats(q, loc, scale)
    return unit_interval(q, loc + scale * q)
