"""Several arrays of one and one of several: split, stack, unstack, tile; and the barrier that orders computations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import ArrayType, array_type
from gradcli.engine.ops.cuts import concatenate
from gradcli.engine.ops.define import Primitive, is_linear, linear_jvp
from gradcli.engine.ops.shape import bad_shape, batch_to_front, canonical_axis, moveaxis, reduce_sum, reshape, zeros
from gradcli.engine.trace.tracer import bind


def split(operand: Any, sizes: Sequence[int], axis: int = 0) -> list[Any]:
    """Parts of these sizes along one axis. Raises TypeError where the sizes do not add up to that of the axis."""
    out: list[Any] = bind(
        split_p, operand, sizes=tuple(int(n) for n in sizes), axis=canonical_axis(axis, type_of(operand).ndim)
    )
    return out


def _resized(t: ArrayType, axis: int, n: int) -> ArrayType:
    return t.with_shape((*t.shape[:axis], n, *t.shape[axis + 1 :]))


def _split_type(x: ArrayType, sizes: tuple[int, ...], axis: int) -> list[ArrayType]:
    if sum(sizes) != x.shape[axis] or any(n < 0 for n in sizes):
        raise bad_shape(f"split of {x} along axis {axis}: sizes {sizes} do not add up to {x.shape[axis]}")
    return [_resized(x, axis, n) for n in sizes]


def _split_transpose(cts: Sequence[Any], x: Any, sizes: tuple[int, ...], axis: int) -> list[Any]:
    filled = [zeros(_resized(x.type, axis, n)) if ct is None else ct for ct, n in zip(cts, sizes, strict=True)]
    return [concatenate([np.asarray(f) if np.isscalar(f) else f for f in filled], axis)]


def _split_jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
    return bind(split_p, *primals, **params), bind(split_p, *tangents, **params)


def _split_batch(size: int, args: Any, dims: Any, sizes: tuple[int, ...], axis: int) -> Any:
    out = bind(split_p, args[0], sizes=sizes, axis=axis + (dims[0] <= axis))
    return out, [dims[0]] * len(sizes)


split_p = Primitive(
    "split",
    type_rule=_split_type,
    impl=lambda x, sizes, axis: np.split(x, np.cumsum(sizes[:-1]), axis) if sizes else [],
    jvp=_split_jvp,
    transpose=_split_transpose,
    batch=_split_batch,
    multiple=True,
    family="shape",
)


def stack(operands: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape along a new axis. Raises TypeError for none, and for shapes or dtypes that differ."""
    if not operands:
        raise bad_shape("stack needs at least one operand")
    return bind(stack_p, *operands, axis=canonical_axis(axis, type_of(operands[0]).ndim + 1))


def _stack_type(*types: ArrayType, axis: int) -> ArrayType:
    first = types[0]
    if any(t.shape != first.shape or t.dtype != first.dtype for t in types):
        raise bad_shape(f"stack needs operands of one shape and dtype, got {', '.join(map(str, types))}")
    shape = (*first.shape[:axis], len(types), *first.shape[axis:])
    return array_type(shape, first.dtype, all(t.weak_type for t in types))


def _stack_jvp(primals: Sequence[Any], tangents: Sequence[Any], axis: int) -> Any:
    filled = [zeros(type_of(p).strong()) if t is None else t for p, t in zip(primals, tangents, strict=True)]
    return stack(primals, axis), stack(filled, axis)


def _stack_transpose(ct: Any, *operands: Any, axis: int) -> list[Any]:
    parts = unstack(ct, axis)
    return [part if is_linear(x) else None for part, x in zip(parts, operands, strict=True)]


stack_p = Primitive(
    "stack",
    type_rule=_stack_type,
    impl=lambda *xs, axis: np.stack(xs, axis),
    jvp=_stack_jvp,
    transpose=_stack_transpose,
    batch=lambda size, args, dims, axis: (
        stack([batch_to_front(size, x, d) for x, d in zip(args, dims, strict=True)], axis + 1),
        0,
    ),
    family="shape",
)


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The slices along one axis, which is gone from them."""
    return tuple(bind(unstack_p, x, axis=canonical_axis(axis, type_of(x).ndim)))


def _unstack_transpose(cts: Sequence[Any], x: Any, axis: int) -> list[Any]:
    t = x.type.with_shape(x.type.shape[:axis] + x.type.shape[axis + 1 :])
    return [stack([zeros(t) if ct is None else ct for ct in cts], axis)] if cts else [zeros(x.type)]


def _unstack_batch(size: int, args: Any, dims: Any, axis: int) -> Any:
    out = unstack(moveaxis(args[0], dims[0], 0), axis + 1)
    return list(out), [0] * len(out)


unstack_p = Primitive(
    "unstack",
    type_rule=lambda x, axis: [x.with_shape(x.shape[:axis] + x.shape[axis + 1 :])] * x.shape[axis],
    impl=lambda x, axis: [part[()] for part in np.moveaxis(x, axis, 0)],
    jvp=lambda primals, tangents, axis: (list(unstack(primals[0], axis)), list(unstack(tangents[0], axis))),
    transpose=_unstack_transpose,
    batch=_unstack_batch,
    multiple=True,
    family="shape",
)


def tile(operand: Any, reps: Sequence[int]) -> Any:
    """The array repeated ``reps[i]`` times along dimension i."""
    return bind(tile_p, operand, reps=tuple(int(r) for r in reps))


def _tile_type(x: ArrayType, reps: tuple[int, ...]) -> ArrayType:
    if len(reps) != x.ndim or any(r < 0 for r in reps):
        raise bad_shape(f"tile of {x} by {reps}: one non-negative count a dimension is needed")
    return x.with_shape(tuple(n * r for n, r in zip(x.shape, reps, strict=True)))


def _tile_transpose(ct: Any, x: Any, reps: tuple[int, ...]) -> tuple[Any]:
    shape = tuple(k for pair in zip(reps, x.type.shape, strict=True) for k in pair)
    return (reduce_sum(reshape(ct, shape), tuple(range(0, 2 * len(reps), 2))),)


tile_p = Primitive(
    "tile",
    type_rule=_tile_type,
    impl=lambda x, reps: np.tile(x, reps),
    jvp=linear_jvp(lambda x, reps: tile(x, reps)),
    transpose=_tile_transpose,
    batch=lambda size, args, dims, reps: (tile(moveaxis(args[0], dims[0], 0), (1, *reps)), 0),
    family="shape",
)


# --- barrier ----------------------------------------------------------------------------------------------------------


def barrier(operands: Sequence[Any]) -> list[Any]:
    """The operands, as results of one equation: none of them is there before all are."""
    out: list[Any] = bind(optimization_barrier_p, *operands) if operands else []
    return out


def _barrier_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    active = [t is not None for t in tangents]
    dots = iter(barrier([t for t in tangents if t is not None]))
    return barrier(primals), [next(dots) if a else None for a in active]


def _barrier_transpose(cts: Sequence[Any], *args: Any) -> list[Any]:
    live = iter(barrier([ct for ct in cts if ct is not None]))
    return [None if ct is None else next(live) for ct in cts]


optimization_barrier_p = Primitive(
    "optimization_barrier",
    type_rule=lambda *types: list(types),
    impl=lambda *xs: list(xs),
    jvp=_barrier_jvp,
    transpose=_barrier_transpose,
    batch=lambda size, args, dims: (barrier(args), list(dims)),
    multiple=True,
    family="shape",
)
