"""The multinomial distribution: how often each outcome comes among ``n`` trials."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import asarray, sum, where
from gradcli.numpy._base import value_error
from gradcli.scipy.special import gammaln, xlogy
from gradcli.scipy.stats._base import INF, floats, mass


def logpmf(x: Any, n: Any, p: Any) -> Any:
    """The logarithm of the probability of counts ``x`` [..., k], -inf where they do not sum to ``n``.

    Raises ValueError unless counts and ``n`` are integers.
    """
    x, n, (p,) = asarray(x), asarray(n), floats(p)
    if x.dtype.kind not in "iu" or n.dtype.kind not in "iu":
        raise value_error(f"multinomial needs integers, got x of {x.dtype} and n of {n.dtype}")
    matching = sum(x, -1) == n
    x, n = x.astype(p.dtype), n.astype(p.dtype)
    return where(matching, gammaln(n + 1) + sum(xlogy(x, p) - gammaln(x + 1), -1), -INF)


pmf = mass(logpmf)
