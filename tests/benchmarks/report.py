"""From figures to verdicts, and from verdicts to a table or JSON."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any, Literal

from tests.benchmarks.rows import OURS, UNITS, Figures, Growth, Plan, Quantity, Row, Sample, Target

Verdict = Literal["holds", "misses", "unclear", "-"]
Reduce = Callable[[Sequence[float]], float]


@dataclass(frozen=True)
class Judged:
    """A target and how it came out. ratio: gradcli's figure over the peer's (or over the limit), by the minima."""

    against: str
    quantity: str
    at_most: float
    ratio: float
    ratio_median: float

    @property
    def verdict(self) -> Verdict:
        """``unclear`` where minima and medians say different things."""
        if math.isnan(self.ratio):
            return "-"
        both = {self.ratio <= self.at_most, self.ratio_median <= self.at_most}
        return "unclear" if len(both) == 2 else "holds" if True in both else "misses"


@dataclass(frozen=True)
class Line:
    """A line of the report. figures: minimum and median by contender, in ``unit``; memory: peak in bytes."""

    name: str
    unit: str
    figures: Mapping[str, tuple[float, float]]
    memory: Mapping[str, int]
    judged: tuple[Judged, ...]
    errors: Mapping[str, str]
    disagreement: str = ""


def line_of(row: Row, figures: Figures) -> Line:
    """The figures of a row in its unit, and its targets judged."""
    quantity: Quantity = "bytes" if row.unit == "MiB" else "seconds"
    scale = UNITS[row.unit] * row.per
    shown = {
        peer: (min(xs) / scale, median(xs) / scale)
        for peer, samples in figures.samples.items()
        if peer not in figures.errors and (xs := _of(samples, quantity))
    }
    memory = {p: max(int(x) for x in xs) for p, s in figures.samples.items() if (xs := _of(s, "bytes"))}
    judged = tuple(
        j for t in row.targets if (j := _judge_row(t, figures, 1.0 if t.peer else scale)) is not None
    )  # fmt: skip
    return Line(row.name, row.unit, shown, memory, judged, figures.errors, figures.disagreement)


def _of(samples: Sequence[Sample], quantity: Quantity) -> list[float]:
    return [float(x) for s in samples if (x := getattr(s, quantity)) is not None]


def _judge_row(target: Target, figures: Figures, scale: float) -> Judged | None:
    ours = _of(figures.samples.get(OURS, []) if OURS not in figures.errors else [], target.quantity)
    theirs = [scale] if target.peer is None else _of(figures.samples.get(target.peer, []), target.quantity)
    if not theirs or (target.peer in figures.errors):
        return None
    if not ours:
        return Judged(target.peer or "limit", target.quantity, target.at_most, math.inf, math.inf)
    ratios = min(ours) / min(theirs), median(ours) / median(theirs)
    return Judged(target.peer or "limit", target.quantity, target.at_most, *ratios)


def growth_line(growth: Growth, lines: Mapping[str, Line]) -> Line:
    """How a figure grows from one row to another, for each contender."""
    over, under = lines[growth.row], lines[growth.base]
    factor = UNITS[over.unit] / UNITS[under.unit] if over.unit in UNITS else 1.0  # type: ignore[index]
    shown = {
        peer: (factor * a[0] / under.figures[peer][0], factor * a[1] / under.figures[peer][1])
        for peer, a in over.figures.items() if peer in under.figures
    }  # fmt: skip
    judged = []
    for target in growth.targets:
        ours = shown.get(OURS, (math.inf, math.inf))
        theirs = (1.0, 1.0) if target.peer is None else shown.get(target.peer)
        if theirs is not None:
            name = target.peer or "limit"
            judged.append(Judged(name, "growth", target.at_most, ours[0] / theirs[0], ours[1] / theirs[1]))
    return Line(growth.name, "x", shown, {}, tuple(judged), {})


def group_line(name: str, targets: Sequence[Target], rows: Sequence[Line]) -> Line:
    """The geometric mean of the ratios of a group's rows to each peer of its targets."""
    judged, shown = [], {OURS: (1.0, 1.0)}
    for target in targets:
        peer = target.peer or OURS
        pairs = [(r.figures[OURS], r.figures[peer]) for r in rows if OURS in r.figures and peer in r.figures]
        if pairs:
            ratios = [_mean([a[i] / b[i] for a, b in pairs]) for i in (0, 1)]
            shown[peer] = (1 / ratios[0], 1 / ratios[1])
            judged.append(Judged(peer, f"mean of {len(pairs)}", target.at_most, *ratios))
    return Line(f"{name} (geometric mean)", "x", shown, {}, tuple(judged), {})


def _mean(ratios: Sequence[float]) -> float:
    return math.exp(math.fsum(map(math.log, ratios)) / len(ratios))


def summary_lines(plan: Plan, lines: Mapping[str, Line]) -> list[Line]:
    """The lines that are made from several rows."""
    growths = [growth_line(g, lines) for g in plan.growths]
    groups = [
        group_line(g.name, g.targets, [lines[r.name] for r in plan.rows if r.group == g.name]) for g in plan.groups
    ]
    return growths + groups


# --- text ---------------------------------------------------------------------------------------------------------

COLUMNS = ("row", "gradcli", "peers", "ratio", "target", "")
WIDTHS = (30, 14, 62, 24, 9, 8)


def table_header() -> str:
    """The head of the table."""
    return _cells(COLUMNS) + "\n" + "─" * sum(WIDTHS)


def table_text(line: Line) -> str:
    """One line for each target of a row; errors and disagreements below it."""
    ours = _figure(line, OURS)
    peers = ", ".join(f"{peer} {_figure(line, peer)}" for peer in line.figures if peer != OURS)
    rows = [(line.name, ours, peers)] + [("", "", "")] * (len(line.judged) - 1)
    out = []
    for left, j in zip(rows, line.judged or (None,), strict=False):
        right = (
            ("", "", "")
            if j is None
            else (f"{_short(j.ratio)} × {j.against}{_what(j)}", f"≤ {j.at_most:.3g}", j.verdict)
        )
        out.append(_cells((*left, *right)))
    out += [f"    {peer}: {error}" for peer, error in line.errors.items()]
    return "\n".join(out + ([f"    DISAGREE: {line.disagreement}"] if line.disagreement else []))


def _what(j: Judged) -> str:
    return " memory" if j.quantity == "bytes" else ""


def _figure(line: Line, peer: str) -> str:
    if peer not in line.figures:
        return "failed" if peer in line.errors else "-"
    low, _ = line.figures[peer]
    memory = f" {line.memory[peer] / 2**20:.0f}MiB" if peer in line.memory and line.unit != "MiB" else ""
    return f"{_short(low)}{'' if line.unit == 'x' else line.unit}{memory}"


def _short(x: float) -> str:
    return f"{x:.0f}" if 1_000 <= x < 1e7 else f"{x:.3g}"


def _cells(cells: Sequence[str]) -> str:
    return "".join(c.ljust(w - 1) + " " for c, w in zip(cells, WIDTHS, strict=True)).rstrip()


# --- JSON ---------------------------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    versions = {}
    for package in ("numpy", "jax", "autograd", "torch", "typer"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version(), **versions}


def json_text(lines: Sequence[Line]) -> str:
    """Everything, for programs."""
    rows = []
    for line in lines:
        row = asdict(line) | {"judged": [asdict(j) | {"verdict": j.verdict} for j in line.judged]}
        row["figures"] = {peer: {"min": a, "median": b} for peer, (a, b) in line.figures.items()}
        rows.append(row)
    return json.dumps({"schema": "gradcli-benchmarks/1", "machine": machine(), "rows": _finite(rows)}, indent=1)


def _finite(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {k: _finite(v) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_finite(v) for v in tree]
    return str(tree) if isinstance(tree, float) and not math.isfinite(tree) else tree
