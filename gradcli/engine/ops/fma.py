"""``fma``: x * y + z with one rounding, as compilers write a product that is only used in a sum; and ``nextafter``.

Random numbers in an interval are made with it, since XLA makes them so: the bits agree. NumPy has no such function;
in float32 the product is exact in float64, in float64 the errors of both roundings are found and added last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.ops.elementwise import mul
from gradcli.engine.ops.families import REAL, nary


def _fma_impl(x: Any, y: Any, z: Any) -> Any:
    if x.dtype == np.float64:
        return _fma_double(x, y, z)
    out = np.multiply(x, y, dtype=np.float64) + z  # the product is exact in float64
    return out.astype(x.dtype)


def _fma_double(x: Any, y: Any, z: Any) -> Any:
    """The rounding errors of product (Dekker) and sum (Knuth) found exactly, and added last."""
    product = x * y
    (xh, xl), (yh, yl) = _halves(x), _halves(y)
    low = xl * yl - (((product - xh * yh) - xl * yh) - xh * yl)
    total = product + z
    back = total - product
    rest = (product - (total - back)) + (z - back)
    out = total + (rest + low)
    return np.where(np.isfinite(out), out, total)[()]  # where the halves overflowed


def _halves(x: Any) -> tuple[Any, Any]:
    """A float64 number as a sum of two with half as many digits."""
    c = x * 134217729.0  # 2^27 + 1
    high = c - (c - x)
    return high, x - high


fma = nary(
    "fma",
    _fma_impl,
    [lambda t, out, x, y, z: mul(t, y), lambda t, out, x, y, z: mul(x, t), lambda t, out, x, y, z: t],
    REAL,
)
nextafter = nary("nextafter", np.nextafter, (), REAL)
