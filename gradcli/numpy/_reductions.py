"""Reductions and cumulative functions, with ``axis``, ``keepdims``, ``where`` and ``initial`` as NumPy has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import BOOL, default_int, real_dtype
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import reduce as r
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.operators import add, inexact, like, maximum, minimum, multiply, promoted, subtract, true_divide
from gradcli.engine.ops.operators import where as select
from gradcli.engine.ops.shape import canonical_axis, reduce_sum
from gradcli.numpy._base import Axis, arr, axes_of, kind, to_dtype, unsupported, value_error
from gradcli.numpy._shapes import broadcast_to, ravel
from gradcli.numpy._ufuncs import isclose, isnan

Where = Any


def _keep(out: Any, shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> Any:
    """The reduced axes put back with size 1; the result of a reduction is never weak."""
    if out.weak_type:
        out = e.convert_element_type(out, out.dtype)
    if not keepdims or not axes:
        return out
    wide = tuple(1 if i in axes else n for i, n in enumerate(shape))
    return s.broadcast_in_dim(out, wide, s.kept_axes(len(shape), axes))


def _masked(a: Any, where: Where, neutral: Any) -> Any:
    """``a``, with the neutral element wherever ``where`` is False."""
    return a if where is None else select(where, a, like(a, neutral))


def promote_integers_of(a: Any, dtype: Any) -> Any:
    """The operand in the dtype of a sum: bool and narrow integers are summed as the default integer."""
    if dtype is not None:
        return to_dtype(a, dtype)
    if a.dtype.kind == "b" or (a.dtype.kind == "i" and a.dtype.itemsize < default_int().itemsize):
        return e.convert_element_type(a, default_int())
    if a.dtype.kind == "u" and a.dtype.itemsize < default_int().itemsize:
        return e.convert_element_type(a, np.dtype(f"uint{default_int().itemsize * 8}"))
    return a


def _no_out(out: None) -> None:
    if out is not None:
        raise unsupported("the argument out is not supported", "arrays do not change: use the result")


def _is_half(a: Any) -> bool:
    return bool(a.dtype.kind == "f" and a.dtype.itemsize == 2)


def _in_single(reduce: Callable[..., Any], a: Any, axes: tuple[int, ...]) -> Any:
    """Reduced in float32 where the numbers have only 16 bits, as JAX does: so many of them do not fit."""
    if not _is_half(a):
        return reduce(a, axes)
    return e.convert_element_type(reduce(e.convert_element_type(a, np.float32), axes), a.dtype)


def sum(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
    where: Where = None, promote_integers: bool = True,
) -> Any:  # fmt: skip
    """The sum over the axes (default: all)."""
    _no_out(out)
    a = arr(a)
    a = promote_integers_of(a, dtype) if promote_integers or a.dtype.kind == "b" else to_dtype(a, dtype)
    a = _masked(a, where, 0)
    axes = axes_of(axis, a.ndim)
    total = _keep(_in_single(reduce_sum, a, axes), a.shape, axes, keepdims)
    return total if initial is None else add(e.convert_element_type(arr(initial), a.dtype), total)


def prod(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
    where: Where = None, promote_integers: bool = True,
) -> Any:  # fmt: skip
    """The product over the axes (default: all)."""
    _no_out(out)
    a = arr(a)
    a = promote_integers_of(a, dtype) if promote_integers or a.dtype.kind == "b" else to_dtype(a, dtype)
    a = _masked(a, where, 1)
    axes = axes_of(axis, a.ndim)
    total = _keep(_in_single(r.reduce_prod, a, axes), a.shape, axes, keepdims)
    return total if initial is None else multiply(e.convert_element_type(arr(initial), a.dtype), total)


def _count(a: Any, axes: tuple[int, ...], where: Where, dtype: Any, keepdims: bool) -> Any:
    """How many elements are reduced to one: a number, or an array where ``where`` decides."""
    if where is None:
        return like(a, math.prod(a.shape[i] for i in axes)) if dtype == a.dtype else dtype.type(_size(a, axes))
    return sum(broadcast_to(where, a.shape), axes, dtype, keepdims=keepdims)


def _size(a: Any, axes: tuple[int, ...]) -> int:
    return math.prod(a.shape[i] for i in axes)


def mean(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False, *, where: Where = None
) -> Any:
    """The arithmetic mean over the axes (default: all), as a float."""
    _no_out(out)
    a = arr(a)
    a = to_dtype(a, dtype) if dtype is not None else inexact(a)[0]
    axes = axes_of(axis, a.ndim)
    if _is_half(a):
        wide = mean(e.convert_element_type(a, np.float32), axes, keepdims=keepdims, where=where)
        return e.convert_element_type(wide, a.dtype)
    return true_divide(sum(a, axes, keepdims=keepdims, where=where), _count(a, axes, where, a.dtype, keepdims))


def average(a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, keepdims: bool = False) -> Any:
    """The weighted mean; with ``returned``, also the sum of weights. Raises ValueError where the weights do not fit."""
    a = arr(a)
    axes = axes_of(axis, a.ndim)
    if weights is None:
        out = mean(a, axis, keepdims=keepdims)
        total: Any = s.full(out.shape, _size(a, axes), out.dtype)
        return (out, total) if returned else out
    a, w = (arr(v) for v in inexact(a, weights))
    if w.ndim == 1 and a.ndim > 1 and axis is not None and len(axes) == 1:
        if w.shape[0] != a.shape[axes[0]]:
            raise value_error(f"{w.shape[0]} weights do not fit axis {axis} of {a.type}")
        w = s.reshape(w, tuple(w.shape[0] if i == axes[0] else 1 for i in range(a.ndim)))
    w = broadcast_to(arr(w), a.shape)
    total = sum(w, axes, keepdims=keepdims)
    out = true_divide(sum(multiply(a, w), axes, keepdims=keepdims), total)
    return (out, total) if returned else out


def var(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, ddof: float = 0, keepdims: bool = False, *,
    where: Where = None, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    """The variance over the axes: the mean square deviation, with divisor n - ddof; nan where that is not positive."""
    _no_out(out)
    a = arr(a)
    a = to_dtype(a, dtype) if dtype is not None else inexact(a)[0]
    axes = axes_of(axis, a.ndim)
    if _is_half(a):
        wide = e.convert_element_type(a, np.float32)
        found = var(wide, axes, None, None, ddof, keepdims, where=where, mean=mean, correction=correction)
        return e.convert_element_type(found, a.dtype)
    free = ddof if correction is None else correction
    middle = _mean(a, axes, keepdims=True, where=where) if mean is None else mean
    centred = subtract(a, middle)
    squares = e.real(e.mul(centred, e.conj(centred))) if kind(centred) == "c" else e.square(centred)
    total = sum(squares, axes, keepdims=keepdims, where=where)
    count = _count(a, axes, where, real_dtype(a.dtype), keepdims)
    if where is None:
        n = _size(a, axes) - free
        return e.div(total, like(total, n if n > 0 else math.nan))
    n = subtract(count, free)
    return select(e.gt(n, like(n, 0)), true_divide(total, n), like(total, math.nan))


_mean = mean


def std(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, ddof: float = 0, keepdims: bool = False, *,
    where: Where = None, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    """The standard deviation: the root of :func:`var`."""
    return e.sqrt(var(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction))


# --- extrema and logic ----------------------------------------------------------------------------------------------


def _extremum(name: str, reduce: Callable[..., Any], combine: Callable[..., Any]) -> Callable[..., Any]:
    def apply(
        a: Any, axis: Axis = None, out: None = None, keepdims: bool = False, initial: Any = None, where: Where = None
    ) -> Any:
        _no_out(out)
        a = arr(a)
        axes = axes_of(axis, a.ndim)
        if initial is None and not _size(a, axes):
            raise value_error(f"{name} of an empty array has no value", "give initial=")
        if where is not None:
            if initial is None:
                raise value_error(f"{name} with where= needs initial=")
            a = select(where, a, e.convert_element_type(arr(initial), a.dtype))
        found = _keep(reduce(a, axes), a.shape, axes, keepdims)
        return found if initial is None else combine(e.convert_element_type(arr(initial), a.dtype), found)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"The {name} over the axes (default: all). Raises ValueError for no elements without ``initial``."
    return apply


max = amax = _extremum("max", r.reduce_max, maximum)
min = amin = _extremum("min", r.reduce_min, minimum)


def ptp(a: Any, axis: Axis = None, out: None = None, keepdims: bool = False) -> Any:
    """The range: largest minus smallest."""
    return subtract(max(a, axis, out, keepdims), min(a, axis, out, keepdims))


def _logic(name: str, reduce: Callable[..., Any], neutral: bool) -> Callable[..., Any]:
    def apply(a: Any, axis: Axis = None, out: None = None, keepdims: bool = False, *, where: Where = None) -> Any:
        _no_out(out)
        a = arr(a)
        truth = a if a.dtype == BOOL else e.ne(a, like(a, 0))
        axes = axes_of(axis, a.ndim)
        return _keep(reduce(_masked(truth, where, neutral), axes), a.shape, axes, keepdims)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"Whether {name} of the elements is true, over the axes (default: all)."
    return apply


all = _logic("all", r.reduce_and, True)
any = _logic("any", r.reduce_or, False)


def _position(name: str, find: Callable[..., Any]) -> Callable[..., Any]:
    def apply(a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None) -> Any:
        _no_out(out)
        a = arr(a)
        shape, axes = a.shape, axes_of(axis, a.ndim)
        if axis is None:
            a, place = ravel(a), 0
        else:
            place = canonical_axis(axis, a.ndim)
        if not a.shape[place]:
            raise value_error(f"{name} of an empty sequence has no value")
        return _keep(find(a, place, default_int()), shape, axes, bool(keepdims))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"The index of the first {name[3:]}imum (or nan), along an axis or in the flattened array."
    return apply


argmax, argmin = _position("argmax", r.argmax), _position("argmin", r.argmin)


def count_nonzero(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """How many elements are not 0."""
    a = arr(a)
    return sum(e.ne(a, like(a, 0)), axis, default_int(), keepdims=keepdims)


# --- cumulative -----------------------------------------------------------------------------------------------------


def _cumulative(name: str, scan: Callable[..., Any]) -> Callable[..., Any]:
    def apply(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
        _no_out(out)
        a = arr(a)
        if axis is None:
            a, axis = ravel(a), 0
        if dtype is None and a.dtype == BOOL:
            dtype = default_int()
        a = to_dtype(a, dtype)
        if a.weak_type:
            a = e.convert_element_type(a, a.dtype)
        return scan(a, canonical_axis(axis, a.ndim))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"The {name} along an axis, or of the flattened array."
    return apply


cumsum, cumprod = _cumulative("cumsum", r.cumsum), _cumulative("cumprod", r.cumprod)


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along an axis, ``n`` times. Raises ValueError for a scalar or a negative ``n``."""
    a = arr(a)
    if not a.ndim or n < 0:
        raise value_error("diff needs an array of at least one dimension, and n >= 0")
    axis = canonical_axis(axis, a.ndim)
    parts = []
    for extra in (prepend, a, append):
        if extra is not None:
            wide = arr(extra)
            if not wide.ndim:
                wide = broadcast_to(wide, tuple(1 if i == axis else m for i, m in enumerate(a.shape)))
            parts.append(e.convert_element_type(wide, a.dtype))
    a = cuts.concatenate(parts, axis)
    for _ in range(n):
        size = a.shape[axis]
        if not size:
            return a
        later, earlier = cuts.slice_in_dim(a, 1, size, axis), cuts.slice_in_dim(a, 0, size - 1, axis)
        a = e.ne(later, earlier) if a.dtype == BOOL else e.sub(later, earlier)
    return a


# --- ignoring nan ---------------------------------------------------------------------------------------------------


def _without_nan(a: Any, where: Where, neutral: Any) -> Any:
    a = arr(a)
    return a if a.dtype.kind not in "fc" else select(isnan(a), like(a, neutral), a)


def nansum(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
    where: Where = None,
) -> Any:  # fmt: skip
    """The sum with nan counted as 0."""
    return sum(_without_nan(a, where, 0), axis, dtype, out, keepdims, initial, where)


def nanprod(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
    where: Where = None,
) -> Any:  # fmt: skip
    """The product with nan counted as 1."""
    return prod(_without_nan(a, where, 1), axis, dtype, out, keepdims, initial, where)


def nanmean(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False, where: Where = None
) -> Any:
    """The mean of what is not nan."""
    a = arr(a)
    if a.dtype.kind not in "fc":
        return mean(a, axis, dtype, out, keepdims, where=where)
    valid = e.eq(a, a)
    valid = valid if where is None else e.bitwise_and(valid, broadcast_to(where, a.shape))
    return mean(select(valid, a, like(a, 0)), axis, dtype, out, keepdims, where=valid)


def nanvar(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, ddof: int = 0, keepdims: bool = False,
    where: Where = None, mean: Any = None,
) -> Any:  # fmt: skip
    """The variance of what is not nan."""
    a = arr(a)
    if a.dtype.kind not in "fc":
        return var(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean)
    valid = e.eq(a, a)
    valid = valid if where is None else e.bitwise_and(valid, broadcast_to(where, a.shape))
    return var(select(valid, a, like(a, 0)), axis, dtype, out, ddof, keepdims, where=valid, mean=mean)


def nanstd(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, ddof: int = 0, keepdims: bool = False,
    where: Where = None, mean: Any = None,
) -> Any:  # fmt: skip
    """The standard deviation of what is not nan."""
    return e.sqrt(nanvar(a, axis, dtype, out, ddof, keepdims, where, mean))


def _nan_extremum(name: str, plain: Callable[..., Any], neutral: float) -> Callable[..., Any]:
    def apply(
        a: Any, axis: Axis = None, out: None = None, keepdims: bool = False, initial: Any = None, where: Where = None
    ) -> Any:
        a = arr(a)
        if a.dtype.kind != "f":
            return plain(a, axis, out, keepdims, initial, where)
        nan = isnan(a)
        found = plain(select(nan, like(a, neutral), a), axis, out, keepdims, initial, where)
        return found if initial is not None else select(all(nan, axis, keepdims=keepdims), like(a, math.nan), found)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"The {name[3:]} of what is not nan; nan where there is nothing else."
    return apply


nanmax, nanmin = _nan_extremum("nanmax", max, -math.inf), _nan_extremum("nanmin", min, math.inf)


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """Whether shapes and all elements are equal."""
    a1, a2 = arr(a1), arr(a2)
    if a1.shape != a2.shape:
        return arr(np.bool_(False))
    same = e.eq(*promoted(a1, a2))
    return all(e.bitwise_or(same, e.bitwise_and(isnan(a1), isnan(a2))) if equal_nan else same)


def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Whether all elements are close, as :func:`isclose` has it."""
    return all(isclose(a, b, rtol, atol, equal_nan))


def array_equiv(a1: Any, a2: Any) -> Any:
    """Whether all elements are equal after broadcasting."""
    try:
        shape = np.broadcast_shapes(type_of(a1).shape, type_of(a2).shape)
    except ValueError:
        return arr(np.bool_(False))
    return array_equal(broadcast_to(a1, shape), broadcast_to(a2, shape))


