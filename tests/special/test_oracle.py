"""Special functions against SciPy over wide ranges, and their derivatives against JAX."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import grad, vmap
from gradcli.engine.array import raw
from gradcli.scipy import special as sp

pytestmark = pytest.mark.oracle
N = 400
RNG = np.random.default_rng(7)
SIGNED = 10 ** RNG.uniform(-3, 2.5, N) * RNG.choice([-1.0, 1.0], N)
POSITIVE, OTHER = 10 ** RNG.uniform(-3, 4, N), 10 ** RNG.uniform(-3, 4, N)
UNIT = RNG.uniform(0, 1, N)
SPREAD = np.abs(POSITIVE * (1 + RNG.normal(size=N) * 2 / np.sqrt(POSITIVE + 1)))
MEAN = np.clip((POSITIVE + RNG.normal(size=N) * np.sqrt(POSITIVE)) / (POSITIVE + OTHER), 1e-6, 1 - 1e-6)

# name: operands, tolerance (relative; by SciPy's accuracy where that is the worse one)
CASES: dict[str, tuple[tuple[Any, ...], float]] = {
    "beta": ((SIGNED / 40, UNIT * 3), 1e-12),
    "betainc": ((POSITIVE, OTHER, MEAN), 1e-10),
    "dawsn": ((SIGNED,), 1e-13),
    "digamma": ((SIGNED,), 1e-10),
    "erfcx": ((SIGNED,), 1e-12),
    "exp1": ((POSITIVE,), 1e-12),
    "expi": ((SIGNED,), 1e-11),
    "gamma": ((SIGNED / 4,), 1e-11),
    "gammainc": ((POSITIVE, SPREAD), 1e-10),
    "gammaincc": ((POSITIVE, SPREAD), 1e-10),
    "gammaln": ((SIGNED,), 1e-10),
    "hyp1f1": ((SIGNED / 100, UNIT * 5 + 0.1, SIGNED / 20), 1e-8),
    "hyp2f1": ((SIGNED / 200, UNIT * 4, UNIT[::-1] * 5 + 0.1, MEAN), 1e-8),
    "i0e": ((SIGNED,), 1e-14),
    "i1e": ((SIGNED,), 1e-14),
    "log_ndtr": ((SIGNED,), 1e-12),
    "loggamma": ((POSITIVE,), 1e-12),
    "ndtri": ((np.concatenate([UNIT, 10 ** -POSITIVE[POSITIVE < 300]]),), 1e-12),
    "owens_t": ((SIGNED / 20, SIGNED[::-1] / 20), 1e-11),
    "poch": ((UNIT * 9, SIGNED / 30), 1e-11),
    "spence": ((POSITIVE,), 1e-12),
    "zeta": ((1 + POSITIVE / 50, OTHER), 1e-12),
}


@pytest.mark.parametrize("name", list(CASES))
def test_values(name: str) -> None:
    oracle = pytest.importorskip("scipy.special")
    args, rtol = CASES[name]
    with np.errstate(all="ignore"):
        expected = getattr(oracle, name)(*args)
    found = np.asarray(raw(getattr(sp, name)(*args)))
    usual = np.isfinite(expected) & (np.abs(expected) > 1e-290)
    assert usual.mean() > 0.3
    np.testing.assert_allclose(
        found[usual], expected[usual], rtol=rtol, atol=1e-14 if name in ("expi", "gammaln") else 0
    )


def test_several_results() -> None:
    oracle = pytest.importorskip("scipy.special")
    for name in ("sici", "fresnel"):
        for found, expected in zip(getattr(sp, name)(SIGNED), getattr(oracle, name)(SIGNED), strict=True):
            np.testing.assert_allclose(raw(found), expected, rtol=1e-12, atol=1e-14)
    for v, found in enumerate(raw(sp.bessel_jn(SIGNED, v=5))):
        np.testing.assert_allclose(found, oracle.jv(v, SIGNED), rtol=1e-11, atol=1e-14)
    n, m = np.array([0, 1, 2, 5, 7]), np.array([0, -1, 2, 3, -7])
    theta, phi = np.linspace(0.1, 3.0, 5), np.linspace(0.0, 6.0, 5)
    expected = oracle.sph_harm_y(n, m, theta, phi) if hasattr(oracle, "sph_harm_y") else None
    if expected is not None:
        np.testing.assert_allclose(raw(sp.sph_harm_y(n, m, theta, phi)), expected, rtol=1e-12)
    z = SIGNED[:50] / 30 + 1j * SIGNED[50:100] / 30
    np.testing.assert_allclose(raw(sp.loggamma(z)), oracle.loggamma(z), rtol=1e-11)
    np.testing.assert_allclose(raw(sp.wofz(z)), oracle.wofz(z), rtol=1e-12)


DERIVATIVES: list[tuple[str, int, tuple[float, ...]]] = [
    ("gammainc", 0, (2.5, 1.7)), ("gammainc", 1, (2.5, 1.7)), ("gammaincc", 0, (0.7, 3.0)),
    ("betainc", 2, (2.0, 3.0, 0.4)),
    ("zeta", 0, (2.5, 1.5)), ("zeta", 1, (2.5, 1.5)), ("gamma", 0, (-2.3,)), ("log_ndtr", 0, (-7.0,)),
    ("i1e", 0, (0.0,)), ("i0e", 0, (0.0,)), ("xlogy", 0, (0.0, 2.0)), ("poch", 0, (2.0, 1.5)), ("poch", 1, (2.0, 1.5)),
    ("hyp1f1", 0, (0.7, 1.3, 2.0)), ("hyp2f1", 2, (0.7, 1.3, 2.2, 0.4)), ("expi", 0, (2.0,)), ("spence", 0, (0.4,)),
    ("owens_t", 0, (0.7, 1.3)), ("entr", 0, (0.3,)), ("ndtri", 0, (0.01,)), ("boxcox", 1, (2.0, 0.5)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "argument", "at"), DERIVATIVES)
def test_derivatives(name: str, argument: int, at: tuple[float, ...]) -> None:
    jax = pytest.importorskip("jax")
    special = pytest.importorskip("jax.scipy.special")
    with jax.enable_x64(True):
        expected = float(jax.grad(getattr(special, name), argnums=argument)(*map(float, at)))
    np.testing.assert_allclose(raw(grad(getattr(sp, name), argnums=argument)(*at)), expected, rtol=1e-6)


def test_primitives_of_jax() -> None:
    jax = pytest.importorskip("jax")
    from gradcli.engine.ops import special_gamma as g

    a, x = np.array([0.3, 1.5, 20.0]), np.array([0.7, 3.0, 17.0])
    with jax.enable_x64(True):
        for name in ("igamma_grad_a", "random_gamma_grad"):
            expected = np.asarray(getattr(jax.lax, name)(a, x))
            np.testing.assert_allclose(raw(vmap(getattr(g, name))(a, x)), expected, rtol=1e-10)
