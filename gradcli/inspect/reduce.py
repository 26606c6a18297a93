"""What is kept of a batch: every sample's gradient, norms, a mean or sum, the largest few. Fed chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from gradcli.engine.array import is_value
from gradcli.engine.errors import fail
from gradcli.engine.tree import tree_flatten, tree_map
from gradcli.inspect.problem import Problem
from gradcli.inspect.results import Values
from gradcli.inspect.stream import Evaluated

REDUCTIONS = ("none", "norm", "mean", "sum")


class Keeper(Protocol):
    """Takes the chunks in order and holds what is to be kept of them."""

    def take(self, found: Evaluated) -> None:
        """The next chunk."""

    def values(self) -> Any:
        """The values of the samples kept."""

    def gradients(self) -> tuple[Any, ...]:
        """For each chosen leaf what was kept: with a leading axis of samples, or reduced over them."""


@dataclass
class Everything:
    """Every sample."""

    found: list[Evaluated] = field(default_factory=list)

    def take(self, found: Evaluated) -> None:
        self.found.append(found)

    def values(self) -> Any:
        return np.concatenate([f.values for f in self.found])

    def gradients(self) -> tuple[Any, ...]:
        return tuple(np.concatenate(parts) for parts in zip(*(f.gradients for f in self.found), strict=True))


@dataclass(frozen=True)
class Sums:
    """Sums of gradients over the first ``count`` samples."""

    count: int = 0
    sums: tuple[Any, ...] = ()

    def plus(self, found: Evaluated) -> Sums:
        """With the next chunk's."""
        new = tuple(np.sum(g, axis=0) for g in found.gradients)
        sums = tuple(a + b for a, b in zip(self.sums, new, strict=True)) if self.count else new
        return Sums(self.count + len(found.chunk), sums)

    def reduced(self, mean: bool) -> tuple[Any, ...]:
        """The sums, or the means."""
        return tuple((s / s.dtype.type(self.count) if mean else s)[()] for s in self.sums)


@dataclass
class Totals:
    """Sums or means over the samples. The values of all samples are kept."""

    mean: bool
    so_far: Sums = field(default_factory=Sums)
    found: list[Any] = field(default_factory=list)

    def take(self, found: Evaluated) -> None:
        self.found.append(found.values)
        self.so_far = self.so_far.plus(found)

    def values(self) -> Any:
        return np.concatenate(self.found)

    def gradients(self) -> tuple[Any, ...]:
        return self.so_far.reduced(self.mean)


@dataclass
class Largest:
    """The samples with the largest gradient norms, NaN first of all: they are what one looks for."""

    count: int
    kept: Evaluated | None = None
    indices: tuple[int, ...] = ()

    def take(self, found: Evaluated) -> None:
        numbers = [*self.indices, *range(found.chunk.start, found.chunk.stop)]
        values, gradients = found.values, found.gradients
        if self.kept is not None:
            values = np.concatenate([self.kept.values, values])
            gradients = tuple(np.concatenate(pair) for pair in zip(self.kept.gradients, gradients, strict=True))
        sizes = norms(gradients)
        order = np.argsort(np.where(np.isnan(sizes), -np.inf, -sizes), kind="stable")[: self.count]
        self.indices = tuple(numbers[int(i)] for i in order)
        self.kept = Evaluated(found.chunk, values[order], tuple(g[order] for g in gradients))

    def values(self) -> Any:
        assert self.kept is not None
        return self.kept.values

    def gradients(self) -> tuple[Any, ...]:
        assert self.kept is not None
        return self.kept.gradients


def keeper(reduce: str, top: int | None) -> Keeper:
    """What to keep for these options. Raises G101 where they do not go together."""
    if reduce not in REDUCTIONS:
        raise fail("G101", f"--reduce {reduce!r}", hint=f"choose among {', '.join(REDUCTIONS)}")
    if top is not None and reduce in ("mean", "sum"):
        raise fail("G101", f"--top picks samples and --reduce {reduce} leaves none", hint="leave one of them out")
    if top is not None:
        return Largest(max(top, 0))
    return Totals(reduce == "mean") if reduce in ("mean", "sum") else Everything()


def norms(gradients: Sequence[Any]) -> Any:
    """One norm a sample, over all of these gradients; without overflow or underflow of the squares."""
    rows = [np.abs(g.reshape(len(g), -1)) for g in gradients]
    largest = np.max([np.max(row, axis=1, initial=0) for row in rows], axis=0)
    usual = np.isfinite(largest) & (largest > 0)
    scale = np.where(usual, np.exp2(np.floor(np.log2(np.where(usual, largest, 1)))), 1).astype(largest.dtype)
    return scale * np.sqrt(sum(np.sum((row / scale[:, None]) ** 2, axis=1) for row in rows))


def labelled(problem: Problem, gradients: Sequence[Any], reduce: str) -> Values:
    """Gradients of the chosen leaves as values by label; with ``norm``, one norm a label and sample."""
    trees = problem.by_label(gradients)
    if reduce != "norm":
        return {label: tree_map(lambda g: g, tree) for label, tree in trees.items()}
    return {label: norms([g for g in tree_flatten(tree)[0] if is_value(g)]) for label, tree in trees.items()}
