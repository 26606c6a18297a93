"""Measuring: subjects that are calls or whole processes, and repetitions that interleave the contenders of a row.

Interleaving puts a noisy second on all contenders alike; minimum and median of the repetitions are both kept. The
garbage collector stays on, as it is for users.
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tests.benchmarks.rows import Factory, Figures, Row, Sample

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+\.\d+(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Call:
    """A function without arguments, run in this process. ``plain`` turns its result into NumPy arrays, untimed."""

    run: Callable[[], Any]
    plain: Callable[[Any], Any] = lambda result: result

    def value(self) -> Any:
        """The result."""
        return self.plain(self.run())

    def sample(self, calls: int) -> Sample:
        """The mean time of the calls."""
        run = self.run
        start = perf_counter()
        for _ in range(calls):
            run()
        return Sample((perf_counter() - start) / calls)


@dataclass(frozen=True)
class Process:
    """A command, measured whole: from before its start until it has ended, with the memory it reached at most."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT
    numbers: bool = True  # compare the numbers it prints; else only that it succeeds and says something

    def value(self) -> Any:
        """The decimal numbers it prints."""
        done = subprocess.run(
            self.arguments, env=self._environment(), cwd=self.folder, capture_output=True, text=True, timeout=300
        )
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip().splitlines()[-1:] or done.stdout[-80:]}")
        return np.array([float(x) for x in NUMBER.findall(done.stdout)]) if self.numbers else np.zeros(0)

    def sample(self, calls: int) -> Sample:
        """Mean time and largest peak memory."""
        seconds, peak = 0.0, 0
        launcher = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")))
        for _ in range(calls):
            done = subprocess.run(
                [*launcher, *self.arguments], env=self._environment(), cwd=self.folder, capture_output=True, text=True,
                timeout=300,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(f"exit {done.returncode}")
            one, most = done.stdout.split()
            seconds, peak = seconds + float(one), max(peak, int(most))
        return Sample(seconds / calls, peak)

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # users keep bytecode
        return {**inherited, "PYTHONPATH": path, **self.environment}


@dataclass(frozen=True)
class Budget:
    """How much time a row may take, in how many repetitions."""

    seconds: float
    repetitions: int
    batch_seconds: float  # calls are repeated until one measurement takes this long

    @classmethod
    def of(cls, quick: bool) -> Budget:
        """The usual one, or a quick one."""
        return cls(1.5, 5, 0.002) if quick else cls(8.0, 15, 0.01)


def measure(row: Row, budget: Budget) -> Figures:
    """Checks that the contenders agree, then measures them in turns."""
    figures, subjects = Figures(), {}
    values: dict[str, Any] = {}
    for peer, factory in row.contenders.items():
        try:
            subjects[peer] = factory()
            values[peer] = subjects[peer].value()
        except Exception as error:
            figures.errors[peer] = _first_line(error)
            subjects.pop(peer, None)
    figures.disagreement = disagreement(values, row.tolerance)
    calls = {peer: 1 if row.once else _calls(subject, budget, figures, peer) for peer, subject in subjects.items()}
    gc.collect()
    start = perf_counter()
    for repetition in range(budget.repetitions):
        for peer in _rotated(list(subjects), repetition):
            if peer not in figures.errors:
                _one(row.contenders[peer] if row.once else subjects[peer], calls[peer], figures, peer)
        if perf_counter() - start > budget.seconds and repetition >= 1:
            break
    return figures


def _one(subject: Any, calls: int, figures: Figures, peer: str) -> None:
    try:
        found = subject() if callable(subject) else subject
        figures.samples.setdefault(peer, []).append(found.sample(calls))
    except Exception as error:
        figures.errors[peer] = _first_line(error)


def _calls(subject: Any, budget: Budget, figures: Figures, peer: str) -> int:
    """How many calls make a measurement long enough for the clock, after a warm-up in which whoever compiles does."""
    if isinstance(subject, Process):
        return 1
    calls = 1
    try:
        subject.sample(2)
        while True:
            seconds = subject.sample(calls).seconds * calls
            if seconds >= budget.batch_seconds / 2:
                return max(1, round(calls * budget.batch_seconds / seconds))
            calls *= 4
    except Exception as error:
        figures.errors[peer] = _first_line(error)
        return 1


def _rotated(items: list[str], by: int) -> list[str]:
    by %= max(len(items), 1)
    return items[by:] + items[:by]


def _first_line(error: Exception) -> str:
    return (f"{type(error).__name__}: {error}".splitlines() or [""])[0]


def leaves(value: Any) -> list[Any]:
    """All arrays of nested lists, tuples and dictionaries (by sorted key)."""
    if isinstance(value, Mapping):
        return [leaf for key in sorted(value) for leaf in leaves(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item)]
    return [np.asarray(value)]


def disagreement(values: Mapping[str, Any], tolerance: float | None) -> str:
    """How the contenders' results differ, or an empty string: shapes, or a difference over the tolerance."""
    if tolerance is None or len(values) < 2:
        return ""
    (first, expected), *others = ((peer, leaves(value)) for peer, value in values.items())
    for peer, found in others:
        if [x.shape for x in found] != [x.shape for x in expected]:
            return f"{peer} and {first} have other shapes: {[x.shape for x in found]}, {[x.shape for x in expected]}"
        for a, b in zip(found, expected, strict=True):
            a, b = a.astype(np.float64), b.astype(np.float64)
            scale = float(np.max(np.abs(b), initial=1e-30))
            error = float(np.max(np.abs(a - b), initial=0.0)) / scale
            if not error <= tolerance:
                return f"{peer} and {first} differ by {error:.1e}, more than {tolerance:.0e}"
    return ""


def peak_of(row: str, peer: str) -> Factory:
    """The memory that the first call of a row's contender takes, in a process of its own."""
    return lambda: PeakMemory(row, peer)


@dataclass(frozen=True)
class PeakMemory:
    """What a call adds to the memory of a fresh process that holds its inputs already."""

    row: str
    peer: str

    def value(self) -> Any:
        """Nothing to compare: the row itself was compared."""
        return np.zeros(0)

    def sample(self, calls: int) -> Sample:
        """One call in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.peak", self.row, self.peer], cwd=ROOT, check=True, timeout=300,
            capture_output=True, text=True,
        )  # fmt: skip
        seconds, peak = done.stdout.split()
        return Sample(float(seconds), int(peak))
