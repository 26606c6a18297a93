"""Products of vectors, matrices and tensors; diagonals and triangles."""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from gradcli.engine.array import constant, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import broadcast_shapes, canonical_dtype, dtype_of, promote_types, real_dtype
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.dot import dot_general
from gradcli.engine.ops.operators import (
    absolute,
    like,
    matmul,
    multiply,
    promoted,
    subtract,
    to_inexact,
    true_divide,
    where,
)
from gradcli.engine.ops.shape import canonical_axis, reduce_sum
from gradcli.engine.trace.source import user_location
from gradcli.numpy._base import arr, strong, type_error, value_error
from gradcli.numpy._reductions import sum
from gradcli.numpy._shapes import moveaxis, ravel, swapaxes


def dot(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The product over the last axis of ``a`` and the second to last of ``b`` (its only one if a vector).

    Raises TypeError where these sizes differ.
    """
    a, b = _operands(a, b, preferred_element_type)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    return _dot_general(a, b, ((a.ndim - 1,), (builtins.max(b.ndim - 2, 0),)))


def _operands(a: Any, b: Any, dtype: Any = None) -> tuple[Any, Any]:
    """Both operands as values of one dtype, ranks as they are."""
    a, b = arr(a), arr(b)
    common, weak = promote_types(a.type, b.type) if dtype is None else (canonical_dtype(dtype), False)
    return e.convert_element_type(a, common, weak), e.convert_element_type(b, common, weak)


def _dot_general(a: Any, b: Any, contract: Any, batch: Any = ((), ())) -> Any:
    for i, j in zip(*contract, strict=True):
        if a.shape[i] != b.shape[j]:
            raise type_error(f"the product of {a.type} and {b.type}: sizes {a.shape[i]} and {b.shape[j]} differ")
    return dot_general(a, b, (contract, batch))


def vdot(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The inner product of both operands flattened, the first one conjugated."""
    a = arr(a)
    a = e.conj(a) if a.dtype.kind == "c" else a
    return dot(ravel(a), ravel(b), preferred_element_type=preferred_element_type)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """Inner products along an axis, the first operand conjugated."""
    x1, x2 = _operands(x1, x2, preferred_element_type)
    x1, x2 = (moveaxis(x, axis, -1) for x in (e.conj(x1) if x1.dtype.kind == "c" else x1, x2))
    if x1.shape[-1] != x2.shape[-1]:
        raise type_error(f"vecdot needs as many elements of one operand as of the other, got {x1.type} and {x2.type}")
    lead = broadcast_shapes(x1.shape[:-1], x2.shape[:-1])
    x1, x2 = (s.broadcast_to_type(x, x.type.with_shape((*lead, x.shape[-1]))) for x in (x1, x2))
    axes = tuple(range(len(lead)))
    return _dot_general(x1, x2, ((len(lead),), (len(lead),)), (axes, axes))


def matvec(x1: Any, x2: Any, /) -> Any:
    """The products of matrices and vectors: over the last axis of both, the other axes broadcast."""
    x2 = arr(x2)
    if not x2.ndim:
        raise value_error("matvec needs a vector, got a scalar")
    product = matmul(x1, s.expand_dims(x2, [x2.ndim]))
    return s.squeeze(product, (type_of(product).ndim - 1,))


def vecmat(x1: Any, x2: Any, /) -> Any:
    """The products of vectors, conjugated, and matrices: over the last axis and the last but one."""
    x1 = arr(x1)
    if not x1.ndim:
        raise value_error("vecmat needs a vector, got a scalar")
    x1 = e.conj(x1) if x1.dtype.kind == "c" else x1
    product = matmul(s.expand_dims(x1, [x1.ndim - 1]), x2)
    return s.squeeze(product, (type_of(product).ndim - 2,))


def inner(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The product over the last axis of both."""
    a, b = _operands(a, b, preferred_element_type)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    return _dot_general(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


def outer(a: Any, b: Any, out: None = None) -> Any:
    """All products of an element of ``a`` and one of ``b``, both flattened."""
    a, b = _operands(a, b)
    column, row = s.reshape(a, (a.size, 1)), s.reshape(b, (1, b.size))
    return multiply(column, row)


def tensordot(
    a: Any, b: Any, axes: Any = 2, *, precision: Any = None, preferred_element_type: Any = None
) -> Any:
    """The product summed over ``axes``: a number of last and first axes, or a pair of axes or lists of axes."""
    a, b = _operands(a, b, preferred_element_type)
    if isinstance(axes, (int, np.integer)):
        n = int(axes)
        if n > builtins.min(a.ndim, b.ndim):
            raise type_error(f"tensordot over {n} axes does not fit {a.type} and {b.type}")
        first, second = tuple(range(a.ndim - n, a.ndim)), tuple(range(n))
    else:
        left, right = axes
        first = tuple(canonical_axis(i, a.ndim) for i in ([left] if isinstance(left, int) else left))
        second = tuple(canonical_axis(i, b.ndim) for i in ([right] if isinstance(right, int) else right))
        if len(first) != len(second):
            raise type_error(f"tensordot needs as many axes of one operand as of the other, got {axes}")
    return _dot_general(a, b, (first, second))


def kron(a: Any, b: Any) -> Any:
    """The Kronecker product."""
    a, b = _operands(a, b)
    ndim = builtins.max(a.ndim, b.ndim)
    left = (1,) * (ndim - a.ndim) + a.shape
    right = (1,) * (ndim - b.ndim) + b.shape
    wide_a = s.reshape(a, tuple(m for n in left for m in (n, 1)))
    wide_b = s.reshape(b, tuple(m for n in right for m in (1, n)))
    return s.reshape(multiply(wide_a, wide_b), tuple(n * m for n, m in zip(left, right, strict=True)))


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross product of vectors of 2 or 3 components along an axis. Raises ValueError for other sizes."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = _operands(a, b)
    a, b = moveaxis(a, axisa, 0), moveaxis(b, axisb, 0)
    if a.shape[0] not in (2, 3) or b.shape[0] not in (2, 3):
        raise value_error(f"cross needs vectors of 2 or 3 components, got {a.shape[0]} and {b.shape[0]}")

    def part(x: Any, i: int) -> Any:
        return s.reshape(cuts.slice_in_dim(x, i, i + 1, 0), x.shape[1:]) if i < x.shape[0] else None

    def minor(i: int, j: int) -> Any:
        terms = [(part(a, i), part(b, j)), (part(a, j), part(b, i))]
        left, right = (None if x is None or y is None else multiply(x, y) for x, y in terms)
        if left is None or right is None:
            zero = multiply(part(a, 0), part(b, 0))
            left, right = (multiply(zero, like(zero, 0)) if v is None else v for v in (left, right))
        return subtract(left, right)

    if a.shape[0] == 2 and b.shape[0] == 2:
        return minor(0, 1)
    parts = [minor(1, 2), minor(2, 0), minor(0, 1)]
    joined = cuts.concatenate([s.expand_dims(p, [0]) for p in parts], 0)
    return moveaxis(joined, 0, axisc)


# --- diagonals and triangles ----------------------------------------------------------------------------------------


def _bounds(n: int, m: int, k: int) -> tuple[int, int, int]:
    """Row and column where the k-th diagonal of an n by m matrix starts, and its length."""
    row, column = builtins.max(-k, 0), builtins.max(k, 0)
    return row, column, builtins.max(builtins.min(n - row, m - column), 0)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal along two axes, as the last axis. Raises ValueError for fewer than two dimensions."""
    a = arr(a)
    if a.ndim < 2:
        raise value_error(f"diagonal needs at least two dimensions, got {a.type}")
    a = moveaxis(a, (axis1, axis2), (-2, -1))
    *lead, n, m = a.shape
    row, column, length = _bounds(n, m, operator.index(offset))
    if not length:
        return constant(np.zeros((*lead, 0)), a.dtype)
    flat = s.reshape(a, (*lead, n * m))
    start = row * m + column
    return cuts.slice_in_dim(flat, start, start + (length - 1) * (m + 1) + 1, len(lead), m + 1)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None) -> Any:
    """The sum of the diagonal."""
    return sum(diagonal(a, offset, axis1, axis2), -1, dtype)


def diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with that diagonal. Raises ValueError for other dimensions."""
    v = arr(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise value_error(f"diag needs a vector or a matrix, got {v.type}")
    n = v.shape[0] + builtins.abs(k)
    row, column, length = _bounds(n, n, k)
    if not length:
        return constant(np.zeros((n, n)), v.dtype)
    start = row * n + column
    after = n * n - (start + (length - 1) * (n + 1) + 1)
    return s.reshape(cuts.pad(v, v.dtype.type(0), [(start, after, n)]), (n, n))


def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with the flattened ``v`` as its diagonal."""
    return diag(ravel(v), k)


def _triangle(m: Any, mask: np.ndarray[Any, Any], keep: bool) -> Any:
    m = arr(m)
    return where(mask if keep else ~mask, m, like(m, 0))


def tril(m: Any, k: int = 0) -> Any:
    """The lower triangle, zeros above the ``k``-th diagonal. Raises ValueError for fewer than two dimensions."""
    return _triangle(m, np.tri(*_matrix_shape(m), k, dtype=bool), True)


def triu(m: Any, k: int = 0) -> Any:
    """The upper triangle, zeros below the ``k``-th diagonal. Raises ValueError for fewer than two dimensions."""
    return _triangle(m, np.tri(*_matrix_shape(m), k - 1, dtype=bool), False)


def _matrix_shape(m: Any) -> tuple[int, int]:
    shape = type_of(m).shape
    if len(shape) < 2:
        raise value_error(f"a matrix has at least two dimensions, got {type_of(m)}")
    return shape[-2], shape[-1]


# --- polynomials, convolution, statistics ---------------------------------------------------------------------------


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The columns of powers of a vector, highest first."""
    x = arr(x)
    n = x.shape[0] if N is None else operator.index(N)
    column = s.reshape(x, (x.size, 1))
    powers = [e.integer_pow(column, k) for k in (range(n) if increasing else range(n)[::-1])]
    return cuts.concatenate(powers, 1) if powers else constant(np.zeros((x.size, 0)), x.dtype)


def convolve(a: Any, v: Any, mode: str = "full", *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The discrete convolution of two vectors; ``mode`` is ``full``, ``same`` or ``valid``."""
    a, v = _operands(a, v, preferred_element_type)
    if a.dtype.kind not in "fc":
        a, v = (e.convert_element_type(x, to_inexact(x.dtype)) for x in (a, v))
    if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
        raise value_error("convolve needs two non-empty vectors")
    if a.size < v.size:
        a, v = v, a
    n, m = a.size, v.size
    before = {"full": m - 1, "same": m // 2, "valid": 0}
    after = {"full": m - 1, "same": m - m // 2 - 1, "valid": 0}
    if mode not in before:
        raise value_error(f"mode must be 'full', 'same' or 'valid', got {mode!r}")
    padded = cuts.pad(a, a.dtype.type(0), [(before[mode], after[mode], 0)])
    length = n + before[mode] + after[mode] - m + 1
    windows = cuts.concatenate([s.expand_dims(cuts.slice_in_dim(padded, i, i + length, 0), [0]) for i in range(m)], 0)
    return dot(s.rev(v, (0,)), windows)


def correlate(a: Any, v: Any, mode: str = "valid", *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The cross-correlation of two vectors, the second one conjugated."""
    v = arr(v)
    v = s.rev(e.conj(v) if v.dtype.kind == "c" else v, (0,))
    if type_of(a).size < v.size and mode == "same":
        n, m = type_of(a).size, v.size
        full = convolve(a, v, "full")
        start = (n - 1) // 2 if n % 2 else n // 2
        return cuts.slice_in_dim(full, start, start + m, 0)
    return convolve(a, v, mode, preferred_element_type=preferred_element_type)


def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, fweights: Any = None,
    aweights: Any = None, dtype: Any = None,
) -> Any:  # fmt: skip
    """The covariance matrix of variables in rows (or columns), with divisor n - 1 (n if ``bias``).

    fweights: how often each observation counts; aweights: how much. Raises ValueError for more than two dimensions
    and a dtype that is none of floats, RuntimeError for weights of another size, TypeError for fweights that are no
    integers.
    """
    x = _variables(strong(m), rowvar)
    if y is not None:
        x = cuts.concatenate(promoted(x, _variables(y, rowvar)), 0)
    (x,) = promoted(x, to=to_inexact)
    x = _as_floats(x, dtype, "cov")
    w = _observation_weights(fweights, aweights, x.shape[1])
    n, free = x.shape[1], (0 if bias else 1) if ddof is None else ddof
    if w is None:
        mean, divisor = e.div(reduce_sum(x, (1,)), like(x, n)), like(x, n - free if n > free else math.nan)
        return _second_moments(x, mean, None, divisor)
    (w,) = promoted(w, to=lambda _: real_dtype(x.dtype))
    total = reduce_sum(w, (0,))
    mean = true_divide(reduce_sum(multiply(x, s.reshape(w, (1, n))), (1,)), total)
    lost: Any = free  # what n loses, and the sum of weights in proportion
    if free and aweights is not None:
        lost = multiply(true_divide(sum(multiply(w, absolute(aweights))), total), free)
    return _second_moments(x, mean, w, subtract(total, lost))


def _second_moments(x: Any, mean: Any, w: Any, divisor: Any) -> Any:
    """The weighted products of deviations from the mean, summed and divided; a scalar for a single variable."""
    x = subtract(x, s.reshape(mean, (x.shape[0], 1)))
    other = e.conj(x) if x.dtype.kind == "c" else x
    other = other if w is None else multiply(other, s.reshape(w, (1, w.size)))
    out = true_divide(_dot_general(x, other, ((1,), (1,))), divisor)
    return s.reshape(out, ()) if out.shape == (1, 1) else s.squeeze(out, [i for i in range(2) if out.shape[i] == 1])


def _as_floats(x: Any, dtype: Any, name: str) -> Any:
    if dtype is None:
        return x
    if dtype_of(dtype).kind not in "fc":
        raise value_error(f"{name} needs a dtype of floats, got {dtype_of(dtype)}")
    return e.convert_element_type(x, canonical_dtype(dtype))


def _observation_weights(fweights: Any, aweights: Any, n: int) -> Any:
    """The product of both kinds of weights, in absolute value; None where there are none."""
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        if w is not None and type_of(w).shape != (n,):
            raise fail("G206", f"{name} of {type_of(w)} do not fit {n} observations", cls=RuntimeError,
                       location=user_location())  # fmt: skip
    if fweights is not None and type_of(fweights).dtype.kind not in "iu":
        raise type_error("fweights must be integers", "aweights need not be")
    given = [absolute(w) for w in (fweights, aweights) if w is not None]
    return None if not given else given[0] if len(given) == 1 else multiply(*given)


def _variables(m: Any, rowvar: bool) -> Any:
    m = arr(m)
    if m.ndim > 2:
        raise value_error(f"cov needs at most two dimensions, got {m.type}")
    m = s.reshape(m, (1, m.size)) if m.ndim < 2 else m
    return m if rowvar or m.shape[0] == 1 else swapaxes(m, 0, 1)


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, dtype: Any = None) -> Any:
    """The matrix of correlation coefficients. Raises ValueError as :func:`cov`."""
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return e.div(c, c)
    d = e.sqrt(e.real(diagonal(c)) if c.dtype.kind == "c" else diagonal(c))
    (d,) = promoted(d, to=lambda _: c.dtype)
    ratio = true_divide(true_divide(c, s.expand_dims(d, [1])), s.expand_dims(d, [0]))
    if c.dtype.kind == "c":
        return e.complex(_limited(e.real(ratio)), _limited(e.imag(ratio)))
    return _limited(ratio)


def _limited(x: Any) -> Any:
    return e.min(e.max(x, like(x, -1)), like(x, 1))


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral by the trapezoidal rule along an axis."""
    y = arr(y)
    y = y if y.dtype.kind in "fc" else e.convert_element_type(y, to_inexact(y.dtype))
    axis = canonical_axis(axis, y.ndim)
    y = moveaxis(y, axis, -1)
    n = y.shape[-1]
    later, earlier = cuts.slice_in_dim(y, 1, n, y.ndim - 1), cuts.slice_in_dim(y, 0, n - 1, y.ndim - 1)
    widths: Any = dx
    if x is not None:
        x = arr(x)
        x = x if x.ndim == 1 else moveaxis(x, axis, -1)
        m = x.shape[-1]
        widths = subtract(cuts.slice_in_dim(x, 1, m, x.ndim - 1), cuts.slice_in_dim(x, 0, m - 1, x.ndim - 1))
    areas = multiply(multiply(widths, e.add(later, earlier)), 0.5)
    return reduce_sum(areas, (type_of(areas).ndim - 1,))
