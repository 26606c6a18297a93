"""Small plain functions of every kind, by value and gradient as Python itself has them, and the errors of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.cli.main import main

# Bodies of `def f(x, s)`, with x an array of four numbers and s a number; each has its name in a line before it.
TEXT = (Path(__file__).parent / "bodies.txt").read_text(encoding="utf-8")
BODIES = dict(section.strip().split("\n", 1) for section in ("\n" + TEXT).split("\n# ")[1:])
SOURCE = """import math

import numpy as np

W = np.array([0.5, 1.5, -2.0, 1.0])


def f(x, s):
{body}


example_inputs = {{"x": np.array([0.3, -0.7, 1.2, 0.45]), "s": 1.3}}
"""


def write(body: str, folder: Path, name: str = "plain.py") -> Path:
    path = folder / name
    path.write_text(SOURCE.format(body="\n".join("    " + line for line in body.split("\n"))), encoding="utf-8")
    return path


def as_python_runs_it(path: Path) -> Any:
    """The function, whose module is loaded anew for every call."""
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec")

    def f(x: Any, s: float) -> float:
        names: dict[str, Any] = {"__name__": __name__}
        exec(code, names)
        result = names["f"](np.array(x), s)
        return float(np.real(result))

    return f


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(BODIES))
def test_plain_code(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = BODIES[name]
    if "scipy" in body:
        pytest.importorskip("scipy")
    path = write(body, tmp_path)
    status = main(["grad", str(path), "--json"])
    out, err = capsys.readouterr()
    assert status == 0, err
    found = json.loads(out)
    f = as_python_runs_it(path)
    x, s = np.array([0.3, -0.7, 1.2, 0.45]), 1.3
    np.testing.assert_allclose(found["value"], f(x, s), rtol=1e-11)
    h = 1e-6
    np.testing.assert_allclose(found["gradients"]["s"], (f(x, s + h) - f(x, s - h)) / (2 * h), rtol=1e-5, atol=2e-7)
    by_x = [(f(x + h * e, s) - f(x - h * e, s)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(found["gradients"]["x"], by_x, rtol=1e-5, atol=2e-7)
