"""``scipy.spatial.distance``: distances of vectors, of all pairs of rows, and of the pairs of one matrix.

At distance 0 the derivative of a root is taken as 0, so that a matrix of distances with itself has a gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.scipynames.steering import refuse, values
from gradcli.engine.errors import fail
from gradcli.engine.trace.source import user_location


def _root(x: Any) -> Any:
    zero = x == 0
    return gnp.where(zero, 0.0, gnp.sqrt(gnp.where(zero, 1.0, x)))


def _weighted(terms: Any, w: Any) -> Any:
    return gnp.sum(terms if w is None else terms * values(w), axis=-1)


def sqeuclidean(u: Any, v: Any, w: Any = None) -> Any:
    """The square of :func:`euclidean`."""
    return _weighted((values(u) - values(v)) ** 2, w)


def euclidean(u: Any, v: Any, w: Any = None) -> Any:
    """The length of ``u - v``."""
    return _root(sqeuclidean(u, v, w))


def cityblock(u: Any, v: Any, w: Any = None) -> Any:
    """The sum of absolute differences."""
    return _weighted(gnp.abs(values(u) - values(v)), w)


def chebyshev(u: Any, v: Any, w: Any = None) -> Any:
    """The largest absolute difference."""
    return gnp.max(gnp.abs(values(u) - values(v)), axis=-1)


def minkowski(u: Any, v: Any, p: Any = 2, w: Any = None) -> Any:
    """The ``p``-th root of the sum of p-th powers of absolute differences."""
    total = _weighted(gnp.abs(values(u) - values(v)) ** p, w)
    zero = total == 0
    return gnp.where(zero, 0.0, gnp.where(zero, 1.0, total) ** (1.0 / p))


def cosine(u: Any, v: Any, w: Any = None) -> Any:
    """1 less the cosine of the angle."""
    u, v = values(u), values(v)
    return 1.0 - _weighted(u * v, w) / gnp.sqrt(_weighted(u * u, w) * _weighted(v * v, w))


def correlation(u: Any, v: Any, w: Any = None, centered: bool = True) -> Any:
    """:func:`cosine` of the vectors less their means."""
    u, v = values(u), values(v)
    if centered:
        weights = gnp.ones(u.shape[-1]) if w is None else values(w)
        u, v = (x - gnp.sum(x * weights, axis=-1, keepdims=True) / gnp.sum(weights) for x in (u, v))
    return cosine(u, v, w)


def canberra(u: Any, v: Any, w: Any = None) -> Any:
    """The sum of absolute differences over sums of absolute values."""
    u, v = values(u), values(v)
    size = gnp.abs(u) + gnp.abs(v)
    return _weighted(gnp.where(size == 0, 0.0, gnp.abs(u - v) / gnp.where(size == 0, 1.0, size)), w)


def braycurtis(u: Any, v: Any, w: Any = None) -> Any:
    """The sum of absolute differences over that of absolute sums."""
    u, v = values(u), values(v)
    return _weighted(gnp.abs(u - v), w) / _weighted(gnp.abs(u + v), w)


def mahalanobis(u: Any, v: Any, VI: Any) -> Any:  # noqa: N803 - SciPy's name
    """The length of ``u - v`` in the metric of an inverse covariance."""
    d = values(u) - values(v)
    return _root(gnp.sum(d @ values(VI) * d, axis=-1))


_METRICS: dict[str, Callable[..., Any]] = {
    "euclidean": euclidean, "sqeuclidean": sqeuclidean, "cityblock": cityblock, "chebyshev": chebyshev,
    "minkowski": minkowski, "cosine": cosine, "correlation": correlation, "canberra": canberra,
    "braycurtis": braycurtis,
}  # fmt: skip


def _metric(metric: Any) -> Callable[..., Any]:
    found = _METRICS.get(metric) if isinstance(metric, str) else None
    if found is None and isinstance(metric, str):
        raise refuse(f"the metric {metric!r} is not supported on traced values", f"use one of {', '.join(_METRICS)}")
    return found or metric


def cdist(XA: Any, XB: Any, metric: Any = "euclidean", **options: Any) -> Any:  # noqa: N803 - SciPy's names
    """The distances of all rows of ``XA`` [n, d] from all rows of ``XB`` [m, d]: [n, m]."""
    a, b = values(XA) * 1.0, values(XB) * 1.0
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise fail("G206", f"cdist needs matrices of as many columns, got {a.shape} and {b.shape}",
                   location=user_location(), cls=ValueError)  # fmt: skip
    if isinstance(metric, str):
        return _metric(metric)(a[:, None, :], b[None, :, :], **options)
    return gnp.stack([gnp.stack([values(metric(x, y, **options)) for y in b]) for x in a])


def pdist(X: Any, metric: Any = "euclidean", **options: Any) -> Any:  # noqa: N803
    """The distances of the pairs of rows of ``X`` [n, d], as a vector of n (n - 1) / 2."""
    x = values(X) * 1.0
    i, j = np.triu_indices(x.shape[0], 1)
    if isinstance(metric, str):
        return _metric(metric)(x[i], x[j], **options)
    return gnp.stack([values(metric(x[k], x[m], **options)) for k, m in zip(i, j, strict=True)])


def squareform(X: Any, force: str = "no", checks: bool = True) -> Any:  # noqa: N803
    """The symmetric matrix for the vector of :func:`pdist`, and the vector for such a matrix."""
    x = values(X)
    if x.ndim == 2:
        return x[np.triu_indices(x.shape[0], 1)]
    n = round((1 + (1 + 8 * x.shape[0]) ** 0.5) / 2)
    places = np.zeros((n, n), int)
    i, j = np.triu_indices(n, 1)
    places[i, j] = places[j, i] = np.arange(len(i))
    return gnp.where(np.eye(n, dtype=bool), 0.0, x[places])
