"""Files that import Numba: their functions are run as Python runs them, whether or not Numba is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.cli.main import main

SOURCE = """
import numba as nb  # numba
import numpy as np
from numba import float64, int32, njit, prange, vectorize  # numba
from numba.experimental import jitclass  # numba
from numba.typed import List  # numba

@njit
def steps(s, rate=0.3):
    for i in prange(len(s) - 1):
        s[i + 1] = s[i] - rate * s[i] * s[i]
    return s

@nb.jit(float64[:, :](float64, int32), nopython=True, fastmath=True)
def tree(up, n):
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            out[i, j] = float64(up ** (i - j))
    return out

@vectorize(["f8(f8, f8)"], target="parallel")
def capped(a, b):
    return a if a < b else b * b

@jitclass([("total", float64)])
class Total:
    def __init__(self, total):
        self.total = total

@njit("f8(f8)", cache=True)
def square(x):
    return x * x

def f(x):
    held, out = List(), np.zeros(2)
    held.append(Total(x).total)
    capped(np.array([x, 2.0]), 1.5, out=out)
    return steps(np.array([x, 0.0, 0.0]), x).sum() + tree(x, 3).sum() + out.sum() + square(x) + held[0]
"""
WITHOUT = """
float64, prange, List = float, range, list

class looped(np.vectorize):
    def __call__(self, *args, out):
        out[...] = super().__call__(*args)
"""


def without() -> Any:
    """f as Python runs it, its decorators taken away."""
    lines = [line for line in SOURCE.split("\n") if not line.endswith("# numba")]
    kept = [line for line in lines if not line.startswith("@") or "vectorize" in line]
    text = "\n".join(kept).replace('@vectorize(["f8(f8, f8)"], target="parallel")', "@looped")
    names: dict[str, Any] = {}
    exec(text.replace("import numpy as np", "import numpy as np" + WITHOUT), names)
    return names["f"]


def test_functions_that_numba_compiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, f, h = tmp_path / "module.py", without(), 1e-6
    path.write_text(SOURCE, encoding="utf-8")
    for command in ("grad", "check", "jaxpr"):
        status = main([command, f"{path}:f", "--at", "x=1.3", "--json"])
        out, err = capsys.readouterr()
        assert status == 0, (command, err)
        if command == "grad":
            found = json.loads(out)
            assert found["value"] == pytest.approx(f(1.3), rel=1e-13)
            np.testing.assert_allclose(found["gradients"]["x"], (f(1.3 + h) - f(1.3 - h)) / (2 * h), rtol=1e-6)


def test_what_needs_a_compiler_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text("from numba import cuda\n\ndef f(x):\n    return x\n", encoding="utf-8")
    assert main(["grad", str(path), "--at", "x=1.3", "--json"]) == 3
    assert "numba.cuda" in json.loads(capsys.readouterr().err)["error"]["message"]
