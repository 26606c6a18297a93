"""Cumulative operations by table: values, derivatives at zeros, ties and infinities, vmap, dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from gradcli.engine.api import jacfwd, jacrev
from gradcli.engine.ops import reduce as r
from tests.engine.harness import check_operation
from tests.engine.test_reduce_dot_sort import ZEROS, product_derivative, same, tolerance, values

Function = Callable[..., Any]


def cumlogsumexp_reference(x: Any, axis: int) -> Any:
    return np.log(np.cumsum(np.exp(x), axis))


class Cumulative(NamedTuple):
    op: Function
    reference: Function
    dtypes: str


CUMULATIVE = [
    Cumulative(r.cumsum, np.cumsum, "fdFDil"),
    Cumulative(r.cumprod, np.cumprod, "fdFDil"),
    Cumulative(r.cummax, np.maximum.accumulate, "fdil"),
    Cumulative(r.cummin, np.minimum.accumulate, "fdil"),
    Cumulative(r.cumlogsumexp, cumlogsumexp_reference, "fdFD"),
]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape_axis", [((5,), 0), ((2, 3), 1), ((4, 2), 0), ((1, 2), 0), ((3,), -1)], ids=str)
@pytest.mark.parametrize("row", CUMULATIVE, ids=lambda row: row.op.__name__)
def test_cumulative(row: Cumulative, shape_axis: tuple[tuple[int, ...], int], reverse: bool) -> None:
    shape, axis = shape_axis
    for letter in row.dtypes:
        x = values(shape, letter)
        found = row.op(x, axis, reverse)
        assert found.dtype == x.dtype
        expected = np.flip(row.reference(np.flip(x, axis), axis), axis) if reverse else row.reference(x, axis)
        same(found, expected, tolerance(letter))
        check_operation(lambda x: row.op(x, axis, reverse), (x,), order=2 if x.ndim == 2 else 1)


@pytest.mark.parametrize("row", CUMULATIVE, ids=lambda row: row.op.__name__)
def test_cumulative_of_nothing(row: Cumulative) -> None:
    for shape in ((0,), (0, 2), (2, 0)):
        x = np.zeros(shape)
        assert row.op(x, 0).shape == shape
        assert jacfwd(lambda x: row.op(x, 0))(x).shape == shape + shape
        assert jacrev(lambda x: row.op(x, 0))(x).shape == shape + shape
    with pytest.raises(ValueError, match="out of bounds"):
        row.op(np.zeros(3), 1)
    with pytest.raises(TypeError, match="does not accept dtype bool"):
        row.op(np.zeros(3, bool), 0)


def test_cumulative_maximum_shares_at_ties() -> None:
    x = np.array([1.0, 1.0, 2.0, 2.0, 0.0, 2.0])
    expected = [
        [1, 0, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0],
        [0, 0, 0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5, 0, 0], [0, 0, 0.25, 0.25, 0, 0.5],
    ]  # fmt: skip
    same(jacfwd(lambda x: r.cummax(x, 0))(x), expected)
    same(jacrev(lambda x: r.cummax(x, 0))(x), expected)
    same(jacrev(lambda x: r.cummin(x, 0))(-x), expected)


@pytest.mark.parametrize("x", [(1.0, 1.0, 1.0), (0.5, 0.5, -1.0, 0.5, 2.0), (700.0, -700.0, 710.0)], ids=str)
def test_cumulative_logsumexp_at_ties_and_far_apart(x: tuple[float, ...]) -> None:
    def f(x: Any) -> Any:
        return r.cumlogsumexp(x, 0)

    x = np.array(x)
    shares = np.tril(np.exp(x[None] - np.logaddexp.accumulate(x)[:, None]))
    same(jacfwd(f)(x), shares, 1e-11)
    same(jacrev(f)(x), shares, 1e-11)
    second = np.einsum("ij,jk->ijk", shares, np.eye(len(x))) - np.einsum("ij,ik->ijk", shares, shares)
    same(jacfwd(jacrev(f))(x), second, 1e-11)
    same(jacrev(jacrev(f))(x), second, 1e-11)


def test_cumulative_logsumexp_of_infinities() -> None:
    x = np.array([-np.inf, -np.inf, 1.0, 2.0])
    same(r.cumlogsumexp(x, 0), np.logaddexp.accumulate(x))
    jacobian = np.asarray(jacrev(lambda x: r.cumlogsumexp(x, 0))(x))
    same(jacobian[3], [0, 0, 1 / (1 + np.e), 1 / (1 + np.exp(-1))])
    assert np.all(np.isfinite(jacobian))
    z = np.array([-np.inf + 0j, 1 + 1j, -np.inf + 0j])
    same(r.cumlogsumexp(z, 0), [-np.inf, 1 + 1j, 1 + 1j])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("x", ZEROS, ids=str)
def test_cumulative_product_with_zeros(x: tuple[float, ...], reverse: bool) -> None:
    def f(x: Any) -> Any:
        return r.cumprod(x, 0, reverse)

    def expected(order: int) -> Any:
        n = len(x)
        out = np.zeros((n,) * (order + 1))
        for i in range(n):
            part = slice(i, None) if reverse else slice(0, i + 1)
            out[(i, *(part,) * order)] = product_derivative(x[part], order)
        return out

    x = np.array(x)
    same(jacfwd(f)(x), expected(1))
    same(jacrev(f)(x), expected(1))
    same(jacfwd(jacrev(f))(x), expected(2))
    same(jacrev(jacrev(f))(x), expected(2))
