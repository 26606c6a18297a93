"""Arrays from data, constants and grids. There is one device: ``device`` has no effect."""

from __future__ import annotations

import math
import operator
from array import array as stored
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from gradcli.engine.abstract import typed
from gradcli.engine.array import Array, Value, constant, is_value, raw, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.bfloat16 import BFLOAT16
from gradcli.engine.ir.keys import KEY
from gradcli.engine.ir.types import (
    FLOAT32,
    array_type,
    broadcast_shapes,
    canonical_dtype,
    default_float,
    default_int,
    promote_types,
)
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate
from gradcli.engine.ops.operators import inexact, like, promoted, where
from gradcli.engine.ops.shape import broadcast_in_dim, broadcast_to_type, canonical_axis, iota, moveaxis, reshape
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer, untraced
from gradcli.numpy._base import arr, strong, to_dtype, type_error, value_error

Size = int | Sequence[int]

# --- from data ------------------------------------------------------------------------------------------------------


def array(
    object: Any, dtype: Any = None, copy: bool = True, order: str | None = "K", ndmin: int = 0, *, device: Any = None
) -> Any:
    """An array from numbers, NumPy arrays, values of gradcli, and nested lists or tuples of them, traced ones included.

    Raises TypeError for anything else, and ValueError where nested lists are of unequal length.
    """
    if isinstance(object, (list, tuple)):
        out = _from_nested(object, dtype)
    elif isinstance(object, Value):
        out = to_dtype(object, dtype)
    elif is_value(object):
        out = _constant(object, dtype)
    elif isinstance(object, (range, memoryview, stored)) or hasattr(object, "__array__"):
        out = _constant(np.asarray(object), dtype)
    else:
        raise fail(
            "G207", f"a {type(object).__name__} cannot become an array: {str(object)[:60]}", location=user_location(),
            hint="give numbers, NumPy arrays or nested lists of them", cls=TypeError,
        )  # fmt: skip
    lead = ndmin - out.ndim
    return reshape(out, (1,) * lead + out.shape) if lead > 0 else out


def asarray(
    a: Any, dtype: Any = None, order: str | None = None, *, copy: bool | None = None, device: Any = None
) -> Any:
    """Like :func:`array`; a value of gradcli is returned as it is."""
    return array(a, dtype=dtype)


def _constant(x: Any, dtype: Any) -> Any:
    if dtype is None:
        return Array(raw(x) if not isinstance(x, np.ndarray) else np.array(raw(x)), type_of(x))
    type_of(x)
    return constant(x, canonical_dtype(dtype))


def _leaves(x: Any) -> list[Any]:
    return [leaf for item in x for leaf in _leaves(item)] if isinstance(x, (list, tuple)) else [x]


def _from_nested(x: Any, dtype: Any) -> Any:
    leaves = _leaves(x)
    if any(leaf is None for leaf in leaves):
        raise value_error("None cannot be an element of an array")
    for leaf in leaves:
        type_of(leaf)
    if dtype is None:
        dtype = promote_types(*map(type_of, leaves))[0] if leaves else default_float()
    dtype = canonical_dtype(dtype)
    if dtype is KEY or any(isinstance(leaf, Tracer) for leaf in leaves):
        return _stacked(x, dtype)
    plain = _plain(x)
    return constant(np.array(plain), dtype) if dtype is BFLOAT16 else Array(np.array(plain, dtype=dtype))


def _plain(x: Any) -> Any:
    return [_plain(item) for item in x] if isinstance(x, (list, tuple)) else np.asarray(raw(x))


def _stacked(x: Any, dtype: np.dtype[Any]) -> Any:
    if not isinstance(x, (list, tuple)):
        with nullcontext() if isinstance(x, Tracer) else untraced():  # a constant is no equation
            return e.convert_element_type(arr(x), dtype)
    rows = [_as_row(_stacked(item, dtype)) for item in x]
    shapes = {type_of(row).shape[1:] for row in rows}
    if len(shapes) > 1:
        raise value_error(f"the elements of a nested list have unequal shapes: {sorted(shapes)}")
    return concatenate(rows, 0) if rows else constant(np.zeros(0), dtype)


def _as_row(x: Any) -> Any:
    shape = type_of(x).shape
    return broadcast_in_dim(x, (1, *shape), tuple(range(1, len(shape) + 1)))


# --- constants ------------------------------------------------------------------------------------------------------


def shape_of(shape: Any) -> tuple[int, ...]:
    """A shape from an integer or a sequence of integers. Raises TypeError for others, ValueError for negative ones."""
    sizes = (shape,) if isinstance(shape, (int, np.integer)) or (isinstance(shape, Value) and not shape.ndim) else shape
    try:
        out = tuple(operator.index(n) for n in sizes)
    except TypeError as error:
        if hasattr(error, "diagnostic"):
            given = f"({', '.join(map(str, sizes))}{',' * (len(sizes) == 1)})"
            raise fail(
                "G201", f"Shapes must be 1D sequences of concrete values of integer type, got {given}.",
                hint="a shape cannot depend on a traced value: mark the argument static", location=user_location(),
                cls=TypeError,
            ) from None  # fmt: skip
        raise type_error(f"shapes must be sequences of integers, got {shape!r}") from None
    if any(n < 0 for n in out):
        raise value_error(f"negative dimensions are not allowed: {out}")
    return out


def full(shape: Any, fill_value: Any, dtype: Any = None, *, device: Any = None) -> Any:
    """An array of one value (or of an array that broadcasts to ``shape``)."""
    with nullcontext() if isinstance(fill_value, Value) else untraced():  # a constant is no equation
        value = to_dtype(arr(fill_value), dtype)
    t = type_of(value).with_shape(shape_of(shape))
    if value.ndim:
        return broadcast_to_type(value, array_type(t.shape, t.dtype))
    return _filled(t.shape, value)


def _filled(shape: tuple[int, ...], value: Any) -> Any:
    if not shape:
        return value
    return broadcast_in_dim(value if isinstance(value, Value) else np.asarray(value)[()], shape)


def zeros(shape: Any, dtype: Any = None, *, device: Any = None) -> Any:
    """Zeros, by default floats."""
    return full(shape, 0, default_float() if dtype is None else dtype)


def ones(shape: Any, dtype: Any = None, *, device: Any = None) -> Any:
    """Ones, by default floats."""
    return full(shape, 1, default_float() if dtype is None else dtype)


empty = zeros


def full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None, *, device: Any = None) -> Any:
    """An array of one value, with shape and dtype of ``a`` unless given."""
    t = typed(a)
    if t.weak_type and dtype is None and not isinstance(fill_value, Value) and not np.ndim(fill_value):
        fill_value = Array(np.asarray(fill_value).astype(t.dtype)[()], array_type((), t.dtype, True))
        return _filled(shape_of(t.shape if shape is None else shape), fill_value)
    return full(t.shape if shape is None else shape, fill_value, t.dtype if dtype is None else dtype)


def zeros_like(a: Any, dtype: Any = None, shape: Any = None, *, device: Any = None) -> Any:
    """Zeros, with shape and dtype of ``a`` unless given."""
    return full_like(a, 0, dtype, shape)


def ones_like(a: Any, dtype: Any = None, shape: Any = None, *, device: Any = None) -> Any:
    """Ones, with shape and dtype of ``a`` unless given."""
    return full_like(a, 1, dtype, shape)


empty_like = zeros_like


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None, *, device: Any = None) -> Any:
    """A matrix with ones on the ``k``-th diagonal."""
    dtype = canonical_dtype(default_float() if dtype is None else dtype)
    return constant(np.eye(int(N), None if M is None else int(M), int(k)), dtype)


def identity(n: int, dtype: Any = None) -> Any:
    """The identity matrix."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on and below the ``k``-th diagonal, zeros above."""
    dtype = canonical_dtype(default_float() if dtype is None else dtype)
    return constant(np.tri(int(N), None if M is None else int(M), int(k)), dtype)


# --- grids ----------------------------------------------------------------------------------------------------------


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None, *, device: Any = None) -> Any:
    """Evenly spaced values from ``start`` (0) up to ``stop``, which is not included.

    The length depends on the values, which must be known: raises ConcretizationTypeError for traced ones under jit.
    """
    given = [v for v in (start, stop, step) if v is not None]
    if dtype is None:
        dtype = promote_types(*map(type_of, given))[0]
    dtype = canonical_dtype(dtype)
    values = [v.concrete().item() if isinstance(v, Array) else v.item() if isinstance(v, Tracer) else v for v in given]
    if stop is None and dtype.kind in "iuf":
        return iota(dtype, (max(0, math.ceil(values[0])),), 0)
    return constant(np.arange(*values, dtype=FLOAT32 if dtype is BFLOAT16 else dtype), dtype)


def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    """``num`` evenly spaced values from ``start`` to ``stop`` (included unless ``endpoint`` is False), along ``axis``.

    Differentiable in ``start`` and ``stop``. Raises ValueError for a negative number.
    """
    num = operator.index(num)
    if num < 0:
        raise value_error(f"linspace needs a non-negative number of samples, got {num}")
    start, stop = map(strong, inexact(start, stop))
    shape = broadcast_shapes(type_of(start).shape, type_of(stop).shape)
    t = array_type(shape, type_of(start).dtype)
    steps = num - 1 if endpoint else num
    delta = e.div(e.sub(stop, start), like(start, steps)) if steps else like(start, math.nan)
    out = _line(broadcast_to_type(start, t), broadcast_to_type(stop, t), num, endpoint)
    if axis:
        out = moveaxis(out, 0, canonical_axis(axis, out.ndim))
    if dtype is not None and canonical_dtype(dtype).kind in "iu":
        out = e.floor(out)
    out = to_dtype(out, dtype)
    return (out, delta) if retstep else out


def _line(start: Any, stop: Any, num: int, endpoint: bool) -> Any:
    """Rows ``start (1 - i/n) + stop i/n``; the last one is ``stop`` itself, so that it is met exactly."""
    t = type_of(start)
    inner = num - 1 if endpoint else num
    if num == 0:
        return constant(np.zeros((0, *t.shape)), t.dtype)
    if inner == 0:
        return reshape(start, (1, *t.shape))
    real = t.dtype if t.dtype.kind == "f" else np.zeros((), t.dtype).real.dtype
    share = e.div(iota(real, (inner,), 0), real.type(inner))
    share = e.convert_element_type(share, t.dtype)
    column = reshape(share, (inner,) + (1,) * t.ndim)
    first, last = (reshape(v, (1, *t.shape)) for v in (start, stop))
    rest = e.sub(t.dtype.type(1), column)
    out = e.add(e.mul(first, rest), e.mul(last, column))
    return concatenate([out, last], 0) if endpoint else out


def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    """``base`` to the powers of ``linspace(start, stop)``."""
    base_, exponent = promoted(base, linspace(start, stop, num, endpoint, axis=axis))
    return to_dtype(e.pow(base_, exponent), dtype)


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """``num`` values in geometric progression from ``start`` to ``stop``."""
    start, stop = map(strong, inexact(start, stop))
    if type_of(start).dtype.kind == "c":
        signs = e.sign(start)
    else:
        both_negative = e.bitwise_and(e.lt(start, like(start, 0)), e.lt(stop, like(stop, 0)))
        signs = where(both_negative, like(start, -1), like(start, 1))
    logs = [e.log(e.div(v, signs)) for v in promoted(start, stop)]
    out = e.exp(linspace(logs[0], logs[1], num, endpoint, axis=axis))
    shape = broadcast_shapes(*(type_of(v).shape for v in (signs, *logs)))
    if not shape:
        return to_dtype(e.mul(signs, out), dtype)
    place = canonical_axis(axis, out.ndim)
    column = broadcast_to_type(signs, array_type(shape, out.dtype))
    return to_dtype(e.mul(reshape(column, (*shape[:place], 1, *shape[place:])), out), dtype)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> list[Any]:
    """Coordinate arrays of a grid. Raises ValueError unless ``indexing`` is ``xy`` or ``ij`` and the inputs are 1-d."""
    if indexing not in ("xy", "ij"):
        raise value_error(f"indexing must be 'xy' or 'ij', got {indexing!r}")
    xs = [arr(x) for x in xi]
    if any(x.ndim > 1 for x in xs):
        raise value_error("meshgrid needs arrays of at most one dimension")
    xs = [reshape(x, (x.size,)) for x in xs]
    order = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        order[0], order[1] = 1, 0
    sizes = [0] * len(xs)
    for i, x in enumerate(xs):
        sizes[order[i]] = x.size
    out = []
    for i, x in enumerate(xs):
        shape = tuple(n if d == order[i] or not sparse else 1 for d, n in enumerate(sizes))
        out.append(broadcast_in_dim(x, shape, (order[i],)))
    return out


def indices(dimensions: Sequence[int], dtype: Any = None, sparse: bool = False) -> Any:
    """The index of each element along each axis."""
    dtype = canonical_dtype(default_int() if dtype is None else dtype)
    dims = shape_of(dimensions)
    if sparse:
        return tuple(iota(dtype, tuple(n if j == i else 1 for j in range(len(dims))), i) for i, n in enumerate(dims))
    grids = [reshape(iota(dtype, dims, i), (1, *dims)) for i in range(len(dims))]
    return concatenate(grids, 0) if grids else constant(np.zeros(0), dtype)


def fromfunction(function: Callable[..., Any], shape: Any, *, dtype: Any = None, **kwargs: Any) -> Any:
    """``function`` applied to the index grids of ``shape``, as floats."""
    dtype = default_float() if dtype is None else dtype
    dims = shape_of(shape)
    return function(*[iota(canonical_dtype(dtype), dims, i) for i in range(len(dims))], **kwargs)
