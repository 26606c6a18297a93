"""Padding: constants, edges, mirror images, repetitions, ramps and statistics before and after each axis."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.engine.array import Value, numbers, type_of
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.cuts import slice_in_dim
from gradcli.engine.ops.operators import round, subtract
from gradcli.numpy._base import arr, type_error, unsupported, value_error
from gradcli.numpy._creation import linspace
from gradcli.numpy._reductions import max, mean, min
from gradcli.numpy._shapes import flip

Pairs = list[tuple[Any, Any]]

_OPTIONS = {
    "constant": "constant_values", "linear_ramp": "end_values", "maximum": "stat_length", "minimum": "stat_length",
    "mean": "stat_length", "median": "stat_length", "reflect": "reflect_type", "symmetric": "reflect_type",
    "edge": "", "wrap": "", "empty": "",
}  # fmt: skip


def pad(array: Any, pad_width: Any, mode: str | Callable[..., Any] = "constant", **kwargs: Any) -> Any:
    """Padding before and after each axis.

    pad_width: n, (before, after), or one such pair an axis.
    mode: constant (``constant_values``), empty (zeros), edge, wrap, reflect and symmetric (``reflect_type`` even or
    odd), linear_ramp (to ``end_values``), maximum, minimum, mean and median (of ``stat_length`` elements; default:
    all), or a function ``f(line, (before, after), axis, options)`` of each line padded with zeros.
    Raises NotImplementedError for another mode, ValueError for options it does not have and negative widths,
    TypeError for widths that are no integers.

    >>> print(pad(np.array([1, 2, 3]), (1, 2), mode="reflect"))
    [2 1 2 3 2 1]
    """
    a = arr(array)
    widths = [(_width(before), _width(after)) for before, after in _pairs(pad_width, a.ndim, "pad_width")]
    if any(n < 0 for pair in widths for n in pair):
        raise value_error(f"pad needs non-negative widths, got {pad_width}")
    if callable(mode):
        return _by_function(a, widths, mode, kwargs)
    if mode not in _OPTIONS:
        raise unsupported(f"pad mode {mode!r} is not supported", f"one of {', '.join(_OPTIONS)}, or a function")
    surplus = sorted(set(kwargs) - {_OPTIONS[mode]})
    if surplus:
        raise value_error(f"pad mode {mode!r} has no option {', '.join(surplus)}")
    if mode in ("constant", "empty"):
        return _constant(a, widths, kwargs.get("constant_values", 0))
    if mode == "linear_ramp":
        return _ramp(a, widths, _pairs(kwargs.get("end_values", 0), a.ndim, "end_values"))
    if mode in _STATISTICS:
        length = kwargs.get("stat_length")
        return _statistic(a, widths, _STATISTICS[mode], length and _pairs(length, a.ndim, "stat_length"))
    kind = kwargs.get("reflect_type", "even")
    if kind not in ("even", "odd"):
        raise value_error(f"reflect_type must be 'even' or 'odd', got {kind!r}")
    for axis, (before, after) in enumerate(widths):
        a = _along(a, axis, before, after, mode, kind == "odd")
    return a


def _width(n: Any) -> int:
    try:
        return operator.index(n.concrete().item() if isinstance(n, Value) else n)
    except TypeError:
        raise type_error(f"pad needs integers as widths, got {n!r}") from None


def _pairs(given: Any, ndim: int, name: str) -> Pairs:
    """A pair an axis from a number, one number, one pair, or a pair for each axis. Raises ValueError for others."""
    outer = _items(given)
    rows = [[given]] if outer is None else [_items(r) for r in outer]
    if outer and all(r is None for r in rows):
        rows = [outer]
    pairs = [(r[0], r[-1]) for r in rows if r is not None and len(r) in (1, 2)]
    if len(pairs) != len(rows) or len(pairs) not in (1, ndim):
        raise value_error(f"{name} must be a number, a pair, or a pair for each of {ndim} axes; got {given!r}")
    return pairs * ndim if len(pairs) == 1 else pairs


def _items(x: Any) -> list[Any] | None:
    """What a sequence, or an array with dimensions, consists of; None for a number."""
    if isinstance(x, (list, tuple)) or (isinstance(x, (np.ndarray, Value)) and x.ndim):
        return list(x)
    return None


# --- values that are computed ---------------------------------------------------------------------------------------


def _constant(a: Any, widths: Sequence[tuple[int, int]], values: Any) -> Any:
    pairs = _pairs(values, a.ndim, "constant_values") if a.ndim else []
    if all(before is pairs[0][0] and after is before for before, after in pairs):
        value = _scalar(pairs[0][0] if pairs else 0, a.dtype)
        return cuts.pad(a, value, [(before, after, 0) for before, after in widths])
    for axis, (width, pair) in enumerate(zip(widths, pairs, strict=True)):
        for side in range(2):
            config = [(0, 0, 0)] * a.ndim
            config[axis] = (width[0], 0, 0) if side == 0 else (0, width[1], 0)
            a = cuts.pad(a, _scalar(pair[side], a.dtype), config)
    return a


def _scalar(x: Any, dtype: np.dtype[Any]) -> Any:
    return e.convert_element_type(x, dtype) if isinstance(x, Value) else numbers(x, dtype)


def _ramp(a: Any, widths: Sequence[tuple[int, int]], ends: Pairs) -> Any:
    for axis, ((before, after), (low, high)) in enumerate(zip(widths, ends, strict=True)):
        n = a.shape[axis]
        first, last = (s.squeeze(slice_in_dim(a, i, i + 1, axis), (axis,)) for i in (0, n - 1))
        head = linspace(low, first, before, endpoint=False, dtype=a.dtype, axis=axis)
        tail = flip(linspace(high, last, after, endpoint=False, dtype=a.dtype, axis=axis), axis)
        a = cuts.concatenate([head, a, tail], axis)
    return a


def _median(x: Any, axis: int, keepdims: bool) -> Any:
    return import_module("gradcli.numpy._statistics").median(x, axis, keepdims=keepdims)


_STATISTICS: dict[str, Callable[..., Any]] = {"maximum": max, "minimum": min, "mean": mean, "median": _median}


def _statistic(a: Any, widths: Sequence[tuple[int, int]], of: Callable[..., Any], lengths: Pairs | None) -> Any:
    for axis, (before, after) in enumerate(widths):
        n = a.shape[axis]
        head, tail = (n, n) if lengths is None else (builtins.min(int(m), n) for m in lengths[axis])
        if not head or not tail:
            raise value_error("pad with a statistic of no elements has no value")
        parts = [a]
        if before:
            parts.insert(0, _repeated(a, of(slice_in_dim(a, 0, head, axis), axis=axis, keepdims=True), axis, before))
        if after:
            parts.append(_repeated(a, of(slice_in_dim(a, n - tail, n, axis), axis=axis, keepdims=True), axis, after))
        a = cuts.concatenate(parts, axis)
    return a


def _repeated(a: Any, value: Any, axis: int, n: int) -> Any:
    value = e.convert_element_type(round(value) if a.dtype.kind in "iu" else value, a.dtype)
    return s.broadcast_in_dim(value, (*a.shape[:axis], n, *a.shape[axis + 1 :]), tuple(range(a.ndim)))


def _by_function(a: Any, widths: Sequence[tuple[int, int]], f: Callable[..., Any], options: dict[str, Any]) -> Any:
    along = import_module("gradcli.numpy._differences").apply_along_axis
    a = cuts.pad(a, a.dtype.type(0), [(before, after, 0) for before, after in widths])
    for axis, pair in enumerate(widths):
        a = along(f, axis, a, pair, axis, options)
    return a


# --- values that are there ------------------------------------------------------------------------------------------


def _mirror(skip: int) -> Callable[[Any, int, int, bool], Any]:
    """One step of mirror padding: up to a whole period, leaving out the edge itself when ``skip`` is 1."""

    def side(a: Any, axis: int, n: int, front: bool) -> Any:
        size = a.shape[axis]
        if size <= skip:  # a single element mirrors to itself
            return _edge(a, axis, n, front)
        n = builtins.min(n, size - skip)
        part = slice_in_dim(a, skip, skip + n, axis) if front else slice_in_dim(a, size - skip - n, size - skip, axis)
        return flip(part, axis)

    return side


def _edge(a: Any, axis: int, n: int, front: bool) -> Any:
    size = a.shape[axis]
    piece = slice_in_dim(a, 0, 1, axis) if front else slice_in_dim(a, size - 1, size, axis)
    return s.broadcast_in_dim(piece, (*a.shape[:axis], n, *a.shape[axis + 1 :]), tuple(range(a.ndim)))


_SIDES: dict[str, Callable[[Any, int, int, bool], Any]] = {
    "edge": _edge, "reflect": _mirror(1), "symmetric": _mirror(0),
}  # fmt: skip


def _along(a: Any, axis: int, before: int, after: int, mode: str, odd: bool) -> Any:
    """Pads one axis, in several rounds where the padding is longer than what can be mirrored at once."""
    if before + after and not a.shape[axis]:
        raise value_error(f"cannot pad an empty axis in mode {mode!r}")
    if mode == "wrap":
        return _wrapped(a, axis, before, after)
    while before or after:
        parts = [a]
        if before:
            head = _side(a, axis, before, True, mode, odd)
            before -= head.shape[axis]
            parts.insert(0, head)
        if after:
            tail = _side(a, axis, after, False, mode, odd)
            after -= tail.shape[axis]
            parts.append(tail)
        a = cuts.concatenate(parts, axis)
    return a


def _side(a: Any, axis: int, n: int, front: bool, mode: str, odd: bool) -> Any:
    """One step on one side; ``odd``: mirrored at the edge's value as well."""
    part = _SIDES[mode](a, axis, n, front)
    if not odd:
        return part
    edge = _edge(a, axis, part.shape[axis], front)
    return subtract(e.mul(edge, type_of(edge).dtype.type(2)), part)


def _wrapped(a: Any, axis: int, before: int, after: int) -> Any:
    n: int = a.shape[axis]
    rounds, start = -(-before // n), -before % n
    copies = rounds + 1 + -(-after // n)
    long = cuts.concatenate([a] * copies, axis) if copies > 1 else a
    return slice_in_dim(long, start, start + before + n + after, axis)
