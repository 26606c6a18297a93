"""The beta-binomial distribution: binomial with a probability of success that is beta distributed."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import floor, log1p, where
from gradcli.scipy.special import betaln
from gradcli.scipy.stats._base import INF, NAN, floats, mass, only_where


def logpmf(k: Any, n: Any, a: Any, b: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of each value: -inf outside 0 to n, nan unless n >= 0 and a, b > 0."""
    k, n, a, b, loc = floats(k, n, a, b, loc)
    y = floor(k) - loc
    inside = (y >= 0) & (y <= n)
    y = only_where(inside, y, 0.0)
    ways = -log1p(n) - betaln(n - y + 1, y + 1)
    value = ways + betaln(y + a, n - y + b) - betaln(a, b)
    return where((n < 0) | (a <= 0) | (b <= 0), NAN, where(inside, value, -INF))


pmf = mass(logpmf)
