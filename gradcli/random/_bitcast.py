"""Random bits as floats in [0, 1): the bits fill the mantissa of a number in [1, 2), from which 1 is taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.ir.types import ArrayType, array_type
from gradcli.engine.ops.define import Primitive
from gradcli.engine.trace.tracer import bind


def _type(bits: ArrayType, dtype: np.dtype[Any]) -> ArrayType:
    return array_type(bits.shape, dtype)


def _impl(bits: Any, dtype: np.dtype[Any]) -> Any:
    info = np.finfo(dtype)
    words = np.right_shift(bits, bits.dtype.type(info.bits - info.nmant))
    one = np.asarray(1, dtype).view(bits.dtype)
    return (np.bitwise_or(words, one).view(dtype) - dtype.type(1))[()]


def unit_float(bits: Any, dtype: np.dtype[Any]) -> Any:
    """Floats in [0, 1) from unsigned integers of the same width."""
    return bind(float_from_bits_p, bits, dtype=dtype)


float_from_bits_p = Primitive(
    "random_unit_float",
    type_rule=_type,
    impl=_impl,
    jvp=lambda primals, tangents, dtype: (unit_float(primals[0], dtype), None),
    batch=lambda size, args, dims, dtype: (unit_float(args[0], dtype), dims[0]),
    family="random",
)
