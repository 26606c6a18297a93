"""Gather and the linear scatters, with XLA's general dimension numbers.

Gather and scatter-add are each other's transpose. A scatter that overwrites keeps the last of several updates of one
element, so that its derivative is one linear map. The scatters that are not linear are in ``scatter``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.stored import Stored
from gradcli.engine.ir.types import INT64, ArrayType, Shape
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.define import REGISTRY, Primitive, is_linear
from gradcli.engine.ops.families import MOVABLE, NUMBERS
from gradcli.engine.ops.index_numpy import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
    gather_numpy,
    scatter_numbers,
    scatter_numpy,
    window_axes,
    window_sizes,
)
from gradcli.engine.ops.index_numpy import layout as layout_of
from gradcli.engine.ops.shape import (
    bad_shape,
    batch_to_front,
    moveaxis,
    zeros,
)
from gradcli.engine.trace.tracer import bind

Operation = Callable[..., Any]


# --- gather -----------------------------------------------------------------------------------------------------------


def gather(
    operand: Any,
    start_indices: Any,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Sequence[int],
    *,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    mode: str | GatherScatterMode | None = None,
    fill_value: Any = None,
) -> Any:
    """A window of the operand for each index vector; the vectors lie along the last axis of ``start_indices``.

    mode: what happens out of bounds: None or promise_in_bounds (clips), clip, or fill.
    fill_value: for mode fill; default nan, False's opposite, or the least (unsigned: greatest) integer.
    Raises TypeError where dimension numbers, sizes and shapes do not fit, ValueError for an unknown mode.

    >>> numbers = GatherDimensionNumbers(offset_dims=(), collapsed_slice_dims=(0,), start_index_map=(0,))
    >>> gather(np.array([5.0, 6.0, 7.0]), np.array([[2], [0]]), numbers, (1,))
    Array([7., 5.], dtype=float64)
    """
    chosen = GatherScatterMode.from_any(GatherScatterMode.PROMISE_IN_BOUNDS if mode is None else mode)
    if chosen is not GatherScatterMode.FILL_OR_DROP:
        fill_value = None
    elif fill_value is None:
        fill_value = default_fill(type_of(operand).dtype)
    return bind(
        gather_p,
        operand,
        start_indices,
        dimension_numbers=dimension_numbers,
        slice_sizes=tuple(int(n) for n in slice_sizes),
        unique_indices=bool(unique_indices),
        indices_are_sorted=bool(indices_are_sorted),
        mode=chosen,
        fill_value=fill_value,
    )


def default_fill(dtype: np.dtype[Any]) -> Any:
    """What stands for an element that does not exist."""
    if dtype.kind in "fc":
        return math.nan
    if dtype.kind == "b":
        return True
    info = np.iinfo(dtype.storage if isinstance(dtype, Stored) else dtype)
    return int(info.min if dtype.kind == "i" else info.max)


def _check(name: str, x: ArrayType, indices: ArrayType, numbers: GatherDimensionNumbers, sizes: Shape) -> None:
    """Raises TypeError where the dimension numbers do not describe these operands."""
    gone = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    problem = None
    if indices.dtype.kind not in "iu" or not indices.shape:
        problem = "indices must be integers, index vectors along the last axis"
    elif indices.shape[-1] != len(numbers.start_index_map):
        problem = f"index vectors have {indices.shape[-1]} entries for axes {numbers.start_index_map}"
    elif len(sizes) != x.ndim or any(not 0 <= n <= m for n, m in zip(sizes, x.shape, strict=True)):
        problem = f"windows of shape {sizes} do not fit"
    elif any(not 0 <= d < x.ndim for d in (*gone, *numbers.start_index_map)):
        problem = "an axis of the dimension numbers does not exist"
    elif any(
        not 0 <= i < indices.ndim - 1 or indices.shape[i] != x.shape[d]
        for d, i in zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True)
    ):
        problem = "axes that run together differ in size"
    elif any(sizes[d] > 1 for d in gone):
        problem = f"a window must have size 1 in the axes {tuple(sorted(gone))}"
    elif len(window_axes(numbers, x.ndim)) != len(numbers.offset_dims):
        problem = f"a window has {len(window_axes(numbers, x.ndim))} axes, not {len(numbers.offset_dims)}"
    if problem is not None:
        raise bad_shape(f"{name} of {x} at indices {indices}: {problem}")


def _gather_type(
    x: ArrayType, indices: ArrayType, dimension_numbers: GatherDimensionNumbers, slice_sizes: Shape, **flags: Any
) -> ArrayType:
    _check("gather", x, indices, dimension_numbers, slice_sizes)
    return x.with_shape(layout_of(x.shape, indices.shape, dimension_numbers, slice_sizes).out_shape)


def _gather_jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
    x, indices = primals
    return bind(gather_p, x, indices, **params), bind(gather_p, tangents[0], indices, **_zero_fill(params))


def _zero_fill(params: dict[str, Any]) -> dict[str, Any]:
    return params if params["fill_value"] is None else {**params, "fill_value": 0}


def _gather_transpose(
    ct: Any,
    x: Any,
    indices: Any,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Shape,
    fill_value: Any,
    **flags: Any,
) -> tuple[Any, None]:
    return scatter_add(zeros(x.type), indices, ct, scatter_numbers(dimension_numbers), **flags), None


def _up(axes: Sequence[int], first: bool = False) -> tuple[int, ...]:
    """Axes after a batch axis has come in front; ``first``: which is then one of them."""
    moved = tuple(a + 1 for a in axes)
    return (0, *moved) if first else moved


def _batched_numbers(n: GatherDimensionNumbers, operand: bool, indices: bool) -> GatherDimensionNumbers:
    """The numbers with batch axes in front of the operand, the indices, or both (and always of the result)."""
    return GatherDimensionNumbers(
        _up(n.offset_dims, first=not indices),
        _up(n.collapsed_slice_dims) if operand else n.collapsed_slice_dims,
        _up(n.start_index_map) if operand else n.start_index_map,
        _up(n.operand_batching_dims, first=indices) if operand else n.operand_batching_dims,
        _up(n.start_indices_batching_dims, first=operand) if indices else n.start_indices_batching_dims,
    )


def _gather_batch(
    size: int, args: Any, dims: Any, dimension_numbers: GatherDimensionNumbers, slice_sizes: Shape, **flags: Any
) -> Any:
    (x, indices), (x_dim, i_dim) = args, dims
    operand, index = x_dim is not None, i_dim is not None
    x = moveaxis(x, x_dim, 0) if operand else x
    indices = moveaxis(indices, i_dim, 0) if index else indices
    if operand:
        slice_sizes = (min(size, 1) if index else size, *slice_sizes)
    numbers = _batched_numbers(dimension_numbers, operand, index)
    return bind(gather_p, x, indices, dimension_numbers=numbers, slice_sizes=slice_sizes, **flags), 0


gather_p = Primitive(
    "gather",
    type_rule=_gather_type,
    impl=gather_numpy,
    jvp=_gather_jvp,
    transpose=_gather_transpose,
    batch=_gather_batch,
    family="index",
)


# --- the scatters -----------------------------------------------------------------------------------------------------


def define_scatter(
    name: str, ufunc: np.ufunc | None, kinds: str, doc: str, jvp: Operation, transpose: Operation | None = None
) -> Operation:
    """Defines a scatter; no ``ufunc``: it overwrites."""

    def apply(
        operand: Any,
        scatter_indices: Any,
        updates: Any,
        dimension_numbers: ScatterDimensionNumbers,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: str | GatherScatterMode | None = None,
    ) -> Any:
        return bind(
            prim,
            operand,
            scatter_indices,
            updates,
            dimension_numbers=dimension_numbers,
            indices_are_sorted=bool(indices_are_sorted),
            unique_indices=bool(unique_indices),
            mode=GatherScatterMode.from_any(mode),
        )

    def type_rule(x: ArrayType, indices: ArrayType, updates: ArrayType, **params: Any) -> ArrayType:
        return _scatter_type(name, kinds, x, indices, updates, params["dimension_numbers"].gather())

    def impl(x: Any, indices: Any, updates: Any, **params: Any) -> Any:
        return scatter_numpy(ufunc, x, indices, updates, **params)

    def batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
        return _scatter_batch(apply, size, args, dims, **params)

    prim = Primitive(name, type_rule=type_rule, impl=impl, jvp=jvp, transpose=transpose, batch=batch, family="index")
    apply.__name__ = apply.__qualname__ = name.replace("-", "_")
    apply.__doc__ = f"{doc}\n{_SCATTER_DOC}"
    return apply


_SCATTER_DOC = """
    mode: clip, drop (also None), or promise_in_bounds.
    Raises TypeError where dimension numbers, dtypes and shapes do not fit, ValueError for an unknown mode.
    """


def _scatter_type(
    name: str, kinds: str, x: ArrayType, indices: ArrayType, updates: ArrayType, numbers: GatherDimensionNumbers
) -> ArrayType:
    if x.dtype.kind not in kinds or updates.dtype != x.dtype:
        raise bad_shape(f"{name} does not put {updates.dtype.name} into an array of {x.dtype.name}")
    if any(not 0 <= d < updates.ndim for d in numbers.offset_dims):
        raise bad_shape(f"{name}: updates {updates} have no axes {numbers.offset_dims}")
    if len(window_axes(numbers, x.ndim)) != len(numbers.offset_dims):
        raise bad_shape(f"{name} of {x}: a window has no axes {numbers.offset_dims}")
    sizes = window_sizes(x.shape, updates.shape, numbers)
    _check(name, x, indices, numbers, sizes)
    expected = layout_of(x.shape, indices.shape, numbers, sizes).out_shape
    if expected != updates.shape:
        raise bad_shape(f"{name} of {x} at indices {indices}: updates have shape {updates.shape}, not {expected}")
    return x


def _scatter_batch(
    scatter: Operation, size: int, args: Any, dims: Any, dimension_numbers: ScatterDimensionNumbers, **flags: Any
) -> Any:
    (x, indices, updates), (x_dim, i_dim, u_dim) = args, dims
    indexed = i_dim is not None
    numbers = scatter_numbers(_batched_numbers(dimension_numbers.gather(), True, indexed))
    rows = batch_to_front(size, x, x_dim), batch_to_front(size, updates, u_dim)
    indices = moveaxis(indices, i_dim, 0) if indexed else indices
    return scatter(rows[0], indices, rows[1], numbers, **flags), 0


def read_back(
    x: Any, indices: Any, update_shape: Shape, dimension_numbers: ScatterDimensionNumbers, mode: Any, **flags: Any
) -> Any:
    """The elements of ``x`` that updates of that shape go to; 0 for those that are dropped."""
    numbers = dimension_numbers.gather()
    sizes = window_sizes(type_of(x).shape, update_shape, numbers)
    fill = 0 if mode is GatherScatterMode.FILL_OR_DROP else None
    return gather(x, indices, numbers, sizes, mode=mode, fill_value=fill, **flags)


def never_twice(update_shape: Shape, indices: Any, params: dict[str, Any]) -> bool:
    """Whether no element can get two updates: said so, or there is one window only (in each batch)."""
    if params["unique_indices"]:
        return True
    together = params["dimension_numbers"].scatter_indices_batching_dims
    return math.prod(n for d, n in enumerate(type_of(indices).shape[:-1]) if d not in together) <= 1


# --- adding and subtracting -------------------------------------------------------------------------------------------


def _linear_scatter_jvp(name: str) -> Operation:
    """Of a scatter that is linear in operand and updates together."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        x, indices, updates = primals
        x_dot, _, dot = tangents
        out = bind(REGISTRY[name], x, indices, updates, **params)
        if dot is None and name != "scatter":
            return out, x_dot
        x_dot = zeros(type_of(x).strong()) if x_dot is None else x_dot
        dot = zeros(type_of(updates).strong()) if dot is None else dot
        return out, bind(REGISTRY[name], x_dot, indices, dot, **params)

    return jvp


def _additive_transpose(negative: bool) -> Operation:
    def transpose(ct: Any, x: Any, indices: Any, updates: Any, **params: Any) -> tuple[Any, None, Any]:
        back = None
        if is_linear(updates):
            back = read_back(ct, indices, updates.type.shape, **params)
            back = e.neg(back) if negative else back
        return (ct if is_linear(x) else None), None, back

    return transpose


scatter_add: Operation = define_scatter(
    "scatter-add",
    np.add,
    NUMBERS,
    "Adds a window of updates to the operand for each index vector.",
    _linear_scatter_jvp("scatter-add"),
    _additive_transpose(False),
)
scatter_sub: Operation = define_scatter(
    "scatter-sub",
    np.subtract,
    NUMBERS,
    "Subtracts a window of updates from the operand for each index vector.",
    _linear_scatter_jvp("scatter-sub"),
    _additive_transpose(True),
)


# --- overwriting ------------------------------------------------------------------------------------------------------


def _scatter_transpose(ct: Any, x: Any, indices: Any, updates: Any, **params: Any) -> tuple[Any, None, Any]:
    """The operand's share is what is not overwritten; the updates' is what they wrote and no later one wrote over."""
    t = updates.type if is_linear(updates) else type_of(updates)
    ct_x = bind(REGISTRY["scatter"], ct, indices, zeros(t.strong()), **params) if is_linear(x) else None
    if not is_linear(updates):
        return ct_x, None, None
    back = read_back(ct, indices, t.shape, **params)
    if not never_twice(t.shape, indices, params):
        numbers = _number_windows(t.shape, params["dimension_numbers"])
        last = bind(REGISTRY["scatter"], np.zeros(type_of(ct).shape, numbers.dtype), indices, numbers, **params)
        won = e.eq(read_back(last, indices, t.shape, **params), numbers)
        back = e.select_n(won, zeros(t.strong()), back)
    return ct_x, None, back


def _number_windows(update_shape: Shape, dimension_numbers: ScatterDimensionNumbers) -> Any:
    """1, 2, 3… for the windows of the updates, spread over their elements."""
    window = dimension_numbers.update_window_dims
    shape = [1 if d in window else n for d, n in enumerate(update_shape)]
    return np.broadcast_to(np.arange(1, 1 + math.prod(shape), dtype=INT64).reshape(shape), update_shape)


scatter: Operation = define_scatter(
    "scatter",
    None,
    MOVABLE,
    "Overwrites a window of the operand for each index vector; of several updates of one element the last one stays.",
    _linear_scatter_jvp("scatter"),
    _scatter_transpose,
)
