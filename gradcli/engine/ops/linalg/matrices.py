"""What every family shares: triangles, diagonals, transposes, checks of types, and the batch rule.

Matrices are in the last two axes; the axes before them are batch axes, the same for all operands.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, raw, type_of
from gradcli.engine.ir.types import ArrayType, array_type, complex_dtype, promote_types, real_dtype, to_inexact
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.ops.index import gather
from gradcli.engine.ops.index_numpy import GatherDimensionNumbers
from gradcli.engine.ops.operators import matmul as matmul
from gradcli.engine.ops.shape import bad_shape, batch_to_front, broadcast_in_dim, expand_dims, reduce_sum, transpose
from gradcli.engine.trace.tracer import bind

Mask = np.ndarray[Any, Any]


# --- types ------------------------------------------------------------------------------------------------------------


def matrix_type(name: str, x: ArrayType, square: bool = False) -> tuple[tuple[int, ...], int, int]:
    """Batch shape, rows and columns. Raises TypeError for other ranks and dtypes than LAPACK has."""
    if x.dtype.kind not in "fc" or real_dtype(x.dtype).itemsize < 4:
        raise bad_shape(f"{name} does not accept dtype {x.dtype.name}", "it works on float32, float64 and complex")
    if x.ndim < 2:
        raise bad_shape(f"{name} needs matrices (at least two dimensions), got {x}")
    *lead, n, m = x.shape
    if square and n != m:
        raise bad_shape(f"{name} needs square matrices, got {x}")
    return tuple(lead), n, m


def floats(*args: Any) -> list[Any]:
    """Arguments of functions as values of one floating dtype, ranks as they are. Raises TypeError for no arrays."""
    types = [type_of(x) for x in args]
    dtype = to_inexact(promote_types(*types)[0])
    values = [x if isinstance(x, Value) else Array(raw(x), t) for x, t in zip(args, types, strict=True)]
    return [cast(x, dtype) for x in values]


def real_of(x: ArrayType, shape: tuple[int, ...]) -> ArrayType:
    """The type of real numbers that go with a matrix of that type."""
    return array_type(shape, real_dtype(x.dtype))


def complex_of(x: ArrayType, shape: tuple[int, ...]) -> ArrayType:
    """The type of complex numbers that go with a matrix of that type."""
    return array_type(shape, complex_dtype(x.dtype))


def batch_matrices(primitive: str) -> Callable[..., Any]:
    """The batch rule of a primitive whose operands all take batch axes in front; ``multiple`` results."""

    def rule(size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any) -> tuple[Any, Any]:
        found = REGISTRY[primitive]
        out = bind(found, *[batch_to_front(size, x, d) for x, d in zip(args, dims, strict=True)], **params)
        return out, ([0] * len(out) if found.multiple else 0)

    return rule


# --- evaluation -------------------------------------------------------------------------------------------------------


def each_matrix(run: Callable[[Any], tuple[Any, ...]], x: Any) -> tuple[Any, ...]:
    """``run`` on a stack of matrices; where NumPy gives up on one of them its results are nan, the others stay."""
    try:
        return run(x)
    except np.linalg.LinAlgError:
        lead = x.shape[:-2]
        rows: list[tuple[Any, ...] | None] = []
        for matrix in x.reshape(-1, *x.shape[-2:]):
            try:
                rows.append(run(matrix))
            except np.linalg.LinAlgError:
                rows.append(None)
        model = run(np.eye(*x.shape[-2:], dtype=x.dtype))
        full = [model_nan(model) if row is None else row for row in rows]
        return tuple(np.stack(part).reshape(lead + part[0].shape) for part in zip(*full, strict=True))


def model_nan(model: tuple[Any, ...]) -> tuple[Any, ...]:
    """Results of the same shapes and dtypes, all nan."""
    return tuple(np.full_like(part, np.nan) for part in model)


# --- pieces of rules --------------------------------------------------------------------------------------------------


def mT(x: Any) -> Any:  # noqa: N802 - as in the array API
    """The transposes."""
    n = type_of(x).ndim
    return transpose(x, (*range(n - 2), n - 1, n - 2))


def mH(x: Any) -> Any:  # noqa: N802
    """The conjugate transposes."""
    return e.conj(mT(x)) if type_of(x).dtype.kind == "c" else mT(x)


def conj(x: Any) -> Any:
    """The complex conjugate; a real array as it is."""
    return e.conj(x) if type_of(x).dtype.kind == "c" else x


def real(x: Any) -> Any:
    """The real part; a real array as it is."""
    return e.real(x) if type_of(x).dtype.kind == "c" else x


def cast(x: Any, dtype: Any) -> Any:
    """The value in another dtype, without an equation where it has it."""
    return x if type_of(x).dtype == dtype else e.convert_element_type(x, dtype)


def scaled(x: Any, factor: float) -> Any:
    """The value times a number."""
    return e.mul(x, type_of(x).dtype.type(factor))


def symmetrize(x: Any) -> Any:
    """The Hermitian part."""
    return e.div(e.add(x, mH(x)), type_of(x).dtype.type(2))


@functools.lru_cache(maxsize=256)
def _triangle(n: int, m: int, k: int) -> Mask:
    return np.tri(n, m, k, dtype=bool)


@functools.lru_cache(maxsize=256)
def _eye(n: int) -> Mask:
    return np.eye(n, dtype=bool)


def mask(x: Any, keep: Mask) -> Any:
    """The elements of matrices where ``keep`` holds, zeros elsewhere: a nan that is left out does no harm."""
    t = type_of(x)
    return e.select_n(np.broadcast_to(keep, t.shape), t.dtype.type(0), x)


def tril(x: Any, k: int = 0) -> Any:
    """The lower triangles, up to the k-th diagonal."""
    return mask(x, _triangle(*type_of(x).shape[-2:], k))


def triu(x: Any, k: int = 0) -> Any:
    """The upper triangles, from the k-th diagonal."""
    return mask(x, ~_triangle(*type_of(x).shape[-2:], k - 1))


def eye(n: int, dtype: Any, lead: Sequence[int] = ()) -> Any:
    """Identity matrices."""
    return np.broadcast_to(np.eye(n, dtype=dtype), (*lead, n, n))


def diagonal(x: Any) -> Any:
    """The diagonals of square matrices."""
    t = type_of(x)
    return reduce_sum(mask(x, _eye(t.shape[-1])), (t.ndim - 2,))


def to_diagonal(x: Any) -> Any:
    """Square matrices with the vectors in the last axis as diagonals."""
    t = type_of(x)
    n = t.shape[-1]
    wide = broadcast_in_dim(x, (*t.shape[:-1], n, n), (*range(t.ndim - 1), t.ndim))
    return mask(wide, _eye(n))


def as_row(x: Any) -> Any:
    """Vectors in the last axis as matrices of one row: what scales columns."""
    return expand_dims(x, (type_of(x).ndim - 1,))


def as_column(x: Any) -> Any:
    """Vectors in the last axis as matrices of one column: what scales rows."""
    return expand_dims(x, (type_of(x).ndim,))


def take_rows(x: Any, places: Any) -> Any:
    """The rows of matrices [..., n, m] in the order ``places`` [..., n]: linear in ``x``."""
    if 0 in type_of(x).shape:
        return x
    lead = tuple(range(type_of(x).ndim - 2))
    n = len(lead)
    numbers = GatherDimensionNumbers(
        offset_dims=(n + 1,),
        collapsed_slice_dims=(n,),
        start_index_map=(n,),
        operand_batching_dims=lead,
        start_indices_batching_dims=lead,
    )
    sizes = (*(1 for _ in lead), 1, type_of(x).shape[-1])
    return gather(x, as_column(places), numbers, sizes, mode="promise_in_bounds")


def reciprocal_differences(w: Any, dtype: Any) -> Any:
    """The matrix 1 / (w_j - w_i), zeros on its diagonal; infinite where two are equal."""
    n = type_of(w).shape[-1]
    lead = (1,) * (type_of(w).ndim - 1)
    one = eye(n, type_of(w).dtype, lead)
    gaps = e.add(e.sub(as_row(w), as_column(w)), one)
    return cast(e.sub(e.integer_pow(gaps, -1), one), dtype)
