"""triangular_solve: linear systems with triangular matrices. NumPy has none, so that it is written here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.define import Primitive, is_linear
from gradcli.engine.ops.linalg.matrices import conj, matmul, matrix_type, mT, tril, triu
from gradcli.engine.ops.shape import bad_shape, batch_to_front, moveaxis, reshape
from gradcli.engine.trace.tracer import bind

BLOCK = 64  # below this size LAPACK's general solve is faster than halving once more


def triangular_solve(
    a: Any, b: Any, *, left_side: bool = False, lower: bool = False, transpose_a: bool = False,
    conjugate_a: bool = False, unit_diagonal: bool = False,
) -> Any:  # fmt: skip
    """The ``x`` with op(a) x = b (left_side) or x op(a) = b, for triangular ``a`` [..., n, n].

    Only the triangle that ``lower`` names is read; op transposes or conjugates as said; unit_diagonal: the diagonal
    counts as ones. ``b`` is [..., n, m] (left_side), [..., m, n], or a vector [..., n]. A singular matrix gives
    infinities and nan. Raises TypeError for shapes and dtypes that do not fit.

    >>> a = np.array([[2.0, 0.0], [1.0, 4.0]])
    >>> print(triangular_solve(a, np.array([[2.0], [9.0]]), left_side=True, lower=True))
    [[1.]
     [2.]]
    """
    rank = type_of(a).ndim
    vector = rank >= 2 and type_of(b).ndim == rank - 1
    if vector:
        shape = type_of(b).shape
        b = reshape(b, (*shape, 1) if left_side else (*shape[:-1], 1, shape[-1]))
    conjugate_a = conjugate_a and type_of(a).dtype.kind == "c"
    out = bind(
        triangular_solve_p, a, b, left_side=left_side, lower=lower, transpose_a=transpose_a, conjugate_a=conjugate_a,
        unit_diagonal=unit_diagonal,
    )  # fmt: skip
    return reshape(out, shape) if vector else out


def _type(a: ArrayType, b: ArrayType, *, left_side: bool, **_: Any) -> ArrayType:
    lead, n, _m = matrix_type("triangular_solve", a, square=True)
    if b.dtype != a.dtype:
        raise bad_shape(f"triangular_solve requires one dtype, got {a.dtype.name} and {b.dtype.name}")
    if b.shape[:-2] != lead or b.ndim < 2 or b.shape[-2 if left_side else -1] != n:
        raise bad_shape(f"triangular_solve of {a} and {b} ({'left' if left_side else 'right'} side): shapes do not fit")
    return b.strong()


def _impl(
    a: Any, b: Any, *, left_side: bool, lower: bool, transpose_a: bool, conjugate_a: bool, unit_diagonal: bool
) -> Any:
    if not b.size:
        return np.zeros_like(b)
    a = np.conj(a) if conjugate_a else a
    if transpose_a == left_side:  # the right side is the left side of the transposed system
        a, lower = a.swapaxes(-1, -2), not lower
    out = solve_left(a, b if left_side else b.swapaxes(-1, -2), lower, unit_diagonal)
    return out if left_side else out.swapaxes(-1, -2)


def solve_left(a: Any, b: Any, lower: bool, unit_diagonal: bool) -> Any:
    """``a x = b`` on NumPy arrays with the same batch axes, by halving: the large part of the work is products."""
    n = a.shape[-1]
    if n <= BLOCK:
        return _solve_small(a, b, lower, unit_diagonal)
    half = n // 2
    first, last = slice(None, half), slice(half, None)
    if not lower:
        first, last = last, first
    x = solve_left(a[..., first, first], b[..., first, :], lower, unit_diagonal)
    y = solve_left(a[..., last, last], b[..., last, :] - a[..., last, first] @ x, lower, unit_diagonal)
    return np.concatenate((x, y) if lower else (y, x), -2)


def _solve_small(a: Any, b: Any, lower: bool, unit_diagonal: bool) -> Any:
    """By LAPACK's solve of general matrices: of an upper triangular one it finds the factors 1 and ``a`` itself.

    So there is no rounding but that of back substitution. Lower ones are turned upside down.
    """
    if lower:
        a, b = a[..., ::-1, ::-1], b[..., ::-1, :]
    a = np.triu(a, 1 if unit_diagonal else 0)
    if unit_diagonal:
        places = np.arange(a.shape[-1])
        a[..., places, places] = 1
    try:
        x = np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        x = _substitute(a, b)
    return x[..., ::-1, :] if lower else x


def _substitute(a: Any, b: Any) -> Any:
    """Back substitution row by row, which divides by zero where the matrix is singular."""
    x = b.copy()
    for i in reversed(range(a.shape[-1])):
        x[..., i, :] /= a[..., i, i, None]
        x[..., :i, :] -= a[..., :i, i, None] * x[..., i, None, :]
    return x


def _jvp(primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
    """x' = op(a)^-1 (b' - op(a)' x), or its mirror image (Giles 2008, section 2.3)."""
    (a, b), (a_dot, b_dot) = primals, tangents
    out = bind(triangular_solve_p, a, b, **params)
    total = None if b_dot is None else bind(triangular_solve_p, a, b_dot, **params)
    if a_dot is not None:
        term = _moved_matrix(a, a_dot, out, **params)
        total = term if total is None else e.add_any(total, term)
    return out, total


def _moved_matrix(
    a: Any, a_dot: Any, x: Any, *, left_side: bool, lower: bool, transpose_a: bool, conjugate_a: bool,
    unit_diagonal: bool,
) -> Any:  # fmt: skip
    """The tangent for a change of the matrix. Whether solve or product goes first is a question of the smaller one."""
    skip = 1 if unit_diagonal else 0
    change = e.neg(tril(a_dot, -skip) if lower else triu(a_dot, skip))
    change = mT(change) if transpose_a else change
    change = conj(change) if conjugate_a else change

    def solve(right: Any) -> Any:
        return bind(
            triangular_solve_p, a, right, left_side=left_side, lower=lower, transpose_a=transpose_a,
            conjugate_a=conjugate_a, unit_diagonal=unit_diagonal,
        )  # fmt: skip

    rows, columns = type_of(x).shape[-2:]
    if left_side:
        return solve(matmul(change, x)) if rows > columns else matmul(solve(change), x)
    return solve(matmul(x, change)) if rows < columns else matmul(x, solve(change))


def _transpose(ct: Any, a: Any, b: Any, *, transpose_a: bool, **params: Any) -> tuple[None, Any]:
    if is_linear(a):
        raise bad_shape("triangular_solve is not linear in its matrix")
    return None, bind(triangular_solve_p, a, ct, transpose_a=not transpose_a, **params)


def _batch(size: int, args: Any, dims: Any, *, left_side: bool, **params: Any) -> tuple[Any, int]:
    """Right sides of one matrix are solved side by side, as one wider right side."""
    (a, b), (d_a, d_b) = args, dims
    if d_a is not None:
        a, b = batch_to_front(size, a, d_a), batch_to_front(size, b, d_b)
        return bind(triangular_solve_p, a, b, left_side=left_side, **params), 0
    return beside(lambda right: bind(triangular_solve_p, a, right, left_side=left_side, **params), b, d_b, left_side)


def beside(solve: Callable[[Any], Any], b: Any, dim: int, left_side: bool = True) -> tuple[Any, int]:
    """Many right sides of one matrix, mapped along ``dim``, as one wider right side; the result and its mapped axis."""
    rank = type_of(b).ndim
    at = rank - 1 if left_side else rank - 2
    b = moveaxis(b, dim, at)
    shape = type_of(b).shape
    start = rank - 2 if left_side else rank - 3
    flat = reshape(b, (*shape[:start], shape[start] * shape[start + 1], *shape[start + 2 :]))
    return reshape(solve(flat), shape), at


triangular_solve_p = Primitive(
    "triangular_solve", type_rule=_type, impl=_impl, jvp=_jvp, transpose=_transpose, batch=_batch, family="linalg"
)
