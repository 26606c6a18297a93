"""Special functions, by the names of ``jax.scipy.special``.

They are evaluated in float64 without SciPy, to a few units in the last place where the function is well conditioned,
and rounded to the operand's dtype. Unlike in JAX they can be differentiated in their parameters too.
"""

from __future__ import annotations

from typing import Any

from gradcli.nn import log_softmax as _log_softmax
from gradcli.nn import logsumexp
from gradcli.nn import softmax as _softmax
from gradcli.numpy import sinc
from gradcli.scipy.special._basic import (
    boxcox,
    boxcox1p,
    dawsn,
    entr,
    erf,
    erfc,
    erfcx,
    erfinv,
    expit,
    kl_div,
    log_ndtr,
    logit,
    ndtr,
    ndtri,
    rel_entr,
    wofz,
    xlog1py,
    xlogy,
)
from gradcli.scipy.special._gamma import (
    bernoulli,
    beta,
    betainc,
    betaln,
    comb,
    digamma,
    factorial,
    gamma,
    gammainc,
    gammaincc,
    gammaln,
    gammasgn,
    loggamma,
    multigammaln,
    poch,
    polygamma,
    zeta,
)
from gradcli.scipy.special._integrals import (
    bessel_jn,
    exp1,
    expi,
    expn,
    fresnel,
    hyp1f1,
    hyp2f1,
    i0,
    i0e,
    i1,
    i1e,
    owens_t,
    sici,
    spence,
    sph_harm_y,
)

psi = digamma


def softmax(x: Any, /, *, axis: Any = None) -> Any:
    """``exp(x) / sum(exp(x))`` over the axis, by default all."""
    return _softmax(x, axis=axis)


def log_softmax(x: Any, /, *, axis: Any = None) -> Any:
    """The logarithm of :func:`softmax`."""
    return _log_softmax(x, axis=axis)


__all__ = [
    "bernoulli", "bessel_jn", "beta", "betainc", "betaln", "boxcox", "boxcox1p", "comb", "dawsn", "digamma", "entr",
    "erf", "erfc", "erfcx", "erfinv", "exp1", "expi", "expit", "expn", "factorial", "fresnel", "gamma", "gammainc",
    "gammaincc", "gammaln", "gammasgn", "hyp1f1", "hyp2f1", "i0", "i0e", "i1", "i1e", "kl_div", "log_ndtr",
    "log_softmax", "loggamma", "logit", "logsumexp", "multigammaln", "ndtr", "ndtri", "owens_t", "poch", "polygamma",
    "psi", "rel_entr", "sici", "sinc", "softmax", "spence", "sph_harm_y", "wofz", "xlog1py", "xlogy", "zeta",
]  # fmt: skip
