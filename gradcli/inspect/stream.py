"""Values and gradients chunk by chunk, in order, on as many threads as pay."""

from __future__ import annotations

import contextvars
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcli.engine import api
from gradcli.engine.array import Array, raw
from gradcli.engine.custom import as_value
from gradcli.engine.errors import GradcliError
from gradcli.engine.trace.tracer import STATE
from gradcli.inspect.evaluate import Traced, require_scalar, traced
from gradcli.inspect.paths import Branching, Ways
from gradcli.inspect.problem import Problem, called
from gradcli.inspect.samples import Chunk, Progress, Samples, chunks

THREADED_ELEMENTS = 2**13  # below, a chunk is Python's work more than NumPy's, and threads wait for each other
THREADED_BY_ITSELF = ("dot_general", "conv_general_dilated")  # the linear algebra library has its own threads


@dataclass(frozen=True)
class Evaluated:
    """What came out for a chunk: a value a sample, and for each chosen leaf a gradient a sample."""

    chunk: Chunk
    values: np.ndarray[Any, Any]
    gradients: tuple[np.ndarray[Any, Any], ...]


@dataclass
class Stream:
    """Evaluates the chunks of a batch. ``notes`` are complete when the first chunk has been evaluated."""

    samples: Samples
    size: int
    program: Traced
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._one_by_one: Branching | None = None
        self._doubtful = False  # whether NaN may be a complex number of Python's, which only a sample by itself shows
        self._mapped = _mapped(self.samples)

    @classmethod
    def of(cls, samples: Samples, size: int | None) -> Stream:
        """A stream of chunks of ``size`` samples, or of the usual size. Raises G204 where a sample gives no scalar."""
        first = samples.one(0)
        program = traced(first)
        require_scalar(program, first)
        return cls(samples, min(size, samples.n) if size else samples.usual_chunk(), program)

    def run(self, start: int, progress: Progress) -> Iterator[Evaluated]:
        """What comes out for the chunks from sample ``start`` on, in order."""
        todo = chunks(start, self.samples.n, self.size)
        first = next(todo, None)
        if first is None:
            return
        yield self._first(first, progress)
        progress(first.stop, self.samples.n)
        threads = self._threads(first)
        if threads < 2:
            for chunk in todo:
                yield self._evaluate(chunk, progress)
                progress(chunk.stop, self.samples.n)
            return
        for found in self._on_threads(todo, threads, progress):
            yield found
            progress(found.chunk.stop, self.samples.n)

    def _first(self, chunk: Chunk, progress: Progress) -> Evaluated:
        before, doubts = STATE.refusals, STATE.doubts
        try:
            found = self._evaluate(chunk, progress)
            if STATE.refusals == before:
                self._doubtful = STATE.doubts != doubts
                return self._surely(found)
        except Exception:
            if STATE.refusals == before:
                raise
        self._one_by_one = _branching(self.samples)
        name = called(self.samples.problem.target)
        self.notes.append(f"{name} decides by values, so its samples were computed one by one")
        self.notes.extend(self.program.notes)
        return self._evaluate(chunk, progress)

    def _threads(self, chunk: Chunk) -> int:
        """How many threads pay: Python's part of the work is done by one at a time."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        leaves = self.samples.problem.leaves
        elements = len(chunk) * sum(np.size(leaves[i]) for i in self.samples.axes) // self.samples.n
        own = any(eqn.primitive.name in THREADED_BY_ITSELF for eqn in self.program.jaxpr.eqns)
        return 1 if self._one_by_one is not None or own or elements < THREADED_ELEMENTS else cores

    def _on_threads(self, todo: Iterator[Chunk], threads: int, progress: Progress) -> Iterator[Evaluated]:
        """In order, with no more chunks in flight than threads can be kept busy with."""
        pool = ThreadPoolExecutor(threads, thread_name_prefix="batch")
        waiting: deque[Future[Evaluated]] = deque()
        try:
            for chunk in todo:
                context = contextvars.copy_context()  # the settings in force here
                waiting.append(pool.submit(context.run, self._evaluate, chunk, progress))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _evaluate(self, chunk: Chunk, progress: Progress) -> Evaluated:
        if self._one_by_one is not None:
            return _one_by_one(self.samples, self._one_by_one, chunk, progress)
        value, gradients = self._mapped(*_arguments(self.samples, chunk))
        found = Evaluated(chunk, np.asarray(raw(value)), tuple(np.asarray(raw(g)) for g in gradients))
        return self._surely(found)

    def _surely(self, found: Evaluated) -> Evaluated:
        """What came out, samples that are not numbers computed anew by themselves where that may make a difference."""
        if not self._doubtful or not np.isnan(found.values).any():
            return found
        values, *columns = [np.array(x) for x in (found.values, *found.gradients)]
        for i in np.flatnonzero(np.isnan(values)):
            sample = _unwrapped(self.samples.one(found.chunk.start + int(i)))
            try:
                value, gradients = _derived(sample)(*sample.points)
            except GradcliError:
                continue  # complex to the end
            for column, x in zip((values, *columns), (value, *gradients), strict=True):
                column[i] = np.asarray(raw(x))
        return Evaluated(found.chunk, values, tuple(columns))


def _numbers(samples: Samples) -> tuple[int, ...]:
    return tuple(dict.fromkeys([*samples.problem.numbers, *samples.axes]))


def _mapped(samples: Samples) -> Any:
    """The batched value and gradient, traced once for each size of chunk."""
    numbers, first = _numbers(samples), samples.one(0)

    def sample(*values: Any) -> Any:
        return first.at(numbers, values)

    sample.__name__ = samples.problem.name
    wanted = tuple(range(len(samples.problem.numbers)))
    in_axes = tuple(samples.axes.get(i) for i in numbers)
    return api.jit(api.vmap(api.value_and_grad(sample, argnums=wanted), in_axes=in_axes))


def _arguments(samples: Samples, chunk: Chunk) -> list[Any]:
    leaves = samples.problem.leaves
    return [Array(samples.part(i, chunk)) if i in samples.axes else as_value(leaves[i]) for i in _numbers(samples)]


def _derived(sample: Problem) -> Any:
    return api.value_and_grad(sample.of_chosen, tuple(range(len(sample.numbers))))


def _branching(samples: Samples) -> Branching:
    """Value and gradient of one sample at a time; samples that decide alike share a program."""
    sample = _unwrapped(samples.one(0))
    return Branching(_derived(sample), Ways(sample.of_chosen))


def _one_by_one(samples: Samples, branching: Branching, chunk: Chunk, progress: Progress) -> Evaluated:
    shared = set(samples.axes) <= set(samples.problem.numbers)  # else what is no float differs between samples as well
    rows = []
    for k in range(chunk.start, chunk.stop):
        sample = _unwrapped(samples.one(k))
        if shared:
            rows.append(branching([np.asarray(raw(p))[()] for p in sample.points]))
        else:
            value, gradients = _derived(sample)(*sample.points)
            rows.append([np.asarray(raw(x)) for x in (value, *gradients)])
        progress(k + 1, samples.n)
    values, *columns = [np.stack(column) for column in zip(*rows, strict=True)]
    return Evaluated(chunk, values, tuple(columns))


def _unwrapped(sample: Problem) -> Problem:
    """Arrays without dimensions as scalars, as the function would get them from the command line."""
    leaves = [x[()] if isinstance(x, np.ndarray) else x for x in sample.leaves]
    return sample.with_leaves(range(len(leaves)), leaves)
