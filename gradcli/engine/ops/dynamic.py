"""``dynamic_slice`` and ``dynamic_update_slice``: windows of fixed size whose start is a value. Starts are clamped."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, raw, type_of
from gradcli.engine.ir.types import INT32, INT64, ArrayType, Shape
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.define import Primitive, is_linear
from gradcli.engine.ops.index import gather, scatter
from gradcli.engine.ops.index_numpy import GatherDimensionNumbers, ScatterDimensionNumbers
from gradcli.engine.ops.shape import bad_shape, batch_to_front, broadcast_in_dim, moveaxis, reshape, zeros
from gradcli.engine.trace.tracer import Tracer, bind


def dynamic_slice(operand: Any, start_indices: Any, slice_sizes: Sequence[int]) -> Any:
    """The window of shape ``slice_sizes`` that begins at ``start_indices`` (one integer for each axis, or a vector).

    Negative starts count from the end; a window that would leave the operand is moved inside.
    Raises TypeError where numbers of starts and sizes, or sizes and shape, do not fit.

    >>> dynamic_slice(np.arange(5.0), (-2,), (2,))
    Array([3., 4.], dtype=float64)
    """
    starts = _starts(type_of(operand), start_indices)
    return bind(dynamic_slice_p, operand, *starts, slice_sizes=tuple(operator.index(n) for n in slice_sizes))


def dynamic_update_slice(operand: Any, update: Any, start_indices: Any) -> Any:
    """The operand with ``update`` written over the window of its shape that begins at ``start_indices``.

    Starts are those of :func:`dynamic_slice`. Raises TypeError where dtypes, ranks or sizes do not fit.

    >>> dynamic_update_slice(np.zeros(4), np.ones(2), (1,))
    Array([0., 1., 1., 0.], dtype=float64)
    """
    return bind(dynamic_update_slice_p, operand, update, *_starts(type_of(operand), start_indices))


def _starts(t: ArrayType, start_indices: Any) -> list[Any]:
    """One scalar for each axis, negative ones counted from the end."""
    if isinstance(start_indices, (Value, np.ndarray)):
        if type_of(start_indices).ndim != 1:
            raise bad_shape(f"start indices must be one vector or a sequence of scalars, not {type_of(start_indices)}")
        n = type_of(start_indices).shape[0]
        start_indices = [reshape(slice_in_dim(start_indices, i, i + 1, 0), ()) for i in range(n)]
    if len(start_indices) != t.ndim:
        raise bad_shape(f"{len(start_indices)} start indices do not fit {t}", "one is needed for each axis")
    return [from_the_end(i, n) for i, n in zip(start_indices, t.shape, strict=True)]


def from_the_end(index: Any, size: int) -> Any:
    """An integer array or scalar with negative entries counted from the end of an axis.

    No equations where the value is known. Raises TypeError for other dtypes.
    """
    t = type_of(index)
    if t.dtype.kind not in "iu":
        raise bad_shape(f"an index must be an integer, not {t}")
    if t.dtype.kind == "i" and size > np.iinfo(t.dtype).max:
        wide = INT32 if size <= np.iinfo(INT32).max else INT64
        index = e.convert_element_type(index, wide)
        t = type_of(index)
    if not isinstance(index, Tracer):
        value = raw(index)
        if t.dtype.kind == "i":
            value = np.where(value < 0, value + t.dtype.type(size), value)[()]
        return Array(value, t) if isinstance(index, Array) else value
    if t.dtype.kind == "u":
        return index
    return e.select_n(e.lt(index, t.dtype.type(0)), index, e.add(index, t.dtype.type(size)))


def _clamped(starts: Sequence[Any], shape: Shape, sizes: Shape) -> tuple[builtins.slice, ...]:
    out = []
    for start, n, size in zip(starts, shape, sizes, strict=True):
        first = min(max(int(start), 0), n - size)
        out.append(builtins.slice(first, first + size))
    return tuple(out)


def _check(name: str, x: ArrayType, starts: Sequence[ArrayType], sizes: Shape) -> None:
    if len(sizes) != x.ndim or len(starts) != x.ndim:
        raise bad_shape(f"{name}: {len(starts)} starts and a window of shape {sizes} do not fit {x}")
    if any(not 0 <= n <= m for n, m in zip(sizes, x.shape, strict=True)):
        raise bad_shape(f"{name}: a window of shape {sizes} does not fit into {x}")
    for t in starts:
        if t.shape or t.dtype.kind not in "iu":
            raise bad_shape(f"{name}: a start must be an integer scalar, not {t}")


# --- dynamic_slice ----------------------------------------------------------------------------------------------------


def _slice_type(x: ArrayType, *starts: ArrayType, slice_sizes: Shape) -> ArrayType:
    _check("dynamic_slice", x, starts, slice_sizes)
    return x.with_shape(slice_sizes)


def _slice_jvp(primals: Sequence[Any], tangents: Sequence[Any], slice_sizes: Shape) -> tuple[Any, Any]:
    x, *starts = primals
    out = bind(dynamic_slice_p, x, *starts, slice_sizes=slice_sizes)
    return out, bind(dynamic_slice_p, tangents[0], *starts, slice_sizes=slice_sizes)


def _slice_transpose(ct: Any, x: Any, *starts: Any, slice_sizes: Shape) -> list[Any]:
    return [bind(dynamic_update_slice_p, zeros(x.type.strong()), ct, *starts), *[None] * len(starts)]


def _no_start(starts: Sequence[Any]) -> Any:
    """Zero, for the batch axis."""
    return (type_of(starts[0]).dtype if starts else INT32).type(0)


def _moving(shape: Shape, sizes: Shape) -> list[int]:
    """The axes in which a window can have more than one place."""
    return [d for d, (n, size) in enumerate(zip(shape, sizes, strict=True)) if n != size]


def _vectors(size: int, starts: Sequence[Any], dims: Sequence[int | None]) -> Any:
    """Starts that differ between samples, as index vectors of shape [size, number of starts]."""
    dtypes = {type_of(start).dtype for start in starts}
    dtype = dtypes.pop() if len(dtypes) == 1 else INT32
    columns = []
    for start, d in zip(starts, dims, strict=True):
        start = e.convert_element_type(start, dtype) if type_of(start).dtype != dtype else start
        columns.append(broadcast_in_dim(start, (size, 1), () if d is None else (0,)))
    return concatenate(columns, 1) if columns else np.zeros((size, 0), INT32)


def _slice_batch(size: int, args: Any, dims: Any, slice_sizes: Shape) -> Any:
    (x, *starts), (x_dim, *start_dims) = args, dims
    if all(d is None for d in start_dims):
        sizes = (size, *slice_sizes)
        return bind(dynamic_slice_p, moveaxis(x, x_dim, 0), _no_start(starts), *starts, slice_sizes=sizes), 0
    batched = x_dim is not None
    x = moveaxis(x, x_dim, 0) if batched else x
    shape = type_of(x).shape[batched:]
    moving = _moving(shape, slice_sizes)
    numbers = GatherDimensionNumbers(
        offset_dims=tuple(range(1, len(shape) + 1)),
        collapsed_slice_dims=(),
        start_index_map=tuple(d + batched for d in moving),
        operand_batching_dims=(0,) if batched else (),
        start_indices_batching_dims=(0,) if batched else (),
    )
    indices = _vectors(size, [starts[d] for d in moving], [start_dims[d] for d in moving])
    sizes = (min(size, 1), *slice_sizes) if batched else slice_sizes
    return gather(x, indices, numbers, sizes, unique_indices=True, indices_are_sorted=True, mode="clip"), 0


dynamic_slice_p = Primitive(
    "dynamic_slice",
    type_rule=_slice_type,
    impl=lambda x, *starts, slice_sizes: np.asarray(x)[_clamped(starts, np.shape(x), slice_sizes)][()],
    jvp=_slice_jvp,
    transpose=_slice_transpose,
    batch=_slice_batch,
    family="index",
)


# --- dynamic_update_slice ---------------------------------------------------------------------------------------------


def _update_type(x: ArrayType, update: ArrayType, *starts: ArrayType) -> ArrayType:
    if update.dtype != x.dtype:
        raise bad_shape(f"dynamic_update_slice does not put {update.dtype.name} into an array of {x.dtype.name}")
    _check("dynamic_update_slice", x, starts, update.shape)
    return x


def _update_impl(x: Any, update: Any, *starts: Any) -> Any:
    out = np.array(x)
    out[_clamped(starts, out.shape, np.shape(update))] = update
    return out[()]


def _update_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    x, update, *starts = primals
    x_dot, dot, *_ = tangents
    x_dot = zeros(type_of(x).strong()) if x_dot is None else x_dot
    dot = zeros(type_of(update).strong()) if dot is None else dot
    out = bind(dynamic_update_slice_p, x, update, *starts)
    return out, bind(dynamic_update_slice_p, x_dot, dot, *starts)


def _update_transpose(ct: Any, x: Any, update: Any, *starts: Any) -> list[Any]:
    t = update.type if is_linear(update) else type_of(update)
    ct_x = bind(dynamic_update_slice_p, ct, zeros(t.strong()), *starts) if is_linear(x) else None
    ct_update = bind(dynamic_slice_p, ct, *starts, slice_sizes=t.shape) if is_linear(update) else None
    return [ct_x, ct_update, *[None] * len(starts)]


def _update_batch(size: int, args: Any, dims: Any) -> Any:
    (x, update, *starts), (x_dim, u_dim, *start_dims) = args, dims
    x, update = batch_to_front(size, x, x_dim), batch_to_front(size, update, u_dim)
    if all(d is None for d in start_dims):
        return bind(dynamic_update_slice_p, x, update, _no_start(starts), *starts), 0
    moving = _moving(type_of(x).shape[1:], type_of(update).shape[1:])
    numbers = ScatterDimensionNumbers(
        update_window_dims=tuple(range(1, type_of(x).ndim)),
        inserted_window_dims=(),
        scatter_dims_to_operand_dims=tuple(d + 1 for d in moving),
        operand_batching_dims=(0,),
        scatter_indices_batching_dims=(0,),
    )
    indices = _vectors(size, [starts[d] for d in moving], [start_dims[d] for d in moving])
    return scatter(x, indices, update, numbers, unique_indices=True, indices_are_sorted=True, mode="clip"), 0


dynamic_update_slice_p = Primitive(
    "dynamic_update_slice",
    type_rule=_update_type,
    impl=_update_impl,
    jvp=_update_jvp,
    transpose=_update_transpose,
    batch=_update_batch,
    family="index",
)


# --- along one axis ---------------------------------------------------------------------------------------------------


def dynamic_slice_in_dim(operand: Any, start_index: Any, slice_size: int, axis: int = 0) -> Any:
    """A window along one axis, whole in the others."""
    t = type_of(operand)
    axis %= t.ndim
    sizes = [slice_size if d == axis else n for d, n in enumerate(t.shape)]
    return dynamic_slice(operand, _one_start(t, start_index, axis), sizes)


def dynamic_index_in_dim(operand: Any, index: Any, axis: int = 0, keepdims: bool = True) -> Any:
    """One place along an axis, which stays with size 1 if ``keepdims``."""
    out = dynamic_slice_in_dim(operand, index, 1, axis)
    shape = type_of(out).shape
    axis %= len(shape)
    return out if keepdims else reshape(out, shape[:axis] + shape[axis + 1 :])


def dynamic_update_slice_in_dim(operand: Any, update: Any, start_index: Any, axis: int) -> Any:
    """Writes ``update`` over a window along one axis, whole in the others."""
    t = type_of(operand)
    return dynamic_update_slice(operand, update, _one_start(t, start_index, axis % t.ndim))


def dynamic_update_index_in_dim(operand: Any, update: Any, index: Any, axis: int) -> Any:
    """Writes ``update``, with or without that axis (of size 1), at one place along an axis."""
    t, u = type_of(operand), type_of(update)
    axis %= t.ndim
    if u.ndim != t.ndim:
        update = reshape(update, (*u.shape[:axis], 1, *u.shape[axis:]))
    return dynamic_update_slice_in_dim(operand, update, index, axis)


def _one_start(t: ArrayType, start: Any, axis: int) -> list[Any]:
    dtype = type_of(start).dtype
    return [start if d == axis else dtype.type(0) for d in range(t.ndim)]
