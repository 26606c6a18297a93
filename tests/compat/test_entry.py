"""What a run of a plain file's function leaves behind (nothing), its imports, its random numbers, and its errors."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.cli.main import main

FILES = {
    "pkg/__init__.py": "import numpy as np\nSCALE = np.ones(3)\n",
    "pkg/util.py": """
import numpy as np

def build(x):
    from pkg import SCALE
    out = np.zeros(3)
    out[0] = x
    SCALE[1] = x * 2
    out[1] = 1
    return out * SCALE
""",
    "pkg/model.py": """
import math
from . import util

def f(x):
    from pkg.util import build
    return (build(x) + util.build(x)).sum() + math.sin(x)
""",
    "random_names.py": """
import numpy as np

BUF = np.zeros(2)

def g(x):
    BUF[0] = x
    BUF[1] = x**2
    return BUF
""",
    "beside.py": "import numpy as np\n\ndef f(x):\n    import random_names\n    return random_names.g(x).sum() * 2\n",
    "state.py": """
from functools import lru_cache

import numpy as np

calls, CACHE, HOLD = 0, {}, [None]

@lru_cache
def cached(n):
    return HOLD[0] * n

class Deep:
    table = np.zeros(3)

    def __init__(self):
        self.parts = {"w": [np.zeros(2), np.ones(2)]}
        self.total = 0.0

    def run(self, x):
        global calls
        calls += 1
        self.parts["w"][0][1] = x
        self.parts["w"][1] *= x
        Deep.table[2] += x * calls
        self.total += x
        CACHE.setdefault("k", x * 3)
        HOLD[0] = x
        sums = [w.sum() for w in self.parts["w"]]
        return sum(sums) + Deep.table.sum() + self.total + CACHE["k"] + cached(2)

deep = Deep()

def f(x):
    return deep.run(x)

def make(w):
    def inner(x):
        w[0] = x
        w[1] += x
        return w.sum()
    return inner

inner = make(np.ones(2))
""",
    "chance.py": """
import random

import numpy as np

def unseeded(x):
    return x * np.random.rand() + np.random.default_rng().normal(x, 2.0) + random.gauss(x, 1.0)

def shuffled(x):
    np.random.seed(3)
    a = np.array([x, 2 * x, 3.0])
    np.random.shuffle(a)
    b = np.random.normal(x, [1.0, 2.0]) + np.random.exponential(x) + np.random.randn(2)
    return a @ np.arange(3) + b.sum()
""",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def grad(capsys: pytest.CaptureFixture[str], target: str, command: str = "grad", x: float = 1.3) -> Any:
    capsys.readouterr()
    status = main([command, target, "--at", f"x={x}", "--json"])
    out, err = capsys.readouterr()
    assert status == 0, err
    return json.loads(out)


@pytest.mark.parametrize(
    ("target", "slope"),
    [
        ("pkg.model:f", 2 + 4 + np.cos(1.3) - 2 * 1), ("beside.py", 2 + 4 * 1.3), ("state.py:f", 10.0),
        ("state.py:Deep.run", 10.0), ("state.py:inner", 2.0),
    ],
)  # fmt: skip
def test_modules_and_their_state(target: str, slope: float, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(sys.modules)
    if target.startswith("pkg"):
        slope = 2 * (1 + 2) + np.cos(1.3)  # out * SCALE is (x, 2 x, 0), twice
    np.testing.assert_allclose(grad(capsys, target)["gradients"]["x"], slope, rtol=1e-13)
    grad(capsys, target, "check")  # runs the function many times, each from the same state
    assert not {name for name in set(sys.modules) - before if name.startswith(("pkg", "random_names"))}


def test_random_numbers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = grad(capsys, "chance.py:unseeded")
    assert any("random numbers are drawn" in note and "chance.py:" in note for note in found["notes"])
    grad(capsys, "chance.py:unseeded", "check")
    found = grad(capsys, "chance.py:shuffled")
    assert not any("random" in note for note in found.get("notes", []))
    assert grad(capsys, "chance.py:shuffled")["value"] == found["value"]
    grad(capsys, "chance.py:shuffled", "check")


def test_cut_paths_are_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut.py"
    loop = "    for i in range(math.floor(x * 3)):\n        y += x * i\n"
    path.write_text(
        f"import math\n\ndef f(x):\n    y = 0.0\n{loop}    return y * int(x) * round(x)\n", encoding="utf-8"
    )
    found = grad(capsys, str(path))
    assert found["gradients"]["x"] == 3.0
    notes = " ".join(found["notes"])
    assert "range(math.floor(x * 3))" in notes and "cut.py:5" in notes and "cut.py:7" in notes


ERRORS = {  # body of f(x, a) with x a number and a an array: code, part of the message, line counted from 1
    "a = np.zeros(3, dtype=int)\na[0] = x\nreturn a.sum()": ("G214", "array of int64", 2),
    "b = np.arange(3)\nb += x\nreturn b.sum()": ("G214", "array of int64", 2),
    "y = np.array([x, 1])\nraise RuntimeError(f'no good: {y.shape}')": ("G200", "RuntimeError: no good: (2,)", 2),
    "b = np.array([x, x])\nreturn b[2]": ("G200", "IndexError: index 2 is out of bounds", 2),
    "b = np.array([x, x])\nb[5] = x\nreturn b.sum()": ("G200", "IndexError: index 5 is out of bounds", 2),
    "b = np.array([x, x])\nreturn b[np.array([0, 2])].sum()": ("G200", "IndexError: index 2 is out of bounds", 2),
    "b = np.zeros(3)\nb[:] = np.array([x, x])\nreturn b.sum()": ("G200", "could not broadcast", 2),
    "b = np.array([x, x])\nb += np.ones((3, 2))\nreturn b.sum()": ("G200", "non-broadcastable output", 2),
    "return np.isnat(x)": ("G212", "numpy.isnat is not supported", 1),
    "return math.nextafter(x, 1.0)": ("G212", "math.nextafter is not supported", 1),
    "if a > 0:\n    return x\nreturn -x": ("G200", "truth value of an array", 1),
    "return len(x)": ("G200", "TypeError: object of type 'float' has no len()", 1),
    "return float(a)": ("G200", "TypeError: only ", 1),
    "return a.nothing": ("G200", "no attribute 'nothing'", 1),
    "b = np.array([x, 1.0])\nb['k'] = 2\nreturn b": ("G2", "", 2),
    "assert x > 5, 'too small'\nreturn x": ("G200", "AssertionError: too small", 1),
    "import helper_that_is_not_there\nreturn x": ("G200", "No module named", 1),
    "return x + 'text'": ("G200", "TypeError: unsupported operand", 1),
    "return np.array([x, [x, x]]).sum()": ("G206", "unequal shapes", None),
}


@pytest.mark.parametrize("body", list(ERRORS))
def test_errors_name_the_line(body: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, message, line = ERRORS[body]
    path = tmp_path / "wrong.py"
    text = "import math\nimport numpy as np\n\ndef f(x, a):\n" + "".join(f"    {b}\n" for b in body.split("\n"))
    path.write_text(text, encoding="utf-8")
    status = main(["grad", str(path), "--at", "x=1.3", "--at", "a=[1.0,2.0]"])
    err = capsys.readouterr().err
    assert status == 4, err
    assert re.search(rf"error\[{code}\d*\]", err) and message in err
    if line is not None:
        assert f"wrong.py:{line + 4}" in err


def test_files_with_jax_know_no_boxes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mixed.py"
    path.write_text("import jax.numpy as jnp\nimport numpy as np\n\ndef f(x):\n    a = np.zeros(2)\n    a[0] = 2.0\n"
                    "    return jnp.sum(jnp.sin(a + x)) + np.sum(np.stack([x, x]))\n", encoding="utf-8")  # fmt: skip
    found = grad(capsys, str(path))
    np.testing.assert_allclose(found["gradients"]["x"], np.cos(3.3) + np.cos(1.3) + 2, rtol=1e-6)
    path.write_text("import jax.numpy as jnp\n\ndef f(x):\n    y = jnp.zeros(2)\n    y[0] = x\n    return y\n")
    assert main(["grad", str(path), "--at", "x=1.3"]) == 4
    assert "G214" in capsys.readouterr().err


def test_a_derivative_that_only_decisions_carry_is_said_to_be_zero(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bisect.py"
    text = "def f(a, b):\n    lo, hi = 0.0, 4.0\n    while hi - lo > 1e-9:\n        mid = (lo + hi) / 2\n"
    path.write_text(text + "        lo, hi = (mid, hi) if mid * mid < a else (lo, mid)\n    return lo * b\n", "utf-8")
    assert main(["grad", str(path), "--at", "a=2.0,b=3.0", "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert any(note.startswith("the derivative by a is 0") for note in notes)
    assert not any(note.startswith("the derivative by b") for note in notes)
