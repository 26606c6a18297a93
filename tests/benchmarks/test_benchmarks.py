"""The benchmarks are fair: contenders of a row compute the same, and verdicts say what the figures say. No timings."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from tests.benchmarks import __main__ as program
from tests.benchmarks import report
from tests.benchmarks.measure import Budget, Call, Process, disagreement, measure
from tests.benchmarks.plan import plan
from tests.benchmarks.rows import Figures, Growth, Row, Sample, Scale, Target

SMALL = plan(Scale(limit=6))
TINY = Budget(seconds=0.0, repetitions=2, batch_seconds=1e-5)


@pytest.mark.oracle
@pytest.mark.parametrize(
    "row", [r for r in SMALL.rows if not r.name.startswith(("memory", "process"))], ids=lambda r: r.name
)
def test_contenders_agree(row: Row) -> None:
    pytest.importorskip("jax")
    pytest.importorskip("autograd")
    values = {peer: factory().value() for peer, factory in row.contenders.items()}
    assert len(values) >= 2 and disagreement(values, row.tolerance) == ""


@pytest.mark.oracle
def test_processes_agree() -> None:
    pytest.importorskip("jax")
    row = next(r for r in SMALL.rows if r.name == "process-file")
    values = {peer: factory().value() for peer, factory in row.contenders.items()}
    assert len(values["gradcli"]) == 3 and disagreement(values, row.tolerance) == ""


def test_names_are_unique_and_targets_have_their_contenders() -> None:
    names = [row.name for row in SMALL.rows]
    assert len(set(names)) == len(names)
    for growth in SMALL.growths:
        assert {growth.row, growth.base} <= set(names)
    for row in SMALL.rows:
        assert "gradcli" in row.contenders and row.targets


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ([1.0, 2.0], ""),
        ([1.0, 2.0 + 1e-12], ""),
        ([1.0, 2.1], "b and a differ by 5.0e-02"),
        ([1.0, np.nan], "differ by nan"),
        ([1.0], "other shapes"),
    ],
)
def test_disagreements_are_found(other: list[float], found: str) -> None:
    said = disagreement({"a": np.array([1.0, 2.0]), "b": np.array(other)}, 1e-9)
    assert said == found or (found and found in said)


def _sleeps(seconds: float, value: float = 1.0) -> Callable[[], Call]:
    def run() -> Any:
        end = perf_counter() + seconds
        while perf_counter() < end:
            pass
        return value

    return lambda: Call(run)


def _broken() -> Call:
    raise RuntimeError("no such thing\nand more")


def test_a_row_is_measured_and_judged() -> None:
    contenders = {"gradcli": _sleeps(1e-4), "numpy": _sleeps(1e-3), "jax": _broken, "autograd": _sleeps(1e-4, 2.0)}
    row = Row(
        "r", "us", contenders, (Target("numpy", 0.5), Target("numpy", 1e-3), Target("jax", 1.0), Target(None, 5e4))
    )
    line = report.line_of(row, measure(row, TINY))
    assert line.errors == {"jax": "RuntimeError: no such thing"}
    assert line.disagreement.startswith("autograd and gradcli differ by 1.0e+00")
    assert line.figures["gradcli"][0] >= 100 and set(line.figures) == {"gradcli", "numpy", "autograd"}
    assert [(j.against, j.verdict) for j in line.judged] == [
        ("numpy", "holds"), ("numpy", "misses"), ("limit", "holds"),
    ]  # fmt: skip
    assert "DISAGREE" in report.table_text(line) and "jax: RuntimeError" in report.table_text(line)


def test_minimum_and_median_must_agree() -> None:
    samples = {"gradcli": [Sample(1.0), Sample(9.0), Sample(9.0)], "numpy": [Sample(2.0)] * 3}
    row = Row("r", "s", {}, (Target("numpy", 1.0),), per=2)
    line = report.line_of(row, Figures(samples))
    assert line.figures == {"gradcli": (0.5, 4.5), "numpy": (1.0, 1.0)}
    assert line.judged[0].verdict == "unclear"


def test_a_row_that_gradcli_fails_misses_its_targets() -> None:
    row = Row("r", "s", {"gradcli": _broken, "numpy": _sleeps(1e-4)}, (Target("numpy", 1.0),))
    assert [j.verdict for j in report.line_of(row, measure(row, TINY)).judged] == ["misses"]


def test_growths_and_means() -> None:
    def line(name: str, **seconds: float) -> report.Line:
        return report.line_of(Row(name, "s", {}), Figures({p: [Sample(s)] for p, s in seconds.items()}))

    lines = {"a": line("a", gradcli=1.0, jax=2.0), "b": line("b", gradcli=8.0, jax=4.0)}
    grown = report.growth_line(Growth("g", "b", "a", (Target("jax", 1.0), Target(None, 9.0))), lines)
    assert grown.figures == {"gradcli": (8.0, 8.0), "jax": (2.0, 2.0)}
    assert [(j.ratio, j.verdict) for j in grown.judged] == [(4.0, "misses"), (8.0, "holds")]
    mean = report.group_line("all", (Target("jax", 1.0),), list(lines.values()))
    assert math.isclose(mean.judged[0].ratio, 1.0)


def test_a_process_is_measured_whole() -> None:
    import sys

    process = Process((sys.executable, "-c", "x = bytearray(50_000_000); print(1.5)"))
    assert process.value().tolist() == [1.5]
    sample = process.sample(1)
    assert sample.bytes is not None and 50_000_000 < sample.bytes < 500_000_000 and sample.seconds > 0
    with pytest.raises(RuntimeError, match="exit 3"):
        Process((sys.executable, "-c", "raise SystemExit(3)")).sample(1)


def test_the_program_lists_measures_and_writes_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--list", "--quick", "steady"]) == 0
    assert capsys.readouterr().out.split() == [
        f"steady-{n}" for n in ("product", "rosenbrock", "softplus", "chain-100")
    ]
    with pytest.raises(SystemExit):
        program.main(["no-such-row"])
    capsys.readouterr()
    assert program.main(["process-version", "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"][0]["name"] == "process-version" and found["rows"][0]["figures"]["gradcli"]["min"] > 0
