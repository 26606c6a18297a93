"""The generalised normal distribution of shape ``beta``."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import abs, log, sign
from gradcli.scipy.special import gammainc, gammaln
from gradcli.scipy.stats._base import density, floats


def logpdf(x: Any, beta: Any) -> Any:
    """The logarithm of the probability density."""
    x, beta = floats(x, beta)
    return log(beta / 2) - gammaln(1 / beta) - abs(x) ** beta


pdf = density(logpdf)


def cdf(x: Any, beta: Any) -> Any:
    """The probability of at most ``x``."""
    x, beta = floats(x, beta)
    return (1 + sign(x) * gammainc(1 / beta, abs(x) ** beta)) / 2
