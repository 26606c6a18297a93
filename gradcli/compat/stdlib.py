"""Modules of Python's of which a few names must know traced numbers: ``functools`` and ``array``."""

from __future__ import annotations

import array as real_array
import functools
import types
from collections.abc import Callable, Iterable
from typing import Any, SupportsIndex

from gradcli.compat.boxes import Boxed, boxing
from gradcli.compat.rewrite import class_of

# --- functools --------------------------------------------------------------------------------------------------------


def singledispatch(func: Callable[..., Any]) -> Callable[..., Any]:
    """``functools.singledispatch``, for which a traced number is what it stands for."""
    made = functools.singledispatch(func)

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not args:
            return made(*args, **kwargs)  # raises what Python raises
        return made.dispatch(class_of(args[0]))(*args, **kwargs)

    call.__dict__.update({name: getattr(made, name) for name in ("register", "dispatch", "registry", "_clear_cache")})
    return call


class singledispatchmethod(functools.singledispatchmethod):  # type: ignore[type-arg]  # noqa: N801 - Python's name
    """``functools.singledispatchmethod``, likewise."""

    def __get__(self, obj: Any, cls: Any = None) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            return self.dispatcher.dispatch(class_of(args[0])).__get__(obj, cls)(*args, **kwargs)

        call.register = self.register  # type: ignore[attr-defined]
        return call


@functools.cache
def functools_modules() -> dict[str, types.ModuleType]:
    """The stand-in for ``functools``, by its name."""
    module = types.ModuleType("functools", functools.__doc__)
    module.__dict__.update({k: v for k, v in vars(functools).items() if k not in ("__spec__", "__loader__")})
    module.__dict__.update(singledispatch=singledispatch, singledispatchmethod=singledispatchmethod)
    return {"functools": module}


# --- array ------------------------------------------------------------------------------------------------------------


class _Kind(type):
    """The class of :class:`array`: where nothing is traced, it makes Python's own arrays."""

    def __call__(cls, typecode: str, *initializer: Any) -> Any:
        made = real_array.array(typecode, () if boxing() else initializer[0] if initializer else ())
        if not boxing():
            return made
        if initializer and isinstance(initializer[0], (bytes, bytearray, str, real_array.array)):
            return boxed_array(real_array.array(typecode, initializer[0]))
        return type.__call__(cls, made, *initializer)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, real_array.array) or type.__instancecheck__(cls, x)


class array(list[Any], metaclass=_Kind):  # noqa: N801 - Python's name
    """``array.array`` of a function that is being traced: a list whose items are all numbers of one type."""

    def __init__(self, kind: Any, items: Iterable[Any] = ()) -> None:
        self.typecode, self.itemsize = kind.typecode, kind.itemsize
        self._kind = kind
        super().__init__(map(self._item, items))

    def _item(self, x: Any) -> Any:
        """What it holds after ``x`` was put into it. Raises TypeError for a float among whole numbers, as Python."""
        if not isinstance(x, Boxed):
            return real_array.array(self.typecode, (x,))[0]
        if self.typecode not in "fd" and x.dtype.kind == "f":
            raise TypeError("'float' object cannot be interpreted as an integer")
        return x

    def _like(self, items: Iterable[Any]) -> array:
        made = list.__new__(array)
        made.__init__(self._kind, items)  # type: ignore[misc]
        return made

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, map(self._item, value) if isinstance(index, slice) else self._item(value))

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return self._like(found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Any:
        return self._like([*self, *other])

    def __mul__(self, n: SupportsIndex) -> Any:
        return self._like(super().__mul__(n))

    __rmul__ = __mul__

    def __copy__(self) -> Any:
        return self._like(self)

    def append(self, x: Any) -> None:
        """Puts an item at the end."""
        super().append(self._item(x))

    def insert(self, i: SupportsIndex, x: Any) -> None:
        """Puts an item before another."""
        super().insert(i, self._item(x))

    def extend(self, items: Iterable[Any]) -> None:
        """Puts items at the end."""
        super().extend(map(self._item, items))

    fromlist = extend

    def tolist(self) -> list[Any]:
        """Its items in a list."""
        return list(self)

    def tobytes(self) -> bytes:
        """Its items as the machine holds them; they have to be plain numbers."""
        return real_array.array(self.typecode, self).tobytes()


def boxed_array(x: Any) -> Any:
    """An array of Python's own, for a function that is being traced."""
    return type.__call__(array, real_array.array(x.typecode), x)


@functools.cache
def array_modules() -> dict[str, types.ModuleType]:
    """The stand-in for ``array``, by its name."""
    module = types.ModuleType("array", real_array.__doc__)
    module.__dict__.update(array=array, ArrayType=array, typecodes=real_array.typecodes)
    return {"array": module}
