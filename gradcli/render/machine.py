"""Formats for programs and pipes: plain (tab-separated), CSV, Markdown, and bare numbers. Nothing is shortened."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np

from gradcli.inspect import results as r
from gradcli.render.numbers import elements, leaves, number_text, to_data, to_json
from gradcli.render.sheets import blocks, grid, sheet_of


def cell_text(x: Any) -> str:
    """A cell on one line: numbers as the shortest text that gives them back, arrays as JSON."""
    if isinstance(x, str):
        return x
    if isinstance(x, np.ndarray) and x.ndim or isinstance(x, (dict, list, tuple)):
        return to_json(to_data(x), indent=None)
    return "" if x is None else number_text(x[()] if isinstance(x, np.ndarray) else x)


def plain_text(result: r.Result) -> str:
    """A header and tab-separated rows; for a program, its text."""
    if isinstance(result, r.JaxprResult):
        return jaxpr_plain(result)
    sheet = sheet_of(result, people=False)
    rows = [sheet.columns, *([_flat(cell_text(c)) for c in row] for row in sheet.rows)]
    return "".join("\t".join(row) + "\n" for row in rows)


def _flat(text: str) -> str:
    return text.replace("\t", " ").replace("\n", " ")


def jaxpr_plain(result: r.JaxprResult) -> str:
    """The program, and below it what each equation computes, where that was asked for."""
    if result.values is None:
        return result.text + "\n"
    lines = [
        f"{' '.join(e['outputs'])} = {' '.join(values)}"
        for e, values in zip(result.data["equations"], result.values, strict=True)
    ]
    return "\n".join([result.text, "", *lines]) + "\n"


def csv_text(result: r.Result) -> str:
    """RFC 4180 with plain newlines."""
    sheet = sheet_of(result, people=False)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(sheet.columns)
    writer.writerows([cell_text(c) for c in row] for row in sheet.rows)
    return out.getvalue()


def markdown_text(result: r.Result) -> str:
    """A GitHub table; for a program, a code block."""
    if isinstance(result, r.JaxprResult):
        return f"```\n{jaxpr_plain(result)}```\n"
    sheet = sheet_of(result, people=False)
    numeric = [
        bool(sheet.rows) and all(isinstance(row[i], (int, float, complex, np.generic)) for row in sheet.rows)
        for i in range(len(sheet.columns))
    ]
    rows = [[_escaped(cell_text(c)) for c in row] for row in sheet.rows]
    head = [_escaped(c) for c in sheet.columns]
    rule = ["---:" if right else "---" for right in numeric]
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, rule, *rows)]
    title = f"**{_escaped(sheet.title)}**\n\n" if sheet.title else ""
    return title + "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return _flat(text).replace("|", "\\|")


def quiet_text(result: r.Result) -> str:
    """Bare numbers: the main result, a line each; the elements of a vector on one line, of a matrix on a line a row."""
    return "".join(line + "\n" for value in _main(result) for line in _number_lines(value))


def _main(result: r.Result) -> list[Any]:
    match result:
        case r.GradResult(derivatives=tuple(ds)):
            return [ds[-1]]
        case r.GradResult(gradients=gradients):
            return list((gradients or {}).values())
        case r.JvpResult():
            return [result.tangent_out]
        case r.VjpResult():
            return list(result.cotangents.values())
        case r.MatrixResult():
            whole = grid(result)
            return [whole[2]] if whole is not None else [block for _, block in blocks(result)]
        case r.TaylorResult():
            return list(result.derivatives)
        case r.BatchResult():
            return list(result.gradients.values())
        case r.TimeResult():
            return list(result.runs_ms)
        case r.CheckResult() | r.RunResult():
            return []
        case r.JaxprResult():
            return [result.text]
        case r.ListResult():
            return [f.name for f in result.functions]
        case r.OpsResult():
            return [o.name for o in result.ops]
        case r.CoverageResult():
            return [f"{c.of}.{name}" for c in result.coverage for name in c.missing]
        case r.ConformanceResult():
            return [row.name for row in result.rows if row.wrong]
        case r.DoctorResult():
            return [n.name for n in result.names if n.status in ("no", "not installed")]
        case r.NamesResult():
            return [n.name for n in result.names if n.status == "yes"]
    raise TypeError(type(result).__name__)


def _number_lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, np.ndarray) and value.ndim > 1:
        return [" ".join(number_text(x) for x in row) for row in value.reshape(-1, value.shape[-1])]
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return [" ".join(number_text(x) for x in value)]
    if isinstance(value, (dict, list, tuple)):
        return [number_text(x) for _, x in elements("", value) if x is not None]
    return [number_text(value)]


def arrays_of(result: r.Result) -> dict[str, Any]:
    """The numeric results as named arrays, for .npy and .npz files."""
    match result:
        case r.GradResult(derivatives=tuple(ds)):
            return {"derivatives": np.asarray(ds)}
        case r.GradResult():
            return {"value": np.asarray(result.value), **_named(result.gradients or {})}
        case r.JvpResult():
            return _named({"tangent_out": result.tangent_out})
        case r.VjpResult():
            return _named(result.cotangents)
        case r.MatrixResult():
            return {label: np.asarray(block) for label, block in blocks(result)}
        case r.TaylorResult():
            return {"derivatives": np.asarray(result.derivatives)}
        case r.BatchResult():
            return {"value": np.asarray(result.values), **_named(result.gradients)}
        case r.TimeResult():
            return {"runs_ms": np.asarray(result.runs_ms)}
        case r.CheckResult():
            return {key: np.asarray([getattr(c, key) for c in result.checks]) for key in ("ad", "fd", "step")}
    return {}


def _named(values: r.Values) -> dict[str, Any]:
    return {name: np.asarray(leaf) for label, value in values.items() for name, leaf in leaves(label, value)}
