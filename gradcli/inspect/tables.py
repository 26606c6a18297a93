"""``list`` and ``ops``: what there is, and what is checked of it."""

from __future__ import annotations

from gradcli.engine import api
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.settings import settings
from gradcli.inspect import results as r
from gradcli.inspect.results import FunctionRow, ListResult, OpRow, OpsResult
from gradcli.sources.target import list_functions

_ = api  # importing the API defines every primitive


def list_of(file: str) -> ListResult:
    """The functions of a file, which is read and not run."""
    rows = tuple(FunctionRow(name=f.name, signature=f.signature, defaults=dict(f.defaults), doc=f.doc, line=f.line)
                 for f in list_functions(file))  # fmt: skip
    return ListResult(target=file, dtype=settings().precision, functions=rows)


def ops_of(match: str = "") -> OpsResult:
    """The primitives whose name contains ``match``, in alphabetical order."""
    rows = tuple(
        OpRow(
            name=name, family=p.family, jvp=p.jvp is not None, transpose=p.transpose is not None,
            batch=p.batch is not None,
        )
        for name, p in sorted(REGISTRY.items())
        if match in name
    )  # fmt: skip
    return OpsResult(target="", dtype=settings().precision, ops=rows)


def coverage_of(match: str = "") -> r.CoverageResult:
    """What the conformance table covers: of each namespace or, with a text, of each name that contains it."""
    from gradcli.conformance.table import coverage, coverage_named

    rows = tuple(coverage_named(match) if match else coverage())
    return r.CoverageResult(target="", dtype=settings().precision, coverage=rows)


def conformance_of(match: str) -> r.ConformanceResult:
    """The rows of the conformance table whose name contains a text, checked now."""
    from gradcli.conformance.run import outcome
    from gradcli.conformance.table import rows_named

    found = (outcome(row) for row in rows_named(match))
    rows = tuple(r.ConformanceRow(name=str(o.row), checks=o.found) for o in found)
    return r.ConformanceResult(target="", dtype=settings().precision, rows=rows)
