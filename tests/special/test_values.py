"""Values of special functions: against sums in many digits, identities, and at singular points."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from gradcli.engine.array import raw
from gradcli.engine.ops.special import _EULER
from gradcli.scipy import special as sp
from tests.special.cases import binomial_tail, exact, poisson_tail, series

PI = math.pi
INF, NAN = math.inf, math.nan
XS = np.array([0.013, 0.3, 0.77, 1.0, 1.9, 3.3, 6.1, 11.0])


def close(found: Any, expected: Any, rtol: float = 3e-14, atol: float = 0.0) -> None:
    np.testing.assert_allclose(np.asarray(raw(found)), expected, rtol=rtol, atol=atol)


def each(f: Any) -> Any:
    return np.array([f(float(x)) for x in XS])


def square(x: float) -> Decimal:
    return exact(x) * exact(x)


# name: function, its series at x; all in 60 digits
SERIES: dict[str, tuple[Any, Any]] = {
    "i0": (sp.i0, lambda x: series(1, lambda k: square(x) / (4 * k * k))),
    "i1": (sp.i1, lambda x: series(exact(x) / 2, lambda k: square(x) / (4 * k * (k + 1)))),
    "j2": (
        lambda x: sp.bessel_jn(x, v=2)[2],
        lambda x: series(square(x) / 8, lambda k: -square(x) / (4 * k * (k + 2))),
    ),
    "ei": (
        lambda x: sp.expi(x) - np.log(x) - _EULER,
        lambda x: series(exact(x), lambda k: exact(x) * k / ((k + 1) ** 2)),
    ),
    "si": (
        lambda x: sp.sici(x)[0],
        lambda x: series(exact(x), lambda k: -square(x) / (2 * k * (2 * k + 1)), lambda k: 1 / Decimal(2 * k + 1)),
    ),
    "erf": (
        lambda x: sp.erf(x) * (math.sqrt(PI) / 2),
        lambda x: series(exact(x), lambda k: -square(x) / k, lambda k: 1 / Decimal(2 * k + 1)),
    ),
    "dawsn": (sp.dawsn, lambda x: series(exact(x), lambda k: -2 * square(x) / (2 * k + 1))),
    "hyp1f1": (
        lambda x: sp.hyp1f1(0.75, 1.25, x),
        lambda x: series(1, lambda k: exact(x) * (Decimal("0.75") + k - 1) / ((Decimal("1.25") + k - 1) * k)),
    ),
    "hyp1f1 left": (
        lambda x: sp.hyp1f1(0.75, 1.25, -x),
        lambda x: series(1, lambda k: -exact(x) * (Decimal("0.75") + k - 1) / ((Decimal("1.25") + k - 1) * k)),
    ),
}


@pytest.mark.parametrize("name", list(SERIES))
def test_series(name: str) -> None:
    f, reference = SERIES[name]
    close(f(XS), each(reference), rtol=3e-14 if name not in ("ei", "j2") else 1e-13)


def test_incomplete_gamma_of_whole_parameters() -> None:
    for a, x in ((1, 0.3), (2, 5.0), (7, 3.25), (40, 33.0), (150, 160.0), (420, 400.0), (900, 930.0)):
        p = poisson_tail(a, x)
        close(sp.gammainc(float(a), x), p, rtol=1e-13)
        close(sp.gammaincc(float(a), x), 1 - p, rtol=1e-13, atol=1e-15)


def test_incomplete_beta_of_whole_parameters() -> None:
    for n, a, x in ((3, 1, 0.25), (9, 4, 0.5), (30, 28, 0.875), (60, 3, 0.0625), (700, 300, 0.4375), (801, 420, 0.5)):
        exactly = float(binomial_tail(n, a, Fraction(x)))
        close(sp.betainc(float(a), float(n - a + 1), x), exactly, rtol=2e-13)
        close(sp.betainc(float(n - a + 1), float(a), 1 - x), 1 - exactly, rtol=2e-13, atol=1e-15)


def test_gamma_and_zeta() -> None:
    for n in range(1, 15):
        close(sp.gamma(float(n)), math.factorial(n - 1), rtol=1e-14)
    close(sp.gamma(0.5), math.sqrt(PI))
    close(sp.zeta(np.array([2.0, 4.0, 6.0])), [PI**2 / 6, PI**4 / 90, PI**6 / 945], rtol=1e-15)
    s, q = np.array([1.2, 2.5, 30.0, 400.0]), np.array([0.3, 4.0, 50.0, 390.0])
    close(sp.zeta(s, q) - sp.zeta(s, q + 1), q**-s, rtol=1e-12)
    close(sp.polygamma(3, XS) - sp.polygamma(3, XS + 1), 6 / XS**4, rtol=1e-10)
    for k in range(1, 12):
        expected = (-1) ** (k + 1) * 2 * math.factorial(2 * k) / (2 * PI) ** (2 * k) * raw(sp.zeta(2.0 * k))
        close(sp.bernoulli(2 * k)[2 * k], expected, rtol=1e-14)
    assert raw(sp.bernoulli(9))[9] == 0.0
    assert np.isinf(raw(sp.bernoulli(300))[300])


def test_gamma_of_complex_numbers() -> None:
    z = np.array([0.3 + 0.7j, 4 - 2j, -3.4 + 0.1j, -3.4 - 0.1j, 12 + 9j, 0.9 + 0j])
    close(sp.gamma(z) * sp.gamma(1 - z), PI / np.sin(PI * z), rtol=1e-12)
    close(sp.gamma(z + 1), z * raw(sp.gamma(z)), rtol=1e-13)
    close(sp.loggamma(z + 1) - sp.loggamma(z), np.log(z), rtol=1e-12)
    close(sp.loggamma(-4.5 + 300j), np.conj(raw(sp.loggamma(-4.5 - 300j))))


def test_error_functions() -> None:
    x = np.array([0.1, 0.46, 0.47, 1.7, 4.1, 26.0])
    close(sp.erfcx(x) * np.exp(-(x**2)), raw(sp.erfc(x)), rtol=3e-13)
    close(sp.wofz(1j * x), raw(sp.erfcx(x)), rtol=1e-14)
    z = np.array([0.3 + 0.4j, -7.9 + 0.3j, 8.2 - 0.1j, 2.5 + 1e-9j, 1.25 + 0j])
    close(sp.wofz(z) + sp.wofz(-z), 2 * np.exp(-(z**2)), rtol=1e-13, atol=1e-15)
    close(sp.wofz(-np.conj(z)), np.conj(raw(sp.wofz(z))))
    p = np.array([1e-300, 1e-20, 1e-3, 0.2, 0.26, 0.5, 0.7, 0.999])
    close(sp.ndtr(sp.ndtri(p)), p, rtol=3e-13)
    close(sp.log_ndtr(np.array([-1e4, -40.0])), [-5e7 - 0.5 * math.log(2 * PI) - math.log(1e4), -804.608442], rtol=1e-8)
    close(sp.log_ndtr(XS - 6), np.log(raw(sp.ndtr(XS - 6))), rtol=1e-13, atol=1e-16)


def test_identities() -> None:
    x = np.array([0.02, 0.3, 0.5, 0.9])
    close(sp.spence(x) + sp.spence(1 - x), PI**2 / 6 - np.log(x) * np.log1p(-x))
    close(sp.spence(1 / x) + sp.spence(x), -0.5 * np.log(x) ** 2, rtol=1e-13)
    close(sp.owens_t(XS, 1.0), 0.5 * raw(sp.ndtr(XS)) * raw(sp.ndtr(-XS)), rtol=1e-13, atol=1e-300)
    close(sp.owens_t(0.0, XS), np.arctan(XS) / (2 * PI))
    close(sp.owens_t(XS, 3.0) + sp.owens_t(3 * XS, 1 / 3.0), (raw(sp.ndtr(-XS)) + raw(sp.ndtr(-3 * XS))) / 2
          - raw(sp.ndtr(-XS)) * raw(sp.ndtr(-3 * XS)), rtol=1e-12)  # fmt: skip
    z = np.array([-30.0, -0.7, 0.3, 0.85, 0.999, 1 - 1e-9])
    close(sp.hyp2f1(1.0, 1.0, 2.0, z), -np.log1p(-z) / z, rtol=1e-13)
    close(sp.hyp2f1(0.3, 1.7, 1.7, z), (1 - z) ** -0.3, rtol=1e-12)
    close(sp.hyp2f1(0.5, 1.0, 2.5, 1.0), raw(sp.gamma(2.5) * sp.gamma(1.0) / (sp.gamma(2.0) * sp.gamma(1.5))))
    close(sp.hyp2f1(-3.0, 2.0, 4.0, 5.0), 1 - 3 * 2 / 4 * 5 + 3 * 6 / 20 * 25 - 24 / 120 * 125)
    close(sp.expn(3, XS) * 2, np.exp(-XS) - XS * raw(sp.expn(2, XS)), rtol=2e-12)
    close(sp.expn(1, XS), -raw(sp.expi(-XS)))
    s, c = (raw(v) for v in sp.sici(np.array([1e5])))
    close(s, PI / 2 - np.cos(1e5) / 1e5 - np.sin(1e5) / 1e10, atol=1e-14)
    close(c, np.sin(1e5) / 1e5 - np.cos(1e5) / 1e10, atol=1e-14)
    j = raw(sp.bessel_jn(XS, v=40))
    close(j[0] ** 2 + 2 * (j[1:] ** 2).sum(0), 1.0)
    close(sp.poch(XS, 3), XS * (XS + 1) * (XS + 2))
    close(sp.poch(XS, -2.5), raw(sp.gamma(XS - 2.5)) / raw(sp.gamma(XS)), rtol=1e-12)
    close(sp.comb(10, np.arange(11)), [math.comb(10, k) for k in range(11)], rtol=1e-13)
    close(sp.comb(4, 3, repetition=True), math.comb(6, 3), rtol=1e-13)
    close(sp.multigammaln(3.5, 1), math.lgamma(3.5))


def test_spherical_harmonics_are_orthonormal() -> None:
    nodes, weights = np.polynomial.legendre.leggauss(12)
    phi = 2 * PI * np.arange(24) / 24
    theta, angle = (v.ravel() for v in np.meshgrid(np.arccos(nodes), phi, indexing="ij"))
    weight = np.repeat(weights, 24) * 2 * PI / 24
    pairs = [(n, m) for n in range(4) for m in range(-n, n + 1)]
    y = np.stack([raw(sp.sph_harm_y(np.array([n]), np.array([m]), theta, angle)) for n, m in pairs])
    close((y * weight) @ y.conj().T, np.eye(len(pairs)), atol=1e-13)


SINGULAR: list[tuple[Any, tuple[Any, ...], Any]] = [
    (sp.gamma, ([0.0, -0.0, -1.0, INF, -INF, NAN],), [INF, -INF, NAN, INF, NAN, NAN]),
    (sp.gammasgn, ([0.0, -0.0, -0.5, -1.5, -2.0, INF, NAN],), [1, -1, -1, 1, NAN, 1, NAN]),
    (sp.gammaln, ([0.0, -1.0, INF, NAN],), [INF, INF, INF, NAN]),
    (sp.loggamma, ([-0.5, 1.0],), [NAN, 0.0]),
    (sp.digamma, ([0.0, -1.0, INF],), [NAN, NAN, INF]),
    (sp.zeta, ([1.0, 0.5, 2.0, 2.0, INF, NAN], [2.0, 2.0, 0.0, -3.0, 1.0, 1.0]), [INF, NAN, INF, INF, 1.0, NAN]),
    (sp.gammainc, ([1.0, 1.0, 0.0, -1.0, 1.0, 2.0], [0.0, INF, 1.0, 1.0, -1.0, NAN]), [0, 1, 1, NAN, NAN, NAN]),
    (sp.gammaincc, ([1.0, 1.0, 0.0, -1.0, 1.0, 2.0], [0.0, INF, 1.0, 1.0, -1.0, NAN]), [1, 0, 0, NAN, NAN, NAN]),
    (sp.betainc, ([1.0, 1.0, -1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0, 2.0], [0.0, 1.0, 0.5, 1.5, NAN]),
     [0, 1, NAN, NAN, NAN]),
    (sp.factorial, ([-1.0, 0.0, 3.0],), [0, 1, 6]),
    (sp.ndtri, ([0.0, 1.0, 0.5, -0.1, 1.1],), [-INF, INF, 0.0, NAN, NAN]),
    (sp.log_ndtr, ([-INF, INF, NAN],), [-INF, 0.0, NAN]),
    (sp.xlogy, ([0.0, 0.0, 0.0], [0.0, INF, NAN]), [0.0, 0.0, NAN]),
    (sp.xlog1py, ([0.0, 0.0], [-1.0, NAN]), [0.0, NAN]),
    (sp.boxcox, ([0.0, 2.0], [0.0, 0.0]), [-INF, math.log(2)]),
    (sp.expi, ([0.0, INF, -INF],), [-INF, INF, 0.0]),
    (sp.exp1, ([0.0, INF, -1.0],), [INF, 0.0, NAN]),
    (sp.expn, ([0, 1, 2, 3, -1], [0.0, 0.0, 0.0, 0.0, 1.0]), [INF, INF, 1.0, 0.5, NAN]),
    (sp.spence, ([0.0, 1.0, -1.0],), [PI**2 / 6, 0.0, NAN]),
    (lambda x: sp.sici(x)[0], ([0.0, INF, -INF],), [0.0, PI / 2, -PI / 2]),
    (lambda x: sp.sici(x)[1], ([0.0, INF],), [-INF, 0.0]),
    (lambda x: sp.fresnel(x)[1], ([0.0, INF, -INF],), [0.0, 0.5, -0.5]),
    (sp.erfcx, ([0.0, INF, -INF, NAN],), [1.0, 0.0, INF, NAN]),
    (sp.dawsn, ([0.0, INF, NAN],), [0.0, 0.0, NAN]),
    (sp.i0e, ([0.0, INF, -INF, NAN],), [1.0, 0.0, 0.0, NAN]),
    (sp.i1e, ([0.0, INF, NAN],), [0.0, 0.0, NAN]),
    (sp.poch, ([-1.0, -2.0, 0.0], [1.0, 3.0, 0.0]), [-1.0, 0.0, 1.0]),
    (sp.hyp2f1, ([0.5, 1.0, 1.0], [0.5, 2.0, 1.0], [1.5, 2.0, 2.0], [0.0, 1.0, 1.5]), [1.0, INF, NAN]),
    (sp.owens_t, ([0.0, INF, NAN], [INF, 1.0, 1.0]), [0.25, 0.0, NAN]),
]  # fmt: skip


@pytest.mark.parametrize("case", SINGULAR, ids=lambda c: getattr(c[0], "__name__", "")[:20])
def test_singular_points(case: tuple[Any, tuple[Any, ...], Any]) -> None:
    f, args, expected = case
    found = np.asarray(raw(f(*(np.array(a) for a in args))), float)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_what_is_refused() -> None:
    for wrong in (
        lambda: sp.factorial(3, exact=True),
        lambda: sp.bernoulli(-1),
        lambda: sp.bessel_jn(1.0, v=-1),
        lambda: sp.multigammaln(3.0, np.array([1, 2])),
        lambda: sp.sph_harm_y(1, 1, 0.1, 0.1, diff_n=1),
        lambda: sp.gammainc(1 + 1j, 2.0),
    ):
        with pytest.raises((ValueError, TypeError, NotImplementedError)):
            wrong()
