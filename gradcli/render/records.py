"""Results as JSON data, with exactly the keys that users may rely on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.inspect import results as r
from gradcli.render.numbers import to_data, to_json
from gradcli.render.sheets import sheet_of

SCHEMA = "gradcli/1"


def record_of(result: r.Result) -> dict[str, Any]:
    """One object: what every command has, then the command's own keys."""
    head = {"schema": SCHEMA, "command": result.command, "target": result.target, "dtype": result.dtype}
    body = {key: to_data(value) for key, value in _BODIES[type(result)](result).items()}
    return {**head, **body, "notes": list(result.notes)} if result.notes else {**head, **body}


def json_text(result: r.Result) -> str:
    """The object, indented."""
    return to_json(record_of(result)) + "\n"


def jsonl_text(result: r.Result) -> str:
    """One object a line: a sample, a check or a case each; for other commands the whole result on one line."""
    if isinstance(result, (r.CheckResult, r.RunResult, r.BatchResult)) or (
        isinstance(result, r.GradResult) and result.varied is not None
    ):
        return "".join(to_json(row, indent=None) + "\n" for row in _lines(result))
    return to_json(record_of(result), indent=None) + "\n"


def _lines(result: r.Result) -> list[dict[str, Any]]:
    if isinstance(result, r.CheckResult):
        return [to_data(_check_row(c)) for c in result.checks]
    if isinstance(result, r.RunResult):
        return [to_data(_case_row(c)) for c in result.cases]
    if isinstance(result, r.BatchResult) and result.reduce in ("none", "norm"):
        numbers = result.indices if result.indices is not None else range(len(result.values))
        return [
            to_data({"sample": n, "value": result.values[i], "gradients": _sample(result.gradients, i)})
            for i, n in enumerate(numbers)
        ]
    sheet = sheet_of(result, people=False)
    return [to_data(dict(zip(sheet.columns, row, strict=True))) for row in sheet.rows]


def _sample(tree: Any, i: int) -> Any:
    if isinstance(tree, dict):
        return {k: _sample(v, i) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_sample(v, i) for v in tree]
    return None if tree is None else np.asarray(tree)[i]


def _grad(x: r.GradResult) -> dict[str, Any]:
    body: dict[str, Any] = {"inputs": x.inputs}
    if x.varied is not None:
        body["varied"] = x.varied[0]
    if x.show_value:
        body["value"] = x.value
    if x.derivatives is not None:
        return {**body, "wrt": x.wrt, "derivatives": x.derivatives}
    return {**body, "gradients": x.gradients}


def _batch(x: r.BatchResult) -> dict[str, Any]:
    body = {"inputs": x.inputs, "over": x.over, "n": x.n, "reduce": x.reduce, "values": x.values}
    if x.indices is not None:
        body["indices"] = x.indices
    return {**body, "gradients": x.gradients}


def _jaxpr(x: r.JaxprResult) -> dict[str, Any]:
    equations = x.data["equations"]
    if x.values is not None:
        equations = [{**e, "values": values} for e, values in zip(equations, x.values, strict=True)]
    return {"of": x.of, "text": x.text, **x.data, "equations": equations}


def _check_row(c: r.Check) -> dict[str, Any]:
    row = {
        "argument": c.argument, "index": c.index, "order": c.order, "mode": c.mode, "derivative": c.derivative,
        "of": c.of, "ad": c.ad, "fd": c.fd, "abs_error": c.abs_error, "rel_error": c.rel_error, "step": c.step,
        "fd_error": c.fd_error, "verdict": c.verdict,
    }  # fmt: skip
    return {**row, "reason": c.reason} if c.reason else row


def _case_row(c: r.CaseResult) -> dict[str, Any]:
    row: dict[str, Any] = {"file": c.file, "name": c.name, "status": c.status, "seconds": round(c.seconds, 6)}
    if c.line is not None:
        row["line"] = c.line
    return {**row, "message": c.message} if c.message else row


_BODIES: dict[type, Callable[[Any], dict[str, Any]]] = {
    r.GradResult: _grad,
    r.JvpResult: lambda x: {
        "inputs": x.inputs, "tangents": x.tangents, "value": x.value, "tangent_out": x.tangent_out,
    },
    r.VjpResult: lambda x: {
        "inputs": x.inputs, "cotangent": x.cotangent, "value": x.value, "cotangents": x.cotangents,
    },
    r.MatrixResult: lambda x: {"inputs": x.inputs, "value": x.value, "mode": x.mode, "matrix": x.matrix},
    r.TaylorResult: lambda x: {"inputs": x.inputs, "wrt": x.wrt, "derivatives": x.derivatives},
    r.BatchResult: _batch,
    r.JaxprResult: _jaxpr,
    r.CheckResult: lambda x: {
        "inputs": x.inputs, "method": x.method, "verdict": x.verdict, "summary": x.summary,
        "checks": [_check_row(c) for c in x.checks],
    },
    r.TimeResult: lambda x: {
        "of": x.of, "equations": x.equations, "trace_ms": x.trace_ms, "differentiate_ms": x.differentiate_ms,
        "compile_ms": x.compile_ms, "first_ms": x.first_ms, "runs_ms": x.runs_ms,
    },
    r.RunResult: lambda x: {
        "passed": x.passed, "failed": x.failed, "errors": x.errors, "cases": [_case_row(c) for c in x.cases],
    },
    r.ListResult: lambda x: {
        "functions": [
            {"name": f.name, "signature": f.signature, "defaults": f.defaults, "doc": f.doc, "line": f.line}
            for f in x.functions
        ]
    },
    r.OpsResult: lambda x: {
        "ops": [
            {"name": o.name, "family": o.family, "jvp": o.jvp, "transpose": o.transpose, "batch": o.batch}
            for o in x.ops
        ]
    },
    r.CoverageResult: lambda x: {
        "coverage": [
            {"of": c.of, "names": c.names, "covered": c.covered, "rows": c.rows, "checked": c.checked,
             "excepted": c.excepted, "missing": list(c.missing), "why": c.why or None}
            for c in x.coverage
        ]
    },
    r.ConformanceResult: lambda x: {
        "failed": x.failed, "rows": [{"name": row.name, "checks": row.checks} for row in x.rows],
    },
    r.DoctorResult: lambda x: {
        "missing": x.missing,
        "names": [
            {"name": n.name, "lines": list(n.lines), "status": n.status, "nearest": n.nearest or None} for n in x.names
        ],
    },
    r.NamesResult: lambda x: {"names": [{"name": n.name, "status": n.status} for n in x.names]},
}  # fmt: skip
