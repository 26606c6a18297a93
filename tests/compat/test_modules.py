"""Whole modules as people write them, without an import of gradcli's: by value and differences, as Python runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.cli.main import main

# Each module defines f, whose argument x is 1.3; its name is the line above it.
TEXT = (Path(__file__).parent / "modules.txt").read_text(encoding="utf-8")
MODULES = dict(section.strip().split("\n", 1) for section in ("\n" + TEXT).split("\n#: ")[1:])


def plain(source: str) -> Any:
    """f as Python runs it, its module loaded anew for every call."""

    def f(x: float) -> float:
        names: dict[str, Any] = {"__name__": "plain"}
        exec(compile(source, "plain.py", "exec"), names)
        return float(names["f"](x))

    return f


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(MODULES))
def test_module(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if "scipy" in MODULES[name]:
        pytest.importorskip("scipy")
    path = tmp_path / "module.py"
    path.write_text(MODULES[name], encoding="utf-8")
    f, x, h = plain(MODULES[name]), 1.3, 1e-6
    for command in ("grad", "check", "jaxpr"):
        status = main([command, f"{path}:f", "--at", f"x={x}", "--json"])
        out, err = capsys.readouterr()
        assert status == 0, (command, err)
        if command == "grad":
            found = json.loads(out)
            np.testing.assert_allclose(found["value"], f(x), rtol=1e-12)
            slope = (f(x + h) - f(x - h)) / (2 * h)
            np.testing.assert_allclose(found["gradients"]["x"], slope, rtol=1e-5, atol=1e-7)


def test_python_alone_needs_nothing_that_others_have_loaded(tmp_path: Path) -> None:
    path = tmp_path / "alone.py"
    path.write_text("def f(x):\n    return round(x, 1) * x + x.conjugate() * 2\n", encoding="utf-8")
    command = [sys.executable, "-m", "gradcli", "grad", str(path), "--at", "x=1.3", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(1.3 + 2)


REFUSED = [
    ("np.matrix([[x, 1.0]]).sum()", "np.array"),
    ("np.asmatrix(np.array([x])).sum()", "np.array"),
    ("np.ma.array([x, 2.0], mask=[0, 1]).sum()", "np.where"),
    ("Sub(np.array([x, 2.0])).sum()", "a class of yours"),
    ("np.array([x]).view(Sub).sum()", "a class of yours"),
    ("put(np.zeros(2, dtype=[('a', float)]), x)", "one array a field"),
    ("np.zeros(2, dtype=int).__setitem__(0, x)", "dtype=float"),
]
HEAD = """import numpy as np

class Sub(np.ndarray):
    def __new__(cls, a):
        return np.ndarray.__new__(cls, a.shape, float, a)

def put(records, x):
    records["a"][0] = x

def f(x):
    return """


@pytest.mark.filterwarnings("ignore")  # of np.matrix
@pytest.mark.parametrize(("expression", "instead"), REFUSED)
def test_what_numpy_alone_can_do_is_refused_with_what_to_write(
    expression: str, instead: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "module.py"
    path.write_text(HEAD + expression + "\n", encoding="utf-8")
    assert main(["grad", f"{path}:f", "--at", "x=1.3", "--json"]) == 4
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["code"] in ("G201", "G212", "G214")
    assert instead in error["hint"] and "Buffer" not in error["message"]
    assert error["location"]["file"].endswith("module.py") and "gradcli" not in error["hint"]


def test_a_name_that_a_library_lacks_is_no_missing_library(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text("from collections import no_such_name\n\ndef f(x):\n    return x\n", encoding="utf-8")
    assert main(["grad", str(path), "--at", "x=1.3", "--json"]) == 3
    error = json.loads(capsys.readouterr().err)["error"]
    assert "no_such_name" in error["message"] and error["hint"] is None


SWALLOWED = """def f(x):
    try:
        return x * 2.0 if x > 0 else -x
    except Exception:
        return x * 100.0
"""


def test_a_batch_does_not_take_an_error_that_the_file_caught_for_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "module.py"
    path.write_text(SWALLOWED, encoding="utf-8")
    assert main(["batch", str(path), "--at", "x=[1.0,-2.0,3.0]", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["gradients"]["x"] == [2.0, -1.0, 2.0]
    assert any("decides by values" in note for note in found["notes"])


CAUGHT = """import math

import numpy as np

def ratio(a, b):
    try:
        return a / b
    except ZeroDivisionError:
        return 7.0 * a

def root(a):
    try:
        return math.sqrt(a)
    except ValueError:
        return -a

def inverse(a):
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return a

def f(x):
    found = ratio(1.0, x - 1.0) + root(x - 2.0) + inverse(np.array([[x, 1.0], [1.0, 1.0]])).sum()
    return found + sum({x, 3.0, x * 1.0})
"""


def test_a_batch_raises_what_each_sample_raises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(CAUGHT, encoding="utf-8")
    points = [1.0, 2.5, 3.0]
    assert main(["batch", f"{path}:f", "--at", f"x={points}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    f = plain(CAUGHT)
    np.testing.assert_allclose(found["values"], [f(x) for x in points], rtol=1e-13)
    for x, slope in zip(points, found["gradients"]["x"], strict=True):
        assert main(["grad", f"{path}:f", "--at", f"x={x}", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["gradients"]["x"] == pytest.approx(slope, rel=1e-12)


def test_text_with_numbers_of_a_batch_is_written_sample_by_sample(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "module.py"
    path.write_text('def f(x):\n    print("at %.1f" % x)\n    return x * x\n', encoding="utf-8")
    assert main(["batch", str(path), "--at", "x=[1.0,3.0]", "-q"]) == 0
    printed = "".join(capsys.readouterr())
    assert "at 1.0" in printed and "at 3.0" in printed


def test_eigenvalues_of_a_batch_are_real_where_those_of_each_sample_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "    w = np.linalg.eigvals(np.array([[2.0, x], [0.5, 1.0]]))\n    return w[np.argmax(w)]\n"
    path = tmp_path / "module.py"
    path.write_text("import numpy as np\n\n\ndef f(x):\n" + body, encoding="utf-8")
    assert main(["batch", str(path), "--at", "x=[0.5,1.5]", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["gradients"]["x"]
    np.testing.assert_allclose(found, 0.25 / np.sqrt(0.25 + 0.5 * np.array([0.5, 1.5])), rtol=1e-12)


@pytest.mark.parametrize("name", ["statistics", "numba"])
def test_a_module_of_the_users_own_is_what_is_imported(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("def mean(xs):\n    return xs[0] * 7.0\n", encoding="utf-8")
    path = tmp_path / "module.py"
    path.write_text(f"import {name}\n\n\ndef f(x):\n    return {name}.mean([x, 1.0])\n", encoding="utf-8")
    command = [sys.executable, "-m", "gradcli", "grad", str(path), "--at", "x=1.3", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == 7.0


def test_a_library_in_plain_python_has_derivatives_where_it_lies_beside_the_file(tmp_path: Path) -> None:
    elsewhere, here, alone = tmp_path / "elsewhere", tmp_path / "here", tmp_path / "alone"
    alone.mkdir()
    for folder in (elsewhere, here):
        (folder / "springs").mkdir(parents=True)
        (folder / "springs" / "__init__.py").write_text("from .laws import energy\n", encoding="utf-8")
        law = "import numpy as np\n\n\ndef energy(x):\n    a = np.zeros(2)\n    a[0] = x * x\n    return a.sum()\n"
        (folder / "springs" / "laws.py").write_text(law, encoding="utf-8")
    for where in (alone, here):
        path = where / "module.py"
        path.write_text("from springs import energy\n\n\ndef f(x):\n    return energy(x)\n", encoding="utf-8")
        command = [sys.executable, "-m", "gradcli", "grad", str(path), "--at", "x=1.5", "-q"]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(elsewhere), os.environ.get("PYTHONPATH", "")])}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
        if where is here:
            assert float(done.stdout) == 3.0
        else:
            assert done.returncode == 4 and "put its folder beside your file" in done.stderr
            assert "module.py:5" in done.stderr


POOLED = """import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor

SCALE = []

def scaled(x, k=2.0):
    return x**k * SCALE[0]

def f(x):
    with mp.Pool(mp.cpu_count(), SCALE.append, (3.0,)) as pool:
        found = sum(pool.map(scaled, [x, 2.0])) + sum(pool.starmap_async(scaled, [(x, 3.0)]).get())
    pool = mp.get_context("spawn").Pool(2)
    found += pool.apply(scaled, (x,), {"k": 1.0})
    pool.close()
    pool.join()
    with ProcessPoolExecutor() as executor:
        return found + sum(executor.map(scaled, [x]))
"""


def test_pools_of_processes_work_in_this_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(POOLED, encoding="utf-8")
    assert main(["grad", str(path) + ":f", "--at", "x=1.3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["value"] == pytest.approx(3.0 * (2 * 1.3**2 + 4.0 + 1.3**3 + 1.3), rel=1e-14)
    assert found["gradients"]["x"] == pytest.approx(3.0 * (4 * 1.3 + 3 * 1.3**2 + 1.0), rel=1e-14)


def test_packages_beside_that_of_a_module_are_the_users_too(tmp_path: Path) -> None:
    files = {
        "forces/law.py": "from springs.laws import energy\nimport alone\n\n\ndef f(x):\n"
        "    return energy(x) + alone.g(x)\n",
        "springs/laws.py": "import numpy as np\n\n\ndef energy(x):\n    a = np.zeros(2)\n    a[0] = x * x\n"
        "    return a.sum()\n",
        "alone.py": "import math\n\n\ndef g(x):\n    return math.sinh(x) - math.cosh(x)\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "gradcli", "grad", "forces.law:f", "--at", "x=1.5", "-q"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(3.0 + np.exp(-1.5))


POWER = """def f(x):
    y = (x - 2.0) ** 1.5
    return abs(y) * x
"""


def test_a_batch_has_the_complex_powers_that_python_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(POWER, encoding="utf-8")
    xs, h = np.array([2.5, 1.3, 3.0, 1.9]), 1e-6
    assert main(["batch", str(path), "--at", f"x={xs.tolist()}", "--over", "x", "--json"]) == 0
    found, f = json.loads(capsys.readouterr().out), plain(POWER)
    np.testing.assert_allclose(found["values"], [f(x) for x in xs.tolist()], rtol=1e-12)
    slopes = [(f(x + h) - f(x - h)) / (2 * h) for x in xs.tolist()]
    np.testing.assert_allclose(found["gradients"]["x"], slopes, rtol=1e-6)
