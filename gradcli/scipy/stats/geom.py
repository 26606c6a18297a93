"""The geometric distribution: the number of trials up to the first success."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import log, where
from gradcli.scipy.special import xlog1py
from gradcli.scipy.stats._base import INF, floats, mass


def logpmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of each value, -inf for what is not positive."""
    k, p, loc = floats(k, p, loc)
    x = k - loc
    return where(x <= 0, -INF, xlog1py(x - 1, -p) + log(p))


pmf = mass(logpmf)
