"""``scipy.stats.multivariate_normal``: means and covariances of every form that SciPy takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.scipynames.steering import number, refuse
from gradcli.scipy.stats import multivariate_normal as _normal

_LOG_2PI = float(np.log(2 * np.pi))


def _parameters(mean: Any, cov: Any) -> tuple[Any, Any]:
    """The mean as a vector and the covariance as a matrix."""
    cov = gnp.asarray(1.0 if cov is None else cov) * 1.0
    size = cov.shape[0] if cov.ndim else 1
    mean = gnp.zeros(size) if mean is None else gnp.ravel(gnp.asarray(mean) * 1.0)
    if cov.ndim < 2:
        cov = gnp.eye(mean.shape[0]) * cov
    return mean, cov


def logpdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """The logarithm of the density at vectors ``x``; numbers, of a distribution of numbers.

    Raises LinAlgError for a covariance that is singular in this run, NotImplementedError where that is allowed.
    """
    mean, cov = _parameters(mean, cov)
    x = gnp.asarray(x) * 1.0
    points = x[..., None] if mean.shape[0] == 1 and x.shape[-1:] != (1,) else x
    if np.linalg.matrix_rank(number(cov), hermitian=True) < mean.shape[0]:
        if not allow_singular:
            raise np.linalg.LinAlgError("the covariance matrix must be symmetric positive definite")
        raise refuse("the density of a singular covariance has no derivative", "add a small multiple of np.eye(n)")
    found = _normal.logpdf(points, mean, cov)
    return found[0] if found.shape == (1,) else found


def pdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """The density, likewise."""
    return gnp.exp(logpdf(x, mean, cov, allow_singular))


def entropy(mean: Any = None, cov: Any = 1) -> Any:
    """The entropy, which depends on the covariance alone."""
    mean, cov = _parameters(mean, cov)
    return 0.5 * (gnp.linalg.slogdet(cov)[1] + mean.shape[0] * (1 + _LOG_2PI))
