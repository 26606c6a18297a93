"""What a user's modules hold between runs of a function: arrays in global names, in objects, in closures, in caches.

Every run has to begin with the same state, as the function is run for its derivative and again for differences of it;
and nothing traced may stay behind. While a function is traced, the arrays that it can reach through its modules are
boxed, so that traced values can be put into them.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradcli.compat.buffer import Buffer

_LONGEST = 10_000  # items of a list or dict that is looked into
_ELEMENTS = 1 << 18  # of all arrays whose contents are kept
_LEAVES = frozenset({int, float, complex, bool, str, bytes, type(None), types.ModuleType, types.BuiltinFunctionType})


class State:
    """The state as it is now. ``restore`` brings it back."""

    def __init__(self, modules: Sequence[types.ModuleType], function: Any) -> None:
        self.names = {m.__name__ for m in modules}
        self.mappings: list[tuple[Any, Any]] = []  # dicts and lists, with copies
        self.cells: list[tuple[Any, Any]] = []
        self.attributes: list[tuple[type, str, Any]] = []
        self.arrays: list[tuple[Any, Any]] = []
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
            elif kind is dict or kind is list:
                if len(x) <= _LONGEST:
                    self.mappings.append((x, x.copy()))
                    found.extend(x.values() if kind is dict else x)
            elif kind is tuple:
                found.extend(x)
            elif kind is types.FunctionType:
                if x.__module__ in self.names:
                    self._function(x, found)
            elif isinstance(x, type):
                if x.__module__ in self.names:
                    self._class(x, found)
            else:
                self._object(x, found)

    def _keep(self, array: Any) -> None:
        small = array.dtype.kind in "fciub" and array.size <= self.room
        if small and array.flags.writeable:
            self.room -= array.size
            self.arrays.append((array, array.copy()))

    def _function(self, function: Any, found: list[Any]) -> None:
        for cell in function.__closure__ or ():
            try:
                self.cells.append((cell, cell.cell_contents))
                found.append(cell.cell_contents)
            except ValueError:  # not filled yet
                continue
        if function.__dict__:
            found.append(function.__dict__)

    def _class(self, cls: type, found: list[Any]) -> None:
        for name, value in list(vars(cls).items()):
            if name[:2] != "__":
                self.attributes.append((cls, name, value))
                found.append(value)

    def _object(self, x: Any, found: list[Any]) -> None:
        if hasattr(x, "cache_clear") and getattr(x, "__module__", None) in self.names:
            self.caches.append(x.cache_clear)
        elif type(x).__module__ in self.names:
            found.append(getattr(x, "__dict__", None))

    @contextmanager
    def boxed(self) -> Iterator[None]:
        """Within it, the arrays are boxed; no traced value of it stays."""
        made: dict[int, Buffer] = {}
        for clear in self.caches:
            clear()
        for container, copy in self.mappings:
            items = copy.items() if type(copy) is dict else enumerate(copy)
            for key, value in items:
                if type(value) is np.ndarray and _can_be_boxed(value):
                    container[key] = made.setdefault(id(value), Buffer(None, value))
        for cell, value in self.cells:
            if type(value) is np.ndarray and _can_be_boxed(value):
                cell.cell_contents = made.setdefault(id(value), Buffer(None, value))
        for cls, name, value in self.attributes:
            if type(value) is np.ndarray and _can_be_boxed(value):
                setattr(cls, name, made.setdefault(id(value), Buffer(None, value)))
        try:
            yield
        finally:
            for clear in self.caches:
                clear()

    def restore(self) -> None:
        """Puts everything back to what it was."""
        for container, copy in self.mappings:
            if type(copy) is list:
                if len(container) != len(copy) or any(a is not b for a, b in zip(container, copy, strict=True)):
                    container[:] = copy
                continue
            for key in [key for key in container if key not in copy]:
                del container[key]
            for key, value in copy.items():
                if container.get(key, self) is not value:
                    container[key] = value
        for cell, value in self.cells:
            if cell.cell_contents is not value:
                cell.cell_contents = value
        for cls, name, value in self.attributes:
            if vars(cls).get(name) is not value:
                setattr(cls, name, value)
        for array, copy in self.arrays:
            array[...] = copy


def _can_be_boxed(array: Any) -> bool:
    return array.ndim > 0 and array.dtype.kind in "fciub"
