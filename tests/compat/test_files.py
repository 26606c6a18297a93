"""Plain NumPy files of many kinds, unmodified, under the commands; their values and differences are NumPy's own."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.cli.main import main

FOLDER = Path(__file__).parent / "files"
FUNCTIONS = {
    "attention": "loss", "dtw": "main", "everything": "f", "finite_volume": "final_entropy", "kalman": "loss",
    "kmeans": "inertia", "lbfgs": "distance", "lstm": "loss", "mixture": "loglik", "network": "after_training",
    "newton": "main", "ode": "final", "raytracer": "brightness", "springs": "energy", "tridiagonal": "main",
}  # fmt: skip
CASES = sorted(FUNCTIONS)


def plain_module(name: str) -> tuple[types.ModuleType, Any]:
    """The file as Python itself runs it with the real NumPy, and its function, drawing the same numbers each time."""
    spec = importlib.util.spec_from_file_location(f"plain_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    state = np.random.get_state()

    def function(**inputs: Any) -> Any:
        np.random.set_state(state)
        copies = {k: np.array(v) if isinstance(v, np.ndarray) else v for k, v in inputs.items()}
        return getattr(module, FUNCTIONS[name])(**copies)

    return module, function


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status and both streams of a command, run in this process."""
    status = main(list(arguments))
    out = capsys.readouterr()
    return status, out.out, out.err


def target(name: str) -> str:
    return f"{FOLDER / name}.py:{FUNCTIONS[name]}"


def differences(f: Any, inputs: dict[str, Any], key: str, inner: str | None) -> Any:
    """Central differences by one argument (or an entry of one), of the function as NumPy runs it."""
    base = np.asarray(inputs[key] if inner is None else inputs[key][inner], dtype=float)

    def at(point: Any) -> float:
        given = dict(inputs)
        value = point if point.shape else float(point)
        given[key] = value if inner is None else {**inputs[key], inner: value}
        return float(f(**given))

    out = np.zeros(base.shape)
    for place in list(np.ndindex(*base.shape))[:8]:
        h = np.zeros(base.shape)
        h[place] = 3e-6 * max(1.0, abs(base[place]))
        out[place] = (at(base + h) - at(base - h)) / (2 * h[place])
    return out


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_those_of_numpy(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "grad", target(name), "--json")
    assert status == 0, err
    found = json.loads(out)
    module, f = plain_module(name)
    inputs = dict(module.example_inputs)
    np.testing.assert_allclose(found["value"], f(**inputs), rtol=1e-12)
    for key, value in inputs.items():
        for inner in value if isinstance(value, dict) else [None]:
            got = np.asarray(found["gradients"][key] if inner is None else found["gradients"][key][inner])
            expected = differences(f, inputs, key, inner)
            first = list(np.ndindex(*got.shape))[:8]
            for place in first:
                np.testing.assert_allclose(got[place], expected[place], rtol=2e-4, atol=2e-6, err_msg=f"{key}{place}")


@pytest.mark.parametrize("name", CASES)
def test_the_program_is_printed_and_derivatives_check(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "jaxpr", target(name))
    assert status == 0 and out.count("\n") > 5, err
    assert " scatter" not in out or name not in ("dtw", "lstm")  # arrays that loops fill are put together at once
    wanted = ",".join(plain_module(name)[0].example_inputs)
    status, out, err = run(capsys, "check", target(name), "--wrt", wanted, "--sample", "3", "--json")
    assert status == 0, out + err


BATCHES = {
    "everything": ("s", [1.3, 1.1]), "finite_volume": ("amplitude", [0.6, 0.5]), "kalman": ("q", [0.1, 0.2]),
    "mixture": ("spread", [1.3, 0.9]), "network": ("lr", [0.1, 0.2]), "newton": ("p", [2.0, 2.1]),
    "ode": ("alpha", [1.1, 1.2]), "raytracer": ("radius", [1.1, 1.0]), "springs": ("stiffness", [5.0, 6.0]),
    "tridiagonal": ("h", [0.5, 0.6]),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BATCHES))
def test_a_batch_is_its_samples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    argument, values = BATCHES[name]
    given = f"{argument}={values}".replace(" ", "")
    shared = ["--wrt", argument, "--json"]
    status, out, err = run(capsys, "batch", target(name), "--at", given, "--over", argument, *shared)
    assert status == 0, err
    batch = json.loads(out)
    for i, value in enumerate(values):
        status, out, err = run(capsys, "grad", target(name), "--at", f"{argument}={value}", *shared)
        alone = json.loads(out)
        np.testing.assert_allclose(batch["values"][i], alone["value"], rtol=1e-11)
        np.testing.assert_allclose(batch["gradients"][argument][i], alone["gradients"][argument], rtol=1e-9)


def test_every_file_is_tried() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.py")) == CASES
