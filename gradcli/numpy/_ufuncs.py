"""Elementwise functions of mathematics, with NumPy's names and promotion to floats."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.bfloat16 import finfo
from gradcli.engine.ir.types import default_float, real_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.elementwise import stop_gradient_value
from gradcli.engine.ops.operators import (
    absolute,
    binary,
    greater,
    inexact,
    less,
    like,
    maximum,
    minimum,
    numeric,
    promoted,
    to_inexact,
    unary,
    where,
)
from gradcli.engine.ops.shape import broadcast_in_dim
from gradcli.numpy._base import arr, kind, strong, type_error, value_error

exp, expm1, log, log1p = unary("exp"), unary("expm1"), unary("log"), unary("log1p")
exp2 = unary("exp2")
sin, cos, tan = unary("sin"), unary("cos"), unary("tan")
arcsin, arccos, arctan = unary("asin"), unary("acos"), unary("atan")
sinh, cosh, tanh = unary("sinh"), unary("cosh"), unary("tanh")
arcsinh, arccosh, arctanh = unary("asinh"), unary("acosh"), unary("atanh")
sqrt, cbrt = unary("sqrt"), unary("cbrt")
arctan2 = binary("atan2", to=to_inexact)
float_power = binary("pow", to=to_inexact)


def square(x: Any, /) -> Any:
    """``x * x``."""
    return e.square(*numeric(x))


def reciprocal(x: Any, /) -> Any:
    """``1 / x``, as a float."""
    return e.integer_pow(inexact(x)[0], -1)


def log2(x: Any, /) -> Any:
    """The logarithm to base 2."""
    (x,) = inexact(x)
    return _scaled(e.log(strong(x)), lambda part: e.div(part, e.log(like(part, 2))))


def log10(x: Any, /) -> Any:
    """The logarithm to base 10."""
    (x,) = inexact(x)
    return _scaled(e.log(strong(x)), lambda part: e.mul(part, like(part, 1 / math.log(10))))


def _scaled(x: Any, scale: Any) -> Any:
    """A real factor applied to the parts of a complex number, or to a real one."""
    return e.complex(scale(e.real(x)), scale(e.imag(x))) if kind(x) == "c" else scale(x)


def deg2rad(x: Any, /) -> Any:
    """Degrees to radians."""
    (x,) = inexact(x)
    return e.mul(x, like(x, math.pi / 180))


def rad2deg(x: Any, /) -> Any:
    """Radians to degrees."""
    (x,) = inexact(x)
    return e.mul(x, like(x, 180 / math.pi))


def _pair(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Both as inexact values of one dtype, weak only if both are."""
    weak = type_of(x1).weak_type and type_of(x2).weak_type
    x1, x2 = inexact(x1, x2)
    return (x1, x2) if weak else (strong(x1), strong(x2))


def hypot(x1: Any, x2: Any, /) -> Any:
    """``sqrt(x1**2 + x2**2)`` without overflow or underflow on the way; finite derivatives at the origin.

    Raises ValueError for complex operands.
    """
    x1, x2 = _pair(x1, x2)
    if kind(x1) == "c":
        raise value_error("hypot is not defined for complex operands", "take the absolute values first")
    x1, x2 = e.abs(x1), e.abs(x2)
    infinite = e.bitwise_or(isinf(x1), isinf(x2))
    large = maximum(x1, x2)
    zero = e.eq(large, like(large, 0))
    # it cancels, so that derivatives of every order are exact where x1 == x2 too
    scale = stop_gradient_value(where(zero, like(large, 1), large))
    squares = e.add(e.square(e.div(x1, scale)), e.square(e.div(x2, scale)))
    length = e.mul(scale, e.sqrt(where(zero, like(large, 1), squares)))
    return where(infinite, like(large, math.inf), where(zero, large, length))


def sinc(x: Any, /) -> Any:
    """``sin(pi x) / (pi x)``, with value 1 and exact derivatives of every order (0, -pi^2/3, 0, …) at 0."""
    (x,) = inexact(x)
    return _sinc(e.mul(x, like(x, math.pi)))


def _sinc(z: Any) -> Any:
    """sin(z)/z; below 0.1 by its series, whose derivatives exist where the quotient's are 0/0 or cancel."""
    near = e.lt(absolute(z), like(absolute(z), 0.1))
    far = where(near, like(z, 1), z)
    square_ = e.square(where(near, z, like(z, 0)))
    series = like(z, 0)
    for k in range(8, -1, -1):  # Taylor coefficients (-1)^k / (2k+1)!
        series = e.add(like(z, (-1) ** k / math.factorial(2 * k + 1)), e.mul(series, square_))
    return where(near, series, e.div(e.sin(far), far))


def fabs(x: Any, /) -> Any:
    """The absolute value as a float. Raises TypeError for complex operands."""
    (x,) = inexact(x)
    if kind(x) == "c":
        raise type_error("fabs does not accept complex operands", "use abs")
    return e.abs(x)


def sign(x: Any, /) -> Any:
    """-1, 0 or 1, and nan for nan; ``x / abs(x)`` for complex numbers."""
    if kind(x) == "b":
        raise type_error("sign does not accept bool", "convert it to an integer")
    return e.sign(*promoted(x))


def _rounding(name: str, real: Any) -> Any:
    def apply(x: Any, /) -> Any:
        x = arr(x)
        if kind(x) in "biu":
            return x
        if kind(x) == "c":
            raise type_error(f"{name} does not accept complex operands")
        return real(x)

    apply.__name__ = apply.__qualname__ = name
    return apply


floor, ceil = _rounding("floor", e.floor), _rounding("ceil", e.ceil)
trunc = _rounding("trunc", lambda x: where(e.lt(x, like(x, 0)), e.ceil(x), e.floor(x)))
fix = trunc


def rint(x: Any, /) -> Any:
    """To the nearest integer, halves to even; the result is a float."""
    if kind(x) == "c":
        return e.complex(e.round(e.real(x), 1), e.round(e.imag(x), 1))
    if kind(x) != "f":
        return e.convert_element_type(x, default_float())
    return e.round(x, 1)


def fmod(x1: Any, x2: Any, /) -> Any:
    """The remainder with the sign of the dividend; integers give 0 for a division by zero."""
    x1, x2 = numeric(x1, x2)
    if kind(x2) in "iu":
        x2 = where(e.eq(x2, like(x2, 0)), like(x2, 1), x2)
    return e.rem(x1, x2)


def modf(x: Any, /) -> tuple[Any, Any]:
    """Fractional and integral part, both with the sign of ``x``."""
    (x,) = inexact(x)
    whole = where(e.ge(x, like(x, 0)), e.floor(x), e.ceil(x))
    return e.sub(x, whole), whole


def logaddexp2(x1: Any, x2: Any, /) -> Any:
    """``log2(2**x1 + 2**x2)`` without overflow."""
    x1, x2 = _pair(x1, x2)
    ln2 = like(x1, math.log(2))
    return e.div(logaddexp(e.mul(x1, ln2), e.mul(x2, ln2)), ln2)


def logaddexp(x1: Any, x2: Any, /) -> Any:
    """``log(exp(x1) + exp(x2))`` without overflow; the derivatives are the two shares, 0.5 each at a tie."""
    x1, x2 = _pair(x1, x2)
    if kind(x1) == "c":
        return _complex_logaddexp(x1, x2)
    difference = e.sub(x1, x2)
    undefined = e.ne(difference, difference)  # nan, or infinities of the same sign
    d = where(undefined, like(x1, 0), difference)
    first = e.gt(d, like(d, 0))  # selects, not max and abs, whose derivatives at a tie would not add up
    large, gap = where(first, x1, x2), where(first, e.neg(d), d)
    return where(undefined, e.add(x1, x2), e.add(large, e.log1p(e.exp(gap))))


def _complex_logaddexp(x1: Any, x2: Any) -> Any:
    first = e.ge(e.real(x1), e.real(x2))
    large, small = where(first, x1, x2), where(first, x2, x1)
    out = e.add(large, e.log1p(e.exp(e.sub(small, large))))
    angle_ = e.imag(out)
    turn = like(angle_, 2 * math.pi)
    wrapped = e.sub(angle_, e.mul(turn, e.round(e.div(angle_, turn), 1)))
    return e.complex(e.real(out), wrapped)


# --- complex numbers ------------------------------------------------------------------------------------------------


def real(val: Any, /) -> Any:
    """The real part."""
    return e.real(val) if kind(val) == "c" else arr(val)


def imag(val: Any, /) -> Any:
    """The imaginary part: zeros for real numbers."""
    if kind(val) == "c":
        return e.imag(val)
    return broadcast_in_dim(like(val, 0), type_of(val).shape)


def conjugate(x: Any, /) -> Any:
    """The complex conjugate; real numbers as they are."""
    return e.conj(x) if kind(x) == "c" else arr(x)


conj = conjugate


def angle(z: Any, deg: bool = False) -> Any:
    """The argument of a complex number, in radians or degrees."""
    z = arr(z) if kind(z) in "fc" else e.convert_element_type(z, default_float())
    if kind(z) == "c":
        result = e.atan2(e.imag(z), e.real(z))
    else:
        z = strong(z)
        result = where(e.lt(z, like(z, 0)), like(z, math.pi), where(e.ne(z, z), z, like(z, 0)))
    return rad2deg(result) if deg else result


# --- classification -------------------------------------------------------------------------------------------------


def isnan(x: Any, /) -> Any:
    """Where nan is."""
    x = arr(x)
    return e.ne(x, x)


def isinf(x: Any, /) -> Any:
    """Where an infinity is, of either sign; of either part for complex numbers."""
    k = kind(x)
    if k == "c":
        return e.bitwise_or(isinf(e.real(x)), isinf(e.imag(x)))
    if k != "f":
        return _all_bool(x, False)
    return e.eq(strong(e.abs(x)), like(strong(x), math.inf))


def isfinite(x: Any, /) -> Any:
    """Where neither nan nor an infinity is."""
    k = kind(x)
    if k == "c":
        return e.bitwise_and(e.is_finite(e.real(x)), e.is_finite(e.imag(x)))
    return e.is_finite(x) if k == "f" else _all_bool(x, True)


def _all_bool(x: Any, value: bool) -> Any:
    return broadcast_in_dim(np.bool_(value), type_of(x).shape)


def isposinf(x: Any, /) -> Any:
    """Where +inf is."""
    return e.eq(x, like(x, math.inf)) if kind(x) == "f" else _all_bool(x, False)


def isneginf(x: Any, /) -> Any:
    """Where -inf is."""
    return e.eq(x, like(x, -math.inf)) if kind(x) == "f" else _all_bool(x, False)


def signbit(x: Any, /) -> Any:
    """Where the sign bit is set (-0.0 included)."""
    k = kind(x)
    if k == "b" or k == "u":
        return _all_bool(x, False)
    if k == "i":
        return e.lt(x, like(x, 0))
    (x,) = promoted(x)
    one = like(x, 1)  # atan2(-0.0, -1) is -pi and atan2(0.0, -1) is pi: the only elementwise primitive that tells
    return e.lt(e.atan2(x, e.neg(one)), like(x, 0))


def copysign(x1: Any, x2: Any, /) -> Any:
    """``abs(x1)`` with the sign of ``x2``."""
    x1, x2 = inexact(x1, x2)
    size = e.abs(x1)
    return where(signbit(x2), e.neg(size), size)


def heaviside(x1: Any, x2: Any, /) -> Any:
    """The step function: 0 below 0, 1 above, ``x2`` at 0."""
    x1, x2 = _pair(x1, x2)
    zero, one = like(x1, 0), like(x1, 1)
    at_zero = where(e.ne(x1, x1), x1, x2)
    return where(e.lt(x1, zero), zero, where(e.gt(x1, zero), one, at_zero))


def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Replaces nan and infinities; an infinity by default by the largest finite number."""
    x = arr(x)
    if kind(x) in "biu":
        return x
    if kind(x) == "c":
        return e.complex(*(nan_to_num(part(x), copy, nan, posinf, neginf) for part in (e.real, e.imag)))
    info = finfo(real_dtype(x.dtype))
    high = info.max if posinf is None else posinf
    low = info.min if neginf is None else neginf
    dtype = x.dtype
    out = where(isnan(x), _fill(nan, dtype), x)
    out = where(isposinf(out), _fill(high, dtype), out)
    return where(isneginf(out), _fill(low, dtype), out)


def _fill(value: Any, dtype: np.dtype[Any]) -> Any:
    return e.convert_element_type(arr(value), dtype)


# --- extrema --------------------------------------------------------------------------------------------------------


def fmax(x1: Any, x2: Any, /) -> Any:
    """The larger one; a nan gives way."""
    x1, x2 = promoted(x1, x2)
    return where(e.bitwise_or(greater(x1, x2), e.ne(x2, x2)), x1, x2)


def fmin(x1: Any, x2: Any, /) -> Any:
    """The smaller one; a nan gives way."""
    x1, x2 = promoted(x1, x2)
    return where(e.bitwise_or(less(x1, x2), e.ne(x2, x2)), x1, x2)


def clip(
    arr: Any = None, /, min: Any = None, max: Any = None, *, a: Any = None, a_min: Any = None, a_max: Any = None
) -> Any:
    """Limits the values to ``min <= x <= max``; a bound that is None does not bind."""
    x = a if arr is None else arr
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if kind(x) == "c" or any(b is not None and kind(b) == "c" for b in (low, high)):
        raise value_error("clip does not accept complex operands")
    if low is not None:
        x = maximum(low, x)
    if high is not None:
        x = minimum(high, x)
    return x


# --- logic ----------------------------------------------------------------------------------------------------------


def _truth(x: Any) -> Any:
    return arr(x) if kind(x) == "b" else e.ne(arr(x), like(x, 0))


def _logical(name: str, combine: Any) -> Any:
    def apply(*xs: Any) -> Any:
        return combine(*promoted(*map(_truth, xs)))

    apply.__name__ = apply.__qualname__ = name
    return apply


logical_and, logical_or = _logical("logical_and", e.bitwise_and), _logical("logical_or", e.bitwise_or)
logical_xor, logical_not = _logical("logical_xor", e.bitwise_xor), _logical("logical_not", e.bitwise_not)


def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Where ``abs(a - b) <= atol + rtol * abs(b)``; infinities are close to themselves."""
    a, b = map(strong, promoted(a, b))
    if kind(a) not in "fc":
        a, b = inexact(a, b) if kind(a) != "b" else inexact(*numeric(a, b))
    gap, size = e.abs(e.sub(a, b)), e.abs(b)
    close = e.le(gap, e.add(like(size, atol), e.mul(like(size, rtol), size)))
    finite = e.bitwise_and(isfinite(a), isfinite(b))
    out = e.bitwise_or(e.bitwise_and(close, finite), e.eq(a, b))
    return e.bitwise_or(out, e.bitwise_and(isnan(a), isnan(b))) if equal_nan else out
