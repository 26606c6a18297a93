"""The samples of a batch: which axes run over them, and one sample or a range of them without reading the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradcli.engine.array import raw, type_of
from gradcli.engine.errors import fail
from gradcli.inspect.problem import Problem

# Blocks of some ten thousand numbers stay in the processor's cache; rows that are large each still come many at a time,
# because a chunk costs the same Python work whatever its size.
CHUNK_BYTES = 2**20
MANY_SAMPLES, MANY_BYTES = 256, 2**26


@dataclass(frozen=True, slots=True)
class Chunk:
    """The samples ``start`` … ``stop - 1``.

    >>> len(Chunk(3, 5))
    2
    """

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def chunks(start: int, n: int, size: int) -> Iterator[Chunk]:
    """The samples from ``start`` to ``n`` in chunks of ``size``, the last one possibly smaller.

    >>> list(chunks(4, 9, 3))
    [Chunk(start=4, stop=7), Chunk(start=7, stop=9)]
    """
    for at in range(start, n, size):
        yield Chunk(at, min(at + size, n))


@dataclass(frozen=True)
class MappedFile:
    """An array that lies in a file: where, and how. Nothing of it is held in memory."""

    path: Path
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    order: str

    def part(self, axis: int, chunk: Chunk) -> np.ndarray[Any, Any]:
        """Some samples along an axis, in memory."""
        axis %= len(self.shape)
        if self.order == "C" and axis == 0:  # one piece of the file: reading it is cheaper than mapping it
            row = math.prod(self.shape[1:])
            at = self.offset + chunk.start * row * self.dtype.itemsize
            found = np.fromfile(self.path, self.dtype, len(chunk) * row, offset=at)
            return found.reshape(len(chunk), *self.shape[1:])
        index = [slice(None)] * len(self.shape)
        index[axis] = slice(chunk.start, chunk.stop)
        return np.array(self.open()[tuple(index)])

    def open(self) -> np.ndarray[Any, Any]:
        """The array, mapped anew: its pages leave memory with it."""
        order: Any = self.order
        found: np.ndarray[Any, Any] = np.memmap(
            self.path, dtype=self.dtype, mode="r", offset=self.offset, shape=self.shape, order=order
        )
        return found


def mapped_file(array: Any) -> MappedFile | None:
    """The file behind an array that is a whole memory map, else None."""
    found = array
    while isinstance(found, np.ndarray):
        if isinstance(found, np.memmap) and not isinstance(found.base, np.memmap):
            break
        found = found.base
    if not isinstance(found, np.memmap) or found.filename is None:
        return None
    same = found.shape == array.shape and found.dtype == array.dtype and found.strides == array.strides
    if not same or found.ctypes.data != array.ctypes.data:
        return None
    order = "C" if found.flags.c_contiguous else "F"
    return MappedFile(Path(found.filename), found.dtype, int(found.offset), found.shape, order)


@dataclass(frozen=True)
class Samples:
    """A problem whose leaves ``axes`` hold ``n`` samples each, along the axis given there."""

    problem: Problem
    axes: Mapping[int, int]
    n: int

    @classmethod
    def of(cls, problem: Problem, over: Sequence[str]) -> Samples:
        """The samples of the arguments ``over``: ``x``, or ``x:1`` for another axis than the first.

        Raises G101, G105 for what cannot be batched over, G211 where axes do not fit, G501 where there are no samples.
        """
        axes = batch_axes(problem, over)
        return cls(problem, axes, sample_count(problem, axes))

    def part(self, leaf: int, chunk: Chunk) -> np.ndarray[Any, Any]:
        """A leaf's values for some samples, the batch axis where it was; read from its file, if it has one."""
        array, axis = self.problem.leaves[leaf], self.axes[leaf]
        file = mapped_file(array)
        if file is not None:
            return np.asarray(raw(file.part(axis, chunk)))
        index = [slice(None)] * np.ndim(array)
        index[axis] = slice(chunk.start, chunk.stop)
        whole = array if isinstance(array, np.ndarray) else np.asarray(raw(array))
        return np.asarray(raw(whole[tuple(index)]))

    def one(self, k: int) -> Problem:
        """The problem of sample ``k``."""
        numbers = list(self.axes)
        values = [np.take(self.part(i, Chunk(k, k + 1)), 0, self.axes[i]) for i in numbers]
        return self.problem.with_leaves(numbers, values)

    def usual_chunk(self) -> int:
        """How many samples to take at a time, by what one sample reads and writes."""
        first = self.one(0)
        read = sum(type_of(first.leaves[i]).size * type_of(first.leaves[i]).dtype.itemsize for i in self.axes)
        written = sum(type_of(x).size * type_of(x).dtype.itemsize for x in first.points) + 8
        size = max(CHUNK_BYTES // (read + written), min(MANY_SAMPLES, MANY_BYTES // (read + written)), 1)
        return min(size, self.n)


def batch_axes(problem: Problem, over: Sequence[str]) -> dict[int, int]:
    """For each leaf that runs over samples, the axis that does."""
    axes: dict[int, int] = {}
    for item in over or _default_over(problem):
        name, _, axis = item.partition(":")
        inside = [i for i, p in enumerate(problem.paths) if p == name or p.startswith((name + ".", name + "["))]
        if not inside:
            raise fail("G105", f"no argument {name!r} to batch over", hint=f"choose among {', '.join(problem.names)}")
        if axis and not axis.lstrip("-").isdigit():
            raise fail("G101", f"--over {item}: the axis must be an integer")
        for i in inside:
            axes[i] = int(axis or 0)
    return axes


def _default_over(problem: Problem) -> list[str]:
    if len(problem.names) == 1:
        return list(problem.names)
    raise fail("G101", "batch needs --over", hint=f"choose among {', '.join(problem.names)}")


def sample_count(problem: Problem, axes: Mapping[int, int]) -> int:
    """How many samples there are. Raises G211 where an argument lacks the axis or sizes differ, G501 for none."""
    sizes: dict[str, int] = {}
    for i, axis in axes.items():
        shape = np.shape(problem.leaves[i])
        if not -len(shape) <= axis < len(shape):
            raise fail(
                "G211",
                f"{problem.paths[i]} has shape {shape}: it has no axis {axis} to batch over",
                hint=f"give one value a sample, e.g. --at {problem.paths[i]}=linspace(0,1,11)",
            )
        sizes[problem.paths[i]] = shape[axis]
    if len(set(sizes.values())) > 1:
        raise fail("G211", "different numbers of samples: " + ", ".join(f"{k} has {v}" for k, v in sizes.items()))
    n = next(iter(sizes.values()))
    if n == 0:
        raise fail("G501", "the batch holds no samples")
    return n


Progress = Callable[[int, int], None]
