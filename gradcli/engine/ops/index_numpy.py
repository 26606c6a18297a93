"""What gather and scatter mean: their dimension numbers (XLA's), and NumPy evaluation without loops over elements.

A gather copies one window of the operand for every index vector (a row of the last axis of the indices); a scatter
combines one window of updates into the operand for each. Windows that leave the operand are moved inside, or skipped.
"""

from __future__ import annotations

import builtins
import enum
import functools
import math
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine.ir.types import Shape
from gradcli.engine.record import record

Axes = tuple[int, ...]


@record
class GatherDimensionNumbers:
    """How the axes of operand, indices and result of a gather belong together.

    offset_dims: axes of the result that run over a window.
    collapsed_slice_dims: axes of the operand where a window has size 1 and leaves no axis.
    start_index_map: the operand axis that each entry of an index vector is a start on.
    operand_batching_dims, start_indices_batching_dims: axes of operand and indices that run together.
    """

    offset_dims: Axes
    collapsed_slice_dims: Axes
    start_index_map: Axes
    operand_batching_dims: Axes = ()
    start_indices_batching_dims: Axes = ()


@record
class ScatterDimensionNumbers:
    """How the axes of operand, indices and updates of a scatter belong together, as for a gather."""

    update_window_dims: Axes
    inserted_window_dims: Axes
    scatter_dims_to_operand_dims: Axes
    operand_batching_dims: Axes = ()
    scatter_indices_batching_dims: Axes = ()

    def gather(self) -> GatherDimensionNumbers:
        """The numbers of the gather that reads what this scatter writes."""
        return GatherDimensionNumbers(
            self.update_window_dims,
            self.inserted_window_dims,
            self.scatter_dims_to_operand_dims,
            self.operand_batching_dims,
            self.scatter_indices_batching_dims,
        )


def scatter_numbers(numbers: GatherDimensionNumbers) -> ScatterDimensionNumbers:
    """The numbers of the scatter that writes where this gather reads."""
    return ScatterDimensionNumbers(
        numbers.offset_dims,
        numbers.collapsed_slice_dims,
        numbers.start_index_map,
        numbers.operand_batching_dims,
        numbers.start_indices_batching_dims,
    )


class GatherScatterMode(enum.Enum):
    """What becomes of a window that does not lie inside of the operand.

    CLIP moves it inside. FILL_OR_DROP fills it (gather) or skips it (scatter). PROMISE_IN_BOUNDS says that there is
    none; where that is broken, it is CLIP, for gather and scatter alike, so that they stay each other's transpose.
    """

    CLIP = enum.auto()
    FILL_OR_DROP = enum.auto()
    PROMISE_IN_BOUNDS = enum.auto()

    @staticmethod
    def from_any(mode: str | GatherScatterMode | None) -> GatherScatterMode:
        """The mode of that name: clip, fill or drop (also None), promise_in_bounds. Raises ValueError for any other."""
        if isinstance(mode, GatherScatterMode):
            return mode
        if mode not in _MODES:
            names = ", ".join(repr(name) for name in _MODES if name)
            raise ValueError(f"unknown mode {mode!r} of indices out of bounds: it is one of {names}")
        return _MODES[mode]


_MODES = {
    None: GatherScatterMode.FILL_OR_DROP,
    "clip": GatherScatterMode.CLIP,
    "fill": GatherScatterMode.FILL_OR_DROP,
    "drop": GatherScatterMode.FILL_OR_DROP,
    "promise_in_bounds": GatherScatterMode.PROMISE_IN_BOUNDS,
}


class Indexed(NamedTuple):
    """An operand axis of which a window has a part: where the start comes from, and the window axis if there is one."""

    axis: int
    column: int | None
    batch_axis: int | None
    window_axis: int | None
    size: int
    limit: int


class Layout(NamedTuple):
    """A gather's or scatter's axes, worked out: those with positions, those taken whole, and the result's."""

    indexed: tuple[Indexed, ...]
    whole: Axes
    whole_columns: Axes
    batch_shape: Shape
    part_sizes: Shape
    windows: dict[int, int]
    batch_dims: Axes
    out_shape: Shape


def window_axes(numbers: GatherDimensionNumbers, ndim: int) -> Axes:
    """The operand axes that a window keeps, in order: one for each of ``offset_dims``."""
    gone = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    return tuple(d for d in range(ndim) if d not in gone)


@functools.lru_cache(maxsize=4096)
def layout(shape: Shape, index_shape: Shape, numbers: GatherDimensionNumbers, sizes: Shape) -> Layout:
    """Works the axes out. ``sizes`` are those of a window, in every operand axis."""
    kept = window_axes(numbers, len(shape))
    windows = dict(zip(kept, numbers.offset_dims, strict=True))
    columns = {axis: column for column, axis in enumerate(numbers.start_index_map)}
    together = dict(zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True))
    whole = tuple(d for d in kept if sizes[d] == shape[d])
    parts = [d for d in kept if d not in whole]
    indexed = tuple(
        Indexed(d, columns.get(d), together.get(d), parts.index(d) if d in parts else None, sizes[d], n - sizes[d])
        for d, n in enumerate(shape)
        if d not in whole
    )
    batch_shape = index_shape[:-1]
    rank = len(batch_shape) + len(kept)
    batch_dims = tuple(d for d in range(rank) if d not in numbers.offset_dims)
    out = [0] * rank
    for d, n in [*zip(batch_dims, batch_shape, strict=True), *((windows[d], sizes[d]) for d in kept)]:
        out[d] = n
    whole_columns = tuple(columns[d] for d in whole if d in columns)
    part_sizes = tuple(sizes[d] for d in parts)
    return Layout(indexed, whole, whole_columns, batch_shape, part_sizes, windows, batch_dims, tuple(out))


def _positions(lay: Layout, indices: Any, mode: GatherScatterMode) -> tuple[list[Any], Any]:
    """For each indexed axis its positions, of a shape that broadcasts to batch + parts; and where the window is inside.

    The second is None where every window is inside, or has been moved there.
    """
    if indices.dtype == np.uint64:
        indices = np.minimum(indices, np.iinfo(np.intp).max)
    indices = indices.astype(np.intp, copy=False)
    drop = mode is GatherScatterMode.FILL_OR_DROP
    inside: Any = None
    for column in lay.whole_columns if drop else ():
        inside = _both(inside, indices[..., column] == 0)
    out = []
    for a in lay.indexed:
        start: Any = np.zeros((1,) * len(lay.batch_shape), np.intp)
        if a.column is not None:
            given = indices[..., a.column]
            start = np.minimum(np.maximum(given, 0), a.limit)
            if drop:
                inside = _both(inside, given == start)
        elif a.batch_axis is not None:
            start = _along(np.arange(lay.batch_shape[a.batch_axis]), a.batch_axis, len(lay.batch_shape))
        start = start.reshape(start.shape + (1,) * len(lay.part_sizes))
        if a.window_axis is not None:
            start = start + _along(np.arange(a.size), len(lay.batch_shape) + a.window_axis, start.ndim)
        out.append(start)
    return out, None if inside is None or inside.all() else inside


def _both(a: Any, b: Any) -> Any:
    return b if a is None else a & b


def _along(line: Any, axis: int, ndim: int) -> Any:
    return line.reshape([-1 if i == axis else 1 for i in range(ndim)])


def gather_numpy(
    x: Any,
    indices: Any,
    *,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Shape,
    mode: GatherScatterMode,
    fill_value: Any,
    **flags: Any,
) -> Any:
    """Evaluates a gather: by ``np.take`` where one axis has positions or they come first, else by advanced indexing."""
    x, indices = np.asarray(x), np.asarray(indices)
    lay = layout(x.shape, indices.shape, dimension_numbers, slice_sizes)
    positions, inside = _positions(lay, indices, mode)
    picked = lay.batch_shape + lay.part_sizes
    axes = tuple(a.axis for a in lay.indexed)
    front = axes == tuple(range(len(axes)))
    rest = tuple(x.shape[d] for d in lay.whole)
    if not axes:
        out = np.broadcast_to(x, picked + rest)
    elif front and x.flags.c_contiguous and x.size:
        flat = _ravel(positions, [x.shape[d] for d in axes], picked)
        out = np.take(x.reshape((-1, *rest)), flat, axis=0, mode="clip")
    elif len(axes) == 1 and x.size:
        out = np.take(x, np.broadcast_to(positions[0], picked), axis=axes[0], mode="clip")
        out = np.moveaxis(out, range(axes[0], axes[0] + len(picked)), range(len(picked)))
    else:
        out = x.transpose(axes + lay.whole)[tuple(np.broadcast_to(p, picked) for p in positions)]
    if inside is not None:
        out = np.array(out, copy=None if out.flags.writeable else True)
        out[~inside] = x.dtype.type(fill_value)
    return _arrange(out, lay)[()]


def _ravel(positions: list[Any], shape: list[int], picked: Shape) -> Any:
    """Flat positions, row-major, in an array of ``shape``."""
    flat = positions[0]
    for p, n in zip(positions[1:], shape[1:], strict=True):
        flat = flat * n + p
    return flat if flat.shape == picked else np.broadcast_to(flat, picked)


def _arrange(out: Any, lay: Layout) -> Any:
    """From batch + parts + whole to the order of the result."""
    parts = [a.axis for a in lay.indexed if a.window_axis is not None]
    order = [*lay.batch_dims, *(lay.windows[d] for d in parts), *(lay.windows[d] for d in lay.whole)]
    return out if order == sorted(order) else out.transpose(np.argsort(order))


def window_sizes(shape: Shape, update_shape: Shape, numbers: GatherDimensionNumbers) -> Shape:
    """The window sizes of a scatter, in every operand axis."""
    kept = dict(zip(window_axes(numbers, len(shape)), numbers.offset_dims, strict=True))
    return tuple(update_shape[kept[d]] if d in kept else min(1, n) for d, n in enumerate(shape))


@functools.lru_cache(maxsize=4096)
def _scatter_layout(shape: Shape, index_shape: Shape, update_shape: Shape, numbers: ScatterDimensionNumbers) -> Layout:
    same = numbers.gather()
    return layout(shape, index_shape, same, window_sizes(shape, update_shape, same))


def scatter_numpy(
    ufunc: np.ufunc | None,
    x: Any,
    indices: Any,
    updates: Any,
    *,
    dimension_numbers: ScatterDimensionNumbers,
    mode: GatherScatterMode,
    unique_indices: bool,
    **flags: Any,
) -> Any:
    """Evaluates a scatter that combines by ``ufunc``, or overwrites: then the last of several updates stays."""
    x, indices, updates = np.asarray(x), np.asarray(indices), np.asarray(updates)
    out = np.array(x, order="C")
    lay = _scatter_layout(x.shape, indices.shape, updates.shape, dimension_numbers)
    positions, inside = _positions(lay, indices, mode)
    if not updates.size or (inside is not None and not inside.any()):
        return out[()]
    if math.prod(lay.batch_shape) == 1:
        _write_window(out, positions, lay, updates, ufunc)
        return out[()]
    flat = _flat_elements(out.shape, positions, lay)
    if inside is not None:
        mask = np.broadcast_to(inside.reshape(_spread(lay, inside.shape)), lay.out_shape)
        flat, updates = flat[mask], updates[mask]
    line, flat, updates = out.reshape(-1), flat.reshape(-1), updates.reshape(-1)
    if ufunc is None:
        line[flat] = updates
    elif unique_indices:
        line[flat] = ufunc(line[flat], updates)
    else:
        ufunc.at(line, flat, updates)
    return out[()]


def _write_window(out: Any, positions: list[Any], lay: Layout, updates: Any, ufunc: np.ufunc | None) -> None:
    """One window only: a slice, without positions for each of its elements."""
    window = [builtins.slice(None)] * out.ndim
    for a, p in zip(lay.indexed, positions, strict=True):
        start = int(p.reshape(-1)[0])
        window[a.axis] = builtins.slice(start, start + a.size)
    target = out[(*window, ...)]  # an array, of no dimensions too
    order = [*lay.batch_dims, *(lay.windows[d] for d in sorted(lay.windows))]
    values = updates.transpose(order).reshape(target.shape)
    if ufunc is None:
        target[...] = values
    else:
        ufunc(target, values, out=target)


def _spread(lay: Layout, batch_shape: Shape) -> Shape:
    """A batch shape as a shape of the result's rank."""
    out = [1] * len(lay.out_shape)
    for d, n in zip(lay.batch_dims, batch_shape, strict=True):
        out[d] = n
    return tuple(out)


def _flat_elements(shape: Shape, positions: list[Any], lay: Layout) -> Any:
    """The row-major position in the operand of every element of the updates, in the layout of the updates."""
    strides = [math.prod(shape[d + 1 :]) for d in range(len(shape))]
    flat: Any = np.zeros((1,) * len(lay.out_shape), np.intp)
    count = len(lay.batch_shape)
    for a, p in zip(lay.indexed, positions, strict=True):
        spread = list(_spread(lay, p.shape[:count]))
        if a.window_axis is not None:
            spread[lay.windows[a.axis]] = a.size
            order = np.argsort([*lay.batch_dims, lay.windows[a.axis]])
            p = p.reshape(*p.shape[:count], a.size).transpose(order)
        flat = flat + p.reshape(spread) * strides[a.axis]
    for d in lay.whole:
        flat = flat + _along(np.arange(shape[d]) * strides[d], lay.windows[d], len(lay.out_shape))
    return np.broadcast_to(flat, lay.out_shape)
