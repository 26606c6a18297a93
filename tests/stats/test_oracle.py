"""Distributions and statistics against SciPy's values and JAX's derivatives."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import grad
from gradcli.engine.array import raw
from gradcli.scipy import stats
from tests.stats.cases import CONTINUOUS, DISCRETE, functions

pytestmark = pytest.mark.oracle
ALL = {**CONTINUOUS, **DISCRETE}


@pytest.mark.parametrize("name", list(ALL))
def test_values(name: str) -> None:
    oracle = getattr(pytest.importorskip("scipy.stats"), name)
    ours, (params, xs) = importlib.import_module(f"gradcli.scipy.stats.{name}"), ALL[name]
    for f in functions(ours):
        x = np.array([0.01, 0.3, 0.9]) if f in ("ppf", "isf") else np.array(xs, float)
        if name in ("vonmises", "wrapcauchy"):
            x = x[(x > 0) & (x < 3.1)]
        with np.errstate(all="ignore"):
            expected = getattr(oracle, f)(x, *params)
        np.testing.assert_allclose(raw(getattr(ours, f)(x, *params)), expected, rtol=1e-10, err_msg=f)


@pytest.mark.parametrize("name", list(ALL))
def test_derivatives(name: str) -> None:
    jax = pytest.importorskip("jax")
    if name.startswith("gumbel"):
        pytest.skip("JAX 0.10.2 cannot differentiate it: an integer inside of its xlogy")
    oracle = importlib.import_module(f"jax.scipy.stats.{name}")
    ours, (params, xs) = importlib.import_module(f"gradcli.scipy.stats.{name}"), ALL[name]
    f = "logpdf" if name in CONTINUOUS else "logpmf"
    at = [x for x in xs if np.isfinite(raw(getattr(ours, f)(float(x), *params)))][-1]
    floats = tuple(map(float, params))
    with jax.enable_x64(True):
        for k in range(len(params)):
            expected = float(jax.grad(getattr(oracle, f), argnums=k + 1)(float(at), *floats))
            if np.isfinite(expected):
                found = raw(grad(getattr(ours, f), argnums=k + 1)(float(at), *floats))
                np.testing.assert_allclose(found, expected, rtol=1e-5 if name == "betabinom" else 1e-8, atol=1e-12)


def test_vectors_and_estimates() -> None:
    scipy = pytest.importorskip("scipy.stats")
    jax = pytest.importorskip("jax")
    oracle = importlib.import_module("jax.scipy.stats")
    rng = np.random.default_rng(0)
    data, points = rng.normal(size=(2, 9)), rng.normal(size=(2, 4))
    ours, theirs = stats.gaussian_kde(data), scipy.gaussian_kde(data)
    np.testing.assert_allclose(raw(ours.logpdf(points)), theirs.logpdf(points), rtol=1e-10)
    np.testing.assert_allclose(raw(ours.integrate_kde(ours)), theirs.integrate_kde(theirs), rtol=1e-10)
    mean, cov = np.zeros(2), np.array([[1.0, 0.2], [0.2, 2.0]])
    np.testing.assert_allclose(
        raw(ours.integrate_gaussian(mean, cov)), theirs.integrate_gaussian(mean, cov), rtol=1e-10
    )
    from gradcli.random import key

    with jax.enable_x64(True):
        expected = np.asarray(oracle.gaussian_kde(data).resample(jax.random.key(3), (5,)))
    np.testing.assert_allclose(raw(ours.resample(key(3), (5,))), expected, rtol=1e-9)
    p = np.array([0.2, 0.3, 0.5])
    np.testing.assert_allclose(
        raw(stats.multinomial.pmf(np.array([1, 2, 4]), 7, p)), scipy.multinomial.pmf([1, 2, 4], 7, p)
    )
    np.testing.assert_allclose(raw(stats.dirichlet.pdf(p, p * 4)), scipy.dirichlet.pdf(p, p * 4))
    for method in ("average", "min", "max", "dense", "ordinal"):
        a: Any = rng.integers(0, 5, (4, 6))
        np.testing.assert_array_equal(raw(stats.rankdata(a, method, axis=1)), scipy.rankdata(a, method, axis=1))
    found, count = stats.mode(a, axis=1)
    np.testing.assert_array_equal(raw(found), scipy.mode(a, axis=1).mode)
    np.testing.assert_array_equal(raw(count), scipy.mode(a, axis=1).count)
