"""Sorting: sort (several arrays by the first ones), argsort, top_k. Tangents are permuted as the values were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import INT32, INT64, UINT32, ArrayType, array_type, default_int
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.index import gather
from gradcli.engine.ops.index_numpy import GatherDimensionNumbers
from gradcli.engine.ops.shape import bad_shape, broadcast_in_dim, canonical_axis, expand_dims, iota, moveaxis, reshape
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind


def sort(operand: Any, dimension: int = -1, is_stable: bool = True, num_keys: int = 1) -> Any:
    """The array in increasing order along ``dimension``: nan last, complex numbers by real, then by imaginary part.

    operand: an array, or several of one shape: then all are permuted alike, by the first ``num_keys`` of them
    (the first counts most), and a tuple is returned.

    >>> sort((np.array([2, 1]), np.array([7.0, 8.0])))[1]
    Array([8., 7.], dtype=float64)
    """
    several = isinstance(operand, (tuple, list))
    operands = tuple(operand) if several else (operand,)
    if not operands or not 1 <= num_keys <= len(operands):
        raise fail("G206", f"sort of {len(operands)} operands by {num_keys} keys", location=user_location(),
                   hint="num_keys counts operands: at least 1, at most all of them", cls=ValueError)  # fmt: skip
    dimension = canonical_axis(dimension, type_of(operands[0]).ndim)
    out = bind(sort_p, *operands, dimension=dimension, is_stable=bool(is_stable), num_keys=num_keys)
    return tuple(out) if several else out[0]


def argsort(x: Any, dimension: int = -1, is_stable: bool = True, index_dtype: Any = None) -> Any:
    """The indices that put ``x`` in increasing order along ``dimension``; equal elements keep their order."""
    t = type_of(x)
    dimension = canonical_axis(dimension, t.ndim)
    places = iota(default_int() if index_dtype is None else index_dtype, t.shape, dimension)
    return sort((x, places), dimension, is_stable)[1]


def top_k(operand: Any, k: int, *, axis: int = -1) -> list[Any]:
    """The ``k`` greatest elements along ``axis``, greatest first, and their indices (int32).

    Of equal elements the one with the lower index comes first; nan counts as greatest.
    Raises ValueError where ``k`` is negative or more than there are.

    >>> top_k(np.array([3.0, 1.0, 4.0]), 2)[1]
    Array([2, 0], dtype=int32)
    """
    out: list[Any] = bind(top_k_p, operand, k=int(k), axis=canonical_axis(axis, type_of(operand).ndim))
    return out


# --- sort -------------------------------------------------------------------------------------------------------------


def _sort_type(*types: ArrayType, dimension: int, is_stable: bool, num_keys: int) -> list[ArrayType]:
    if any(t.shape != types[0].shape for t in types):
        raise bad_shape(f"sort needs operands of one shape, got {', '.join(map(str, types))}")
    if not 0 <= dimension < types[0].ndim:
        raise bad_shape(f"dimension {dimension} does not fit {types[0]}")
    return list(types)


def _sort_impl(*operands: Any, dimension: int, is_stable: bool, num_keys: int) -> list[Any]:
    kind: Any = "stable" if is_stable else None
    if len(operands) == 1:
        x = operands[0]
        if x.dtype.kind in "biu" or (x.dtype.kind == "f" and np.all(x)):
            kind = None  # where equal elements cannot be told apart (0.0 from -0.0), the fast sort is stable as well
        return [np.sort(x, dimension, kind=kind)]
    if num_keys == 1:
        order = np.argsort(operands[0], dimension, kind=kind)
    else:
        order = np.lexsort(operands[num_keys - 1 :: -1], dimension)
    return [np.take_along_axis(x, order, dimension) for x in operands]


def _sort_jvp(primals: Sequence[Any], tangents: Sequence[Any], dimension: int, is_stable: bool, num_keys: int) -> Any:
    """Sorts the positions along with the operands, and gathers the tangents from there."""
    shape = type_of(primals[0]).shape
    places = iota(UINT32 if shape[dimension] < 2**32 else INT64, shape, dimension)
    *outs, order = bind(sort_p, *primals, places, dimension=dimension, is_stable=is_stable, num_keys=num_keys)
    order = expand_dims(order, (len(shape),))
    return outs, [None if t is None else _take(t, order, dimension) for t in tangents]


def _take(x: Any, places: Any, dimension: int) -> Any:
    """``x`` at places (with a last axis of size 1 more) along a dimension, the others side by side: linear in ``x``."""
    ndim = type_of(x).ndim
    others = tuple(d for d in range(ndim) if d != dimension)
    numbers = GatherDimensionNumbers(
        offset_dims=(),
        collapsed_slice_dims=(dimension,),
        start_index_map=(dimension,),
        operand_batching_dims=others,
        start_indices_batching_dims=others,
    )
    return gather(x, places, numbers, (1,) * ndim, mode="promise_in_bounds")


def _sort_batch(size: int, args: Any, dims: Any, dimension: int, is_stable: bool, num_keys: int) -> Any:
    """The batch axis where the first operand with one has it; the other operands are brought there."""
    d = next(d for d in dims if d is not None)
    shape = next(type_of(x).shape for x, own in zip(args, dims, strict=True) if own is not None)
    others = tuple(i for i in range(len(shape)) if i != d)
    moved = [
        broadcast_in_dim(x, shape, others) if own is None else moveaxis(x, own, d)
        for x, own in zip(args, dims, strict=True)
    ]
    out = bind(sort_p, *moved, dimension=dimension + (d <= dimension), is_stable=is_stable, num_keys=num_keys)
    return out, [d] * len(args)


sort_p = Primitive(
    "sort", type_rule=_sort_type, impl=_sort_impl, jvp=_sort_jvp, batch=_sort_batch, multiple=True, family="sort"
)


# --- top_k ------------------------------------------------------------------------------------------------------------


def _top_k_type(x: ArrayType, k: int, axis: int) -> list[ArrayType]:
    if x.dtype.kind == "c":
        raise bad_shape("top_k does not accept complex numbers", "they have no order")
    if not 0 <= k <= x.shape[axis]:
        raise fail("G206", f"top_k of {x} along axis {axis}: there are no {k} elements", location=user_location(),
                   hint=f"k must be 0 to {x.shape[axis]}", cls=ValueError)  # fmt: skip
    out = x.with_shape((*x.shape[:axis], k, *x.shape[axis + 1 :]))
    return [out, array_type(out.shape, INT32)]


def _top_k_impl(x: Any, k: int, axis: int) -> list[Any]:
    """The last of a stable sort of the reversed array, read backwards: so equal elements come in their order."""
    n = x.shape[axis]
    order = np.argsort(np.flip(x, axis), axis, kind="stable")
    last = np.flip(np.take(order, range(n - k, n), axis), axis)
    places = n - 1 - last
    return [np.take_along_axis(x, places, axis), places.astype(INT32)]


def _top_k_jvp(primals: Sequence[Any], tangents: Sequence[Any], k: int, axis: int) -> Any:
    values, places = bind(top_k_p, primals[0], k=k, axis=axis)
    return [values, places], [_take(tangents[0], reshape(places, (*type_of(places).shape, 1)), axis), None]


def _top_k_batch(size: int, args: Any, dims: Any, k: int, axis: int) -> Any:
    return bind(top_k_p, args[0], k=k, axis=axis + (dims[0] <= axis)), [dims[0]] * 2


top_k_p = Primitive(
    "top_k", type_rule=_top_k_type, impl=_top_k_impl, jvp=_top_k_jvp, batch=_top_k_batch, multiple=True, family="sort"
)
