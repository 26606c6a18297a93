"""Products of which one dimension is divided into groups: ``ragged_dot_general``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import Shape
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.dot import dot_general
from gradcli.engine.ops.reduce import cumsum
from gradcli.numpy._base import type_error


class RaggedDotDimensionNumbers(NamedTuple):
    """The dimensions of a product as for ``dot_general``, the ragged ones of ``lhs``, those of groups of ``rhs``."""

    dot_dimension_numbers: Any
    lhs_ragged_dimensions: Sequence[int]
    rhs_group_dimensions: Sequence[int]


def ragged_dot_general(
    lhs: Any, rhs: Any, group_sizes: Any, ragged_dot_dimension_numbers: RaggedDotDimensionNumbers,
    precision: Any = None, preferred_element_type: Any = None, group_offset: Any = None, out_sharding: Any = None,
) -> Any:  # fmt: skip
    """A product in which groups along one dimension of ``lhs``, one after the other, are kept apart.

    Where it is not contracted, each group meets its own part of ``rhs`` along the group dimension; where it is, the
    result has a leading axis of groups, each the product over its own part; where it is a batch dimension, batches are
    apart anyway. group_sizes: [g], or [..., g] for every batch and for the dimensions in front of the ragged one.
    Raises TypeError where shapes do not fit, and for a group_offset.

    >>> import numpy as np
    >>> numbers = RaggedDotDimensionNumbers((((1,), (0,)), ((), ())), [1], [])
    >>> print(ragged_dot_general(np.ones((1, 4)), np.ones((4, 1)), np.array([1, 3]), numbers).ravel())
    [1. 3.]
    """
    numbers = ragged_dot_dimension_numbers
    (contract, right_contract), (batch, right_batch) = numbers.dot_dimension_numbers
    if len(numbers.lhs_ragged_dimensions) != 1 or group_offset is not None:
        raise type_error("ragged_dot_general needs one ragged dimension, and no group_offset")
    ragged, shape = int(numbers.lhs_ragged_dimensions[0]), type_of(lhs).shape
    free = [d for d in range(len(shape)) if d not in contract and d not in batch]
    grouped = tuple(numbers.rhs_group_dimensions)
    if len(grouped) != (ragged in free):
        raise type_error("rhs has a group dimension exactly where the ragged dimension of lhs is not contracted")
    kind = batch if ragged in batch else contract if ragged in contract else free
    if kind is batch:
        return dot_general(lhs, rhs, numbers.dot_dimension_numbers, preferred_element_type=preferred_element_type)
    inside = _members(group_sizes, [*batch, *kind[: list(kind).index(ragged)]], ragged, shape)
    mask = e.convert_element_type(inside, type_of(lhs).dtype)
    left = e.mul(mask, s.broadcast_in_dim(lhs, type_of(mask).shape, tuple(range(1, len(shape) + 1))))
    contracted = [[d + 1 for d in contract], list(right_contract)]
    if kind is free:
        contracted = [[0, *contracted[0]], [grouped[0], *contracted[1]]]
    dims = ((tuple(contracted[0]), tuple(contracted[1])), (tuple(d + 1 for d in batch), tuple(right_batch)))
    out = dot_general(left, rhs, dims, preferred_element_type=preferred_element_type)
    return s.moveaxis(out, len(batch), 0) if kind is contract else out


def _members(group_sizes: Any, outer: list[int], ragged: int, shape: Shape) -> Any:
    """Whether an element of ``lhs`` is in a group: bool[g, *shape]."""
    t = type_of(group_sizes)
    groups, wanted = t.shape[-1], tuple(shape[d] for d in outer)
    if t.ndim != 1 and t.shape[:-1] != wanted:
        raise type_error(f"group_sizes of ragged_dot_general are [g] or {[*wanted, 'g']}, got {t}")
    places = [d + 1 for d in outer] if t.ndim > 1 else []
    order = sorted(range(len(places)), key=places.__getitem__)
    ends = s.transpose(cumsum(group_sizes, t.ndim - 1), (t.ndim - 1, *order))
    starts = e.sub(ends, s.transpose(group_sizes, (t.ndim - 1, *order)))
    full, axes = (groups, *shape), (0, *(places[i] for i in order))
    low, high = (s.broadcast_in_dim(x, full, axes) for x in (starts, ends))
    rows = s.iota(t.dtype, full, ragged + 1)
    return e.bitwise_and(e.ge(rows, low), e.lt(rows, high))
