"""The Laplace distribution."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import abs, exp, log, where
from gradcli.scipy.stats._base import density, standard


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density."""
    z, scale = standard(x, loc, scale)
    return -(abs(z) + log(2 * scale))


pdf = density(logpdf)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The probability of at most ``x``."""
    z, _ = standard(x, loc, scale)
    tail = exp(-abs(z)) / 2
    return where(z <= 0, tail, 1 - tail)
