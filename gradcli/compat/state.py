"""What a user's modules hold between runs of a function: arrays in global names, in objects, in closures, in caches.

Every run has to begin with the same state, as the function is run for its derivative and again for differences of it;
and nothing traced may stay behind. While a function is traced, the arrays that it can reach through its modules are
boxed, so that traced values can be put into them.
"""

from __future__ import annotations

import functools
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.compat.buffer import Buffer

_LONGEST = 10_000  # items of a list or dict that is looked into
_ELEMENTS = 1 << 18  # of all arrays whose contents are kept
_LEAVES = frozenset({int, float, complex, bool, str, bytes, type(None), types.ModuleType, types.BuiltinFunctionType})
_HOLDERS = frozenset({"argparse", "types", "collections"})  # whose objects hold what users put there


class State:
    """The state as it is now. ``restore`` brings it back."""

    def __init__(self, modules: Sequence[types.ModuleType], function: Any) -> None:
        self.names = {m.__name__ for m in modules}
        self.containers: list[tuple[Any, Any]] = []  # dicts, lists, deques and sets, with copies
        self.places: list[tuple[Callable[[Any], None], Callable[[], Any], Any]] = []  # how to set and to ask, and what
        self.classes: list[tuple[type, frozenset[str]]] = []
        self.arrays: list[tuple[Any, Any]] = []
        self.lists: list[tuple[Any, Any]] = []  # arrays of Python's, with copies
        self.caches: list[Callable[[], None]] = []
        self.seen: set[int] = set()
        self.room = _ELEMENTS
        self._walk([*(m.__dict__ for m in modules), function, getattr(function, "__self__", None)])

    def _walk(self, found: list[Any]) -> None:
        while found:
            x = found.pop()
            kind = type(x)
            if kind in _LEAVES or id(x) in self.seen:
                continue
            self.seen.add(id(x))
            if kind is np.ndarray:
                self._keep(x)
            elif _is_array(kind):
                self.lists.append((x, x[:]))
            elif kind is tuple:
                found.extend(x)
            elif kind is types.FunctionType:
                if x.__module__ in self.names:
                    self._function(x, found)
            elif isinstance(x, type):
                if x.__module__ in self.names:
                    self._class(x, found)
            else:
                if isinstance(x, (dict, list, deque, set)):
                    self._container(x, found)
                if kind is not dict and kind is not list:
                    self._object(x, found)

    def _keep(self, array: Any) -> None:
        small = array.dtype.kind in "fciub" and array.size <= self.room
        if small and array.flags.writeable:
            self.room -= array.size
            self.arrays.append((array, array.copy()))

    def _container(self, x: Any, found: list[Any]) -> None:
        if len(x) <= _LONGEST:
            self.containers.append((x, dict(x) if isinstance(x, dict) else list(x)))
            found.extend(x.values() if isinstance(x, dict) else x)

    def _place(self, setter: Callable[[Any], None], getter: Callable[[], Any], value: Any, found: list[Any]) -> None:
        self.places.append((setter, getter, value))
        found.append(value)

    def _function(self, function: Any, found: list[Any]) -> None:
        for cell in function.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:  # not filled yet
                continue
            setter, getter = (functools.partial(f, cell, "cell_contents") for f in (setattr, getattr))
            self._place(setter, getter, value, found)
        if function.__defaults__:
            setter = functools.partial(setattr, function, "__defaults__")
            self._place(setter, lambda: function.__defaults__, function.__defaults__, found)
        found.extend((function.__kwdefaults__, function.__dict__))

    def _class(self, cls: type, found: list[Any]) -> None:
        self.classes.append((cls, frozenset(vars(cls))))
        for name, value in list(vars(cls).items()):
            if isinstance(value, (staticmethod, classmethod)):
                found.append(value.__func__)
            elif name[:2] != "__":
                setter, getter = functools.partial(setattr, cls, name), functools.partial(vars(cls).get, name)
                self._place(setter, getter, value, found)

    def _object(self, x: Any, found: list[Any]) -> None:
        module = type(x).__module__
        if hasattr(x, "cache_clear") and getattr(x, "__module__", None) in self.names:
            self.caches.append(x.cache_clear)
        elif isinstance(x, functools.partial):
            state: Any = x.__reduce__()[2]
            func, args, keywords, attributes = state
            found.extend((func, keywords))
            setter = functools.partial(_rebind, x, func, keywords, attributes)
            self._place(setter, lambda: x.args, args, found)
        elif isinstance(x, tuple):
            found.extend(x)
        elif module in self.names or module in _HOLDERS:
            found.append(getattr(x, "__dict__", None))
            for name, slot in _slots(type(x)):
                if hasattr(x, name):
                    setter = functools.partial(slot.__set__, x)
                    self._place(setter, functools.partial(getattr, x, name, None), getattr(x, name), found)

    @contextmanager
    def boxed(self) -> Iterator[None]:
        """Within it, the arrays are boxed; no traced value of it stays."""
        made: dict[int, Any] = {}
        for clear in self.caches:
            clear()
        for container, copy in self.containers:
            if isinstance(container, set):
                continue
            for key, value in copy.items() if isinstance(container, dict) else enumerate(copy):
                other = _boxed(value, made)
                if other is not value:
                    container[key] = other
        for setter, _, value in self.places:
            other = _boxed(value, made)
            if other is not value:
                setter(other)
        try:
            yield
        finally:
            for clear in self.caches:
                clear()

    def restore(self) -> None:
        """Puts everything back to what it was."""
        for container, copy in self.containers:
            if isinstance(container, dict):
                for key in [key for key in container if key not in copy]:
                    del container[key]
                for key, value in copy.items():
                    if container.get(key, self) is not value:
                        container[key] = value
            elif len(container) != len(copy) or any(a is not b for a, b in zip(container, copy, strict=True)):
                container.clear()
                (container.update if isinstance(container, set) else container.extend)(copy)
        for setter, getter, value in self.places:
            if getter() is not value:
                setter(value)
        for cls, names in self.classes:
            for name in [name for name in vars(cls) if name not in names and name[:2] != "__"]:
                delattr(cls, name)
        for array, copy in self.arrays:
            array[...] = copy
        for items, before in self.lists:
            items[:] = before


def _is_array(kind: type) -> bool:
    """Whether it is Python's class of arrays, which may not be loaded."""
    return kind.__module__ == "array" and kind is getattr(sys.modules.get("array"), "array", None)


def _slots(cls: type) -> Iterator[tuple[str, Any]]:
    for base in cls.__mro__:
        for name, slot in vars(base).items():
            if isinstance(slot, types.MemberDescriptorType):
                yield name, slot


def _rebind(partial: Any, func: Any, keywords: Any, attributes: Any, args: Any) -> None:
    partial.__setstate__((func, args, keywords, attributes))


def _boxed(value: Any, made: dict[int, Any]) -> Any:
    """An array boxed, also within tuples; anything else as it is."""
    if type(value) is np.ndarray and value.ndim > 0 and value.dtype.kind in "fciub":
        return made.setdefault(id(value), Buffer(None, value))
    if _is_array(type(value)):
        make = import_module("gradcli.compat.stdlib").boxed_array
        return made[id(value)] if id(value) in made else made.setdefault(id(value), make(value))
    if isinstance(value, tuple) and value:
        items = [_boxed(item, made) for item in value]
        if any(a is not b for a, b in zip(items, value, strict=True)):
            if hasattr(value, "_fields"):
                return type(value)(*items)
            return tuple(items) if type(value) is tuple else value
    return value
