"""Dtypes that NumPy has not: their names can be mentioned and compared, and say so where an array is to have them."""

from __future__ import annotations

from typing import Any

from gradcli import numpy as gnp
from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.keys import KEY
from gradcli.engine.ir.types import dtype_of, promote_types
from gradcli.engine.trace.source import user_location
from gradcli.numpy._dtypes import type_for_promotion

NAMES = (
    "float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz",
    "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "int1", "int2", "int4",
    "uint1", "uint2", "uint4",
)  # fmt: skip


class Absent(type):
    """The class of such a dtype."""

    @property
    def dtype(cls) -> Any:
        """Raises TypeError (G212): there is no such dtype here."""
        wide = "float32 or float16" if "float" in cls.__name__ else "int8 or uint8"
        raise fail(
            "G212", f"gradcli has no {cls.__name__}: it is no dtype of NumPy's", hint=f"use {wide}",
            location=user_location(), cls=TypeError,
        )  # fmt: skip

    def __call__(cls, *_: Any, **__: Any) -> Any:
        """Raises TypeError (G212), as what is made would have this dtype."""
        return cls.dtype

    def __repr__(cls) -> str:
        return f"<class 'jax.numpy.{cls.__name__}'>"


DTYPES: dict[str, Any] = {name: Absent(name, (), {"__module__": "gradcli.numpy"}) for name in NAMES}


class _Kind:
    """A kind of dtype that no array has: that of keys, or of all that JAX adds to NumPy's."""


class Extended(_Kind):
    """Dtypes of JAX's own, of which keys are the only ones here."""


class KeyKind(Extended):
    """The dtypes of typed keys."""


def lattice_result_type(*args: Any) -> tuple[Any, bool]:
    """The dtype that values, dtypes or Python's scalar classes promote to together, and whether it is weak."""
    return promote_types(*map(type_for_promotion, args))


def itemsize_bits(dtype: Any) -> int:
    """The bits that an element takes, of keys as well. Raises TypeError for what is no dtype."""
    return int(8 * dtype_of(dtype).itemsize)


def scalar_type_of(x: Any) -> type:
    """The class of Python's numbers that a value is like. Raises TypeError where there is none, of keys say."""
    kind = dtype_of(x.dtype if hasattr(x, "dtype") else type_of(x).dtype).kind
    if kind not in _SCALARS:
        raise TypeError(f"{x!r} is like no number of Python's")
    return _SCALARS[kind]


_SCALARS: dict[str, type] = {"b": bool, "i": int, "u": int, "f": float, "c": complex}


def is_kind(dtype: Any, kind: Any) -> bool:
    """``issubdtype`` for these kinds, and for NumPy's. Raises TypeError for what is no dtype."""
    own = KeyKind if dtype is KEY else dtype
    if isinstance(own, type) and issubclass(own, _Kind):
        return isinstance(kind, type) and issubclass(own, kind)
    if isinstance(kind, type) and issubclass(kind, _Kind):
        return False
    return bool(gnp.issubdtype(dtype, kind))


class Refused(type):
    """The class of a name that can be imported and mentioned, and says when it is called that it is not supported."""

    def __call__(cls, *_: Any, **__: Any) -> Any:
        """Raises NotImplementedError (G212)."""
        raise fail(
            "G212", f"gradcli does not support {cls.__module__}.{cls.__name__}: {cls.__doc__}",
            location=user_location(), cls=NotImplementedError,
        )  # fmt: skip


def refused(module: str, names: str, reason: str) -> dict[str, Any]:
    """Names of a module that are all refused for one reason."""
    return {name: Refused(name, (), {"__module__": module, "__doc__": reason}) for name in names.split()}


class PartitionSpec(tuple[Any, ...]):
    """Names of axes of a mesh: only words here, where there is one device."""

    __slots__ = ()

    def __new__(cls, *parts: Any) -> PartitionSpec:
        """The names, one for each dimension."""
        return super().__new__(cls, parts)

    def __repr__(self) -> str:
        return f"PartitionSpec{tuple(self)!r}"


_ONE = "there is one device"
ROOT: dict[str, Any] = {
    **refused("jax", "NamedSharding make_mesh shard_map smap set_mesh reshard", _ONE), "P": PartitionSpec,
}  # fmt: skip
SHARDING: dict[str, Any] = {
    **refused("jax.sharding", "AbstractMesh Mesh NamedSharding set_mesh reshard use_abstract_mesh", _ONE),
    "PartitionSpec": PartitionSpec,
}  # fmt: skip
