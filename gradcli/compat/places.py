"""Where a NumPy view lies within the array that owns the memory, read off addresses and strides.

NumPy itself makes the views, of an array that stands for the shape and layout only. What is found here says how to read
the view from a functional value of the owner, and how to write it back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp

Index = tuple[Any, ...]


class Place:
    """A view as ``owner[index]``, its axes then permuted by ``axes`` and reshaped to ``shape`` (None: as they are)."""

    __slots__ = ("axes", "index", "shape")

    def __init__(self, index: Index, axes: tuple[int, ...] | None, shape: tuple[int, ...] | None) -> None:
        self.index, self.axes, self.shape = index, axes, shape

    def read(self, get: Callable[[Index], Any]) -> Any:
        """The value of the view, ``get`` giving the owner's values at an index."""
        value = get(self.index)
        value = value if self.axes is None else gnp.transpose(value, self.axes)
        return value if self.shape is None else gnp.reshape(value, self.shape)

    def prepare(self, value: Any, shape: tuple[int, ...]) -> Any:
        """A value of the view's shape as it is to be put to ``owner[index]``, where that has the shape ``shape``."""
        if self.shape is not None:
            moved = shape if self.axes is None else tuple(shape[a] for a in self.axes)
            value = gnp.reshape(value, moved)
        return value if self.axes is None else gnp.transpose(value, tuple(np.argsort(self.axes)))


def address(a: np.ndarray[Any, Any]) -> int:
    """Where its first element is."""
    return int(a.__array_interface__["data"][0])


def locate(owner: np.ndarray[Any, Any], view: np.ndarray[Any, Any]) -> Place:
    """The place of a view: slices wherever it can be said with them, else index arrays."""
    offset = address(view) - address(owner)
    if offset == 0 and view.shape == owner.shape and view.strides == owner.strides:
        return Place((), None, None)
    order = sorted(range(owner.ndim), key=lambda k: -owner.strides[k])
    starts = [0] * owner.ndim
    for k in order:
        if owner.strides[k] > 0 and owner.shape[k] > 1:
            starts[k], offset = divmod(offset, owner.strides[k])
    return _sliced(owner, view, starts, order) or _gathered(owner, view, order)


def _sliced(owner: np.ndarray[Any, Any], view: np.ndarray[Any, Any], starts: Sequence[int], order: Any) -> Place | None:
    """Each longer axis of the view as a slice of one axis of the owner; None where that is not how it lies."""
    index: list[Any] = list(starts)
    used: list[int] = []
    long = [axis for axis in range(view.ndim) if view.shape[axis] > 1]
    for axis in long:
        n, stride = view.shape[axis], view.strides[axis]
        for k in order:
            step, rest = divmod(stride, owner.strides[k]) if owner.strides[k] > 0 else (0, 1)
            last = starts[k] + step * (n - 1)
            if k not in used and step and not rest and 0 <= last < owner.shape[k]:
                stop = last + (1 if step > 0 else -1)
                index[k] = slice(starts[k], None if stop < 0 else stop, step)
                used.append(k)
                break
        else:
            return None
    kept = sorted(used)
    axes = tuple(kept.index(k) for k in used)
    plain = axes == tuple(range(len(axes)))
    while index and index[-1] == slice(0, owner.shape[len(index) - 1], 1):
        index.pop()
    return Place(tuple(index), None if plain else axes, None if len(long) == view.ndim else view.shape)


def _gathered(owner: np.ndarray[Any, Any], view: np.ndarray[Any, Any], order: Sequence[int]) -> Place:
    offsets = np.zeros(view.shape, np.int64) + (address(view) - address(owner))
    for axis, (n, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
        steps = np.arange(n) * stride
        offsets = offsets + steps.reshape((n,) + (1,) * (view.ndim - axis - 1))
    if owner.flags.c_contiguous and view.flags.c_contiguous and view.size == owner.size:
        return Place((), None, view.shape)
    index: list[Any] = [np.zeros(view.shape, np.int64)] * owner.ndim
    for k in order:
        if owner.strides[k] > 0 and owner.shape[k] > 1:
            index[k], offsets = np.divmod(offsets, owner.strides[k])
    return Place(tuple(index), None, None)


def shape_at(owner: tuple[int, ...], index: Index) -> tuple[int, ...]:
    """The shape of ``a[index]`` for an ``a`` of that shape."""
    skeleton = np.broadcast_to(np.empty((), bool), owner)
    return skeleton[index].shape if math.prod(owner) else np.empty(owner, bool)[index].shape


def owner_of(a: np.ndarray[Any, Any]) -> Any:
    """What holds the memory."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a
