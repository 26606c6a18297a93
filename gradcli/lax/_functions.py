"""What ``jax.lax`` has beside primitives: small functions made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from gradcli.engine.array import raw, type_of
from gradcli.engine.control.loop import fori_loop
from gradcli.engine.ir.types import broadcast_shapes as _broadcast
from gradcli.engine.ir.types import canonical_dtype
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.dot import dot_general
from gradcli.engine.ops.index import gather, scatter_add
from gradcli.engine.ops.index_numpy import GatherDimensionNumbers
from gradcli.engine.ops.pieces import barrier
from gradcli.engine.ops.reduce import cumsum
from gradcli.engine.ops.sort import sort, top_k
from gradcli.engine.trace.tracer import Tracer, untraced
from gradcli.engine.tree import tree_flatten, tree_map, tree_unflatten
from gradcli.numpy import _creation as creation
from gradcli.numpy._base import type_error, value_error
from gradcli.numpy._reductions import max as largest


def select(pred: Any, on_true: Any, on_false: Any) -> Any:
    """``on_true`` where ``pred`` holds, else ``on_false``; operands of one dtype and shape."""
    return e.select_n(pred, on_false, on_true)


def convert_element_type(operand: Any, new_dtype: Any) -> Any:
    """The operand in another dtype, under the precision in force."""
    dtype = bool if new_dtype is bool else int if new_dtype is int else new_dtype
    return e.convert_element_type(operand, canonical_dtype(dtype))


def pow(x: Any, y: Any) -> Any:
    """``x`` to the power ``y``, an integer or of the dtype of ``x``. Raises TypeError for other dtypes."""
    t = type_of(y)
    return e.pow(x, y if t.dtype.kind not in "iu" else e.convert_element_type(y, type_of(x).dtype))


def conj(x: Any) -> Any:
    """The complex conjugate, which is complex for floats as well."""
    return e.complex(x, s.zeros(type_of(x))) if type_of(x).dtype.kind == "f" else e.conj(x)


def dtype(x: Any) -> np.dtype[Any]:
    """The dtype of a value."""
    return type_of(x).dtype


# --- new arrays -------------------------------------------------------------------------------------------------------


def full(shape: Sequence[int], fill_value: Any, dtype: Any = None, *, sharding: Any = None) -> Any:
    """An array of one value."""
    return creation.full(shape, fill_value, dtype)


def full_like(x: Any, fill_value: Any, dtype: Any = None, shape: Any = None, sharding: Any = None) -> Any:
    """An array of one value, with shape and dtype of ``x`` unless given."""
    return creation.full_like(x, fill_value, dtype, shape)


def empty(shape: Sequence[int], dtype: Any, *, out_sharding: Any = None) -> Any:
    """An array of zeros: memory that holds just anything is not to be had."""
    return creation.full(shape, 0, dtype)


def iota(dtype: Any, size: int) -> Any:
    """``[0, 1, …, size - 1]``."""
    return s.iota(canonical_dtype(dtype), (int(size),), 0)


def broadcasted_iota(dtype: Any, shape: Sequence[int], dimension: int, *, out_sharding: Any = None) -> Any:
    """The index along one dimension, for each element."""
    return s.iota(canonical_dtype(dtype), tuple(shape), s.canonical_axis(dimension, len(shape)))


def shape_as_value(shape: Sequence[int]) -> Any:
    """The shape as an array of integers."""
    return creation.array(tuple(shape), dtype=np.int32)


# --- shapes -----------------------------------------------------------------------------------------------------------


def broadcast(operand: Any, sizes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """New leading dimensions, along which the operand is repeated."""
    shape = type_of(operand).shape
    return s.broadcast_in_dim(operand, (*sizes, *shape), tuple(range(len(sizes), len(sizes) + len(shape))))


def broadcast_like(arr: Any, like_arr: Any) -> Any:
    """The array with the shape of another one, dimensions aligned at the end."""
    return s.broadcast_to_type(arr, type_of(like_arr))


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that these broadcast to. Raises TypeError where they do not."""
    wide = [(n,) if isinstance(n, int) else tuple(n) for n in shapes]
    rank = max((len(w) for w in wide), default=0)
    return _broadcast(*[(1,) * (rank - len(w)) + w for w in wide]) if wide else ()


def broadcast_to_rank(x: Any, rank: int) -> Any:
    """The array with leading dimensions of size 1."""
    shape = type_of(x).shape
    if len(shape) > rank:
        raise value_error(f"broadcast_to_rank: {type_of(x)} has more than {rank} dimensions")
    return s.broadcast_in_dim(x, (1,) * (rank - len(shape)) + shape, tuple(range(rank - len(shape), rank)))


def reshape(
    operand: Any, new_sizes: Sequence[int], dimensions: Sequence[int] | None = None, *, out_sharding: Any = None
) -> Any:
    """The same elements in another shape, read in the order of ``dimensions`` (default: row by row)."""
    order = range(type_of(operand).ndim) if dimensions is None else dimensions
    return s.reshape(s.transpose(operand, tuple(order)), tuple(int(n) for n in new_sizes))


def collapse(operand: Any, start_dimension: int, stop_dimension: int | None = None) -> Any:
    """Dimensions ``start`` up to (not including) ``stop`` as one.

    >>> collapse(np.zeros((2, 3, 4)), 1).shape
    (2, 12)
    """
    shape = type_of(operand).shape
    start, stop, _ = slice(start_dimension, stop_dimension).indices(len(shape))
    if stop < start:
        raise value_error(f"collapse from dimension {start} to {stop} of {type_of(operand)}")
    return s.reshape(operand, (*shape[:start], math.prod(shape[start:stop]), *shape[stop:]))


def slice_in_dim(operand: Any, start_index: int | None, limit_index: int | None, stride: int = 1, axis: int = 0) -> Any:
    """A slice along one axis; None and negative bounds as in Python."""
    shape = type_of(operand).shape
    axis = s.canonical_axis(axis, len(shape))
    start, limit, _ = slice(start_index, limit_index).indices(shape[axis])
    return cuts.slice_in_dim(operand, start, max(start, limit), axis, stride)


def index_in_dim(operand: Any, index: int, axis: int = 0, keepdims: bool = True) -> Any:
    """One slice along an axis; the axis stays, with size 1, unless ``keepdims`` is False."""
    shape = type_of(operand).shape
    axis = s.canonical_axis(axis, len(shape))
    place = s.canonical_axis(index, shape[axis])
    out = cuts.slice_in_dim(operand, place, place + 1, axis)
    return out if keepdims else s.squeeze(out, (axis,))


def index_take(src: Any, idxs: Any, axes: Sequence[int]) -> Any:
    """Slices of ``src`` at ``(idxs[0][i], idxs[1][i], …)`` along ``axes``, for every i."""
    columns = [s.expand_dims(i, (type_of(i).ndim,)) for i in idxs]
    places = cuts.concatenate(columns, type_of(columns[0]).ndim - 1)
    t = type_of(src)
    axes = tuple(s.canonical_axis(a, t.ndim) for a in axes)
    sizes = tuple(1 if d in axes else n for d, n in enumerate(t.shape))
    lead = type_of(places).ndim - 1
    numbers = GatherDimensionNumbers(
        offset_dims=tuple(range(lead, lead + t.ndim - len(axes))), collapsed_slice_dims=axes, start_index_map=axes
    )
    return gather(src, places, numbers, sizes)


# --- products ---------------------------------------------------------------------------------------------------------


def dot(
    lhs: Any, rhs: Any, *, dimension_numbers: Any = None, precision: Any = None, preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """Vector and matrix products, or those of :func:`dot_general` where ``dimension_numbers`` are given.

    Raises TypeError for operands of other ranks or of unequal inner sizes.
    """
    if dimension_numbers is None:
        left, right = type_of(lhs), type_of(rhs)
        if not 1 <= left.ndim <= 2 or not 1 <= right.ndim <= 2 or left.shape[-1] != right.shape[0]:
            raise type_error(f"lax.dot does not accept {left} and {right}")
        dimension_numbers = (((left.ndim - 1,), (0,)), ((), ()))
    return dot_general(lhs, rhs, dimension_numbers, preferred_element_type=preferred_element_type)


def batch_matmul(lhs: Any, rhs: Any, precision: Any = None) -> Any:
    """Matrix products along leading axes of one shape."""
    n = type_of(lhs).ndim
    if n < 2 or type_of(rhs).ndim != n:
        raise type_error(f"batch_matmul needs operands of one rank of at least 2, got {type_of(lhs)}, {type_of(rhs)}")
    lead = tuple(range(n - 2))
    return dot_general(lhs, rhs, (((n - 1,), (n - 2,)), (lead, lead)))


def ragged_dot(
    lhs: Any, rhs: Any, group_sizes: Any, precision: Any = None, preferred_element_type: Any = None,
    group_offset: Any = None, out_sharding: Any = None,
) -> Any:  # fmt: skip
    """Rows of ``lhs`` (m, k), in groups one after the other, times the matrix of their group in ``rhs`` (g, k, n).

    Rows behind the last group give zeros. Raises TypeError where shapes do not fit.
    """
    left, right = type_of(lhs), type_of(rhs)
    if left.ndim != 2 or right.ndim != 3 or left.shape[1] != right.shape[1] or group_offset is not None:
        raise type_error(f"ragged_dot needs (m, k) and (g, k, n) without group_offset, got {left} and {right}")
    ends = cumsum(group_sizes, 0)
    count = type_of(group_sizes).dtype
    starts = e.sub(ends, group_sizes if type_of(group_sizes).shape else count.type(0))
    rows = s.iota(count, (right.shape[0], left.shape[0]), 1)
    inside = e.bitwise_and(e.ge(rows, s.expand_dims(starts, (1,))), e.lt(rows, s.expand_dims(ends, (1,))))
    mask = e.convert_element_type(inside, left.dtype)
    spread = e.mul(s.expand_dims(mask, (2,)), s.expand_dims(lhs, (0,)))  # (g, m, k), zero outside of the group
    return dot_general(spread, rhs, (((0, 2), (0, 1)), ((), ())), preferred_element_type=preferred_element_type)


# --- order ------------------------------------------------------------------------------------------------------------


def sort_key_val(keys: Any, values: Any, dimension: int = -1, is_stable: bool = True) -> tuple[Any, Any]:
    """Keys in order along a dimension, and the values moved along with them."""
    ordered, moved = sort((keys, values), dimension, is_stable, 1)
    return ordered, moved


def approx_max_k(
    operand: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
    reduction_input_size_override: int = -1, aggregate_to_topk: bool = True,
) -> list[Any]:  # fmt: skip
    """The ``k`` greatest elements and their places. The answer is exact: a smaller ``recall_target`` has no effect."""
    return top_k(operand, k, axis=reduction_dimension)


def approx_min_k(
    operand: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
    reduction_input_size_override: int = -1, aggregate_to_topk: bool = True,
) -> list[Any]:  # fmt: skip
    """The ``k`` least elements and their places; exact, as :func:`approx_max_k`."""
    values, places = top_k(e.neg(operand), k, axis=reduction_dimension)
    return [e.neg(values), places]


# --- the rest ---------------------------------------------------------------------------------------------------------


def reciprocal(x: Any) -> Any:
    """``1 / x``."""
    return e.integer_pow(x, -1)


def stop_gradient(x: Any) -> Any:
    """The identity, with derivative zero, on any pytree."""
    return tree_map(lambda v: e.stop_gradient_value(v) if type_of(v).is_float else v, x)


def optimization_barrier(operand: Any, /) -> Any:
    """The identity on a pytree, as one equation: no leaf is there before all are."""
    leaves, tree = tree_flatten(operand)
    return tree_unflatten(tree, barrier(leaves))


def stage(x: Any, /) -> Any:
    """The identity."""
    return x


def dce_sink(val: Any, *, prevent_mlir_dce: bool = False) -> None:
    """Keeps nothing and returns None: programs here are not stripped of what the user wrote."""


def with_sharding_constraint(x: Any, shardings: Any) -> Any:
    """The identity: there is one device."""
    return x


def platform_dependent(
    *args: Any, default: Callable[..., Any] | None = None, **per_platform: Callable[..., Any]
) -> Any:
    """The function given for the platform ``cpu``, else ``default``, applied to the arguments.

    Raises NotImplementedError where there is neither.
    """
    chosen = per_platform.get("cpu", default)
    if chosen is None:
        raise NotImplementedError(f"platform_dependent has functions for {sorted(per_platform)}, none for cpu")
    return chosen(*args)


def scatter_apply(
    operand: Any, scatter_indices: Any, func: Callable[[Any], Any], dimension_numbers: Any, *,
    update_shape: Sequence[int] = (), indices_are_sorted: bool = False, unique_indices: bool = False, mode: Any = None,
) -> Any:  # fmt: skip
    """``func`` applied to every element that ``scatter_indices`` name, as often as they name it.

    update_shape: the shape of the updates that would be scattered there.
    """
    t = type_of(operand)
    with nullcontext() if isinstance(scatter_indices, Tracer) else untraced():
        times = scatter_add(
            np.zeros(t.shape, np.int32), scatter_indices, np.ones(tuple(update_shape), np.int32), dimension_numbers,
            indices_are_sorted=indices_are_sorted, unique_indices=unique_indices, mode=mode,
        )  # fmt: skip
    return repeated(func, operand, times)


def repeated(func: Callable[[Any], Any], x: Any, times: Any) -> Any:
    """``func`` applied to each element of an array as often as ``times``, of the same shape, says."""

    def again(i: Any, x: Any) -> Any:
        return e.select_n(e.gt(times, i), x, e.convert_element_type(func(x), type_of(x).dtype))

    if isinstance(times, Tracer):
        return fori_loop(np.int32(0), largest(times, initial=0), again, x)
    for i in range(int(np.max(raw(times), initial=0))):
        x = again(np.int32(i), x)
    return x
