"""Arrays from files, buffers and other libraries, and how they are printed: as NumPy does it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from gradcli.engine.array import Array, Value
from gradcli.engine.ir.types import canonical_dtype
from gradcli.numpy._base import arr, unsupported, value_error

File = IO[bytes] | str | os.PathLike[Any]

get_printoptions, set_printoptions, printoptions = np.get_printoptions, np.set_printoptions, np.printoptions


def _known(x: Any) -> np.ndarray[Any, Any]:
    return np.asarray(x.concrete() if isinstance(x, Value) else x)


def array_repr(
    arr: Any, max_line_width: int | None = None, precision: int | None = None, suppress_small: bool | None = None
) -> str:
    """The text of an array with its type. Raises ConcretizationTypeError for unknown values."""
    return np.array_repr(_known(arr), max_line_width, precision, suppress_small)


def array_str(
    a: Any, max_line_width: int | None = None, precision: int | None = None, suppress_small: bool | None = None
) -> str:
    """The text of an array's elements. Raises ConcretizationTypeError for unknown values."""
    return np.array_str(_known(a), max_line_width, precision, suppress_small)


def _array(x: np.ndarray[Any, Any]) -> Any:
    return Array(np.array(x, canonical_dtype(x.dtype))[()])


def load(file: File, *args: Any, **kwargs: Any) -> Any:
    """The array of an ``.npy`` file; of an ``.npz`` file the archive, as NumPy returns it.

    Pickled objects are refused, as NumPy does by default.
    """
    found = np.load(file, *args, **kwargs)
    return _array(found) if isinstance(found, np.ndarray) else found


def save(file: File, arr: Any, allow_pickle: bool = True) -> None:
    """Writes an array into an ``.npy`` file."""
    np.save(file, _known(arr), allow_pickle=allow_pickle)


def savez(file: File, *args: Any, allow_pickle: bool = True, **kwds: Any) -> None:
    """Writes arrays into an ``.npz`` archive, by name or as ``arr_0``, ``arr_1``, …."""
    named = {name: _known(x) for name, x in kwds.items()}
    np.savez(file, *map(_known, args), allow_pickle=allow_pickle, **named)


def frombuffer(buffer: Any, dtype: Any = float, count: int = -1, offset: int = 0) -> Any:
    """The bytes of a buffer, or a part of them, as an array.

    >>> print(frombuffer(b"\\x01\\x02", "uint8"))
    [1 2]
    """
    return _array(np.frombuffer(buffer, dtype, count, offset))


def fromfile(*args: Any, **kwargs: Any) -> Any:
    """Not there, as in JAX: it depends on state. Raises NotImplementedError."""
    raise _impure("fromfile", "np.fromfile")


def fromiter(*args: Any, **kwargs: Any) -> Any:
    """Not there, as in JAX: it depends on state. Raises NotImplementedError."""
    raise _impure("fromiter", "np.fromiter")


def _impure(name: str, other: str) -> Exception:
    return unsupported(f"{name} is not there, since it reads from what changes", f"use asarray({other}(…))")


def fromstring(string: str, dtype: Any = float, count: int = -1, *, sep: str) -> Any:
    """The numbers of a text, divided by ``sep``. Raises ValueError for what is no number."""
    if not sep:
        raise value_error("fromstring needs a separator", "use frombuffer for bytes")
    return _array(np.fromstring(string, dtype, count, sep=sep))


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """An array of another library, by the DLPack protocol; a value of gradcli as it is."""
    return arr(x) if isinstance(x, Value) else _array(np.from_dlpack(x))


def iterable(y: Any) -> bool:
    """Whether it can be gone through: not so for an array without dimensions."""
    if isinstance(y, Value):
        return y.ndim > 0
    return isinstance(y, Iterable) and np.iterable(y)
