"""Rows of whole processes: start-up, and a value and gradient from the command line against scripts that print them."""

from __future__ import annotations

import atexit
import functools
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.measure import Process
from tests.benchmarks.peers import AVAILABLE
from tests.benchmarks.rows import Factory, Plan, Row, Scale, Target

EXPRESSION = "log(1 + exp(sin(x)*y)) / (1 + x**2)"
PROGRAM = """
import {library} as np

def f(x, y):
    return np.log(1 + np.exp(np.sin(x) * y)) / (1 + x**2)
"""
SCRIPTS = {
    "jax": PROGRAM.format(library="jax.numpy")
    + """
import jax
jax.config.update("jax_enable_x64", True)
value, gradient = jax.value_and_grad(f, (0, 1))(0.5, 2.0)
print(float(value), *map(float, gradient))
""",
    "autograd": PROGRAM.format(library="autograd.numpy")
    + """
import autograd
value = f(0.5, 2.0)
print(float(value), *(float(autograd.grad(f, i)(0.5, 2.0)) for i in (0, 1)))
""",
    "torch": """
import torch
x, y = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.5, 2.0))
value = torch.log(1 + torch.exp(torch.sin(x) * y)) / (1 + x**2)
value.backward()
print(value.item(), x.grad.item(), y.grad.item())
""",
}
AT = ("--at", "x=0.5,y=2.0")


@functools.cache
def _folder() -> Path:
    """A folder with the programs, gone when the run ends."""
    folder = Path(tempfile.mkdtemp(prefix="gradcli-benchmarks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "function.py").write_text(PROGRAM.format(library="numpy"))
    for name, text in SCRIPTS.items():
        (folder / f"{name}_script.py").write_text(text)
    return folder


def _gradcli(*arguments: str, numbers: bool = True, environment: Mapping[str, str] | None = None) -> Factory:
    command = (sys.executable, "-m", "gradcli", *arguments)
    return lambda: Process(command, environment or {}, _folder(), numbers)


def _scripts() -> dict[str, Factory]:
    def script(name: str) -> Factory:
        return lambda: Process((sys.executable, f"{name}_script.py"), {}, _folder())

    return {name: script(name) for name in SCRIPTS if name in AVAILABLE}


def processes(scale: Scale) -> Plan:
    """Start-up and whole runs."""
    bare: dict[str, Factory] = {
        "import typer": lambda: Process((sys.executable, "-c", "import typer"), {}, _folder(), numbers=False)
    }
    completion = {
        "_GRADCLI_COMPLETE": "complete_bash", "COMP_WORDS": "gradcli gr", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "",
    }  # fmt: skip
    startup = {
        "help": _gradcli("--help", numbers=False),
        "version": _gradcli("--version", numbers=False),
        "completion": _gradcli(numbers=False, environment=completion),
    }
    whole = {
        "expression": _gradcli("grad", "-e", EXPRESSION, *AT),
        "file": _gradcli("grad", "function.py", *AT),
    }
    rows = [
        Row(f"process-{name}", "ms", {"gradcli": ours, **bare}, (Target("import typer", 1.3),), tolerance=None)
        for name, ours in startup.items()
    ]
    targets = (Target("jax", 0.25), Target("autograd", 1.3), Target("jax", 0.25, "bytes"))
    rows += [
        Row(f"process-{name}", "ms", {"gradcli": ours, **_scripts()}, targets, tolerance=1e-9)
        for name, ours in whole.items()
    ]
    return Plan(tuple(rows))
