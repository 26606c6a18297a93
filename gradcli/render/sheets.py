"""Results as sheets: a title, columns and rows of raw values. Tables, plain text, CSV and Markdown are made of them.

``sheet_of`` has two forms: *for people*, one row a quantity and arrays in one cell; *for machines*, one row a number,
so that nothing is ever shortened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from gradcli.engine.record import record
from gradcli.inspect import results as r
from gradcli.render.numbers import elements, leaves, shown

Row = tuple[Any, ...]


@record
class Sheet:
    """A table before it is drawn. ``footer`` stands below; ``marks`` names a row's style (``fail``, ``kink`` …)."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    footer: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


def sheet_of(result: r.Result, people: bool) -> Sheet:
    """The sheet of a result."""
    return _SHEETS[type(result)](result, people)


def title_of(result: r.Result, inputs: r.Values | None = None) -> str:
    """``file.py:f(x=1.0, y=2.0)  float64``."""
    if inputs is None:
        return f"{result.target}  {result.dtype}".strip()
    args = ", ".join(f"{name}={_brief(value)}" for name, value in inputs.items())
    simple = all(c.isalnum() or c in "._/:-" for c in result.target)
    return f"{result.target}({args})  {result.dtype}" if simple else f"{result.target} at {args}  {result.dtype}"


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray) and (value.size > 4 or value.ndim > 1):
        return f"{value.dtype.name}[{','.join(map(str, value.shape))}]"
    text = shown(value, 4)[0].replace("\n", "")
    if isinstance(value, (dict, list, tuple)):
        return f"{{{text}}}" if len(text) < 40 else f"{{{len(list(leaves('', value)))} leaves}}"
    return text if len(text) < 40 else text[:37] + "…"


def _rows(pairs: Iterable[tuple[str, Any]], people: bool) -> list[Row]:
    split = leaves if people else elements
    return [row for label, value in pairs for row in split(label, value) if row[1] is not None]


def _name(result: r.Result) -> str:
    tail = result.target.rpartition(":")[2]
    return tail if tail.isidentifier() else "f"


def derivative_label(name: str, wrt: str, order: int) -> str:
    """``df/dx``, ``d²f/dx²`` as ``d2f/dx2``."""
    if order == 0:
        return name
    return f"d{name}/d{wrt}" if order == 1 else f"d{order}{name}/d{wrt}{order}"


def _grad(x: r.GradResult, people: bool) -> Sheet:
    if x.varied is not None:
        return _varied(x, people)
    name = _name(x)
    if x.derivatives is not None:
        pairs = [(derivative_label(name, x.wrt, k), d) for k, d in enumerate(x.derivatives)]
        pairs = pairs if x.show_value else pairs[1:]
    else:
        pairs = [(name, x.value)] if x.show_value else []
        pairs += [(f"d{name}/d{label}", g) for label, g in (x.gradients or {}).items()]
    return Sheet(title_of(x, x.inputs), ("quantity", "value"), tuple(_rows(pairs, people)))


def _varied(x: r.GradResult, people: bool) -> Sheet:
    assert x.varied is not None
    name, points = x.varied
    f = _name(x)
    columns: list[tuple[str, Any]] = [(name, points)]
    if x.derivatives is not None:
        columns += [(derivative_label(f, x.wrt, k), d) for k, d in enumerate(x.derivatives) if k or x.show_value]
    else:
        columns += [(f, x.value)] if x.show_value else []
        columns += [(f"d{f}/d{label}", g) for label, g in (x.gradients or {}).items()]
    return _columns(title_of(x), columns, people)


def _columns(title: str, columns: Iterable[tuple[str, Any]], people: bool, footer: tuple[str, ...] = ()) -> Sheet:
    """Values with one leading axis of samples, a column each; for machines one column a number."""
    flat: list[tuple[str, Any]] = []
    for label, value in columns:
        for name, leaf in leaves(label, value):
            array = np.asarray(leaf)
            if people or array.ndim < 2:
                flat.append((name, array))
            else:
                for index in np.ndindex(array.shape[1:]):
                    flat.append((f"{name}[{','.join(map(str, index))}]", array[(slice(None), *index)]))
    rows = tuple(zip(*(list(array) for _, array in flat), strict=True))
    return Sheet(title, tuple(name for name, _ in flat), rows, footer)


def _jvp(x: r.JvpResult, people: bool) -> Sheet:
    name = _name(x)
    pairs = [(name, x.value), (f"d{name} along the tangent", x.tangent_out)]
    along = tuple(f"tangent of {label}: {shown(t, 6)[0]}" for label, t in x.tangents.items())
    return Sheet(title_of(x, x.inputs), ("quantity", "value"), tuple(_rows(pairs, people)), along if people else ())


def _vjp(x: r.VjpResult, people: bool) -> Sheet:
    pairs = [(_name(x), x.value), *((f"cotangent of {label}", c) for label, c in x.cotangents.items())]
    given = (f"cotangent of the output: {shown(x.cotangent, 6)[0]}",) if people else ()
    return Sheet(title_of(x, x.inputs), ("quantity", "value"), tuple(_rows(pairs, people)), given)


def blocks(x: r.MatrixResult) -> list[tuple[str, Any]]:
    """The blocks of a Jacobian (one an argument) or Hessian (one a pair of arguments) with their labels."""
    name = _name(x)
    if x.kind == "jacobian":
        whole = x.matrix if len(x.wrt) > 1 else {x.wrt[0]: x.matrix}
        return [(f"d{name}{out}/d{a}", block) for a in x.wrt for out, block in leaves("", whole[a])]
    return [
        (f"d2{name}/d{a}2" if a == b else f"d2{name}/d{a}d{b}", block)
        for (a, b), block in _pairs(x).items()
    ]  # fmt: skip


def _pairs(x: r.MatrixResult) -> dict[tuple[str, str], Any]:
    whole = x.matrix if len(x.wrt) > 1 else {x.wrt[0]: {x.wrt[0]: x.matrix}}
    return {(a, b): whole[a][b] for a in x.wrt for b in x.wrt}


def _matrix(x: r.MatrixResult, people: bool) -> Sheet:
    footer = (f"{x.kind}, {x.mode}",) if people else ()
    whole = grid(x)
    if whole is not None and (not people or max(whole[2].shape[1], whole[2].shape[0] // 4) <= 10):
        rows_named, columns_named, matrix = whole
        corner = f"d{_name(x)}" if x.kind == "jacobian" else f"d2{_name(x)}"
        rows = tuple((label, *row) for label, row in zip(rows_named, matrix, strict=True))
        return Sheet(title_of(x, x.inputs), (corner, *columns_named), rows, footer)
    return Sheet(title_of(x, x.inputs), ("quantity", "value"), tuple(_rows(blocks(x), people)), footer)


def grid(x: r.MatrixResult) -> tuple[list[str], list[str], Any] | None:
    """All blocks as one matrix with labels of rows and columns, where arguments and output are vectors or scalars."""
    if x.kind == "hessian":
        pairs = _pairs(x)
        sizes = {a: _side(pairs[a, a], 2) for a in x.wrt}
        if None in sizes.values():
            return None
        rows = [[np.reshape(pairs[a, b], (sizes[a] or 1, sizes[b] or 1)) for b in x.wrt] for a in x.wrt]
        labels = [label for a in x.wrt for label in _places(a, np.shape(pairs[a, a])[:1])]
        return labels, [f"d{label}" for label in labels], np.block(rows)
    if not isinstance(x.value, (np.ndarray, np.generic, float, complex)) or np.ndim(x.value) > 1:
        return None
    out = np.shape(x.value)
    whole = x.matrix if len(x.wrt) > 1 else {x.wrt[0]: x.matrix}
    if any(np.ndim(whole[a]) - len(out) > 1 for a in x.wrt):
        return None
    columns = [label for a in x.wrt for label in _places(f"d{a}", np.shape(whole[a])[len(out) :])]
    matrix = np.hstack([np.reshape(whole[a], (out[0] if out else 1, -1)) for a in x.wrt])
    return _places(_name(x), out), columns, matrix


def _side(block: Any, ndim: int) -> int | None:
    """The length of the side of a square block; 1 for a scalar, None for anything larger."""
    shape = np.shape(block)
    return None if len(shape) > ndim else shape[0] if shape else 1


def _places(label: str, shape: tuple[int, ...]) -> list[str]:
    return [f"{label}[{i}]" for i in range(shape[0])] if shape else [label]


def _taylor(x: r.TaylorResult, people: bool) -> Sheet:
    name = _name(x)
    pairs = [(derivative_label(name, x.wrt, k), d) for k, d in enumerate(x.derivatives)]
    return Sheet(title_of(x, x.inputs), ("quantity", "value"), tuple(_rows(pairs, people)))


def _batch(x: r.BatchResult, people: bool) -> Sheet:
    name, how = _name(x), {"none": "", "norm": "norm of ", "mean": "mean of ", "sum": "sum of "}[x.reduce]
    pairs = [(f"{how}d{name}/d{label}", g) for label, g in x.gradients.items()]
    title = f"{title_of(x)}  {x.n} samples of {', '.join(x.over)}"
    if x.reduce in ("mean", "sum"):
        over = np.mean if x.reduce == "mean" else np.sum
        return Sheet(title, ("quantity", "value"), tuple(_rows([(f"{how}{name}", over(x.values)[()]), *pairs], people)))
    numbers = np.asarray(x.indices if x.indices is not None else range(len(x.values)))
    inputs = [(label, x.inputs[label]) for label in x.over if _is_column(x.inputs.get(label), x.n)]
    shown_inputs = [(label, np.asarray(value)[numbers]) for label, value in inputs]
    return _columns(title, [("sample", numbers), *shown_inputs, (name, x.values), *pairs], people)


def _is_column(value: Any, n: int) -> bool:
    return isinstance(value, np.ndarray) and value.shape == (n,)


def _check(x: r.CheckResult, people: bool) -> Sheet:
    return _check_people(x) if people else _check_machine(x)


def _by(c: r.Check) -> str:
    return c.argument + (f"[{','.join(map(str, c.index))}]" if c.index else "")


def _check_people(x: r.CheckResult) -> Sheet:
    """The derivative's name says what was differenced, and along what; reasons stand below."""
    columns = ("derivative", "mode", "AD", "FD", "abs err", "rel err", "step", "verdict")
    rows: list[Row] = []
    reasons: dict[str, None] = {}
    for c in x.checks:
        errors = (f"{v:.1e}" for v in (c.abs_error, c.rel_error, c.step))
        rows.append((c.derivative, c.mode, f"{c.ad:.8g}", f"{c.fd:.8g}", *errors, c.verdict))
        if c.reason:
            reasons[f"{c.derivative}: {c.verdict}: {c.reason}"] = None
    how = "complex step" if x.method == "complex" else "difference quotient"
    lower = " of the derivative one order lower" if any(c.order > 1 for c in x.checks) else ""
    footer = (f"AD: automatic; FD: {how}{lower}", *reasons, x.summary)
    return Sheet(title_of(x, x.inputs), columns, tuple(rows), footer, tuple(c.verdict for c in x.checks))


def _check_machine(x: r.CheckResult) -> Sheet:
    columns = (
        "order", "mode", "of", "by", "AD", "FD", "abs error", "rel error", "FD step", "FD error", "verdict", "reason",
    )  # fmt: skip
    rows = tuple(
        (c.order, c.mode, c.of, _by(c), c.ad, c.fd, c.abs_error, c.rel_error, c.step, c.fd_error, c.verdict, c.reason)
        for c in x.checks
    )
    return Sheet(title_of(x, x.inputs), columns, rows)


def _time(x: r.TimeResult, people: bool) -> Sheet:
    rows: list[Row] = [
        ("trace", x.trace_ms), ("differentiate", x.differentiate_ms), ("compile", x.compile_ms),
        ("first run", x.first_ms), *((f"run {i}", ms) for i, ms in enumerate(x.runs_ms, start=1)),
    ]  # fmt: skip
    if people:
        rows = [(stage, f"{ms:.3f}") for stage, ms in rows]
    footer = (f"{x.of}: {x.equations} equations",) if people else ()
    return Sheet(title_of(x), ("stage", "ms"), tuple(rows), footer)


def _run(x: r.RunResult, people: bool) -> Sheet:
    said = 4 if not people or any(c.message for c in x.cases) else 3
    rows = tuple((c.status, c.file, c.name, c.message)[:said] for c in x.cases)
    marks = tuple({"passed": "pass", "failed": "fail"}.get(c.status, "fail") for c in x.cases)
    columns = ("status", "spec", "case", "message")[:said]
    return Sheet("", columns, rows, (x.summary,) if people else (), marks)


def _list(x: r.ListResult, people: bool) -> Sheet:
    rows = tuple((f.name + f.signature, "" if f.line is None else f.line, f.doc) for f in x.functions)
    return Sheet(x.target, ("function", "line", "about"), rows)


def _ops(x: r.OpsResult, people: bool) -> Sheet:
    def mark(has: bool) -> str:
        return "yes" if has else "-"

    rows = tuple((o.name, o.family, mark(o.jvp), mark(o.transpose), mark(o.batch)) for o in x.ops)
    footer = (f"{len(x.ops)} primitives; transpose: linear ones only",) if people else ()
    return Sheet("", ("primitive", "family", "jvp", "transpose", "batch"), rows, footer)


def _coverage(x: r.CoverageResult, people: bool) -> Sheet:
    checks = tuple(x.coverage[0].checked)
    if not people:
        columns = ("of", "names", "covered", "rows", *checks, "excepted", "missing", "why")
        return Sheet("", columns, tuple(
            (c.of, c.names, c.covered, c.rows, *c.checked.values(), c.excepted, " ".join(c.missing), c.why)
            for c in x.coverage
        ))  # fmt: skip
    # In a terminal of 80 columns: "value" is what has rows, and what is missing or why is said only where it is so.
    said = any(c.missing or c.why for c in x.coverage)
    rows = tuple(
        (c.of, c.names, c.rows, *c.checked.values(), c.excepted, " ".join(c.missing) or c.why)[: None if said else -1]
        for c in x.coverage
    )
    columns = ("of", "names", "rows", *(_SHORT.get(check, check) for check in checks), "n/a", "missing or why not")
    return Sheet("", columns[: None if said else -1], rows, (x.summary,))


_SHORT = {"second": "2nd", "float32": "f32", "complex": "cplx"}


def _conformance(x: r.ConformanceResult, people: bool) -> Sheet:
    said = 3 if not people or x.failed else 2
    rows = tuple(
        (row.name, " ".join(check for check, wrong in row.checks.items() if not wrong), row.wrong)[:said]
        for row in x.rows
    )
    marks = tuple("fail" if row.wrong else "pass" for row in x.rows)
    return Sheet("", ("row", "holds", "does not")[:said], rows, (x.summary,) if people else (), marks)


_MARKS = {"yes": "pass", "plain values only": "kink"}


def _doctor(x: r.DoctorResult, people: bool) -> Sheet:
    rows = tuple((n.name, " ".join(map(str, n.lines)), n.status, n.nearest) for n in x.names)
    marks = tuple(_MARKS.get(n.status, "fail") for n in x.names)
    return Sheet(x.target, ("name", "lines", "supported", "nearest"), rows, (x.summary,) if people else (), marks)


def _names(x: r.NamesResult, people: bool) -> Sheet:
    rows = tuple((n.name, n.status) for n in x.names)
    marks = tuple(_MARKS.get(n.status, "fail") for n in x.names)
    return Sheet("", ("name", "supported"), rows, (x.summary,) if people else (), marks)


def _jaxpr(x: r.JaxprResult, people: bool) -> Sheet:
    rows = []
    for i, e in enumerate(x.data["equations"]):
        outs = " ".join(f"{name}:{kind}" for name, kind in zip(e["outputs"], e["types"], strict=True))
        found = (" ".join(x.values[i]),) if x.values is not None else ()
        rows.append((outs, e["primitive"], " ".join(map(str, e["inputs"])), e["source"] or "", *found))
    columns = ("outputs", "primitive", "inputs", "source", *(("values",) if x.values is not None else ()))
    return Sheet(title_of(x), columns, tuple(rows))


_SHEETS: dict[type, Callable[[Any, bool], Sheet]] = {
    r.GradResult: _grad, r.JvpResult: _jvp, r.VjpResult: _vjp, r.MatrixResult: _matrix, r.TaylorResult: _taylor,
    r.BatchResult: _batch, r.CheckResult: _check, r.TimeResult: _time, r.RunResult: _run, r.ListResult: _list,
    r.OpsResult: _ops, r.JaxprResult: _jaxpr, r.DoctorResult: _doctor, r.NamesResult: _names,
    r.CoverageResult: _coverage, r.ConformanceResult: _conformance,
}  # fmt: skip
