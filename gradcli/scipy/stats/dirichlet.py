"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import abs, all, concatenate, sum, where
from gradcli.numpy._base import value_error
from gradcli.scipy.special import gammaln, xlogy
from gradcli.scipy.stats._base import INF, common_dtype, density


def logpdf(x: Any, alpha: Any) -> Any:
    """The logarithm of the probability density at shares ``x`` [n, ...] or, the last being left out, [n - 1, ...].

    -inf where the shares are not positive or do not sum to 1. Raises ValueError unless ``alpha`` is [n].
    """
    x, alpha = common_dtype(x, alpha)
    if alpha.ndim != 1 or x.ndim < 1 or x.shape[0] not in (alpha.shape[0], alpha.shape[0] - 1):
        raise value_error(f"dirichlet needs alpha [n] and x [n, ...] or [n - 1, ...], got {alpha.type} and {x.type}")
    if x.shape[0] != alpha.shape[0]:
        x = concatenate([x, 1 - sum(x, 0, keepdims=True)], 0)
    front = gammaln(sum(alpha)) - sum(gammaln(alpha))
    weights = alpha.reshape(alpha.shape + (1,) * (x.ndim - 1))
    inside = all(x > 0, axis=0) & (abs(sum(x, 0) - 1) < 1e-6)
    return where(inside, sum(xlogy(weights - 1, x), 0) + front, -INF)


pdf = density(logpdf)
