"""Structural primitives, all linear: broadcast and its transpose reduce_sum, reshape, squeeze, transpose, rev."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Value, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType, Shape, array_type, dtype_of
from gradcli.engine.ops.define import Primitive
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind


def bad_shape(message: str, hint: str | None = None) -> Exception:
    """The error for operands or parameters that do not fit."""
    error: Exception = fail("G206", message, hint=hint, location=user_location(), cls=TypeError)
    return error


def canonical_axis(axis: int, ndim: int) -> int:
    """The axis as 0 … ndim-1. Raises a ValueError that names both for one outside of it."""
    axis = int(axis)
    if not -ndim <= axis < ndim:
        raise fail(
            "G206",
            f"axis {axis} is out of bounds for array of dimension {ndim}",
            location=user_location(),
            cls=ValueError,
        )
    return axis + ndim if axis < 0 else axis


# --- broadcast_in_dim and reduce_sum --------------------------------------------------------------------------


def broadcast_in_dim(x: Any, shape: Shape, broadcast_dimensions: Sequence[int] = ()) -> Any:
    """Puts dimension i of ``x`` at ``broadcast_dimensions[i]`` of ``shape`` and repeats it along the others."""
    shape = tuple(shape)
    if type_of(x).shape == shape and isinstance(x, Value):
        return x
    return bind(broadcast_in_dim_p, x, shape=shape, broadcast_dimensions=tuple(broadcast_dimensions))


def _broadcast_type(x: ArrayType, shape: Shape, broadcast_dimensions: Sequence[int]) -> ArrayType:
    if len(broadcast_dimensions) != x.ndim or any(
        n not in (1, shape[d]) for n, d in zip(x.shape, broadcast_dimensions, strict=True)
    ):
        raise bad_shape(f"{x} cannot be broadcast to shape {shape}")
    return x.with_shape(shape)


def _broadcast_impl(x: Any, shape: Shape, broadcast_dimensions: Sequence[int]) -> Any:
    x = np.asarray(x)
    aligned = [1] * len(shape)
    for n, d in zip(x.shape, broadcast_dimensions, strict=True):
        aligned[d] = n
    return np.broadcast_to(x.reshape(aligned), shape)[()]


def _broadcast_transpose(ct: Any, x: Any, shape: Shape, broadcast_dimensions: Sequence[int]) -> tuple[Any]:
    kept = {d for d, n in zip(broadcast_dimensions, x.type.shape, strict=True) if n == shape[d]}
    summed = reduce_sum(ct, tuple(d for d in range(len(shape)) if d not in kept))
    return (reshape(summed, x.type.shape),)


def _broadcast_batch(size: int, args: Any, dims: Any, shape: Shape, broadcast_dimensions: Sequence[int]) -> Any:
    (x,), (d,) = args, dims
    x = moveaxis(x, d, 0)
    return broadcast_in_dim(x, (size, *shape), (0, *(b + 1 for b in broadcast_dimensions))), 0


broadcast_in_dim_p = Primitive(
    "broadcast_in_dim",
    type_rule=_broadcast_type,
    impl=_broadcast_impl,
    jvp=lambda primals, tangents, **params: (
        broadcast_in_dim(primals[0], **params),
        broadcast_in_dim(tangents[0], **params),
    ),
    transpose=_broadcast_transpose,
    batch=_broadcast_batch,
    family="shape",
)


def reduce_sum(x: Any, axes: Sequence[int]) -> Any:
    """The sum over ``axes`` (non-negative, distinct)."""
    if not axes and isinstance(x, Value):
        return x
    return bind(reduce_sum_p, x, axes=tuple(axes))


def reduced_type(x: ArrayType, axes: Sequence[int]) -> ArrayType:
    """The type after the axes are gone."""
    if any(not 0 <= a < x.ndim for a in axes) or len(set(axes)) != len(axes):
        raise bad_shape(f"axes {tuple(axes)} do not fit {x}")
    return x.with_shape(tuple(n for i, n in enumerate(x.shape) if i not in axes))


def kept_axes(ndim: int, axes: Sequence[int]) -> tuple[int, ...]:
    """The axes that a reduction leaves."""
    return tuple(i for i in range(ndim) if i not in axes)


def batched_axes(dim: int, axes: Sequence[int], ndim: int) -> tuple[tuple[int, ...], int]:
    """Axes of a reduction on the batched operand (of ``ndim`` axes), and where the batch axis ends up."""
    moved = tuple(a + (a >= dim) for a in axes)
    return moved, kept_axes(ndim, moved).index(dim)


def _reduce_sum_batch(size: int, args: Any, dims: Any, axes: Sequence[int]) -> Any:
    moved, out = batched_axes(dims[0], axes, type_of(args[0]).ndim)
    return reduce_sum(args[0], moved), out


reduce_sum_p = Primitive(
    "reduce_sum",
    type_rule=reduced_type,
    impl=lambda x, axes: np.sum(x, axis=axes, dtype=np.asarray(x).dtype),
    jvp=lambda primals, tangents, axes: (reduce_sum(primals[0], axes), reduce_sum(tangents[0], axes)),
    transpose=lambda ct, x, axes: (broadcast_in_dim(ct, x.type.shape, kept_axes(x.type.ndim, axes)),),
    batch=_reduce_sum_batch,
    family="reduce",
)


# --- reshape, squeeze, transpose, rev -------------------------------------------------------------------------


def reshape(x: Any, new_sizes: Shape) -> Any:
    """The same elements, row-major, in another shape (all sizes given)."""
    new_sizes = tuple(new_sizes)
    if type_of(x).shape == new_sizes and isinstance(x, Value):
        return x
    return bind(reshape_p, x, new_sizes=new_sizes)


def _reshape_type(x: ArrayType, new_sizes: Shape) -> ArrayType:
    if math.prod(new_sizes) != x.size or any(n < 0 for n in new_sizes):
        raise bad_shape(f"cannot reshape {x} into shape {new_sizes}", "the number of elements must stay the same")
    return x.with_shape(new_sizes)


reshape_p = Primitive(
    "reshape",
    type_rule=_reshape_type,
    impl=lambda x, new_sizes: np.reshape(x, new_sizes)[()],
    jvp=lambda primals, tangents, new_sizes: (reshape(primals[0], new_sizes), reshape(tangents[0], new_sizes)),
    transpose=lambda ct, x, new_sizes: (reshape(ct, x.type.shape),),
    batch=lambda size, args, dims, new_sizes: (reshape(moveaxis(args[0], dims[0], 0), (size, *new_sizes)), 0),
    family="shape",
)


def squeeze(x: Any, dimensions: Sequence[int]) -> Any:
    """Drops dimensions of size 1."""
    if not dimensions and isinstance(x, Value):
        return x
    return bind(squeeze_p, x, dimensions=tuple(dimensions))


def _squeeze_type(x: ArrayType, dimensions: Sequence[int]) -> ArrayType:
    if any(x.shape[d] != 1 for d in dimensions):
        raise bad_shape(f"cannot squeeze dimensions {tuple(dimensions)} of {x}", "only dimensions of size 1 can go")
    return reduced_type(x, dimensions)


def _squeeze_batch(size: int, args: Any, dims: Any, dimensions: Sequence[int]) -> Any:
    moved, out = batched_axes(dims[0], dimensions, type_of(args[0]).ndim)
    return squeeze(args[0], moved), out


squeeze_p = Primitive(
    "squeeze",
    type_rule=_squeeze_type,
    impl=lambda x, dimensions: np.squeeze(x, dimensions)[()],
    jvp=lambda primals, tangents, dimensions: (squeeze(primals[0], dimensions), squeeze(tangents[0], dimensions)),
    transpose=lambda ct, x, dimensions: (reshape(ct, x.type.shape),),
    batch=_squeeze_batch,
    family="shape",
)


def expand_dims(x: Any, dimensions: Sequence[int]) -> Any:
    """Inserts dimensions of size 1 at these positions of the result."""
    t = type_of(x)
    ndim = t.ndim + len(dimensions)
    old = kept_axes(ndim, [canonical_axis(d, ndim) for d in dimensions])
    shape = [1] * ndim
    for d, n in zip(old, t.shape, strict=True):
        shape[d] = n
    return broadcast_in_dim(x, tuple(shape), old)


def transpose(x: Any, permutation: Sequence[int]) -> Any:
    """Dimension i of the result is dimension ``permutation[i]`` of ``x``."""
    permutation = tuple(permutation)
    if permutation == tuple(range(type_of(x).ndim)) and isinstance(x, Value):
        return x
    return bind(transpose_p, x, permutation=permutation)


def _transpose_type(x: ArrayType, permutation: Sequence[int]) -> ArrayType:
    if sorted(permutation) != list(range(x.ndim)):
        raise bad_shape(f"{tuple(permutation)} is no permutation of the axes of {x}")
    return x.with_shape(tuple(x.shape[p] for p in permutation))


def inverse_permutation(permutation: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes it."""
    return tuple(int(i) for i in np.argsort(permutation))


transpose_p = Primitive(
    "transpose",
    type_rule=_transpose_type,
    impl=lambda x, permutation: np.transpose(x, permutation),
    jvp=lambda primals, tangents, permutation: (
        transpose(primals[0], permutation),
        transpose(tangents[0], permutation),
    ),
    transpose=lambda ct, x, permutation: (transpose(ct, inverse_permutation(permutation)),),
    batch=lambda size, args, dims, permutation: (
        transpose(args[0], (dims[0], *(p + (p >= dims[0]) for p in permutation))),
        0,
    ),
    family="shape",
)


def moveaxis(x: Any, source: int, destination: int) -> Any:
    """One axis moved, the others in order; no equation where it stays."""
    if source == destination:
        return x
    order = [i for i in range(type_of(x).ndim) if i != source]
    order.insert(destination, source)
    return transpose(x, order)


def rev(x: Any, dimensions: Sequence[int]) -> Any:
    """Reverses the order along these dimensions."""
    return bind(rev_p, x, dimensions=tuple(dimensions))


rev_p = Primitive(
    "rev",
    type_rule=lambda x, dimensions: x,
    impl=lambda x, dimensions: np.flip(x, dimensions),
    jvp=lambda primals, tangents, dimensions: (rev(primals[0], dimensions), rev(tangents[0], dimensions)),
    transpose=lambda ct, x, dimensions: (rev(ct, dimensions),),
    batch=lambda size, args, dims, dimensions: (
        rev(args[0], tuple(d + (d >= dims[0]) for d in dimensions)),
        dims[0],
    ),
    family="shape",
)


# --- constants ------------------------------------------------------------------------------------------------


def iota(dtype: Any, shape: Shape, dimension: int) -> Any:
    """0, 1, 2, … along one dimension, repeated along the others."""
    return bind(iota_p, dtype=dtype_of(dtype), shape=tuple(shape), dimension=dimension)


def _iota_impl(dtype: np.dtype[Any], shape: Shape, dimension: int) -> Any:
    line = np.arange(shape[dimension], dtype=dtype).reshape([-1 if i == dimension else 1 for i in range(len(shape))])
    return np.broadcast_to(line, shape)


iota_p = Primitive(
    "iota",
    type_rule=lambda dtype, shape, dimension: array_type(shape, dtype),
    impl=_iota_impl,
    jvp=lambda primals, tangents, **params: (iota(**params), None),
    batch=lambda size, args, dims, **params: (iota(**params), None),
    family="shape",
)


def full(shape: Shape, value: Any, dtype: Any) -> Any:
    """An array of one value."""
    return broadcast_in_dim(dtype_of(dtype).type(value), tuple(shape), ())


def zeros(t: ArrayType) -> Any:
    """Zeros of a type: a NumPy scalar for a scalar type, so that it becomes a literal."""
    zero = t.dtype.type(0)
    return broadcast_in_dim(zero, t.shape, ()) if t.shape else zero


# --- helpers of rules -----------------------------------------------------------------------------------------


def broadcast_to_type(x: Any, t: ArrayType) -> Any:
    """``x`` with the shape of ``t``: scalars and dimensions of size 1 repeated."""
    shape = type_of(x).shape
    if shape == t.shape:
        return x
    return broadcast_in_dim(x, t.shape, tuple(range(t.ndim - len(shape), t.ndim)))


def unbroadcast(ct: Any, t: ArrayType) -> Any:
    """The transpose of an implicit broadcast: sums the cotangent back to the operand's shape."""
    shape = type_of(ct).shape
    if shape == t.shape:
        return ct
    lead = len(shape) - t.ndim
    axes = tuple(i for i in range(len(shape)) if i < lead or (t.shape[i - lead] == 1 and shape[i] != 1))
    return reshape(reduce_sum(ct, axes), t.shape)


def expand_for_batch(args: Sequence[Any], dims: Sequence[int | None]) -> list[Any]:
    """Operands of an elementwise primitive under vmap: batch axis first, ranks equal, scalars left alone."""
    ranks = [type_of(a).ndim - (d is not None) for a, d in zip(args, dims, strict=True)]
    rank = max(ranks)
    out = []
    for a, d, r in zip(args, dims, ranks, strict=True):
        if d is not None:
            a = moveaxis(a, d, 0)
            shape = type_of(a).shape
            out.append(a if r == rank else reshape(a, (shape[0], *(1,) * (rank - r), *shape[1:])))
        else:
            out.append(a if r == 0 else reshape(a, (1,) * (rank - r + 1) + type_of(a).shape))
    return out


def batch_to_front(size: int, x: Any, d: int | None) -> Any:
    """The operand with the batch axis first, repeated where it had none."""
    if d is not None:
        return moveaxis(x, d, 0)
    shape = type_of(x).shape
    return broadcast_in_dim(x, (size, *shape), tuple(range(1, len(shape) + 1)))
