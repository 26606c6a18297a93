"""Console blocks: ``$ command`` and the output it must have, in the README and in the golden files.

A block is commands, each followed by what it prints (notes and errors included) and, where the exit status is not 0,
by a last line ``[exit 4]``. Run this file to write the outputs anew where they are no longer true:
``python -m tests.console README.md tests/cli/golden/*.txt``.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Example:
    """A command, what it must print, and the line it stands on."""

    command: str
    expected: str
    line: int


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """The process's environment with a ``gradcli`` of this checkout on the path, and nothing about the terminal."""
    shim = folder / "gradcli"
    if not shim.exists():
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gradcli "$@"\n')
        shim.chmod(0o755)
    names = ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "PYTHONWARNINGS")
    kept = {k: v for k, v in os.environ.items() if k not in names}
    path = os.pathsep.join([str(folder), kept.get("PATH", "")])
    python = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH", "")]))
    return {**kept, "PATH": path, "PYTHONPATH": python, "PYTHONUTF8": "1", **extra}


def run(command: str, env: Mapping[str, str], cwd: Path) -> str:
    """The output of a shell command, standard error included, and its exit status where it is not 0."""
    done = subprocess.run(
        ["bash", "-c", command], env=dict(env), cwd=cwd, text=True, encoding="utf-8", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
    )  # fmt: skip
    return done.stdout + (f"[exit {done.returncode}]\n" if done.returncode else "")


def run_in_terminal(command: str, env: Mapping[str, str], cwd: Path, plain: bool = True) -> str:
    """Like :func:`run`, as a person sees it: both streams are a terminal, if ``plain`` of 80 columns without colour."""
    parent, child = pty.openpty()
    quiet = {**env, "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"} if plain else dict(env)
    process = subprocess.Popen(["bash", "-c", command], env=quiet, cwd=cwd, stdin=child, stdout=child, stderr=child)
    os.close(child)
    chunks = []
    while True:
        try:
            data = os.read(parent, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not data:
            break
        chunks.append(data)
    os.close(parent)
    status = process.wait(timeout=120)
    text = b"".join(chunks).decode().replace("\r\n", "\n")
    return text + (f"[exit {status}]\n" if status else "")


def examples(text: str) -> list[Example]:
    """The commands of a golden file, or of the ```console blocks of a Markdown file."""
    found: list[Example] = []
    for start, block in _blocks(text):
        command, line, output = None, 0, []
        for number, content in enumerate(block, start):
            if content.startswith("$ "):
                if command is not None:
                    found.append(Example(command, _text(output), line))
                command, line, output = content[2:], number, []
            elif command is not None and command.endswith("\\") and not output:
                command = command[:-1] + content.strip()
            else:
                output.append(content)
        if command is not None:
            found.append(Example(command, _text(output), line))
    return found


def _text(lines: list[str]) -> str:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return "".join(line + "\n" for line in lines)


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    lines = text.splitlines()
    if "```console" not in text:
        yield 1, lines
        return
    inside: list[str] | None = None
    start = 0
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            if inside is not None:
                yield start, inside
                inside = None
            elif line.strip() == "```console":
                inside, start = [], number + 1
        elif inside is not None:
            inside.append(line)


NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w])")
ROUNDED = re.compile(r"\d\.\de[-+]\d\d")  # errors and steps: rounding noise, another on every machine


def matches(expected: str, actual: str, command: str = "") -> bool:
    """Whether an output is as expected: the same words, and numbers that agree to rounding.

    Machines differ in the last digits (their sine and exponential do), so widths and rules are not compared either. All
    numbers that ``gradcli time`` prints are times.
    """
    any_number = " time " in command
    rows, others = _lines(expected), _lines(actual)
    return len(rows) == len(others) and all(_same(a, b, any_number) for a, b in zip(rows, others, strict=True))


def _lines(text: str) -> list[str]:
    return [re.sub("─+", "─", re.sub(r" +", " ", line)).strip() for line in text.rstrip("\n").split("\n")]


def _same(expected: str, actual: str, any_number: bool) -> bool:
    a, b = NUMBER.findall(expected), NUMBER.findall(actual)
    if NUMBER.sub("#", expected) != NUMBER.sub("#", actual) or len(a) != len(b):
        return False
    return any_number or all(map(_close, a, b))


def _close(a: str, b: str) -> bool:
    if a == b or (ROUNDED.fullmatch(a) and ROUNDED.fullmatch(b)):
        return True
    if not set(a + b) & set(".eE"):
        return False
    x, y = float(a), float(b)
    digits = len(re.sub(r"[eE].*|\D", "", a).lstrip("0"))
    return abs(x - y) <= max(abs(x), 1e-3) * (1e-9 if digits > 9 else 3e-7 if digits >= 7 else 0)


def _rewrite(path: Path, folder: Path) -> None:
    text = path.read_text(encoding="utf-8")
    cwd = ROOT if path.suffix == ".md" else path.parents[1] / "programs"
    env = environment(folder)
    lines = text.splitlines()
    for example in reversed(examples(text)):
        if "pip install" in example.command:
            continue
        actual = (run_in_terminal if path.suffix == ".md" else run)(example.command, env, cwd)
        same = matches(example.expected, actual, example.command)
        if "error[G900]" in actual or (same and (example.expected or not actual)):
            continue
        end = example.line
        while end < len(lines) and not lines[end].startswith(("$ ", "```")):
            end += 1
        gap = [""] if path.suffix != ".md" or lines[end : end + 1] and lines[end].startswith("$ ") else []
        lines[example.line : end] = [*actual.rstrip("\n").splitlines(), *gap]
        print(f"{path}:{example.line}: {example.command}")
    path.write_text("\n".join(lines).rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        for name in sys.argv[1:]:
            _rewrite(Path(name).resolve(), Path(temporary))
