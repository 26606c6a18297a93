"""Modules under another library's names whose members are looked up by name when they are first used.

A :class:`Standin` knows the modules of gradcli that its members come from, so what is added there appears here by
itself, and what is missing there is missing here alone.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def public_names(module: types.ModuleType) -> list[str]:
    """The names that a module of gradcli offers: its ``__all__``, or all without a leading underscore."""
    listed = getattr(module, "__all__", None)
    return list(listed) if listed is not None else [n for n in dir(module) if not n.startswith("_")]


def _home(source: str) -> types.ModuleType | None:
    """A module of gradcli, or None where there is no such module (yet)."""
    try:
        return import_module(source)
    except ModuleNotFoundError as error:
        if error.name is not None and (source == error.name or source.startswith(error.name + ".")):
            return None
        raise


def _exists(source: str) -> bool:
    try:
        return find_spec(source) is not None
    except ModuleNotFoundError:
        return False


class Standin(types.ModuleType):
    """A module under a foreign name.

    own: members as they are. later: members by ``"module:name"``. sources: modules of gradcli that have all others.
    """

    __slots__ = ()

    def __init__(
        self, name: str, sources: Iterable[str] = (), later: Mapping[str, str] | None = None, **own: Any
    ) -> None:
        super().__init__(name, f"gradcli's stand-in for {name}.")
        self.__dict__.update(own)
        self.__dict__.update(
            __path__=[], _gradcli_sources=tuple(sources), _gradcli_later=dict(later or {}), _gradcli_table=None
        )

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return dir(self)
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = MISSING
        table = self.__dict__["_gradcli_table"]
        if name in self.__dict__["_gradcli_later"]:  # first: a function may have the name of a module beside it
            module, _, member = self.__dict__["_gradcli_later"][name].partition(":")
            found = getattr(import_module(module), member) if member else import_module(module)
        elif table is not None and (child := f"{self.__name__}.{name}") in table:
            found = table[child]
        else:
            found = self._of_sources(name)
        if found is MISSING:
            raise AttributeError(missing_text(self, name), name=name, obj=self)
        self.__dict__[name] = found
        return found

    def _of_sources(self, name: str) -> Any:
        for source in self.__dict__["_gradcli_sources"]:
            home = _home(source)
            if home is None or name.startswith("_"):
                continue
            if name in public_names(home):
                return getattr(home, name)
            if hasattr(home, "__path__") and _exists(f"{source}.{name}"):
                return import_module(f"{source}.{name}")
        return MISSING

    def __dir__(self) -> list[str]:
        names = {n for n in self.__dict__ if not n.startswith("_")} | set(self.__dict__["_gradcli_later"])
        for source in self.__dict__["_gradcli_sources"]:
            home = _home(source)
            names.update(public_names(home) if home is not None else ())
        prefix = self.__name__ + "."
        table = self.__dict__["_gradcli_table"] or {}
        names.update(n.removeprefix(prefix) for n in table if n.startswith(prefix) and "." not in n[len(prefix) :])
        return sorted(names)


MISSING: Any = object()  # what a lookup returns where there is nothing of that name


def has(module: types.ModuleType, name: str) -> bool:
    """Whether a stand-in has a member that can be loaded."""
    try:
        getattr(module, name)
    except (AttributeError, ImportError):
        return False
    return True


def nearest(module: types.ModuleType, name: str) -> str | None:
    """The member whose name is most like this one, if any is."""
    close = get_close_matches(name, dir(module), 1)
    return close[0] if close else None


def missing_text(module: types.ModuleType, name: str) -> str:
    """What is said of a name that is not there."""
    close = nearest(module, name)
    return f"gradcli does not provide {module.__name__}.{name}" + (
        f"; the nearest name that it has is {module.__name__}.{close}" if close else ""
    )


class Standins(dict[str, types.ModuleType]):
    """Stand-ins by full name. Modules inside of gradcli's own (``jax.scipy.stats.norm``) are found when asked for."""

    def __init__(self, modules: Sequence[types.ModuleType]) -> None:
        super().__init__({m.__name__: m for m in modules})
        for module in modules:
            if isinstance(module, Standin):
                module.__dict__["_gradcli_table"] = self

    def _inner(self, name: object) -> types.ModuleType | None:
        parent, _, last = str(name).rpartition(".")
        module = dict.get(self, parent)
        if not isinstance(module, Standin):
            return None
        found = module.__dict__.get(last, MISSING)
        found = module._of_sources(last) if found is MISSING else found
        if not isinstance(found, types.ModuleType):
            return None
        inner = found if isinstance(found, Standin) else Standin(str(name), [found.__name__])
        inner.__dict__["_gradcli_table"] = self
        self[str(name)] = module.__dict__[last] = inner
        return inner

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or self._inner(name) is not None

    def __missing__(self, name: str) -> types.ModuleType:
        found = self._inner(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """The stand-in of that name, or the default."""
        return self[name] if name in self else default

    def submodules(self) -> Iterator[str]:
        """The full names known so far, shortest first."""
        return iter(sorted(self, key=lambda name: (name.count("."), name)))
