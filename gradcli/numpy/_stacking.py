"""Joining, splitting and repeating."""

from __future__ import annotations

import builtins
import operator
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.engine.array import Value, type_of
from gradcli.engine.ir.types import dtype_of, promote_types
from gradcli.engine.ops import cuts, pieces
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.cuts import slice_in_dim
from gradcli.engine.ops.operators import like
from gradcli.engine.ops.shape import canonical_axis
from gradcli.numpy._base import arr, type_error, value_error
from gradcli.numpy._reductions import cumsum, sum
from gradcli.numpy._shapes import atleast_1d, atleast_2d, atleast_3d, ravel


def _arrays(arrays: Any, name: str, dtype: Any = None) -> list[Any]:
    """The operands of a joining function, in their common dtype."""
    if isinstance(arrays, (Value, np.ndarray)):
        if not type_of(arrays).ndim:
            raise type_error(f"{name} needs a sequence of arrays, not one scalar")
        a = arr(arrays)
        arrays = [s.reshape(slice_in_dim(a, i, i + 1, 0), a.shape[1:]) for i in range(a.shape[0])]
    if not arrays:
        raise value_error(f"{name} needs at least one array")
    values = [arr(a) for a in arrays]
    common, weak = promote_types(*(v.type for v in values)) if dtype is None else (dtype_of(dtype), False)
    return [v if v.dtype == common else e.convert_element_type(v, common, weak) for v in values]


def concatenate(arrays: Any, axis: int | None = 0, dtype: Any = None) -> Any:
    """Arrays joined along an existing axis (None: flattened first). Raises TypeError where shapes do not fit."""
    values = _arrays(arrays, "concatenate", dtype)
    if axis is None:
        return concatenate([ravel(v) for v in values], 0)
    if not values[0].ndim:
        raise value_error("arrays of no dimension cannot be concatenated", "use stack, or hstack")
    return cuts.concatenate(values, canonical_axis(axis, values[0].ndim))


concat = concatenate


def stack(arrays: Any, axis: int = 0, out: None = None, dtype: Any = None) -> Any:
    """Arrays of one shape joined along a new axis. Raises ValueError where the shapes differ."""
    values = _arrays(arrays, "stack", dtype)
    if len({v.shape for v in values}) > 1:
        raise value_error(f"stack needs arrays of one shape, got {', '.join(str(v.type) for v in values)}")
    place = canonical_axis(axis, values[0].ndim + 1)
    return pieces.stack(values, place)


def _parts(tup: Any) -> list[Any]:
    """The operands as a list: one array stands for its rows."""
    if isinstance(tup, (Value, np.ndarray)):
        return [arr(tup)[i] for i in range(type_of(tup).shape[0])]
    return list(tup)


def vstack(tup: Any, dtype: Any = None) -> Any:
    """Rows on top of one another."""
    return concatenate([atleast_2d(a) for a in _parts(tup)], 0, dtype)


def hstack(tup: Any, dtype: Any = None) -> Any:
    """Side by side: along the second axis, or the first for vectors."""
    values = [atleast_1d(a) for a in _parts(tup)]
    return concatenate(values, 0 if values[0].ndim == 1 else 1, dtype)


def dstack(tup: Any, dtype: Any = None) -> Any:
    """Along the third axis."""
    return concatenate([atleast_3d(a) for a in _parts(tup)], 2, dtype)


def column_stack(tup: Any) -> Any:
    """Vectors as the columns of a matrix; matrices side by side."""
    columns = [arr(a) for a in _parts(tup)]
    return concatenate([a if a.ndim > 1 else s.reshape(a, (a.size, 1)) for a in columns], 1)


def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """``values`` behind ``arr``, along an axis or both flattened."""
    if axis is None:
        return concatenate([ravel(arr), ravel(values)], 0)
    return concatenate([arr, values], axis)


# --- splitting ------------------------------------------------------------------------------------------------------


def _split(name: str, ary: Any, indices_or_sections: Any, axis: int) -> list[Any]:
    ary = arr(ary)
    axis = canonical_axis(axis, ary.ndim)
    n = ary.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        sections = int(indices_or_sections)
        each, rest = divmod(n, sections)
        if rest and name != "array_split":
            raise value_error(f"{name} cannot cut {n} into {sections} equal parts", "use array_split")
        bounds = np.cumsum([0] + [each + (i < rest) for i in range(sections)]).tolist()
    else:
        cuts = [operator.index(i) for i in indices_or_sections]
        bounds = [0, *(builtins.min(builtins.max(c + n if c < 0 else c, 0), n) for c in cuts), n]
    if bounds != sorted(bounds):  # indices out of order: parts overlap, and some are empty
        return [slice_in_dim(ary, a, builtins.max(a, b), axis) for a, b in zip(bounds, bounds[1:], strict=False)]
    return list(pieces.split(ary, np.diff(bounds).tolist(), axis))


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut into equal parts, or at indices. Raises ValueError where equal parts are impossible."""
    return _split("split", ary, indices_or_sections, axis)


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Like :func:`split`; the first parts may be longer by one."""
    return _split("array_split", ary, indices_or_sections, axis)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis, one by one. Raises ValueError for a scalar."""
    x = arr(x)
    if not x.ndim:
        raise value_error("unstack needs at least one dimension")
    return tuple(pieces.unstack(x, canonical_axis(axis, x.ndim)))


def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Cut along the first axis."""
    return split(ary, indices_or_sections, 0)


def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Cut along the second axis, or the first of a vector."""
    return split(ary, indices_or_sections, 0 if type_of(ary).ndim == 1 else 1)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Cut along the third axis."""
    return split(ary, indices_or_sections, 2)


# --- repeating ------------------------------------------------------------------------------------------------------


def tile(A: Any, reps: Any) -> Any:
    """The whole array repeated along each axis."""
    A = arr(A)
    times = [operator.index(n) for n in (reps if isinstance(reps, (tuple, list)) else (reps,))]
    ndim = builtins.max(A.ndim, len(times))
    times = [1] * (ndim - len(times)) + times
    A = s.reshape(A, (1,) * (ndim - A.ndim) + A.shape)
    return pieces.tile(A, times)


def repeat(
    a: Any, repeats: Any, axis: int | None = None, *, total_repeat_length: int | None = None, out_sharding: Any = None
) -> Any:
    """Each element repeated, along an axis or flattened: as often as its count says, or all equally often.

    The counts must be known, or ``total_repeat_length`` given: then the result is cut, or filled up with the last
    element, to that length. Raises ValueError where counts and elements do not fit.
    """
    a = arr(a)
    if axis is None:
        a, axis = ravel(a), 0
    axis = canonical_axis(axis, a.ndim)
    n = a.shape[axis]
    counts = arr(np.asarray(repeats)) if isinstance(repeats, (list, tuple)) else arr(repeats)
    if counts.ndim > 1 or counts.size not in (1, n):
        raise value_error(f"repeat needs one count, or one for each of {n} elements, got {counts.type}")
    if total_repeat_length is not None:
        return _repeat_to_length(a, counts, axis, operator.index(total_repeat_length))
    known = np.asarray(counts.concrete())
    if known.size == 1:
        times = int(known.reshape(()))
        shape = a.shape
        wide = s.expand_dims(a, [axis + 1])
        out = s.broadcast_in_dim(wide, (*shape[: axis + 1], times, *shape[axis + 1 :]), tuple(range(a.ndim + 1)))
        return s.reshape(out, (*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))
    return _take(a, np.repeat(np.arange(n), known), axis)


def _repeat_to_length(a: Any, counts: Any, axis: int, length: int) -> Any:
    """Position i of the result takes the first element at whose end more than i positions are filled."""
    n = a.shape[axis]
    counts = s.broadcast_in_dim(s.reshape(counts, (counts.size,)), (n,), (0,))
    ends = cumsum(counts)
    places = sum(e.le(s.reshape(ends, (1, n)), s.reshape(s.iota(ends.dtype, (length,), 0), (length, 1))), 1)
    return _take(a, e.clamp(like(places, 0), places, like(places, n - 1)), axis, mode="clip")


def _take(a: Any, places: Any, axis: int, mode: str | None = None) -> Any:
    """``take``, whose module loads all of indexing."""
    return import_module("gradcli.engine.ops.take").take(a, places, axis, mode=mode)
