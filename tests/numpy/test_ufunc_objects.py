"""The methods of ufuncs: NumPy's results, JAX's dtypes, derivatives."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli.engine.api import jit
from tests.engine.harness import check_operation, numpy_of

A = np.array([[0.5, -1.5, 2.0, 0.25], [1.0, 3.0, -0.5, 0.75]])
INTS = np.array([[3, 1, 2, 7], [5, 0, 4, 6]])
FLOATS = ["add", "multiply", "subtract", "maximum", "minimum", "logaddexp", "logaddexp2"]
BITS = ["bitwise_and", "bitwise_or", "bitwise_xor", "logical_and", "logical_or", "logical_xor"]
BINARY = [*[(n, A) for n in FLOATS], *[(n, INTS) for n in (*BITS, "add", "multiply", "maximum", "subtract")]]
ROWS = pytest.mark.parametrize(("name", "x"), BINARY, ids=[f"{n}-{x.dtype}" for n, x in BINARY])


def same(found: Any, expected: Any) -> None:
    found = numpy_of(found)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def derivatives(f: Any, x: Any) -> None:
    if x.dtype.kind == "f":
        check_operation(f, (x,), order=1)


@ROWS
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_reduce(name: str, x: Any, axis: int | None) -> None:
    mine, theirs = getattr(gnp, name), getattr(np, name)
    if axis is None and name == "subtract":
        theirs_x, axis_ = x.ravel(), 0
    else:
        theirs_x, axis_ = x, axis
    same(mine.reduce(x, axis), theirs.reduce(theirs_x, axis_))
    same(mine.reduce(x, axis, keepdims=True).ravel(), np.ravel(theirs.reduce(theirs_x, axis_)))
    derivatives(lambda v: mine.reduce(v, axis), x)


@ROWS
def test_reduce_with_initial_and_where(name: str, x: Any) -> None:
    if name == "subtract":
        pytest.skip("NumPy has no initial value for subtract")
    mine, theirs = getattr(gnp, name), getattr(np, name)
    initial = x.dtype.type(1) if "logical" not in name else np.True_
    same(mine.reduce(x, 1, initial=initial), theirs.reduce(x, 1, initial=initial))
    where = np.array([[True, False, True, True], [False, False, True, False]])
    same(mine.reduce(x, 1, initial=initial, where=where), theirs.reduce(x, 1, initial=initial, where=where))


@ROWS
@pytest.mark.parametrize("axis", [0, 1])
def test_accumulate(name: str, x: Any, axis: int) -> None:
    mine, theirs = getattr(gnp, name), getattr(np, name)
    same(mine.accumulate(x, axis), theirs.accumulate(x, axis))
    derivatives(lambda v: mine.accumulate(v, axis), x)


@ROWS
def test_outer_and_reduceat(name: str, x: Any) -> None:
    mine, theirs = getattr(gnp, name), getattr(np, name)
    same(mine.outer(x, x[0]), theirs.outer(x, x[0]))
    indices = np.array([0, 2, 1])
    x = x > 1 if "logical" in name else x  # what stands alone keeps its value, as in JAX; NumPy makes a bool of it
    same(mine.reduceat(x, indices, 1), theirs.reduceat(x, indices, 1))
    derivatives(lambda v: mine.reduceat(v, indices, 1), x)


@ROWS
def test_at(name: str, x: Any) -> None:
    if "logical" in name:
        pytest.skip("at of a logical function changes the dtype")
    mine, theirs = getattr(gnp, name), getattr(np, name)
    index = (np.array([0, 1, 0]), np.array([2, 2, 2]))
    for indices, value in ((index, x[0, :3]), (np.array([1, 1]), x[0]), (slice(0, 1), x[1, 0])):
        expected = x.copy()
        theirs.at(expected, indices, value)
        same(mine.at(x, indices, value, inplace=False), expected)
    derivatives(lambda v: mine.at(v, index, v[1, :3], inplace=False), x)


def test_negative_and_calls() -> None:
    same(gnp.negative.at(A, np.array([0]), inplace=False), np.array([-A[0], A[1]]))
    same(jit(gnp.add)(A, 1.0), A + 1)
    assert isinstance(gnp.add, gnp.ufunc) and repr(gnp.add) == "<ufunc 'add'>"
    assert (gnp.add.nin, gnp.add.nout, gnp.add.identity, gnp.maximum.identity) == (2, 1, 0, None)


def test_frompyfunc() -> None:
    f = gnp.frompyfunc(lambda x, y: x * gnp.sin(y), 2, 1, identity=1.0)
    same(f(A, 2.0), A * np.sin(2.0))
    same(f.outer(A[0], A[1]), A[0][:, None] * np.sin(A[1]))
    same(f.reduce(A), np.sin(A[0]) * np.sin(A[1]))
    same(f.reduce(np.zeros((0, 2))), [1.0, 1.0])
    derivatives(lambda v: f.accumulate(v, 1), A)


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: gnp.negative.reduce(A), ValueError, "two operands"),
    (lambda: gnp.negative.outer(A, A), ValueError, "two operands"),
    (lambda: gnp.subtract.reduce(np.zeros(0)), ValueError, "no identity"),
    (lambda: gnp.subtract.reduce(A, where=A > 0), ValueError, "no identity"),
    (lambda: gnp.add.reduce(A, where=A), ValueError, "bools"),
    (lambda: gnp.add.at(A, 0, 1.0), NotImplementedError, "in place"),
    (lambda: gnp.add(A, A, out=A), NotImplementedError, "out or where"),
    (lambda: gnp.add.accumulate(A, None), ValueError, "one axis"),
    (lambda: gnp.add.reduceat(1.0, np.array([0])), ValueError, "needs an array"),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS, ids=[str(i) for i in range(len(ERRORS))])
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["bool", "int8", "float32"])
def test_dtypes_are_jaxs(dtype: str) -> None:
    jax = pytest.importorskip("jax")
    x = np.array([1, 0, 1, 1]).astype(dtype)
    different = []
    with jax.enable_x64(True):
        for name, method in itertools.product((*FLOATS, *BITS), ("reduce", "accumulate", "outer")):
            if (name, method) == ("logaddexp2", "reduce"):
                continue  # float64 for integers in JAX, where logaddexp has float32
            args = [x] * (2 if method == "outer" else 1)
            try:
                expected = getattr(getattr(jax.numpy, name), method)(*args).dtype
            except (TypeError, ValueError, NotImplementedError):
                continue
            found = getattr(getattr(gnp, name), method)(*args).dtype
            if found != expected:
                different.append((name, method, found, expected))
    assert different == []
