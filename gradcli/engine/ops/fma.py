"""``fma``: x * y + z with one rounding, as compilers write a product that is only used in a sum; and ``nextafter``.

Random numbers in an interval are made with it, since XLA makes them so: the bits agree. NumPy has no such function;
in float32 the product is exact in float64, in float64 the errors of both roundings are found and added last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.bfloat16 import BFLOAT16
from gradcli.engine.ir.types import FLOAT32
from gradcli.engine.ops.bits import bitcast_convert_type
from gradcli.engine.ops.elementwise import abs, add, convert_element_type, gt, mul, select_n
from gradcli.engine.ops.families import REAL, nary
from gradcli.engine.ops.logic import bitwise_and, bitwise_not, bitwise_or

SPLITTER = 134217729.0  # 2^27 + 1


def fma_values(x: Any, y: Any, z: Any) -> Any:
    """x * y + z rounded once, for NumPy floats of one dtype, and Python floats among them."""
    dtype = np.result_type(x, y, z)
    if dtype != np.float64:
        out = np.multiply(x, y, dtype=np.float64) + z  # the product is exact in float64
        return out.astype(dtype)
    product = np.multiply(x, y)
    (x_high, x_low), (y_high, y_low) = halves(x), halves(y)
    error = x_low * y_low - (((product - x_high * y_high) - x_low * y_high) - x_high * y_low)  # T. J. Dekker, 1971
    total = product + z
    back = total - product
    rest = (product - (total - back)) + (z - back)  # D. E. Knuth, The Art of Computer Programming, 4.2.2
    out = total + (rest + error)
    return np.where(np.isfinite(out), out, total)[()]  # where the halves overflowed


def halves(x: Any) -> tuple[Any, Any]:
    """A float64 number as the sum of two with half as many digits."""
    c = x * SPLITTER
    high = c - (c - x)
    return high, x - high


fma = nary(
    "fma",
    fma_values,
    [lambda t, out, x, y, z: mul(t, y), lambda t, out, x, y, z: mul(x, t), lambda t, out, x, y, z: t],
    REAL,
)
_nextafter = nary("nextafter", np.nextafter, (), REAL)


def nextafter(x: Any, y: Any) -> Any:
    """The next float after ``x`` in the direction of ``y``. Raises TypeError for other dtypes than one of floats."""
    if type_of(x).dtype is not BFLOAT16:
        return _nextafter(x, y)
    single, low = convert_element_type(x, FLOAT32), np.uint32(0xFFFF)  # bfloat16 is the upper half of a float32
    after = _nextafter(single, convert_element_type(y, FLOAT32))
    bits = bitcast_convert_type(after, np.uint32)
    outwards, inwards = add(bitwise_or(bits, low), np.uint32(1)), bitwise_and(bits, bitwise_not(low))
    found = select_n(gt(abs(after), abs(single)), inwards, outwards)
    return convert_element_type(bitcast_convert_type(found, FLOAT32), BFLOAT16)
