"""Reductions over sliding windows (pooling), and the linear maps that pick, in each window, where the extremum is.

The derivative of a windowed maximum gathers, for each window, the tangent of the first greatest element
(``select_and_gather_add``); its transpose scatters cotangents there (``select_and_scatter_add``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import ArrayType, Shape, array_type
from gradcli.engine.ops.conv import dilated, slices_of, window_count, windows_of
from gradcli.engine.ops.cuts import pad, pad_p, slice
from gradcli.engine.ops.define import REGISTRY, Primitive, is_linear, linear_jvp
from gradcli.engine.ops.families import NUMBERS, ORDERED, Operation, same_kind
from gradcli.engine.ops.shape import bad_shape, batch_to_front
from gradcli.engine.trace.tracer import bind

Pairs = tuple[tuple[int, int], ...]
KEYS = ("window_dimensions", "window_strides", "padding", "base_dilation", "window_dilation")


def window_shape(
    x: ArrayType, window_dimensions: Shape, window_strides: Shape, padding: Pairs, base_dilation: Shape,
    window_dilation: Shape,
) -> Shape:  # fmt: skip
    """How many windows there are along each dimension. Raises TypeError for parameters that do not fit."""
    params = (window_dimensions, window_strides, padding, base_dilation, window_dilation)
    if any(len(p) != x.ndim for p in params):
        raise bad_shape(f"a window over {x} needs one entry a dimension, got {', '.join(map(str, params))}")
    if any(n < 1 for p in (window_dimensions, window_strides, base_dilation, window_dilation) for n in p):
        raise bad_shape(f"sizes, strides and dilations of a window must be positive, got {params}")
    columns = zip(x.shape, window_dimensions, window_strides, padding, base_dilation, window_dilation, strict=True)
    return tuple(window_count(*column) for column in columns)


def padded(x: Any, value: Any, padding: Pairs, base_dilation: Shape) -> Any:
    """The operand with holes and pads filled by ``value`` (in NumPy)."""
    config = [(low, high, d - 1) for (low, high), d in zip(padding, base_dilation, strict=True)]
    return pad_p.impl(x, value, config) if any(any(c) for c in config) else np.asarray(x)


def extreme_value(dtype: np.dtype[Any], greatest: bool) -> Any:
    """The greatest or the least value of a dtype: where minima and maxima begin."""
    if dtype.kind == "b":
        return dtype.type(greatest)
    if dtype.kind in "iu":
        return dtype.type(np.iinfo(dtype).max if greatest else np.iinfo(dtype).min)
    return dtype.type(math.inf if greatest else -math.inf)


# --- sum, maximum, minimum --------------------------------------------------------------------------------------------


def _window_primitive(
    name: str, ufunc: np.ufunc, start: Callable[[np.dtype[Any]], Any], kinds: str, **rest: Any
) -> Operation:
    """Defines a reduction over windows; holes, pads and empty windows hold ``start`` of the dtype."""

    def type_rule(x: ArrayType, **params: Any) -> ArrayType:
        same_kind(name, [x], kinds)
        return x.with_shape(window_shape(x, **params))

    def impl(x: Any, window_dimensions: Shape, window_strides: Shape, padding: Pairs, base_dilation: Shape,
             window_dilation: Shape) -> Any:  # fmt: skip
        filled = padded(x, start(x.dtype), padding, base_dilation)
        counts = [
            window_count(n, w, s, (0, 0), 1, d)
            for n, w, s, d in zip(filled.shape, window_dimensions, window_strides, window_dilation, strict=True)
        ]
        out = np.full(counts, start(x.dtype), x.dtype)
        if not out.size:
            return out
        if math.prod(window_dimensions) > math.prod(counts):
            view = windows_of(filled, window_dimensions, window_strides, window_dilation)
            n = len(window_dimensions)
            return ufunc.reduce(view, axis=tuple(range(n, 2 * n)), initial=start(x.dtype), dtype=x.dtype)
        for place in np.ndindex(*window_dimensions):  # one pass over the array for each element of the window
            starts = [p * d for p, d in zip(place, window_dilation, strict=True)]
            ufunc(out, filled[slices_of(starts, counts, window_strides)], out=out)
        return out

    def apply(x: Any, **params: Any) -> Any:
        return bind(prim, x, **params)

    def batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
        return apply(args[0], **batched_window(params, dims[0])), dims[0]

    prim = Primitive(name, type_rule=type_rule, impl=impl, batch=batch, family="window", **rest)
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"The {name[14:]} of every window; parameters as :func:`window_shape` takes them."
    return apply


def batched_window(params: dict[str, Any], d: int) -> dict[str, Any]:
    """The parameters with a window of one along a new axis."""

    def insert(values: Sequence[Any], value: Any) -> tuple[Any, ...]:
        return (*values[:d], value, *values[d:])

    return {
        key: insert(value, (0, 0) if key == "padding" else 1) if key in KEYS and value is not None else value
        for key, value in params.items()
    }


def _sum_transpose(
    ct: Any, x: Any, window_dimensions: Shape, window_strides: Shape, padding: Pairs, base_dilation: Shape,
    window_dilation: Shape,
) -> tuple[Any]:  # fmt: skip
    """Each element gets the cotangents of all windows it is in: a sum over windows of the spread cotangents."""
    config = []
    columns = zip(
        x.type.shape, window_dimensions, type_of(ct).shape, window_strides, padding, base_dilation, window_dilation,
        strict=True,
    )  # fmt: skip
    for n, w, m, stride, (low, _), base, inner in columns:
        before = dilated(w, inner) - low - 1
        config.append((before, dilated(n, base) + dilated(w, inner) - 1 - dilated(m, stride) - before, stride - 1))
    spread = pad(ct, type_of(ct).dtype.type(0), config)
    ones = (1,) * len(config)
    out = reduce_window_sum(
        spread, window_dimensions=window_dimensions, window_strides=base_dilation, padding=((0, 0),) * len(config),
        base_dilation=ones, window_dilation=window_dilation,
    )  # fmt: skip
    return (out,)


reduce_window_sum: Operation = _window_primitive(
    "reduce_window_sum", np.add, lambda dtype: dtype.type(0), NUMBERS,
    jvp=linear_jvp(lambda x, **params: reduce_window_sum(x, **params)), transpose=_sum_transpose,
)  # fmt: skip


def _extremum_jvp(name: str, select: str) -> Callable[..., Any]:
    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        out = bind(REGISTRY[name], primals[0], **params)
        return out, select_and_gather_add(tangents[0], primals[0], select_prim=REGISTRY[select], **params)

    return jvp


reduce_window_max: Operation = _window_primitive(
    "reduce_window_max", np.maximum, lambda dtype: extreme_value(dtype, False), ORDERED,
    jvp=_extremum_jvp("reduce_window_max", "ge"),
)  # fmt: skip
reduce_window_min: Operation = _window_primitive(
    "reduce_window_min", np.minimum, lambda dtype: extreme_value(dtype, True), ORDERED,
    jvp=_extremum_jvp("reduce_window_min", "le"),
)  # fmt: skip


# --- selection by window ----------------------------------------------------------------------------------------------


def _places(
    x: Any, select_prim: Primitive, window_dimensions: Shape, window_strides: Shape, padding: Pairs,
    base_dilation: Shape, window_dilation: Shape,
) -> tuple[Any, Shape]:  # fmt: skip
    """For each window the flat place, in the padded operand, of its first extremum; and the padded shape."""
    greatest = select_prim.name in ("ge", "gt")
    filled = padded(x, extreme_value(x.dtype, not greatest), padding, base_dilation)
    view = windows_of(filled, window_dimensions, window_strides, window_dilation)
    n = len(window_dimensions)
    rows = view.reshape(*view.shape[:n], -1)
    first = rows.argmax(-1) if greatest else rows.argmin(-1)
    inside = np.unravel_index(first, window_dimensions)
    place = np.zeros(first.shape, np.intp)
    for axis, within in enumerate(inside):
        index = np.arange(first.shape[axis]).reshape([-1 if a == axis else 1 for a in range(n)])
        place = place * filled.shape[axis] + index * window_strides[axis] + within * window_dilation[axis]
    return place, filled.shape


def select_and_gather_add(tangents: Any, operand: Any, **params: Any) -> Any:
    """For each window of ``operand``, the element of ``tangents`` where the first extremum is; linear in it."""
    return bind(select_and_gather_add_p, tangents, operand, **params)


def _gather_type(tangents: ArrayType, operand: ArrayType, select_prim: Primitive, **params: Any) -> ArrayType:
    if tangents.shape != operand.shape:
        raise bad_shape(f"select_and_gather_add of {tangents} and {operand}: the shapes differ")
    return array_type(window_shape(operand, **params), tangents.dtype)


def _gather_impl(tangents: Any, operand: Any, **params: Any) -> Any:
    place, _ = _places(operand, **params)
    filled = padded(tangents, tangents.dtype.type(0), params["padding"], params["base_dilation"])
    return filled.reshape(-1)[place]


def _gather_transpose(
    ct: Any, tangents: Any, operand: Any, select_prim: Primitive, window_dimensions: Shape, window_strides: Shape,
    padding: Pairs, base_dilation: Shape, window_dilation: Shape,
) -> tuple[Any, None]:  # fmt: skip
    holes = any(d != 1 for d in base_dilation)
    if holes:
        lowest = extreme_value(type_of(operand).dtype, select_prim.name not in ("ge", "gt"))
        operand = pad(operand, lowest, [(0, 0, d - 1) for d in base_dilation])
    out = select_and_scatter_add(
        ct, operand, select_prim=select_prim, window_dimensions=window_dimensions, window_strides=window_strides,
        padding=padding, window_dilation=window_dilation,
    )  # fmt: skip
    if holes:
        shape = type_of(operand).shape
        out = slice(out, (0,) * len(shape), shape, base_dilation)
    return out, None


def _select_jvp(again: Callable[..., Any]) -> Callable[..., Any]:
    """Linear in the first operand; the second one only says where."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        dot = None if tangents[0] is None else again(tangents[0], primals[1], **params)
        return again(*primals, **params), dot

    return jvp


def _select_batch(again: Callable[..., Any]) -> Callable[..., Any]:
    def batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
        rows = [batch_to_front(size, x, d) for x, d in zip(args, dims, strict=True)]
        return again(*rows, **batched_window(params, 0)), 0

    return batch


select_and_gather_add_p = Primitive(
    "select_and_gather_add",
    type_rule=_gather_type,
    impl=_gather_impl,
    jvp=_select_jvp(select_and_gather_add),
    transpose=_gather_transpose,
    batch=_select_batch(select_and_gather_add),
    family="window",
)


def select_and_scatter_add(
    source: Any, operand: Any, select_prim: Primitive, window_dimensions: Shape, window_strides: Shape, padding: Pairs,
    window_dilation: Shape | None = None,
) -> Any:  # fmt: skip
    """Adds ``source[w]`` where the first extremum of window w of ``operand`` is; zeros elsewhere."""
    params: dict[str, Any] = {
        "select_prim": select_prim, "window_dimensions": tuple(window_dimensions),
        "window_strides": tuple(window_strides), "padding": tuple(padding),
    }  # fmt: skip
    if window_dilation is not None and any(d != 1 for d in window_dilation):
        params["window_dilation"] = tuple(window_dilation)
    return bind(select_and_scatter_add_p, source, operand, **params)


def _scatter_params(ndim: int, params: dict[str, Any]) -> dict[str, Any]:
    ones = (1,) * ndim
    return {"window_dilation": ones, **params, "base_dilation": ones}


def _scatter_type(source: ArrayType, operand: ArrayType, select_prim: Primitive, **params: Any) -> ArrayType:
    expected = window_shape(operand, **_scatter_params(operand.ndim, params))
    if source.shape != expected:
        raise bad_shape(f"select_and_scatter_add of {source} into {operand}: there are windows {expected}")
    return array_type(operand.shape, source.dtype)


def _scatter_impl(source: Any, operand: Any, **params: Any) -> Any:
    place, shape = _places(operand, **_scatter_params(operand.ndim, params))
    flat = np.zeros(math.prod(shape), source.dtype)
    np.add.at(flat, place.reshape(-1), source.reshape(-1))
    back = [(-low, -high, 0) for low, high in params["padding"]]
    return pad_p.impl(flat.reshape(shape), source.dtype.type(0), back)


def _scatter_transpose(ct: Any, source: Any, operand: Any, **params: Any) -> tuple[Any, None]:
    assert is_linear(source)
    return select_and_gather_add(ct, operand, **_scatter_params(type_of(operand).ndim, params)), None


def _scatter_batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
    return _select_batch(select_and_scatter_add)(size, args, dims, **params)


select_and_scatter_add_p = Primitive(
    "select_and_scatter_add",
    type_rule=_scatter_type,
    impl=_scatter_impl,
    jvp=_select_jvp(select_and_scatter_add),
    transpose=_scatter_transpose,
    batch=_scatter_batch,
    family="window",
)
