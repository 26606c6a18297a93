"""``reduce`` and ``reduce_window``: by a known operation where the computation is one, else by the computation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.control.fold import fold, fold_windows
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import reduce as r
from gradcli.engine.ops.shape import canonical_axis, reduce_sum
from gradcli.engine.ops.window import (
    extreme_value,
    reduce_window_max,
    reduce_window_min,
    reduce_window_sum,
    window_shape,
)
from gradcli.engine.trace.tracer import Tracer
from gradcli.engine.tree import tree_flatten
from gradcli.lax._convolution import padtype_to_pads
from gradcli.numpy._base import type_error

_SUMS: dict[Any, tuple[Any, Any]] = {e.add: (0, reduce_sum), e.mul: (1, r.reduce_prod)}
_BITS: dict[Any, tuple[Any, Any]] = {
    e.bitwise_and: (-1, r.reduce_and), e.bitwise_or: (0, r.reduce_or), e.bitwise_xor: (0, r.reduce_xor)
}  # fmt: skip
_EXTREMA: dict[Any, tuple[bool, Any]] = {e.max: (False, r.reduce_max), e.min: (True, r.reduce_min)}
_WINDOWS: dict[Any, Any] = {e.add: reduce_window_sum, e.max: reduce_window_max, e.min: reduce_window_min}


def _known(computation: Any, operand: Any, init: Any) -> Any:
    """The reduction that a computation and its initial value amount to, or None."""
    t = type_of(operand)
    if isinstance(init, Tracer) or type_of(init).shape or not callable(computation):
        return None
    value = np.asarray(init)
    if computation in _SUMS and t.dtype.kind != "b":
        start, found = _SUMS[computation]
        return found if value == start else None
    if computation in _BITS and t.dtype.kind in "biu":
        start, found = _BITS[computation]
        bits = np.array(start, np.int64).astype(t.dtype) if t.dtype.kind != "b" else np.bool_(start)
        return found if value.astype(t.dtype) == bits else None
    if computation in _EXTREMA and t.dtype.kind != "c":
        greatest, found = _EXTREMA[computation]
        return found if value == extreme_value(t.dtype, greatest) else None
    return None


def reduce(
    operands: Any, init_values: Any, computation: Callable[..., Any], dimensions: Sequence[int],
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """All elements over ``dimensions``, combined by an associative ``computation(x, y)`` of scalars.

    operands, init_values: pytrees of arrays of one shape, and of scalars. For addition, products, extrema and bits with
    their neutral element it is ``reduce_sum`` and so on. Raises TypeError (G209) where structures or dtypes do not fit.

    >>> from gradcli import lax
    >>> print(reduce(np.arange(6.0).reshape(2, 3), 0.0, lax.add, (0,)))
    [3. 5. 7.]
    """
    leaves, _ = tree_flatten(operands)
    axes = tuple(canonical_axis(d, type_of(leaves[0]).ndim) for d in dimensions)
    if not axes:
        return operands
    inits, _ = tree_flatten(init_values)
    known = _known(computation, leaves[0], inits[0]) if len(leaves) == len(inits) == 1 else None
    if known is not None and leaves[0] is operands:
        return known(operands, axes)
    return fold(operands, init_values, computation, axes)


def reduce_window(
    operand: Any, init_value: Any, computation: Callable[..., Any], window_dimensions: Sequence[int],
    window_strides: Sequence[int] | None = None, padding: Any = "VALID", base_dilation: Sequence[int] | None = None,
    window_dilation: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """The elements of every window combined by ``computation``; holes and pads count as ``init_value``.

    padding: ``VALID``, ``SAME``, ``SAME_LOWER`` or (low, high) pairs. Differentiable as any other operation; a maximum
    gives its derivative to the first greatest element of the window.

    >>> from gradcli import lax
    >>> print(reduce_window(np.array([1.0, 3.0, 2.0, 0.0]), -np.inf, lax.max, (2,), (1,)))
    [3. 3. 2.]
    """
    leaves, _ = tree_flatten(operand)
    shape = type_of(leaves[0]).shape
    ones = (1,) * len(shape)
    sizes = tuple(int(n) for n in window_dimensions)
    strides = tuple(int(n) for n in window_strides) if window_strides is not None else ones
    base = tuple(int(n) for n in base_dilation) if base_dilation is not None else ones
    inner = tuple(int(n) for n in window_dilation) if window_dilation is not None else ones
    if any(len(p) != len(shape) for p in (sizes, strides, base, inner)):
        raise type_error(f"a window over {type_of(leaves[0])} needs one entry a dimension, not {sizes}")
    if isinstance(padding, str):
        widths = [(w - 1) * d + 1 for w, d in zip(sizes, inner, strict=True)]
        lengths = [(n - 1) * d + 1 if n else 0 for n, d in zip(shape, base, strict=True)]
        padding = padtype_to_pads(lengths, widths, strides, padding)
    params: dict[str, Any] = {
        "window_dimensions": sizes, "window_strides": strides, "base_dilation": base, "window_dilation": inner,
        "padding": tuple((int(a), int(b)) for a, b in padding),
    }  # fmt: skip
    inits, _ = tree_flatten(init_value)
    window_shape(type_of(leaves[0]), **params)
    single = len(leaves) == len(inits) == 1 and leaves[0] is operand
    if single and computation in _WINDOWS and _known(computation, operand, inits[0]) is not None:
        return _WINDOWS[computation](operand, **params)
    return fold_windows(operand, init_value, computation, **params)


def reduce_window_shape_tuple(
    operand_shape: Sequence[int], window_dimensions: Sequence[int], window_strides: Sequence[int], padding: Any,
    base_dilation: Sequence[int] | None = None, window_dilation: Sequence[int] | None = None,
) -> tuple[int, ...]:  # fmt: skip
    """The shape of a windowed reduction."""
    ones = (1,) * len(operand_shape)
    return window_shape(
        type_of(np.empty(tuple(operand_shape), bool)), tuple(window_dimensions), tuple(window_strides), tuple(padding),
        tuple(base_dilation or ones), tuple(window_dilation or ones),
    )  # fmt: skip
