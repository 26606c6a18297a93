"""gradcli.random: JAX's numbers to the last bit, in both layouts and precisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli import random
from gradcli.engine.array import raw
from gradcli.engine.settings import override
from tests.random.golden import DRAWS, GOLDEN

LAYOUTS = ("original", "partitionable")
PRECISIONS = ("float32", "float64")


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", list(DRAWS))
def test_the_numbers_of_jax(layout: str, precision: str, name: str) -> None:
    expected = GOLDEN[layout, precision].get(name)
    if expected is None:
        pytest.skip("64-bit integers do not exist in this precision")
    with override(precision=precision, prng_partitionable=layout == "partitionable"):
        found = np.asarray(raw(DRAWS[name](random, random.PRNGKey(1234))))
    if found.dtype.kind == "f":
        assert found.dtype == (np.float16 if name == "half" else precision)
    np.testing.assert_array_equal(found, np.array(expected, found.dtype))


def test_the_normals_of_the_tutorial() -> None:
    with override(precision="float32", prng_partitionable=False):
        found = raw(random.normal(random.PRNGKey(1234), (5,)))
    assert str(found) == "[ 0.9066547  -0.9453376   0.08205657 -1.8436362   0.45950902]"


def exact(shape: tuple[int, ...], dtype: Any) -> dict[str, Any]:
    """Draws that agree to the bit."""
    small = {t: np.iinfo(t) for t in ("int8", "uint8", "int16", "uint16", "int32", "int64", "uint64")}
    ranges = {
        f"randint {t} {low} {high}": lambda r, k, t=t, low=low, high=high: r.randint(k, shape, low, high, t)
        for t, info in small.items()
        for low, high in ((3, 100), (5, 5), (-100, 1000), (info.min, info.max + 1 if info.bits < 64 else 2**62))
        if dtype == np.float64 or info.bits < 32
    }
    return ranges | {
        "split": lambda r, k: r.split(k, 5),
        "fold_in": lambda r, k: r.fold_in(k, 2**31 + 7),
        "bits": lambda r, k: r.bits(k, shape),
        "bits8": lambda r, k: r.bits(k, shape, np.uint8),
        "uniform": lambda r, k: r.uniform(k, shape, dtype),
        "interval": lambda r, k: r.uniform(k, shape, dtype, -0.3, 1e3),
        "empty interval": lambda r, k: r.uniform(k, shape, dtype, 2.0, 1.0),
        "half": lambda r, k: r.uniform(k, shape, np.float16, -1.3, 2.7),
        "normal": lambda r, k: r.normal(k, shape, dtype),
        "bernoulli": lambda r, k: r.bernoulli(k, 0.3, shape),
        "bernoulli high": lambda r, k: r.bernoulli(k, 0.3, shape, mode="high"),
        "rademacher": lambda r, k: r.rademacher(k, shape, dtype),
        "permutation": lambda r, k: r.permutation(k, 101),
        "permutation of rows": lambda r, k: r.permutation(k, np.arange(12.0).reshape(4, 3)),
        "independent": lambda r, k: r.permutation(k, np.arange(12.0).reshape(4, 3), 1, independent=True),
        "choice": lambda r, k: r.choice(k, np.arange(6.0).reshape(2, 3), shape, axis=1),
        "geometric": lambda r, k: r.geometric(k, dtype(0.3), shape),
        "without repetition": lambda r, k: r.categorical(k, np.arange(8.0).reshape(2, 4), 1, (3, 2), replace=False),
        "triangular": lambda r, k: r.triangular(k, -1.0, 0.3, 2.0, shape, dtype),
    }


def close(shape: tuple[int, ...], dtype: Any) -> dict[str, Any]:
    """Draws that go through functions which NumPy and XLA round differently."""
    plain = ("exponential", "gumbel", "laplace", "logistic", "cauchy", "maxwell")
    return {name: lambda r, k, name=name: getattr(r, name)(k, shape, dtype) for name in plain} | {
        "complex": lambda r, k: r.normal(k, shape, np.complex64 if dtype == np.float32 else np.complex128),
        "truncated_normal": lambda r, k: r.truncated_normal(k, -1.0, np.linspace(0.0, 2.0, 3), (*shape, 3), dtype),
        "gumbel high": lambda r, k: r.gumbel(k, shape, dtype, mode="high"),
        "pareto": lambda r, k: r.pareto(k, 2.5, shape, dtype),
        "rayleigh": lambda r, k: r.rayleigh(k, dtype(1.5), shape, dtype),
        "lognormal": lambda r, k: r.lognormal(k, 0.7, shape, dtype),
        "weibull_min": lambda r, k: r.weibull_min(k, 2.0, 1.5, shape, dtype),
        "wald": lambda r, k: r.wald(k, dtype(1.5), shape, dtype),
        "double_sided_maxwell": lambda r, k: r.double_sided_maxwell(k, 1.0, 2.0, shape, dtype),
    }


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("shape", "seed"), [((), 0), ((0,), 1), ((7,), 2**40 + 3), ((3, 5), -1), ((1001,), 42)])
def test_against_jax(layout: str, precision: str, shape: tuple[int, ...], seed: int) -> None:
    jax = pytest.importorskip("jax")
    double, partitionable = precision == "float64", layout == "partitionable"
    dtype, tolerance = (np.float64, 1e-13) if double else (np.float32, 2e-4)
    with (
        jax.enable_x64(double),
        jax.threefry_partitionable(partitionable),
        override(precision=precision, prng_partitionable=partitionable),
    ):
        theirs, ours = jax.random.PRNGKey(seed), random.PRNGKey(seed)
        np.testing.assert_array_equal(raw(ours), np.asarray(theirs))
        for table, compare in ((exact, np.testing.assert_array_equal), (close, np.testing.assert_allclose)):
            rest = {} if table is exact else {"rtol": tolerance, "atol": tolerance / 10}
            for name, draw in table(shape, dtype).items():
                expected, found = np.asarray(draw(jax.random, theirs)), np.asarray(raw(draw(random, ours)))
                assert (expected.dtype, expected.shape) == (found.dtype, found.shape), name
                compare(found, expected, err_msg=name, **rest)


def test_moments() -> None:
    k = random.key(3)
    n = 100_000
    expected = {  # mean, variance
        "uniform": (0.5, 1 / 12),
        "normal": (0.0, 1.0),
        "exponential": (1.0, 1.0),
        "gumbel": (0.5772156649, np.pi**2 / 6),
        "laplace": (0.0, 2.0),
        "logistic": (0.0, np.pi**2 / 3),
        "maxwell": (2 * np.sqrt(2 / np.pi), 3 - 8 / np.pi),
    }
    for name, (mean, variance) in expected.items():
        x = raw(getattr(random, name)(k, (n,)))
        assert abs(x.mean() - mean) < 5 * np.sqrt(variance / n), name
        assert abs(x.var() / variance - 1) < 0.05, name
    integers = raw(random.randint(k, (n,), 0, 7))
    counts = np.bincount(integers, minlength=7)
    assert len(counts) == 7 and np.sum((counts - n / 7) ** 2 / (n / 7)) < 30


def test_permutations_and_choices() -> None:
    k = random.key(9)
    assert sorted(raw(random.permutation(k, 20)).tolist()) == list(range(20))
    rows = raw(random.permutation(k, np.arange(12.0).reshape(4, 3)))
    assert sorted(map(tuple, rows.tolist())) == [(0.0, 1.0, 2.0), (3.0, 4.0, 5.0), (6.0, 7.0, 8.0), (9.0, 10.0, 11.0)]
    assert len(set(raw(random.choice(k, 10, (10,), replace=False)).tolist())) == 10
    assert raw(random.choice(k, np.arange(6.0).reshape(3, 2), (5,))).shape == (5, 2)
    picks = raw(random.categorical(k, np.log(np.array([0.999, 0.001])), shape=(200,)))
    assert (picks == 0).mean() > 0.95


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random.normal(random.split(random.key(0), 3)), "needs one key"),
        (lambda: random.normal(np.ones(2)), "needs one key"),
        (lambda: random.normal(3), "needs one key"),
        (lambda: random.normal(random.key(0), (2,), np.int32), "float dtype"),
        (lambda: random.bits(random.key(0), (2,), np.int32), "unsigned integer"),
        (lambda: random.randint(random.key(0), (2,), 0, 3, float), "integer dtype"),
        (lambda: random.uniform(random.key(0), (2,), minval=np.zeros(3)), "do not broadcast"),
        (lambda: random.uniform(random.key(0), (-2,)), "negative sizes"),
        (lambda: random.bernoulli(random.key(0), 1), "must be a float"),
        (lambda: random.choice(random.key(0), 3, (4,), replace=False), "without replacement"),
        (lambda: random.choice(random.key(0), 3, p=np.ones(4)), "one probability"),
        (lambda: random.gumbel(random.key(0), mode="medium"), "mode of gumbel"),
        (lambda: random.permutation(random.key(0), 1.5), "an integer or an array"),
        (lambda: random.multivariate_normal(random.key(0), np.ones(2), np.eye(3)), "a covariance"),
    ],
)
def test_wrong_use(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call()
