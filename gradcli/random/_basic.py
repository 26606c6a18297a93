"""Bits, uniform and normal numbers, of which the other distributions are made; and checks of their arguments."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, numbers, raw, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.bfloat16 import BFLOAT16, finfo
from gradcli.engine.ir.types import Shape, canonical_dtype, default_float, real_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.erf_inv import erf_inv
from gradcli.engine.ops.fma import fma, nextafter
from gradcli.engine.ops.random_bits import random_bits, unit_float
from gradcli.engine.ops.shape import reshape
from gradcli.engine.ops.special import erf
from gradcli.engine.settings import settings
from gradcli.engine.trace.source import user_location
from gradcli.numpy import asarray, clip
from gradcli.random._keys import single_key, split_words

DTypeLike = Any

# --- arguments --------------------------------------------------------------------------------------------------------


def shape_of(shape: Any) -> Shape:
    """The shape as a tuple of integers; an integer stands for one dimension. Raises ValueError for negative sizes."""
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else shape
    out = tuple(operator.index(n) for n in sizes)
    if any(n < 0 for n in out):
        raise fail("G206", f"a shape cannot have negative sizes: {out}", location=user_location(), cls=ValueError)
    return out


def float_dtype(name: str, dtype: DTypeLike) -> np.dtype[Any]:
    """The float dtype asked for, or the default one. Raises ValueError for others."""
    return _dtype_of_kind(name, default_float() if dtype is None else dtype, "f", "a float")


def integer_dtype(name: str, dtype: DTypeLike) -> np.dtype[Any]:
    """The integer dtype asked for, or the default one. Raises ValueError for others."""
    return _dtype_of_kind(name, int if dtype is None else dtype, "iu", "an integer")


def _dtype_of_kind(name: str, dtype: DTypeLike, kinds: str, what: str) -> np.dtype[Any]:
    found = canonical_dtype(dtype)
    if found.kind not in kinds:
        raise fail("G206", f"{name} needs {what} dtype, got {found}", location=user_location(), cls=ValueError)
    return found


def common_shape(name: str, shape: Any, *shapes: Shape) -> Shape:
    """The shape asked for, or (None) that of parameters of these shapes together.

    Raises ValueError where the shapes do not broadcast to it.
    """
    wanted = None if shape is None else shape_of(shape)
    try:
        found = np.broadcast_shapes(*shapes, *([] if wanted is None else [wanted]))
    except ValueError:
        found = None
    if found is None or (wanted is not None and found != wanted):
        into = "" if wanted is None else f" to the shape {wanted}"
        raise fail("G206", f"parameters of {name} do not broadcast{into}: {', '.join(map(str, shapes))}",
                   location=user_location(), cls=ValueError)  # fmt: skip
    return found


def parameter(x: Any, dtype: np.dtype[Any], rank: int = 0) -> Any:
    """A parameter in a dtype, its rank raised unless it is a scalar; a NumPy scalar where the value is known."""
    x = x if isinstance(x, Value) else asarray(x)
    if not x.shape and type(x) is Array:
        return numbers(raw(x), dtype)
    x = e.convert_element_type(x, dtype)
    shape = type_of(x).shape
    return x if len(shape) in (0, rank) else reshape(x, (1,) * (rank - len(shape)) + shape)


def bits_of(words: Any, width: int, shape: Shape) -> Any:
    """Random unsigned integers of a width from the words of a key, in the layout in force."""
    return random_bits(words, width, shape, settings().prng_partitionable)


# --- bits, uniform, normal --------------------------------------------------------------------------------------------


def bits(key: Any, shape: Any = (), dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Uniform random unsigned integers (default dtype: uint64, or uint32 under 32-bit precision).

    Raises ValueError for a dtype that is no unsigned integer.
    """
    words = single_key("bits", key)
    found = _dtype_of_kind("bits", np.uint64 if dtype is None else dtype, "u", "an unsigned integer")
    return bits_of(words, 8 * found.itemsize, shape_of(shape))


def uniform(
    key: Any,
    shape: Any = (),
    dtype: DTypeLike = None,
    minval: Any = 0.0,
    maxval: Any = 1.0,
    *,
    out_sharding: Any = None,
) -> Any:
    """Uniform numbers in [minval, maxval), differentiable in both; ``minval`` and ``maxval`` broadcast to ``shape``.

    Raises ValueError for a dtype that is no float and for bounds that do not broadcast.

    >>> from gradcli.random import key
    >>> print(uniform(key(0), (2,), "float32"))
    [0.947667  0.9785799]
    """
    words = single_key("uniform", key)
    return uniform_of(words, shape_of(shape), float_dtype("uniform", dtype), minval, maxval)


def _unit(words: Any, shape: Shape, dtype: np.dtype[Any]) -> Any:
    """Uniform numbers in [0, 1)."""
    if dtype is not BFLOAT16:
        return unit_float(bits_of(words, 8 * dtype.itemsize, shape))
    leading = e.shift_right_logical(bits_of(words, 8, shape), np.uint8(1))  # 7 bits are the mantissa
    return e.mul(e.convert_element_type(leading, dtype), dtype.type(2.0**-7))


def uniform_of(words: Any, shape: Shape, dtype: np.dtype[Any], minval: Any = 0.0, maxval: Any = 1.0) -> Any:
    """:func:`uniform` with everything settled, from the words of a key."""
    unit = _unit(words, shape, dtype)
    low, high = (parameter(x, dtype, len(shape)) for x in (minval, maxval))
    known = isinstance(low, np.generic) and isinstance(high, np.generic)
    if not known:
        common_shape("uniform", shape, type_of(low).shape, type_of(high).shape)
        return e.max(low, fma(unit, e.sub(high, low), low))
    with np.errstate(all="ignore"):
        span = high - low
    if low == 0 and span == 1:
        return unit
    if span <= 0 or not np.isfinite(span):
        return e.max(low, fma(unit, span, low))
    if math.frexp(span)[0] == 0.5:  # the product is exact, so a product and a sum do, and cost less
        scaled = unit if span == 1 else e.mul(unit, span)
        return e.add(scaled, low)
    return fma(unit, span, low)


def normal(key: Any, shape: Any = (), dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Standard normal numbers; complex ones have variance 1, one half in each part.

    Raises ValueError for a dtype that is neither float nor complex.

    >>> from gradcli.random import key
    >>> print(normal(key(0), (2,), "float32"))
    [1.6226422 2.0252647]
    """
    words = single_key("normal", key)
    found = _dtype_of_kind("normal", default_float() if dtype is None else dtype, "fc", "a complex or float")
    return normal_of(words, shape_of(shape), found)


def normal_of(words: Any, shape: Shape, dtype: np.dtype[Any]) -> Any:
    """:func:`normal` with everything settled, from the words of a key."""
    if dtype.kind == "c":
        real = real_dtype(dtype)
        parts = [normal_of(w, shape, real) for w in pair_of_keys(words)]
        return e.div(e.complex(*parts), dtype.type(math.sqrt(2)))
    low = dtype.type(float(finfo(dtype).epsneg) - 1)  # the number after -1
    return e.mul(dtype.type(math.sqrt(2)), erf_inv(uniform_of(words, shape, dtype, low, 1.0)))


def pair_of_keys(words: Any, num: int = 2) -> list[Any]:
    """The words of ``num`` new keys."""
    return list(split_words(words, num))


def truncated_normal(
    key: Any, lower: Any, upper: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None
) -> Any:
    """Standard normal numbers given that they lie in the open interval (lower, upper), differentiable in both bounds.

    shape: default that of the bounds together. Raises ValueError for bounds that do not broadcast to it.
    """
    words, found = single_key("truncated_normal", key), float_dtype("truncated_normal", dtype)
    size = common_shape("truncated_normal", shape, asarray(lower).shape, asarray(upper).shape)
    low, high = (parameter(x, found, len(size)) for x in (lower, upper))
    root = found.type(math.sqrt(2))
    ends = [erf(e.div(x, root)) for x in (low, high)]
    out = e.mul(root, erf_inv(uniform_of(words, size, found, *ends)))
    inside = [nextafter(e.stop_gradient_value(x), found.type(s * math.inf)) for x, s in ((low, 1), (high, -1))]
    return clip(out, *inside)
