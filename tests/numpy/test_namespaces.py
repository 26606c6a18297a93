"""``gradcli.nn``, ``gradcli.scipy.special``, ``gradcli.lax`` and the tree modules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli import lax, nn, tree, tree_util
from gradcli.engine.api import grad
from gradcli.scipy import special
from tests.engine.harness import check_operation, numpy_of

X = np.array([-3.2, -1.1, -0.3, 0.2, 0.9, 1.6, 4.0])
WIDE = np.concatenate([np.linspace(-900, 900, 7), np.linspace(-8, 8, 33)])
ACTIVATIONS = [
    "celu", "elu", "gelu", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax",
    "logsumexp", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_sign", "softmax", "softplus", "sparse_plus",
    "sparse_sigmoid", "squareplus", "standardize",
]  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    check_operation(getattr(nn, name), (X,), order=2)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_jaxs_also_at_kinks_and_far_out(name: str) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        mine, theirs = getattr(nn, name), getattr(jax.nn, name)
        np.testing.assert_allclose(numpy_of(mine(WIDE)), theirs(WIDE), rtol=1e-12, atol=1e-14)
        found = grad(lambda x: gnp.sum(mine(x)))(WIDE)
        expected = jax.grad(lambda x: jax.numpy.sum(theirs(x)))(WIDE)
        np.testing.assert_allclose(numpy_of(found), expected, rtol=1e-10, atol=1e-13)


def test_relu_at_zero_and_nan() -> None:
    assert float(grad(nn.relu)(0.0)) == 0.0
    assert math.isnan(float(nn.relu(math.nan)))


def test_softmax_of_large_values_and_masks() -> None:
    np.testing.assert_allclose(numpy_of(nn.softmax(np.array([1e4, 1e4]))), [0.5, 0.5])
    mask = np.array([True, False, True])
    np.testing.assert_allclose(numpy_of(nn.softmax(np.zeros(3), where=mask)), [0.5, 0.0, 0.5])
    assert float(nn.logsumexp(np.array([-np.inf, -np.inf]))) == -np.inf
    assert float(nn.logsumexp(np.array([1e4, 1e4]))) == 1e4 + math.log(2)
    np.testing.assert_allclose(float(nn.logsumexp(np.zeros(2), b=np.array([3.0, -1.0]))), math.log(2))


def test_one_hot_and_glu() -> None:
    np.testing.assert_array_equal(numpy_of(nn.one_hot(np.array([1, 3]), 3)), [[0, 1, 0], [0, 0, 0]])
    assert nn.one_hot(np.array([1, 0]), 3, axis=0).shape == (3, 2)
    check_operation(nn.glu, (np.array([0.5, -1.0, 2.0, 0.1]),))


SPECIAL: list[tuple[str, tuple[Any, ...]]] = [
    *[(n, (X,)) for n in ("erf", "erfc", "expit", "ndtr", "log_ndtr")],
    *[(n, (np.array([-0.9, -0.2, 0.0, 0.4, 0.99]),)) for n in ("erfinv",)],
    *[(n, (np.array([0.1, 0.7, 1.0, 1.46, 2.0, 3.5, 9.0, 40.0]),)) for n in ("gammaln", "digamma", "entr")],
    *[(n, (np.array([0.1, 0.5, 0.9]),)) for n in ("logit", "ndtri")],
    *[
        (n, (np.array([0.1, 0.5, 2.0]), np.array([0.4, 2.0, 1.5])))
        for n in ("xlogy", "xlog1py", "betaln", "rel_entr", "kl_div")
    ],
]


@pytest.mark.parametrize(("name", "args"), SPECIAL, ids=[n for n, _ in SPECIAL])
def test_special_functions(name: str, args: tuple[Any, ...]) -> None:
    check_operation(getattr(special, name), args, order=2)


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "args"), SPECIAL, ids=[n for n, _ in SPECIAL])
def test_special_functions_are_scipys(name: str, args: tuple[Any, ...]) -> None:
    scipy_special = pytest.importorskip("scipy.special")
    found = numpy_of(getattr(special, name)(*args))
    np.testing.assert_allclose(found, getattr(scipy_special, name)(*args), rtol=5e-14, atol=1e-15)


@pytest.mark.parametrize(("mine", "reference"), [("erf", math.erf), ("erfc", math.erfc)])
def test_error_function_to_the_last_place(mine: str, reference: Any) -> None:
    x = np.concatenate([np.linspace(-6, 6, 2001), np.linspace(6, 26, 200), np.logspace(-300, 0, 50)])
    np.testing.assert_allclose(numpy_of(getattr(special, mine)(x)), [reference(v) for v in x], rtol=2e-15)


def test_log_gamma_keeps_its_zeros_and_poles() -> None:
    small = np.logspace(-12, -2, 20)
    exact = -0.5772156649015329 * small + np.pi**2 / 12 * small**2 - 1.2020569031595942 / 3 * small**3
    np.testing.assert_allclose(numpy_of(special.gammaln(1 + small)), exact * 1, rtol=1e-3)
    assert numpy_of(special.gammaln(np.array([1.0, 2.0]))).tolist() == [0.0, 0.0]
    assert numpy_of(special.gammaln(np.array([0.0, -3.0, np.inf]))).tolist() == [np.inf] * 3
    x = np.linspace(0.05, 30, 500)
    np.testing.assert_allclose(numpy_of(special.gammaln(x)), [math.lgamma(v) for v in x], rtol=1e-12, atol=2e-15)


def test_special_values() -> None:
    assert numpy_of(special.erfinv(np.array([-1.0, 0.0, 1.0]))).tolist() == [-np.inf, 0.0, np.inf]
    assert math.isnan(float(special.erfinv(1.5)))
    assert [float(v) for v in (special.erf(np.inf), special.erfc(-np.inf), special.erfc(np.inf))] == [1.0, 2.0, 0.0]
    y = np.linspace(-0.999, 0.999, 101)
    np.testing.assert_allclose(numpy_of(special.erf(special.erfinv(y))), y, rtol=1e-14)
    assert float(special.xlogy(0.0, 0.0)) == 0.0 and float(grad(special.xlogy, 1)(0.0, 0.0)) == 0.0


def test_lax_functions() -> None:
    x = np.arange(5.0)
    np.testing.assert_array_equal(numpy_of(lax.map(lambda v: v * 2, x)), x * 2)
    np.testing.assert_array_equal(numpy_of(lax.associative_scan(gnp.multiply, x + 1)), np.cumprod(x + 1))
    np.testing.assert_array_equal(numpy_of(lax.associative_scan(gnp.add, x, reverse=True)), np.cumsum(x[::-1])[::-1])
    np.testing.assert_array_equal(numpy_of(lax.select(x > 2, x, -x)), np.where(x > 2, x, -x))
    np.testing.assert_array_equal(numpy_of(lax.slice_in_dim(x, 1, -1)), x[1:-1])
    np.testing.assert_array_equal(numpy_of(lax.dot(np.ones((2, 5)), x)), np.ones((2, 5)) @ x)
    assert lax.broadcast(x, (2,)).shape == (2, 5) and lax.iota("int32", 3).dtype == np.int32
    assert float(grad(lambda v: lax.stop_gradient(v) * v)(3.0)) == 3.0
    with pytest.raises(TypeError):
        lax.add(np.ones(2), np.ones(2, np.float32))


def test_trees() -> None:
    data = {"a": [1, 2], "b": (3,)}
    assert tree.map(lambda v: v + 1, data) == tree_util.tree_map(lambda v: v + 1, data) == {"a": [2, 3], "b": (4,)}
    assert tree.leaves(data) == [1, 2, 3]
    assert tree.unflatten(tree.structure(data), [4, 5, 6]) == {"a": [4, 5], "b": (6,)}


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["numpy", "nn", "lax"])
def test_every_public_name_is_one_of_jaxs(name: str) -> None:
    jax = pytest.importorskip("jax")
    mine = {"numpy": gnp, "nn": nn, "lax": lax}[name]
    here: dict[str, set[str]] = {"numpy": {"fix"}}
    names = set(mine.__all__) - here.get(name, set())
    assert sorted(n for n in names if not hasattr(getattr(jax, name), n)) == []
