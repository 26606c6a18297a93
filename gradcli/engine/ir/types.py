"""Array types: shape, dtype and weakness, interned; and the lattice by which dtypes promote (JAX's).

A *weak* type is that of a Python scalar: it takes the dtype of what it meets, as far as its kind allows.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.errors import TypePromotionError, fail
from gradcli.engine.ir.bfloat16 import BFLOAT16
from gradcli.engine.ir.keys import KEY
from gradcli.engine.ir.stored import Stored
from gradcli.engine.settings import settings

Shape = tuple[int, ...]
DType = np.dtype[Any]

BOOL, INT32, INT64, UINT32 = np.dtype(bool), np.dtype(np.int32), np.dtype(np.int64), np.dtype(np.uint32)
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
COMPLEX64, COMPLEX128 = np.dtype(np.complex64), np.dtype(np.complex128)

_SHORT = {
    "bool": "bool", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64",
    "float16": "f16", "float32": "f32", "float64": "f64", "complex64": "c64", "complex128": "c128",
    "bfloat16": "bf16", "key<fry>": "key<fry>",
}  # fmt: skip
_OWN: dict[str, DType] = {"bfloat16": BFLOAT16, "key<fry>": KEY}
SUPPORTED = {_OWN.get(name) or np.dtype(name) for name in _SHORT}


class ArrayType:
    """The type of an array value. Instances are interned: equal types are the same object.

    >>> array_type((3,), "float64")
    f64[3]
    >>> array_type((3,), "float64") is array_type((3,), np.float64)
    True
    """

    __slots__ = ("dtype", "is_stored", "ndim", "shape", "size", "weak_type")
    shape: Shape
    dtype: np.dtype[Any]
    weak_type: bool
    ndim: int
    size: int
    is_stored: bool  # whether NumPy has no such dtype

    def __init__(self, shape: Shape, dtype: np.dtype[Any], weak_type: bool) -> None:
        self.shape, self.dtype, self.weak_type = shape, dtype, weak_type
        self.ndim = len(shape)
        size = 1
        for n in shape:
            size *= n
        self.size = size
        self.is_stored = isinstance(dtype, Stored)

    def __repr__(self) -> str:
        return f"{_SHORT[self.dtype.name]}[{','.join(map(str, self.shape))}]"

    def long(self) -> str:
        """The type with the dtype's full name, a weak one marked.

        >>> array_type((3,), "float64").long()
        'float64[3]'
        """
        return f"{'~' * self.weak_type}{self.dtype.name}[{','.join(map(str, self.shape))}]"

    def __reduce__(self) -> Any:
        return array_type, (self.shape, self.dtype, self.weak_type)

    @property
    def is_float(self) -> bool:
        """Whether tangents of this type exist: real floating or complex."""
        return self.dtype.kind in "fc"

    def with_shape(self, shape: Shape) -> ArrayType:
        """The same dtype and weakness with another shape."""
        return array_type(shape, self.dtype, self.weak_type)

    def with_dtype(self, dtype: Any, weak_type: bool = False) -> ArrayType:
        """The same shape with another dtype."""
        return array_type(self.shape, dtype, weak_type)

    def strong(self) -> ArrayType:
        """The same type, not weak."""
        return array_type(self.shape, self.dtype) if self.weak_type else self


_interned: dict[tuple[Shape, np.dtype[Any], bool], ArrayType] = {}


def array_type(shape: Shape, dtype: Any, weak_type: bool = False) -> ArrayType:
    """The one ``ArrayType`` of that shape, dtype and weakness."""
    key = (shape, dtype, weak_type)
    found = _interned.get(key)
    if found is None:
        dtype = dtype_of(dtype)
        if dtype not in SUPPORTED:
            raise fail(
                "G207",
                f"arrays of dtype {dtype} are not supported",
                hint="use bool, int, float or complex",
                cls=TypeError,
            )
        if isinstance(dtype, Stored):
            Stored.seen = True
        plain = tuple(int(n) for n in shape)
        found = _interned.setdefault((plain, dtype, weak_type), ArrayType(plain, dtype, weak_type))
    return found


_NARROW: dict[str, DType] = {"float64": FLOAT32, "int64": INT32, "uint64": UINT32, "complex128": COMPLEX64}


def dtype_of(x: Any) -> DType:
    """What a user means by a dtype: NumPy's, or bfloat16, which NumPy has not. Raises TypeError for what is none."""
    own = x if isinstance(x, Stored) else getattr(x, "dtype", None)
    if isinstance(own, Stored):
        return _OWN[own.name]
    if isinstance(x, str) and x in _OWN:
        return _OWN[x]
    found: DType = np.dtype(x)
    if found.isbuiltin == 1:  # asking for its name takes longer than all of this
        return found
    return _OWN.get(found.name, found)  # another package may have registered a bfloat16


def canonical_dtype(dtype: Any) -> DType:
    """The dtype under the precision in force: with ``float32``, 64-bit dtypes become 32-bit ones."""
    found: DType = dtype_of(dtype)
    if settings().precision == "float32":
        return _NARROW.get(found.name, found)
    return found


def default_float() -> np.dtype[Any]:
    """float64, or float32 under that precision."""
    return FLOAT64 if settings().precision == "float64" else FLOAT32


def default_int() -> np.dtype[Any]:
    """int64, or int32 under ``float32`` precision."""
    return INT64 if settings().precision == "float64" else INT32


def default_complex() -> np.dtype[Any]:
    """complex128, or complex64 under ``float32`` precision."""
    return COMPLEX128 if settings().precision == "float64" else COMPLEX64


def scalar_type(value: Any) -> ArrayType:
    """The weak type of a Python scalar. Raises TypeError for anything else."""
    if isinstance(value, bool):
        return array_type((), BOOL)
    if isinstance(value, int):
        return array_type((), default_int(), True)
    if isinstance(value, float):
        return array_type((), default_float(), True)
    if isinstance(value, complex):
        return array_type((), default_complex(), True)
    raise TypeError(f"no scalar: {value!r}")


# The lattice of https://docs.jax.dev/en/latest/type_promotion.html: each node and what lies directly above it.
# A trailing * marks a weak (Python scalar) type.
_ABOVE = {
    "bool": ("int*",), "int*": ("uint8", "int8"),
    "uint8": ("int16", "uint16"), "uint16": ("int32", "uint32"), "uint32": ("int64", "uint64"), "uint64": ("float*",),
    "int8": ("int16",), "int16": ("int32",), "int32": ("int64",), "int64": ("float*",),
    "float*": ("float16", "bfloat16", "complex*"), "float16": ("float32",), "bfloat16": ("float32",),
    "float32": ("float64", "complex64"),
    "float64": ("complex128",), "complex*": ("complex64",), "complex64": ("complex128",), "complex128": (),
    "key<fry>": (),
}  # fmt: skip
_WEAK_NODE = {"i": "int*", "u": "int*", "f": "float*", "c": "complex*"}


@functools.cache
def _upper(node: str) -> frozenset[str]:
    return frozenset({node}.union(*(_upper(n) for n in _ABOVE[node])))


def _node(type_: ArrayType) -> str:
    return _WEAK_NODE[type_.dtype.kind] if type_.weak_type and type_.dtype.kind != "b" else type_.dtype.name


@functools.cache
def _join(nodes: frozenset[str]) -> str:
    common = frozenset.intersection(*(_upper(n) for n in nodes))
    least = [n for n in common if common == _upper(n)]
    if len(least) != 1:
        raise fail("G206", f"there is no dtype for {' and '.join(sorted(nodes))} together", cls=TypeError)
    return least[0]


_RANKS = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}


def _check_strict(types: Sequence[ArrayType]) -> None:
    """Raises TypePromotionError unless all dtypes are one, but for weak ones of no higher kind."""
    strong = {t.dtype for t in types if not t.weak_type}
    if len(strong) < 2:
        highest = max((_RANKS.get(t.dtype.kind, 4) for t in types if t.weak_type), default=0)
        if not strong or highest <= _RANKS.get(next(iter(strong)).kind, 4):
            return
    names = ", ".join(repr(t.dtype.name) for t in types)
    raise fail(
        "G206", f"Input dtypes ({names}) have no available implicit dtype promotion path when "
        "jax_numpy_dtype_promotion=strict.", hint="convert the operands, or set jax_numpy_dtype_promotion=standard",
        cls=TypePromotionError,
    )  # fmt: skip


def promote_types(*types: ArrayType) -> tuple[np.dtype[Any], bool]:
    """The dtype and weakness that values of these types promote to together.

    >>> promote_types(array_type((), "int32"), array_type((), "float64", True))
    (dtype('float64'), True)
    >>> promote_types(array_type((), "float32"), array_type((), "float64", True))
    (dtype('float32'), False)
    """
    first = types[0]
    if all(t.dtype is first.dtype and t.weak_type == first.weak_type for t in types):
        return first.dtype, first.weak_type
    if settings().promotion == "strict":
        _check_strict(types)
    node = _join(frozenset(map(_node, types)))
    if node == "int*":
        return default_int(), True
    if node == "float*":
        return default_float(), True
    if node == "complex*":
        return default_complex(), True
    return canonical_dtype(node), False


def to_inexact(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The floating dtype in which functions such as ``sin`` work on values of ``dtype``."""
    return dtype if dtype.kind in "fc" else default_float()


def real_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the real part: float32 for complex64, float64 for complex128, itself otherwise."""
    found: DType = FLOAT32 if dtype == COMPLEX64 else FLOAT64 if dtype == COMPLEX128 else dtype
    return found


def complex_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The complex dtype whose parts have ``dtype``."""
    return COMPLEX64 if dtype.itemsize <= 4 or dtype == COMPLEX64 else COMPLEX128


def broadcast_shapes(*shapes: Shape) -> Shape:
    """NumPy's broadcast of shapes. Raises TypeError that names the shapes."""
    if all(s == shapes[0] for s in shapes):
        return shapes[0]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise fail(
            "G206",
            f"shapes do not broadcast: {', '.join(map(str, shapes))}",
            hint="trailing dimensions must be equal or 1",
            cls=TypeError,
        ) from None
