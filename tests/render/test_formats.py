"""Each rendering of a small result, character by character; widths, colour, files."""

from __future__ import annotations

import os
import stat
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from gradcli.engine.errors import Diagnostic, GradcliError, Location
from gradcli.inspect import results as r
from gradcli.render.diagnostics import error_json, error_text, note_text
from gradcli.render.files import npy_bytes, npz_bytes, write_atomically
from gradcli.render.graph import dot_text, mermaid_text
from gradcli.render.junit import junit_text
from gradcli.render.machine import csv_text, markdown_text, plain_text, quiet_text
from gradcli.render.records import json_text, jsonl_text
from gradcli.render.tables import table_text

GRAD = r.GradResult(
    target="f.py:f", dtype="float64", inputs={"x": 3.0, "w": np.array([1.0, 2.0])}, value=0.1,
    gradients={"x": np.float64(4), "w": np.array([0.25, np.nan])},
)  # fmt: skip
CHECK = r.CheckResult(
    target="f.py:f", dtype="float64", inputs={"x": 3.0}, method="fd", verdict="fail", summary="0 of 1 agree",
    checks=(
        r.Check(
            derivative="df/dx", of="f", argument="x", index=(), order=1, mode="rev", ad=1.0, fd=2.0, abs_error=1.0,
            rel_error=0.5, step=1e-3, fd_error=1e-12, verdict="fail",
        ),
    ),
)  # fmt: skip
RUN = r.RunResult(
    target="", dtype="float64",
    cases=(
        r.CaseResult(file="a.yaml", name="one", status="passed"),
        r.CaseResult(file="a.yaml", name="two", status="failed", message="value: expected 1.0, got 2.0\x00", line=7),
        r.CaseResult(file="b.yaml", name="three", status="error", message="error[G200] <&>"),
    ),
)  # fmt: skip


def test_plain() -> None:
    assert plain_text(GRAD) == "quantity\tvalue\nf\t0.1\ndf/dx\t4.0\ndf/dw[0]\t0.25\ndf/dw[1]\tnan\n"


def test_csv_quotes_what_needs_it() -> None:
    result = r.JvpResult(target="t.py:f", dtype="float64", inputs={}, tangents={}, value={"a,b": 1.0}, tangent_out=2.0)
    assert csv_text(result) == 'quantity,value\n"f.a,b",1.0\ndf along the tangent,2.0\n'


def test_markdown() -> None:
    assert markdown_text(CHECK).splitlines()[2:] == [
        "| order | mode | of | by | AD | FD | abs error | rel error | FD step | FD error | verdict | reason |",
        "| ---: | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |",
        "| 1 | rev | f | x | 1.0 | 2.0 | 1.0 | 0.5 | 0.001 | 1e-12 | fail |  |",
    ]


def test_quiet() -> None:
    assert quiet_text(GRAD) == "4.0\n0.25 nan\n"
    assert quiet_text(CHECK) == ""


def test_json() -> None:
    assert json_text(GRAD) == (
        '{\n  "schema": "gradcli/1",\n  "command": "grad",\n  "target": "f.py:f",\n  "dtype": "float64",\n'
        '  "inputs": {"x": 3.0, "w": [1.0, 2.0]},\n  "value": 0.1,\n  "gradients": {"x": 4.0, "w": [0.25, "NaN"]}\n}\n'
    )


def test_jsonl_has_one_object_a_check() -> None:
    assert jsonl_text(CHECK).count("\n") == 1
    assert '"verdict": "fail"' in jsonl_text(CHECK)
    assert len(jsonl_text(RUN).splitlines()) == 3


@pytest.mark.parametrize("width", [40, 80, 160])
def test_tables_fit_the_width_and_lose_nothing(width: int) -> None:
    text = table_text(CHECK, width, color=False)
    table = [line for line in text.splitlines()[1:] if "─" in line or "  " in line]
    assert max(map(len, table)) <= max(width, 70)
    assert "\x1b" not in text
    for word in ("df/dx", "rev", "1.0e+00", "5.0e-01", "1.0e-03", "fail"):
        assert word in text


def test_colour_only_where_asked() -> None:
    assert "\x1b[" in table_text(CHECK, 80, color=True)


def test_table() -> None:
    assert table_text(GRAD, 80, color=False) == (
        "f.py:f(x=3.0, w=[1. 2.])  float64\n"
        "quantity  value\n"
        "─────────────────────\n"
        "f         0.1\n"
        "df/dx     4.0\n"
        "df/dw     [0.25  nan]\n"
    )


def test_long_tables_say_what_they_leave_out() -> None:
    n = 1000
    batch = r.BatchResult(
        target="f", dtype="float64", inputs={}, over=("x",), n=n, values=np.zeros(n), gradients={"x": np.zeros(n)}
    )
    text = table_text(batch, 80, color=False)
    assert "800 rows left out" in text and len(text.splitlines()) < 210
    assert len(plain_text(batch).splitlines()) == n + 1


def test_errors_have_one_shape() -> None:
    d = Diagnostic("G204", "no scalar", Location("f.py", 12, "return x * w", "f"), "use jacobian")
    assert error_text(d) == "error[G204]: no scalar\n  --> f.py:12  return x * w\n  hint: use jacobian\n"
    assert error_json(d) == (
        '{"schema": "gradcli/1", "error": {"code": "G204", "message": "no scalar", "location": {"file": "f.py", '
        '"line": 12, "text": "return x * w", "function": "f"}, "hint": "use jacobian"}}\n'
    )
    assert note_text("x") == "note: x\n"
    assert error_text(d, color=True).startswith("\x1b[1;31merror[G204]:\x1b[0m no scalar\n")


def test_junit_is_xml() -> None:
    root = ET.fromstring(junit_text(RUN).encode())
    assert root.attrib == {"tests": "3", "failures": "1", "errors": "1"}
    assert [s.attrib["name"] for s in root] == ["a.yaml", "b.yaml"]
    assert root.find(".//failure").attrib["message"].startswith("value: expected 1.0")  # type: ignore[union-attr]


PROGRAM = {
    "inputs": [{"name": "a", "type": "f64[]"}], "constants": [], "outputs": ["b"],
    "equations": [{"primitive": "mul", "inputs": ["a", "2.0"], "outputs": ["b"], "types": ["f64[]"], "params": {}}],
}  # fmt: skip


def test_graphs() -> None:
    dot = dot_text(PROGRAM)
    assert 'v_a -> e0 [label="a:f64[]"];' in dot and 'e0 [label="mul", shape=box];' in dot
    mermaid = mermaid_text(PROGRAM)
    assert mermaid.startswith("flowchart TD\n") and 'v_a -- "a:f64[]" --> e0' in mermaid


def test_files_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.txt"
    write_atomically(path, "one")
    path.chmod(0o640)
    write_atomically(path, "two")
    assert path.read_text() == "two" and stat.S_IMODE(path.stat().st_mode) == 0o640

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(GradcliError, match="No space left"):
        write_atomically(path, "three")
    assert path.read_text() == "two" and [p.name for p in tmp_path.iterdir()] == ["out.txt"]


def test_array_files(tmp_path: Path) -> None:
    path = tmp_path / "g.npz"
    path.write_bytes(npz_bytes({"df/dx": np.arange(3.0)}, "g.npz"))
    with np.load(path) as data:
        np.testing.assert_array_equal(data["df/dx"], np.arange(3.0))
    with pytest.raises(GradcliError, match="can hold one array, and there are 2"):
        npy_bytes({"a": np.zeros(1), "b": np.zeros(1)}, "g.npy")
