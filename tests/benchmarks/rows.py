"""What a benchmark is, as data: rows of contenders that do the same work, and targets over their figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

OURS = "gradcli"
Quantity = Literal["seconds", "bytes"]
Unit = Literal["s", "ms", "us", "ns", "MiB", "x"]
UNITS: Mapping[str, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "MiB": 2.0**20, "x": 1.0}


@dataclass(frozen=True)
class Sample:
    """One measured execution: how long one call took, and the memory it reached where that was measured."""

    seconds: float
    bytes: int | None = None


class Subject(Protocol):
    """A contender ready to run."""

    def value(self) -> Any:
        """What it computes, as numbers that can be compared between contenders."""

    def sample(self, calls: int) -> Sample:
        """Measures that many calls, as the mean of one."""


Factory = Callable[[], Subject]


@dataclass(frozen=True)
class Target:
    """gradcli's figure is at most ``at_most`` times ``peer``'s; of no peer: at most ``at_most`` in the row's unit."""

    peer: str | None
    at_most: float
    quantity: Quantity = "seconds"


@dataclass(frozen=True)
class Row:
    """The same work by several contenders.

    per: figures are shown per this many operations or elements. once: a call can only be timed once (a first call), so
    each repetition makes its subject anew. tolerance: how far results may differ, relative to the largest of them;
    None where they are not comparable (texts). group: rows that share targets on the geometric mean of their ratios.
    """

    name: str
    unit: Unit
    contenders: Mapping[str, Factory]
    targets: tuple[Target, ...] = ()
    per: int = 1
    once: bool = False
    tolerance: float | None = 1e-9
    group: str = ""
    heavy: bool = False  # left out by --quick


@dataclass(frozen=True)
class Growth:
    """A figure made from two rows: how much longer ``row`` takes than ``base``, for each contender of both."""

    name: str
    row: str
    base: str
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Group:
    """Targets on the geometric mean of the ratios of all rows of a group."""

    name: str
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Plan:
    """Everything there is to measure."""

    rows: tuple[Row, ...]
    growths: tuple[Growth, ...] = ()
    groups: tuple[Group, ...] = ()

    def __add__(self, other: Plan) -> Plan:
        return Plan(self.rows + other.rows, self.growths + other.growths, self.groups + other.groups)

    def select(self, words: tuple[str, ...], quick: bool) -> Plan:
        """The rows whose name or group begins with one of the words (all, for none), and what can be said of them."""
        rows = tuple(
            row for row in self.rows
            if (not words or any(row.name.startswith(w) or row.group.startswith(w) for w in words))
            and not (quick and row.heavy)
        )  # fmt: skip
        names, groups = {r.name for r in rows}, {r.group for r in rows}
        growths = tuple(g for g in self.growths if {g.row, g.base} <= names)
        return Plan(rows, growths, tuple(g for g in self.groups if g.name in groups))


@dataclass(frozen=True)
class Scale:
    """How large the work is. ``limit`` caps every size: the test that contenders agree needs small ones only."""

    limit: int | None = None

    def size(self, nominal: int) -> int:
        """The size to use for a nominal one."""
        return nominal if self.limit is None else min(nominal, self.limit)


@dataclass
class Figures:
    """The samples of each contender of a row, and what went wrong instead."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    disagreement: str = ""
