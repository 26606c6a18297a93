"""Arrays as sets: distinct elements, intersection, union, differences, membership.

How many elements a result has depends on the values. Without ``size`` they must be known; with it the result is cut,
or filled up, to that many elements, so that it works under jit and vmap.
"""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine.array import Array
from gradcli.engine.ir.types import default_int
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import sort as sorting
from gradcli.engine.ops.cuts import concatenate
from gradcli.engine.ops.operators import like, promoted, where
from gradcli.engine.ops.shape import canonical_axis, iota, reshape
from gradcli.numpy._base import arr, value_error
from gradcli.numpy._creation import full, zeros
from gradcli.numpy._reductions import any as any_
from gradcli.numpy._reductions import cumsum, diff
from gradcli.numpy._shapes import moveaxis, ravel
from gradcli.numpy._sorting import searchsorted
from gradcli.numpy._ufuncs import isnan
from gradcli.numpy._where import nonzero


class UniqueAll(NamedTuple):
    """What :func:`unique_all` returns."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """What :func:`unique_counts` returns."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """What :func:`unique_inverse` returns."""

    values: Any
    inverse_indices: Any


# --- distinct elements ----------------------------------------------------------------------------------------------


def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None, *, equal_nan: bool = True, size: int | None = None, fill_value: Any = None,
    sorted: bool = True,
) -> Any:  # fmt: skip
    """The distinct elements in order (axis None), or the distinct slices along an axis; several results as a tuple.

    return_index: where each stands first. return_inverse: for each element of ``ar``, which one it is.
    return_counts: how often each occurs. size: that many, filled up with ``fill_value`` (default: the least one).
    Raises ConcretizationTypeError without ``size`` for values that are not known, ValueError where there is nothing
    to fill with.

    >>> values, counts = unique(np.array([3, 1, 3]), return_counts=True)
    >>> print(values, counts)
    [1 3] [1 2]
    """
    a = arr(ar)
    size = None if size is None else operator.index(size)
    if size is None:
        a.concrete()
    place = 0 if axis is None else canonical_axis(axis, a.ndim)
    line = ravel(a) if axis is None else moveaxis(a, place, 0)
    if size and not line.shape[0] and fill_value is None:
        raise value_error("unique of nothing with a size needs a fill_value")
    rows, first, order = _runs(line, equal_nan)
    values, starts = _distinct(rows, first, size, fill_value)
    out = [moveaxis(values, 0, place)]
    if return_index:
        out.append(order[starts] if order.size else order)
    if return_inverse:
        inverse = _inverse(first, order, line.shape[0])
        out.append(reshape(inverse, a.shape) if axis is None else inverse)
    if return_counts:
        out.append(_counts(first, size, line.shape[0]))
    return out[0] if len(out) == 1 else tuple(out)


def _runs(a: Any, equal_nan: bool = True) -> tuple[Any, Any, Any]:
    """The rows in order, where one differs from the row before, and their places in ``a``; of empty rows one stays."""
    n, width = a.shape[0], math.prod(a.shape[1:])
    if not width or not n:
        n = min(n, 1)
        return cuts.slice_in_dim(a, 0, n, 0), Array(np.ones(n, bool)), Array(np.zeros(n, default_int()))
    table = reshape(a, (n, width))
    keys = [reshape(cuts.slice_in_dim(table, i, i + 1, 1), (n,)) for i in range(width)]
    order = sorting.sort((*keys, iota(default_int(), (n,), 0)), 0, num_keys=width)[-1]
    rows = a[order]
    later, earlier = cuts.slice_in_dim(rows, 1, n, 0), cuts.slice_in_dim(rows, 0, n - 1, 0)
    changed = e.ne(later, earlier)
    if equal_nan and a.dtype.kind in "fc":
        changed = e.bitwise_and(changed, e.bitwise_not(e.bitwise_and(isnan(later), isnan(earlier))))
    changed = any_(changed, tuple(range(1, rows.ndim)))
    return rows, concatenate([np.ones(1, bool), changed], 0), order


def _distinct(rows: Any, first: Any, size: int | None, fill_value: Any) -> tuple[Any, Any]:
    """The rows where a run starts, and their positions."""
    (starts,) = nonzero(first, size=size)
    if not rows.shape[0]:
        return full((size or 0, *rows.shape[1:]), 0 if fill_value is None else fill_value, rows.dtype), starts
    values = rows[starts]
    if size is not None and fill_value is not None:
        there = e.lt(iota(default_int(), (size,), 0), first.sum())
        there = reshape(there, (size,) + (1,) * (rows.ndim - 1))
        values = where(there, values, e.convert_element_type(arr(fill_value), rows.dtype))
    return values, starts


def _inverse(first: Any, order: Any, n: int) -> Any:
    if first.shape[0] != n:
        return zeros((n,), default_int())
    return zeros((n,), default_int()).at[order].set(cumsum(first) - 1)


def _counts(first: Any, size: int | None, n: int) -> Any:
    if first.shape[0] != n:
        return full((min(n, 1) if size is None else size,), n, default_int())
    number = int(first.sum()) if size is None else size
    return diff(nonzero(first, size=number + 1, fill_value=n)[0])


def unique_all(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueAll:
    """The distinct elements, where each stands first, which one each element is, and how often each occurs."""
    return UniqueAll(*unique(x, True, True, True, equal_nan=False, size=size, fill_value=fill_value))


def unique_counts(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueCounts:
    """The distinct elements and how often each occurs."""
    return UniqueCounts(*unique(x, return_counts=True, equal_nan=False, size=size, fill_value=fill_value))


def unique_inverse(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueInverse:
    """The distinct elements and, for each element, which one it is."""
    return UniqueInverse(*unique(x, return_inverse=True, equal_nan=False, size=size, fill_value=fill_value))


def unique_values(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The distinct elements."""
    return unique(x, equal_nan=False, size=size, fill_value=fill_value)


# --- two sets -------------------------------------------------------------------------------------------------------


def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, method: str = "auto"
) -> Any:
    """For each element whether it is one of ``test_elements`` (or is not, with ``invert``).

    Methods auto, compare_all, binary_search and sort give the same result. Raises ValueError for another one.
    """
    if method not in ("auto", "compare_all", "binary_search", "sort"):
        raise value_error(f"unknown method of isin: {method!r}", "auto, compare_all, binary_search or sort")
    shape = arr(element).shape
    a, b = (arr(v) for v in promoted(ravel(element), ravel(test_elements)))
    if not a.size or not b.size:
        return full(shape, invert, bool)
    if method == "compare_all" or (method == "auto" and (a.size * b.size <= 1 << 20 or a.dtype.kind == "c")):
        found = any_(e.eq(reshape(a, (a.size, 1)), reshape(b, (1, b.size))), 1)
    else:
        ordered = sorting.sort(b)
        found = e.eq(a, ordered.at[searchsorted(ordered, a)].get(mode="clip"))
    return reshape(e.bitwise_not(found) if invert else found, shape)


def _two(ar1: Any, ar2: Any, size: int | None) -> tuple[Any, Any]:
    """Both sets as vectors of one dtype; their values must be known where the size of the result is not given."""
    a, b = (arr(v) for v in promoted(ravel(ar1), ravel(ar2)))
    if size is None:
        a.concrete(), b.concrete()
    return a, b


def _members(a: Any, assume_unique: bool) -> tuple[Any, Any, Any]:
    """The elements, which of them count (each value once), and their places in ``a``."""
    if assume_unique or not a.size:
        return a, Array(np.ones(a.shape, bool)), iota(default_int(), a.shape, 0)
    return _runs(a)


def _picked(values: Any, chosen: Any, size: int | None, fill_value: Any) -> tuple[Any, Any, Any]:
    """The values chosen, with ``size`` filled up (default: by the first one); which are there, and their positions."""
    n = values.shape[0]
    (places,) = nonzero(chosen, size=size, fill_value=n)
    there = e.lt(places, like(places, n))
    if not n:
        return full(places.shape, 0 if fill_value is None else fill_value, values.dtype), there, places
    out = values.at[places].get(mode="fill", fill_value=0)
    if size:
        fill = out[0] if fill_value is None else e.convert_element_type(arr(fill_value), out.dtype)
        out = where(there, out, fill)
    return out, there, places


def _joined(a: Any, b: Any, assume_unique: bool) -> tuple[Any, Any, Any, Any]:
    """The members of both in order, which of them count (these come first), their places, and which one follows."""
    (x, in_x, _), (y, in_y, _) = _members(a, assume_unique), _members(b, assume_unique)
    values, counted = concatenate([x, y], 0), concatenate([in_x, in_y], 0)
    places = iota(default_int(), values.shape, 0)
    out, values, places = sorting.sort((e.bitwise_not(counted), values, places), 0, num_keys=2)
    n = values.shape[0]
    same = e.eq(cuts.slice_in_dim(values, 1, n, 0), cuts.slice_in_dim(values, 0, n - 1, 0)) if n else np.zeros(0, bool)
    counted = e.bitwise_not(out)
    same = e.bitwise_and(same, cuts.slice_in_dim(counted, 1, n, 0)) if n else same
    return values, counted, places, same


def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False, *, size: int | None = None,
    fill_value: Any = None,
) -> Any:  # fmt: skip
    """The elements of both sets, in order; with ``return_indices`` also where they stand first in each of them.

    >>> print(intersect1d(np.array([4, 1, 3]), np.array([3, 4, 4])))
    [3 4]
    """
    a, b = _two(ar1, ar2, size)
    values, _, places, same = _joined(a, b, assume_unique)
    twice = concatenate([same, np.zeros(min(values.size, 1), bool)], 0)  # an element and its equal, which follows it
    out, there, found = _picked(values, twice, size, fill_value)
    if not return_indices:
        return out
    (x, _, from_a), (_, _, from_b) = _members(a, assume_unique), _members(b, assume_unique)
    if not values.size:
        return out, places, places
    first = places.at[found].get(mode="clip")
    second = places.at[found + 1].get(mode="clip") - x.shape[0]
    chosen = [
        where(there, origin.at[i].get(mode="clip") if origin.size else i, v.size)
        for origin, i, v in ((from_a, first, a), (from_b, second, b))
    ]
    return out, *chosen


def setxor1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, *, size: int | None = None, fill_value: Any = None
) -> Any:
    """The elements of exactly one of both sets, in order."""
    a, b = _two(ar1, ar2, size)
    values, counted, _, same = _joined(a, b, assume_unique)
    if not values.size:
        return _picked(values, counted, size, fill_value)[0]
    edge = np.zeros(1, bool)
    paired = e.bitwise_or(concatenate([edge, same], 0), concatenate([same, edge], 0))
    return _picked(values, e.bitwise_and(counted, e.bitwise_not(paired)), size, fill_value)[0]


def setdiff1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, *, size: int | None = None, fill_value: Any = None
) -> Any:
    """The elements of the first set that are not in the second: in order, or in theirs with ``assume_unique``."""
    a, b = ravel(ar1), ravel(ar2)
    if size is None:
        a.concrete(), b.concrete()
    values, counted, _ = _members(a, assume_unique)
    chosen = e.bitwise_and(counted, isin(values, b, invert=True))
    return _picked(values, chosen, size, 0 if fill_value is None else fill_value)[0]


def union1d(ar1: Any, ar2: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The elements of either set, in order."""
    a, b = _two(ar1, ar2, size)
    return unique(concatenate([a, b], 0), size=size, fill_value=fill_value)
