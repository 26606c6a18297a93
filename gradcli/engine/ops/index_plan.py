"""NumPy's index expressions, understood: parsed against a shape, and planned as one gather or scatter.

An index is a tuple of integers, slices, None, Ellipsis, and integer or boolean arrays. Where arrays stand, the axes
that they index are replaced by the axes of their common broadcast: where the first of them is if they (and integers)
stand side by side, else in front.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine.array import Value, raw, type_of
from gradcli.engine.errors import NonConcreteBooleanIndexError, TracerIntegerConversionError, fail
from gradcli.engine.ir.types import INT32, INT64, Shape, broadcast_shapes
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate
from gradcli.engine.ops.dynamic import from_the_end
from gradcli.engine.ops.index_numpy import GatherDimensionNumbers
from gradcli.engine.ops.shape import broadcast_in_dim, expand_dims
from gradcli.engine.record import record
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer, value_of


class Integer(NamedTuple):
    """A known integer; ``strict``: out of bounds it is an error when reading (a Python integer, not an array)."""

    value: int
    strict: bool


class Range(NamedTuple):
    """A slice: ``size`` places from ``start`` to before ``stop``, by ``step``."""

    start: int
    stop: int
    step: int
    size: int


class Entry(NamedTuple):
    """One part of an index: an Integer, a Range, an integer array, or None (new axis), on an axis of the operand.

    ``place`` numbers the parts as the user wrote them: arrays are side by side where their numbers are.
    """

    value: Any
    axis: int
    place: int

    @property
    def is_array(self) -> bool:
        """Whether it is an array, of any rank."""
        return not isinstance(self.value, (Integer, Range, type(None)))

    @property
    def is_integer(self) -> bool:
        """Whether it is a known integer."""
        return isinstance(self.value, Integer)


@record
class Index:
    """A parsed index: its entries in the operand's order, the operand's shape, and axes (size 1) to insert first."""

    entries: tuple[Entry, ...]
    shape: Shape
    inserted: tuple[int, ...]

    @property
    def is_static(self) -> bool:
        """Only integers, slices and new axes."""
        return not any(entry.is_array for entry in self.entries)

    @property
    def is_window(self) -> bool:
        """Only what ``dynamic_slice`` can do: also scalars that are not known yet, but no larger steps."""
        return not self.inserted and all(
            not type_of(v).ndim if entry.is_array else not isinstance(v, Range) or abs(v.step) == 1 or v.size <= 1
            for entry in self.entries
            for v in (entry.value,)
        )


# --- parsing ----------------------------------------------------------------------------------------------------------


def parse(index: Any, shape: Shape) -> Index:
    """The index against an operand's shape.

    Raises IndexError for too many indices, a second Ellipsis or a mask of another shape, TypeError for other objects,
    NonConcreteBooleanIndexError for a mask without a value.
    """
    parts = [_part(p) for p in (index if isinstance(index, tuple) else (index,))]
    used = sum(_rank(p) for p in parts)
    ellipses = sum(p is Ellipsis for p in parts)
    if ellipses > 1:
        raise _index_error("an index can only have a single ellipsis ('...')")
    if used > len(shape):
        raise _index_error(f"too many indices for array: array is {len(shape)}-dimensional, but {used} were indexed")
    if not ellipses:
        parts.append(Ellipsis)
    state = _Walk(list(shape))
    for place, part in enumerate(parts):
        state.take(part, place, len(shape) - used)
    return Index(tuple(state.entries), tuple(state.shape), tuple(state.inserted))


def _part(p: Any) -> Any:
    """One part in canonical form: None, Ellipsis, slice, Integer, a known mask, or an integer array."""
    if p is None or p is Ellipsis or isinstance(p, builtins.slice):
        return p
    if isinstance(p, (bool, np.bool_)):
        return np.asarray(p)
    if isinstance(p, (int, np.integer)):
        return Integer(int(p), True)
    if isinstance(p, (list, tuple)):
        p = _array_of(p)
    if isinstance(p, (Value, np.ndarray)):
        return _array_part(p)
    if isinstance(p, (float, complex, np.generic, str)):
        raise _not_an_index(type(p).__name__)
    try:
        return Integer(operator.index(p), True)
    except TypeError:
        raise _not_an_index(type(p).__name__) from None


def _array_part(p: Any) -> Any:
    kind = type_of(p).dtype.kind
    if kind == "b":
        return _known_mask(p)
    if kind not in "iu":
        raise _not_an_index(f"an array of {type_of(p).dtype.name}")
    if isinstance(p, Tracer):
        return p
    value = np.asarray(raw(p))
    return value if value.ndim else Integer(int(value), False)


def _array_of(parts: Sequence[Any]) -> Any:
    """A (nested) sequence as an array; an empty one holds integers."""
    if not parts:
        return np.zeros(0, INT32)
    if not any(isinstance(leaf, Tracer) for leaf in _leaves(parts)):
        return np.asarray(parts)
    rows = [_array_of(p) if isinstance(p, (list, tuple)) else p for p in parts]
    dtype = INT64 if any(type_of(r).dtype == INT64 for r in rows) else INT32
    rows = [e.convert_element_type(r, dtype) for r in rows]
    return concatenate([expand_dims(r, (0,)) for r in rows], 0)


def _leaves(parts: Sequence[Any]) -> Iterator[Any]:
    for p in parts:
        if isinstance(p, (list, tuple)):
            yield from _leaves(p)
        else:
            yield p


def _known_mask(mask: Any) -> Any:
    """The mask as a NumPy array. The shape of the result depends on it, so a traced one needs its value."""
    if not isinstance(mask, Tracer):
        return np.asarray(raw(mask))
    value = value_of(mask)
    if value is None:
        raise fail(
            "G201",
            f"a boolean mask {mask.type} without a value (under vmap, jit or in a loop body) cannot be an index: "
            "the shape of the result would depend on it",
            hint="use where(mask, x, 0), which keeps the shape",
            location=user_location(),
            cls=NonConcreteBooleanIndexError,
        )
    mask.trace.note(mask, f"a mask with {int(np.count_nonzero(value))} True")
    return np.asarray(value)


def _rank(part: Any) -> int:
    """How many axes of the operand a part uses."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype.kind == "b" else 1


class _Walk:
    """Assigns axes to parts, from left to right."""

    def __init__(self, shape: list[int]) -> None:
        self.shape = shape
        self.entries: list[Entry] = []
        self.inserted: list[int] = []
        self.axis = 0

    def take(self, part: Any, place: int, whole: int) -> None:
        """Adds one part; ``whole`` axes are what an Ellipsis stands for."""
        if part is None:
            self.entries.append(Entry(None, self.axis, place))
        elif part is Ellipsis:
            for _ in range(whole):
                self._use(Range(0, self.shape[self.axis], 1, self.shape[self.axis]), place)
        elif isinstance(part, builtins.slice):
            self._use(_range(part, self.shape[self.axis]), place)
        elif isinstance(part, np.ndarray) and part.dtype.kind == "b":
            self._mask(part, place)
        else:
            self._use(part, place)

    def _use(self, value: Any, place: int) -> None:
        self.entries.append(Entry(value, self.axis, place))
        self.axis += 1

    def _mask(self, mask: Any, place: int) -> None:
        if not mask.ndim:  # True and False are an axis of size 1 or 0
            self.shape.insert(self.axis, 1)
            self.inserted.append(self.axis)
            self._use(np.arange(int(mask)), place)
            return
        for d, n in enumerate(mask.shape):
            if n != self.shape[self.axis + d]:
                raise _index_error(
                    f"boolean index did not match indexed array along axis {self.axis + d}; size of axis is "
                    f"{self.shape[self.axis + d]} but size of corresponding boolean axis is {n}"
                )
        for positions in np.nonzero(mask):
            self._use(positions, place)


def _range(s: builtins.slice, n: int) -> Range:
    try:
        start, stop, step = s.indices(n)
    except TracerIntegerConversionError:
        raise fail(
            "G201",
            f"a slice bound is a traced integer without a value: {s}",
            hint="lax.dynamic_slice takes a traced start, with a size that is fixed",
            location=user_location(),
            cls=IndexError,
        ) from None
    return Range(start, stop, step, len(range(start, stop, step)))


def _index_error(message: str) -> Exception:
    error: Exception = fail("G206", message, location=user_location(), cls=IndexError)
    return error


def out_of_bounds(index: int, axis: int, size: int) -> Exception:
    """The error for a known integer outside of its axis."""
    return _index_error(f"index {index} is out of bounds for axis {axis} with size {size}")


def _not_an_index(what: str) -> Exception:
    error: Exception = fail(
        "G206",
        f"an index must be integers, slices, Ellipsis, None, or integer or boolean arrays, not {what}",
        location=user_location(),
        cls=TypeError,
    )
    return error


# --- planning ---------------------------------------------------------------------------------------------------------


@record
class Plan:
    """An index as one gather: index vectors, dimension numbers, window sizes; and the result's shape.

    ``new_axes`` are the axes of ``shape`` that None made: the gather does not make them, a scatter's updates drop them.
    """

    indices: Any
    numbers: GatherDimensionNumbers
    sizes: Shape
    shape: Shape
    new_axes: tuple[int, ...]
    unique: bool


class _Planner:
    """Collects the columns of the index vectors (values, and the axis where theirs begin), and the result's axes."""

    def __init__(self, index: Index, wrap: bool) -> None:
        self.wrap = wrap
        self.operand = index.shape
        self.columns: list[tuple[Any, int]] = []
        self.map: list[int] = []
        self.batch: list[int] = []
        self.shape: list[int] = []
        self.new_axes: list[int] = []
        self.offsets: list[int] = []
        self.sizes = [1] * len(index.shape)

    def column(self, entry: Entry, first: int) -> None:
        """A column of starts on the entry's axis, whose axes begin at ``first`` of the index vectors' array."""
        value = entry.value.value if isinstance(entry.value, Integer) else entry.value
        n = self.operand[entry.axis]
        if isinstance(value, int):
            value = np.asarray(value + n if value < 0 and self.wrap else value)
        elif self.wrap:
            value = from_the_end(value, n)
        self.columns.append((value, first))
        self.map.append(entry.axis)

    def arrays(self, entries: Sequence[Entry]) -> None:
        """The arrays and the integers among them, broadcast together: they run along new axes of the result."""
        shapes = [() if isinstance(entry.value, Integer) else type_of(entry.value).shape for entry in entries]
        try:
            common = broadcast_shapes(*shapes)
        except TypeError:
            text = " ".join(str(s) for s in shapes)
            raise _index_error(f"shape mismatch: indexing arrays could not be broadcast together: {text}") from None
        first = len(self.batch)
        for entry in entries:
            self.column(entry, first + len(common) - (0 if isinstance(entry.value, Integer) else _ndim(entry.value)))
        self.batch += common
        self.shape += common

    def slice(self, r: Range, axis: int) -> None:
        """A slice is a window, or index vectors where its step is not 1."""
        if r.step == 1 or r.size == self.operand[axis] == 1:
            self.sizes[axis] = r.size
            self.offsets.append(len(self.shape) - len(self.new_axes))
            if r.size != self.operand[axis]:
                self.columns.append((np.asarray(r.start), len(self.batch)))
                self.map.append(axis)
        else:
            self.columns.append((r.start + r.step * np.arange(r.size), len(self.batch)))
            self.map.append(axis)
            self.batch.append(r.size)
        self.shape.append(r.size)

    def vectors(self) -> Any:
        """The columns side by side: integers of shape batch + (number of columns,)."""
        dtype = INT32 if max(self.operand, default=0) <= np.iinfo(INT32).max else INT64
        shape = (*self.batch, 1)
        parts = [_spread(_as_dtype(value, dtype), first, shape) for value, first in self.columns]
        if not parts:
            return np.zeros((*self.batch, 0), dtype)
        if all(isinstance(p, np.ndarray) for p in parts):
            return np.concatenate(parts, axis=-1)
        return concatenate(parts, len(self.batch))


def _ndim(x: Any) -> int:
    return type_of(x).ndim


def _as_dtype(value: Any, dtype: np.dtype[Any]) -> Any:
    if isinstance(value, Value):
        return e.convert_element_type(value, dtype)
    info = np.iinfo(dtype)
    return np.clip(value, -1, info.max).astype(dtype)


def _spread(value: Any, first: int, shape: Shape) -> Any:
    """A column whose axes begin at ``first``, over the whole array of index vectors."""
    ndim = _ndim(value)
    if isinstance(value, Value):
        return broadcast_in_dim(value, shape, tuple(range(first, first + ndim)))
    aligned = [1] * len(shape)
    aligned[first : first + ndim] = value.shape
    return np.broadcast_to(value.reshape(aligned), shape)


def plan(index: Index, wrap: bool = True) -> Plan:
    """One gather for the whole index. ``wrap``: negative integers count from the end.

    Raises IndexError where index arrays do not broadcast together.
    """
    p = _Planner(index, wrap)
    is_advanced = any(entry.is_array and _ndim(entry.value) for entry in index.entries)
    advanced = [x for x in index.entries if is_advanced and (x.is_array or x.is_integer)]
    places = [entry.place for entry in advanced]
    together = all(b - a <= 1 for a, b in zip(places, places[1:], strict=False))
    if advanced and not together:
        p.arrays(advanced)
    for entry in index.entries:
        if entry.value is None:
            p.new_axes.append(len(p.shape))
            p.shape.append(1)
        elif advanced and (entry.is_array or entry.is_integer):
            if together and entry is advanced[0]:
                p.arrays(advanced)
        elif isinstance(entry.value, Range):
            p.slice(entry.value, entry.axis)
        else:
            p.column(entry, len(p.batch))
    whole = {d for d in range(len(p.operand)) if d not in p.map} | _windows(index)
    numbers = GatherDimensionNumbers(
        tuple(p.offsets), tuple(d for d in range(len(p.operand)) if d not in whole), tuple(p.map)
    )
    return Plan(p.vectors(), numbers, tuple(p.sizes), tuple(p.shape), tuple(p.new_axes), not advanced)


def _windows(index: Index) -> set[int]:
    """The axes of slices with step 1: windows, even where they have a start."""
    return {
        x.axis
        for x in index.entries
        if isinstance(x.value, Range) and (x.value.step == 1 or x.value.size == index.shape[x.axis] == 1)
    }
