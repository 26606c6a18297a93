"""Distributions hold together: densities are slopes, quantiles inverses, probabilities sum to 1; and derivatives."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import check_grads, grad, jacfwd, jacrev, vmap
from gradcli.engine.array import raw
from gradcli.scipy import stats
from tests.stats.cases import CONTINUOUS, DISCRETE, LOGS, functions

ALL = {**CONTINUOUS, **DISCRETE}


def module(name: str) -> Any:
    return importlib.import_module(f"gradcli.scipy.stats.{name}")


def inside(name: str) -> list[float]:
    params, xs = ALL[name]
    d = module(name)
    return [x for x in xs if np.isfinite(raw((d.logpdf if name in CONTINUOUS else d.logpmf)(float(x), *params)))
            and x not in (0.2, 60.0, -60.0)]  # fmt: skip


@pytest.mark.parametrize("name", list(ALL))
def test_functions_belong_together(name: str) -> None:
    d, (params, xs) = module(name), ALL[name]
    x = np.array(xs, float)
    for log, plain in LOGS.items():
        if hasattr(d, log):
            np.testing.assert_allclose(np.exp(raw(getattr(d, log)(x, *params))), raw(getattr(d, plain)(x, *params)))
    if hasattr(d, "sf"):
        np.testing.assert_allclose(raw(d.cdf(x, *params)) + raw(d.sf(x, *params)), 1.0, rtol=1e-13)
    q = np.array([0.01, 0.3, 0.5, 0.97])
    if hasattr(d, "ppf") and name in CONTINUOUS:
        np.testing.assert_allclose(raw(d.cdf(d.ppf(q, *params), *params)), q, rtol=1e-12)
    if hasattr(d, "isf"):
        np.testing.assert_allclose(raw(d.sf(d.isf(q, *params), *params)), q, rtol=1e-12)
    if hasattr(d, "cdf") and name in CONTINUOUS:
        for at in inside(name):
            slope = raw(grad(d.cdf)(float(at), *params))
            np.testing.assert_allclose(slope, raw(d.pdf(float(at), *params)), rtol=1e-11)


@pytest.mark.parametrize("name", list(DISCRETE))
def test_probabilities_sum_to_one(name: str) -> None:
    params, _ = DISCRETE[name]
    probabilities = raw(module(name).pmf(np.arange(120.0), *params))
    np.testing.assert_allclose(probabilities.sum(), 1.0, rtol=1e-12)
    if hasattr(module(name), "cdf"):
        np.testing.assert_allclose(raw(module(name).cdf(np.arange(9.0), *params)), np.cumsum(probabilities)[:9])


@pytest.mark.parametrize("name", ["t", "vonmises", "wrapcauchy", "norm", "gamma"])
def test_densities_integrate_to_one(name: str) -> None:
    params, _ = CONTINUOUS[name]
    low, high = {"vonmises": (-np.pi, np.pi), "wrapcauchy": (0, 2 * np.pi), "gamma": (params[-2:][0], 60)}.get(
        name, (-9e2, 9e2)
    )
    edges = np.linspace(low, high, 4001)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    half = (edges[1] - edges[0]) / 2
    points = edges[:-1, None] + half * (1 + nodes)
    total = (raw(module(name).pdf(points, *params)) * weights).sum() * half
    np.testing.assert_allclose(total, 1.0, rtol=1e-6)


@pytest.mark.parametrize("name", list(ALL))
def test_derivatives(name: str) -> None:
    d, (params, _) = module(name), ALL[name]
    at = [x for x in inside(name) if abs(x) < 100][-1:]
    points, floats = np.array(at), tuple(np.array([p], float) for p in params)
    if name in CONTINUOUS:
        check_grads(d.logpdf, (points, *floats), order=1, atol=1e-7, rtol=1e-6)
        for f in functions(d):
            if "cdf" in f or "sf" in f and f != "isf":
                check_grads(getattr(d, f), (points, *floats), order=1, atol=1e-6, rtol=1e-5)
            elif f in ("ppf", "isf"):
                check_grads(getattr(d, f), (np.array([0.3]), *floats), order=1, atol=1e-6, rtol=1e-5)
    else:
        which = [i for i, p in enumerate(params) if p != 7]

        def of_parameters(*new: Any) -> Any:
            every = list(floats)
            for i, v in zip(which, new, strict=True):
                every[i] = v
            return d.logpmf(points, *every)

        check_grads(of_parameters, tuple(floats[i] for i in which), order=2, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", list(ALL))
def test_modes_mapping_and_single_precision(name: str) -> None:
    d, (params, xs) = module(name), ALL[name]
    x = np.array(xs, float)
    for f in functions(d):
        if f in ("ppf", "isf"):
            continue
        g = getattr(d, f)
        whole = raw(g(x, *params))
        np.testing.assert_allclose(raw(vmap(lambda v, g=g: g(v, *params))(x)), whole, rtol=1e-13)
        single = g(x.astype(np.float32), *params)
        assert single.dtype == np.float32
        np.testing.assert_allclose(raw(single), whole, rtol=2e-3, atol=1e-5)
        ins = [float(v) for v in inside(name)]
        first = raw(jacfwd(g, argnums=1)(np.array(ins), *map(float, params)))
        second = raw(jacrev(g, argnums=1)(np.array(ins), *map(float, params)))
        np.testing.assert_allclose(first, second, rtol=1e-12)


def test_outside_of_the_support() -> None:
    """Derivatives there are 0, not nan."""
    for name, x in (("beta", 9.0), ("gamma", -1.0), ("expon", -1.0), ("pareto", 0.5), ("uniform", 7.0), ("binom", 9.0)):
        d, (params, _) = module(name), ALL[name]
        f = d.pdf if name in CONTINUOUS else d.pmf
        assert raw(f(x, *params)) == 0
        for k in range(len(params)):
            if params[k] != 7:
                assert raw(grad(f, argnums=k + 1)(x, *map(float, params))) == 0


def test_not_a_probability() -> None:
    for d in (stats.expon, stats.cauchy, stats.uniform, stats.norm, stats.gumbel_r):
        assert np.isnan(raw(d.ppf(np.array([-0.1, 1.1])))).all()
    assert np.isnan(raw(stats.bernoulli.ppf(0.5, 1.5)))
    assert np.isnan(raw(stats.truncnorm.logpdf(0.0, 2.0, 1.0)))
    assert np.isnan(raw(stats.vonmises.pdf(0.0, -1.0)))


def test_truncated_normal_far_out() -> None:
    found = raw(stats.truncnorm.logcdf(np.array([30.5, 31.0]), 30.0, np.inf))
    assert np.all(found < 0) and found[1] > found[0] and np.isfinite(found).all()
    expected = np.exp(-0.5 * (30.1**2 - 900)) * 30 / 30.1
    np.testing.assert_allclose(raw(stats.truncnorm.cdf(-30.1, -np.inf, -30.0)), expected, rtol=1e-3)


def test_vectors() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 3))
    cov, mean, x = a @ a.T + np.eye(3), rng.normal(size=3), rng.normal(size=(4, 3))
    found = raw(stats.multivariate_normal.logpdf(x, mean, cov))
    y = x - mean
    expected = -0.5 * np.einsum("ki,ij,kj->k", y, np.linalg.inv(cov), y) - 0.5 * np.log(np.linalg.det(2 * np.pi * cov))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    batched = raw(stats.multivariate_normal.logpdf(x, mean, np.stack([cov] * 4)))
    np.testing.assert_allclose(batched, expected, rtol=1e-12)
    same = raw(stats.multivariate_normal.logpdf(x, mean, 2.0 * np.eye(3)))
    np.testing.assert_allclose(raw(stats.multivariate_normal.logpdf(x, mean, 2.0)), same, rtol=1e-12)
    np.testing.assert_allclose(raw(stats.multivariate_normal.pdf(0.3, 0.1, 2.0)), raw(stats.norm.pdf(0.3, 0.1, 2**0.5)))
    check_grads(stats.multivariate_normal.logpdf, (x[:2], mean, cov), order=1, atol=1e-6, rtol=1e-5)
    with pytest.raises(ValueError, match="covariance"):
        stats.multivariate_normal.logpdf(x, mean, np.eye(2))


def test_shares_and_counts() -> None:
    alpha, x = np.array([1.5, 2.0, 0.7]), np.array([0.2, 0.5, 0.3])
    whole = raw(stats.dirichlet.logpdf(x, alpha))
    np.testing.assert_allclose(raw(stats.dirichlet.logpdf(x[:2], alpha)), whole)
    np.testing.assert_allclose(raw(stats.dirichlet.pdf(x[:2], np.array([1.0, 1.0, 1.0]))), 2.0)
    assert raw(stats.dirichlet.pdf(np.array([0.5, 0.5, 0.5]), alpha)) == 0
    check_grads(lambda a: stats.dirichlet.logpdf(x, a), (alpha,), order=2, atol=1e-6, rtol=1e-5)
    p = np.array([0.2, 0.3, 0.5])
    counts = np.array([(i, j, 4 - i - j) for i in range(5) for j in range(5 - i)])
    np.testing.assert_allclose(raw(stats.multinomial.pmf(counts, 4, p)).sum(), 1.0)
    assert raw(stats.multinomial.pmf(counts[0], 5, p)) == 0
    with pytest.raises(ValueError, match="integers"):
        stats.multinomial.pmf(counts * 0.5, 2, p)


def test_entropy_of_poisson() -> None:
    k = np.arange(400.0)
    for mu in (0.0, 0.5, 30.0, 99.9, 100.0, 150.0):
        p = raw(stats.poisson.pmf(k, mu))
        expected = -np.sum(p[p > 0] * np.log(p[p > 0]))
        np.testing.assert_allclose(raw(stats.poisson.entropy(mu)), expected, rtol=1e-9, atol=1e-12)


def test_kernel_density() -> None:
    rng = np.random.default_rng(0)
    data, weights = rng.normal(size=(2, 7)), rng.uniform(0.5, 1, 7)
    kde = stats.gaussian_kde(data, weights=weights)
    points = rng.normal(size=(2, 5))
    np.testing.assert_allclose(np.exp(raw(kde.logpdf(points))), raw(kde(points)))
    np.testing.assert_allclose(
        raw(kde.integrate_gaussian(np.zeros(2), np.eye(2) * 1e8)) * 2 * np.pi * 1e8, 1, rtol=1e-6
    )
    one = stats.gaussian_kde(data[0], bw_method="silverman")
    np.testing.assert_allclose(raw(one.integrate_box_1d(-99.0, 99.0)), 1.0)
    grid = np.linspace(-12, 12, 4001)
    density = raw(one.evaluate(grid))
    np.testing.assert_allclose((density**2).sum() * (grid[1] - grid[0]), raw(one.integrate_kde(one)), rtol=1e-9)
    check_grads(lambda d: stats.gaussian_kde(d).logpdf(points), (data,), order=1, atol=1e-6, rtol=1e-5)
    for wrong in (lambda: stats.gaussian_kde([1.0]), lambda: stats.gaussian_kde(data, weights=[1.0]),
                  lambda: stats.gaussian_kde(data, "best"), lambda: kde(points[:, :0].T)):  # fmt: skip
        with pytest.raises(ValueError):
            wrong()
    with pytest.raises(NotImplementedError):
        kde.set_bandwidth()


def test_summaries() -> None:
    a = np.array([[3, 1, 3, 2], [1, 1, 5, 2], [3, 4, 5, 0]])
    found = stats.mode(a)
    np.testing.assert_array_equal(raw(found.mode), [3, 1, 5, 2])
    np.testing.assert_array_equal(raw(found.count), [2, 2, 2, 2])
    assert raw(stats.mode(a, axis=None).mode) == 1 and stats.mode(a, axis=1, keepdims=True).mode.shape == (3, 1)
    row = [2.0, 7.0, 2.0, 1.0]
    expected = {"average": [2.5, 4, 2.5, 1], "min": [2, 4, 2, 1], "max": [3, 4, 3, 1], "dense": [2, 3, 2, 1],
                "ordinal": [2, 4, 3, 1]}  # fmt: skip
    for method, ranks in expected.items():
        np.testing.assert_array_equal(raw(stats.rankdata(np.array(row), method)), ranks)
        np.testing.assert_array_equal(
            raw(stats.rankdata(np.array([row, row]).T, method, axis=0)), np.array([ranks, ranks]).T
        )
    assert np.isnan(raw(stats.rankdata(np.array([1.0, np.nan])))).all()
    x = np.array([1.0, 4.0, 5.0, np.nan])
    np.testing.assert_allclose(raw(stats.sem(x[:3])), np.std(x[:3], ddof=1) / np.sqrt(3))
    np.testing.assert_allclose(raw(stats.sem(x, nan_policy="omit")), np.std(x[:3], ddof=1) / np.sqrt(3))
    with pytest.raises(ValueError):
        stats.rankdata(x, "best")
    with pytest.raises(NotImplementedError):
        stats.mode(x, nan_policy="omit")
