"""bfloat16, which NumPy has not: the upper half of a float32, with 8 bits of exponent and 7 of mantissa.

Arrays of it are kept as float32 whose numbers are bfloat16's, and only their type says what they are. Operations are
computed in float32 and rounded (``transforms/narrow``), as processors do that have no such numbers either.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.ir.stored import Stored


def rounded(x: Any) -> Any:
    """Numbers of float32 or float64 to the nearest of bfloat16, ties to even, as float32.

    >>> rounded(np.float32(3.14159))
    np.float32(3.140625)
    """
    single = np.asarray(x, np.float32)
    bits = np.atleast_1d(single).view(np.uint32)
    up = (bits >> np.uint32(16)) & np.uint32(1)
    near = ((bits + up + np.uint32(0x7FFF)) & np.uint32(0xFFFF0000)).view(np.float32).reshape(single.shape)
    return np.where(np.isnan(single), single, near)[()]


def as_text(x: Any) -> str:
    """A number of bfloat16 as JAX prints it: with six digits, more than it has.

    >>> as_text(rounded(3.14159))
    '3.14062'
    """
    return f"{float(x):.6g}"


class Scalar(np.float32):
    """A number of bfloat16."""

    def __new__(cls, x: Any = 0) -> Scalar:
        return super().__new__(cls, rounded(np.float32(x)))

    @property
    def dtype(self) -> Any:
        """bfloat16."""
        return BFLOAT16


class Bfloat16(Stored):
    """The dtype."""

    __slots__ = ()
    name, kind, itemsize, storage, type = "bfloat16", "f", 2, np.dtype(np.float32), Scalar

    def __reduce__(self) -> str:
        return "BFLOAT16"


BFLOAT16: Any = Bfloat16()


class Limits:
    """What ``finfo`` says of it."""

    dtype, bits, nexp, nmant, machep, negep, iexp, precision = BFLOAT16, 16, 8, 7, -7, -8, 8, 2
    minexp, maxexp = -126, 128
    eps, epsneg, resolution = Scalar(2.0**-7), Scalar(2.0**-8), Scalar(1e-2)
    max, min = Scalar(2.0**128 - 2.0**120), Scalar(2.0**120 - 2.0**128)
    tiny = smallest_normal = Scalar(2.0**-126)
    smallest_subnormal = Scalar(2.0**-133)


def finfo(dtype: Any) -> Any:
    """The limits of a floating dtype, as NumPy's ``finfo`` has them."""
    return Limits if dtype is BFLOAT16 else np.finfo(dtype)
