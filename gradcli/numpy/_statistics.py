"""Order statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.array import Value, type_of
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops import sort as sorting
from gradcli.engine.ops.operators import inexact, like, multiply, where
from gradcli.engine.ops.shape import concatenate
from gradcli.engine.ops.take import take_along_axis
from gradcli.numpy._base import Axis, arr, axes_of, unsupported, value_error
from gradcli.numpy._reductions import any as any_
from gradcli.numpy._reductions import sum
from gradcli.numpy._shapes import moveaxis
from gradcli.numpy._ufuncs import isnan


def quantile(
    a: Any, q: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False,
) -> Any:  # fmt: skip
    """The quantiles ``q`` (0 to 1) over the axes; methods linear, lower, higher, nearest and midpoint.

    Raises ValueError for another method.
    """
    return _quantile(a, q, axis, method, keepdims, skip_nan=False)


def nanquantile(
    a: Any, q: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False,
) -> Any:  # fmt: skip
    """The quantiles of what is not nan."""
    return _quantile(a, q, axis, method, keepdims, skip_nan=True)


def percentile(
    a: Any, q: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False,
) -> Any:  # fmt: skip
    """Like :func:`quantile`, ``q`` from 0 to 100."""
    return quantile(a, _hundredth(q), axis, out, overwrite_input, method, keepdims)


def nanpercentile(
    a: Any, q: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False,
) -> Any:  # fmt: skip
    """Like :func:`nanquantile`, ``q`` from 0 to 100."""
    return nanquantile(a, _hundredth(q), axis, out, overwrite_input, method, keepdims)


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


def _quantile(a: Any, q: Any, axis: Axis, method: str, keepdims: bool, skip_nan: bool) -> Any:
    if method not in ("linear", "lower", "higher", "nearest", "midpoint"):
        raise value_error(f"unknown method of quantile: {method!r}", "linear, lower, higher, nearest or midpoint")
    a = arr(inexact(a)[0])
    if a.dtype.kind == "c":
        raise unsupported("quantiles of complex numbers are not supported")
    q = arr(q if isinstance(q, Value) else np.asarray(q, np.float64))
    if q.ndim > 1:
        raise value_error(f"quantile needs q of at most one dimension, got {q.type}")
    axes = axes_of(axis, a.ndim)
    rows = sorting.sort(_rows(a, axes), -1)
    lead, n = rows.shape[:-1], rows.shape[-1]
    if not n:
        raise value_error("quantiles of an empty array have no value")
    nan = isnan(rows)
    if skip_nan:  # sorted, nan is at the end
        count = e.convert_element_type(sum(e.bitwise_not(nan), -1), rows.dtype)
        last = e.sub(count, like(count, 1))
    else:
        rows = where(any_(nan, -1, keepdims=True), like(rows, math.nan), rows)
        last = s.broadcast_in_dim(rows.dtype.type(n - 1), lead)
    levels = [q] if not q.ndim else [s.reshape(s.slice_in_dim(q, i, i + 1, 0), ()) for i in range(q.size)]
    found = [_level(rows, e.convert_element_type(level, rows.dtype), last, method) for level in levels]
    if keepdims:
        shape = tuple(1 if i in axes else m for i, m in enumerate(a.shape))
        found = [s.reshape(f, shape) for f in found]
    return found[0] if not q.ndim else concatenate([s.expand_dims(f, [0]) for f in found], 0)


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
