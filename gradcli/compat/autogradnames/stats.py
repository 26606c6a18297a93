"""What ``autograd.scipy.stats`` has beyond ``gradcli.scipy.stats``: Student's cumulative functions, covariances that
are singular, entropies, samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.autogradnames.values import isbox, plain
from gradcli.engine.autodiff import jvp
from gradcli.engine.custom import custom_jvp
from gradcli.scipy.special import betainc
from gradcli.scipy.stats import multivariate_normal as _normal
from gradcli.scipy.stats import t as _t
from gradcli.scipy.stats._base import standard

_LOG_2PI = math.log(2 * math.pi)


def _tail(z: Any, df: Any) -> Any:
    """The probability below z <= 0 (Abramowitz and Stegun 26.7.1); near the middle, one half less the rest."""
    square = z * z
    near = square < df
    inner, outer = gnp.where(near, square, df), gnp.where(near, df, square)  # harmless where not meant
    rest = betainc(0.5, df / 2, inner / (df + inner))
    return 0.5 * gnp.where(near, 1 - rest, betainc(df / 2, 0.5, df / (df + outer)))


_below = custom_jvp(_tail)


@_below.defjvp
def _below_jvp(primals: Any, tangents: Any) -> Any:
    """By z it is the density; the formula above would have 0/0 in the middle."""
    (z, df), (dz, ddf) = primals, tangents
    middle = z == 0
    of_df = jvp(lambda d: _tail(gnp.where(middle, -1.0, z), d), (df,), (ddf,))[1]
    return _below(z, df), _t.pdf(z, df) * dz + gnp.where(middle, 0.0, of_df)


def _standard_t(x: Any, df: Any, loc: Any, scale: Any) -> tuple[Any, Any]:
    z, _, df = standard(*(gnp.asarray(v) * 1.0 for v in (x, loc, scale, df)))
    return z, _below(*gnp.broadcast_arrays(-abs(z), df))


def t_cdf(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The cumulative distribution function of Student's t."""
    z, tail = _standard_t(x, df, loc, scale)
    return plain(gnp.where(z < 0, tail, 1 - tail))


def t_logcdf(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """Its logarithm, precise on both sides."""
    z, tail = _standard_t(x, df, loc, scale)
    return plain(gnp.where(z < 0, gnp.log(tail), gnp.log1p(-tail)))


def normal_entropy(mean: Any = None, cov: Any = 1.0) -> Any:
    """The entropy of a normal distribution of vectors; it depends on the covariance alone."""
    cov = gnp.atleast_2d(gnp.asarray(cov) * 1.0)
    return plain(0.5 * (gnp.linalg.slogdet(cov)[1] + cov.shape[-1] * (1 + _LOG_2PI)))


def normal_logpdf(x: Any, mean: Any = 0.0, cov: Any = 1.0, allow_singular: bool = False) -> Any:
    """The logarithm of the density; with ``allow_singular`` on the support of the distribution.

    Raises NotImplementedError for a derivative by a covariance that may be singular.
    """
    if not allow_singular:
        return plain(_normal.logpdf(x, mean, cov))
    if isbox(cov):
        raise NotImplementedError("the normal density has no derivative by a covariance that may be singular")
    values, vectors = np.linalg.eigh(cov)
    support = values > 1e6 * np.finfo(values.dtype).eps * np.abs(values).max()
    white = gnp.matmul(gnp.asarray(x) - mean, vectors[:, support] / np.sqrt(values[support]))
    constant = support.sum() * _LOG_2PI + np.log(values[support]).sum()
    return plain(-0.5 * (constant + gnp.sum(white * white, -1)))


def normal_pdf(x: Any, mean: Any = 0.0, cov: Any = 1.0, allow_singular: bool = False) -> Any:
    """The density."""
    return plain(gnp.exp(normal_logpdf(x, mean, cov, allow_singular)))


def dirichlet_rvs(alpha: Any, size: Any = 1, random_state: Any = None) -> Any:
    """Samples of a Dirichlet distribution from NumPy's generator, or from ``random_state``."""
    source = random_state if hasattr(random_state, "dirichlet") else np.random
    if random_state is not None and source is np.random:
        source = np.random.RandomState(random_state)
    return source.dirichlet(alpha, size=size)
