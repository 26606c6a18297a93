"""Dtypes, constants and questions about dtypes, by NumPy's names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.array import Value, is_value, type_of
from gradcli.engine.ir.bfloat16 import BFLOAT16
from gradcli.engine.ir.bfloat16 import finfo as limits
from gradcli.engine.ir.types import ArrayType, array_type, canonical_dtype, dtype_of, scalar_type
from gradcli.engine.ir.types import promote_types as _promote_types
from gradcli.engine.settings import override
from gradcli.numpy._creation import asarray

pi, e, inf, nan, euler_gamma, newaxis = math.pi, math.e, math.inf, math.nan, 0.5772156649015329, None

complexfloating, floating, generic, inexact = np.complexfloating, np.floating, np.generic, np.inexact
character, flexible, object_ = np.character, np.flexible, np.object_
integer, number, signedinteger, unsignedinteger = np.integer, np.number, np.signedinteger, np.unsignedinteger
ComplexWarning = np.exceptions.ComplexWarning
iinfo = np.iinfo
ndarray = Value


class ScalarType(type):
    """The class of ``float32`` and its like: usable as a dtype, and as a function that makes an array of that dtype."""

    dtype: np.dtype[Any]

    def __call__(cls, x: Any = 0) -> Any:
        return asarray(x, dtype=cls.dtype)

    def __eq__(cls, other: object) -> bool:
        if cls is other:
            return True
        try:
            return bool(cls.dtype == dtype_of(other))
        except TypeError:
            return False

    def __hash__(cls) -> int:
        return hash(cls.dtype.type)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.dtype.type)


class _AnyDtype(type):
    """The class of ``dtype``: what it makes are NumPy's dtypes, and bfloat16."""

    def __call__(cls, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        return np.dtype(dtype, *args, **kwargs) if args or kwargs else dtype_of(dtype)

    def __instancecheck__(cls, instance: Any) -> bool:
        return instance is BFLOAT16 or isinstance(instance, np.dtype)


class dtype(metaclass=_AnyDtype):  # noqa: N801
    """A dtype, of its name, its class or what NumPy takes for it."""


def _scalar_type(name: str, of: Any) -> Any:
    body = {"dtype": dtype_of(of), "__doc__": f"The dtype {dtype_of(of)}.", "__module__": "gradcli.numpy"}
    return ScalarType(name, (), body)


bool_ = _scalar_type("bool_", np.bool_)
int8, int16 = _scalar_type("int8", np.int8), _scalar_type("int16", np.int16)
int32, int64 = _scalar_type("int32", np.int32), _scalar_type("int64", np.int64)
uint8, uint16 = _scalar_type("uint8", np.uint8), _scalar_type("uint16", np.uint16)
uint32, uint64 = _scalar_type("uint32", np.uint32), _scalar_type("uint64", np.uint64)
float16, float32, float64 = (_scalar_type(f"float{n}", f"float{n}") for n in (16, 32, 64))
bfloat16 = _scalar_type("bfloat16", BFLOAT16)
complex64, complex128 = _scalar_type("complex64", np.complex64), _scalar_type("complex128", np.complex128)
int_, uint, float_, complex_ = int64, uint64, float64, complex128  # capped by the precision where they are used
single, double, csingle, cdouble = float32, float64, complex64, complex128


def finfo(dtype: Any) -> Any:
    """Limits of a floating dtype."""
    return limits(dtype_of(dtype))


def _is_python(x: Any) -> bool:
    """Whether it is the class of one of Python's scalars."""
    return type(x) is type and x in (int, float, complex, bool)


def type_for_promotion(x: Any) -> ArrayType:
    """The type for promotion of a value, a dtype, or a Python scalar class."""
    if is_value(x):
        return type_of(x)
    if _is_python(x):
        return scalar_type(x())
    return array_type((), canonical_dtype(x))


def promote_types(a: Any, b: Any) -> np.dtype[Any]:
    """The dtype that both dtypes promote to, by JAX's lattice; 64-bit dtypes stay what they are.

    >>> promote_types(int32, float32)
    dtype('float32')
    """
    if not _is_python(a) and not _is_python(b):
        with override(precision="float64"):
            first, second = type_for_promotion(a), type_for_promotion(b)
            found, weak = _promote_types(first, second)
        if weak or any(canonical_dtype(t.dtype) != t.dtype for t in (first, second)):
            return found
    return _promote_types(type_for_promotion(a), type_for_promotion(b))[0]


def result_type(*args: Any) -> np.dtype[Any]:
    """The dtype that operands (values, dtypes, Python scalars) promote to together."""
    return _promote_types(*map(type_for_promotion, args))[0]


def issubdtype(arg1: Any, arg2: Any) -> bool:
    """Whether a dtype is one of a kind: ``issubdtype(x.dtype, floating)``."""
    first, second = _plain(arg1), _plain(arg2)
    if BFLOAT16 in (first, second):
        return first is second or (first is BFLOAT16 and second in (floating, inexact, number, generic))
    return bool(np.issubdtype(first, second))


def _plain(x: Any) -> Any:
    return x if isinstance(x, type) and issubclass(x, np.generic) else dtype_of(x)


def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """Whether a cast between dtypes is allowed by NumPy's rule of that name."""
    first, second = dtype_of(from_), dtype_of(to)
    if BFLOAT16 in (first, second):
        narrow = first.kind in "iu" and first.itemsize > 1  # more digits than the 8 of bfloat16
        kept = first is second or (promote_types(first, second) == second and not narrow)
        return kept or casting == "unsafe" or (casting == "same_kind" and second.kind in "fc")
    return bool(np.can_cast(first, second, casting))


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is of a kind, or of one of several (``"real floating"``, ``"integral"``, a dtype, …)."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if (found := dtype_of(dtype)) is BFLOAT16:
        return any(k in ("real floating", "numeric") if isinstance(k, str) else dtype_of(k) is found for k in kinds)
    return bool(np.isdtype(np.dtype(dtype), tuple(k if isinstance(k, str) else np.dtype(k) for k in kinds)))


def isscalar(element: Any) -> bool:
    """Whether it is a number or an array without dimensions."""
    return is_value(element) and not type_of(element).shape


def iscomplexobj(x: Any) -> bool:
    """Whether its dtype is complex."""
    return is_value(x) and type_of(x).dtype.kind == "c"


def isrealobj(x: Any) -> bool:
    """Whether its dtype is not complex."""
    return not iscomplexobj(x)
