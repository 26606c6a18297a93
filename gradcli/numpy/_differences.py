"""Differences and running totals along an axis: slopes on a grid, phases unwrapped, sums that skip nan."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.operators import absolute, inexact, like, promoted, remainder, where
from gradcli.engine.ops.shape import canonical_axis
from gradcli.engine.vmap import vmap
from gradcli.numpy._base import Axis, arr, axes_of, type_error, unsupported, value_error
from gradcli.numpy._reductions import all as all_
from gradcli.numpy._reductions import argmax, argmin, cumprod, cumsum, diff, promote_integers_of
from gradcli.numpy._shapes import ravel
from gradcli.numpy._ufuncs import isnan


def gradient(f: Any, *varargs: Any, axis: Axis = None, edge_order: int | None = None) -> Any:
    """The slope at each point of a grid along the axes (default: all): central inside, one-sided at both ends.

    varargs: the distance of points, or their coordinates as a vector; one for all axes or one each.
    Returns an array, or a list of them for several axes. Raises ValueError for axes of fewer than two points and
    distances that do not fit, TypeError for another number of distances, NotImplementedError for ``edge_order``.

    >>> import numpy as np
    >>> print(gradient(np.array([0.0, 1.0, 4.0, 9.0])))
    [1. 2. 4. 5.]
    """
    if edge_order is not None:
        raise unsupported("gradient with edge_order is not supported")
    a, *spacing = inexact(f, *varargs)
    a = arr(a)
    ndim = type_of(f).ndim
    if a.ndim != ndim:
        a = s.reshape(a, type_of(f).shape)
    spacing = [s.reshape(h, type_of(v).shape) for h, v in zip(spacing, varargs, strict=True)]
    named = range(ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = [canonical_axis(i, ndim) for i in named]
    if not axes:
        return []
    if builtins.min(a.shape[d] for d in axes) < 2:
        raise value_error(f"gradient of {a.type}: an axis has fewer than two points")
    if len(spacing) not in (0, 1, len(axes)):
        raise type_error(f"gradient got {len(spacing)} distances for {len(axes)} axes")
    widths = spacing * len(axes) if len(spacing) == 1 else spacing or [like(a, 1)] * len(axes)
    found = [_slopes(a, h, d) for h, d in zip(widths, axes, strict=True)]
    return found[0] if len(found) == 1 else found


def _slopes(a: Any, h: Any, axis: int) -> Any:
    n = a.shape[axis]

    def part(x: Any, start: int, stop: int) -> Any:
        return slice_in_dim(x, start, stop, axis)

    steps = e.sub(part(a, 1, n), part(a, 0, n - 1))
    if not type_of(h).ndim:
        inner = e.div(e.mul(e.sub(part(a, 2, n), part(a, 0, n - 2)), like(a, 0.5)), h)
        return concatenate([e.div(part(steps, 0, 1), h), inner, e.div(part(steps, n - 2, n - 1), h)], axis)
    if type_of(h).shape != (n,):
        raise value_error(f"gradient along an axis of {n} points got {type_of(h)} as their coordinates")
    x = s.reshape(h, tuple(n if d == axis else 1 for d in range(a.ndim)))
    widths = e.sub(part(x, 1, n), part(x, 0, n - 1))
    slopes = e.div(steps, widths)
    before, after = part(widths, 0, n - 2), part(widths, 1, n - 1)  # each slope weighs by the width of the other side
    weighed = e.add(e.mul(part(slopes, 0, n - 2), after), e.mul(part(slopes, 1, n - 1), before))
    inner = e.div(weighed, e.add(before, after))
    return concatenate([part(slopes, 0, 1), inner, part(slopes, n - 2, n - 1)], axis)


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """The differences of neighbours in the flattened array, with something before and behind them."""
    a = ravel(ary)
    parts = [e.sub(slice_in_dim(a, 1, a.size, 0), slice_in_dim(a, 0, a.size - 1, 0)) if a.size else a]
    if to_begin is not None:
        parts.insert(0, e.convert_element_type(ravel(to_begin), a.dtype))
    if to_end is not None:
        parts.append(e.convert_element_type(ravel(to_end), a.dtype))
    return concatenate(parts, 0)


def unwrap(p: Any, discont: Any = None, axis: int = -1, period: Any = 2 * math.pi) -> Any:
    """Phases along an axis, changed by whole periods so that neighbours differ by at most half a period.

    discont: only jumps greater than that are mended. Raises ValueError for complex numbers.
    """
    p, period = promoted(arr(p), period)
    p = arr(p)
    if p.dtype.kind == "c":
        raise value_error("unwrap is not defined for complex operands")
    axis = canonical_axis(axis, p.ndim)
    n = p.shape[axis]
    if not n:
        return p
    half = e.div(period, like(period, 2))
    steps = diff(p, axis=axis)
    within = e.sub(remainder(e.add(steps, half), period), half)
    at_edge = e.bitwise_and(e.eq(within, e.neg(half)), e.gt(steps, like(steps, 0)))
    within = where(at_edge, half, within)
    small = absolute(steps) < (period / 2 if discont is None else discont)
    correction = where(small, like(steps, 0), e.sub(within, steps))
    rest = e.add(slice_in_dim(p, 1, n, axis), cumsum(correction, axis))
    return concatenate([slice_in_dim(p, 0, 1, axis), rest], axis)


# --- running totals -------------------------------------------------------------------------------------------------


def _with_initial(name: str, total: Callable[..., Any], neutral: int) -> Callable[..., Any]:
    def apply(
        x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Any:
        x = arr(x)
        if not x.ndim or (x.ndim > 1 and axis is None):
            raise value_error(f"{name} needs an axis, or a vector; got {x.type}")
        place = canonical_axis(0 if axis is None else axis, x.ndim)
        out = total(promote_integers_of(x, dtype) if total is cumsum else x, place, dtype)
        if not include_initial:
            return out
        first = s.full(tuple(1 if d == place else n for d, n in enumerate(x.shape)), neutral, out.dtype)
        return concatenate([first, out], place)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"The {name.replace('_', ' ')} along an axis; with ``include_initial`` it begins with {neutral}."
    return apply


cumulative_sum = _with_initial("cumulative_sum", cumsum, 0)
cumulative_prod = _with_initial("cumulative_prod", cumprod, 1)


def _skipping_nan(name: str, total: Callable[..., Any], neutral: int) -> Callable[..., Any]:
    def apply(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
        a = arr(a)
        return total(where(isnan(a), like(a, neutral), a) if a.dtype.kind in "fc" else a, axis, dtype, out)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"The {name[3:]} along an axis, or of the flattened array, with nan counted as {neutral}."
    return apply


nancumsum, nancumprod = _skipping_nan("nancumsum", cumsum, 0), _skipping_nan("nancumprod", cumprod, 1)


def _nan_position(name: str, find: Callable[..., Any], worst: float) -> Callable[..., Any]:
    def apply(a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None) -> Any:
        a = arr(a)
        if a.dtype.kind not in "fc":
            return find(a, axis, out, keepdims)
        nan = isnan(a)
        found = find(where(nan, like(a, worst), a), axis, out, keepdims)
        return where(all_(nan, axis, keepdims=bool(keepdims)), like(found, -1), found)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"The index of the first {name[6:]}imum that is not nan; -1 where there is nothing else."
    return apply


nanargmax, nanargmin = _nan_position("nanargmax", argmax, -math.inf), _nan_position("nanargmin", argmin, math.inf)


# --- functions along axes -------------------------------------------------------------------------------------------


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """``func1d`` of each line along an axis; what it returns takes the place of that axis.

    >>> import numpy as np
    >>> print(apply_along_axis(diff, 0, np.array([[1, 2], [5, 9]])))
    [[4 7]]
    """
    ndim = type_of(arr).ndim
    place = canonical_axis(axis, ndim)

    def f(line: Any) -> Any:
        return func1d(line, *args, **kwargs)

    for i in range(1, ndim - place):
        f = vmap(f, in_axes=i, out_axes=-1)
    for _ in range(place):
        f = vmap(f)
    return f(arr)


def apply_over_axes(func: Callable[[Any, int], Any], a: Any, axes: Sequence[int]) -> Any:
    """``func(a, axis)`` for one axis after the other, each of which stays, with size 1.

    Raises ValueError where ``func`` changes the number of dimensions otherwise.
    """
    a = arr(a)
    for axis in axes_of(axes, a.ndim) if isinstance(axes, int) else axes:
        out = arr(func(a, axis))
        if out.ndim == a.ndim - 1:
            out = s.expand_dims(out, [canonical_axis(axis, a.ndim)])
        if out.ndim != a.ndim:
            raise value_error(f"apply_over_axes: the function made {out.type} of {a.type}")
        a = out
    return a
