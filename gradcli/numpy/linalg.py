"""Linear algebra, by the names of ``jax.numpy.linalg``.

Norms and products are here; factorisations and solves are loaded when the first of them is used.

>>> from gradcli.numpy import linalg
>>> print(linalg.norm(np.array([3.0, 4.0])))
5.0
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.operators import absolute, inexact, like
from gradcli.engine.ops.operators import matmul as _matmul
from gradcli.engine.ops.shape import canonical_axis
from gradcli.numpy import _linear
from gradcli.numpy._base import arr, kind, value_error
from gradcli.numpy._reductions import max, min, sum
from gradcli.numpy._shapes import broadcast_to, expand_dims, moveaxis, ravel, reshape
from gradcli.numpy._shapes import matrix_transpose as matrix_transpose

_FACTORS = frozenset({
    "EigResult", "EighResult", "QRResult", "SVDResult", "cholesky", "eig", "eigh", "eigvals", "eigvalsh", "matrix_rank",
    "qr", "svd", "svdvals",
})  # fmt: skip
_SOLVES = frozenset({
    "SlogdetResult", "cond", "det", "inv", "lstsq", "pinv", "slogdet", "solve", "tensorinv", "tensorsolve",
})  # fmt: skip

Order = int | float | str | None


def norm(x: Any, ord: Order = None, axis: None | int | tuple[int, ...] = None, keepdims: bool = False) -> Any:
    """The norm of a vector (one axis) or a matrix (two axes); of all elements without ``ord`` and ``axis``.

    ord: of a vector any number, inf or -inf; of a matrix 1, -1, 2, -2, inf, -inf, "fro" or "nuc".
    Raises ValueError for an order or a number of axes that does not exist.
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


def vector_norm(x: Any, /, *, axis: None | int | tuple[int, ...] = None, keepdims: bool = False, ord: Order = 2) -> Any:
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
        return _spectral_norm(x, ord, axes, keepdims)
    if ord not in (1, -1, math.inf, -math.inf):
        raise value_error(f"invalid order {ord!r} for a matrix norm")
    summed, rest = (row, column) if ord in (1, -1) else (column, row)
    totals = sum(absolute(x), summed, keepdims=True)
    found = (max if ord in (1, math.inf) else min)(totals, rest, keepdims=True)
    return found if keepdims else reshape(found, [n for i, n in enumerate(type_of(x).shape) if i not in axes])


def _spectral_norm(x: Any, ord: Order, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The norms that are functions of the singular values."""
    s = __getattr__("svdvals")(moveaxis(x, axes, (-2, -1)))
    found = sum(s, -1) if ord == "nuc" else max(s, -1, initial=0) if ord == 2 else min(s, -1)
    return expand_dims(found, axes) if keepdims else found


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Order = "fro") -> Any:
    """The norm of the matrices in the last two axes."""
    x = arr(inexact(x)[0])
    return _matrix_norm(x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


def matrix_power(a: Any, n: int) -> Any:
    """A square matrix to an integer power; a negative one is that of the inverse.

    Raises ValueError for matrices that are not square, TypeError for a power that is no integer.
    """
    a = arr(a)
    n = operator.index(n)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise value_error(f"matrix_power needs square matrices, got {a.type}")
    if n < 0:
        a, n = __getattr__("inv")(a), -n
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


def multi_dot(arrays: Sequence[Any], *, precision: Any = None) -> Any:
    """The product of several matrices, in the order that costs least; the first and the last one may be vectors.

    Raises ValueError for fewer than two arrays, other ranks, and sizes that do not fit. ``precision`` has no effect.

    >>> print(multi_dot([np.ones(2), np.ones((2, 3)), np.ones(3)]))
    6.0
    """
    values = [arr(a) for a in arrays]
    shapes = [a.shape for a in values]
    if len(values) < 2:
        raise value_error(f"multi_dot needs at least two arrays, got {len(values)}")
    if any(len(s) != 2 for s in shapes[1:-1]) or any(len(s) not in (1, 2) for s in (shapes[0], shapes[-1])):
        raise value_error(f"multi_dot needs matrices, the first and the last may be vectors; got shapes {shapes}")
    if any(s[-1] != t[0] for s, t in itertools.pairwise(shapes)):
        raise value_error(f"multi_dot of shapes {shapes}: inner sizes differ")
    sizes = [shapes[0][0] if len(shapes[0]) == 2 else 1, *(s[0] for s in shapes[1:])]
    split = _cheapest([*sizes, shapes[-1][1] if len(shapes[-1]) == 2 else 1])

    def product(i: int, j: int) -> Any:
        if i == j:
            return values[i]
        k = split[i, j]
        return matmul(product(i, k), product(k + 1, j))

    return product(0, len(values) - 1)


def _cheapest(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split each part of a chain of matrices so that the fewest numbers are multiplied (Godbole 1973)."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    split = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            split[i, j] = sorted(costs, key=costs.__getitem__)[0]
            cost[i, j] = costs[split[i, j]]
    return split


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of the matrices in the last two axes."""
    return _linear.diagonal(x, offset, -2, -1)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of the diagonals of the matrices in the last two axes."""
    return _linear.trace(x, offset, -2, -1, dtype)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The cross product along an axis of size 3. Raises ValueError for other sizes."""
    x1, x2 = arr(x1), arr(x2)
    if any(not x.ndim or x.shape[canonical_axis(axis, x.ndim)] != 3 for x in (x1, x2)):
        raise value_error(f"cross needs vectors of size 3 along axis {axis}, got {x1.type} and {x2.type}")
    return _linear.cross(x1, x2, axis=axis)


def outer(x1: Any, x2: Any, /) -> Any:
    """The products of all elements of two vectors. Raises ValueError for other ranks."""
    x1, x2 = arr(x1), arr(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise value_error(f"outer needs two vectors, got {x1.type} and {x2.type}")
    return _linear.outer(x1, x2)


def matmul(x1: Any, x2: Any, /, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The matrix product. Raises ValueError for scalars, TypeError where inner sizes differ."""
    return _matmul(x1, x2, precision=precision, preferred_element_type=preferred_element_type)


def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The sum of products over ``axes``: a number of them, or two lists."""
    return _linear.tensordot(x1, x2, axes, precision=precision, preferred_element_type=preferred_element_type)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """Inner products along an axis, the first operand conjugated."""
    return _linear.vecdot(x1, x2, axis=axis, precision=precision, preferred_element_type=preferred_element_type)


def __getattr__(name: str) -> Any:
    home = "_linalg_factors" if name in _FACTORS else "_linalg_solve" if name in _SOLVES else None
    if home is None:
        raise AttributeError(f"module 'gradcli.numpy.linalg' has no attribute {name!r}")
    found = getattr(import_module(f"gradcli.numpy.{home}"), name)
    globals()[name] = found
    return found


__all__ = [
    "cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "matrix_transpose", "multi_dot", "norm", "outer",
    "tensordot", "trace", "vecdot", "vector_norm",
]  # fmt: skip
__all__ += sorted(_FACTORS | _SOLVES)


def __dir__() -> list[str]:
    return list(__all__)
