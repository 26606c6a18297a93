"""Running a user's file as a module whose imports of numpy, math, jax and autograd get the stand-ins.

The stand-ins are given through the module's own ``__import__``, so that nothing else in the process sees them:
libraries that the file imports get the real NumPy. Modules that lie beside the file are loaded in the same way.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

_STANDINS: dict[str, Callable[[], Mapping[str, types.ModuleType]]] = {
    "jax": lambda: importlib.import_module("gradcli.compat.jax").modules(),
    "autograd": lambda: importlib.import_module("gradcli.compat.autograd").modules(),
    "numpy": lambda: {"numpy": importlib.import_module("gradcli.compat.plain").numpy_module()},
    "math": lambda: {"math": importlib.import_module("gradcli.compat.plain").math_module()},
}


def _import(name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    """``__import__`` for a user's module."""
    root = name.partition(".")[0]
    if level or root not in _STANDINS:
        return builtins.__import__(name, globals_, locals_, fromlist or (), level)
    table = _STANDINS[root]()
    if name not in table:
        if root == "numpy":  # numpy.linalg and the like: the real ones, which dispatch on traced values
            real = builtins.__import__(name, globals_, locals_, fromlist or (), level)
            return real if fromlist else table["numpy"]
        raise _missing(name, table)
    if not fromlist:
        return table[root]
    module = table[name]
    for member in fromlist:
        if member != "*" and not hasattr(module, member):
            submodule = table.get(f"{name}.{member}")
            if submodule is None:
                raise _missing(f"{name}.{member}", table)
            setattr(module, member, submodule)
    return module


def _missing(name: str, table: Mapping[str, types.ModuleType]) -> ImportError:
    parent, _, last = name.rpartition(".")
    known = dir(table[parent]) if parent in table else list(table)
    close = get_close_matches(last if parent in table else name, known, 1)
    hint = f"; the nearest name that is: {close[0]}" if close else ""
    return ImportError(f"gradcli does not provide {name}{hint}", name=name)


@functools.cache
def user_builtins() -> dict[str, Any]:
    """The builtins of a user's module: the usual ones, with the importing of stand-ins."""
    return {**vars(builtins), "__import__": _import}


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module that lies beside the user's file."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Runs the module with the user's builtins."""
        module.__dict__["__builtins__"] = user_builtins()
        super().exec_module(module)


class _Beside(importlib.abc.MetaPathFinder):
    """Finds modules and packages in one folder before anything else does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        """The spec of a module in the folder, or None."""
        places = [self.folder] if path is None else [Path(p) for p in path]
        last = name.rpartition(".")[2]
        for place in places:
            if path is not None and not place.is_relative_to(self.folder):
                continue
            for file, package in ((place / last / "__init__.py", True), (place / f"{last}.py", False)):
                if file.is_file():
                    return importlib.util.spec_from_file_location(
                        name, file, loader=_Loader(name, str(file)),
                        submodule_search_locations=[str(file.parent)] if package else None,
                    )  # fmt: skip
        return None


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Within it, imports find the modules of that folder first; afterwards they are forgotten again."""
    finder = _Beside(folder)
    before = set(sys.modules)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            loader = getattr(getattr(sys.modules[name], "__spec__", None), "loader", None)
            if isinstance(loader, _Loader):
                del sys.modules[name]


def run_source(source: str, filename: str, name: str, folder: Path) -> types.ModuleType:
    """Runs source text as a module. Whatever it raises is passed on."""
    module = types.ModuleType(name)
    module.__dict__.update(__file__=filename, __builtins__=user_builtins())
    code = compile(source, filename, "exec", dont_inherit=True)
    linecache.cache.setdefault(filename, (len(source), None, source.splitlines(keepends=True), filename))
    previous = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up by name
    try:
        with beside(folder):
            exec(code, module.__dict__)
    except BaseException:
        if previous is None:
            del sys.modules[name]
        else:
            sys.modules[name] = previous
        raise
    return module
