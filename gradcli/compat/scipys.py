"""``scipy`` as a plain file sees it: SciPy's functions, or gradcli.scipy's of the same name where a value is traced.

Where SciPy is not installed, gradcli's functions answer for plain numbers as well.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from gradcli.compat import protocols
from gradcli.compat.boxes import Boxed, boxed, boxes, boxing, unboxed
from gradcli.compat.functions import TRACED, Function, as_array, bare, scan_all
from gradcli.compat.scipynames.steering import Result
from gradcli.engine.array import Value, raw
from gradcli.engine.trace.tracer import untraced

_KNOWN = (
    "cluster constants fft fftpack integrate interpolate io linalg ndimage odr optimize signal sparse spatial special "
    "stats"
).split()


def _resolved(name: str) -> Any:
    """A module, or a thing of a module, by its full name; None where there is none."""
    try:
        return import_module(name)
    except ImportError:
        parent, _, last = name.rpartition(".")
        return getattr(_resolved(parent), last, None) if parent else None


def _ours(full: str) -> Any:
    """What gradcli has by that name: what is for plain files alone first."""
    found = _resolved(f"gradcli.compat.scipynames.{full.removeprefix('scipy.')}")
    return _resolved(f"gradcli.{full}") if found is None else found


def is_traced(full: str) -> bool:
    """Whether traced values may be given to something of SciPy's: a module, or what gradcli has as well."""
    return _ours(full) is not None or isinstance(_resolved(full), types.ModuleType)


class _Function(Function):
    """One function of SciPy, or what is called like one."""

    def __init__(self, name: str, space: str, real: Any) -> None:
        super().__init__(real if real is not None else self._without, name, space)
        self.is_class = isinstance(real if real is not None else _ours(self.full), type)

    def _is_known(self) -> bool:
        """Whether gradcli has it: SciPy's own will do where only a function of the user's could be traced."""
        return callable(_ours(self.full))

    def _without(self, *args: Any, **kwargs: Any) -> Any:
        """gradcli's function on plain numbers."""
        with untraced():
            out = self.ours(*unboxed(args), **unboxed(kwargs))
            return _Object(out, _numpy) if self.is_class or isinstance(out, Result) else _numpy(out)

    @property
    def ours(self) -> Any:
        """The function of gradcli.scipy. Raises G212 where there is none."""
        if self._ours is None:
            found = _ours(f"{self.space}.{self.name}")
            if not callable(found):
                raise protocols.unsupported(self.full)
            self._ours = found
        return self._ours

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        traced = scan_all(args, kwargs) == TRACED
        if traced or (boxing() and (self.is_class or any(map(_calls_back, args))) and self._is_known()):
            values = [_unboxed_calls(a) if _calls_back(a) else _listed(unboxed(a)) for a in args]
            options = {k: _unboxed_calls(v) if _calls_back(v) else unboxed(v) for k, v in kwargs.items()}
            out = self.ours(*values, **options)
            if self.is_class or isinstance(out, Result):
                return _Object(out)
            return boxed(out) if boxing() else out
        out = self.real(*[bare(a) for a in args], **{k: bare(v) for k, v in kwargs.items()})
        return boxed(out) if boxing() else out


def _listed(x: Any) -> Any:
    return as_array(x) if protocols.holds_value(x) and isinstance(x, list) else x


class _Object:
    """An object of gradcli's (an interpolator, a result by names), whose calls and items are boxes, or ``shown``."""

    def __init__(self, inner: Any, shown: Callable[[Any], Any] = boxed) -> None:
        self.inner, self.shown = inner, shown

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._answer(self.inner(*unboxed(args), **unboxed(kwargs)))

    def __getitem__(self, key: Any) -> Any:
        return self._answer(self.inner[unboxed(key)])

    def __getattr__(self, name: str) -> Any:
        return self._answer(getattr(self.__dict__["inner"], name))

    def _answer(self, found: Any) -> Any:
        return _Object(found, self.shown) if callable(found) and not isinstance(found, Value) else self.shown(found)


def _calls_back(x: Any) -> bool:
    return callable(x) and not isinstance(x, (type, Value, Boxed))


def _unboxed_calls(f: Any) -> Any:
    """A function of the user's as gradcli's functions call it."""

    @functools.wraps(f, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        with boxes(True):
            return unboxed(f(*[_box(a) for a in args], **{k: _box(v) for k, v in kwargs.items()}))

    return call


def _box(x: Any) -> Any:
    return boxed(x) if isinstance(x, (Value, np.ndarray, tuple, list)) else x


def _numpy(x: Any) -> Any:
    if isinstance(x, Value):
        return raw(x)
    return type(x)(_numpy(item) for item in x) if type(x) in (tuple, list) else x


class _Frozen:
    """A distribution with parameters: each method gets them after its own arguments."""

    def __init__(self, distribution: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.distribution, self.args, self.kwargs = distribution, args, kwargs

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.distribution, name)
        if name == "rvs":
            return lambda *args, **kwargs: method(*self.args, *args, **self.kwargs, **kwargs)
        return lambda *args, **kwargs: method(*args, *self.args, **self.kwargs, **kwargs)


class _Module(types.ModuleType):
    """A module of SciPy's, or a distribution; each of its names is looked up when it is first used."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__dict__["__path__"] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        full = f"{self.__name__}.{name}"
        real, ours = _resolved(full) if find_spec("scipy") else None, _ours(full)
        if real is None and ours is None:
            missing = "" if find_spec("scipy") else " (SciPy is not installed, and gradcli does not provide it)"
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}{missing}")
        if isinstance(real, types.ModuleType) or isinstance(ours, types.ModuleType):
            found: Any = _Module(full)
        elif (isinstance(real, type) and ours is None) or (ours is None and not callable(real)):
            found = real
        elif real is not None and not callable(real):
            found = real
        else:
            found = _Function(name, self.__name__, real)
        self.__dict__[name] = found
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A distribution with its parameters, ``norm(0, 1)``."""
        if not callable(_resolved(self.__name__) if find_spec("scipy") else None):
            raise TypeError("'module' object is not callable")
        return _Frozen(self, args, kwargs)

    def __dir__(self) -> list[str]:
        real, ours = _resolved(self.__name__), _ours(self.__name__)
        return sorted({*dir(real), *dir(ours)})


class _Table(Mapping[str, types.ModuleType]):
    """The stand-ins by name, made when they are asked for."""

    def __init__(self) -> None:
        self.made: dict[str, types.ModuleType] = {}

    def __contains__(self, name: object) -> bool:
        if name in self.made or name == "scipy":
            return True
        real = isinstance(name, str) and find_spec("scipy") and isinstance(_resolved(name), types.ModuleType)
        return bool(real) or isinstance(_ours(str(name)), types.ModuleType)

    def __getitem__(self, name: str) -> types.ModuleType:
        if name not in self:
            raise KeyError(name)
        found = self.made.get(name)
        if found is None:
            found = self.made[name] = _Module(name)
            parent, _, last = name.rpartition(".")
            if parent:
                setattr(self[parent], last, found)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(["scipy", *(f"scipy.{name}" for name in _KNOWN)])

    def __len__(self) -> int:
        return 1 + len(_KNOWN)


@functools.cache
def modules() -> Mapping[str, types.ModuleType]:
    """The stand-ins for scipy and its modules."""
    return _Table()
