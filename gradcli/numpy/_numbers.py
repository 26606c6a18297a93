"""Functions of integers and of the digits of floats: divisors, bits, mantissa and exponent, neighbours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.control.loop import while_loop
from gradcli.engine.ir.bfloat16 import finfo
from gradcli.engine.ir.types import canonical_dtype, complex_dtype
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.bits import bitcast_convert_type
from gradcli.engine.ops.fma import nextafter as _nextafter
from gradcli.engine.ops.operators import absolute, inexact, like, numeric, promoted, to_inexact, where
from gradcli.engine.ops.shape import canonical_axis
from gradcli.numpy._base import arr, kind, strong, type_error, value_error
from gradcli.numpy._reductions import any as any_
from gradcli.numpy._reductions import sum
from gradcli.numpy._shapes import broadcast_arrays, ravel, swapaxes
from gradcli.numpy._sorting import sort
from gradcli.numpy._ufuncs import copysign, imag, isinf, isnan

# --- integers -------------------------------------------------------------------------------------------------------


def _integers(name: str, *xs: Any) -> list[Any]:
    xs = tuple(promoted(*xs))
    if kind(xs[0]) not in "iu":
        raise value_error(f"{name} needs integers, got dtype {xs[0].dtype}")
    return [absolute(x) for x in broadcast_arrays(*xs)]


def gcd(x1: Any, x2: Any) -> Any:
    """The greatest common divisor, by Euclid's algorithm. Raises ValueError for what is no integer.

    >>> print(gcd(12, -18))
    6
    """
    x1, x2 = _integers("gcd", x1, x2)

    def rest(state: Any) -> Any:
        a, b = state
        zero = e.eq(b, like(b, 0))
        a, b = where(zero, a, b), where(zero, b, e.rem(a, where(zero, like(b, 1), b)))
        larger = e.gt(a, b)
        return where(larger, a, b), where(larger, b, a)

    found, _ = while_loop(lambda state: any_(e.ne(state[1], like(state[1], 0))), rest, (x1, x2))
    return found


def lcm(x1: Any, x2: Any) -> Any:
    """The least common multiple; 0 if an operand is. Raises ValueError for what is no integer."""
    x1, x2 = _integers("lcm", x1, x2)
    divisor = gcd(x1, x2)
    zero = e.eq(divisor, like(divisor, 0))
    return where(zero, like(divisor, 0), e.mul(x1, e.div(x2, where(zero, like(divisor, 1), divisor))))


def bitwise_count(x: Any, /) -> Any:
    """The number of ones among the bits of the absolute value, as uint8. Raises TypeError for floats."""
    (x,) = numeric(x)
    if kind(x) not in "iu":
        raise type_error(f"bitwise_count needs integers, got dtype {x.dtype}")
    return e.convert_element_type(e.population_count(absolute(x)), np.uint8)


def _bit_order(order: str) -> Any:
    if order not in ("big", "little"):
        raise value_error(f"the order of bits is 'big' or 'little', not {order!r}")
    return np.arange(8, dtype=np.uint8)[:: -1 if order == "big" else 1].copy()


def _bits_last(a: Any, axis: int | None) -> tuple[Any, int]:
    """The axis (None: of the flattened array) brought to the end."""
    a = arr(a)
    if axis is None:
        a, axis = ravel(a), 0
    place = canonical_axis(axis, a.ndim)
    return swapaxes(a, place, -1), place


def packbits(a: Any, axis: int | None = None, bitorder: str = "big") -> Any:
    """Eight elements, 0 or not, as the bits of one uint8, along an axis or flattened; zeros are added at the end.

    Raises TypeError for floats, ValueError for another order of bits than big and little.

    >>> print(packbits(np.array([1, 0, 1])))
    [160]
    """
    bits = _bit_order(bitorder)
    if kind(a) not in "biu":
        raise type_error(f"packbits needs integers or bools, got dtype {arr(a).dtype}")
    a, place = _bits_last(a, axis)
    ones = e.convert_element_type(e.ne(a, like(a, 0)), np.uint8)
    *lead, n = ones.shape
    ones = cuts.pad(ones, np.uint8(0), [(0, 0, 0)] * len(lead) + [(0, -n % 8, 0)])
    groups = s.reshape(ones, (*lead, -(-n // 8), 8))
    shifted = e.shift_left(groups, np.broadcast_to(bits, groups.shape))
    return swapaxes(e.convert_element_type(sum(shifted, -1), np.uint8), place, -1)


def unpackbits(a: Any, axis: int | None = None, count: int | None = None, bitorder: str = "big") -> Any:
    """The bits of uint8 numbers as elements 0 and 1; ``count`` of them, cut or filled with zeros; negative: fewer.

    Raises TypeError for another dtype, ValueError for another order of bits than big and little.
    """
    bits = _bit_order(bitorder)
    if arr(a).dtype != np.uint8:
        raise type_error(f"unpackbits needs uint8, got {arr(a).type}")
    a, place = _bits_last(a, axis)
    *lead, n = a.shape
    wide = s.broadcast_in_dim(a, (*lead, n, 8), tuple(range(a.ndim)))
    ones = e.bitwise_and(e.shift_right_logical(wide, np.broadcast_to(bits, wide.shape)), np.uint8(1))
    out = s.reshape(ones, (*lead, 8 * n))
    if count is not None:
        cut = count - 8 * n if count >= 0 else count
        out = cuts.pad(out, np.uint8(0), [(0, 0, 0)] * len(lead) + [(0, cut, 0)])
    return swapaxes(out, place, -1)


# --- floats ---------------------------------------------------------------------------------------------------------

def _exponents(x: Any) -> Any:
    """The exponent field of finite floats, without its bias: that of the leading digit of normal numbers."""
    digits, size = finfo(x.dtype).nmant, x.dtype.itemsize
    bits = bitcast_convert_type(e.abs(x), np.dtype(f"int{8 * size}"))
    bias = (1 << (8 * size - digits - 2)) - 1
    return e.sub(e.shift_right_logical(bits, like(bits, digits)), like(bits, bias))


def _power_of_two(k: Any, dtype: np.dtype[Any]) -> Any:
    """2^k, for integers k in the range of normal numbers (others meet its ends)."""
    digits, size = finfo(dtype).nmant, dtype.itemsize
    bias = (1 << (8 * size - digits - 2)) - 1
    k = e.clamp(like(k, 1 - bias), k, like(k, bias))
    return bitcast_convert_type(e.shift_left(e.add(k, like(k, bias)), like(k, digits)), dtype)


def frexp(x: Any, /) -> tuple[Any, Any]:
    """Mantissa, of absolute value 0.5 to 1, and exponent (int32): ``x == mantissa * 2**exponent``.

    0, nan and infinities are their own mantissa, with exponent 0. Raises TypeError for complex numbers.

    >>> print(*frexp(6.0))
    0.75 3
    """
    (x,) = inexact(x)
    if kind(x) == "c":
        raise type_error("frexp does not accept complex operands")
    digits = finfo(x.dtype).nmant
    tiny = e.lt(e.abs(x), like(x, finfo(x.dtype).smallest_normal))
    lifted = where(tiny, e.mul(x, like(x, 2.0 ** (digits + 1))), x)
    k = e.add(_exponents(lifted), like(_exponents(lifted), 1))
    special = e.bitwise_or(e.eq(x, like(x, 0)), e.bitwise_not(e.is_finite(x)))
    half = e.neg(e.shift_right_arithmetic(k, like(k, 1)))  # 2^-k in two steps: it may be out of range
    down = e.mul(e.mul(lifted, _power_of_two(half, x.dtype)), _power_of_two(e.sub(e.neg(k), half), x.dtype))
    exponent = e.sub(k, where(tiny, like(k, digits + 1), like(k, 0)))
    return where(special, x, down), e.convert_element_type(where(special, like(k, 0), exponent), np.int32)


def ldexp(x1: Any, x2: Any, /) -> Any:
    """``x1 * 2**x2`` for integers ``x2``, exact wherever the result is. Raises ValueError for other operands."""
    if kind(x1) == "c" or kind(x2) not in "biu":
        raise value_error(f"ldexp needs a float and an integer, got {arr(x1).type} and {arr(x2).type}")
    (x,) = inexact(x1)
    bits = np.dtype(f"int{8 * x.dtype.itemsize}")
    limit = 3 * (1 << (8 * x.dtype.itemsize - finfo(x.dtype).nmant - 2))
    k = e.convert_element_type(arr(x2), bits)
    x, k = broadcast_arrays(x, e.clamp(like(k, -limit), k, like(k, limit)))
    for parts in (3, 2, 1):  # in three steps, each of them in range
        step = e.div(k, like(k, parts))
        x, k = e.mul(x, _power_of_two(step, x.dtype)), e.sub(k, step)
    return x


def nextafter(x: Any, y: Any, /) -> Any:
    """The next float after ``x`` in the direction of ``y``."""
    return _nextafter(*inexact(x, y))


def spacing(x: Any, /) -> Any:
    """The distance to the next float away from 0, with the sign of ``x``. Raises ValueError for complex numbers."""
    x = strong(inexact(x)[0])
    if kind(x) == "c":
        raise value_error("spacing is not defined for complex operands")
    gap = e.sub(_nextafter(x, copysign(like(x, math.inf), x)), x)
    smallest = copysign(like(x, finfo(x.dtype).smallest_subnormal), x)
    return where(e.bitwise_and(e.eq(gap, like(gap, 0)), e.bitwise_not(e.bitwise_or(isnan(x), isinf(x)))), smallest, gap)


def viewed(x: Any, dtype: Any) -> Any:
    """The bytes of an array as elements of another dtype; its last axis grows or shrinks as sizes differ.

    Raises TypeError for bools and complex numbers, whose bytes cannot be read as other dtypes, and where the last axis
    does not fit.
    """
    x, wanted = arr(x), canonical_dtype(np.float64 if dtype is None else dtype)
    if x.dtype == wanted:
        return x
    old, new = x.dtype.itemsize, wanted.itemsize
    if old == new or not x.ndim:
        return bitcast_convert_type(x, wanted)
    *lead, n = x.shape
    if old > new:
        return s.reshape(bitcast_convert_type(x, wanted), (*lead, n * (old // new)))
    if n % (new // old):
        raise type_error(f"a view of {x.type} as {wanted}: the last axis is no multiple of {new // old}")
    return bitcast_convert_type(s.reshape(x, (*lead, n // (new // old), new // old)), wanted)


def iscomplex(x: Any) -> Any:
    """Where the imaginary part is not 0."""
    part = imag(x)
    return e.ne(part, like(part, 0))


def isreal(x: Any) -> Any:
    """Where the imaginary part is 0."""
    part = imag(x)
    return e.eq(part, like(part, 0))


def sort_complex(a: Any) -> Any:
    """In increasing order along the last axis, by real, then by imaginary part; the result is complex."""
    a = arr(a)
    out = sort(a)
    return out if a.dtype.kind == "c" else e.convert_element_type(out, complex_dtype(to_inexact(a.dtype)))


def astype(x: Any, dtype: Any, /, *, copy: bool = False, device: Any = None) -> Any:
    """In another dtype (None: the default float); complex to real takes the real part."""
    return e.convert_element_type(arr(x), canonical_dtype(np.float64 if dtype is None else dtype))


