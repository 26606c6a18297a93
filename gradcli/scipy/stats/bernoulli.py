"""The Bernoulli distribution: 1 with probability ``p``, else 0."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import where
from gradcli.scipy.special import xlog1py, xlogy
from gradcli.scipy.stats._base import INF, NAN, floats, mass


def logpmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of each value, -inf for what is neither 0 nor 1."""
    k, p, loc = floats(k, p, loc)
    x = k - loc
    return where((x < 0) | (x > 1), -INF, xlogy(x, p) + xlog1py(1 - x, -p))


pmf = mass(logpmf)


def cdf(k: Any, p: Any) -> Any:
    """The probability of at most ``k``; nan where ``p`` is no probability."""
    k, p = floats(k, p)
    value = where(k < 0, 0.0, where(k < 1, 1 - p, 1.0))
    return where((k != k) | ~((p >= 0) & (p <= 1)), NAN, value)


def ppf(q: Any, p: Any) -> Any:
    """The quantile, the inverse of :func:`cdf`; nan for what are no probabilities."""
    q, p = floats(q, p)
    valid = (p >= 0) & (p <= 1) & (q >= 0) & (q <= 1)
    return where(valid, where(q <= 1 - p, q.dtype.type(0), q.dtype.type(1)), NAN)
