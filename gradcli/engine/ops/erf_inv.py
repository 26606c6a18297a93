"""The inverse error function by the polynomials of M. Giles, "Approximating the erfinv function" (2012).

Random normal numbers are made of it, so it is evaluated in exactly the steps, and with the fused multiply-adds, by
which XLA evaluates it on a CPU: the answers are those of JAX to the last bit. NumPy has no fused multiply-add. For
float32 it is a product and a sum in float64, where the product is exact, and one rounding; for float64 the errors of
product and sum are found exactly, which takes 20 operations, and added last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.ops.elementwise import exp, mul, square
from gradcli.engine.ops.families import unary
from gradcli.engine.ops.fma import SPLITTER, fma_values, halves

Floats = np.ndarray[Any, np.dtype[Any]]
BLOCK = 1 << 14  # elements at a time, so that the steps' buffers stay in cache
_EXACT = 14  # last steps of a polynomial in float64; how those before are rounded is too small to reach the answer

_SINGLE_CENTRE = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
    0.246640727, 1.50140941,
)  # fmt: skip
_SINGLE_TAIL = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
    1.00167406, 2.83297682,
)  # fmt: skip
_DOUBLE_CENTRE = (
    -3.6444120640178196996e-21, -1.685059138182016589e-19, 1.2858480715256400167e-18, 1.115787767802518096e-17,
    -1.333171662854620906e-16, 2.0972767875968561637e-17, 6.6376381343583238325e-15, -4.0545662729752068639e-14,
    -8.1519341976054721522e-14, 2.6335093153082322977e-12, -1.2975133253453532498e-11, -5.4154120542946279317e-11,
    1.051212273321532285e-09, -4.1126339803469836976e-09, -2.9070369957882005086e-08, 4.2347877827932403518e-07,
    -1.3654692000834678645e-06, -1.3882523362786468719e-05, 0.0001867342080340571352, -0.00074070253416626697512,
    -0.0060336708714301490533, 0.24015818242558961693, 1.6536545626831027356,
)  # fmt: skip
_DOUBLE_MIDDLE = (
    2.2137376921775787049e-09, 9.0756561938885390979e-08, -2.7517406297064545428e-07, 1.8239629214389227755e-08,
    1.5027403968909827627e-06, -4.013867526981545969e-06, 2.9234449089955446044e-06, 1.2475304481671778723e-05,
    -4.7318229009055733981e-05, 6.8284851459573175448e-05, 2.4031110387097893999e-05, -0.0003550375203628474796,
    0.00095328937973738049703, -0.0016882755560235047313, 0.0024914420961078508066, -0.0037512085075692412107,
    0.005370914553590063617, 1.0052589676941592334, 3.0838856104922207635,
)  # fmt: skip
_DOUBLE_TAIL = (
    -2.7109920616438573243e-11, -2.5556418169965252055e-10, 1.5076572693500548083e-09, -3.7894654401267369937e-09,
    7.6157012080783393804e-09, -1.4960026627149240478e-08, 2.9147953450901080826e-08, -6.7711997758452339498e-08,
    2.2900482228026654717e-07, -9.9298272942317002539e-07, 4.5260625972231537039e-06, -1.9681778105531670567e-05,
    7.5995277030017761139e-05, -0.00021503011930044477347, -0.00013871931833623122026, 1.0103004648645343977,
    4.8499064014085844221,
)  # fmt: skip

# log(1 + x) = x - x^2/2 + x^3 P(x)/Q(x) for |x| < sqrt(2) - 1, from the Cephes library (S. Moshier)
_LOG1P_SMALL = 0.41421356237309504880
_LOG1P_P = (
    4.5270000862445199635215e-5, 4.9854102823193375972212e-1, 6.5787325942061044846969, 2.9911919328553073277375e1,
    6.0949667980987787057556e1, 5.7112963590585538103336e1, 2.0039553499201281259648e1,
)  # fmt: skip
_LOG1P_Q = (
    1.0, 1.5062909083469192043167e1, 8.3047565967967209469434e1, 2.2176239823732856465394e2, 3.0909872225312059774938e2,
    2.1642788614495947685003e2, 6.0118660497603843919306e1,
)  # fmt: skip
# log(m), m near 1, in single precision, also from Cephes: three runs of a polynomial, put together by powers of m^3
_LOGF = (
    (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1),
    (-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1),
    (2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
_LOG2_HIGH, _LOG2_LOW = 0.693359375, -2.12194440e-4


def _side_by_side(*polynomials: Sequence[float]) -> Floats:
    """Coefficients of polynomials of one degree that are evaluated together: [power, polynomial, 1]."""
    return np.array(polynomials, np.float64).T[:, :, None]


def single(c: Any) -> Any:
    """The float32 number nearest to ``c``, in float64."""
    return np.asarray(c, np.float32).astype(np.float64)[()]


_LOG1P = _side_by_side(_LOG1P_P, _LOG1P_Q)
_LOG1P_SINGLE = single(_LOG1P)
_LOG_RUNS = single(_side_by_side(*_LOGF))
_SINGLE_TABLES = (single(_SINGLE_CENTRE), single(_SINGLE_TAIL))


def _fma(a: Any, b: Any, c: Any) -> Floats:
    """a * b + c rounded once to float32. Operands and result are float64 arrays that hold float32 numbers."""
    return _round(a * b + c)


def _round(x: Floats) -> Floats:
    return x.astype(np.float32).astype(np.float64)


def _horner_single(x: Floats, coefficients: Any) -> Floats:
    """Polynomials with coefficients in float32, highest power first, side by side where coefficients are columns."""
    out = np.zeros(np.broadcast_shapes(x.shape, np.shape(coefficients[0])))
    out += coefficients[0]
    narrow = np.empty(out.shape, np.float32)
    for c in coefficients[1:]:
        out *= x
        out += c
        np.copyto(narrow, out, casting="same_kind")
        np.copyto(out, narrow)
    return out


def _log1p_single(x: Floats) -> Floats:
    """log(1 + x) for -1 <= x <= 0, float32 numbers in float64: the nearer half by a rational, the rest by log."""
    out = np.empty_like(x)
    small = np.abs(x) < single(_LOG1P_SMALL)
    near, far = x[small], x[~small]
    if near.size:
        square = _round(near * near)
        numerator, denominator = _horner_single(near, _LOG1P_SINGLE)
        ratio = _round(numerator / denominator)
        out[small] = _round(near + _fma(square, -0.5, _round(_round(near * square) * ratio)))
    if far.size:
        out[~small] = _log_single(_round(far + 1.0))
    return out


def _log_single(x: Floats) -> Floats:
    """log of numbers in [0, 1]: mantissa in [sqrt(1/2), sqrt(2)) and exponent apart; nan below 0."""
    m, e = np.frexp(np.maximum(x, float(np.finfo(np.float32).tiny)))
    low = m < single(math.sqrt(0.5))
    exponent = np.where(low, e - 1, e).astype(np.float64)
    m = np.where(low, m + m, m) - 1.0
    square = _round(m * m)
    cube = _round(square * m)
    high, middle, tail = _horner_single(m, _LOG_RUNS)
    series = _fma(_fma(high, cube, middle), cube, tail)
    series = _fma(series, cube, _round(exponent * single(_LOG2_LOW)))
    out = _fma(exponent, _LOG2_HIGH, _round(_fma(square, -0.5, m) + series))
    return np.where(x > 0, out, np.where(x == 0, -math.inf, math.nan))


def _single_block(x: Floats) -> Floats:
    wide = x.astype(np.float64)
    w = -_log1p_single(_round(-wide * wide))
    out = np.empty_like(w)
    centre = w < 5.0
    for chosen, table, shift in zip((centre, ~centre), _SINGLE_TABLES, (None, 3.0), strict=True):
        part = w[chosen]
        if part.size:
            part = _round(part - 2.5) if shift is None else _round(_round(np.sqrt(part)) - shift)
            out[chosen] = _horner_single(part, table) * wide[chosen]
    return np.where(np.abs(wide) == 1.0, math.inf * wide, out).astype(np.float32)


def _horner_double(x: Floats, coefficients: Any) -> Floats:
    """Like the other, by fused multiply-adds in float64: as in ops/fma, with the halves of x found once."""
    out = np.zeros(np.broadcast_shapes(x.shape, np.shape(coefficients[0])))
    out += coefficients[0]
    early = max(1, len(coefficients) - _EXACT)
    for c in coefficients[1:early]:
        out *= x
        out += c
    x_high, x_low = halves(x)
    high, low, product, error, total = (np.empty_like(out) for _ in range(5))
    for c in coefficients[early:]:
        np.multiply(out, SPLITTER, out=total)
        np.subtract(total, out, out=high)
        np.subtract(total, high, out=high)
        np.subtract(out, high, out=low)
        np.multiply(out, x, out=product)
        np.multiply(high, x_high, out=error)
        error -= product
        high *= x_low
        error += high
        np.multiply(low, x_high, out=high)
        error += high
        low *= x_low
        error += low
        np.add(product, c, out=total)
        np.subtract(total, product, out=high)
        np.subtract(total, high, out=low)
        product -= low
        np.subtract(c, high, out=high)
        product += high
        product += error
        np.add(total, product, out=out)
    return out


def _log1p_double(x: Floats) -> Floats:
    out = np.empty_like(x)
    small = np.abs(x) < _LOG1P_SMALL
    near, far = x[small], 1.0 + x[~small]
    if near.size:
        square = near * near
        numerator, denominator = _horner_double(near, _LOG1P)
        out[small] = near + fma_values(square, -0.5, near * square * (numerator / denominator))
    if far.size:
        inside = np.where(far > 0, far, 1.0).tolist()
        logs = np.fromiter(map(math.log, inside), np.float64, far.size)  # NumPy's is not the C library's to the bit
        out[~small] = np.where(far > 0, logs, np.where(far == 0, -math.inf, math.nan))
    return out


def _double_block(x: Floats) -> Floats:
    w = -_log1p_double(-x * x)
    out = np.empty_like(w)
    centre, tail = w < 6.25, ~(w < 16.0)
    for chosen, table, shift in (
        (centre, _DOUBLE_CENTRE, None),
        (~(centre | tail), _DOUBLE_MIDDLE, 3.25),
        (tail, _DOUBLE_TAIL, 5.0),
    ):
        part = w[chosen]
        if part.size:
            part = part - 3.125 if shift is None else np.sqrt(part) - shift
            out[chosen] = _horner_double(part, table) * x[chosen]
    return np.where(np.abs(x) == 1.0, math.inf * x, out)


def _in_blocks(f: Callable[[Floats], Floats], x: Floats) -> Floats:
    out = np.empty_like(x)
    for i in range(0, x.size, BLOCK):
        out[i : i + BLOCK] = f(x[i : i + BLOCK])
    return out


def erf_inv_values(x: Any) -> Any:
    """The inverse of erf on [-1, 1], for NumPy floats of any shape; nan outside. Half precision goes by float32."""
    x = np.asarray(x)
    f, dtype = (_double_block, np.float64) if x.dtype == np.float64 else (_single_block, np.float32)
    with np.errstate(all="ignore"):
        return _in_blocks(f, x.astype(dtype).reshape(-1)).reshape(x.shape).astype(x.dtype)[()]


erf_inv = unary("erf_inv", erf_inv_values, lambda t, out, x: mul(math.sqrt(math.pi) / 2, mul(t, exp(square(out)))), "f")
