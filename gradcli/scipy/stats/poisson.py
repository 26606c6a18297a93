"""The Poisson distribution of mean ``mu``."""

from __future__ import annotations

import math
from typing import Any

from gradcli.numpy import arange, broadcast_to, floor, log, round, where
from gradcli.scipy.special import entr, gammaincc, gammaln, xlogy
from gradcli.scipy.stats._base import INF, floats, mass, only_where

_LEAST = 1e-30
_TERMS = 250  # those beyond are nothing for a mean below 100


def logpmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of each value, -inf for what is no integer from ``loc`` on."""
    k, mu, loc = floats(k, mu, loc)
    x = k - loc
    inside = only_where(~(x < 0), x, 0.0)
    return where((x < 0) | (round(k) != k), -INF, xlogy(inside, mu) - gammaln(inside + 1) - mu)


pmf = mass(logpmf)


def cdf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The probability of at most ``k``."""
    k, mu, loc = floats(k, mu, loc)
    x = k - loc
    return where(x < 0, 0.0, gammaincc(floor(1 + only_where(~(x < 0), x, 0.0)), mu))


def entropy(mu: Any, loc: Any = 0) -> Any:
    """The entropy: summed for means below 100, above by its asymptotic series (R. J. Evans, J. Boersma,
    N. M. Blachman and A. A. Jagers, SIAM Rev. 30 (1988), 314-317)."""
    mu, loc = floats(mu, loc)
    mu = broadcast_to(mu, (mu + loc).shape)
    small = mu < 100
    probabilities = pmf(arange(_TERMS, dtype=mu.dtype), only_where(small, mu, 1.0)[..., None])
    large = only_where(~small, mu, 100.0)
    series = 1 / (12 * large) + 1 / (24 * large**2) + 19 / (360 * large**3)
    seen = probabilities > _LEAST  # logarithms of 0 have no derivative that a product with 0 would make harmless
    terms = where(seen, entr(only_where(seen, probabilities, 1.0)), 0.0)
    return where(small, terms.sum(-1), 0.5 * log(2 * math.pi * math.e * large) - series)
