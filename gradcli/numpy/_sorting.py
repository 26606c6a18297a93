"""Sorting, searching and interpolation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.bfloat16 import finfo
from gradcli.engine.ir.types import INT32, default_int
from gradcli.engine.ops import cuts, indexing
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops import sort as sorting
from gradcli.engine.ops.operators import absolute, add, inexact, less, like, multiply, promoted, remainder, subtract
from gradcli.engine.ops.operators import where as choose
from gradcli.engine.ops.shape import canonical_axis, iota
from gradcli.numpy._base import arr, kind, type_error, value_error
from gradcli.numpy._reductions import sum
from gradcli.numpy._shapes import ravel
from gradcli.numpy._ufuncs import isnan

getitem = indexing.getitem


def _line(a: Any, axis: int | None) -> tuple[Any, int]:
    """The array, flattened if there is no axis, and the axis."""
    a = arr(a)
    return (ravel(a), 0) if axis is None else (a, canonical_axis(axis, a.ndim))


def sort(
    a: Any, axis: int | None = -1, *, kind: Any = None, order: None = None, stable: bool = True,
    descending: bool = False,
) -> Any:  # fmt: skip
    """In increasing order along an axis (None: flattened first); nan comes last."""
    a, place = _line(a, axis)
    out = sorting.sort(a, place, bool(stable))
    return s.rev(out, (place,)) if descending else out


def argsort(
    a: Any, axis: int | None = -1, *, kind: Any = None, order: None = None, stable: bool = True,
    descending: bool = False,
) -> Any:  # fmt: skip
    """The indices that put an array in order along an axis (None: flattened first)."""
    a, place = _line(a, axis)
    if not descending:
        return sorting.argsort(a, place, bool(stable))
    back = sorting.argsort(s.rev(a, (place,)), place, bool(stable))  # of the reversed array: equals keep their order
    return s.rev(e.sub(like(back, a.shape[place] - 1), back), (place,))


def lexsort(keys: Any, axis: int = -1) -> Any:
    """The indices that sort by the last key, then the one before it, and so on. Raises TypeError for no key."""
    listed = isinstance(keys, (list, tuple))
    columns = [arr(k) for k in keys] if listed else [getitem(keys, i) for i in range(len(keys))]
    if not columns:
        raise type_error("lexsort needs at least one key")
    place = canonical_axis(axis, columns[0].ndim)
    places = iota(default_int(), columns[0].shape, place)
    return sorting.sort((*columns[::-1], places), place, num_keys=len(columns))[-1]


def partition(a: Any, kth: int, axis: int = -1) -> Any:
    """Sorted altogether: one of the orders in which the ``kth`` element is in its place."""
    return sort(a, axis)


def argpartition(a: Any, kth: int, axis: int = -1) -> Any:
    """The indices of :func:`partition`; int32."""
    return e.convert_element_type(argsort(a, axis), np.int32)


# --- searching ------------------------------------------------------------------------------------------------------


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None, *, method: str = "scan") -> Any:
    """Where to insert each ``v`` into the sorted ``a``: before (left) or behind (right) its equals; int32.

    Raises ValueError unless ``a`` is a vector and the side one of these.
    """
    if side not in ("left", "right"):
        raise value_error(f"side must be 'left' or 'right', got {side!r}")
    a = arr(a)
    if a.ndim != 1:
        raise value_error(f"searchsorted needs a vector, got {a.type}")
    a = a if sorter is None else getitem(a, sorter)
    a, v = (arr(x) for x in _same_dtype(a, v))
    if a.size <= 16:
        return _by_comparing(a, v, side)
    low = s.broadcast_in_dim(np.int32(0), v.shape)
    high = s.broadcast_in_dim(np.int32(a.size), v.shape)
    for _ in range(math.ceil(math.log2(a.size + 1))):  # halves [low, high): the same number of steps for every element
        open_ = e.lt(low, high)
        middle = e.shift_right_logical(e.add(low, high), np.int32(1))
        behind = e.bitwise_and(_precedes(indexing.get(a, middle, mode="clip"), v, side), open_)
        low = e.select_n(behind, low, e.add(middle, np.int32(1)))
        high = e.select_n(e.bitwise_and(open_, e.bitwise_not(behind)), high, middle)
    return low


def _same_dtype(a: Any, v: Any) -> list[Any]:
    """Both in one dtype, ranks as they are."""
    dtype = type_of(promoted(s.reshape(a, (a.size,)), like(v, 0))[0]).dtype
    return [e.convert_element_type(arr(x), dtype) for x in (a, v)]


def _precedes(x: Any, v: Any, side: str) -> Any:
    """Whether x of the sorted array lies before where v goes; nan is greater than all else and equal to itself."""
    before = less(x, v) if side == "left" else e.bitwise_not(less(v, x))
    if kind(x) not in "fc":
        return before
    if side == "left":
        return e.bitwise_or(before, e.bitwise_and(isnan(v), e.bitwise_not(isnan(x))))
    return e.bitwise_and(before, e.bitwise_or(isnan(v), e.bitwise_not(isnan(x))))


def _by_comparing(a: Any, v: Any, side: str) -> Any:
    column = s.reshape(v, (*v.shape, 1))
    row = s.reshape(a, (1,) * v.ndim + a.shape)
    return sum(_precedes(row, column, side), -1, INT32, promote_integers=False)


def digitize(x: Any, bins: Any, right: bool = False, *, method: str | None = None) -> Any:
    """The number of the bin that each element falls into; ``bins`` in increasing or decreasing order."""
    bins = arr(bins)
    if not bins.size:
        return searchsorted(bins, x)
    falling = less(getitem(bins, -1), getitem(bins, 0))
    up = searchsorted(bins, x, "left" if right else "right")
    down = searchsorted(s.rev(bins, (0,)), x, "left" if right else "right")
    return choose(falling, e.sub(like(down, bins.size), down), up)


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Linear interpolation of the points ``(xp, fp)``, ``xp`` increasing; beyond them ``left`` and ``right``.

    left, right: default the value of the first and last point; "extrapolate" continues the lines.
    period: of ``x`` and ``xp``, which may then be in any order. Raises ValueError unless ``xp`` and ``fp`` are vectors
    of one size, and for complex ``x``.
    """
    for side in (left, right):
        if isinstance(side, str) and side != "extrapolate":
            raise value_error(f"the only rule by name of interp is 'extrapolate', got {side!r}")
    x, xp, fp = arr(x), arr(xp), arr(fp)
    if kind(x) == "c":
        raise value_error("interp is not defined for complex x")
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise value_error(f"interp needs xp and fp to be vectors of one size, got {xp.type} and {fp.type}")
    x, xp = (arr(inexact(v)[0]) for v in _same_dtype(x, xp))
    fp = arr(inexact(fp)[0])
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, period)
        left = right = "extrapolate"
    first, last = getitem(fp, 0), getitem(fp, -1)
    if xp.size > 1:
        i = e.clamp(np.int32(1), searchsorted(xp, x, "right"), np.int32(xp.size - 1))
        before = e.sub(i, np.int32(1))
        f0, f1, x0, x1 = (indexing.get(v, j, mode="clip") for v, j in ((fp, before), (fp, i), (xp, before), (xp, i)))
        width = e.sub(x1, x0)
        flat = e.le(e.abs(width), like(width, np.spacing(finfo(width.dtype).eps)))
        share = e.div(e.sub(x, x0), choose(flat, like(width, 1), width))
        out = choose(flat, f0, add(f0, multiply(share, subtract(f1, f0))))
    else:
        out = add(multiply(x, 0), first)
    if not isinstance(left, str):
        out = choose(e.lt(x, getitem(xp, 0)), first if left is None else left, out)
    if not isinstance(right, str):
        out = choose(e.gt(x, getitem(xp, -1)), last if right is None else right, out)
    return out


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """All positions within one period, the points in order, and on both sides one more from the next period."""
    if type_of(period).ndim:
        raise value_error(f"a period is a number, got {type_of(period)}")
    (period, *_) = promoted(absolute(period), like(xp, 0))
    x, xp = remainder(x, period), remainder(xp, period)
    places = sorting.argsort(xp)
    xp, fp = getitem(xp, places), getitem(fp, places)
    ends = cuts.slice_in_dim(xp, xp.size - 1, xp.size, 0), cuts.slice_in_dim(xp, 0, 1, 0)
    xp = cuts.concatenate([subtract(ends[0], period), xp, add(ends[1], period)], 0)
    fp = cuts.concatenate([cuts.slice_in_dim(fp, fp.size - 1, fp.size, 0), fp, cuts.slice_in_dim(fp, 0, 1, 0)], 0)
    return x, xp, fp
