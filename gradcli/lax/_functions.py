"""What ``jax.lax`` has beside primitives: small functions made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.control.scan import scan
from gradcli.engine.ir.types import canonical_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.dot import dot_general
from gradcli.engine.tree import tree_leaves, tree_map
from gradcli.numpy import _creation as creation
from gradcli.numpy._base import type_error, unsupported


def map(f: Callable[[Any], Any], xs: Any, *, batch_size: int | None = None) -> Any:
    """``f`` of every slice of ``xs`` along the first axis, one after the other; the results stacked."""
    if batch_size is not None:
        raise unsupported("lax.map with batch_size is not supported", "use vmap")
    return scan(lambda _, x: ((), f(x)), (), xs)[1]


def select(pred: Any, on_true: Any, on_false: Any) -> Any:
    """``on_true`` where ``pred`` holds, else ``on_false``; operands of one dtype and shape."""
    return e.select_n(pred, on_false, on_true)


def convert_element_type(operand: Any, new_dtype: Any) -> Any:
    """The operand in another dtype, under the precision in force."""
    dtype = bool if new_dtype is bool else int if new_dtype is int else new_dtype
    return e.convert_element_type(operand, canonical_dtype(dtype))


def full(shape: Sequence[int], fill_value: Any, dtype: Any = None) -> Any:
    """An array of one value."""
    return creation.full(shape, fill_value, dtype)


def full_like(x: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """An array of one value, with shape and dtype of ``x`` unless given."""
    return creation.full_like(x, fill_value, dtype, shape)


def iota(dtype: Any, size: int) -> Any:
    """``[0, 1, …, size - 1]``."""
    return s.iota(canonical_dtype(dtype), (int(size),), 0)


def broadcasted_iota(dtype: Any, shape: Sequence[int], dimension: int) -> Any:
    """The index along one dimension, for each element."""
    return s.iota(canonical_dtype(dtype), tuple(shape), dimension)


def broadcast(operand: Any, sizes: Sequence[int]) -> Any:
    """New leading dimensions, along which the operand is repeated."""
    shape = type_of(operand).shape
    return s.broadcast_in_dim(operand, (*sizes, *shape), tuple(range(len(sizes), len(sizes) + len(shape))))


def dot(lhs: Any, rhs: Any, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """Vector and matrix products. Raises TypeError for operands of other ranks or of unequal inner sizes."""
    left, right = type_of(lhs), type_of(rhs)
    if not 1 <= left.ndim <= 2 or not 1 <= right.ndim <= 2 or left.shape[-1] != right.shape[0]:
        raise type_error(f"lax.dot does not accept {left} and {right}")
    return dot_general(lhs, rhs, (((left.ndim - 1,), (0,)), ((), ())), preferred_element_type=preferred_element_type)


def batch_matmul(lhs: Any, rhs: Any, precision: Any = None) -> Any:
    """Matrix products along leading axes of one shape."""
    n = type_of(lhs).ndim
    lead = tuple(range(n - 2))
    return dot_general(lhs, rhs, (((n - 1,), (n - 2,)), (lead, lead)))


def reciprocal(x: Any) -> Any:
    """``1 / x``."""
    return e.integer_pow(x, -1)


def stop_gradient(x: Any) -> Any:
    """The identity, with derivative zero, on any pytree."""
    return tree_map(lambda v: e.stop_gradient_value(v) if type_of(v).is_float else v, x)


def slice_in_dim(operand: Any, start_index: int | None, limit_index: int | None, stride: int = 1, axis: int = 0) -> Any:
    """A slice along one axis; None and negative bounds as in Python."""
    shape = type_of(operand).shape
    axis = s.canonical_axis(axis, len(shape))
    start, limit, _ = slice(start_index, limit_index).indices(shape[axis])
    return s.slice_in_dim(operand, start, limit, axis, stride)


def associative_scan(fn: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All prefixes combined by an associative function of pytrees, in a logarithmic number of steps.

    Raises TypeError where the leaves have different sizes along ``axis``.
    """
    sizes = {type_of(x).shape[axis] for x in tree_leaves(elems)}
    if len(sizes) != 1:
        raise type_error(f"associative_scan needs leaves of one size along axis {axis}, got {sorted(sizes)}")
    n = sizes.pop()
    elems = tree_map(lambda x: s.rev(x, (s.canonical_axis(axis, type_of(x).ndim),)), elems) if reverse else elems
    step = 1
    while step < n:  # Hillis and Steele: each round combines what is ``step`` apart

        def part(start: int, limit: int, tree: Any) -> Any:
            return tree_map(lambda x: slice_in_dim(x, start, limit, axis=axis), tree)

        joined = fn(part(0, n - step, elems), part(step, n, elems))
        elems = tree_map(
            lambda a, b: s.concatenate([a, b], s.canonical_axis(axis, type_of(a).ndim)), part(0, step, elems), joined
        )
        step *= 2
    return tree_map(lambda x: s.rev(x, (s.canonical_axis(axis, type_of(x).ndim),)), elems) if reverse else elems
