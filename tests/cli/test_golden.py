"""Every command and format in a real process, against golden outputs (``python -m tests.console`` writes them anew)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console import Example, environment, examples, matches, run

HERE = Path(__file__).parent
CASES = [
    pytest.param(example, id=f"{path.stem}:{example.line}")
    for path in sorted((HERE / "golden").glob("*.txt"))
    for example in examples(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("example", CASES)
def test_golden(example: Example, tmp_path: Path) -> None:
    actual = run(example.command, environment(tmp_path), HERE / "programs")
    wrong = f"$ {example.command}\n--- expected\n{example.expected}--- got\n{actual}"
    assert matches(example.expected, actual, example.command), wrong


def test_every_command_is_covered() -> None:
    from gradcli.cli.main import COMMANDS

    commands = " ".join(case.values[0].command for case in CASES)  # type: ignore[attr-defined]
    assert [name for name in COMMANDS if f"gradcli {name}" not in commands] == []
