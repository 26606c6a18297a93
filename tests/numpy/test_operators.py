"""Python's operators on values: NumPy's results, JAX's promotion, and refusals."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli.engine.api import grad, make_jaxpr, vmap
from gradcli.engine.errors import diagnostic_of

ARITHMETIC = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
]  # fmt: skip
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
BITS = [operator.and_, operator.or_, operator.xor]
X, Y = np.array([1.5, 2.0, 0.25]), np.array([2.0, -1.5, 3.0])
N, M = np.array([7, -7, 2]), np.array([2, 3, 2])


@pytest.mark.parametrize("f", ARITHMETIC + COMPARISONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("pair", [(X, Y), (N, M), (X, N), (N, Y)], ids=["ff", "ii", "fi", "if"])
def test_like_numpy_both_ways(f: Callable[..., Any], pair: tuple[Any, Any]) -> None:
    x, y = pair
    if f is operator.pow:
        x, y = np.abs(x), np.abs(y)
    expected = f(x, y)
    np.testing.assert_allclose(np.asarray(f(gnp.asarray(x), gnp.asarray(y))), expected, rtol=1e-15)
    if x.dtype.kind == "f":
        np.testing.assert_allclose(np.asarray(f(gnp.asarray(x), 2)), f(x, 2), rtol=1e-15)
        np.testing.assert_allclose(np.asarray(f(2, gnp.asarray(x))), f(2, x), rtol=1e-15)
    assert f(gnp.asarray(x), gnp.asarray(y)).dtype == expected.dtype


@pytest.mark.parametrize("f", BITS, ids=lambda f: f.__name__)
def test_bits(f: Callable[..., Any]) -> None:
    np.testing.assert_array_equal(np.asarray(f(gnp.asarray(N), M)), f(N, M))
    np.testing.assert_array_equal(np.asarray(f(gnp.asarray(N > 0), M > 2)), f(N > 0, M > 2))


def test_unary_divmod_shift_round() -> None:
    x, i = gnp.asarray(X), gnp.asarray(N)
    np.testing.assert_array_equal(np.asarray(-x), -X)
    np.testing.assert_array_equal(np.asarray(+x), X)
    np.testing.assert_array_equal(np.asarray(abs(i)), abs(N))
    np.testing.assert_array_equal(np.asarray(~i), ~N)
    np.testing.assert_array_equal(np.asarray(i << 2), N << 2)
    np.testing.assert_array_equal(np.asarray(i >> 1), N >> 1)
    np.testing.assert_array_equal(np.asarray(round(x, 1)), np.round(X, 1))
    for mine, theirs in zip(divmod(i, 3), np.divmod(N, 3), strict=True):
        np.testing.assert_array_equal(np.asarray(mine), theirs)


def test_floor_division_at_special_values() -> None:
    with np.errstate(all="ignore"):
        x = np.array([1.0, -1.0, 0.0, np.inf, np.nan, 5.0, -5.0])
        for y in (0.0, np.inf, -2.0, np.nan):
            np.testing.assert_array_equal(np.asarray(gnp.asarray(x) % y), x % y)
            if y not in (0.0, np.inf):
                np.testing.assert_array_equal(np.asarray(gnp.asarray(x) // y), x // y)


@pytest.mark.parametrize("other", [[1.0, 2.0, 3.0], (1.0,), {}, "text", None], ids=repr)
def test_foreign_operands_are_type_errors(other: Any) -> None:
    with pytest.raises(TypeError):
        gnp.asarray(X) + other
    with pytest.raises(TypeError):
        other * gnp.asarray(X)


def test_a_list_is_explained_and_none_is_unequal() -> None:
    with pytest.raises(TypeError) as caught:
        assert gnp.asarray(X) == [1, 2, 3]
    diagnostic = diagnostic_of(caught.value)
    assert diagnostic is not None and diagnostic.hint is not None and "asarray" in diagnostic.hint
    assert (gnp.asarray(X) == None) is False  # noqa: E711
    with pytest.raises(TypeError):
        gnp.sin([1.0, 2.0])


def test_integer_powers_use_integer_pow() -> None:
    assert [eqn.primitive.name for eqn in make_jaxpr(lambda x: x**2)(3.0).eqns] == ["integer_pow"]
    assert [eqn.primitive.name for eqn in make_jaxpr(lambda x: x**2.5)(3.0).eqns] == ["pow"]
    assert float(grad(lambda x: x**-2)(2.0)) == -0.25
    with pytest.raises(TypeError):
        gnp.asarray(N) ** -1


def test_weak_scalars_stay_weak_and_do_not_widen() -> None:
    x = gnp.ones(2, "float32")
    assert (x * 2.0 + 1).dtype == np.float32
    assert (x * np.float64(2)).dtype == np.float64
    weak = gnp.asarray(2.0)
    assert weak.weak_type and (weak * 3).weak_type and (x * (weak * 3)).dtype == np.float32


def test_jaxprs_of_common_functions() -> None:
    def names(f: Callable[..., Any], *args: Any) -> list[str]:
        return [eqn.primitive.name for eqn in make_jaxpr(f)(*args).eqns]

    v, m = np.ones(3), np.ones((2, 3))
    assert names(gnp.mean, v) == ["reduce_sum", "div"]
    assert names(lambda x: gnp.where(x > 0, x, 0.0), v) == ["gt", "select_n"]
    assert names(lambda x, y: x @ y, m, v) == ["dot_general"]
    assert names(gnp.linalg.norm, v) == ["mul", "reduce_sum", "sqrt"]
    assert names(lambda x, y: x + y, m, v) == ["broadcast_in_dim", "add"]
    assert names(gnp.max, v) == ["reduce_max"]
    assert names(lambda x: gnp.stack([x, x]), v) == ["stack"]


@pytest.mark.parametrize("name", ["sum", "mean", "max", "T", "reshape", "astype", "dot", "ravel", "real", "item"])
def test_methods_and_properties(name: str) -> None:
    x, n = gnp.asarray(np.arange(4.0).reshape(2, 2)), np.arange(4.0).reshape(2, 2)
    args: dict[str, tuple[Any, ...]] = {"reshape": (4,), "astype": ("int32",), "dot": (n,), "item": (1, 1)}
    mine, theirs = getattr(x, name), getattr(n, name)
    if callable(mine) and callable(theirs):
        mine, theirs = mine(*args.get(name, ())), theirs(*args.get(name, ()))
    np.testing.assert_array_equal(np.asarray(mine), theirs)


def test_methods_on_tracers() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert np.asarray(grad(lambda v: v.T.reshape(-1).sum() + v.mean() * v.max())(x)).shape == (2, 3)
    np.testing.assert_array_equal(np.asarray(vmap(lambda v: v.sum())(x)), x.sum(1))


def test_arrays_of_traced_scalars() -> None:
    f = lambda a, b: gnp.array([[a, 1.0], [b * a, 2.0]]).sum()  # noqa: E731
    assert [float(g) for g in grad(f, (0, 1))(2.0, 3.0)] == [4.0, 2.0]


def test_vectorize() -> None:
    rows = gnp.vectorize(lambda a, b: a @ b, signature="(n),(n)->()")
    x, y = np.arange(12.0).reshape(2, 2, 3), np.arange(3.0)
    np.testing.assert_allclose(np.asarray(rows(x, y)), x @ y)
    np.testing.assert_allclose(np.asarray(gnp.vectorize(lambda a, b: a * b)(x, y)), x * y)


@pytest.mark.parametrize("order", [None, 1, 2, 3, 0, np.inf, -np.inf])
def test_vector_norms(order: Any) -> None:
    x = np.arange(6.0).reshape(2, 3) - 2.5
    np.testing.assert_allclose(np.asarray(gnp.linalg.norm(x, order, axis=1)), np.linalg.norm(x, order, axis=1))
    if order not in (0, 2, 3):
        np.testing.assert_allclose(np.asarray(gnp.linalg.norm(x, order)), np.linalg.norm(x, order))


@pytest.mark.parametrize(
    "call",
    [
        lambda: gnp.reshape(X, (2, -1)), lambda: gnp.stack([X, X[:2]]), lambda: gnp.matmul(X, np.ones((2, 2))),
        lambda: gnp.max(np.zeros(0)), lambda: gnp.sum(X, axis=3), lambda: gnp.split(X, 2), lambda: gnp.zeros((-1,)),
        lambda: gnp.array([[1.0], [1.0, 2.0]]), lambda: gnp.array("text"), lambda: gnp.einsum("ij->k", np.ones((2, 2))),
        lambda: gnp.squeeze(X, 0), lambda: gnp.broadcast_to(X, (2, 2)), lambda: gnp.pad(X, 1, "mirror"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(call: Callable[[], Any]) -> None:
    with pytest.raises((TypeError, ValueError, NotImplementedError)):
        call()


def test_sinc_and_logaddexp_derivatives_where_formulas_are_undefined() -> None:
    assert float(gnp.sinc(0.0)) == 1.0 and float(grad(gnp.sinc)(0.0)) == 0.0
    assert float(grad(grad(gnp.sinc))(0.0)) == pytest.approx(-(np.pi**2) / 3)
    assert [float(g) for g in grad(gnp.logaddexp, (0, 1))(2.0, 2.0)] == [0.5, 0.5]
    assert [float(g) for g in grad(gnp.logaddexp, (0, 1))(900.0, -900.0)] == [1.0, 0.0]
    assert float(grad(gnp.hypot)(0.0, 0.0)) == 0.5
    assert float(grad(lambda x: gnp.where(x > 0, gnp.sqrt(gnp.where(x > 0, x, 1.0)), 0.0))(-1.0)) == 0.0


def test_positions() -> None:
    found = gnp.where(np.array([0, 3, 0, 4]))
    np.testing.assert_array_equal(np.asarray(found[0]), [1, 3])
    np.testing.assert_array_equal(np.asarray(gnp.flatnonzero(np.eye(2))), [0, 3])
    np.testing.assert_array_equal(np.asarray(gnp.argwhere(np.eye(2))), [[0, 0], [1, 1]])
    np.testing.assert_array_equal(np.asarray(gnp.nonzero(np.array([0, 3]), size=3)[0]), [1, 0, 0])
    with pytest.raises(ValueError):
        gnp.where(np.array([True]), 1.0)
