"""``take`` and its kin against NumPy, and their rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import jit
from gradcli.engine.array import raw
from gradcli.engine.ops import take
from tests.engine.harness import check_operation
from tests.engine.index_harness import check_vmap_of_indices

RNG = np.random.default_rng(7)
V = RNG.uniform(0.5, 2.0, 5)
X = RNG.uniform(0.5, 2.0, (4, 5))
T = RNG.uniform(0.5, 2.0, (3, 4, 5))



@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("i", [1, [2, 0], np.array([[1, -1], [0, 2]])], ids=["scalar", "list", "matrix"])
def test_take(axis: int | None, i: Any) -> None:
    for mode in (None, "wrap", "raise"):
        np.testing.assert_array_equal(raw(take.take(T, i, axis, mode=mode)), np.take(T, i, axis))
    clipped = raw(take.take(T, np.asarray(i) + 3, axis, mode="clip"))
    np.testing.assert_array_equal(clipped, np.take(T, np.asarray(i) + 3, axis, mode="clip"))
    check_operation(lambda x: take.take(x, i, axis), [T], order=1)


def test_take_out_of_bounds() -> None:
    np.testing.assert_array_equal(raw(take.take(V, np.array([9, -1]))), [np.nan, V[-1]])
    with pytest.raises(IndexError, match="index 9 is out of bounds for axis 0 with size 5"):
        take.take(V, np.array([0, 9]), mode="raise")
    with pytest.raises(NotImplementedError, match="known"):
        jit(lambda i: take.take(V, i, mode="raise"))(np.array([0, 9]))
    with pytest.raises(IndexError, match="size 0"):
        take.take(np.zeros(0), np.array([0]))
    with pytest.raises(TypeError, match="integer indices"):
        take.take(V, V)


@pytest.mark.parametrize(
    ("shape", "axis"), [((4, 2), 1), ((1, 3), 1), ((6, 5), 0), ((2, 1), 0), ((4, 5), -1)], ids=str
)
def test_take_along_axis(shape: tuple[int, int], axis: int) -> None:
    i = np.random.default_rng(2).integers(-4, 4, shape)
    np.testing.assert_array_equal(raw(take.take_along_axis(X, i, axis)), np.take_along_axis(X, i, axis))
    check_operation(lambda x: take.take_along_axis(x, i, axis), [X], order=1)
    check_vmap_of_indices(lambda x, k: take.take_along_axis(x, k, axis, "clip"), [X], i)
    wide = X[:1] if axis % 2 else X[:, :1]
    full = np.random.default_rng(2).integers(0, 4, X.shape)
    np.testing.assert_array_equal(raw(take.take_along_axis(wide, full, axis)), np.take_along_axis(wide, full, axis))
    expected = X.copy()
    np.put_along_axis(expected, full[:, :5], 0.5, axis)
    np.testing.assert_array_equal(raw(take.put_along_axis(X, full, 0.5, axis, inplace=False)), expected)
    flat = np.arange(3)
    np.testing.assert_array_equal(raw(take.take_along_axis(X, flat, None)), X.reshape(-1)[:3])
    with pytest.raises(ValueError, match="one rank"):
        take.take_along_axis(X, flat, 0)
    with pytest.raises(ValueError, match="in place"):
        take.put_along_axis(X, full, 0.5, axis)


@pytest.mark.oracle
def test_take_against_jax() -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    far = np.array([[5, -7], [1, -1]])
    for mode in (None, "clip", "wrap"):
        np.testing.assert_array_equal(raw(take.take(V, far, mode=mode)), jax.numpy.take(V, far, mode=mode))
        ours = raw(take.take(T, far, 1, mode=mode))
        np.testing.assert_array_equal(ours, jax.numpy.take(T, far, 1, mode=mode))
    for mode in (None, "clip"):
        ours = raw(take.take_along_axis(X[:2, :2], far, 1, mode))
        np.testing.assert_array_equal(ours, jax.numpy.take_along_axis(X[:2, :2], far, 1, mode))
