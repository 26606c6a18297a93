"""Parts of arrays: concatenate, slice and pad, which are each other's transposes."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Value, type_of
from gradcli.engine.ir.types import ArrayType, Shape, array_type
from gradcli.engine.ops.define import REGISTRY, Primitive, is_linear
from gradcli.engine.ops.shape import (
    bad_shape,
    batch_to_front,
    broadcast_in_dim,
    moveaxis,
    reduce_sum,
    reshape,
    zeros,
)
from gradcli.engine.trace.tracer import bind


def concatenate(operands: Sequence[Any], dimension: int) -> Any:
    """Joins arrays along an existing dimension."""
    if len(operands) == 1 and isinstance(operands[0], Value):
        return operands[0]
    return bind(concatenate_p, *operands, dimension=dimension)


def _concatenate_type(*types: ArrayType, dimension: int) -> ArrayType:
    first = types[0]
    for t in types:
        rest = t.shape[:dimension] + t.shape[dimension + 1 :]
        if t.ndim != first.ndim or rest != first.shape[:dimension] + first.shape[dimension + 1 :]:
            raise bad_shape(f"cannot concatenate {', '.join(map(str, types))} along dimension {dimension}")
        if t.dtype != first.dtype:
            raise bad_shape(f"concatenate needs one dtype, got {', '.join(map(str, types))}")
    shape = list(first.shape)
    shape[dimension] = sum(t.shape[dimension] for t in types)
    return array_type(tuple(shape), first.dtype, all(t.weak_type for t in types))


def _concatenate_jvp(primals: Sequence[Any], tangents: Sequence[Any], dimension: int) -> Any:
    filled = [zeros(type_of(p)) if t is None else t for p, t in zip(primals, tangents, strict=True)]
    return concatenate(primals, dimension), concatenate(filled, dimension)


def _concatenate_transpose(ct: Any, *operands: Any, dimension: int) -> list[Any]:
    out: list[Any] = []
    start = 0
    for x in operands:
        n = (x.type if is_linear(x) else type_of(x)).shape[dimension]
        out.append(slice_in_dim(ct, start, start + n, dimension) if is_linear(x) else None)
        start += n
    return out


def _concatenate_batch(size: int, args: Any, dims: Any, dimension: int) -> Any:
    moved = [
        broadcast_in_dim(x, (size, *type_of(x).shape), tuple(range(1, type_of(x).ndim + 1)))
        if d is None
        else moveaxis(x, d, 0)
        for x, d in zip(args, dims, strict=True)
    ]
    return concatenate(moved, dimension + 1), 0


concatenate_p = Primitive(
    "concatenate",
    type_rule=_concatenate_type,
    impl=lambda *xs, dimension: np.concatenate(xs, axis=dimension),
    jvp=_concatenate_jvp,
    transpose=_concatenate_transpose,
    batch=_concatenate_batch,
    family="shape",
)


def slice(
    x: Any, start_indices: Sequence[int], limit_indices: Sequence[int], strides: Sequence[int] | None = None
) -> Any:
    """``x[start:limit:stride]`` in every dimension, bounds as given (0 ≤ start ≤ limit ≤ size, stride > 0)."""
    start, limit = tuple(map(int, start_indices)), tuple(map(int, limit_indices))
    steps = None if strides is None or all(s == 1 for s in strides) else tuple(map(int, strides))
    t = type_of(x)
    if steps is None and limit == t.shape and not any(start) and isinstance(x, Value):
        return x
    return bind(slice_p, x, start_indices=start, limit_indices=limit, strides=steps)


def _slice_type(x: ArrayType, start_indices: Shape, limit_indices: Shape, strides: Shape | None) -> ArrayType:
    steps = strides or (1,) * x.ndim
    if not len(start_indices) == len(limit_indices) == len(steps) == x.ndim or any(
        not 0 <= a <= b <= n or s < 1 for a, b, n, s in zip(start_indices, limit_indices, x.shape, steps, strict=True)
    ):
        raise bad_shape(f"slice {start_indices} to {limit_indices} (strides {strides}) does not fit {x}")
    return x.with_shape(tuple(-((a - b) // s) for a, b, s in zip(start_indices, limit_indices, steps, strict=True)))


def _slice_impl(x: Any, start_indices: Shape, limit_indices: Shape, strides: Shape | None) -> Any:
    steps = strides or (1,) * len(start_indices)
    return x[tuple(builtins.slice(a, b, s) for a, b, s in zip(start_indices, limit_indices, steps, strict=True))]


def _slice_add_into(total: Any, ct: Any, start_indices: Shape, limit_indices: Shape, strides: Shape | None) -> None:
    steps = strides or (1,) * len(start_indices)
    total[tuple(builtins.slice(a, b, s) for a, b, s in zip(start_indices, limit_indices, steps, strict=True))] += ct


def _slice_transpose(ct: Any, x: Any, start_indices: Shape, limit_indices: Shape, strides: Shape | None) -> tuple[Any]:
    steps = strides or (1,) * len(start_indices)
    config = []
    for a, s, n, m in zip(start_indices, steps, x.type.shape, type_of(ct).shape, strict=True):
        covered = a + (m - 1) * s + 1 if m else a
        config.append((a, n - covered, s - 1))
    return (pad(ct, type_of(ct).dtype.type(0), config),)


def _slice_batch(size: int, args: Any, dims: Any, start_indices: Shape, limit_indices: Shape, strides: Any) -> Any:
    d = dims[0]

    def insert(values: Sequence[int], value: int) -> tuple[int, ...]:
        return (*values[:d], value, *values[d:])

    steps = None if strides is None else insert(strides, 1)
    return slice(args[0], insert(start_indices, 0), insert(limit_indices, size), steps), d


slice_p = Primitive(
    "slice",
    type_rule=_slice_type,
    impl=_slice_impl,
    jvp=lambda primals, tangents, **params: (slice(primals[0], **params), slice(tangents[0], **params)),
    transpose=_slice_transpose,
    add_into=_slice_add_into,
    batch=_slice_batch,
    family="shape",
)


def slice_in_dim(x: Any, start: int, limit: int, axis: int, stride: int = 1) -> Any:
    """A slice along one axis."""
    t = type_of(x)
    starts, limits, steps = [0] * t.ndim, list(t.shape), [1] * t.ndim
    starts[axis], limits[axis], steps[axis] = start, limit, stride
    return slice(x, starts, limits, steps)


def pad(x: Any, padding_value: Any, padding_config: Sequence[tuple[int, int, int]]) -> Any:
    """Puts (low, high, interior) padding around and between the elements; negative low and high cut."""
    config = tuple((int(a), int(b), int(c)) for a, b, c in padding_config)
    if not any(any(c) for c in config) and isinstance(x, Value):
        return x
    return bind(pad_p, x, padding_value, padding_config=config)


def _pad_type(x: ArrayType, value: ArrayType, padding_config: Any) -> ArrayType:
    if len(padding_config) != x.ndim or value.shape or value.dtype != x.dtype or any(c[2] < 0 for c in padding_config):
        raise bad_shape(f"padding {padding_config} with {value} does not fit {x}")
    shape = tuple(
        low + high + n + max(n - 1, 0) * inner for n, (low, high, inner) in zip(x.shape, padding_config, strict=True)
    )
    if any(n < 0 for n in shape):
        raise bad_shape(f"padding {padding_config} takes more from {x} than there is")
    return array_type(shape, x.dtype, x.weak_type and value.weak_type)


def _pad_impl(x: Any, value: Any, padding_config: Any) -> Any:
    x = np.asarray(x)
    shape = [
        low + high + n + max(n - 1, 0) * inner for n, (low, high, inner) in zip(x.shape, padding_config, strict=True)
    ]
    out = np.full(shape, value, x.dtype)
    target, source = pad_places(x.shape, padding_config)
    out[target] = x[source]
    return out


def pad_places(shape: Shape, padding_config: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The slices of the padded array that elements go to, and those of the operand that they come from."""
    target, source = [], []
    for n, (low, high, inner) in zip(shape, padding_config, strict=True):
        m = low + high + n + max(n - 1, 0) * inner
        step = inner + 1
        first = max(0, -(low // step)) if low < 0 else 0
        last = min(n, (m - 1 - low) // step + 1) if m else first
        last = max(last, first)
        source.append(builtins.slice(first, last))
        start = low + first * step
        target.append(builtins.slice(start, start + max(last - first - 1, 0) * step + (last > first), step))
    return tuple(target), tuple(source)


def _pad_jvp(primals: Sequence[Any], tangents: Sequence[Any], padding_config: Any) -> Any:
    t, value_t = tangents
    t = zeros(type_of(primals[0])) if t is None else t
    value_t = type_of(primals[0]).dtype.type(0) if value_t is None else value_t
    x, value = primals
    return pad(x, value, padding_config), pad(t, value_t, padding_config)


def _pad_transpose(ct: Any, x: Any, value: Any, padding_config: Any) -> tuple[Any, Any]:
    zero = type_of(ct).dtype.type(0)
    back = pad(ct, zero, [(-low, -high, 0) for low, high, _ in padding_config])
    inner = slice(back, (0,) * len(padding_config), type_of(back).shape, [c[2] + 1 for c in padding_config])
    ct_value = None
    if is_linear(value):  # everything that is not the operand: keep the padding, cut the operand out by a padded mask
        where_padding = _pad_impl(np.zeros(type_of(inner).shape, zero.dtype), zero.dtype.type(1), padding_config)
        ct_value = reduce_sum(bind(REGISTRY["mul"], ct, where_padding), tuple(range(type_of(ct).ndim)))
    return (inner if is_linear(x) else None), ct_value


def _pad_batch(size: int, args: Any, dims: Any, padding_config: Any) -> Any:
    (x, value), (d, value_d) = args, dims
    if value_d is not None:  # a padding value for each sample: choose it where a padded mask says so
        rows = batch_to_front(size, x, d)
        padded, _ = _pad_batch(size, (rows, type_of(x).dtype.type(0)), (0, None), padding_config)
        mask = _pad_impl(np.zeros(type_of(rows).shape[1:], bool), np.True_, padding_config)
        values = reshape(value, (size,) + (1,) * mask.ndim)
        wide = broadcast_in_dim(values, type_of(padded).shape, tuple(range(mask.ndim + 1)))
        return bind(REGISTRY["select_n"], np.broadcast_to(mask, type_of(padded).shape), padded, wide), 0
    return pad(x, value, (*padding_config[:d], (0, 0, 0), *padding_config[d:])), d


pad_p = Primitive(
    "pad",
    type_rule=_pad_type,
    impl=_pad_impl,
    jvp=_pad_jvp,
    transpose=_pad_transpose,
    batch=_pad_batch,
    family="shape",
)
