"""lu: triangular factors with partial pivoting, and what is solved with them. NumPy has none, so it is written here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import INT32, ArrayType, array_type, broadcast_shapes
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import pad, slice_in_dim
from gradcli.engine.ops.define import Primitive, zero_jvp
from gradcli.engine.ops.linalg.matrices import (
    batch_matrices,
    eye,
    mask,
    matmul,
    matrix_type,
    take_rows,
    tril,
    triu,
)
from gradcli.engine.ops.linalg.triangular import solve_left, triangular_solve
from gradcli.engine.ops.shape import bad_shape, batch_to_front, broadcast_to_type, iota, reshape
from gradcli.engine.ops.sort import sort
from gradcli.engine.trace.tracer import bind

PANEL = 16  # columns that are eliminated one by one; wider ones are halved


def lu(x: Any) -> tuple[Any, Any, Any]:
    """Factors with ``x[permutation] == l @ u`` of matrices [..., n, m]: (lu, pivots, permutation).

    lu: ``u`` in the upper triangle, ``l`` below it (its diagonal is ones). pivots [..., min(n, m)]: the row that each
    row was swapped with in turn; permutation [..., n]: the rows in their order; both int32.
    Raises TypeError for arrays that are no matrices of floats.

    >>> factors, pivots, permutation = lu(np.array([[1.0, 2.0], [4.0, 4.0]]))
    >>> print(factors, pivots, permutation)
    [[4.   4.  ]
     [0.25 1.  ]] [1 1] [1 0]
    """
    factors, pivots, permutation = bind(lu_p, x)
    return factors, pivots, permutation


def _lu_type(x: ArrayType) -> list[ArrayType]:
    lead, n, m = matrix_type("lu", x)
    return [x.strong(), array_type((*lead, min(n, m)), INT32), array_type((*lead, n), INT32)]


def lu_values(x: Any) -> list[Any]:
    """:func:`lu` of NumPy arrays."""
    *lead, n, m = x.shape
    work = np.array(x, order="C").reshape(math.prod(lead), n, m)
    pivots = np.zeros((work.shape[0], min(n, m)), INT32)
    if work.size:
        _factor(work, pivots)
    order = order_of(pivots, n)
    return [work.reshape(x.shape), pivots.reshape(*lead, min(n, m)), order.reshape(*lead, n)]


def _factor(a: Any, pivots: Any) -> None:
    """Factors a stack [b, n, m] in place: the left half, its effect on the right half, the rest (Toledo 1997)."""
    n, m = a.shape[-2:]
    if min(n, m) <= PANEL:
        _eliminate(a, pivots)
        return
    half = min(n, m) // 2
    left, right = a[:, :, :half], a[:, :, half:]
    _factor(left, pivots[:, :half])
    right[...] = _rows(right, order_of(pivots[:, :half], n))
    right[:, :half] = solve_left(a[:, :half, :half], right[:, :half], lower=True, unit_diagonal=True)
    right[:, half:] -= a[:, half:, :half] @ right[:, :half]
    _factor(right[:, half:], pivots[:, half:])
    left[:, half:] = _rows(left[:, half:], order_of(pivots[:, half:], n - half))
    pivots[:, half:] += half


def _eliminate(a: Any, pivots: Any) -> None:
    """Column by column; a column of zeros is left as it is."""
    if a.shape[0] == 1:
        _eliminate_one(a[0], pivots[0])
        return
    each = np.arange(a.shape[0])
    for j in range(pivots.shape[1]):
        column = a[:, j:, j]
        size = np.abs(column.real) + np.abs(column.imag) if a.dtype.kind == "c" else np.abs(column)
        found = size.argmax(1) + j
        pivots[:, j] = found
        top = a[each, found]
        a[each, found] = a[:, j]
        a[:, j] = top
        pivot = top[:, j, None]
        a[:, j + 1 :, j] /= np.where(pivot == 0, pivot.dtype.type(1), pivot)
        if j + 1 < a.shape[2]:
            a[:, j + 1 :, j + 1 :] -= a[:, j + 1 :, j, None] * a[:, None, j, j + 1 :]


def _eliminate_one(a: Any, pivots: Any) -> None:
    """The same for one matrix, on a copy where columns lie next to each other if they are the longer ones."""
    work = a.T.copy() if a.shape[0] > a.shape[1] else a.T
    for j in range(len(pivots)):
        column = work[j, j:]
        size = np.abs(column.real) + np.abs(column.imag) if a.dtype.kind == "c" else np.abs(column)
        found = pivots[j] = int(size.argmax()) + j
        if found != j:
            work[:, [j, found]] = work[:, [found, j]]
        if work[j, j] != 0:
            work[j, j + 1 :] /= work[j, j]
        work[j + 1 :, j + 1 :] -= np.multiply.outer(work[j + 1 :, j], work[j, j + 1 :])
    a[...] = work.T


def _rows(a: Any, order: Any) -> Any:
    return a[0][order[0]][None] if a.shape[0] == 1 else np.take_along_axis(a, order[:, :, None], 1)


def order_of(pivots: Any, n: int) -> Any:
    """The permutation that swaps [b, k] one after the other make, of n rows."""
    if pivots.shape[0] == 1:
        rows = list(range(n))
        for i, j in enumerate(pivots[0].tolist()):
            rows[i], rows[j] = rows[j], rows[i]
        return np.array([rows], INT32).reshape(1, n)
    each = np.arange(pivots.shape[0])
    order = np.tile(np.arange(n, dtype=INT32), (pivots.shape[0], 1))
    for i in range(pivots.shape[1]):
        j = pivots[:, i]
        order[each, j], order[:, i] = order[:, i].copy(), order[each, j]
    return order


def _lu_jvp(primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
    """With m = l^-1 p a' u^-1: l' = l tril(m, -1), u' = triu(m) u (de Hoog, Anderssen & Lukas 2011).

    Factors of matrices that are not square are filled up with the identity.
    """
    factors, pivots, permutation = bind(lu_p, primals[0])
    *lead, n, m = type_of(factors).shape
    k = min(n, m)
    lower, upper = _widened(tril(factors, -1), n, lead), _widened(triu(factors), m, lead)
    lower = e.add(lower, eye(n, type_of(lower).dtype, lead))
    if m > k:
        upper = e.add(upper, mask(eye(m, type_of(upper).dtype, lead), (np.arange(m) >= k)[:, None]))
    inner = triangular_solve(lower, take_rows(tangents[0], permutation), left_side=True, lower=True, unit_diagonal=True)
    inner = triangular_solve(upper, inner)
    change = e.add(matmul(lower, tril(inner, -1)), matmul(triu(inner), upper))
    return [factors, pivots, permutation], [change, None, None]


def _widened(x: Any, size: int, lead: list[int]) -> Any:
    """The triangular part as a square matrix of that size: cut where it has more, zeros where it has less."""
    rank = len(lead)
    *_, n, m = type_of(x).shape
    k = min(n, m)
    if n > size or m > size:
        x = slice_in_dim(slice_in_dim(x, 0, min(n, size), rank), 0, min(m, size), rank + 1)
    *_, n, m = type_of(x).shape
    if n == m == size:
        return x
    assert k <= size
    return pad(x, type_of(x).dtype.type(0), [*[(0, 0, 0)] * rank, (0, size - n, 0), (0, size - m, 0)])


lu_p = Primitive(
    "lu", type_rule=_lu_type, impl=lu_values, jvp=_lu_jvp, batch=batch_matrices("lu"), multiple=True, family="linalg"
)


# --- pivots as a permutation ------------------------------------------------------------------------------------------


def lu_pivots_to_permutation(pivots: Any, permutation_size: int) -> Any:
    """The permutation [..., permutation_size] that swapping row i with row ``pivots[..., i]`` in turn makes.

    Raises TypeError for other dtypes than int32, or for more pivots than rows.

    >>> print(lu_pivots_to_permutation(np.array([2, 2, 2], np.int32), 3))
    [2 0 1]
    """
    return bind(lu_pivots_to_permutation_p, pivots, permutation_size=int(permutation_size))


def _pivots_type(x: ArrayType, permutation_size: int) -> ArrayType:
    if x.dtype != INT32 or not x.ndim or x.shape[-1] > permutation_size:
        raise bad_shape(f"lu_pivots_to_permutation needs int32 [..., k] with k <= {permutation_size}, got {x}")
    return array_type((*x.shape[:-1], permutation_size), INT32)


def _pivots_impl(x: Any, permutation_size: int) -> Any:
    flat = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return order_of(flat, permutation_size).reshape(*x.shape[:-1], permutation_size)


def _pivots_batch(size: int, args: Any, dims: Any, permutation_size: int) -> tuple[Any, int]:
    return lu_pivots_to_permutation(batch_to_front(size, args[0], dims[0]), permutation_size), 0


lu_pivots_to_permutation_p = Primitive(
    "lu_pivots_to_permutation",
    type_rule=_pivots_type,
    impl=_pivots_impl,
    jvp=zero_jvp(lu_pivots_to_permutation),
    batch=_pivots_batch,
    family="linalg",
)


# --- solving ----------------------------------------------------------------------------------------------------------


def lu_solve(factors: Any, permutation: Any, b: Any, trans: int = 0) -> Any:
    """The ``x`` with a x = b for what :func:`lu` made of ``a`` [..., n, n]; trans: 1 transposed, 2 conjugated as well.

    ``b`` is [..., n, m], or [..., n] where it has one dimension less than ``factors``; batch axes broadcast.
    Raises TypeError for shapes that do not fit, and for another ``trans``.
    """
    t, right = type_of(factors), type_of(b)
    matrix_type("lu_solve", t, square=True)
    if trans not in (0, 1, 2):
        raise bad_shape(f"trans of lu_solve is 0, 1 or 2, not {trans!r}")
    vector = right.ndim == t.ndim - 1
    if vector:
        b = reshape(b, (*right.shape, 1))
        right = type_of(b)
    if right.ndim < 2 or right.shape[-2] != t.shape[-1]:
        raise bad_shape(f"lu_solve of {t} and {right}: shapes do not fit")
    lead = broadcast_shapes(t.shape[:-2], right.shape[:-2])
    factors = broadcast_to_type(factors, t.with_shape((*lead, *t.shape[-2:])))
    b = broadcast_to_type(b, right.with_shape((*lead, *right.shape[-2:])))
    permutation = broadcast_to_type(permutation, type_of(permutation).with_shape((*lead, t.shape[-1])))
    x = _solve(factors, permutation, b, trans)
    return reshape(x, type_of(x).shape[:-1]) if vector else x


def _solve(factors: Any, permutation: Any, b: Any, trans: int) -> Any:
    if not trans:
        x = take_rows(b, permutation)
        x = triangular_solve(factors, x, left_side=True, lower=True, unit_diagonal=True)
        return triangular_solve(factors, x, left_side=True)
    turned: dict[str, bool] = {"left_side": True, "transpose_a": True, "conjugate_a": trans == 2}
    x = triangular_solve(factors, b, **turned)
    x = triangular_solve(factors, x, lower=True, unit_diagonal=True, **turned)
    places = iota(INT32, type_of(permutation).shape, type_of(permutation).ndim - 1)
    return take_rows(x, sort((permutation, places))[1])
