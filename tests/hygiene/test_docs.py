"""The README is true: every example prints what it shows, every command has one, and help names what there is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from gradcli.cli.main import _MODULES, COMMANDS
from gradcli.engine.errors import CODES
from tests.console import ROOT, Example, environment, examples, matches, run, run_in_terminal

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = examples(README)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"line-{e.line}")
def test_readme_examples(example: Example, tmp_path: Path) -> None:
    actual = run_in_terminal(example.command, environment(tmp_path), ROOT)
    wrong = f"$ {example.command}\n--- expected\n{example.expected}--- got\n{actual}"
    assert matches(example.expected, actual, example.command), wrong


def test_a_wrong_example_would_fail() -> None:
    assert matches("df/dx  4.0\n──\n", "df/dx    4.0\n────\n")
    assert not matches("df/dx  4.0\n", "df/dx  5.0\n")
    assert not matches("df/dx  4.0\n", "df/dy  4.0\n")
    assert not matches("df/dx  4.0\n", "df/dx  4.0\nand more\n")
    assert not matches("0.7864477\n", "0.7864487\n") and matches("0.7864477\n", "0.7864478\n")
    assert not matches("0.7864477329659274\n", "0.7864477429659274\n")
    assert not matches("run 1  0.1\n", "run 1  0.2\n") and matches("run 1  0.1\n", "run 1  0.2\n", "gradcli time x")


def test_every_command_has_an_example() -> None:
    shown = " ".join(e.command for e in EXAMPLES)
    assert [name for name in COMMANDS if f"gradcli {name}" not in shown] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_in_one_line(name: str, tmp_path: Path) -> None:
    command = importlib.import_module(_MODULES.get(name, f"gradcli.cli.{name}")).command
    summary = command.__doc__.splitlines()[0]
    assert summary.endswith(".") and len(summary) <= 62, "longer ones are cut in `gradcli --help`"
    assert summary == COMMANDS[name]


def test_help_lists_every_command_whole(tmp_path: Path) -> None:
    text = run("gradcli --help", environment(tmp_path), ROOT)
    assert [name for name in COMMANDS if not re.search(rf"^  {name} +\S", text, re.M)] == []
    assert "..." not in text.split("Commands:")[1]


def test_every_option_has_help(tmp_path: Path) -> None:
    for name in COMMANDS:
        text = run(f"gradcli {name} --help", environment(tmp_path), ROOT)
        bare = re.findall(r"^  (?:-\w, )?(--[\w-]+)(?: <[\w| ]+>| [\w=:/.]+)?$\n(?!  {6,})", text, re.M)
        assert bare == [], f"{name}: {bare}"


def test_error_codes_used_are_listed() -> None:
    used = {
        code for path in (ROOT / "gradcli").rglob("*.py") for code in re.findall(r'"(G\d{3})"', path.read_text("utf-8"))
    }
    assert used - set(CODES) == set()


def test_the_exit_statuses_are_documented() -> None:
    from gradcli.cli.status import ExitStatus

    rows = {int(n) for n in re.findall(r"^\| (\d+) \|", README, re.M)}
    assert rows == {int(status) for status in ExitStatus}


def test_ci_runs_the_readme_test_command() -> None:
    assert re.search(r"^pip install -e '\.\[test\]' && pytest", README, re.M)
