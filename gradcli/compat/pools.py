"""``concurrent.futures`` and ``multiprocessing`` as a user's file sees them: their pools work in the calling thread.

A traced value belongs to the thread that traces it, and no process but this one knows it. What a pool computes is the
same without its threads and processes.
"""

from __future__ import annotations

import concurrent.futures
import functools
import importlib
import itertools
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


class Executor(concurrent.futures.Executor):
    """``ThreadPoolExecutor`` and ``ProcessPoolExecutor``: ``submit`` computes at once."""

    def __init__(self, *_: Any, initializer: Any = None, initargs: tuple[Any, ...] = (), **__: Any) -> None:
        if initializer is not None:
            initializer(*initargs)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """A future that is done."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class _Result:
    """What ``apply_async`` and its kin return."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def get(self, timeout: Any = None) -> Any:
        """The result."""
        return self.value

    def wait(self, timeout: Any = None) -> None:
        """Nothing is left to wait for."""

    def ready(self) -> bool:
        """Always true."""
        return True

    successful = ready


class Pool:
    """``multiprocessing.Pool``."""

    def __init__(self, processes: Any = None, initializer: Any = None, initargs: Any = (), *_: Any, **__: Any) -> None:
        if initializer is not None:
            initializer(*initargs)

    def map(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: Any = None) -> list[Any]:
        """The results in order."""
        return [func(x) for x in iterable]

    def starmap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: Any = None) -> list[Any]:
        """The results in order."""
        return list(itertools.starmap(func, iterable))

    def imap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: Any = None) -> Iterator[Any]:
        """The results in order, one by one."""
        return map(func, iterable)

    imap_unordered = imap

    def apply(self, func: Callable[..., Any], args: Any = (), kwds: Any = None) -> Any:
        """The result."""
        return func(*args, **(kwds or {}))

    def __getattr__(self, name: str) -> Any:
        if name in ("map_async", "starmap_async", "apply_async"):
            return self._later(getattr(self, name[:-6]))
        if name in ("close", "join", "terminate"):
            return lambda: None
        raise AttributeError(f"'Pool' object has no attribute {name!r}")

    def _later(self, method: Callable[..., Any]) -> Callable[..., _Result]:
        def run(*args: Any, callback: Any = None, error_callback: Any = None, **kwargs: Any) -> _Result:
            value = method(*args, **kwargs)
            if callback is not None:
                callback(value)
            return _Result(value)

        return run

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: Any) -> None:
        return None


def _copied(name: str, **changed: Any) -> types.ModuleType:
    real = importlib.import_module(name)
    module = types.ModuleType(name, real.__doc__)
    names = dict.fromkeys([*dir(real), *getattr(real, "__all__", ())])
    module.__dict__.update({n: getattr(real, n) for n in names if n[:2] != "__"})
    module.__dict__.update(changed)
    return module


class _Modules(dict[str, types.ModuleType]):
    """The stand-ins; what has no pools is Python's own."""

    def __contains__(self, name: object) -> bool:
        return self.get(str(name)) is not None

    def __missing__(self, name: str) -> types.ModuleType:
        importlib.import_module(name)
        return sys.modules[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The module, or ``default``."""
        try:
            return self[name]
        except ImportError:
            return default


@functools.cache
def concurrent_modules() -> Mapping[str, types.ModuleType]:
    """The stand-ins for ``concurrent`` and its modules."""
    pools = dict.fromkeys(("ThreadPoolExecutor", "ProcessPoolExecutor"), Executor)
    futures = _copied("concurrent.futures", **pools)
    return _Modules({
        "concurrent": _copied("concurrent", futures=futures), "concurrent.futures": futures,
        "concurrent.futures.thread": _copied("concurrent.futures.thread", **pools),
    })  # fmt: skip


@functools.cache
def multiprocessing_modules() -> Mapping[str, types.ModuleType]:
    """The stand-ins for ``multiprocessing`` and its modules."""
    pool = _copied("multiprocessing.pool", Pool=Pool, ThreadPool=Pool)
    dummy = _copied("multiprocessing.dummy", Pool=Pool)
    whole = _copied("multiprocessing", Pool=Pool, pool=pool, dummy=dummy, set_start_method=lambda *_, **__: None)
    whole.__dict__["get_context"] = lambda *_: whole
    return _Modules({"multiprocessing": whole, "multiprocessing.pool": pool, "multiprocessing.dummy": dummy})
