"""The methods of ufuncs: the reductions there are, and loops over the elements for all other functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.control.scan import scan
from gradcli.engine.ir.types import canonical_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.operators import where as select
from gradcli.engine.ops.shape import canonical_axis
from gradcli.engine.ops.take import take
from gradcli.engine.staging import eval_shape
from gradcli.numpy import _reductions as r
from gradcli.numpy import _ufunc_objects as f
from gradcli.numpy._base import arr, to_dtype, value_error
from gradcli.numpy._shapes import broadcast_to, moveaxis, ravel
from gradcli.numpy._ufunc_objects import ufunc

Reduction = Callable[..., Any]


def _logic(function: ufunc, reduce: Reduction) -> Reduction:
    def reduced(a: Any, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Any:
        found = to_dtype(reduce(a, axis, keepdims=keepdims, where=where), dtype)
        return found if initial is None else to_dtype(function(initial, found), dtype)

    return reduced


def _extremum(reduce: Reduction) -> Reduction:
    def reduced(a: Any, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Any:
        return to_dtype(reduce(to_dtype(arr(a), dtype), axis, None, keepdims, initial, where), dtype)

    return reduced


_REDUCTIONS: dict[ufunc, Reduction] = {
    f.add: lambda a, axis, dtype, *rest: r.sum(a, axis, dtype, None, *rest),
    f.multiply: lambda a, axis, dtype, *rest: r.prod(a, axis, dtype, None, *rest),
    f.maximum: _extremum(r.max), f.minimum: _extremum(r.min),
    f.logical_and: _logic(f.logical_and, r.all), f.logical_or: _logic(f.logical_or, r.any),
}  # fmt: skip
_CUMULATIVE: dict[ufunc, Reduction] = {f.add: r.cumsum, f.multiply: r.cumprod}


def _dtype(of: ufunc, a: Any, dtype: Any) -> np.dtype[Any]:
    """The dtype of results: the one named, or that of the function of elements of ``a``."""
    if dtype is not None:
        return canonical_dtype(dtype)
    one = np.ones((), type_of(a).dtype)
    found: np.dtype[Any] = eval_shape(of, *[one] * of.nin).dtype
    return found


def reduce(of: ufunc, a: Any, axis: int | None, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Any:
    """All elements along an axis combined to one."""
    if where is not None:
        if of.identity is None and initial is None:
            raise value_error(f"{of.__name__} has no identity: reduce with where= needs initial=")
        if type_of(where).dtype.kind != "b":
            raise value_error(f"where must be of bools, not {type_of(where)}")
    known = _REDUCTIONS.get(of)
    if known is not None:
        return known(a, axis, dtype, keepdims, initial, where)
    a = arr(a)
    kept = None if where is None else broadcast_to(where, a.shape)
    place = 0 if axis is None else canonical_axis(axis, a.ndim)
    rows, kept = ((v if v is None else ravel(v) if axis is None else moveaxis(v, place, 0)) for v in (a, kept))
    found = _over_rows(of, rows, kept, _dtype(of, a, dtype), of.identity if initial is None else initial)
    if not keepdims:
        return found
    return s.reshape(found, tuple(1 if axis is None or d == place else n for d, n in enumerate(a.shape)))


def _over_rows(of: ufunc, rows: Any, kept: Any, dtype: np.dtype[Any], initial: Any) -> Any:
    """The rows combined from first to last, but for those that are not kept."""
    rows = e.convert_element_type(rows, dtype)
    n = rows.shape[0]
    if initial is None and not n:
        raise value_error(f"{of.__name__} of no elements has no value, and no identity")
    if initial is None:
        start, rows = rows[0], slice_in_dim(rows, 1, n, 0)
    else:
        start = broadcast_to(e.convert_element_type(arr(initial), dtype), rows.shape[1:])
    if not rows.shape[0]:
        return start

    def step(total: Any, x: Any) -> tuple[Any, None]:
        row, keep = x
        found = e.convert_element_type(of(total, row), dtype)
        return found if keep is None else select(keep, found, total), None

    return scan(step, start, (rows, kept))[0]


def accumulate(of: ufunc, a: Any, axis: int, dtype: Any) -> Any:
    """What :func:`reduce` has after each element along the axis."""
    if axis is None or isinstance(axis, tuple):
        raise value_error("accumulate goes along one axis")
    known = _CUMULATIVE.get(of)
    if known is not None:
        return known(a, axis, dtype)
    a = arr(a)
    place = canonical_axis(axis, a.ndim)
    wanted = _dtype(of, a, dtype)
    rows = moveaxis(e.convert_element_type(a, wanted), place, 0)
    n = rows.shape[0]
    if n < 2:
        return moveaxis(rows, 0, place)

    def step(total: Any, row: Any) -> tuple[Any, Any]:
        found = e.convert_element_type(of(total, row), wanted)
        return found, found

    rest = scan(step, rows[0], slice_in_dim(rows, 1, n, 0))[1]
    return moveaxis(concatenate([slice_in_dim(rows, 0, 1, 0), rest], 0), 0, place)


def at(of: ufunc, a: Any, indices: Any, b: Any) -> Any:
    """The elements at indices combined with ``b``, or mapped, one after the other: how often each comes counts."""
    wanted = _dtype(of, arr(a), None)
    x = e.convert_element_type(arr(a), wanted)
    numbered = arr(np.arange(x.size).reshape(x.shape))
    places = numbered[indices if isinstance(indices, tuple) else (indices,)]
    values = None if b is None else ravel(broadcast_to(e.convert_element_type(arr(b), wanted), places.shape))

    def step(line: Any, one: Any) -> tuple[Any, None]:
        place, value = one
        new = of(line[place]) if value is None else of(line[place], value)
        return line.at[place].set(e.convert_element_type(new, wanted)), None

    return s.reshape(scan(step, ravel(x), (ravel(places), values))[0], x.shape)


def reduceat(of: ufunc, a: Any, indices: Any, axis: int, dtype: Any) -> Any:
    """For each index the elements from there to the next index combined."""
    if axis is None or isinstance(axis, (tuple, list)):
        raise value_error("reduceat goes along one axis")
    x, starts = to_dtype(arr(a), dtype), arr(np.asarray(indices) if isinstance(indices, list) else indices)
    if not x.ndim or starts.ndim != 1:
        raise value_error(f"reduceat needs an array and a vector of indices, got {x.type} and {starts.type}")
    place = canonical_axis(axis, x.ndim)
    x = moveaxis(x, place, 0)
    n, wide = x.shape[0], (starts.size,) + (1,) * (x.ndim - 1)
    ends = concatenate([slice_in_dim(starts, 1, starts.size, 0), np.full(1, n, starts.dtype)], 0)

    def step(total: Any, one: Any) -> tuple[Any, None]:
        i, row = one
        inside = e.bitwise_and(e.gt(i, starts), e.lt(i, ends))
        found = e.convert_element_type(of(total, row), total.dtype)
        return select(s.reshape(inside, wide), found, total), None

    total = scan(step, take(x, starts, 0), (s.iota(starts.dtype, (n,), 0), x))[0]
    return moveaxis(total, 0, place)


def outer(of: ufunc, a: Any, b: Any) -> Any:
    """The function of every element of one array with every element of the other."""
    x, y = (arr(np.asarray(v)) if isinstance(v, (list, tuple)) else arr(v) for v in (a, b))
    found = of(s.reshape(x, (x.size, 1)), s.reshape(y, (1, y.size)))
    return s.reshape(found, x.shape + y.shape)
