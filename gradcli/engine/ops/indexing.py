"""NumPy indexing of values: ``x[index]``, and ``x.at[index].set(…)`` and its kin.

Static indices become slices, traced scalars ``dynamic_slice``, arrays ``gather``, as in JAX. Out of bounds a Python
integer is an IndexError; array indices are clamped when reading and ignored when writing.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.engine.array import OPERATORS, PROPERTIES, Array, Value, numbers, raw, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import INT32, Shape, broadcast_shapes, promote_types
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import operators as o
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.dynamic import dynamic_slice_p, from_the_end
from gradcli.engine.ops.index import gather, scatter, scatter_add, scatter_sub
from gradcli.engine.ops.index_numpy import GatherScatterMode, scatter_numbers
from gradcli.engine.ops.index_plan import Index, Integer, Plan, Range, out_of_bounds, parse, plan
from gradcli.engine.ops.scatter import scatter_max, scatter_min, scatter_mul
from gradcli.engine.settings import settings
from gradcli.engine.trace.source import user_location, user_source
from gradcli.engine.trace.tracer import STATE, Tracer, bind, tracing, untraced

Mode = str | GatherScatterMode | None
Function = Callable[..., Any]
_NUMPY_TAKES = {int, bool, builtins.slice, type(None), type(Ellipsis)}


# --- reading ----------------------------------------------------------------------------------------------------------


def getitem(x: Any, index: Any) -> Any:
    """``x[index]`` as in NumPy.

    Raises IndexError for integers out of bounds and indices that do not fit the shape, TypeError for what is no index,
    NonConcreteBooleanIndexError for a mask whose values are not known.
    """
    if type(x) is Array and x.type.shape and not tracing():
        try:
            value = x.value[_plain(index)]
        except (IndexError, TypeError, ValueError):
            pass  # clamped, or explained, below
        else:
            return Array(value, x.type.with_shape(value.shape))
    if type(x) is Tracer and STATE.trace is x.trace:
        found = _of_integers(x, index if type(index) is tuple else (index,))
        if found is not None:
            return found
    return get(x, index, strict=not settings().clamps_indices)


def _of_integers(x: Tracer, index: tuple[Any, ...]) -> Tracer | None:
    """The quick way for integers within bounds: what loops over elements or rows use. None where it does not fit."""
    t = x.type
    if not 0 < len(index) <= t.ndim:
        return None
    starts, limits = [0] * t.ndim, list(t.shape)
    for axis, i in enumerate(index):
        if type(i) is not int or not -limits[axis] <= i < limits[axis] > 1:
            return None
        starts[axis] = i if i >= 0 else i + limits[axis]
        limits[axis] = starts[axis] + 1
    lead, source = len(index), STATE.source or user_source(2)
    params = {"start_indices": tuple(starts), "limit_indices": tuple(limits), "strides": None}
    part_type = t.with_shape((1,) * lead + t.shape[lead:])
    (part,) = x.trace.write(cuts.slice_p, (x,), params, (part_type,), source)
    dropped = {"dimensions": tuple(range(lead))}
    (out,) = x.trace.write(s.squeeze_p, (part,), dropped, (t.with_shape(t.shape[lead:]),), source)
    return out


def _plain(index: Any) -> Any:
    """A known index as NumPy takes it. Raises TypeError for a tracer in it."""
    if type(index) is tuple:
        return tuple([_plain(part) for part in index])
    if isinstance(index, Value):
        if type(index) is not Array:
            raise TypeError
        return index.value
    if type(index) in _NUMPY_TAKES or isinstance(index, (np.ndarray, np.generic)):
        return index
    raise TypeError


def get(
    x: Any, index: Any, mode: Mode = None, fill_value: Any = None, wrap: bool = True, strict: bool = True, **flags: bool
) -> Any:
    """``x[index]``, where out of bounds is as ``mode`` says: clip, fill (with ``fill_value``), promise_in_bounds.

    strict: integers that are known to lie out of bounds raise IndexError where there is no ``mode``.
    """
    parsed = parse(index, type_of(x).shape)
    moves_in = mode is None or GatherScatterMode.from_any(mode) is not GatherScatterMode.FILL_OR_DROP
    if moves_in and parsed.is_static:
        return _static(x, parsed, strict and mode is None, wrap)
    if moves_in and parsed.is_window:
        return _window(x, parsed, strict and mode is None, wrap)
    if strict and mode is None:
        _check_integers(parsed, wrap)
    return _gathered(x, parsed, mode, fill_value, wrap, flags)


def _check_integers(index: Index, wrap: bool) -> None:
    for entry in index.entries:
        if isinstance(entry.value, Integer) and entry.value.strict:
            _inside(entry.value, entry.axis, index.shape[entry.axis], True, wrap)


def _inside(i: Integer, axis: int, n: int, check: bool, wrap: bool) -> int:
    """The integer as 0 … n-1. Raises IndexError where there is none, or where ``check`` and it lies outside."""
    place = i.value + n if i.value < 0 and wrap else i.value
    if not n or (check and i.strict and not 0 <= place < n):
        raise out_of_bounds(i.value, axis, n)
    return min(max(place, 0), n - 1)


def _static(x: Any, index: Index, check: bool, wrap: bool) -> Any:
    starts, limits, steps = [], [], []
    for entry in index.entries:
        if entry.value is None:
            continue
        n = index.shape[entry.axis]
        if isinstance(entry.value, Integer):
            start = _inside(entry.value, entry.axis, n, check, wrap)
            limit, step = start + 1, 1
        else:
            start, limit, step = _forward(entry.value, n)
        starts.append(start)
        limits.append(limit)
        steps.append(step)
    return _reshaped(cuts.slice(as_array(x), starts, limits, steps), index)


def _forward(r: Range, n: int) -> tuple[int, int, int]:
    """Start, limit and stride of the same places in increasing order."""
    if r.step > 0:
        return r.start, max(r.start, r.stop), r.step
    if not r.size:
        return min(n, r.stop + 1), min(n, r.stop + 1), -r.step
    return r.start + (r.size - 1) * r.step, r.start + 1, -r.step


def _reshaped(y: Any, index: Index) -> Any:
    """Reverses axes with negative steps, drops those of integers, adds those of None."""
    backward = [x.axis for x in index.entries if isinstance(x.value, Range) and x.value.step < 0 and x.value.size]
    dropped = [x.axis for x in index.entries if x.is_integer or x.is_array]
    y = s.rev(y, backward) if backward else y
    y = s.squeeze(y, dropped) if dropped else y
    new, axis = [], 0
    for entry in index.entries:
        if entry.value is None:
            new.append(axis)
        axis += not (entry.is_integer or entry.is_array)
    return s.expand_dims(y, new) if new else y


def _window(x: Any, index: Index, check: bool, wrap: bool) -> Any:
    """A ``dynamic_slice``, whose starts have one dtype."""
    starts: list[Any] = []
    sizes = []
    kept = [entry for entry in index.entries if entry.value is not None]
    for entry in kept:
        n = index.shape[entry.axis]
        if isinstance(entry.value, Range):
            starts.append(_forward(entry.value, n)[0])
            sizes.append(entry.value.size)
        else:
            if not n:
                raise out_of_bounds(0, entry.axis, 0)
            known = isinstance(entry.value, Integer)
            starts.append(_inside(entry.value, entry.axis, n, check, wrap) if known else entry.value)
            sizes.append(1)
    dtype = INT32 if len(starts) > 1 else type_of(next(v for v in starts if not isinstance(v, int))).dtype
    dynamic = []
    for start, entry in zip(starts, kept, strict=True):
        if isinstance(start, int):
            dynamic.append(dtype.type(start))
        else:
            start = start if type_of(start).dtype == dtype else e.convert_element_type(start, dtype)
            dynamic.append(from_the_end(start, index.shape[entry.axis]) if wrap else start)
    return _reshaped(bind(dynamic_slice_p, x, *dynamic, slice_sizes=tuple(sizes)), index)


def _gathered(x: Any, index: Index, mode: Mode, fill_value: Any, wrap: bool, flags: dict[str, bool]) -> Any:
    p = plan(index, wrap)
    t = type_of(x)
    if not math.prod(p.shape):
        return s.broadcast_in_dim(t.dtype.type(0), p.shape)
    _check_not_empty(p, index)
    x = s.expand_dims(x, index.inserted) if index.inserted else x
    y = gather(
        x,
        p.indices,
        p.numbers,
        p.sizes,
        mode=mode,
        fill_value=fill_scalar(fill_value),
        unique_indices=p.unique or flags.get("unique_indices", False),
        indices_are_sorted=p.unique or flags.get("indices_are_sorted", False),
    )
    return s.expand_dims(y, p.new_axes) if p.new_axes else y


def fill_scalar(fill_value: Any) -> Any:
    """The value to fill with as a Python scalar."""
    return fill_value if fill_value is None or isinstance(fill_value, (int, float, complex)) else raw(fill_value).item()


def _check_not_empty(p: Plan, index: Index) -> None:
    """Raises IndexError for places on an axis that has none."""
    for axis in p.numbers.collapsed_slice_dims:
        if not index.shape[axis]:
            raise out_of_bounds(0, axis, 0)


def as_array(x: Any) -> Any:
    """The operand as a value of gradcli."""
    return x if isinstance(x, Value) else Array(raw(x), type_of(x))


# --- writing ----------------------------------------------------------------------------------------------------------


def update(x: Any, index: Any, y: Any, combine: Function, mode: Mode = None, wrap: bool = True, **flags: bool) -> Any:
    """``x`` with ``y`` combined into ``x[index]``. Dtypes promote; the result has that of ``x``.

    Raises ValueError where ``y`` does not broadcast to the shape of ``x[index]``.
    """
    t = type_of(x)
    parsed = parse(index, t.shape)
    p = plan(parsed, wrap)
    shape = check_fit(y, p.shape)
    if not math.prod(p.shape):
        return as_array(x)
    _check_not_empty(p, parsed)
    dtype = t.dtype if _keeps(y, t.dtype) else promote_types(t, type_of(y))[0]
    x, y = _cast(x, dtype), _cast(y, dtype)
    y = s.broadcast_in_dim(y, p.shape, tuple(range(len(p.shape) - len(shape), len(p.shape))))
    y = s.squeeze(y, p.new_axes) if p.new_axes else y
    x = s.expand_dims(x, parsed.inserted) if parsed.inserted else x
    out = combine(
        x,
        p.indices,
        y,
        scatter_numbers(p.numbers),
        mode=mode,
        unique_indices=p.unique or flags.get("unique_indices", False),
        indices_are_sorted=p.unique or flags.get("indices_are_sorted", False),
    )
    out = s.squeeze(out, parsed.inserted) if parsed.inserted else out
    return e.convert_element_type(out, t.dtype, t.weak_type)


def _keeps(y: Any, dtype: np.dtype[Any]) -> bool:
    """A Python integer that an integer dtype can hold is taken in that dtype."""
    if type(y) is not int or dtype.kind not in "iu":
        return False
    info = np.iinfo(dtype)
    return int(info.min) <= y <= int(info.max)


def _cast(x: Any, dtype: np.dtype[Any]) -> Any:
    if isinstance(x, Value):
        return x if x.type.dtype == dtype else e.convert_element_type(x, dtype)
    return numbers(x, dtype)


def check_fit(y: Any, shape: Shape) -> Shape:
    """The shape of ``y``, which must broadcast to ``shape``."""
    found = type_of(y).shape
    try:
        fits = broadcast_shapes(found, shape) == shape
    except TypeError:
        fits = False
    if not fits:
        raise fail(
            "G206",
            f"values of shape {found} cannot be put into x[index] of shape {shape}",
            hint="their shape must broadcast to it",
            location=user_location(),
            cls=ValueError,
        )
    return found


class AtIndexer:
    """``x.at``: index it, then call ``set``, ``add``, ``get``… on the result."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    def __getitem__(self, index: Any) -> AtIndex:
        return AtIndex(self.array, index)

    def __repr__(self) -> str:
        return f"AtIndexer({self.array!r})"


class AtIndex:
    """``x.at[index]``. Every method returns a new array; ``x`` stays.

    All take mode (clip, drop or fill, promise_in_bounds; default: drop when writing, clip when reading),
    indices_are_sorted, unique_indices and wrap_negative_indices. Where an index repeats, ``set`` keeps the last value
    and the others combine all of them.

    >>> print(Array(np.zeros(3)).at[np.array([0, 2, 0])].add(1.0))
    [2. 0. 1.]
    """

    __slots__ = ("array", "index")

    def __init__(self, array: Any, index: Any) -> None:
        self.array, self.index = array, index

    def __repr__(self) -> str:
        return f"AtIndex({self.array!r}, {self.index!r})"

    def _update(self, values: Any, combine: Function, options: dict[str, Any], array: Any = None) -> Any:
        return update(self.array if array is None else array, self.index, values, combine, **_options(options))

    def get(self, *, fill_value: Any = None, **options: Any) -> Any:
        """``x[index]``; out of bounds the nearest element, or with mode fill ``fill_value`` (default nan)."""
        return get(self.array, self.index, fill_value=fill_value, strict=False, **_options(options))

    def set(self, values: Any, **options: Any) -> Any:
        """``x[index] = values``."""
        return self._update(values, scatter, options)

    def apply(self, func: Function, **options: Any) -> Any:
        """``x[index] = func(x[index])``, as often as the index names an element."""
        parts = self.index if isinstance(self.index, tuple) else (self.index,)
        with nullcontext() if any(isinstance(p, Tracer) for p in parts) else untraced():
            zeros = np.zeros(self.array.shape, np.int32)
            times = self._update(np.int32(1), scatter_add, options, zeros)
        if isinstance(times, Tracer) or np.max(raw(times), initial=0) > 1:
            return import_module("gradcli.lax._functions").repeated(func, self.array, times)
        reading = {k: v for k, v in options.items() if k != "mode"}
        return self._update(func(get(self.array, self.index, "clip", **_options(reading))), scatter, options)

    def add(self, values: Any, **options: Any) -> Any:
        """``x[index] += values``, all of them."""
        return self._update(values, scatter_add, options)

    def subtract(self, values: Any, **options: Any) -> Any:
        """``x[index] -= values``, all of them."""
        return self._update(values, scatter_sub, options)

    def multiply(self, values: Any, **options: Any) -> Any:
        """``x[index] *= values``, all of them."""
        return self._update(values, scatter_mul, options)

    mul = multiply

    def divide(self, values: Any, **options: Any) -> Any:
        """``x[index] /= values``, by all of them."""
        return o.true_divide(self.array, self._update(values, scatter_mul, options, self._ones()))

    def power(self, values: Any, **options: Any) -> Any:
        """``x[index] **= values``, by their product."""
        return o.power(self.array, self._update(values, scatter_mul, options, self._ones()))

    def _ones(self) -> Any:
        t = type_of(self.array)
        return s.broadcast_in_dim(t.dtype.type(1), t.shape)

    def min(self, values: Any, **options: Any) -> Any:
        """``x[index] = minimum(x[index], values)``, of all of them."""
        return self._update(values, scatter_min, options)

    def max(self, values: Any, **options: Any) -> Any:
        """``x[index] = maximum(x[index], values)``, of all of them."""
        return self._update(values, scatter_max, options)


def _options(options: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of ``at``'s methods by the names used here. Raises TypeError for an unknown one."""
    known = {"mode": "mode", "wrap_negative_indices": "wrap", "out_sharding": None}
    known |= {name: name for name in ("indices_are_sorted", "unique_indices")}
    for name in options:
        if name not in known:
            names = ", ".join(k for k in known if known[k])
            raise TypeError(f"unexpected keyword argument {name!r}: known are {names}")
    return {new: options[name] for name, new in known.items() if new is not None and name in options}


OPERATORS["getitem"] = getitem
PROPERTIES["at"] = AtIndexer
