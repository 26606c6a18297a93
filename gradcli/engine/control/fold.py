"""``reduce`` and ``reduce_window`` by a computation of one's own: an associative function of two (tuples of) scalars.

Elements are combined as a tree of pairs of neighbours, so an associative function need not be commutative.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.control.common import mismatch, trace_tree
from gradcli.engine.control.composite import composite_primitive
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.conv import dilated
from gradcli.engine.ops.cuts import concatenate, pad, slice, slice_in_dim
from gradcli.engine.ops.shape import broadcast_in_dim, expand_dims, kept_axes, reshape, transpose
from gradcli.engine.ops.window import window_shape
from gradcli.engine.trace.tracer import bind
from gradcli.engine.transforms.batch import batch_values
from gradcli.engine.tree import tree_flatten, tree_unflatten


def _combine(jaxpr: Jaxpr, x: Sequence[Any], y: Sequence[Any], rank: int) -> list[Any]:
    """The computation of scalars, for arrays of ``rank`` dimensions: batched over their elements as one axis."""
    shape = type_of(x[0]).shape
    assert len(shape) == rank
    size = math.prod(shape)
    flat = [reshape(v, (size,)) for v in (*x, *y)]
    outs, dims = batch_values(jaxpr, size, flat, [0] * len(flat))
    rows = [broadcast_in_dim(o, (size,), ()) if d is None else o for o, d in zip(outs, dims, strict=True)]
    return [reshape(r, shape) for r in rows]


def _tree(jaxpr: Jaxpr, rows: Sequence[Any], inits: Sequence[Any]) -> list[Any]:
    """All rows (along the first axis) combined, the initial values first."""
    shape = type_of(rows[0]).shape
    start = [broadcast_in_dim(i, shape[1:], ()) for i in inits]
    n = shape[0]
    if not n:
        return start
    values = list(rows)
    while n > 1:
        paired = n - n % 2
        firsts = [slice_in_dim(v, 0, paired, 0, 2) for v in values]
        seconds = [slice_in_dim(v, 1, paired, 0, 2) for v in values]
        joined = _combine(jaxpr, firsts, seconds, len(shape))
        if n % 2:
            joined = [concatenate([j, slice_in_dim(v, n - 1, n, 0)], 0) for j, v in zip(joined, values, strict=True)]
        values, n = joined, paired // 2 + n % 2
    return _combine(jaxpr, start, [reshape(v, shape[1:]) for v in values], len(shape) - 1)


def _reduce_body(*args: Any, jaxpr: Jaxpr, dimensions: tuple[int, ...], **_: Any) -> list[Any]:
    half = len(args) // 2
    rows = []
    for x in args[:half]:
        shape = type_of(x).shape
        kept = kept_axes(len(shape), dimensions)
        lead = math.prod(shape[d] for d in dimensions)
        rows.append(reshape(transpose(x, (*dimensions, *kept)), (lead, *(shape[k] for k in kept))))
    return _tree(jaxpr, rows, args[half:])


def _window_body(*args: Any, jaxpr: Jaxpr, **params: Any) -> list[Any]:
    half = len(args) // 2
    sizes, strides, inner = params["window_dimensions"], params["window_strides"], params["window_dilation"]
    counts = window_shape(type_of(args[0]), **params)
    config = [(low, high, d - 1) for (low, high), d in zip(params["padding"], params["base_dilation"], strict=True)]
    rows = []
    for x, init in zip(args[:half], args[half:], strict=True):
        filled = pad(x, init, config)
        parts = []
        for place in itertools.product(*map(range, sizes)):
            start = [p * d for p, d in zip(place, inner, strict=True)]
            limit = [a + dilated(n, s) for a, n, s in zip(start, counts, strides, strict=True)]
            parts.append(expand_dims(slice(filled, start, limit, strides), (0,)))
        rows.append(concatenate(parts, 0))
    return _tree(jaxpr, rows, args[half:])


reduce_p = composite_primitive("reduce", _reduce_body, "reduce")
reduce_window_p = composite_primitive("reduce_window", _window_body, "window")


def scalar_program(
    computation: Callable[..., Any], operands: Any, inits: Any
) -> tuple[Jaxpr, list[Any], list[Any], Any]:
    """The computation as a closed program of scalars; flat operands and initial values; their structure.

    Raises TypeError (G209) where structures, shapes or dtypes do not fit, or where it captures a traced value.
    """
    leaves, tree = tree_flatten(operands)
    starts, start_tree = tree_flatten(inits)
    if tree != start_tree:
        raise mismatch(f"operands and initial values differ in structure: {tree} and {start_tree}")
    types = [type_of(x).with_shape(()).strong() for x in leaves]
    for t, init in zip(types, starts, strict=True):
        if type_of(init).shape or (type_of(init).dtype != t.dtype and not type_of(init).weak_type):
            raise mismatch(f"an initial value must be a scalar {t}, got {type_of(init)}")
    starts = [t.dtype.type(i) if type_of(i).dtype != t.dtype else i for t, i in zip(types, starts, strict=True)]
    _, pair = tree_flatten((operands, operands))
    jaxpr, out_tree = trace_tree(computation, pair, [*types, *types], getattr(computation, "__name__", "computation"))
    if out_tree != tree or [t.dtype for t in jaxpr.out_types] != [t.dtype for t in types]:
        raise mismatch(f"the computation of a reduction must return {tree} of {types}, not {list(jaxpr.out_types)}")
    if any(t.shape for t in jaxpr.out_types) or jaxpr.constvars:
        raise mismatch(
            "the computation of a reduction must map scalars to scalars and use nothing from around it but numbers"
        )
    return jaxpr, leaves, starts, tree


def fold(operands: Any, inits: Any, computation: Callable[..., Any], dimensions: Sequence[int]) -> Any:
    """All elements over ``dimensions`` combined by ``computation(x, y)``, ``inits`` first. Operands are pytrees."""
    jaxpr, leaves, starts, tree = scalar_program(computation, operands, inits)
    _same_shapes([type_of(x) for x in leaves])
    out = bind(reduce_p, *leaves, *starts, computation=computation, dimensions=tuple(dimensions), jaxpr=jaxpr)
    return tree_unflatten(tree, out)


def fold_windows(operands: Any, inits: Any, computation: Callable[..., Any], **params: Any) -> Any:
    """The elements of every window combined by ``computation(x, y)``, holes and pads being the initial value."""
    jaxpr, leaves, starts, tree = scalar_program(computation, operands, inits)
    _same_shapes([type_of(x) for x in leaves])
    return tree_unflatten(tree, bind(reduce_window_p, *leaves, *starts, jaxpr=jaxpr, **params))


def _same_shapes(types: Sequence[ArrayType]) -> None:
    if len({t.shape for t in types}) > 1:
        raise mismatch(f"the operands of a reduction must have one shape, got {', '.join(map(str, types))}")
