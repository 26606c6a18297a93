"""Elementwise primitives: each with type, NumPy evaluation, derivative, transpose and batching, in one definition.

Operands have one dtype, and one shape up to scalars and dimensions of size 1, which broadcast without an equation of
their own. The derivative of an operand is written as a linear map ``(tangent, out, *operands) -> tangent``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Value, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import array_type, dtype_of, real_dtype
from gradcli.engine.ops.define import JvpOperand, Primitive, is_linear, operand_jvp, zero_jvp
from gradcli.engine.ops.families import (
    ALL,
    INEXACT,
    NUMBERS,
    ORDERED,
    REAL,
    Operation,
    add_tangents,
    nary,
    same_type,
    unary,
)
from gradcli.engine.ops.logic import bitwise_and as bitwise_and
from gradcli.engine.ops.logic import bitwise_not as bitwise_not
from gradcli.engine.ops.logic import bitwise_or as bitwise_or
from gradcli.engine.ops.logic import bitwise_xor as bitwise_xor
from gradcli.engine.ops.logic import eq as eq
from gradcli.engine.ops.logic import ge as ge
from gradcli.engine.ops.logic import gt as gt
from gradcli.engine.ops.logic import is_finite as is_finite
from gradcli.engine.ops.logic import le as le
from gradcli.engine.ops.logic import lt as lt
from gradcli.engine.ops.logic import ne as ne
from gradcli.engine.ops.logic import population_count as population_count
from gradcli.engine.ops.logic import select_n as select_n
from gradcli.engine.ops.logic import select_n_p as select_n_p
from gradcli.engine.ops.logic import shift_left as shift_left
from gradcli.engine.ops.logic import shift_right_arithmetic as shift_right_arithmetic
from gradcli.engine.ops.logic import shift_right_logical as shift_right_logical
from gradcli.engine.ops.shape import broadcast_to_type, unbroadcast
from gradcli.engine.settings import settings
from gradcli.engine.trace.tracer import bind

# --- arithmetic -----------------------------------------------------------------------------------------------


def _transpose_add(ct: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return tuple(unbroadcast(ct, a.type) if is_linear(a) else None for a in (x, y))  # type: ignore[return-value]


def _transpose_sub(ct: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return (
        unbroadcast(ct, x.type) if is_linear(x) else None,
        unbroadcast(neg(ct), y.type) if is_linear(y) else None,
    )


def _transpose_mul(ct: Any, x: Any, y: Any) -> tuple[Any, Any]:
    if is_linear(x):
        return unbroadcast(mul(ct, y), x.type), None
    return None, unbroadcast(mul(x, ct), y.type)


def _transpose_div(ct: Any, x: Any, y: Any) -> tuple[Any, Any]:
    if is_linear(y):
        raise fail("G203", "div is not linear in its second argument", cls=NotImplementedError)
    return unbroadcast(div(ct, y), x.type), None


def _transpose_add_any(ct: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return (ct if is_linear(x) else None, ct if is_linear(y) else None)


def _div_impl(x: Any, y: Any) -> Any:
    """Floats as IEEE; integers truncate towards zero, as in C and lax.div, and give -1 for a division by zero."""
    if np.asarray(x).dtype.kind in "fc":
        return np.true_divide(x, y)
    zero = np.equal(y, 0)
    safe = np.where(zero, np.ones_like(y), y)
    quotient = np.floor_divide(x, safe)
    exact = np.multiply(quotient, safe) == x
    negative = np.logical_xor(np.less(x, 0), np.less(safe, 0))
    quotient = np.where(negative & ~exact, quotient + np.ones_like(quotient), quotient)
    return np.where(zero, np.invert(np.zeros_like(quotient)), quotient)[()]


def _rem_impl(x: Any, y: Any) -> Any:
    """The remainder with the sign of the dividend; x for an integer division by zero."""
    if np.asarray(x).dtype.kind == "f":
        return np.fmod(x, y)
    zero = np.equal(y, 0)
    return np.where(zero, x, np.fmod(x, np.where(zero, np.ones_like(y), y)))[()]


_PASS: list[JvpOperand] = [lambda t, out, x, y: t, lambda t, out, x, y: t]
add_any: Operation = nary("add_any", np.add, _PASS, ALL, transpose=_transpose_add_any)
add = nary("add", np.add, [lambda t, out, x, y: t, lambda t, out, x, y: t], transpose=_transpose_add)
sub = nary("sub", np.subtract, [lambda t, out, x, y: t, lambda t, out, x, y: neg(t)], transpose=_transpose_sub)
mul: Operation = nary(
    "mul", np.multiply, [lambda t, out, x, y: mul(t, y), lambda t, out, x, y: mul(x, t)], ALL, transpose=_transpose_mul
)
div: Operation = nary(
    "div",
    _div_impl,
    [lambda t, out, x, y: div(t, y), lambda t, out, x, y: mul(mul(neg(t), x), integer_pow(y, -2))],
    transpose=_transpose_div,
)
rem = nary(
    "rem",
    _rem_impl,
    [lambda t, out, x, y: t, lambda t, out, x, y: mul(neg(t), mul(sign(div(x, y)), floor(abs(div(x, y)))))],
    "iuf",
)
neg: Operation = unary("neg", np.negative, lambda t, out, x: neg(t), NUMBERS, transpose=lambda ct, x: (neg(ct),))


def _tie(x: Any, out: Any, other: Any) -> Any:
    """1 where x is the extremum alone, 0.5 where both are, 0 elsewhere."""
    dtype = type_of(out).dtype
    zero, one, two = dtype.type(0), dtype.type(1), dtype.type(2)
    return div(select_n(eq(x, out), zero, one), select_n(eq(other, out), one, two))


def at_kink(kink: Any, tangent: Any) -> Any:
    """A tangent, but at a kink what the setting ``kink`` asks for: ``kink()`` says where, and is asked only then."""
    asked = settings().kink
    if asked == "jax":
        return tangent
    dtype = type_of(tangent).dtype
    return mul(tangent, select_n(kink(), dtype.type(1), dtype.type(0 if asked == "zero" else math.nan)))


_EXTREMUM: list[JvpOperand] = [
    lambda t, out, x, y: at_kink(lambda: eq(x, y), mul(t, _tie(x, out, y))),
    lambda t, out, x, y: at_kink(lambda: eq(x, y), mul(_tie(y, out, x), t)),
]
max = nary("max", np.maximum, _EXTREMUM, ALL)  # complex numbers: by real part, then by imaginary part
min = nary("min", np.minimum, _EXTREMUM, ALL)


def _sign_impl(x: Any) -> Any:
    return np.sign(x)


def _abs_jvp(t: Any, out: Any, x: Any) -> Any:
    if type_of(x).dtype.kind == "c":  # d|x| = Re(conj(x) dx) / |x|, and 0 at 0
        safe = select_n(eq(out, 0.0), out, type_of(out).dtype.type(1))
        return div(add(mul(real(t), real(x)), mul(imag(t), imag(x))), safe)
    return at_kink(lambda: eq(x, 0.0), select_n(ge(x, 0.0), neg(t), t))


abs: Operation = unary("abs", np.abs, _abs_jvp, NUMBERS, result=real_dtype)
sign: Operation = unary("sign", _sign_impl, None, NUMBERS)
floor: Operation = unary("floor", np.floor, None, REAL)
ceil = unary("ceil", np.ceil, None, REAL)


def _round_impl(x: Any, rounding_method: int) -> Any:
    if rounding_method == 1:
        return np.rint(x)
    return np.trunc(x) + np.where(np.abs(x - np.trunc(x)) >= 0.5, np.sign(x), np.zeros_like(x))


def round(x: Any, rounding_method: int = 0) -> Any:
    """The nearest integer: halves away from zero (0) or to even (1)."""
    return bind(round_p, x, rounding_method=rounding_method)


round_p = Primitive(
    "round",
    type_rule=same_type("round", REAL),
    impl=_round_impl,
    jvp=zero_jvp(round),
    batch=lambda size, args, dims, **params: (round(args[0], **params), dims[0]),
    family="elementwise",
)


# --- powers and roots -----------------------------------------------------------------------------------------


def _integer_pow_impl(x: Any, y: int) -> Any:
    """Products by repeated squaring (a float power would round differently); reciprocals for negative exponents."""
    n = -y if y < 0 else y
    if n == 0:
        return np.ones_like(x)
    result = None
    while True:
        if n & 1:
            result = x if result is None else result * x
        n >>= 1
        if not n:
            break
        x = x * x
    assert result is not None
    return np.true_divide(1, result, dtype=result.dtype) if y < 0 else result


def _integer_pow_jvp(t: Any, out: Any, x: Any, y: int) -> Any:
    if y == 0:
        return mul(t, 0.0)
    slope = x if y == 2 else integer_pow(x, y - 1) if y != 1 else None
    return t if slope is None else mul(t, mul(type_of(x).dtype.type(y), slope))


def integer_pow(x: Any, y: int) -> Any:
    """x to a constant integer power."""
    return bind(integer_pow_p, x, y=y)


integer_pow_p = Primitive(
    "integer_pow",
    type_rule=same_type("integer_pow", NUMBERS),
    impl=_integer_pow_impl,
    jvp=operand_jvp(integer_pow, [_integer_pow_jvp], add_tangents),
    batch=lambda size, args, dims, y: (integer_pow(args[0], y), dims[0]),
    family="elementwise",
)


def _pow_jvp_base(t: Any, out: Any, x: Any, y: Any) -> Any:
    one = type_of(x).dtype.type(1)
    zero_exponent = eq(y, 0.0)
    slope = mul(y, pow(x, select_n(zero_exponent, sub(y, one), one)))
    return mul(t, select_n(zero_exponent, slope, type_of(x).dtype.type(0)))


def _pow_jvp_exponent(t: Any, out: Any, x: Any, y: Any) -> Any:
    """x**y log x, with log 0 taken as 0 so that 0**y (y > 0) has slope 0 instead of nan."""
    safe = select_n(eq(x, 0.0), x, type_of(x).dtype.type(1))
    return mul(mul(log(safe), out), t)


pow = nary("pow", np.power, [_pow_jvp_base, _pow_jvp_exponent], INEXACT)
sqrt = unary("sqrt", np.sqrt, lambda t, out, x: mul(t, div(0.5, out)))
rsqrt = unary(
    "rsqrt", lambda x: np.true_divide(1, np.sqrt(x), dtype=x.dtype), lambda t, out, x: mul(t, mul(-0.5, div(out, x)))
)
cbrt = unary("cbrt", np.cbrt, lambda t, out, x: mul(t, div(1 / 3, integer_pow(out, 2))), REAL)
square = unary("square", np.square, lambda t, out, x: mul(t, mul(2.0, x)), NUMBERS)


# --- exponentials, logarithms, trigonometric and hyperbolic functions (DLMF 4.2, 4.20, 4.24, 4.34, 4.37) --------------

exp = unary("exp", np.exp, lambda t, out, x: mul(t, out))
exp2 = unary("exp2", np.exp2, lambda t, out, x: mul(t, mul(math.log(2.0), out)))
log = unary("log", np.log, lambda t, out, x: div(t, x))
expm1 = unary("expm1", np.expm1, lambda t, out, x: mul(t, add(out, 1.0)))
log1p = unary("log1p", np.log1p, lambda t, out, x: div(t, add(x, 1.0)))
sin: Operation = unary("sin", np.sin, lambda t, out, x: mul(t, cos(x)))
cos: Operation = unary("cos", np.cos, lambda t, out, x: neg(mul(t, sin(x))))
tan = unary("tan", np.tan, lambda t, out, x: mul(t, add(1.0, square(out))))
asin = unary("asin", np.arcsin, lambda t, out, x: mul(t, rsqrt(_one_minus_square(x))))
acos = unary("acos", np.arccos, lambda t, out, x: mul(t, neg(rsqrt(_one_minus_square(x)))))
atan = unary("atan", np.arctan, lambda t, out, x: div(t, add(1.0, square(x))))
sinh: Operation = unary("sinh", np.sinh, lambda t, out, x: mul(t, cosh(x)))
cosh: Operation = unary("cosh", np.cosh, lambda t, out, x: mul(t, sinh(x)))
tanh = unary("tanh", np.tanh, lambda t, out, x: mul(add(t, mul(t, out)), sub(1.0, out)))
asinh = unary("asinh", np.arcsinh, lambda t, out, x: mul(t, rsqrt(add(square(x), 1.0))))
acosh = unary("acosh", np.arccosh, lambda t, out, x: mul(t, mul(rsqrt(sub(x, 1.0)), rsqrt(add(x, 1.0)))))
atanh = unary("atanh", np.arctanh, lambda t, out, x: div(t, _one_minus_square(x)))


def _one_minus_square(x: Any) -> Any:
    return mul(sub(1.0, x), add(1.0, x))


def _logistic_impl(x: Any) -> Any:
    """1/(1+exp(-x)) without overflow for real x: the exponential of a negative number only."""
    if np.asarray(x).dtype.kind == "c":
        return np.true_divide(1, 1 + np.exp(-x), dtype=x.dtype)
    e = np.exp(-np.abs(x))
    one = np.asarray(x).dtype.type(1)
    return np.where(x >= 0, one, e)[()] / (one + e)


logistic = unary("logistic", _logistic_impl, lambda t, out, x: mul(t, mul(out, sub(1.0, out))))
atan2 = nary(
    "atan2",
    np.arctan2,
    [
        lambda t, out, x, y: mul(t, div(y, add(square(x), square(y)))),
        lambda t, out, x, y: mul(t, div(neg(x), add(square(x), square(y)))),
    ],
    REAL,
)

# --- complex numbers (JAX's convention: the gradient is the conjugate of the direction of steepest ascent) ------------


def _complex_impl(x: Any, y: Any) -> Any:
    dtype = np.complex64 if np.asarray(x).dtype == np.float32 else np.complex128
    out = np.empty(np.broadcast(x, y).shape, dtype)
    out.real, out.imag = x, y
    return out[()]


real: Operation = unary(
    "real",
    np.real,
    lambda t, out, x: real(t),
    "c",
    result=real_dtype,
    transpose=lambda ct, x: (complex(ct, _zeros_like(ct)),),
)
imag: Operation = unary(
    "imag",
    np.imag,
    lambda t, out, x: imag(t),
    "c",
    result=real_dtype,
    transpose=lambda ct, x: (complex(_zeros_like(ct), neg(ct)),),
)
complex: Operation = nary(
    "complex",
    _complex_impl,
    [lambda t, out, x, y: complex(t, _zeros_like(t)), lambda t, out, x, y: complex(_zeros_like(t), t)],
    REAL,
    result=lambda dtype: np.dtype(np.complex64 if dtype == np.float32 else np.complex128),
    transpose=lambda ct, x, y: (
        unbroadcast(real(ct), x.type) if is_linear(x) else None,
        unbroadcast(neg(imag(ct)), y.type) if is_linear(y) else None,
    ),
)


conj: Operation = unary("conj", np.conj, lambda t, out, x: conj(t), "c", transpose=lambda ct, x: (conj(ct),))


def _zeros_like(x: Any) -> Any:
    return mul(x, 0.0) if not type_of(x).shape else broadcast_to_type(type_of(x).dtype.type(0), type_of(x))


clamp = nary(
    "clamp",
    lambda low, x, high: np.minimum(np.maximum(x, low), high),
    [
        lambda t, out, low, x, high: select_n(
            gt(low, x), type_of(out).dtype.type(0), broadcast_to_type(t, type_of(out))
        ),
        lambda t, out, low, x, high: at_kink(
            lambda: bitwise_or(eq(x, low), eq(x, high)),
            select_n(bitwise_and(gt(x, low), lt(x, high)), type_of(out).dtype.type(0), t),
        ),
        lambda t, out, low, x, high: select_n(
            lt(high, x), type_of(out).dtype.type(0), broadcast_to_type(t, type_of(out))
        ),
    ],
    ORDERED,
)


# --- conversion and identity ----------------------------------------------------------------------------------


def convert_element_type(x: Any, new_dtype: Any, weak_type: bool = False) -> Any:
    """The value in another dtype; no equation where nothing changes."""
    from_type, dtype = type_of(x), dtype_of(new_dtype)
    if from_type.dtype == dtype and from_type.weak_type == weak_type and isinstance(x, Value):
        return x
    return bind(convert_element_type_p, x, new_dtype=dtype, weak_type=weak_type)


def _convert_impl(x: Any, new_dtype: np.dtype[Any], weak_type: bool) -> Any:
    x = np.asarray(x)
    if x.dtype.kind == "c" and new_dtype.kind != "c":
        x = x.real
    if x.dtype.kind == "f" and new_dtype.kind in "iu":  # saturate, as XLA does, where C leaves it undefined
        info = np.iinfo(new_dtype)
        x = np.clip(np.nan_to_num(x, nan=0.0, posinf=np.inf, neginf=-np.inf), float(info.min), float(info.max))
        big = x >= float(info.max)
        return np.where(big, info.max, np.where(big, 0, x).astype(new_dtype)).astype(new_dtype)[()]
    return x.astype(new_dtype)[()]


def _convert_jvp(primals: Sequence[Any], tangents: Sequence[Any], new_dtype: np.dtype[Any], weak_type: bool) -> Any:
    out = convert_element_type(primals[0], new_dtype, weak_type)
    if new_dtype.kind not in "fc":
        return out, None
    return out, convert_element_type(tangents[0], new_dtype, weak_type)


convert_element_type_p = Primitive(
    "convert_element_type",
    type_rule=lambda x, new_dtype, weak_type: array_type(x.shape, new_dtype, weak_type),
    impl=_convert_impl,
    jvp=_convert_jvp,
    transpose=lambda ct, x, new_dtype, weak_type: (convert_element_type(ct, x.type.dtype, x.type.weak_type),),
    batch=lambda size, args, dims, **params: (convert_element_type(args[0], **params), dims[0]),
    family="elementwise",
)

stop_gradient_value = unary("stop_gradient", lambda x: x, None, ALL)
copy = unary("copy", np.copy, lambda t, out, x: t, ALL)
