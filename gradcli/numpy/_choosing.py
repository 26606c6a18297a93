"""Choosing and replacing elements: by number, by condition, at positions; inserting and deleting."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value
from gradcli.engine.control.branch import switch
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import default_int
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops import sort as sorting
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.operators import like, not_equal, promoted, remainder, where
from gradcli.engine.ops.shape import canonical_axis, iota
from gradcli.engine.ops.take import take
from gradcli.engine.trace.source import user_location
from gradcli.numpy._base import Axis, arr, axes_of, unsupported, value_error
from gradcli.numpy._creation import array, zeros_like
from gradcli.numpy._reductions import cumsum, sum
from gradcli.numpy._shapes import broadcast_arrays, moveaxis, ravel
from gradcli.numpy._stacking import tile
from gradcli.numpy._ufuncs import clip
from gradcli.numpy._vectorize import vectorize
from gradcli.numpy._where import nonzero


def _not_in_place(name: str, inplace: bool) -> None:
    if inplace:
        raise fail("G214", f"{name} cannot change an array in place", hint="give inplace=False, and use the result",
                   location=user_location(), cls=ValueError)  # fmt: skip


def _known(x: Any) -> np.ndarray[Any, Any]:
    return np.asarray(x.concrete() if isinstance(x, Value) else x)


def _truth(x: Any) -> Any:
    x = arr(np.asarray(x)) if isinstance(x, (list, tuple)) else arr(x)
    return x if x.dtype.kind == "b" else not_equal(x, 0)


# --- choosing -------------------------------------------------------------------------------------------------------


def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """For each element of ``a`` the element there of the choice with that number.

    mode: for a number without a choice raise (values must be known), wrap or clip. Raises ValueError for such a
    number, for numbers that are no integers, and for another mode.

    >>> print(choose(np.array([1, 0]), [np.array([1, 2]), np.array([10, 20])]))
    [10  2]
    """
    if out is not None:
        raise unsupported("the argument out is not supported")
    numbers = arr(a)
    options = [arr(c) for c in choices] if isinstance(choices, (list, tuple)) else list(arr(choices))
    if numbers.dtype.kind not in "iu":
        raise value_error(f"choose needs integers, got {numbers.type}")
    n = len(options)
    if mode == "raise":
        known = _known(numbers)
        if ((known < 0) | (known >= n)).any():
            raise value_error(f"choose got a number outside of 0 to {n - 1}", "mode='wrap' or 'clip' allows that")
    elif mode == "wrap":
        numbers = remainder(numbers, n)
    elif mode == "clip":
        numbers = clip(numbers, 0, n - 1)
    else:
        raise value_error(f"mode must be 'raise', 'wrap' or 'clip', got {mode!r}")
    numbers, *options = broadcast_arrays(numbers, *promoted(*options))
    stacked = concatenate([s.expand_dims(c, [0]) for c in options], 0)
    places = [iota(default_int(), numbers.shape, d) for d in range(numbers.ndim)]
    return stacked[(numbers, *places)]


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """For each element the value of the function (or constant) of the last condition that holds.

    Where none holds: 0, or the value of the last function, if there is one more of them than of conditions.
    Functions get one element at a time, and only the one that is chosen counts, in derivatives too.
    Raises ValueError where the numbers of conditions and functions do not fit.
    """
    x = arr(x)
    conditions = _conditions(condlist, x.ndim)
    n = len(conditions)
    if len(funclist) not in (n, n + 1):
        raise value_error(f"piecewise needs {n} or {n + 1} functions for {n} conditions, got {len(funclist)}")
    otherwise = funclist[n] if len(funclist) > n else 0
    branches = [_branch(f, x.dtype, args, kw) for f in (otherwise, *funclist[:n])]
    number: Any = Array(np.int32(0))
    for i, condition in enumerate(conditions, 1):
        number = where(condition, np.int32(i), number)
    number, x = broadcast_arrays(number, x)
    return vectorize(lambda i, v: switch(i, branches, v))(number, x)


def _conditions(condlist: Any, ndim: int) -> list[Any]:
    """The list of conditions; a single condition, as NumPy allows, is one of them."""
    listed = list(condlist) if isinstance(condlist, (list, tuple)) else list(arr(condlist))
    if listed and isinstance(listed[0], (bool, np.bool_)) and ndim:
        return [_truth(condlist)]
    return [_truth(c) for c in listed]


def _branch(f: Any, dtype: np.dtype[Any], args: Sequence[Any], kw: dict[str, Any]) -> Callable[[Any], Any]:
    if not callable(f):
        return lambda v: e.convert_element_type(arr(f), dtype)
    return lambda v: e.convert_element_type(arr(f(v, *args, **kw)), dtype)


def compress(
    condition: Any, a: Any, axis: int | None = None, *, size: int | None = None, fill_value: Any = 0, out: None = None
) -> Any:
    """The slices along an axis (None: the elements of the flattened array) where the condition holds.

    size: that many, filled up with ``fill_value``; without it the condition must be known.
    Raises ValueError for a condition that is no vector, or holds where there is nothing, and for a size that is too
    large.
    """
    if out is not None:
        raise unsupported("the argument out is not supported")
    chosen = _truth(condition)
    if chosen.ndim != 1:
        raise value_error(f"compress needs a vector as condition, got {chosen.type}")
    line, place = (ravel(a), 0) if axis is None else (arr(a), canonical_axis(axis, arr(a).ndim))
    n = line.shape[place]
    if size is None:
        places = np.flatnonzero(_known(chosen))
        if places.size and places[-1] >= n:
            raise value_error(f"the condition of compress holds beyond the {n} elements there are")
        return take(line, places, place)
    if not 0 <= size <= n:
        raise value_error(f"compress to size {size}: there are {n} elements")
    chosen = slice_in_dim(chosen, 0, builtins.min(n, chosen.size), 0)
    (places,) = nonzero(chosen, size=size, fill_value=n)
    found = take(line, places, place, mode="clip")
    there = s.reshape(e.lt(places, like(places, n)), tuple(size if d == place else 1 for d in range(line.ndim)))
    return where(there, found, e.convert_element_type(arr(fill_value), line.dtype))


def extract(condition: Any, arr: Any, *, size: int | None = None, fill_value: Any = 0) -> Any:
    """The elements where the condition holds, in one dimension."""
    return compress(ravel(condition), ravel(arr), size=size, fill_value=fill_value)


# --- replacing ------------------------------------------------------------------------------------------------------


def _repeated(values: Any, n: int) -> Any:
    """The values, again and again, ``n`` in all."""
    flat = ravel(values)
    return slice_in_dim(tile(flat, -(-n // flat.size)), 0, n, 0)


def place(arr: Any, mask: Any, vals: Any, *, inplace: bool = True) -> Any:
    """A new array with ``vals``, one after the other, where the mask holds. Raises ValueError unless inplace=False."""
    _not_in_place("place", inplace)
    x, truth, values = _value(arr), ravel(_truth(mask)), ravel(vals)
    if x.size != truth.size or not values.size:
        raise value_error(f"place of {values.type} in {x.type} by a mask of {truth.size} elements")
    if not x.size:
        return x
    count = e.sub(cumsum(truth), np.asarray(1, default_int()))
    new = take(values, remainder(count, values.size), mode="clip")
    return s.reshape(where(truth, e.convert_element_type(new, x.dtype), ravel(x)), x.shape)


_value = arr


def put(a: Any, ind: Any, v: Any, mode: str | None = None, *, inplace: bool = True) -> Any:
    """A new array with ``v``, one after the other, at indices into the flattened array.

    mode: indices outside are dropped (None), wrapped or clipped. Raises ValueError unless inplace=False.
    """
    _not_in_place("put", inplace)
    x, places, values = _value(a), ravel(ind), ravel(v)
    if not x.size or not places.size or not values.size:
        return x
    if mode == "raise":
        raise unsupported("put with mode='raise' is not supported", "mode='wrap' or 'clip'")
    if mode not in (None, "clip", "wrap"):
        raise value_error(f"mode must be 'clip' or 'wrap', got {mode!r}")
    if mode is not None:
        places = clip(places, 0, x.size - 1) if mode == "clip" else remainder(places, x.size)
    new = e.convert_element_type(_repeated(values, places.size), x.dtype)
    return s.reshape(ravel(x).at[places].set(new, mode="drop"), x.shape)


def fill_diagonal(a: Any, val: Any, wrap: bool = False, *, inplace: bool = True) -> Any:
    """A new array with ``val``, one after the other, on the main diagonal.

    Raises ValueError unless inplace=False and the array has at least two axes, of equal size if more;
    NotImplementedError for ``wrap``.
    """
    _not_in_place("fill_diagonal", inplace)
    if wrap:
        raise unsupported("fill_diagonal with wrap=True is not supported")
    x, value = _value(a), _value(val)
    if x.ndim < 2 or (x.ndim > 2 and len(set(x.shape)) > 1):
        raise value_error(f"fill_diagonal needs a matrix, or more axes of one size, got {x.type}")
    n = builtins.min(x.shape)
    line = iota(default_int(), (n,), 0)
    value = e.convert_element_type(value if not value.ndim else _repeated(value, n), x.dtype)
    return x.at[(line,) * x.ndim].set(value)


# --- sizes ----------------------------------------------------------------------------------------------------------


def resize(a: Any, new_shape: Any) -> Any:
    """The elements, repeated as often as needed, in a new shape. Raises ValueError for negative sizes."""
    shape = (new_shape,) if isinstance(new_shape, int) else tuple(operator.index(n) for n in new_shape)
    if any(n < 0 for n in shape):
        raise value_error(f"resize cannot make the shape {shape}")
    flat, n = ravel(a), math.prod(shape)
    if not flat.size or not n:
        return zeros_like(flat, shape=shape)
    return s.reshape(_repeated(flat, n), shape)


def trim_zeros(filt: Any, trim: str = "fb", axis: Axis = None) -> Any:
    """Without the slices of zeros in front (f) and at the back (b) of the axes (default: all); values must be known."""
    x = arr(filt)
    known = _known(x) != 0
    axes = axes_of(axis, x.ndim)
    front, back = "f" in trim.lower(), "b" in trim.lower()
    for d in axes if front or back else ():
        there = np.flatnonzero(known.any(tuple(i for i in range(x.ndim) if i != d)))
        if not there.size:
            x = slice_in_dim(x, 0, 0, d)
            continue
        x = slice_in_dim(x, int(there[0]) if front else 0, int(there[-1]) + 1 if back else x.shape[d], d)
    return x


def delete(arr: Any, obj: Any, axis: int | None = None, *, assume_unique_indices: bool = False) -> Any:
    """Without the elements at an index, at indices, in a slice or where a mask holds, along an axis or flattened.

    The indices must be known, unless they are declared to be distinct. Raises ValueError for a mask of another size
    or indices of another kind, IndexError for indices outside.
    """
    x, d = (ravel(arr), 0) if axis is None else (_value(arr), canonical_axis(axis, _value(arr).ndim))
    n = x.shape[d]
    if isinstance(obj, slice):
        gone: Any = np.arange(n)[obj]
    elif assume_unique_indices and isinstance(obj, Value) and obj.ndim and obj.dtype.kind in "iu":
        return take(x, _left(obj, n), d)
    else:
        gone = _known(obj)
        gone = gone.astype(np.intp) if not gone.size else gone
    if gone.dtype.kind not in "biu":
        raise value_error(f"delete needs indices or a mask, got {gone.dtype}")
    if gone.dtype.kind == "b" and gone.shape != (n,):
        raise value_error(f"delete needs a mask of {n} elements, got shape {gone.shape}")
    if gone.dtype.kind != "b" and not gone.ndim:
        gone = np.asarray(canonical_axis(int(gone), n))
    kept = np.ones(n, bool)
    kept[gone] = False
    return take(x, np.flatnonzero(kept), d)


def _left(gone: Any, n: int) -> Any:
    """The indices that are left when distinct ones go: each one behind k of them is shifted by k."""
    gone = ravel(gone)
    gone = sorting.sort(clip(where(gone < 0, gone + n, gone), 0, n))
    gone = gone - iota(gone.dtype, gone.shape, 0)
    i = iota(gone.dtype, (n - gone.size,), 0)
    return i + sum(s.expand_dims(i, [0]) >= s.expand_dims(gone, [1]), 0, gone.dtype)


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """With values inserted before an index, indices, or those of a slice, along an axis or flattened.

    Raises ValueError for indices that are no integers or have more than one dimension.

    >>> print(insert(np.array([1, 2, 3]), 1, 9))
    [1 9 2 3]
    """
    x, d = (ravel(arr), 0) if axis is None else (_value(arr), canonical_axis(axis, _value(arr).ndim))
    n = x.shape[d]
    places = _insertion(obj, n)
    single = not places.ndim
    new = e.convert_element_type(array(values, ndmin=x.ndim), x.dtype)
    new = moveaxis(new, 0, d) if single else new
    count = new.shape[d] if places.size == 1 else np.broadcast_shapes(places.shape, (new.shape[d],))[0]
    places = s.broadcast_in_dim(s.reshape(places, (1,)) if places.size == 1 else places, (count,), (0,))
    places = clip(where(places < 0, places + n, places), 0, n)
    order = sorting.argsort(places)
    target = places.at[order].add(iota(places.dtype, (count,), 0))
    taken = Array(np.zeros(n + count, bool)).at[target].set(True)
    (free,) = nonzero(e.bitwise_not(taken), size=n)
    shape = tuple(n + count if i == d else m for i, m in enumerate(x.shape))
    wide = tuple(count if i == d else m for i, m in enumerate(x.shape))
    lead = (slice(None),) * d
    out = zeros_like(x, shape=shape).at[(*lead, target)].set(s.broadcast_to_type(new, x.type.with_shape(wide)))
    return out.at[(*lead, free)].set(x)


def _insertion(obj: Any, n: int) -> Any:
    if isinstance(obj, slice):
        return Array(np.arange(*obj.indices(n)).astype(default_int()))
    places = arr(np.asarray(obj)) if isinstance(obj, (list, tuple)) else arr(obj)
    if not places.size:
        places = e.convert_element_type(places, default_int())
    if places.ndim > 1 or places.dtype.kind not in "iu":
        raise value_error(f"insert needs an integer, a vector of integers or a slice, got {places.type}")
    return places


