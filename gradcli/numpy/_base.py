"""What every file of this package starts from: values from arguments, axes and dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, raw, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import canonical_dtype
from gradcli.engine.ops.elementwise import convert_element_type
from gradcli.engine.ops.shape import canonical_axis
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer

Axis = int | Sequence[int] | None


def arr(x: Any) -> Any:
    """The argument as a value of gradcli, without an equation. Raises TypeError for what is no number or array."""
    if isinstance(x, Value):
        return x
    t = type_of(x)
    return Array(raw(x), t)


def strong(x: Any) -> Any:
    """The value with a type that is not weak."""
    t = type_of(x)
    if not t.weak_type:
        return x
    return convert_element_type(x, t.dtype) if isinstance(x, Tracer) else Array(raw(x), t.strong())


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes as non-negative numbers, sorted; None means all. Raises ValueError for repeated or missing axes."""
    if axis is None:
        return tuple(range(ndim))
    each = (axis,) if isinstance(axis, (int, np.integer, Value)) else axis
    out = tuple(sorted(canonical_axis(int(a), ndim) for a in each))
    if len(set(out)) != len(out):
        raise value_error(f"duplicate value in axis: {axis}")
    return out


def value_error(message: str, hint: str | None = None) -> Exception:
    """A ValueError about arguments, with the user's line."""
    error: Exception = fail("G206", message, hint=hint, location=user_location(), cls=ValueError)
    return error


def type_error(message: str, hint: str | None = None) -> Exception:
    """A TypeError about arguments, with the user's line."""
    error: Exception = fail("G206", message, hint=hint, location=user_location(), cls=TypeError)
    return error


def unsupported(message: str, hint: str | None = None) -> Exception:
    """A NotImplementedError, with the user's line."""
    error: Exception = fail("G212", message, hint=hint, location=user_location(), cls=NotImplementedError)
    return error


def to_dtype(x: Any, dtype: Any) -> Any:
    """The value in a dtype that a user named (None: as it is), not weak."""
    if dtype is None:
        return x
    return convert_element_type(x, canonical_dtype(dtype))


def kind(x: Any) -> str:
    """The kind of the dtype: one of ``b i u f c``."""
    return type_of(x).dtype.kind
