"""``numba`` as a user's file sees it: its decorators return the function as it is.

A function that Numba compiles is one that Python runs as well, and that is what is differentiated. Signatures and
types are read over; what has no meaning without a compiler, as ``numba.cuda``, is not there.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradcli.compat.rewrite import call
from gradcli.compat.special import Vectorize

_SCALARS = {
    **{n: n for n in "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128".split()},
    **{"intp": "intp", "uintp": "uintp", "double": "float64", "float_": "float64", "int_": "int64", "boolean": "bool_"},
    **{"f4": "float32", "f8": "float64", "i4": "int32", "i8": "int64", "u8": "uint64", "b1": "bool_", "byte": "uint8"},
    **{"c16": "complex128", "long_": "int64", "intc": "int32", "uint": "uint64", "float_32": "float32"},
}
_OTHERS = "void none string unicode_type pyobject optional UniTuple Tuple Array List DictType FunctionType".split()


class _Type:
    """A type of Numba's: part of a signature or, where it is called with a number, the conversion to it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, key: Any) -> _Type:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        scalar = _SCALARS.get(self.name)
        if scalar is None or len(args) != 1 or isinstance(args[0], _Type):
            return self
        return call(getattr(np, scalar))(args[0])

    def __repr__(self) -> str:
        return self.name


def _compiled(function: Any) -> Any:
    if isinstance(function, types.FunctionType):
        function.py_func = function  # type: ignore[attr-defined]
    return function


def jit(signature: Any = None, function: Any = None, **_: Any) -> Any:
    """``numba.jit``, ``njit`` and their kin, with arguments or without: the function itself."""
    if function is not None or isinstance(signature, (types.FunctionType, type, staticmethod)):
        return _compiled(signature if function is None else function)
    return _compiled


class _Elementwise(Vectorize):
    """What ``numba.vectorize`` makes."""

    def __call__(self, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        found = super().__call__(*args, **kwargs)
        if out is None:
            return found
        out[...] = found
        return out


def vectorize(signatures: Any = None, **_: Any) -> Any:
    """``numba.vectorize``: a loop over the elements."""
    return _Elementwise(signatures) if isinstance(signatures, types.FunctionType) else _Elementwise


def guvectorize(signatures: Any, layout: str, **_: Any) -> Any:
    """``numba.guvectorize``. Raises NotImplementedError."""
    raise NotImplementedError("gradcli does not provide numba.guvectorize: write the loop over the first axes out")


def _unchanged(*args: Any, **_: Any) -> Any:
    return args[0] if args and callable(args[0]) and not isinstance(args[0], _Type) else lambda f: f


class _Dict(dict[Any, Any]):
    """``numba.typed.Dict``."""

    @classmethod
    def empty(cls, *_: Any, **__: Any) -> _Dict:
        """A new one."""
        return cls()


class _List(list[Any]):
    """``numba.typed.List``."""

    @classmethod
    def empty_list(cls, *_: Any, **__: Any) -> _List:
        """A new one."""
        return cls()


@functools.cache
def modules() -> Mapping[str, types.ModuleType]:
    """The stand-ins for ``numba`` and its modules."""
    numba, kinds = types.ModuleType("numba"), types.ModuleType("numba.types")
    for name in (*_SCALARS, *_OTHERS):
        setattr(kinds, name, _Type(name))
        setattr(numba, name, getattr(kinds, name))
    jits: dict[str, Callable[..., Any]] = dict.fromkeys(("jit", "njit", "generated_jit", "cfunc"), jit)
    numba.__dict__.update(jits, prange=range, vectorize=vectorize, guvectorize=guvectorize, types=kinds)
    numba.__dict__.update(set_num_threads=lambda n: None, get_num_threads=lambda: 1, typeof=lambda x: kinds.none)
    numba.__dict__.update(literally=lambda x: x, literal_unroll=lambda x: x, jitclass=_unchanged)
    found = {"numba": numba, "numba.types": kinds}
    parts: dict[str, Mapping[str, Any]] = {
        "typed": {"Dict": _Dict, "List": _List},
        "experimental": {"jitclass": _unchanged},
        "extending": {"overload": _unchanged, "register_jitable": _unchanged},
        "core": {"types": kinds},
        "core.types": vars(kinds),
    }
    for path, names in parts.items():
        module = found[f"numba.{path}"] = types.ModuleType(f"numba.{path}")
        module.__dict__.update({key: value for key, value in names.items() if key[:2] != "__"})
        parent, _, last = path.rpartition(".")
        setattr(found[f"numba.{parent}"] if parent else numba, last, module)
    return found
