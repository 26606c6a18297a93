"""``take``, ``take_along_axis`` and ``put_along_axis``: an array at indices along one axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.array import is_value, raw, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import INT32, broadcast_shapes, canonical_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import operators as o
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.dynamic import from_the_end
from gradcli.engine.ops.index import gather, scatter
from gradcli.engine.ops.index_numpy import GatherDimensionNumbers
from gradcli.engine.ops.index_plan import out_of_bounds
from gradcli.engine.ops.indexing import as_array, check_fit, fill_scalar, update
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer, value_of


def take(
    a: Any,
    indices: Any,
    axis: int | None = None,
    out: None = None,
    mode: str | None = None,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    fill_value: Any = None,
) -> Any:
    """The elements (axis None: of the flattened array), or slices along an axis, at these indices.

    mode: out of bounds, fill (with nan; default), clip, wrap, or raise, which needs indices whose values are known.
    Raises IndexError for mode raise, and for an axis without elements.

    >>> print(take(np.array([5.0, 6.0, 7.0]), np.array([2, 0, 9])))
    [ 7.  5. nan]
    """
    a, indices = as_array(a), _index_array("take", indices)
    a = s.reshape(a, (a.size,)) if axis is None else a
    axis = s.canonical_axis(0 if axis is None else axis, a.ndim)
    n = a.shape[axis]
    t = type_of(indices)
    shape = (*a.shape[:axis], *t.shape, *a.shape[axis + 1 :])
    if not math.prod(shape):
        return s.broadcast_in_dim(a.dtype.type(0), shape)
    if not n:
        raise out_of_bounds(0, axis, 0)
    if mode == "raise":
        _check_known(indices, n, axis)
    if mode == "wrap":
        indices, chosen = o.remainder(indices, t.dtype.type(n)), "promise_in_bounds"
    else:
        chosen = "fill" if mode in (None, "raise") else mode
        indices = from_the_end(indices, n) if chosen == "fill" else indices
    numbers = GatherDimensionNumbers((*range(axis), *range(axis + t.ndim, len(shape))), (axis,), (axis,))
    sizes = tuple(1 if d == axis else m for d, m in enumerate(a.shape))
    flags: dict[str, Any] = dict(mode=chosen, unique_indices=unique_indices, indices_are_sorted=indices_are_sorted)
    return gather(a, s.expand_dims(indices, (t.ndim,)), numbers, sizes, fill_value=fill_scalar(fill_value), **flags)


def _index_array(name: str, indices: Any) -> Any:
    """Indices as a value of integers. Raises TypeError for others."""
    if not is_value(indices):
        indices = np.asarray(indices) if len(indices) else np.zeros(0, INT32)
    if type_of(indices).dtype.kind not in "iu":
        raise s.bad_shape(f"{name} needs integer indices, not {type_of(indices)}")
    if isinstance(indices, (int, np.ndarray, np.generic)):
        return np.asarray(indices, canonical_dtype(np.asarray(indices).dtype))[()]
    return indices


def _check_known(indices: Any, n: int, axis: int) -> None:
    value = value_of(indices) if isinstance(indices, Tracer) else raw(indices)
    if value is None:
        raise fail(
            "G212",
            "mode='raise' needs indices whose values are known",
            hint="use mode='clip', 'wrap' or 'fill'",
            location=user_location(),
            cls=NotImplementedError,
        )
    outside = (np.asarray(value) < -n) | (np.asarray(value) >= n)
    if outside.any():
        raise out_of_bounds(int(np.asarray(value)[outside][0]), axis, n)


def take_along_axis(
    arr: Any, indices: Any, axis: int | None = -1, mode: str | None = None, fill_value: Any = None
) -> Any:
    """``arr`` at indices along one axis, the other axes side by side (and broadcast); axis None: the flattened array.

    mode: out of bounds, fill (with nan; default), clip, or promise_in_bounds.
    Raises ValueError where ranks differ, TypeError for indices that are no integers or shapes that do not broadcast.

    >>> print(take_along_axis(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), 1))
    [[2.]
     [3.]]
    """
    arr, indices = as_array(arr), _index_array("take_along_axis", indices)
    if axis is None:
        arr, axis = s.reshape(arr, (arr.size,)), 0
    _same_rank("take_along_axis", arr, indices)
    axis = s.canonical_axis(axis, arr.ndim)
    given = type_of(indices).shape
    n = arr.shape[axis]
    shape = broadcast_shapes(given, tuple(1 if d == axis else m for d, m in enumerate(arr.shape)))
    if not math.prod(shape):
        return s.broadcast_in_dim(arr.dtype.type(0), shape)
    if not n:
        raise out_of_bounds(0, axis, 0)
    indices = from_the_end(_narrow(indices, n), n) if mode != "promise_in_bounds" else indices
    return _along_axis(arr, indices, axis, "fill" if mode is None else mode, fill_scalar(fill_value))


def _narrow(indices: Any, n: int) -> Any:
    """Indices as int32, which is enough for most axes, where that loses nothing of a traced value."""
    if isinstance(indices, Tracer) and n <= np.iinfo(INT32).max:
        return e.convert_element_type(indices, INT32)
    return indices


def _along_axis(arr: Any, indices: Any, axis: int, mode: str, fill_value: Any) -> Any:
    """Axes of both run together; one of size 1 in the indices is taken whole, one of size 1 in the array dropped."""
    given = type_of(indices).shape
    single = [d for d, m in enumerate(arr.shape) if d != axis and m == 1 != given[d]]
    whole = [d for d in range(arr.ndim) if d != axis and given[d] == 1]
    together = [d for d in range(arr.ndim) if d not in (axis, *single, *whole)]
    runs = [d for d in range(arr.ndim) if d not in whole]
    arr = s.squeeze(arr, single) if single else arr
    left = [d for d in range(len(given)) if d not in single]
    place = left.index(axis)
    numbers = GatherDimensionNumbers(
        offset_dims=tuple(whole),
        collapsed_slice_dims=(place,),
        start_index_map=(place,),
        operand_batching_dims=tuple(left.index(d) for d in together),
        start_indices_batching_dims=tuple(runs.index(d) for d in together),
    )
    sizes = tuple(arr.shape[i] if d in whole else 1 for i, d in enumerate(left))
    vectors = s.reshape(indices, (*(given[d] for d in runs), 1))
    return gather(arr, vectors, numbers, sizes, mode=mode, fill_value=fill_value)


def _same_rank(name: str, arr: Any, indices: Any) -> None:
    if type_of(arr).ndim != type_of(indices).ndim:
        raise fail(
            "G206",
            f"{name} needs an array and indices of one rank, got {type_of(arr)} and {type_of(indices)}",
            location=user_location(),
            cls=ValueError,
        )


def put_along_axis(
    arr: Any, indices: Any, values: Any, axis: int | None, inplace: bool = True, *, mode: str | None = None
) -> Any:
    """A new array with ``values`` at indices along one axis: what :func:`take_along_axis` reads, written.

    Raises ValueError unless ``inplace`` is False: arrays are not changed in place.
    """
    if inplace:
        raise fail(
            "G214",
            "put_along_axis cannot change an array in place",
            hint="give inplace=False, and use the result",
            location=user_location(),
            cls=ValueError,
        )
    arr, indices = as_array(arr), _index_array("put_along_axis", indices)
    shape = arr.shape
    if axis is None:
        arr, axis = s.reshape(arr, (arr.size,)), 0
    _same_rank("put_along_axis", arr, indices)
    axis = s.canonical_axis(axis, arr.ndim)
    check_fit(values, type_of(indices).shape)
    lines = [np.arange(n).reshape([-1 if i == d else 1 for i in range(arr.ndim)]) for d, n in enumerate(arr.shape)]
    index = tuple(indices if d == axis else line for d, line in enumerate(lines))
    return s.reshape(update(arr, index, values, scatter, mode), shape)
