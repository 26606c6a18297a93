"""Stand-ins for a whole process: a finder ahead of all others, and the modules it replaces, kept for later."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

from gradcli.compat.jaxnames.config import first_settings
from gradcli.engine.settings import settings, update

LIBRARIES = ("jax", "autograd")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the stand-ins of one library."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.table: Mapping[str, types.ModuleType] = importlib.import_module(f"gradcli.compat.{root}").modules()
        self.replaced: dict[str, types.ModuleType] = {}
        self.precision = settings().precision

    def owns(self, name: str) -> bool:
        """Whether a module's name is that of the library or inside of it."""
        return name == self.root or name.startswith(self.root + ".")

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        """The spec of a stand-in. Raises ImportError for a module of the library that gradcli does not have."""
        if not self.owns(name):
            return None
        if name not in self.table:
            raise ImportError(f"gradcli does not provide {name}", name=name)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """The stand-in itself."""
        return self.table[spec.name]

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing: stand-ins are complete."""

    def swap(self, other: Mapping[str, types.ModuleType]) -> dict[str, types.ModuleType]:
        """Takes the library's modules out of ``sys.modules``, puts these in; returns what was there."""
        found = {name: module for name, module in sys.modules.items() if self.owns(name)}
        for name in found:
            del sys.modules[name]
        sys.modules.update(other)
        return found


_ACTIVE: dict[str, _Finder] = {}


def _checked(names: Sequence[str]) -> Sequence[str]:
    unknown = [n for n in names if n not in LIBRARIES]
    if unknown:
        raise ValueError(f"there are stand-ins for {' and '.join(LIBRARIES)}, not for {', '.join(unknown)}")
    return names or LIBRARIES


def install(*names: str) -> None:
    """See :func:`gradcli.compat.install`."""
    for name in _checked(names):
        if name in _ACTIVE:
            continue
        finder = _ACTIVE[name] = _Finder(name)
        finder.replaced = finder.swap({})
        sys.meta_path.insert(0, finder)
        if name == "jax":
            update(**first_settings())


def uninstall(*names: str) -> None:
    """See :func:`gradcli.compat.uninstall`."""
    for name in _checked(names):
        finder = _ACTIVE.pop(name, None)
        if finder is None:
            continue
        sys.meta_path.remove(finder)
        finder.swap(finder.replaced)
        if name == "jax":
            update(precision=finder.precision, clamps_indices=False, jax_text=False)
