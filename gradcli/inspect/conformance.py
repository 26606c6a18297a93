"""``ops --coverage`` and ``ops --check``: what the conformance table covers, and its checks computed now."""

from __future__ import annotations

from gradcli.conformance.run import outcome
from gradcli.conformance.table import coverage, coverage_named, rows_named
from gradcli.engine.settings import settings
from gradcli.inspect.results import ConformanceResult, ConformanceRow, CoverageResult


def coverage_of(match: str = "") -> CoverageResult:
    """What the table covers: of each namespace or, with a text, of each name that contains it."""
    rows = tuple(coverage_named(match) if match else coverage())
    return CoverageResult(target="", dtype=settings().precision, coverage=rows)


def conformance_of(match: str) -> ConformanceResult:
    """The rows whose name contains a text, checked."""
    found = (outcome(row) for row in rows_named(match))
    rows = tuple(ConformanceRow(name=str(o.row), checks=o.found) for o in found)
    return ConformanceResult(target="", dtype=settings().precision, rows=rows)
