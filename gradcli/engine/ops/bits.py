"""Operations on the bits of numbers: leading zeros, high words of products, reinterpretation, fewer digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.bfloat16 import BFLOAT16
from gradcli.engine.ir.types import ArrayType, array_type, canonical_dtype
from gradcli.engine.ops.define import Primitive, linear_jvp, zero_jvp
from gradcli.engine.ops.elementwise import convert_element_type
from gradcli.engine.ops.families import INEXACT, nary, same_kind, unary
from gradcli.engine.ops.logic import shift_left, shift_right_logical
from gradcli.engine.ops.shape import bad_shape, moveaxis
from gradcli.engine.trace.tracer import bind


def _unsigned(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(f"u{dtype.itemsize}")


def _clz_impl(x: Any) -> Any:
    width = x.dtype.itemsize * 8
    bits = np.asarray(x).view(_unsigned(x.dtype)).copy()
    count = np.full(bits.shape, width, x.dtype)
    step = width // 2
    while step:  # bisection: where the upper part has bits, they are what is left to look at
        upper = bits >> bits.dtype.type(step)
        found = upper != 0
        count = np.where(found, count - x.dtype.type(step), count)
        bits = np.where(found, upper, bits)
        step //= 2
    return (count - bits.astype(x.dtype)).astype(x.dtype)[()]


clz = unary("clz", _clz_impl, None, "iu")


def _mulhi_impl(x: Any, y: Any) -> Any:
    dtype = x.dtype
    if dtype.itemsize < 8:
        wide = np.dtype(f"{dtype.kind}{2 * dtype.itemsize}")
        return (x.astype(wide) * y.astype(wide) >> wide.type(8 * dtype.itemsize)).astype(dtype)
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    a, b = np.asarray(x).astype(np.uint64), np.asarray(y).astype(np.uint64)
    a0, a1, b0, b1 = a & low, a >> half, b & low, b >> half
    middle = a1 * b0 + (a0 * b0 >> half)
    high = a1 * b1 + (middle >> half) + (a0 * b1 + (middle & low) >> half)
    if dtype.kind == "i":  # the unsigned high word counts a negative factor 2**64 too high
        high = high - np.where(x < 0, b, np.uint64(0)) - np.where(y < 0, a, np.uint64(0))
    return high.astype(dtype)[()]


mulhi = nary("mulhi", _mulhi_impl, (), "iu")


# --- bitcast ----------------------------------------------------------------------------------------------------------


def bitcast_convert_type(operand: Any, new_dtype: Any) -> Any:
    """The same bits read as another dtype; a narrower one gives a new last axis, a wider one takes it away.

    Raises TypeError where the last axis does not hold one wider element, and for complex numbers and bools.
    """
    dtype, old = canonical_dtype(new_dtype), type_of(operand).dtype
    if old is not dtype and old is BFLOAT16:  # the upper half of a float32
        single = bitcast_convert_type(convert_element_type(operand, np.float32), np.uint32)
        half = convert_element_type(shift_right_logical(single, np.uint32(16)), np.uint16)
        return bitcast_convert_type(half, dtype)
    if old is not dtype and dtype is BFLOAT16:
        half = convert_element_type(bitcast_convert_type(operand, np.uint16), np.uint32)
        return convert_element_type(bitcast_convert_type(shift_left(half, np.uint32(16)), np.float32), dtype)
    return bind(bitcast_convert_type_p, operand, new_dtype=dtype)


def _bitcast_type(x: ArrayType, new_dtype: np.dtype[Any]) -> ArrayType:
    same_kind("bitcast_convert_type", [x], "iufb" if new_dtype == x.dtype else "iuf")
    old, new = x.dtype.itemsize, new_dtype.itemsize
    if new_dtype.kind not in "iuf" and new_dtype != x.dtype:
        raise bad_shape(f"bitcast_convert_type of {x} to {new_dtype} is not possible")
    if old == new:
        return array_type(x.shape, new_dtype)
    if old > new:
        return array_type((*x.shape, old // new), new_dtype)
    if not x.shape or x.shape[-1] != new // old:
        raise bad_shape(f"bitcast_convert_type of {x} to {new_dtype} needs a last axis of {new // old}")
    return array_type(x.shape[:-1], new_dtype)


def _bitcast_impl(x: Any, new_dtype: np.dtype[Any]) -> Any:
    x = np.ascontiguousarray(x)
    if x.dtype.itemsize > new_dtype.itemsize:
        return x[..., None].view(new_dtype).reshape(*np.shape(x), -1)
    out = x.view(new_dtype) if x.ndim else x.reshape(1).view(new_dtype).reshape(())
    return out[..., 0] if x.dtype.itemsize < new_dtype.itemsize else out


def _bitcast_scalar_impl(x: Any, new_dtype: np.dtype[Any]) -> Any:
    if np.ndim(x):
        return _bitcast_impl(x, new_dtype)
    row = np.asarray(x).reshape(1).view(new_dtype)
    return row[0] if row.size == 1 else row


bitcast_convert_type_p = Primitive(
    "bitcast_convert_type",
    type_rule=_bitcast_type,
    impl=_bitcast_scalar_impl,
    jvp=zero_jvp(bitcast_convert_type),
    batch=lambda size, args, dims, new_dtype: (bitcast_convert_type(moveaxis(args[0], dims[0], 0), new_dtype), 0),
    family="elementwise",
)


# --- reduce_precision -------------------------------------------------------------------------------------------------

_LAYOUT = {2: (5, 10), 4: (8, 23), 8: (11, 52)}  # IEEE 754: bits of exponent and mantissa by bytes


def reduce_precision(operand: Any, exponent_bits: int, mantissa_bits: int) -> Any:
    """Rounds (to nearest, ties to even) to a float format of fewer bits; too large is infinite, too small is zero.

    Raises TypeError for operands that are no floats and for less than one bit of exponent or none of mantissa.
    """
    return bind(reduce_precision_p, operand, exponent_bits=int(exponent_bits), mantissa_bits=int(mantissa_bits))


def _precision_type(x: ArrayType, exponent_bits: int, mantissa_bits: int) -> ArrayType:
    same_kind("reduce_precision", [x], INEXACT.replace("c", ""))
    if exponent_bits < 1 or mantissa_bits < 0:
        raise bad_shape(f"reduce_precision to {exponent_bits} bits of exponent and {mantissa_bits} of mantissa")
    return x


def _precision_impl(x: Any, exponent_bits: int, mantissa_bits: int) -> Any:
    exponent, mantissa = _LAYOUT[x.dtype.itemsize]
    bits_type = _unsigned(x.dtype)
    word = bits_type.type
    bits = np.atleast_1d(x).view(bits_type)
    sign_mask = word(1 << (exponent + mantissa))
    sign, magnitude = bits & sign_mask, bits & ~sign_mask
    shift = mantissa - mantissa_bits
    if shift > 0:
        last = (magnitude >> word(shift)) & word(1)
        magnitude = (magnitude + last + word((1 << (shift - 1)) - 1)) & ~word((1 << shift) - 1)
    if exponent_bits < exponent:
        bias, small = (1 << (exponent - 1)) - 1, (1 << (exponent_bits - 1)) - 1
        power = magnitude >> word(mantissa)
        infinity = word(((1 << exponent) - 1) << mantissa)
        magnitude = np.where(power > word(bias + small), infinity, magnitude)
        magnitude = np.where(power <= word(bias - small), word(0), magnitude)
    out = (sign | magnitude).view(x.dtype)
    return np.where(np.isnan(x), x, out.reshape(np.shape(x))).astype(x.dtype)[()]


def _precision_again(x: Any, **params: Any) -> Any:
    return reduce_precision(x, **params)


def _precision_transpose(ct: Any, x: Any, **params: Any) -> Sequence[Any]:
    return (reduce_precision(ct, **params),)


reduce_precision_p = Primitive(
    "reduce_precision",
    type_rule=_precision_type,
    impl=_precision_impl,
    jvp=linear_jvp(_precision_again),
    transpose=_precision_transpose,
    batch=lambda size, args, dims, **params: (reduce_precision(args[0], **params), dims[0]),
    family="elementwise",
)
