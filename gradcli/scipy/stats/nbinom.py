"""The negative binomial distribution: the number of failures before the ``n``-th success."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import where
from gradcli.scipy.special import gammaln, xlog1py, xlogy
from gradcli.scipy.stats._base import INF, floats, mass, only_where


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of each value, -inf below ``loc``."""
    k, n, p, loc = floats(k, n, p, loc)
    y = k - loc
    inside = only_where(~(y < 0), y, 0.0)
    ways = gammaln(inside + n) - gammaln(n) - gammaln(inside + 1)
    return where(y < 0, -INF, ways + xlogy(n, p) + xlog1py(inside, -p))


pmf = mass(logpmf)
