"""dot_general: contraction of two arrays over some dimensions, with others held together as batch dimensions."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import ArrayType, array_type, canonical_dtype, dtype_of, real_dtype
from gradcli.engine.ops import blas
from gradcli.engine.ops.define import Primitive, is_linear, operand_jvp
from gradcli.engine.ops.elementwise import add_any, convert_element_type
from gradcli.engine.ops.shape import bad_shape, inverse_permutation, transpose
from gradcli.engine.trace.tracer import bind

Dims = tuple[int, ...]
DimensionNumbers = tuple[tuple[Dims, Dims], tuple[Dims, Dims]]


def dot_general(
    lhs: Any,
    rhs: Any,
    dimension_numbers: Sequence[Sequence[Sequence[int]]],
    precision: None = None,
    preferred_element_type: Any = None,
) -> Any:
    """Sums products over the contracted dimensions.

    dimension_numbers: ``((lhs_contracting, rhs_contracting), (lhs_batch, rhs_batch))``, pairwise of equal sizes.
    The result has the batch dimensions, then the others of ``lhs``, then those of ``rhs``, and the dtype
    ``preferred_element_type`` (default: that of the operands). ``precision`` is accepted and has no effect.
    Raises TypeError where dimensions do not fit.

    >>> dot_general(np.ones((2, 3)), np.ones((4, 3)), (((1,), (1,)), ((), ()))).shape
    (2, 4)
    """
    contract, batch = ((_dims(a), _dims(b)) for a, b in dimension_numbers)
    dtype = preferred_element_type
    dtype = _common_dtype(type_of(lhs), type_of(rhs)) if dtype is None else canonical_dtype(dtype)
    return bind(dot_general_p, lhs, rhs, dimension_numbers=(contract, batch), preferred_element_type=dtype)


def _dims(dims: Sequence[int]) -> Dims:
    return tuple(int(d) for d in dims)


def free_dims(ndim: int, contract: Dims, batch: Dims) -> Dims:
    """The dimensions that are neither contracted nor batch dimensions."""
    return tuple(d for d in range(ndim) if d not in contract and d not in batch)


def _common_dtype(lhs: ArrayType, rhs: ArrayType) -> np.dtype[Any]:
    """The wider dtype of two of one kind or of float and complex. Raises TypeError for two that have no order."""
    if lhs.dtype == rhs.dtype:
        return lhs.dtype

    def rank(dtype: np.dtype[Any]) -> tuple[bool, bool, int, bool]:
        return dtype.kind == "c", dtype.kind in "fc", real_dtype(dtype).itemsize, dtype.kind != "u"

    first, second = rank(lhs.dtype), rank(rhs.dtype)
    if first == second:
        raise bad_shape(f"dot_general of {lhs} and {rhs}: the dtypes do not fit")
    return lhs.dtype if first > second else rhs.dtype


@functools.lru_cache(maxsize=1024)
def _type_rule(
    lhs: ArrayType, rhs: ArrayType, dimension_numbers: DimensionNumbers, preferred_element_type: np.dtype[Any]
) -> ArrayType:
    contract, batch = dimension_numbers
    for side, t, c, b in (("lhs", lhs, contract[0], batch[0]), ("rhs", rhs, contract[1], batch[1])):
        dims = (*c, *b)
        if len(set(dims)) != len(dims) or any(not 0 <= d < t.ndim for d in dims):
            raise bad_shape(f"dot_general: contracting {c} and batch {b} dimensions do not fit {side} {t}")
    for what, (first, second) in (("contracting", contract), ("batch", batch)):
        if [lhs.shape[d] for d in first] != [rhs.shape[d] for d in second]:
            raise bad_shape(f"dot_general of {lhs} and {rhs}: {what} dimensions {first} and {second} differ in size")
    dtype, wanted = _common_dtype(lhs, rhs), dtype_of(preferred_element_type)
    if wanted != dtype and dtype.kind != "f" and real_dtype(wanted).itemsize < real_dtype(dtype).itemsize:
        raise bad_shape(f"dot_general: preferred_element_type {wanted} is narrower than the operands' {dtype}")
    shape = tuple(lhs.shape[d] for d in batch[0])
    for t, c, b in ((lhs, contract[0], batch[0]), (rhs, contract[1], batch[1])):
        shape += tuple(t.shape[d] for d in free_dims(t.ndim, c, b))
    return array_type(shape, wanted, lhs.weak_type and rhs.weak_type and wanted == dtype)


# --- evaluation -------------------------------------------------------------------------------------------------------


def _impl(lhs: Any, rhs: Any, dimension_numbers: DimensionNumbers, preferred_element_type: np.dtype[Any]) -> Any:
    dtype = preferred_element_type
    if lhs.dtype == rhs.dtype == dtype and dtype != np.float16:
        return _contract(np.asarray(lhs), np.asarray(rhs), dimension_numbers)
    work = np.dtype(np.float32) if dtype == np.float16 else dtype  # NumPy has no fast product of float16
    if lhs.dtype.kind == rhs.dtype.kind == work.kind == "f":  # a narrower result is rounded once, at the end
        work = np.result_type(lhs.dtype, rhs.dtype, work)
    return _contract(np.asarray(lhs, work), np.asarray(rhs, work), dimension_numbers).astype(dtype)


def _contract(lhs: Any, rhs: Any, dimension_numbers: DimensionNumbers) -> Any:
    (c_lhs, c_rhs), (b_lhs, b_rhs) = dimension_numbers
    if len(c_lhs) == 1 and not b_lhs and lhs.ndim <= 2 and rhs.ndim <= 2:
        # BLAS reads transposed views as they are
        return _product(lhs.T if c_lhs == (0,) else lhs, rhs.T if c_rhs == (1,) else rhs)
    if len(c_lhs) > 1:  # in the order in which the larger operand has them: there is no copy of it then
        order = np.argsort(c_lhs if lhs.size >= rhs.size else c_rhs)
        c_lhs, c_rhs = tuple(c_lhs[i] for i in order), tuple(c_rhs[i] for i in order)
    f_lhs, f_rhs = free_dims(lhs.ndim, c_lhs, b_lhs), free_dims(rhs.ndim, c_rhs, b_rhs)
    batch, left_shape, right_shape = _sizes(lhs, b_lhs), _sizes(lhs, f_lhs), _sizes(rhs, f_rhs)
    contracted = math.prod(_sizes(lhs, c_lhs))
    left = lhs.transpose(*b_lhs, *f_lhs, *c_lhs).reshape(*batch, math.prod(left_shape), contracted)
    right = rhs.transpose(*b_rhs, *c_rhs, *f_rhs).reshape(*batch, contracted, math.prod(right_shape))
    out = _batched_product(left, right) if batch else _product(left, right)
    return out.reshape((*batch, *left_shape, *right_shape))[()]


def multiplications(lhs: ArrayType, rhs: ArrayType, dimension_numbers: DimensionNumbers) -> int:
    """Of one of the products that a batch consists of."""
    (_, contract), (lhs_batch, rhs_batch) = dimension_numbers
    columns = math.prod(rhs.shape[d] for d in free_dims(rhs.ndim, contract, rhs_batch))
    return math.prod(n for d, n in enumerate(lhs.shape) if d not in lhs_batch) * columns


def _sizes(x: Any, dims: Dims) -> Dims:
    return tuple(x.shape[d] for d in dims)


def _product(x: Any, y: Any) -> Any:
    """The product of two arrays of one or two dimensions, the last of ``x`` with the first of ``y``."""
    if x.dtype.kind in "iu" and _fits_floats(x, y):
        return np.dot(x.astype(np.float64), y.astype(np.float64)).astype(x.dtype)
    if x.ndim == y.ndim == 2 and y.shape[0] == 1:
        return np.multiply(x, y)
    if blas.on_one_thread(x.size * (y.shape[-1] if y.ndim == 2 else 1)):
        with blas.OneThread():
            return np.dot(x, y)
    return np.dot(x, y)


def _batched_product(x: Any, y: Any) -> Any:
    """``x @ y`` where the leading dimensions are equal."""
    if x.dtype.kind in "iu" and _fits_floats(x, y):
        return np.matmul(x.astype(np.float64), y.astype(np.float64)).astype(x.dtype)
    if y.shape[-2] == 1:
        return np.multiply(x, y)
    if x.shape[-2] == y.shape[-1] == 1 and x.dtype.kind != "b":  # matmul would start BLAS once for each pair of vectors
        return np.einsum("...i,...i->...", x[..., 0, :], y[..., 0])
    if blas.on_one_thread(x.shape[-2] * x.shape[-1] * y.shape[-1]):
        with blas.OneThread():
            return np.matmul(x, y)
    return np.matmul(x, y)


def _fits_floats(x: Any, y: Any) -> bool:
    """Whether a product of integers is large enough for BLAS to pay and exact in float64."""
    if min(x.size, y.size) < 256:
        return False
    bound: int = x.shape[-1] * _magnitude(x) * _magnitude(y)
    return bound < 2**53


def _magnitude(x: Any) -> int:
    return max(int(x.max()), -int(x.min()))


# --- derivatives and batching -----------------------------------------------------------------------------------------


def _transpose(ct: Any, lhs: Any, rhs: Any, dimension_numbers: DimensionNumbers, **params: Any) -> tuple[Any, Any]:
    (c_lhs, c_rhs), (b_lhs, b_rhs) = dimension_numbers
    if is_linear(lhs):
        return _transpose_first(ct, lhs.type, rhs, (c_lhs, c_rhs), (b_lhs, b_rhs), False, **params), None
    return None, _transpose_first(ct, rhs.type, lhs, (c_rhs, c_lhs), (b_rhs, b_lhs), True, **params)


def _transpose_first(
    ct: Any, x: ArrayType, y: Any, contract: tuple[Dims, Dims], batch: tuple[Dims, Dims], swapped: bool, **params: Any
) -> Any:
    """The cotangent of ``x``: that of the result contracted with ``y`` over the free dimensions of ``y``."""
    y_type = type_of(y)
    x_free, y_free = free_dims(x.ndim, contract[0], batch[0]), free_dims(y_type.ndim, contract[1], batch[1])
    lead = len(batch[0])
    start = lead if swapped else lead + len(x_free)
    numbers = (tuple(range(start, start + len(y_free))), y_free), (tuple(range(lead)), batch[1])
    out = bind(dot_general_p, ct, y, dimension_numbers=numbers, **params)
    by_y = tuple(contract[0][i] for i in np.argsort(contract[1]))  # the result has them in the order of y
    out = transpose(out, inverse_permutation((*batch[0], *x_free, *by_y)))
    return convert_element_type(out, x.dtype) if type_of(out).dtype != x.dtype else out


def _batch(size: int, args: Any, dims: Any, dimension_numbers: DimensionNumbers, **params: Any) -> tuple[Any, int]:
    """One more batch dimension where both operands have one, else one more free dimension."""
    (lhs, rhs), (d_lhs, d_rhs) = args, dims
    (c_lhs, c_rhs), (b_lhs, b_rhs) = dimension_numbers
    c_lhs, b_lhs, c_rhs, b_rhs = _moved(c_lhs, d_lhs), _moved(b_lhs, d_lhs), _moved(c_rhs, d_rhs), _moved(b_rhs, d_rhs)
    if d_lhs is not None and d_rhs is not None:
        b_lhs, b_rhs = (d_lhs, *b_lhs), (d_rhs, *b_rhs)
        out_dim = 0
    elif d_rhs is None:
        out_dim = len(b_lhs) + free_dims(type_of(lhs).ndim, c_lhs, b_lhs).index(d_lhs)
    else:
        lead = type_of(lhs).ndim - len(c_lhs)
        out_dim = lead + free_dims(type_of(rhs).ndim, c_rhs, b_rhs).index(d_rhs)
    return bind(dot_general_p, lhs, rhs, dimension_numbers=((c_lhs, c_rhs), (b_lhs, b_rhs)), **params), out_dim


def _moved(dims: Dims, d: int | None) -> Dims:
    return dims if d is None else tuple(i + (i >= d) for i in dims)


def _bind(lhs: Any, rhs: Any, **params: Any) -> Any:
    return bind(dot_general_p, lhs, rhs, **params)


dot_general_p = Primitive(
    "dot_general",
    type_rule=_type_rule,
    impl=_impl,
    jvp=operand_jvp(
        _bind,
        [lambda t, out, x, y, **params: _bind(t, y, **params), lambda t, out, x, y, **params: _bind(x, t, **params)],
        add_any,
    ),
    transpose=_transpose,
    batch=_batch,
    family="dot",
)
