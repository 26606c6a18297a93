"""Specs: what they declare, how mistakes are reported, and that a stranger's spec is safe to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from gradcli.engine.errors import GradcliError
from gradcli.inspect.cases import run_specs
from gradcli.sources.spec import load_spec, schema, target_of
from gradcli.sources.yamlcore import load_yaml

SPEC = """
version: 1
defaults: {dtype: float64, rtol: 1e-6, atol: 1e-9}
functions:
  loss: {file: loss.py, name: loss}
  soft: {expr: "log1p(exp(x))", args: [x]}
cases:
  - {name: zero, function: soft, at: {x: 0.0}, expect: {value: 0.6931471805599453, grad: {x: 0.5}}}
  - {name: grid, function: soft, matrix: {x: [-40, 0, 40]}, expect: {grad: {x: {expr: "1/(1+exp(-x))"}}, rtol: 1e-12}}
  - {name: third, function: soft, at: {x: 0.5}, order: 3}
  - {name: ir, function: soft, jaxpr: grad, at: {x: 1.0}}
  - {name: per-sample, function: soft, batch: {x: [0.0, 1.0, 2.0]}}
  - name: fd
    function: loss
    at: {w: "@w.npy", X: "normal(3, 2; seed=1)"}
    wrt: [w]
    check: {order: 2, modes: [fwd, rev]}
  - {name: fails-as-it-should, function: soft, at: {x: [1.0, 2.0]}, grad: {x: true}, expect: {error: G204}}
"""


def write(folder: Path, text: str, name: str = "spec.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def example(tmp_path: Path) -> Path:
    write(tmp_path, "import numpy as np\ndef loss(w, X):\n    return np.sum(np.tanh(X @ w) ** 2)\n", "loss.py")
    np.save(tmp_path / "w.npy", np.array([0.3, -0.2]))
    return write(tmp_path, SPEC)


def test_the_contract_s_example(example: Path) -> None:
    spec = load_spec(example)
    assert [c.name for c in spec.cases] == [
        "zero", "grid[x=-40]", "grid[x=0]", "grid[x=40]", "third", "ir", "per-sample", "fd", "fails-as-it-should",
    ]  # fmt: skip
    grid = spec.cases[1]
    assert grid.at == {"x": -40} and grid.rtol == 1e-12 and grid.expect == {"grad": {"x": {"expr": "1/(1+exp(-x))"}}}
    fd = spec.cases[7]
    assert fd.wrt == ("w",) and fd.check == {"order": 2, "modes": ("fwd", "rev")} and fd.at["X"].shape == (3, 2)
    np.testing.assert_array_equal(fd.at["w"], [0.3, -0.2])
    result = run_specs([str(example)])
    assert [(c.name, c.status) for c in result.cases if c.status != "passed"] == []
    jsonschema.validate(load_yaml(SPEC, "spec.yaml").data, schema())


def test_the_short_form(tmp_path: Path) -> None:
    path = write(tmp_path, "expr: x*y\nat: {x: 3.0, y: 4.0}\nexpect: {value: 12, grad: {x: 4, y: 3}}\n")
    assert [c.name for c in load_spec(path).cases] == ["spec"]
    assert run_specs([str(path)]).passed == 1


def test_includes(tmp_path: Path) -> None:
    write(
        tmp_path,
        "functions: {f: {expr: x*x}}\ncases: [{name: inner, function: f, at: {x: 2.0}}]\n",
        "parts/common.yaml",
    )
    path = write(tmp_path, "include: [parts/common.yaml]\ncases: [{name: outer, function: f, at: {x: 3.0}}]\n")
    assert [c.name for c in load_spec(path).cases] == ["inner", "outer"]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("casses: []", "spec.yaml:1:9: unknown key 'casses'", "did you mean cases?"),
        ("version: 2", "version 2 is not known", "version 1"),
        ("functions: {f: {expr: x}}\ncases:\n  - {function: g}", "spec.yaml:3:16: no function 'g'", "there is f"),
        ("functions: {soft: {expr: x}}\ncases: [{function: sofd}]", "no function 'sofd'", "did you mean soft?"),
        ("functions: {f: {}}", "needs either file: or expr:", None),
        ("functions: {f: {expr: x, file: a.py}}", "needs either file: or expr:", None),
        ("functions: {f: {expr: x}}\ncases: [{expect: {valu: 1}}]", "unknown key 'valu'", "did you mean value?"),
        ("functions: {f: {expr: x}}\ncases: [{at: [1]}]", "expected a mapping, got a list", None),
        ("functions: {f: {expr: x}}\ncases: [{order: two}]", "expected a whole number, got text", None),
        ("functions: {f: {expr: x}}\ncases: [{at: {x: '@no.npy'}}]", "no such file", None),
        ("functions: {f: {expr: x}}\ncases: [{expect: {error: G999}}]", "there is no error code 'G999'", "G204"),
        ("functions: {f: {expr: x}}\ncases: [{check: {modes: [sideways]}}]", "modes are fwd and rev", None),
        ("functions: {f: {expr: x}}\ncases: [{dtype: float16}]", "dtype is float32 or float64", None),
        ("include: [http://example.org/a.yaml]", "is no file", "below"),
        ("include: [../other.yaml]", "outside of this file's folder", None),
        ("include: [spec.yaml]", "includes itself", None),
        ("include: [missing.yaml]", "there is no file 'missing.yaml'", None),
        ("expr: x\ncases: []", "short form", None),
        ("cases: 3", "expected a list of cases", None),
        ("[1, 2]", "expected a mapping", None),
    ],
)
def test_mistakes_have_a_place_and_a_hint(tmp_path: Path, text: str, message: str, hint: str | None) -> None:
    with pytest.raises(GradcliError) as info:
        load_spec(write(tmp_path, text))
    diagnostic = info.value.diagnostic
    assert diagnostic.code == "G304" and message in diagnostic.message, diagnostic.message
    assert diagnostic.location is not None and diagnostic.location.file.endswith("spec.yaml")
    assert hint is None or hint in str(diagnostic.hint)


def test_a_spec_that_does_not_exist() -> None:
    with pytest.raises(GradcliError) as info:
        load_spec("no/such.yaml")
    assert info.value.diagnostic.code == "G301"


def test_targets_in_specs(example: Path, tmp_path: Path) -> None:
    target = target_of(str(example), "zero")
    assert target.example_inputs == {"x": 0.0} and target.kind == "spec"
    assert target_of(str(example), "loss").name == "loss"
    for name, code in (("zeroo", "G105"), (None, "G103")):
        with pytest.raises(GradcliError) as info:
            target_of(str(example), name)
        assert info.value.diagnostic.code == code
    only = write(tmp_path, "expr: x*x\nat: {x: 2.0}\n", "only.yaml")
    assert target_of(str(only), None).example_inputs == {"x": 2.0}


def test_no_exec_refuses_files_case_by_case(example: Path) -> None:
    rows = {c.name: c for c in run_specs([str(example)], allow_exec=False).cases}
    assert rows["fd"].status == "error" and "G307" in rows["fd"].message
    assert rows["zero"].status == "passed"


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("{at: {x: 2.0}, expect: {value: 5.0}}", "value: expected 5.0, got 4.0"),
        ("{at: {x: 2.0}, expect: {grad: {x: 3.0}}}", "expected 3.0, got 4.0"),
        ("{at: {x: 2.0}, order: 2, expect: {derivatives: [4, 4, 3]}}", "expected 3"),
        ("{at: {x: 2.0}, jaxpr: grad, expect: {jaxpr: '{ lambda ; a. let  in (a,) }'}}", "expected another program"),
        ("{at: {x: 2.0}, expect: {error: G204}}", "expected error G204"),
        ("{batch: {x: [1.0, 2.0]}, expect: {grad: {x: [2.0, 5.0]}}}", "expected 5.0, got 4.0"),
    ],
)
def test_a_wrong_expectation_fails(tmp_path: Path, case: str, message: str) -> None:
    path = write(tmp_path, f"functions: {{f: {{expr: x*x}}}}\ncases: [{case}]\n")
    (row,) = run_specs([str(path)]).cases
    assert row.status == "failed" and message in row.message, row.message


def test_schema_and_reader_agree_on_unknown_keys() -> None:
    validator = jsonschema.Draft7Validator(schema())
    bad: list[Any] = [{"casses": []}, {"functions": {"f": {"exp": "x"}}}, {"cases": [{"expect": {"valu": 1}}]}]
    for tree in bad:
        assert list(validator.iter_errors(tree))
    jsonschema.Draft7Validator.check_schema(schema())
