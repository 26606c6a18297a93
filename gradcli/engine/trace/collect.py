"""Garbage collection while programs are written: seldom, as millions of small objects are made and almost all kept."""

from __future__ import annotations

import gc
from typing import Any

_THRESHOLDS = (200_000, 20, 100)


class RareCollections:
    """Within it, Python's cyclic collector runs once in 200,000 new objects; nothing changes where it runs less often.

    Half of the time of writing a long program would otherwise go into looking at what was written before.
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = gc.get_threshold()
        if 0 < self._before[0] < _THRESHOLDS[0]:
            gc.set_threshold(*_THRESHOLDS)

    def __exit__(self, *_: Any) -> None:
        gc.set_threshold(*self._before)
