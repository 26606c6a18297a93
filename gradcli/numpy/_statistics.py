"""Order statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.array import Value, type_of
from gradcli.engine.ir.types import default_int
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops import sort as sorting
from gradcli.engine.ops.cuts import concatenate
from gradcli.engine.ops.operators import inexact, like, multiply, where
from gradcli.engine.ops.take import take_along_axis
from gradcli.numpy._base import Axis, arr, axes_of, strong, unsupported, value_error
from gradcli.numpy._reductions import any as any_
from gradcli.numpy._reductions import cumsum, sum
from gradcli.numpy._shapes import moveaxis
from gradcli.numpy._ufuncs import isnan


def quantile(
    a: Any, q: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    """The quantiles ``q`` (0 to 1) over the axes; methods linear, lower, higher, nearest, midpoint and inverted_cdf.

    weights: of the shape of ``a`` or of its axes that are reduced, for method inverted_cdf only; a negative one, or
    nan, makes the result nan. Raises ValueError for another method, and for weights that do not fit,
    NotImplementedError for weights with other methods.
    """
    return _quantile(a, q, axis, method, keepdims, False, weights)


def nanquantile(
    a: Any, q: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    """The quantiles of what is not nan."""
    return _quantile(a, q, axis, method, keepdims, True, weights)


def percentile(
    a: Any, q: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    """Like :func:`quantile`, ``q`` from 0 to 100."""
    return quantile(a, _hundredth(q), axis, out, overwrite_input, method, keepdims, weights=weights)


def nanpercentile(
    a: Any, q: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    """Like :func:`nanquantile`, ``q`` from 0 to 100."""
    return nanquantile(a, _hundredth(q), axis, out, overwrite_input, method, keepdims, weights=weights)


def _hundredth(q: Any) -> Any:
    q = q if isinstance(q, Value) else np.asarray(q)
    return e.div(inexact(q)[0], like(inexact(q)[0], 100))


def median(
    a: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """The middle element, or the mean of the two in the middle, over the axes (default: all)."""
    return quantile(a, 0.5, axis, out, overwrite_input, "midpoint", keepdims)


def nanmedian(
    a: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """The median of what is not nan."""
    return nanquantile(a, 0.5, axis, out, overwrite_input, "midpoint", keepdims)


def _rows(a: Any, axes: tuple[int, ...]) -> Any:
    """The axes moved to the end and joined to one."""
    a = moveaxis(a, axes, tuple(range(a.ndim - len(axes), a.ndim)))
    lead = a.shape[: a.ndim - len(axes)]
    return s.reshape(a, (*lead, math.prod(a.shape[len(lead) :])))


METHODS = ("linear", "lower", "higher", "nearest", "midpoint", "inverted_cdf")


def _quantile(
    a: Any, q: Any, axis: Axis, method: str, keepdims: bool, skip_nan: bool, weights: Any = None
) -> Any:
    if method not in METHODS:
        raise value_error(f"unknown method of quantile: {method!r}", f"one of {', '.join(METHODS)}")
    a = arr(strong(inexact(a)[0]))
    axes = axes_of(axis, a.ndim)
    if weights is not None:
        a, weights = _with_weights(a, weights, axis, axes, method)
    if a.dtype.kind == "c":
        raise unsupported("quantiles of complex numbers are not supported")
    q = arr(q if isinstance(q, Value) else np.asarray(q, np.float64))
    if q.ndim > 1:
        raise value_error(f"quantile needs q of at most one dimension, got {q.type}")
    rows = _rows(a, axes)
    if not rows.shape[-1]:
        raise value_error("quantiles of an empty array have no value")
    levels = [q] if not q.ndim else [s.reshape(cuts.slice_in_dim(q, i, i + 1, 0), ()) for i in range(q.size)]
    levels = [e.convert_element_type(level, rows.dtype) for level in levels]
    if method == "inverted_cdf":
        found = _inverted(rows, None if weights is None else _rows(weights, axes), levels, skip_nan)
    else:
        found = _between(rows, levels, method, skip_nan)
    if keepdims:
        shape = tuple(1 if i in axes else m for i, m in enumerate(a.shape))
        found = [s.reshape(f, shape) for f in found]
    return found[0] if not q.ndim else concatenate([s.expand_dims(f, [0]) for f in found], 0)


def _between(rows: Any, levels: list[Any], method: str, skip_nan: bool) -> list[Any]:
    """Quantiles at fractions of the number of elements."""
    lead, n = rows.shape[:-1], rows.shape[-1]
    rows = sorting.sort(rows, -1)
    nan = isnan(rows)
    if skip_nan:  # sorted, nan is at the end
        count = e.convert_element_type(sum(e.bitwise_not(nan), -1), rows.dtype)
        last = e.sub(count, like(count, 1))
    else:
        rows = where(any_(nan, -1, keepdims=True), like(rows, math.nan), rows)
        last = s.broadcast_in_dim(rows.dtype.type(n - 1), lead)
    return [_level(rows, level, last, method) for level in levels]


def _with_weights(a: Any, weights: Any, axis: Axis, axes: tuple[int, ...], method: str) -> tuple[Any, Any]:
    if method != "inverted_cdf":
        raise unsupported(f"quantiles by method {method!r} have no weights", "use method='inverted_cdf'")
    a, w = (arr(v) for v in inexact(a, weights))
    w = s.reshape(w, type_of(weights).shape)
    if w.dtype.kind == "c" and type_of(weights).dtype.kind == "c":
        raise value_error("weights cannot be complex")
    if w.shape != a.shape:
        if axis is None or w.shape != tuple(a.shape[i] for i in axes):
            raise value_error(f"weights of {w.type} fit neither {a.type} nor its axes {axis}")
        w = s.broadcast_in_dim(w, a.shape, axes)
    return a, w


def _inverted(rows: Any, weights: Any, levels: list[Any], skip_nan: bool) -> list[Any]:
    """The least element up to which the weights make up the share ``level`` of all."""
    weights = s.full(rows.shape, 1, rows.dtype) if weights is None else weights
    rows, weights = sorting.sort((rows, weights), -1)
    nan = isnan(rows)
    bad = e.bitwise_or(e.lt(weights, like(weights, 0)), isnan(weights))
    counted = where(e.bitwise_or(bad, nan), like(weights, 0), weights)
    total = cumsum(counted, -1)
    last = e.sub(sum(e.bitwise_not(nan), -1), np.asarray(1, default_int())[()])
    undefined = any_(bad, -1)
    undefined = e.bitwise_or(undefined, e.lt(last, like(last, 0)) if skip_nan else any_(nan, -1))
    found = []
    whole = cuts.slice_in_dim(total, total.shape[-1] - 1, total.shape[-1], total.ndim - 1)
    for level in levels:
        place = sum(e.lt(total, e.mul(whole, level)), -1)
        place = e.clamp(like(place, 0), place, e.max(last, like(last, 0)))
        found.append(where(undefined, like(rows, math.nan), _at(rows, place)))
    return found


def _level(rows: Any, q: Any, last: Any, method: str) -> Any:
    """One quantile of sorted rows: between the elements around position ``q * last``."""
    position = multiply(q, last)
    low = e.clamp(like(position, 0), e.floor(position), last)
    high = e.clamp(like(position, 0), e.ceil(position), last)
    below, above = _at(rows, low), _at(rows, high)
    if method == "lower":
        return below
    if method == "higher":
        return above
    if method == "midpoint":
        return e.mul(e.add(below, above), like(below, 0.5))
    share = e.sub(position, e.floor(position))
    if method == "nearest":
        return where(e.le(share, like(share, 0.5)), below, above)
    return e.add(e.mul(below, e.sub(like(share, 1), share)), e.mul(above, share))


def _at(rows: Any, position: Any) -> Any:
    index = e.convert_element_type(e.select_n(e.lt(position, like(position, 0)), position, like(position, 0)), np.int32)
    n = type_of(index).ndim
    return s.squeeze(take_along_axis(rows, s.expand_dims(index, [n]), -1, mode="promise_in_bounds"), (n,))
