"""Gamma numbers and their relatives, and counts: JAX's numbers, moments, derivatives, mapping."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli import random
from gradcli.engine.api import grad, jit, make_jaxpr, vmap
from gradcli.engine.array import raw
from gradcli.engine.settings import override
from gradcli.scipy import special

A = np.array([0.05, 0.7, 3.5, 400.0])
WIDE = np.broadcast_to(A + 1, (3, 4))
TRIALS = np.array([0.0, 5, 30, 1000, -1, np.inf])

DRAWS: dict[str, Any] = {
    "gamma": lambda r, k: r.gamma(k, A, (3, 4)),
    "loggamma": lambda r, k: r.loggamma(k, A),
    "beta": lambda r, k: r.beta(k, A, 2.0),
    "dirichlet": lambda r, k: r.dirichlet(k, A, (2,)),
    "chisquare": lambda r, k: r.chisquare(k, A),
    "f": lambda r, k: r.f(k, WIDE, WIDE[::-1]),
    "t": lambda r, k: r.t(k, A),
    "generalized_normal": lambda r, k: r.generalized_normal(k, 1.5, (5,)),
    "ball": lambda r, k: r.ball(k, 3, 1.5, (4,)),
    "orthogonal": lambda r, k: r.orthogonal(k, 3, (2,)),
    "orthogonal wide": lambda r, k: r.orthogonal(k, 2, m=4),
    "poisson": lambda r, k: r.poisson(k, np.array([0.0, 0.5, 9.9, 10.0, 90.0]), (6, 5)),
    "binomial": lambda r, k: r.binomial(k, TRIALS, np.array([0.3, 0.5, 0.9, 0.2, 1, 0.5])),
    "multinomial": lambda r, k: r.multinomial(k, np.array(50.0), np.array([0.1, 0.2, 0.3, 0.4]), shape=(3, 4)),
}  # fmt: skip

# what JAX 0.10.2 gives for PRNGKey(7) in float64: the sums of the draws and of their squares
SUMS: dict[str, tuple[float, float]] = {
    "gamma": (1181.6484553110758, 459387.31688612956),
    "loggamma": (-79.92565622251394, 7094.572545610625),
    "beta": (2.2322695913114483, 1.7657802764189197),
    "dirichlet": (1.9999999999999998, 1.9651870638245346),
    "chisquare": (399.5620770755883, 158458.0658896307),
    "f": (12.960334777461377, 18.675315990210926),
    "t": (1034.3838363336579, 1079440.7580072063),
    "generalized_normal": (2.0024472421137833, 8.666218217868959),
    "ball": (1.155516487668164, 2.1191218722968954),
    "orthogonal": (2.5947489991610704, 6.000000000000002),
    "orthogonal wide": (-1.5345925829544507, 2.0),
    "poisson": (698.0, 54724.0),
    "binomial": (235.0, 42361.0),
    "multinomial": (150.0, 2284.0),
}


@pytest.mark.parametrize("name", list(DRAWS))
def test_sums(name: str) -> None:
    draw = np.asarray(raw(DRAWS[name](random, random.PRNGKey(7))), float)
    usual = draw[np.isfinite(draw)]
    np.testing.assert_allclose([usual.sum(), (usual**2).sum()], SUMS[name], rtol=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("layout", ["partitionable", "original"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", list(DRAWS))
def test_as_jax(name: str, precision: str, layout: str) -> None:
    jax = pytest.importorskip("jax")
    partitionable = layout == "partitionable"
    with jax.enable_x64(precision == "float64"), jax.threefry_partitionable(partitionable):
        expected = np.asarray(DRAWS[name](jax.random, jax.random.PRNGKey(7)))
    with override(precision=precision, prng_partitionable=partitionable):
        found = np.asarray(raw(DRAWS[name](random, random.PRNGKey(7))))
    assert found.dtype == expected.dtype
    rtol = {"float32": 1e-5, "float64": 1e-12}[precision]
    np.testing.assert_allclose(found, expected, rtol=rtol * (100 if "orth" in name else 1), atol=1e-30)


N = 20000
MOMENTS: list[tuple[str, Any, float, float]] = [
    ("gamma", lambda k: random.gamma(k, 2.5, (N,)), 2.5, 2.5),
    ("small gamma", lambda k: random.gamma(k, 0.3, (N,)), 0.3, 0.3),
    ("beta", lambda k: random.beta(k, 2.0, 3.0, (N,)), 0.4, 0.04),
    ("chisquare", lambda k: random.chisquare(k, 3.0, (N,)), 3.0, 6.0),
    ("f", lambda k: random.f(k, 4.0, 30.0, (N,)), 30 / 28, 2 * 30**2 * 32 / (4 * 28**2 * 26)),
    ("t", lambda k: random.t(k, 9.0, (N,)), 0.0, 9 / 7),
    ("poisson", lambda k: random.poisson(k, 4.5, (N,)), 4.5, 4.5),
    ("large poisson", lambda k: random.poisson(k, 60.0, (N,)), 60.0, 60.0),
    ("binomial", lambda k: random.binomial(k, 12, 0.3, (N,)), 3.6, 2.52),
    ("large binomial", lambda k: random.binomial(k, 200, 0.7, (N,)), 140.0, 42.0),
]


@pytest.mark.parametrize(("name", "draw", "mean", "variance"), MOMENTS)
def test_moments(name: str, draw: Any, mean: float, variance: float) -> None:
    x = np.asarray(raw(draw(random.key(11))), float)
    assert abs(x.mean() - mean) < 5 * np.sqrt(variance / N)
    assert abs(x.var() / variance - 1) < 0.15


def test_geometry() -> None:
    points = raw(random.ball(random.key(0), 3, 2, (500,)))
    assert (np.sum(points**2, -1) <= 1).all()
    q = raw(random.orthogonal(random.key(0), 4, (5,)))
    np.testing.assert_allclose(q @ np.swapaxes(q, -1, -2), np.broadcast_to(np.eye(4), (5, 4, 4)), atol=1e-12)
    shares = raw(random.dirichlet(random.key(0), np.array([0.5, 2.0, 1e-3]), (9,)))
    np.testing.assert_allclose(shares.sum(-1), 1.0)
    counts = raw(random.multinomial(random.key(0), 20, np.array([0.5, 0.0, 0.5]), shape=(9, 3)))
    assert (counts.sum(-1) == 20).all() and (counts[:, 1] == 0).all()


@pytest.mark.parametrize("a", [0.3, 1.0, 2.5, 80.0, 900.0])
def test_derivative_keeps_the_probability(a: float) -> None:
    """Along the sample as a function of the parameter, the distribution function stays the same."""
    k = random.key(5)
    x, slope = raw(random.gamma(k, a)), raw(grad(lambda a: random.gamma(k, a))(a))
    total = raw(grad(special.gammainc, argnums=0)(a, x)) + raw(grad(special.gammainc, argnums=1)(a, x)) * slope
    np.testing.assert_allclose(total, 0.0, atol=1e-12)
    log = raw(grad(lambda a: random.loggamma(k, a))(a))
    np.testing.assert_allclose(log * x, slope, rtol=1e-9)


def test_derivative_where_the_sample_underflows() -> None:
    k, a = random.key(5), 1e-4
    x = raw(random.loggamma(k, a))
    assert np.exp(x) == 0
    np.testing.assert_allclose(raw(grad(lambda a: random.loggamma(k, a))(a)), -x / a, rtol=1e-3)


def test_second_derivative() -> None:
    from gradcli.engine.ops.special_gamma import random_gamma_grad

    x = raw(random.gamma(random.key(5), 2.5))
    h, slope = 1e-4, raw(random_gamma_grad(2.5, x))
    steps = [raw(random_gamma_grad(2.5 + s * h, x + s * h * slope)) for s in (1, -1)]
    second = raw(grad(grad(lambda a: random.gamma(random.key(5), a)))(2.5))
    np.testing.assert_allclose(second, (steps[0] - steps[1]) / (2 * h), rtol=1e-5)


@pytest.mark.parametrize("name", ["gamma", "poisson", "binomial", "dirichlet", "multinomial"])
def test_mapping_is_a_loop(name: str) -> None:
    keys = random.split(random.key(2), 3)
    mapped = raw(vmap(lambda k: DRAWS[name](random, k))(keys))
    np.testing.assert_array_equal(mapped, np.stack([raw(DRAWS[name](random, k)) for k in keys]))
    np.testing.assert_array_equal(raw(jit(lambda k: DRAWS[name](random, k))(keys[0])), mapped[0])


def test_mapping_over_parameters() -> None:
    k = random.key(3)
    rates = np.array([0.5, 20.0, 3.0])
    for f in (random.gamma, random.poisson, lambda k, x: random.binomial(k, 9, x / 30)):
        mapped = raw(vmap(lambda x, f=f: f(k, x))(rates))
        np.testing.assert_array_equal(mapped, [raw(f(k, x)) for x in rates])


def test_names_and_errors() -> None:
    assert "random_gamma[" in str(make_jaxpr(lambda a: random.gamma(random.key(0), a))(2.0))
    assert raw(grad(lambda lam: random.poisson(random.key(0), lam).astype(float))(3.0)) == 0
    assert np.isnan(raw(random.binomial(random.key(0), 3, np.nan))) and raw(random.poisson(random.key(0), np.nan)) == -1
    for wrong in (
        lambda: random.gamma(random.key(0), np.ones(3), (2,)),
        lambda: random.dirichlet(random.key(0), 1.0),
        lambda: random.poisson(random.key(0), 1.0, dtype=float),
        lambda: random.gamma(random.key(0), 1.0, dtype=int),
    ):
        with pytest.raises(ValueError):
            wrong()
