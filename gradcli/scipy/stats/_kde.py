"""Estimates of a density by Gaussian kernels."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gradcli.engine.errors import fail
from gradcli.engine.trace.source import user_location
from gradcli.numpy import (
    asarray,
    atleast_1d,
    atleast_2d,
    cov,
    diagonal,
    exp,
    full,
    linalg,
    log,
    sqrt,
    square,
    sum,
    zeros,
)
from gradcli.numpy._base import value_error
from gradcli.scipy.linalg import solve_triangular
from gradcli.scipy.special import logsumexp, ndtr
from gradcli.scipy.stats._base import HALF_LOG_2PI, common_dtype
from gradcli.tree_util import register_pytree_node_class


def _unsupported(what: str) -> Exception:
    error: Exception = fail("G212", f"gaussian_kde has no {what}", location=user_location(), cls=NotImplementedError)
    return error


@register_pytree_node_class
class gaussian_kde:  # noqa: N801 - the name is JAX's
    """The density estimated from a ``dataset`` [d, n] (or [n]), with ``weights`` [n], by Gaussian kernels.

    bw_method: ``scott`` (default), ``silverman``, a factor, or a function of the estimate that gives one.
    It is a pytree, and can be differentiated in its data. Raises ValueError for arguments that do not fit.

    >>> import numpy as np
    >>> print(gaussian_kde(np.array([0.0, 1.0])).evaluate(0.5).round(6))
    [0.46598]
    """

    def __init__(self, dataset: Any, bw_method: Any = None, weights: Any = None) -> None:
        dataset = atleast_2d(asarray(dataset))
        if dataset.dtype.kind == "c":
            raise _unsupported("complex data")
        if dataset.size < 2:
            raise value_error("gaussian_kde needs a dataset of several elements")
        n = dataset.shape[1]
        if weights is None:
            (dataset,) = common_dtype(dataset)
            weights = full(n, 1.0 / n, dtype=dataset.dtype)
        else:
            dataset, weights = common_dtype(dataset, atleast_1d(asarray(weights)))
            weights = weights / sum(weights)
            if weights.shape != (n,):
                raise value_error(f"gaussian_kde needs one weight for each of {n} points, got {weights.type}")
        self.dataset, self.weights, self.neff = dataset, weights, 1 / sum(square(weights))
        factor = self._factor(bw_method)
        spread = atleast_2d(cov(dataset, rowvar=True, bias=False, aweights=weights))
        self.covariance = spread * factor**2
        self.inv_cov = linalg.inv(spread) / factor**2

    def _factor(self, method: Any) -> Any:
        if method is None or (isinstance(method, str) and method == "scott"):
            return self.neff ** (-1.0 / (self.d + 4))
        if isinstance(method, str) and method == "silverman":
            return (self.neff * (self.d + 2) / 4.0) ** (-1.0 / (self.d + 4))
        if callable(method):
            return method(self)
        if isinstance(method, str) or asarray(method).ndim:
            raise value_error("bw_method is 'scott', 'silverman', a number, or a function")
        return method

    def tree_flatten(self) -> tuple[tuple[Any, ...], None]:
        """The arrays it is made of."""
        return (self.neff, self.dataset, self.weights, self.covariance, self.inv_cov), None

    @classmethod
    def tree_unflatten(cls, aux: None, children: Any) -> gaussian_kde:
        """The estimate of these arrays."""
        out = cls.__new__(cls)
        out.neff, out.dataset, out.weights, out.covariance, out.inv_cov = children
        return out

    @property
    def d(self) -> int:
        """The number of dimensions."""
        return int(self.dataset.shape[0])

    @property
    def n(self) -> int:
        """The number of points."""
        return int(self.dataset.shape[1])

    def _points(self, points: Any) -> Any:
        points = atleast_2d(asarray(points))
        if points.shape[0] != self.d:
            if points.shape != (1, self.d):
                raise value_error(f"gaussian_kde of {self.d} dimensions got points {points.type}")
            points = points.reshape(self.d, 1)
        return points

    def logpdf(self, x: Any) -> Any:
        """The logarithm of the density at points [d, m]."""
        factor = linalg.cholesky(self.inv_cov)
        nodes, at = factor.T @ self.dataset, factor.T @ self._points(x)
        squares = sum(square(at[:, :, None] - nodes[:, None, :]), 0)
        front = sum(log(diagonal(factor))) - self.d * HALF_LOG_2PI
        return logsumexp(log(self.weights) - squares / 2, axis=1) + front

    def evaluate(self, points: Any) -> Any:
        """The density at points [d, m]."""
        return exp(self.logpdf(points))

    __call__ = evaluate

    def pdf(self, x: Any) -> Any:
        """The density at points [d, m]."""
        return self.evaluate(x)

    def _convolved(self, factor: Any, mean: Any) -> Any:
        """The integrals of the estimate times the normal density about ``mean`` [d, m]."""
        offset = self.dataset[:, :, None] - mean[:, None, :]
        white = solve_triangular(factor, offset.reshape(self.d, -1), lower=True).reshape(offset.shape)
        logs = -sum(square(white), 0) / 2 - self.d * HALF_LOG_2PI - sum(log(diagonal(factor)))
        return sum(self.weights[:, None] * exp(logs), 0)

    def integrate_gaussian(self, mean: Any, cov: Any) -> Any:
        """The integral of the estimate times the normal density of ``mean`` [d] and covariance [d, d]."""
        mean, cov = atleast_1d(asarray(mean)), atleast_2d(asarray(cov))
        if mean.shape != (self.d,) or cov.shape != (self.d, self.d):
            raise value_error(f"integrate_gaussian needs a mean and a covariance of {self.d} dimensions")
        return self._convolved(linalg.cholesky(self.covariance + cov), mean[:, None])[0]

    def integrate_kde(self, other: gaussian_kde) -> Any:
        """The integral of the product of two estimates."""
        if other.d != self.d:
            raise value_error("the estimates have different numbers of dimensions")
        factor = linalg.cholesky(self.covariance + other.covariance)
        return sum(self._convolved(factor, other.dataset) * other.weights)

    def integrate_box_1d(self, low: Any, high: Any) -> Any:
        """The probability of an interval, for one dimension."""
        if self.d != 1:
            raise value_error("integrate_box_1d is for one dimension")
        sigma = sqrt(self.covariance[0, 0])
        ends = [ndtr((asarray(x) - self.dataset[0]) / sigma) for x in (low, high)]
        return sum(self.weights * (ends[1] - ends[0]))

    def resample(self, key: Any, shape: Any = ()) -> Any:
        """Samples [d, *shape] from the estimate, the numbers JAX gives for the key."""
        random = import_module("gradcli.random")  # large, and for samples alone
        first, second = random.split(key)
        index = random.choice(first, self.n, shape=shape, p=self.weights)
        noise = random.multivariate_normal(
            second, zeros(self.d, self.covariance.dtype), self.covariance, shape=shape, dtype=self.dataset.dtype
        )
        return self.dataset[:, index] + noise.T

    def integrate_box(self, low_bounds: Any, high_bounds: Any, maxpts: Any = None) -> Any:
        """Not there: raises NotImplementedError."""
        raise _unsupported("integrate_box; integrate_box_1d is for one dimension")

    def set_bandwidth(self, bw_method: Any = None) -> Any:
        """Not there: raises NotImplementedError."""
        raise _unsupported("set_bandwidth; bw_method is given when it is made")
