"""How many threads products of matrices run on: one, unless they are so large that more pay for certain.

A second thread halves a product of 200 microseconds at best; where another process has the second core, the wait for it
takes ten milliseconds. NumPy leaves that choice to OpenBLAS, which shares everything above a few microseconds.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

SHARED = 9216  # multiplications from which OpenBLAS may use several threads
LARGE = (1 << 25) // (os.cpu_count() or 1)  # from which they are welcome: a millisecond of one thread, at two cores

_NAMES = ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads")


def on_one_thread(multiplications: int) -> bool:
    """Whether a product of that size is to be kept on one thread."""
    return SHARED < multiplications <= LARGE


class OneThread:
    """Within it OpenBLAS has one thread. Nothing happens where NumPy has another BLAS, or there is one core."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        library = _library()
        self._before = 0
        if library is not None:
            before = library[0]()
            if before > 1:
                library[1](1)
                self._before = before

    def __exit__(self, *_: Any) -> None:
        if self._before:
            _library()[1](self._before)  # type: ignore[index]


@functools.cache
def _library() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """OpenBLAS's functions that tell and set the number of threads, where NumPy brought it along."""
    if (os.cpu_count() or 1) < 2:
        return None
    import ctypes  # here, and the next: only programs with products of some size need them
    import glob

    home = os.path.dirname(np.__file__)
    for path in (*glob.glob(f"{home}.libs/*openblas*"), *glob.glob(f"{home}/.dylibs/*openblas*")):
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        for name in _NAMES:
            get, set_ = (getattr(library, name.format(word), None) for word in ("get", "set"))
            if get is not None and set_ is not None:
                return get, set_
    return None


def small_matrices(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of matrices that runs on one thread where they are small."""

    def run(*args: Any, **params: Any) -> Any:
        if on_one_thread(max([max(a.shape[-2:], default=0) ** 3 for a in args], default=0)):
            with OneThread():
                return function(*args, **params)
        return function(*args, **params)

    return run
