"""Indices of buffers: which are NumPy's basic ones, and what becomes of traced values within them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.boxes import Boxed, unboxed
from gradcli.engine.array import Array, Value
from gradcli.engine.trace.tracer import Tracer, value_of

_BASIC = frozenset({int, type(None), type(Ellipsis)})


def is_basic(index: Any) -> bool:
    """Whether NumPy answers with a view (or an element): no arrays, no masks, nothing traced."""
    if type(index) is tuple:
        return all([type(part) in _BASIC or (type(part) is not tuple and is_basic(part)) for part in index])
    kind = type(index)
    if kind is slice:
        return not any(isinstance(part, Boxed) for part in (index.start, index.stop, index.step))
    return kind in _BASIC or isinstance(index, np.integer)


def integers(index: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The index as places counted from 0 where it is integers only, else None. Raises IndexError out of bounds."""
    parts = index if type(index) is tuple else (index,)
    if not parts or len(parts) > len(shape):
        return None
    key = []
    for axis, i in enumerate(parts):
        if type(i) is not int and not isinstance(i, np.integer):
            return None
        n = shape[axis]
        if not -n <= i < n:
            raise IndexError(f"index {i} is out of bounds for axis {axis} with size {n}")
        key.append(int(i) if i >= 0 else int(i) + n)
    return tuple(key)


def is_mask(index: Any) -> bool:
    """Whether it is one mask of booleans."""
    return isinstance(index, (Value, np.ndarray)) and index.dtype == bool and index.ndim > 0


def settled(index: Any, mask: bool = False) -> Any:
    """An index without boxes and lists. Masks become what they are in this run, which the trace notes.

    ``mask``: an index that is but one mask stays as it is.
    """
    if type(index) is tuple:
        return tuple(settled(list(part) if type(part) is tuple else part) for part in index)
    if type(index) is slice:
        return slice(*(_whole(part) for part in (index.start, index.stop, index.step)))
    if isinstance(index, Sequence) and not isinstance(index, list):
        index = list(index)  # a range, for one, is an array of its numbers
    index = unboxed(index)
    if isinstance(index, list):
        return gnp.array(index) if has_traced(index) else np.array(index, dtype=None if index else np.intp)
    if isinstance(index, Value) and index.dtype == bool and not index.ndim:
        return bool(index)
    if isinstance(index, Tracer) and is_mask(index) and not mask:
        found = np.asarray(index.concrete())  # raises where it has none, as an `if` would
        index.trace.note(index, found)
        return found
    return index


def is_truth(index: Any) -> bool:
    """Whether it is one truth, which takes all or nothing, with an axis more."""
    return isinstance(index, (bool, np.bool_)) or (type(index) is np.ndarray and index.dtype == bool and not index.ndim)


def _whole(part: Any) -> Any:
    return int(part) if isinstance(part, Boxed) else part


def has_traced(x: Any) -> bool:
    """Whether a tracer is in it, in lists and tuples too."""
    return any(has_traced(part) for part in x) if isinstance(x, (list, tuple)) else isinstance(x, Tracer)


def numpy_index(index: Any) -> Any:
    """An index without tracers as NumPy takes it."""
    if type(index) is tuple:
        return tuple(numpy_index(part) for part in index)
    return index.value if type(index) is Array else index


def spread(new: Any, shape: tuple[int, ...]) -> Any:
    """A value broadcast to a shape as an assignment does it: leading axes of length 1 may be too many.

    Raises ValueError where it does not fit.
    """
    found = np.shape(new) if not isinstance(new, Value) else new.shape
    if found == shape:
        return new
    while len(found) > len(shape) and found[0] == 1:
        found = found[1:]
    try:
        if np.broadcast_shapes(found, shape) != shape:
            raise ValueError
    except ValueError:
        raise ValueError(f"could not broadcast input array from shape {found} into shape {shape}") from None
    if isinstance(new, Value):
        return gnp.broadcast_to(gnp.reshape(new, found), shape)
    return np.broadcast_to(np.reshape(new, found), shape)


def within(index: Any, shape: tuple[int, ...]) -> Any:
    """The index. Raises IndexError as NumPy does, where the engine would move it into the array or ignore it."""
    known = _known(index)
    if known is not None:
        np.broadcast_to(np.zeros((), bool), shape)[known]
    return index


def _known(index: Any) -> Any:
    """The index in NumPy's terms, with the values of this run; None where there are none."""
    if type(index) is tuple:
        parts = tuple(x if x is None else _known(x) for x in index)
        return None if any(k is None and x is not None for k, x in zip(parts, index, strict=True)) else parts
    found = value_of(index) if isinstance(index, Tracer) else numpy_index(index)
    return np.asarray(found)[()] if isinstance(found, (np.ndarray, np.generic)) else found
