"""``list`` and ``ops``: what there is."""

from __future__ import annotations

from gradcli.engine import api
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.settings import settings
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
