"""``jit`` as a file written for JAX has it: one that ``disable_jit`` reaches."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradcli.compat.jaxnames.config import config
from gradcli.compat.jaxnames.primitives import check_lowered
from gradcli.engine import api
from gradcli.engine.jit import Jitted, Program
from gradcli.engine.trace.tracer import tracing


class _State(threading.local):
    def __init__(self) -> None:
        self.off = False


_STATE = _State()


class Switchable(Jitted):
    """A jitted function that runs as plain Python under ``disable_jit``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if _STATE.off or config.read("jax_disable_jit"):
            return self.fun(*args, **kwargs)
        return super().__call__(*args, **kwargs)

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
    return jitted


@contextmanager
def disable_jit(disable: bool = True) -> Iterator[None]:
    """Functions under ``jit`` run as plain Python inside."""
    before, _STATE.off = _STATE.off, disable
    try:
        yield
    finally:
        _STATE.off = before
