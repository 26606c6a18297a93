"""Special functions, each with points at which it is smooth; and sums with many digits to hold values against."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, getcontext
from fractions import Fraction
from typing import Any

import numpy as np

from gradcli.scipy import special as sp

getcontext().prec = 140


def points(*xs: float) -> Any:
    return np.array(xs)


# name: function, operands, order of the derivatives that are checked
SMOOTH: dict[str, tuple[Callable[..., Any], tuple[Any, ...], int]] = {
    "bessel_jn": (lambda x: sp.bessel_jn(x, v=3), (points(0.4, 7.0),), 2),
    "beta": (sp.beta, (points(0.7, 3.0), points(2.1, -0.4)), 2),
    "betainc": (sp.betainc, (points(0.7), points(1.4), points(0.3)), 2),
    "betainc large": (sp.betainc, (points(300.0), points(250.0), points(0.52)), 1),
    "betaln": (sp.betaln, (points(0.7, 3.0), points(2.1, 0.4)), 2),
    "boxcox": (sp.boxcox, (points(0.7, 3.0, 2.0), points(0.5, -2.0, 1.0)), 2),
    "boxcox1p": (sp.boxcox1p, (points(-0.3, 3.0), points(0.5, -2.0)), 2),
    "comb": (sp.comb, (points(7.3, 5.0), points(2.2, 1.5)), 2),
    "dawsn": (sp.dawsn, (points(-0.4, 0.9, 3.0),), 2),
    "digamma": (sp.digamma, (points(-1.4, 0.3, 5.0),), 2),
    "entr": (sp.entr, (points(0.4, 3.0),), 2),
    "erf": (sp.erf, (points(-0.4, 0.3, 2.0),), 2),
    "erfc": (sp.erfc, (points(-0.4, 0.3, 2.0),), 2),
    "erfcx": (sp.erfcx, (points(-0.7, 0.3, 6.0),), 2),
    "erfinv": (sp.erfinv, (points(-0.7, 0.1, 0.9),), 2),
    "exp1": (sp.exp1, (points(0.3, 2.5),), 2),
    "expi": (sp.expi, (points(-1.5, 0.3, 2.5),), 2),
    "expit": (sp.expit, (points(-1.5, 2.5),), 2),
    "expn": (lambda x: sp.expn(np.array([1, 2, 5]), x), (points(0.4, 1.5, 3.0),), 2),
    "factorial": (sp.factorial, (points(2.5, 4.0),), 2),
    "fresnel": (sp.fresnel, (points(-0.4, 0.8, 2.0),), 2),
    "gamma": (sp.gamma, (points(-1.3, 0.4, 5.0),), 2),
    "gammainc": (sp.gammainc, (points(2.5), points(1.7)), 2),
    "gammainc large": (sp.gammainc, (points(1.5, 300.0), points(4.0, 310.0)), 1),
    "gammaincc": (sp.gammaincc, (points(1.5, 0.3), points(4.0, 0.2)), 1),
    "gammaln": (sp.gammaln, (points(-1.3, 0.4, 5.0),), 2),
    "hyp1f1": (sp.hyp1f1, (points(0.7, -0.5), points(1.3, 2.5), points(2.0, -3.0)), 1),
    "hyp2f1": (sp.hyp2f1, (points(0.7, 1.2), points(1.3, 0.4), points(2.2, 1.5), points(0.3, -2.0)), 1),
    "hyp2f1 near 1": (lambda x: sp.hyp2f1(0.7, 1.6, 1.9, x), (points(0.93),), 2),
    "i0": (sp.i0, (points(-1.5, 0.3, 9.0),), 2),
    "i0e": (sp.i0e, (points(-1.5, 0.3, 50.0),), 2),
    "i1": (sp.i1, (points(-1.5, 0.3, 9.0),), 2),
    "i1e": (sp.i1e, (points(-1.5, 0.3, 50.0),), 2),
    "kl_div": (sp.kl_div, (points(0.4, 3.0), points(0.7, 1.2)), 2),
    "log_ndtr": (sp.log_ndtr, (points(-30.0, -0.3, 1.5),), 2),
    "log_softmax": (sp.log_softmax, (points(-0.3, 1.5, 0.7),), 2),
    "logit": (sp.logit, (points(0.3, 0.8),), 2),
    "logsumexp": (sp.logsumexp, (points(-0.3, 1.5, 0.7),), 2),
    "multigammaln": (lambda a: sp.multigammaln(a, 3), (points(1.7, 5.0),), 2),
    "ndtr": (sp.ndtr, (points(-1.5, 0.3),), 2),
    "ndtri": (sp.ndtri, (points(1e-3, 0.3, 0.9),), 2),
    "owens_t": (sp.owens_t, (points(-0.4, 1.5), points(0.6, 2.5)), 2),
    "poch": (sp.poch, (points(0.7, 2.2), points(1.5, 3.0)), 2),
    "polygamma": (lambda x: sp.polygamma(2, x), (points(-1.4, 0.3, 5.0),), 2),
    "rel_entr": (sp.rel_entr, (points(0.4, 3.0), points(0.7, 1.2)), 2),
    "sici": (sp.sici, (points(0.05, 0.8, 9.0),), 2),
    "softmax": (sp.softmax, (points(-0.3, 1.5, 0.7),), 2),
    "spence": (sp.spence, (points(0.3, 1.001, 5.0),), 2),
    "wofz": (sp.wofz, (np.array([0.3 + 0.4j, -1.5 - 0.2j, 9.0 + 2.0j]),), 2),
    "xlog1py": (sp.xlog1py, (points(0.4, 3.0), points(0.7, -0.2)), 2),
    "xlogy": (sp.xlogy, (points(0.4, 3.0), points(0.7, 1.2)), 2),
    "zeta": (sp.zeta, (points(1.5, 6.0), points(0.4, 3.0)), 2),
}  # fmt: skip


# --- many digits ------------------------------------------------------------------------------------------------------


def exact(x: float) -> Decimal:
    return Decimal(x)


def series(first: Any, ratio: Callable[[int], Any], weight: Callable[[int], Any] = lambda k: 1) -> float:
    """The sum of terms of which ``ratio(k)`` is the quotient of the k-th and the one before, in many digits."""
    term, total, k = Decimal(first), Decimal(0), 0
    while k < 8 or abs(term) > Decimal(10) ** -50 * max(abs(total), Decimal(1)):
        total += term * weight(k)
        k += 1
        term *= ratio(k)
    return float(total)


def binomial_tail(n: int, a: int, x: Fraction) -> Fraction:
    """The chance of at least ``a`` successes in ``n`` trials: I_x(a, n - a + 1) (DLMF 8.17.5)."""
    from math import comb

    return sum((comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1)), Fraction(0))


def poisson_tail(a: int, x: float) -> float:
    """The chance of at least ``a`` events: P(a, x) (DLMF 8.4.11)."""
    term = total = Decimal(1)
    for k in range(1, a):
        term *= exact(x) / k
        total += term
    return float(1 - total * (-exact(x)).exp())
