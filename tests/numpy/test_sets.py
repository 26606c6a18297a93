"""Sets: NumPy's results on random arrays, and the same ones with ``size``, under jit and vmap."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gradcli.numpy as gnp
from gradcli.engine.api import jit, vjp, vmap
from gradcli.engine.errors import ConcretizationTypeError
from tests.engine.harness import numpy_of

FEW = st.integers(-3, 4)
VECTORS = st.one_of(
    hnp.arrays(np.int64, st.integers(0, 8), elements=FEW),
    hnp.arrays(np.float64, st.integers(0, 8), elements=st.sampled_from([-1.5, 0.0, 2.0, np.nan, np.inf])),
)
SHAPES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=3)
MATRICES = hnp.arrays(np.int64, SHAPES, elements=st.integers(0, 1))
TWO = ["intersect1d", "setdiff1d", "setxor1d", "union1d"]


def same(found: Any, expected: Any) -> None:
    assert numpy_of(found).shape == np.shape(expected)
    np.testing.assert_array_equal(numpy_of(found), expected)


@settings(max_examples=40, deadline=None)
@given(VECTORS)
def test_unique(x: Any) -> None:
    for found, expected in zip(gnp.unique(x, True, True, True), np.unique(x, True, True, True), strict=True):
        same(found, expected)
    same(gnp.unique(x, equal_nan=False), np.unique(x, equal_nan=False))
    number = len(np.unique(x))
    if x.size:
        values, index, inverse, counts = jit(lambda v: gnp.unique(v, True, True, True, size=number + 2))(x)
        expected = np.unique(x, True, True, True)
        same(values, [*expected[0], *[expected[0][0]] * 2])
        same(index[:number], expected[1])
        same(inverse, expected[2])
        same(counts, [*expected[3], 0, 0])
    same(gnp.unique(x, size=number + 1, fill_value=9), [*np.unique(x), 9])


@settings(max_examples=30, deadline=None)
@given(MATRICES, st.data())
def test_unique_slices(x: Any, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    if x.size:
        found, expected = (np_.unique(x, True, True, True, axis=axis) for np_ in (gnp, np))
        for f, g in zip(found, expected, strict=True):
            same(f, np.reshape(g, f.shape))
    same(gnp.unique(x), np.unique(x))


@pytest.mark.parametrize("name", TWO)
@settings(max_examples=25, deadline=None)
@given(VECTORS, VECTORS)
def test_two_sets(name: str, x: Any, y: Any) -> None:
    x, y = (v[~np.isnan(v)] if v.dtype.kind == "f" else v for v in (x, y))
    expected = getattr(np, name)(x, y)
    f = getattr(gnp, name)
    same(f(x, y), expected)
    number = len(expected) + 2
    filled = f(x, y, size=number, fill_value=7) if x.size or name != "setdiff1d" else expected
    same(filled[: len(expected)], expected)
    same(filled[len(expected) :], [7] * (len(filled) - len(expected)))
    if len(expected) > 1:
        same(jit(lambda a, b: f(a, b, size=len(expected) - 1))(x, y), expected[:-1])
    unique = np.unique(x), np.unique(y)
    same(f(*unique, **({} if name == "union1d" else {"assume_unique": True})), expected)


@settings(max_examples=30, deadline=None)
@given(VECTORS, VECTORS, st.booleans())
def test_intersection_with_indices(x: Any, y: Any, with_size: bool) -> None:
    x, y = (v[~np.isnan(v)] if v.dtype.kind == "f" else v for v in (x, y))
    expected = np.intersect1d(x, y, return_indices=True)
    n = len(expected[0])
    found = gnp.intersect1d(x, y, return_indices=True, size=n + 1 if with_size and x.size + y.size else None)
    for f, g in zip(found, expected, strict=True):
        same(f[:n], g)
    if with_size and x.size + y.size:
        assert (int(found[1][-1]), int(found[2][-1])) == (len(x), len(y))


@settings(max_examples=30, deadline=None)
@given(VECTORS, VECTORS, st.booleans(), st.sampled_from(["auto", "compare_all", "binary_search", "sort"]))
def test_isin(x: Any, y: Any, invert: bool, method: str) -> None:
    same(gnp.isin(x, y, invert=invert, method=method), np.isin(x, y, invert=invert))


def test_named_results() -> None:
    x = np.array([[2.0, np.nan], [2.0, np.nan]])
    for name in ("unique_all", "unique_counts", "unique_inverse"):
        found, expected = getattr(gnp, name)(x), getattr(np, name)(x)
        assert found._fields == expected._fields
        for f, g in zip(found, expected, strict=True):
            same(f, g)
    same(gnp.unique_values(x), [2.0, np.nan, np.nan])


def test_gradients_go_to_the_first_occurrence() -> None:
    x = np.array([3.0, 1.0, 3.0, 2.0])
    out, pull = vjp(gnp.unique, x)
    same(out, [1.0, 2.0, 3.0])
    same(pull(np.array([1.0, 10.0, 100.0]))[0], [100.0, 1.0, 0.0, 10.0])


def test_under_vmap() -> None:
    x = np.array([[3, 1, 3], [0, 0, 0]])
    same(vmap(lambda v: gnp.unique(v, size=3, fill_value=-1))(x), [[1, 3, -1], [0, -1, -1]])
    same(vmap(lambda v: gnp.intersect1d(v, np.array([0, 1, 3]), size=2, fill_value=-1))(x), [[1, 3], [0, -1]])


def test_unknown_sizes_are_errors() -> None:
    for name in ("unique", "nonzero", "argwhere"):
        with pytest.raises(ConcretizationTypeError):
            jit(getattr(gnp, name))(np.arange(3))
    with pytest.raises(ValueError, match="fill_value"):
        gnp.unique(np.zeros(0), size=2)
    with pytest.raises(ValueError, match="unknown method"):
        gnp.isin(np.zeros(2), np.zeros(2), method="magic")


@pytest.mark.parametrize("size", [0, 2, 9])
def test_nonzero_with_size(size: int) -> None:
    x = np.array([[0, 2, 0], [3, 0, 4]])
    expected = [np.concatenate([f, np.full(9, 5)])[:size] for f in np.nonzero(x)]
    for f, g in zip(jit(lambda v: gnp.nonzero(v, size=size, fill_value=5))(x), expected, strict=True):
        same(f, g)
    same(gnp.argwhere(x, size=size, fill_value=5), np.stack(expected, 1))
    same(gnp.argwhere(x), np.argwhere(x))
    flat = np.flatnonzero(x)[:size]
    same(gnp.flatnonzero(x, size=size)[: len(flat)], flat)
