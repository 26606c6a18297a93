"""The scatters that are not linear: products, minima, maxima.

The derivative of a product is exact where factors are zero, and where one element gets several of them. Minima and
maxima share the derivative among ties.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import ArrayType, Shape, default_int
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.ops.families import ALL, NUMBERS
from gradcli.engine.ops.index import Operation, define_scatter, gather, never_twice, read_back, scatter_add
from gradcli.engine.ops.index_numpy import GatherDimensionNumbers, ScatterDimensionNumbers, window_sizes
from gradcli.engine.ops.shape import broadcast_in_dim, expand_dims, iota, reshape, zeros
from gradcli.engine.ops.sort import sort
from gradcli.engine.trace.tracer import bind

# --- multiplying ------------------------------------------------------------------------------------------------------


def _scatter_mul_jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
    """Through the factors alone, so that the tangent needs no transpose of the product itself."""
    x, indices, updates = primals
    x_dot, _, dot = tangents
    one = type_of(x).dtype.type(1)
    out = scatter_mul(x, indices, updates, **params)
    terms = []
    if x_dot is not None:
        ones = broadcast_in_dim(one, type_of(x).shape)
        terms.append(e.mul(x_dot, scatter_mul(ones, indices, updates, **params)))
    if dot is not None:
        if never_twice(type_of(updates).shape, indices, params):
            slope = scatter_add(zeros(type_of(x).strong()), indices, dot, **params)
        else:
            slope = _product_tangent(type_of(x), indices, updates, dot, **params)
        terms.append(e.mul(x, slope))
    return out, terms[0] if len(terms) == 1 else e.add_any(*terms)


def _product_tangent(x: ArrayType, indices: Any, updates: Any, dot: Any, **params: Any) -> Any:
    """The tangent of the product of all updates of each element, exact also where updates are zero.

    Updates are sorted by the element that they go to; then products within runs double their reach until they span it.
    """
    place, order = _sorted_places(x, indices, type_of(updates).shape, **params)
    count = type_of(order).shape[0]
    y, t = (_pick(reshape(v, (count,)), order) for v in (updates, dot))
    reach = 1
    while reach < count:
        same = e.eq(slice_in_dim(place, reach, count, 0), slice_in_dim(place, 0, count - reach, 0))
        late_y, late_t = (slice_in_dim(v, reach, count, 0) for v in (y, t))
        early_y, early_t = (slice_in_dim(v, 0, count - reach, 0) for v in (y, t))
        new_t = e.add_any(e.mul(late_t, early_y), e.mul(early_t, late_y))
        new_y = e.mul(late_y, early_y)
        y, t = (
            concatenate([slice_in_dim(v, 0, reach, 0), e.select_n(same, late, new)], 0)
            for v, late, new in ((y, late_y, new_y), (t, late_t, new_t))
        )
        reach *= 2
    ends = e.ne(slice_in_dim(place, 1, count, 0), slice_in_dim(place, 0, count - 1, 0))
    ends = concatenate([ends, np.ones(1, bool)], 0)
    t = e.select_n(ends, zeros(type_of(t).strong()), t)
    numbers = ScatterDimensionNumbers((), (0,), (0,))
    line = scatter_add(np.zeros(x.size, x.dtype), expand_dims(place, (1,)), t, numbers)
    return reshape(line, x.shape)


def _sorted_places(x: ArrayType, indices: Any, update_shape: Shape, **params: Any) -> tuple[Any, Any]:
    """The row-major place that each update goes to (x.size: none), sorted, and the order that sorts them."""
    dtype = default_int()
    elements = reshape(iota(dtype, (x.size,), 0), x.shape)
    mode, numbers = params["mode"], params["dimension_numbers"].gather()
    sizes = window_sizes(x.shape, update_shape, numbers)
    place = gather(elements, indices, numbers, sizes, mode=mode, fill_value=x.size)
    count = math.prod(update_shape)
    place, order = sort((reshape(place, (count,)), iota(dtype, (count,), 0)), 0)
    return place, order


def _pick(x: Any, order: Any) -> Any:
    numbers = GatherDimensionNumbers((), (0,), (0,))
    return gather(x, expand_dims(order, (1,)), numbers, (1,), unique_indices=True)


scatter_mul: Operation = define_scatter(
    "scatter-mul",
    np.multiply,
    NUMBERS,
    "Multiplies the operand by a window of updates for each index vector.",
    _scatter_mul_jvp,
)


# --- minima and maxima ------------------------------------------------------------------------------------------------


def _extremal_jvp(name: str) -> Operation:
    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        """The mean of the tangents of operand and updates that are the extremum."""
        x, indices, updates = primals
        x_dot, _, dot = tangents
        out = bind(REGISTRY[name], x, indices, updates, **params)
        t = type_of(x).strong()
        one, zero = t.dtype.type(1), t.dtype.type(0)
        stays = e.select_n(e.eq(x, out), zero, one)
        wins = e.select_n(e.eq(updates, read_back(out, indices, type_of(updates).shape, **params)), zero, one)
        count = scatter_add(stays, indices, wins, **params)
        tangent = zeros(t) if x_dot is None else e.mul(x_dot, stays)
        if dot is not None:
            tangent = scatter_add(tangent, indices, e.mul(dot, wins), **params)
        return out, e.div(tangent, count)

    return jvp


scatter_min: Operation = define_scatter(
    "scatter-min",
    np.minimum,
    ALL,
    "The minimum of the operand and a window of updates for each index vector.",
    _extremal_jvp("scatter-min"),
)
scatter_max: Operation = define_scatter(
    "scatter-max",
    np.maximum,
    ALL,
    "The maximum of the operand and a window of updates for each index vector.",
    _extremal_jvp("scatter-max"),
)
