"""Functions whose code branches on values, evaluated at many points: compiled once for each way through the code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, raw, type_of
from gradcli.engine.autodiff import program_of
from gradcli.engine.execute.compiled import compile_program
from gradcli.engine.trace.decisions import decisions_of
from gradcli.engine.tree import tree_flatten

_MOST = 12  # ways through the code that are remembered; where there are more, few points share one

Values = Sequence[Any]


class Ways:
    """The ways that a function's code was seen to take, and the way that it takes for given values."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.known: list[tuple[Callable[..., Any], list[Any]]] = []  # what is decided by, and how it was decided
        self.last = 0

    def number(self, values: Values) -> int | None:
        """Which of the ways it is, a new one perhaps; None where that cannot be told more cheaply than by running."""
        order = [self.last, *(k for k in range(len(self.known)) if k != self.last)] if self.known else []
        for k in order:
            decide, outcomes = self.known[k]
            if all(map(_same, decide(values), outcomes)):
                self.last = k
                return k
        if len(self.known) >= _MOST:
            return None
        points = [Array(v) for v in values]
        program = decisions_of(self.function, [type_of(p) for p in points], points)
        if program is None:
            self.known.extend([(_nothing, [True])] * _MOST)  # it never can
            return None
        decide = compile_program(program)
        self.known.append((decide, list(decide(values))))
        self.last = len(self.known) - 1
        return self.last


def _nothing(values: Values) -> list[Any]:
    return [False]


def _same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b))


class Branching:
    """``derived``, derivatives of a function of which ``ways`` knows the ways: NumPy values to values, flat.

    Where values decide as others did before, the program of those is run; at a way's first point the code itself is.
    """

    def __init__(self, derived: Callable[..., Any], ways: Ways) -> None:
        self.derived, self.ways = derived, ways
        self.programs: dict[int, Any] = {}

    def __call__(self, values: Values) -> list[Any]:
        """The derivatives at these values."""
        way = self.ways.number(values)
        points = [Array(v) for v in values]
        if way is None or way not in self.programs:
            if way is not None:
                self.programs[way] = None
            return [np.asarray(raw(x)) for x in tree_flatten(self.derived(*points))[0]]
        program = self.programs[way]
        if program is None:
            program = self.programs[way] = compile_program(program_of(self.derived, points)[0])
        return [np.asarray(x) for x in program(values)]
