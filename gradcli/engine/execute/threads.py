"""Runs blocks: on several threads where it pays, into memory that is used again."""

from __future__ import annotations

import functools
import math
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.ir.types import Shape
from gradcli.engine.record import record

BLOCK_BYTES = 1 << 18  # of one buffer: several of them fit the cache, and a ufunc call costs little beside them
CACHED = 1 << 20  # bytes of all buffers together, which stay in the cache of a core
SHARED = 1 << 22  # simple operations on float64 (1.5 ms) from which a second thread pays, even if it must be waited for
_KEPT = 1 << 28  # bytes of results that are kept for later ones
_RECYCLED = 1 << 20  # bytes from which a result is


@record
class Slot:
    """A buffer, or a result: its dtype, and the shape of one row."""

    dtype: np.dtype[Any]
    rest: Shape = ()

    @property
    def row_bytes(self) -> int:
        """The bytes of a row."""
        return max(self.dtype.itemsize * math.prod(self.rest), 1)


@record
class Plan:
    """How a cluster is run.

    block(number, low, high, *inputs, *outputs, *partials, *buffers) computes some of the ``rows``.
    last: whether the rows are the last axis of a buffer. flattened: which inputs are taken as flat arrays.
    kept: which outputs have the rows last in memory. partials: arrays of one result a block, combined by a ufunc.
    """

    block: Callable[..., None]
    rows: int
    shape: Shape | None
    last: bool
    flattened: Sequence[bool]
    outputs: Sequence[Slot]
    kept: Sequence[bool]
    partials: Sequence[tuple[Slot, np.ufunc]]
    buffers: Sequence[Slot]
    work: int

    @property
    def length(self) -> int:
        """The rows of a block."""
        sizes = [slot.row_bytes for slot in (*self.buffers, *self.outputs)] or [8]
        rows = max(1, min(BLOCK_BYTES // max(sizes), CACHED // sum(sizes)))
        return rows // 8 * 8 or rows  # so that buffers begin on cache lines


def run(plan: Plan, *values: Any) -> list[Any]:
    """Runs all blocks; returns the results, those of reductions last."""
    inputs = [np.ascontiguousarray(x).reshape(-1) if f else x for x, f in zip(values, plan.flattened, strict=True)]
    rows, length = plan.rows, plan.length
    outputs = [
        _POOL.take((*slot.rest, rows) if kept else (rows, *slot.rest), slot.dtype)
        for slot, kept in zip(plan.outputs, plan.kept, strict=True)
    ]
    count = -(-rows // length)
    partials = [np.empty((count, *slot.rest), slot.dtype) for slot, _ in plan.partials]
    numbers = iter(range(count))  # whoever is free takes the next block

    def work() -> None:
        own = _buffers(plan, min(length, rows))
        with np.errstate(all="ignore"):  # threads have settings of their own
            for number in numbers:
                low = number * length
                if low + length > rows > length:
                    own = _buffers(plan, rows - low)
                plan.block(number, low, min(low + length, rows), *inputs, *outputs, *partials, *own)

    helpers = [_helpers().submit(work) for _ in range(_workers(plan, count) - 1)]
    work()
    for helper in helpers:
        if not helper.cancel():
            helper.result()
    sums = [ufunc.reduce(parts, axis=0) for parts, (_, ufunc) in zip(partials, plan.partials, strict=True)]
    if plan.shape is not None:
        outputs = [x.reshape(plan.shape) for x in outputs]
    turned = [x.transpose(-1, *range(x.ndim - 1)) if kept else x for x, kept in zip(outputs, plan.kept, strict=True)]
    return [*turned, *sums]


def _workers(plan: Plan, blocks: int) -> int:
    return min(os.cpu_count() or 1, blocks) if plan.work >= SHARED else 1


@functools.cache
def _helpers() -> Any:
    from concurrent.futures import ThreadPoolExecutor  # here: it takes longer to load than the engine does

    return ThreadPoolExecutor(max((os.cpu_count() or 1) - 1, 1), "gradcli")


# --- memory -----------------------------------------------------------------------------------------------------------

_LINE = 64  # bytes of a cache line: arithmetic on arrays that begin elsewhere takes twice the time
_scratch = threading.local()


def _aligned(memory: Any) -> int:
    """The first place in some bytes that lies on a cache line."""
    address: int = memory.__array_interface__["data"][0]
    return -address % _LINE


def _buffers(plan: Plan, length: int) -> list[Any]:
    """This thread's buffers, in memory that it keeps: new memory would cost page faults in every call."""
    sizes = [-(-slot.row_bytes * length // _LINE) * _LINE for slot in plan.buffers]
    memory = getattr(_scratch, "memory", None)
    if memory is None or memory.size < sum(sizes):
        whole = np.empty(sum(sizes) + _LINE, np.uint8)
        memory = _scratch.memory = whole[_aligned(whole) :]
    found, start = [], 0
    for slot, size in zip(plan.buffers, sizes, strict=True):
        part = memory[start : start + slot.row_bytes * length]
        shape = (*slot.rest, length) if plan.last else (length, *slot.rest)
        found.append(part.view(slot.dtype).reshape(shape))
        start += size
    return found


class _Pool:
    """Large arrays that were results and are referred to no longer: new ones cost a page fault for every 4 KiB."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: list[Any] = []  # bytes, of which results are views

    def take(self, shape: Shape, dtype: np.dtype[Any]) -> Any:
        """An array of that shape and dtype; its content is anything."""
        size = math.prod(shape) * dtype.itemsize
        if size < _RECYCLED:
            return _view(np.empty(size + _LINE, np.uint8), size, shape, dtype)
        with self._lock:
            for i in range(len(self._owners)):
                owner = self._owners[i]
                if owner.size == size + _LINE and sys.getrefcount(owner) == 3:  # the list, the name, the argument
                    return _view(owner, size, shape, dtype)
            owner = np.empty(size + _LINE, np.uint8)
            self._owners.append(owner)
            while len(self._owners) > 1 and sum(x.size for x in self._owners) > _KEPT:
                del self._owners[0]
            return _view(owner, size, shape, dtype)


def _view(owner: Any, size: int, shape: Shape, dtype: np.dtype[Any]) -> Any:
    start = _aligned(owner)
    return owner[start : start + size].view(dtype).reshape(shape)


_POOL = _Pool()
