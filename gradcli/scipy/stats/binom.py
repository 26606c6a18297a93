"""The binomial distribution: the number of successes among ``n`` trials."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import where
from gradcli.scipy.special import gammaln, xlog1py, xlogy
from gradcli.scipy.stats._base import INF, floats, mass, only_where


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of each value, -inf for what is no number of successes."""
    k, n, p, loc = floats(k, n, p, loc)
    y = k - loc
    inside = (y >= 0) & (y < n + 1)
    y = only_where(inside, y, 0.0)
    ways = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
    chance = xlogy(y, p) + xlog1py(n - y, -p)
    return where(inside, where(chance == 0, 0.0, ways + chance), -INF)


pmf = mass(logpmf)
