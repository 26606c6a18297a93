"""``jit`` as a file written for JAX has it: one that ``disable_jit`` reaches."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from gradcli.compat.jaxnames.primitives import check_lowered
from gradcli.engine import api
from gradcli.engine.jit import Jitted, Program
from gradcli.engine.settings import override, settings
from gradcli.engine.trace.tracer import tracing


class Switchable(Jitted):
    """A jitted function that runs as plain Python under ``disable_jit``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if settings().steps:
            return self.fun(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<PjitFunction of {self.fun!r}>"

    def _cache_size(self) -> int:
        """For how many kinds of arguments there are programs."""
        return len(self._cache)

    def _trace(self, key: Any, run: Any, leaves: Sequence[Any]) -> Program:
        found = super()._trace(key, run, leaves)
        if not tracing():
            try:
                check_lowered(found.jaxpr)
            except NotImplementedError:
                self._cache.pop(key, None)
                raise
        return found


def jit(fun: Callable[..., Any] | None = None, **options: Any) -> Any:
    """The engine's ``jit``. A decorator, with or without options."""
    if fun is None:
        return functools.partial(jit, **options)
    jitted = api.jit(fun, **options)
    jitted.__class__ = Switchable
    if type(fun) is types.FunctionType:
        _share(jitted, fun)
    return jitted


_FIRST: WeakKeyDictionary[types.FunctionType, dict[Any, tuple[Any, Any, Any]]] = WeakKeyDictionary()


def _share(jitted: Jitted, fun: types.FunctionType) -> None:
    """Gives every ``jit`` of one function the same programs, as JAX does: it is traced once for each type."""
    kind = jitted.static_argnums, jitted.static_argnames
    own = jitted._cache, jitted._quick, jitted._lock
    jitted._cache, jitted._quick, jitted._lock = _FIRST.setdefault(fun, {}).setdefault(kind, own)


@contextmanager
def disable_jit(disable: bool = True) -> Iterator[None]:
    """Functions under ``jit``, loops and branches run as plain Python inside."""
    with override(steps=bool(disable)):
        yield
