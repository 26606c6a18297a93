"""Running a user's file as a module whose imports of numpy, math, scipy, numba, jax and autograd get stand-ins.

The stand-ins are given through the module's own ``__import__``, so that nothing else in the process sees them:
libraries that the file imports get the real NumPy. Modules that lie beside the file are the user's too, and are loaded
in the same way, whether they are imported at the top of the file or inside a function that runs later.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import importlib.machinery
import importlib.util
import linecache
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gradcli.compat.rewrite import NAMES, compiled


def _from(module: str, function: str = "modules") -> Callable[[], Mapping[str, types.ModuleType]]:
    return lambda: getattr(importlib.import_module(f"gradcli.compat.{module}"), function)()


# Loaded when asked for: a file in plain Python needs none of them.
_STANDINS: dict[str, Callable[[], Mapping[str, types.ModuleType]]] = {
    "jax": _from("jax"),
    "autograd": _from("autograd"),
    "numpy": _from("plain", "numpy_modules"),
    "math": lambda: {"math": _plain().math_module()},
    "cmath": lambda: {"cmath": _plain().cmath_module()},
    "scipy": _from("scipys"),
    "numba": _from("numbas"),
    "array": _from("stdlib", "array_modules"),
    "functools": _from("stdlib", "functools_modules"),
    "concurrent": _from("pools", "concurrent_modules"),
    "multiprocessing": _from("pools", "multiprocessing_modules"),
    "statistics": lambda: {"statistics": importlib.import_module("gradcli.compat.sourced").statistics_module()},
}
_FUNCTIONAL = frozenset({"jax", "autograd", "gradcli"})  # files with these know values that cannot be changed


def _plain() -> Any:
    return importlib.import_module("gradcli.compat.plain")


def _import_standin(name: str, fromlist: Sequence[str]) -> types.ModuleType:
    root = name.partition(".")[0]
    table = _STANDINS[root]()
    if name not in table:
        if root == "numpy":  # its other submodules are the real ones
            importlib.import_module(name)
            return sys.modules[name] if fromlist else table["numpy"]
        raise _missing(name, table)
    module = table[name]  # also puts it into its package
    if not fromlist:
        return table[root]
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
    if parent.startswith("scipy") and importlib.util.find_spec("scipy") is None:
        hint = ", and SciPy is not installed" + hint
    return ImportError(f"gradcli does not provide {name}{hint}", name=name)


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module of the user's."""

    def __init__(self, name: str, path: str, workspace: Workspace) -> None:
        super().__init__(name, path)
        self.workspace = workspace

    def get_code(self, fullname: str) -> types.CodeType:
        """The code, which is never read from or written to a cache: others would find it there."""
        return compiled(self.get_data(self.path), self.path)

    def exec_module(self, module: types.ModuleType) -> None:
        """Runs the module with the user's builtins."""
        module.__dict__["__builtins__"] = self.workspace.builtins
        super().exec_module(module)


class Workspace:  # a finder for sys.meta_path; its abstract class takes longer to load than numbers to compute
    """A folder whose modules are the user's: found before all others by imports from them, unknown to anyone else.

    ``root``: only the package of that name is the user's, where the folder holds others as well. ``functional``:
    whether a module of them imports jax, autograd or gradcli. ``jax``: whether one imports jax, which sets the
    precision where that happens while the modules are run.
    """

    def __init__(self, folder: Path, root: str | None = None) -> None:
        self.folder, self.root = folder.resolve(), root
        self.modules: dict[str, types.ModuleType] = {}
        self.main: types.ModuleType | None = None
        self.functional = self.jax = self.running = False
        self.builtins = {**vars(builtins), **NAMES, "__import__": self._import}
        self._depth = 0
        self._lock = threading.RLock()

    def _import(self, name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        """``__import__`` for the user's modules."""
        root = name.partition(".")[0]
        if not level and root in _FUNCTIONAL:
            self.functional = True
            if root == "jax" and not self.jax:
                self.jax = True
                if self.running:
                    importlib.import_module("gradcli.compat.jaxnames.config").begin()  # plain files need none of it
        if not level and (root in _STANDINS or root == "gradcli") and not self._shadows(root):
            with self._asleep():
                if root == "gradcli":
                    return builtins.__import__(name, globals_, locals_, fromlist or (), level)
                return _import_standin(name, fromlist or ())
        with self.active():
            return builtins.__import__(name, globals_, locals_, fromlist or (), level)

    def _shadows(self, root: str) -> bool:
        """Whether a file of the user's has the name of a module of Python's, which is then not meant."""
        if root not in ("array", "functools", "statistics", "numba", "concurrent", "multiprocessing"):
            return False
        return self.root == root or (self.folder / f"{root}.py").is_file() or (self.folder / root).is_dir()

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        """The spec of a module in the folder, or None."""
        if self.root is not None and name.partition(".")[0] != self.root:
            return None
        places = [str(self.folder)] if path is None else [p for p in path if Path(p).is_relative_to(self.folder)]
        spec = importlib.machinery.PathFinder.find_spec(name, places) if places else None
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader) and spec.origin:
            spec.loader = _Loader(name, spec.origin, self)
        return spec

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within it, imports find the folder's modules first; outside they are not in ``sys.modules``."""
        with self._lock:
            hidden: dict[str, types.ModuleType] = {}
            if self._depth == 0:
                hidden = {name: module for name, module in sys.modules.items() if self._named(name)}
                for name in hidden:
                    del sys.modules[name]
                sys.modules.update(self.modules)
                sys.meta_path.insert(0, self)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    sys.meta_path.remove(self)
                    self.modules = {name: module for name, module in sys.modules.items() if self._owns(module)}
                    for name in self.modules:
                        del sys.modules[name]
                    sys.modules.update(hidden)

    @contextmanager
    def _asleep(self) -> Iterator[None]:
        """Within it, imports do not find the folder's modules: a user's ``random.py`` is none of gradcli's."""
        awake = self in sys.meta_path
        if awake:
            sys.meta_path.remove(self)
        try:
            yield
        finally:
            if awake:
                sys.meta_path.insert(0, self)

    def _named(self, name: str) -> bool:
        """Whether a module of that name, whoever imported it, would be taken for one of the workspace's."""
        return name in self.modules or (self.root is not None and name.partition(".")[0] == self.root)

    def _owns(self, module: Any) -> bool:
        """Whether the module, or namespace package, was found here."""
        spec = getattr(module, "__spec__", None)
        loader = getattr(spec, "loader", None)
        if isinstance(loader, _Loader):
            return loader.workspace is self
        places = getattr(spec, "submodule_search_locations", None)
        if not places or getattr(spec, "origin", "") is not None:
            return False
        return Path(next(iter(places))).is_relative_to(self.folder)

    def run(self, source: str, filename: str, name: str) -> types.ModuleType:
        """Runs source text as a module of the user's. Whatever it raises is passed on."""
        module = self.main = types.ModuleType(name)
        module.__dict__.update(__file__=filename, __builtins__=self.builtins, __workspace__=self)
        code = compiled(source, filename)
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        previous = sys.modules.get(name)
        sys.modules[name] = module  # dataclasses and pickle look a class's module up by name
        self.running = True
        try:
            exec(code, module.__dict__)
        except BaseException:
            sys.modules.pop(name, None)
            if previous is not None:
                sys.modules[name] = previous
            raise
        finally:
            self.running = False
        return module

    def load(self, name: str) -> types.ModuleType:
        """Imports a module of the workspace, which others in the process do not see. Raises ImportError."""
        self.running = True
        try:
            with self.active():
                module = self.main = importlib.import_module(name)
        finally:
            self.running = False
        module.__dict__["__workspace__"] = self
        return module

    def entered(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of the workspace as the commands call it: see :mod:`gradcli.compat.entry`."""
        entry = importlib.import_module("gradcli.compat.entry")
        wrapped: Callable[..., Any] = entry.entered(function, self._all, lambda: not self.functional)
        return wrapped

    def _all(self) -> list[types.ModuleType]:
        return [*self.modules.values(), *([self.main] if self.main is not None else [])]


@functools.cache
def user_builtins() -> dict[str, Any]:
    """The builtins of a user's module that lies in no folder."""
    return Workspace(Path.cwd()).builtins


def run_source(source: str, filename: str, name: str, folder: Path) -> types.ModuleType:
    """Runs source text as a module of the user's, in a workspace of its own."""
    return Workspace(folder).run(source, filename, name)


def workspace_of(module: types.ModuleType) -> Workspace | None:
    """The workspace that a module was run in."""
    found: Workspace | None = module.__dict__.get("__workspace__")
    return found


def entered(function: Callable[..., Any], module: types.ModuleType) -> Callable[..., Any]:
    """A function of a user's module as the commands call it."""
    workspace = workspace_of(module)
    return function if workspace is None or workspace.functional else workspace.entered(function)
