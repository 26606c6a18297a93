"""gradcli.random: JAX's numbers in both layouts, keys of both kinds, and use under transformations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli import random
from gradcli.engine.api import grad, jit, vmap
from gradcli.engine.array import raw
from gradcli.engine.settings import override

# From JAX 0.10.2, key PRNGKey(1234), float32.
GOLDEN: dict[str, dict[str, Any]] = {
    "original": {
        "split": [[3512017511, 739779186], [1047329699, 140093922], [2907975018, 3484112841]],
        "fold_in": [3539328958, 3006788168],
        "bits": [2113592192, 2022346758, 603280156],
        "bits8": [27, 29, 125, 171, 242],
        "uniform": [0.49210894, 0.4708643, 0.14046204],
        "normal": [0.9066547, -0.9453376, 0.08205657, -1.8436362, 0.45950902],
        "bernoulli": [True, True, False, False, True, False, False, False],
        "randint": [51, 47, 97, 83, 43],
        "randint8": [32, 44, 19, 135],
        "permutation": [0, 1, 2, 3, 4, 5],
        "choice": [2, 4, 9, 5],
        "choice_weighted": [1, 3, 3, 3, 2, 1],
        "choice_once": [9, 1, 6, 0],
        "exponential": [0.6774883, 0.6365104, 0.15136029],
        "gumbel": [0.34382194, 0.28344396, -0.6743812],
        "rademacher": [-1, 1, 1, 1, -1, -1],
        "truncated_normal": [0.1547555, 0.11077398, -0.60185087],
    },
    "partitionable": {
        "split": [[1264997412, 2518116175], [2877103387, 1697627890], [2113592192, 603280156]],
        "fold_in": [3539328958, 3006788168],
        "bits": [3715183467, 3461522409, 1578076316],
        "bits8": [107, 233, 156, 133, 21],
        "uniform": [0.8650085, 0.8059484, 0.3674245],
        "normal": [1.1031016, 0.86306226, -0.33868238, 1.0272458, -1.0735804],
        "bernoulli": [False, False, False, False, True, False, False, False],
        "randint": [-2, 16, 47, 17, 88],
        "randint8": [117, 177, 101, 112],
        "permutation": [2, 3, 1, 4, 5, 0],
        "choice": [7, 7, 1, 2],
        "choice_weighted": [1, 1, 3, 1, 3, 2],
        "choice_once": [2, 3, 1, 7],
        "exponential": [2.0025432, 1.639631, 0.45795566],
        "gumbel": [1.9309113, 1.5337018, -0.0012366275],
        "rademacher": [-1, -1, 1, -1, 1, -1],
        "truncated_normal": [1.1111424, 0.9092852, -0.10187752],
    },
}

DRAWS: dict[str, Any] = {
    "split": lambda r, k: r.split(k, 3),
    "fold_in": lambda r, k: r.fold_in(k, 7),
    "bits": lambda r, k: r.bits(k, (3,)),
    "bits8": lambda r, k: r.bits(k, (5,), np.uint8),
    "uniform": lambda r, k: r.uniform(k, (3,)),
    "normal": lambda r, k: r.normal(k, (5,)),
    "bernoulli": lambda r, k: r.bernoulli(k, 0.3, (8,)),
    "randint": lambda r, k: r.randint(k, (5,), -3, 100),
    "randint8": lambda r, k: r.randint(k, (4,), 0, 200, np.uint8),
    "permutation": lambda r, k: r.permutation(k, 6),
    "choice": lambda r, k: r.choice(k, 10, (4,)),
    "choice_weighted": lambda r, k: r.choice(k, 4, (6,), p=np.array([0.1, 0.2, 0.3, 0.4])),
    "choice_once": lambda r, k: r.choice(k, 10, (4,), replace=False),
    "exponential": lambda r, k: r.exponential(k, (3,)),
    "gumbel": lambda r, k: r.gumbel(k, (3,)),
    "rademacher": lambda r, k: r.rademacher(k, (6,)),
    "truncated_normal": lambda r, k: r.truncated_normal(k, -1.0, 2.0, (3,)),
}


@pytest.mark.parametrize("layout", ["original", "partitionable"])
@pytest.mark.parametrize("name", list(DRAWS))
def test_the_numbers_of_jax(layout: str, name: str) -> None:
    with override(precision="float32", prng_partitionable=layout == "partitionable"):
        found = np.asarray(raw(DRAWS[name](random, random.PRNGKey(1234))))
    expected = np.array(GOLDEN[layout][name])
    if found.dtype.kind == "f":
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=3e-6)
    else:
        np.testing.assert_array_equal(found, expected)


def test_the_tutorial_s_normals() -> None:
    with override(precision="float32", prng_partitionable=False):
        found = raw(random.normal(random.PRNGKey(1234), (5,)))
    np.testing.assert_allclose(found, [0.9066547, -0.9453376, 0.08205657, -1.8436362, 0.45950902], rtol=3e-7)


@pytest.mark.oracle
@pytest.mark.parametrize("layout", [False, True])
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 3)])
def test_shapes_dtypes_and_seeds_against_jax(layout: bool, precision: str, shape: tuple[int, ...]) -> None:
    jax = pytest.importorskip("jax")
    extra = {
        "bits16": lambda r, k: r.bits(k, shape, np.uint16),
        "bits32": lambda r, k: r.bits(k, shape, np.uint32),
        "uniform": lambda r, k: r.uniform(k, shape, minval=-2.0, maxval=5.0),
        "half": lambda r, k: r.uniform(k, shape, np.float16),
        "normal": lambda r, k: r.normal(k, shape),
        "randint": lambda r, k: r.randint(k, shape, 5, 1000, np.int32),
        "laplace": lambda r, k: r.laplace(k, shape),
        "logistic": lambda r, k: r.logistic(k, shape),
        "cauchy": lambda r, k: r.cauchy(k, shape),
    }
    tolerance = 1e-5 if precision == "float32" else 1e-13
    with (
        jax.enable_x64(precision == "float64"),
        jax.threefry_partitionable(layout),
        override(precision=precision, prng_partitionable=layout),
    ):
        for seed in (0, 42, 2**31 - 1):
            theirs, ours = jax.random.PRNGKey(seed), random.PRNGKey(seed)
            np.testing.assert_array_equal(raw(ours), np.asarray(theirs))
            for name, draw in extra.items():
                expected, found = np.asarray(draw(jax.random, theirs)), np.asarray(raw(draw(random, ours)))
                assert expected.dtype == found.dtype and expected.shape == found.shape, name
                np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=name)


def test_typed_and_raw_keys_are_the_same_keys() -> None:
    typed, plain = random.key(5), random.PRNGKey(5)
    np.testing.assert_array_equal(raw(random.normal(typed, (3,))), raw(random.normal(plain, (3,))))
    keys = random.split(typed, 4)
    assert keys.shape == (4,) and len(keys) == 4 and len(list(keys)) == 4 and keys.size == 4
    np.testing.assert_array_equal(raw(random.key_data(keys[1])), raw(random.split(plain, 4))[1])
    assert repr(random.key(0)) == "Array((), dtype=key<fry>) overlaying:\n[0 0]"
    assert random.wrap_key_data(np.zeros((3, 2), np.uint32)).shape == (3,)


def test_under_vmap_jit_and_grad() -> None:
    keys = random.split(random.key(1), 3)
    batch = raw(vmap(lambda k: random.normal(k, (2,)))(keys))
    np.testing.assert_array_equal(batch, np.stack([raw(random.normal(k, (2,))) for k in keys]))
    np.testing.assert_array_equal(
        raw(jit(lambda k: random.uniform(k, (4,)))(keys[0])), raw(random.uniform(keys[0], (4,)))
    )
    scale = grad(lambda s: random.normal(random.key(3)) * s)(2.0)
    assert float(scale) == float(random.normal(random.key(3)))
    slope = grad(lambda m: random.uniform(random.key(3), minval=m, maxval=2.0))(0.0)
    assert 0 < float(slope) < 1
    split_inside = vmap(lambda k: random.normal(random.split(k)[1]))(keys)
    assert split_inside.shape == (3,)


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
        (lambda: random.key(1.5), "must be an integer"),
        (lambda: random.normal(random.key(0), (2,), np.int32), "float dtype"),
        (lambda: random.choice(random.key(0), 3, (4,), replace=False), "without replacement"),
    ],
)
def test_wrong_use(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call()
