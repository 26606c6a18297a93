"""What start-up may not load: held by looking at the modules of a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numpy", "rich", "yaml", "click", "pydantic", "gradcli.inspect", "gradcli.numpy", "gradcli.engine.ir")


def modules_after(code: str) -> set[str]:
    script = f"import sys, json\n{code}\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def loaded(modules: set[str]) -> list[str]:
    return [m for m in modules if any(m == heavy or m.startswith(heavy + ".") for heavy in HEAVY)]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["grad", "--help"], ["no-such-command"]])
def test_help_and_usage_errors_load_nothing_heavy(arguments: list[str]) -> None:
    modules = modules_after(f"from gradcli.cli.main import main\nmain({arguments!r})")
    assert loaded(modules) == []


def test_import_gradcli_costs_nothing() -> None:
    modules = modules_after("import gradcli")
    assert loaded(modules) == [] and "typer" not in modules


def test_json_output_does_not_wait_for_rich() -> None:
    modules = modules_after("from gradcli.cli.main import main\nmain(['grad', '-e', 'x*x', '--at', 'x=1.0', '--json'])")
    assert [m for m in modules if m.split(".")[0] in ("rich", "click", "pydantic")] == []


def test_a_plain_file_loads_what_it_uses(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("import numpy as np\n\ndef f(x=0.5):\n    return np.sin(x) * x\n")
    modules = modules_after(f"from gradcli.cli.main import main\nmain(['grad', {str(tmp_path / 'f.py')!r}, '--json'])")
    assert "gradcli.compat.functions" in modules
    unused = ("gradcli.engine.ops.linalg", "gradcli.compat.scipys", "gradcli.compat.jax", "gradcli.conformance")
    assert [m for m in modules if m.startswith(unused)] == []


def test_twin_that_must_fail() -> None:
    assert "numpy" in loaded(modules_after("import numpy"))


def test_the_list_of_commands_loads_no_command() -> None:
    modules = modules_after("from gradcli.cli.main import main\nmain(['--help'])")
    assert "gradcli.cli.main" in modules and "gradcli.cli.grad" not in modules


def test_shell_completion_answers() -> None:
    environment = {**os.environ, "_GRADCLI_COMPLETE": "complete_bash", "COMP_WORDS": "gradcli gr", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-m", "gradcli"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["grad"], "")
