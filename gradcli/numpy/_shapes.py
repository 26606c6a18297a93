"""Shapes: reshaping, moving and adding axes, broadcasting, reversing and rolling."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.engine.abstract import typed
from gradcli.engine.array import Array, Value, type_of
from gradcli.engine.ir.types import Shape, broadcast_shapes
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.operators import negative, remainder
from gradcli.engine.ops.shape import canonical_axis
from gradcli.engine.trace.tracer import Tracer
from gradcli.numpy._base import Axis, arr, axes_of, type_error, unsupported, value_error
from gradcli.numpy._creation import shape_of


def reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    """The same elements in another shape; one size may be -1. Raises TypeError where the sizes do not fit."""
    a = arr(a)
    sizes = [operator.index(n) for n in (shape if isinstance(shape, (tuple, list)) else (shape,))]
    if sizes.count(-1) > 1 or any(n < -1 for n in sizes):
        raise value_error(f"at most one size of a shape can be -1, got {tuple(sizes)}")
    if -1 in sizes:
        rest = math.prod(n for n in sizes if n != -1)
        if not rest or a.size % rest:
            raise type_error(f"cannot reshape {a.type} into shape {tuple(sizes)}")
        sizes[sizes.index(-1)] = a.size // rest
    if order == "F":
        return transpose(s.reshape(transpose(a), tuple(sizes[::-1])))
    if order not in ("C", "A"):
        raise unsupported(f"reshape supports order 'C' and 'F', not {order!r}")
    return s.reshape(a, tuple(sizes))


def ravel(a: Any, order: str = "C") -> Any:
    """All elements in one dimension."""
    return reshape(a, (type_of(a).size,), order)


def transpose(a: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes permuted; reversed by default."""
    a = arr(a)
    order = range(a.ndim)[::-1] if axes is None else [canonical_axis(i, a.ndim) for i in axes]
    return s.transpose(a, tuple(order))


permute_dims = transpose


def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged. Raises ValueError for fewer than two dimensions."""
    if type_of(x).ndim < 2:
        raise value_error(f"a matrix has at least two dimensions, got {type_of(x)}")
    return swapaxes(x, -1, -2)


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    a = arr(a)
    order = list(range(a.ndim))
    i, j = canonical_axis(axis1, a.ndim), canonical_axis(axis2, a.ndim)
    order[i], order[j] = order[j], order[i]
    return s.transpose(a, order)


def moveaxis(a: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """Axes moved to other positions, the rest in order. Raises ValueError where the counts differ."""
    a = arr(a)
    sources = [canonical_axis(i, a.ndim) for i in ([source] if isinstance(source, int) else source)]
    targets = [canonical_axis(i, a.ndim) for i in ([destination] if isinstance(destination, int) else destination)]
    if len(sources) != len(targets):
        raise value_error(f"moveaxis needs as many destinations as sources, got {source} and {destination}")
    order = [i for i in range(a.ndim) if i not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return s.transpose(a, order)


def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """The axis moved before position ``start``."""
    ndim = type_of(a).ndim
    axis = canonical_axis(axis, ndim)
    start = start + ndim if start < 0 else start
    return moveaxis(a, axis, start - 1 if axis < start else start)


def expand_dims(a: Any, axis: int | Sequence[int]) -> Any:
    """New axes of size 1 at these positions of the result."""
    a = arr(a)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    ndim = a.ndim + len(axes)
    places = [canonical_axis(i, ndim) for i in axes]
    if len(set(places)) != len(places):
        raise value_error(f"repeated axis in expand_dims: {axis}")
    return s.expand_dims(a, places)


def squeeze(a: Any, axis: Axis = None) -> Any:
    """Drops axes of size 1: all of them, or those named. Raises ValueError where one is of another size."""
    a = arr(a)
    axes = tuple(i for i, n in enumerate(a.shape) if n == 1) if axis is None else axes_of(axis, a.ndim)
    if any(a.shape[i] != 1 for i in axes):
        raise value_error(f"cannot squeeze axis {axis} of {a.type}", "its size is not 1")
    return s.squeeze(a, axes)


def broadcast_to(array: Any, shape: Any) -> Any:
    """Repeated to a larger shape, by NumPy's rules. Raises ValueError where it does not fit."""
    a = arr(array)
    sizes = shape_of(shape)
    lead = len(sizes) - a.ndim
    if lead < 0 or any(n not in (1, m) for n, m in zip(a.shape, sizes[lead:], strict=True)):
        raise value_error(f"cannot broadcast {a.type} to shape {sizes}")
    return s.broadcast_in_dim(a, sizes, tuple(range(lead, len(sizes))))


def broadcast_arrays(*args: Any) -> list[Any]:
    """The arguments, broadcast to their common shape."""
    shape = broadcast_shapes(*(type_of(a).shape for a in args))
    return [broadcast_to(a, shape) for a in args]


def atleast_1d(*arys: Any) -> Any:
    """At least one dimension each; a list for several arguments."""
    return _each(arys, lambda a: a if a.ndim else s.reshape(a, (1,)))


def atleast_2d(*arys: Any) -> Any:
    """At least two dimensions each, added in front; a list for several arguments."""
    return _each(arys, lambda a: a if a.ndim > 1 else s.expand_dims(a, range(2 - a.ndim)))


def atleast_3d(*arys: Any) -> Any:
    """At least three dimensions each: (1, n, 1) for a vector, (n, m, 1) for a matrix; a list for several arguments."""
    return _each(arys, lambda a: a if a.ndim > 2 else s.expand_dims(a, [(0, 1, 2), (0, 2), (2,)][a.ndim]))


def _each(arys: Sequence[Any], f: Any) -> Any:
    out = [f(arr(a)) for a in arys]
    return out[0] if len(out) == 1 else out


# --- order ----------------------------------------------------------------------------------------------------------


def flip(m: Any, axis: Axis = None) -> Any:
    """The order reversed along the axes (default: all)."""
    m = arr(m)
    return s.rev(m, axes_of(axis, m.ndim))


def flipud(m: Any) -> Any:
    """Rows in reverse order."""
    return flip(m, 0)


def fliplr(m: Any) -> Any:
    """Columns in reverse order."""
    return flip(m, 1)


def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turned by ``k`` quarters from the first axis to the second."""
    m = arr(m)
    first, second = (canonical_axis(a, m.ndim) for a in axes)
    if first == second:
        raise value_error("rot90 needs two different axes")
    turns = k % 4
    if turns == 0:
        return m
    if turns == 2:
        return flip(m, (first, second))
    if turns == 1:
        return swapaxes(flip(m, second), first, second)
    return flip(swapaxes(m, first, second), second)


def roll(a: Any, shift: Any, axis: Axis = None) -> Any:
    """Elements shifted along the axes (default: in the flattened array), coming in again at the other end."""
    a = arr(a)
    if axis is None:
        return s.reshape(roll(s.reshape(a, (a.size,)), shift, 0), a.shape)
    axes = [canonical_axis(i, a.ndim) for i in ([axis] if isinstance(axis, int) else axis)]
    if isinstance(shift, Tracer) or (isinstance(shift, (list, tuple)) and any(isinstance(n, Tracer) for n in shift)):
        return _rolled_by_traced(a, shift, axes)
    shifts = np.broadcast_to(np.asarray(shift.concrete() if isinstance(shift, Value) else shift), (len(axes),))
    for n, i in zip(shifts.tolist(), axes, strict=True):
        size = a.shape[i]
        n = n % size if size else 0
        if n:
            a = concatenate([slice_in_dim(a, size - n, size, i), slice_in_dim(a, 0, size - n, i)], i)
    return a


def _rolled_by_traced(a: Any, shift: Any, axes: Sequence[int]) -> Any:
    """Each axis twice, one behind the other, and a window of its size that starts where the shift says."""
    each = list(shift) if isinstance(shift, (list, tuple)) else list(shift) if type_of(shift).ndim else [shift]
    each = each * len(axes) if len(each) == 1 else each
    if len(each) != len(axes):
        raise value_error(f"roll got {len(each)} shifts for {len(axes)} axes")
    for n, i in zip(each, axes, strict=True):
        size = a.shape[i]
        if size:
            start = remainder(negative(n), size)
            a = import_module("gradcli.engine.ops.dynamic").dynamic_slice_in_dim(concatenate([a, a], i), start, size, i)
    return a


def shape(a: Any) -> Shape:
    """The shape: of an array of any library's, a number, or a list of such."""
    found = getattr(a, "shape", None)
    if found is not None:
        return found  # type: ignore[no-any-return]
    return (len(a), *(shape(a[0]) if a else ())) if isinstance(a, (list, tuple)) else typed(a).shape


def ndim(a: Any) -> int:
    """The number of dimensions: of an array of any library's, a number, or a list of such."""
    return len(shape(a))


def size(a: Any, axis: int | Sequence[int] | None = None) -> int:
    """The number of elements, or of those along one axis or several."""
    t = typed(a)
    if axis is None:
        return t.size
    axes = axis if isinstance(axis, Sequence) else (axis,)
    return math.prod(t.shape[i] for i in {canonical_axis(i, t.ndim) for i in axes})


def copy(a: Any, order: str | None = None) -> Any:
    """The array itself: arrays here do not change, so they need no copying."""
    return Array(np.array(a)) if isinstance(a, np.ndarray) else arr(a)
