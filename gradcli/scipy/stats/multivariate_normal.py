"""The normal distribution of vectors."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import diagonal, linalg, log, square, sum
from gradcli.numpy._base import value_error
from gradcli.scipy.linalg import solve_triangular
from gradcli.scipy.stats._base import HALF_LOG_2PI, common_dtype, density


def logpdf(x: Any, mean: Any, cov: Any, allow_singular: None = None) -> Any:
    """The logarithm of the probability density at ``x`` [..., n] for mean [..., n] and covariance [..., n, n].

    A scalar covariance is a variance common to all components; a scalar mean makes it the normal distribution.
    Raises ValueError where the shapes do not fit, NotImplementedError for ``allow_singular``.
    """
    if allow_singular is not None:
        raise NotImplementedError("multivariate_normal.logpdf has no allow_singular")
    x, mean, cov = common_dtype(x, mean, cov)
    offset = x - mean
    if not mean.shape:
        return -square(offset) / cov / 2 - HALF_LOG_2PI - log(cov) / 2
    n = mean.shape[-1]
    if not cov.shape:
        return -sum(square(offset), -1) / cov / 2 - n * (HALF_LOG_2PI + log(cov) / 2)
    if cov.ndim < 2 or cov.shape[-2:] != (n, n):
        raise value_error(f"multivariate_normal needs a mean [..., n] and a covariance [..., n, n], got {mean.type} "
                          f"and {cov.type}")  # fmt: skip
    factor = linalg.cholesky(cov)
    white = _solve(factor, offset)
    return -sum(square(white), -1) / 2 - n * HALF_LOG_2PI - sum(log(diagonal(factor, axis1=-2, axis2=-1)), -1)


def _solve(factor: Any, offset: Any) -> Any:
    """The vectors that the lower triangular factor maps to the offsets."""
    if factor.ndim == 2:
        columns = offset.reshape(-1, offset.shape[-1]).T
        return solve_triangular(factor, columns, lower=True).T.reshape(offset.shape)
    return solve_triangular(factor, offset[..., None], lower=True)[..., 0]


pdf = density(logpdf)
