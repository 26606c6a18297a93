"""Linear algebra, by the names of ``jax.numpy.linalg``: norms and products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.operators import absolute, inexact, like, matmul
from gradcli.engine.ops.shape import canonical_axis
from gradcli.numpy._base import arr, kind, unsupported, value_error
from gradcli.numpy._linear import cross, outer, tensordot, trace, vecdot
from gradcli.numpy._linear import diagonal as _diagonal
from gradcli.numpy._reductions import max, min, sum
from gradcli.numpy._shapes import broadcast_to, matrix_transpose, ravel, reshape

__all__ = [
    "cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "matrix_transpose", "multi_dot", "norm", "outer",
    "tensordot", "trace", "vecdot", "vector_norm",
]  # fmt: skip

Order = int | float | str | None


def norm(x: Any, ord: Order = None, axis: None | int | tuple[int, ...] = None, keepdims: bool = False) -> Any:
    """The norm of a vector (one axis) or a matrix (two axes); of all elements without ``ord`` and ``axis``.

    Raises ValueError for an order that does not exist, NotImplementedError for those that need singular values.
    """
    x = arr(inexact(x)[0])
    if axis is None and ord is None:
        return e.sqrt(sum(_square(x), keepdims=keepdims))
    if axis is None:
        axis = tuple(range(x.ndim))
    axes = tuple(canonical_axis(a, x.ndim) for a in ((axis,) if isinstance(axis, int) else axis))
    if len(axes) == 1:
        return vector_norm(x, axis=axes, keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) == 2:
        return _matrix_norm(x, "fro" if ord is None else ord, axes, keepdims)
    raise value_error(f"norm needs one axis (vector) or two (matrix), got {axis}")


def _square(x: Any) -> Any:
    """The squared modulus. For real numbers x * x, so that the jaxpr is JAX's."""
    return e.real(e.mul(x, e.conj(x))) if kind(x) == "c" else e.mul(x, x)


def vector_norm(
    x: Any, /, *, axis: None | int | tuple[int, ...] = None, keepdims: bool = False, ord: Order = 2
) -> Any:
    """The norm of vectors along an axis (default: of all elements). Raises ValueError for an order of another type."""
    x = arr(inexact(x)[0])
    if axis is None:
        flat = vector_norm(ravel(x), axis=0, ord=ord)
        return reshape(flat, (1,) * x.ndim) if keepdims else flat
    if ord is None or ord == 2:
        return e.sqrt(sum(_square(x), axis, keepdims=keepdims))
    if isinstance(ord, str):
        raise value_error(f"invalid order {ord!r} for a vector norm")
    if ord == math.inf:
        return max(absolute(x), axis, keepdims=keepdims, initial=0)
    if ord == -math.inf:
        return min(absolute(x), axis, keepdims=keepdims, initial=math.inf)
    if ord == 0:
        return sum(e.convert_element_type(e.ne(x, like(x, 0)), absolute(x).dtype), axis, keepdims=keepdims)
    if ord == 1:
        return sum(absolute(x), axis, keepdims=keepdims)
    size = absolute(x)
    total = sum(e.pow(size, like(size, ord)), axis, keepdims=keepdims)
    return e.pow(total, like(total, 1.0 / ord))


def _matrix_norm(x: Any, ord: Order, axes: tuple[int, ...], keepdims: bool) -> Any:
    row, column = axes
    if ord in ("f", "fro"):
        return e.sqrt(sum(_square(x), axes, keepdims=keepdims))
    if ord in ("nuc", 2, -2):
        raise unsupported(f"the matrix norm of order {ord!r} needs singular values: not supported yet", "use 'fro'")
    if ord not in (1, -1, math.inf, -math.inf):
        raise value_error(f"invalid order {ord!r} for a matrix norm")
    summed, rest = (row, column) if ord in (1, -1) else (column, row)
    totals = sum(absolute(x), summed, keepdims=True)
    found = (max if ord in (1, math.inf) else min)(totals, rest, keepdims=True)
    return found if keepdims else reshape(found, [n for i, n in enumerate(type_of(x).shape) if i not in axes])


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Order = "fro") -> Any:
    """The norm of the matrices in the last two axes."""
    x = arr(inexact(x)[0])
    return _matrix_norm(x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


def matrix_power(a: Any, n: int) -> Any:
    """A square matrix to a non-negative integer power. Raises ValueError for matrices that are not square."""
    a = arr(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise value_error(f"matrix_power needs square matrices, got {a.type}")
    if n < 0:
        raise unsupported("negative matrix powers need an inverse, which is not there yet")
    result = None
    while n:
        if n & 1:
            result = a if result is None else matmul(result, a)
        n >>= 1
        if n:
            a = matmul(a, a)
    if result is not None:
        return result
    return broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)


def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of several matrices, from the left."""
    out = arr(arrays[0])
    for a in arrays[1:]:
        out = matmul(out, a)
    return out


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of the matrices in the last two axes."""
    return _diagonal(x, offset, -2, -1)
