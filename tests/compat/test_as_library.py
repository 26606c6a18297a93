"""NumPy's functions on what gradcli returns, where it is used as a library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcli
from gradcli import numpy as gnp

V = np.array([0.5, 1.0, 2.0])


def _descend(g: Any) -> Any:
    x = np.ones(3)
    x -= 0.1 * g
    return x


def _put(g: Any) -> Any:
    x = np.zeros(3)
    x[1], x[[0, 2]] = g[1], g[:2]
    np.add.at(x, [0, 0], g[1:])
    return x


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "ufunc": np.sin, "function": np.mean, "of a list": lambda g: np.stack([g, 2 * g]),
    "linear": lambda g: np.outer(g, g),
    "written in place": _descend, "elements": _put, "out": lambda g: np.exp(g, out=np.empty(3)),
    "out of a function": lambda g: np.cumsum(g, out=np.empty(3)),
    "where": lambda g: np.sqrt(g, out=np.zeros(3), where=V > 1),
    "not in gradcli.numpy": np.spacing, "shown": lambda g: np.asarray(len(np.array_repr(np.asarray(g)))),
    "fitted": lambda g: np.polyfit(V, g, 1), "reduceat": lambda g: np.add.reduceat(g, [0, 2]),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_numpys_functions_take_results(name: str) -> None:
    found = FUNCTIONS[name](gnp.asarray(V))
    np.testing.assert_allclose(np.asarray(found), FUNCTIONS[name](V), rtol=1e-12, atol=1e-12)


def test_numpys_functions_are_there_in_a_fresh_process() -> None:
    source = "import gradcli, numpy as np; print(gradcli.grad(lambda x: np.sum(np.exp(x) * np.tanh(x)))(np.zeros(2)))"
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr) == ("[1. 1.]", "")


@pytest.mark.parametrize(
    "f", [lambda x: np.exp(x, out=np.empty(3)).sum(), lambda x: _descend(x).sum(), lambda x: np.sum(np.spacing(x))]
)
def test_traced_values_are_not_written_into_arrays_unseen(f: Callable[[Any], Any]) -> None:
    with pytest.raises((TypeError, NotImplementedError), match="traced value"):
        gradcli.grad(f)(V)
