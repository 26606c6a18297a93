"""What only a real process shows: terminals, colour, closed pipes, signals, files, and every exit status."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.console import ROOT, environment, run_in_terminal

PROGRAMS = Path(__file__).parent / "programs"
GRAD = ["grad", "-e", "x*y", "--at", "x=3.0,y=4.0"]


def process(
    arguments: list[str], tmp_path: Path, cwd: Path = PROGRAMS, **extra: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gradcli", *arguments], env=environment(tmp_path, **extra), cwd=cwd,
        capture_output=True, text=True, encoding="utf-8", timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def in_terminal(arguments: list[str], tmp_path: Path, **extra: str) -> str:
    """What the program prints where both streams are a terminal."""
    env = environment(tmp_path, TERM="xterm-256color")
    return run_in_terminal(shlex.join(["gradcli", *arguments]), {**env, **extra}, PROGRAMS, plain=False)


@pytest.mark.parametrize("columns", ["80", "160"])
def test_a_terminal_gets_a_table_of_its_width(tmp_path: Path, columns: str) -> None:
    text = in_terminal(
        ["check", "-e", "sin(x)*y", "--at", "x=3.0,y=4.0", "--order", "2"], tmp_path, COLUMNS=columns, NO_COLOR="1"
    )
    assert "derivative  mode" in text and "\x1b" not in text
    assert max(map(len, text.splitlines())) <= int(columns)


def test_colour_follows_the_environment(tmp_path: Path) -> None:
    check = ["check", "-e", "sin(x)", "--at", "x=3.0"]
    assert "\x1b[" in in_terminal(check, tmp_path)
    assert "\x1b[" not in in_terminal(check, tmp_path, NO_COLOR="1")
    assert "\x1b[" not in in_terminal(check, tmp_path, TERM="dumb")
    assert "\x1b[" in process([*check, "--format", "table"], tmp_path, FORCE_COLOR="1").stdout
    assert "\x1b[" not in process([*check, "--format", "table"], tmp_path).stdout
    assert "\x1b[1;31merror" in process(["grad"], tmp_path, FORCE_COLOR="1").stderr


def test_a_pipe_gets_plain_text_whatever_columns_says(tmp_path: Path) -> None:
    done = process(["grad", "-e", "x/3", "--at", "x=1.0"], tmp_path, COLUMNS="10")
    assert done.stdout == "quantity\tvalue\nf\t0.3333333333333333\ndf/dx\t0.3333333333333333\n"


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    command = "gradcli batch -e 'x*x' --at 'x=linspace(0,1,20000)' --over x | head -n 1; echo ${PIPESTATUS[0]}"
    done = subprocess.run(
        ["bash", "-c", command], env=environment(tmp_path), capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "sample\tx\tf\tdf/dx\n0\n" and done.stderr == ""


def test_quiet_says_nothing_but_numbers(tmp_path: Path) -> None:
    done = process(["grad", "-e", "x*y", "--at", "x=3,y=4", "-q"], tmp_path)
    assert (done.stdout, done.stderr) == ("4.0\n3.0\n", "")


def test_what_the_function_prints_stays_out_of_the_result(tmp_path: Path) -> None:
    done = process(["grad", "model.py:noisy", "--at", "x=2.0", "--json"], tmp_path)
    assert json.loads(done.stdout)["gradients"] == {"x": 4.0}
    assert done.stderr.count("the function was called") == 1


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".md", ".txt", ".npz"])
def test_the_suffix_decides_the_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    done = process([*GRAD, "-o", str(path)], tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    if suffix == ".npz":
        with np.load(path) as data:
            assert {k: float(v) for k, v in data.items()} == {"value": 12.0, "x": 4.0, "y": 3.0}
        return
    text = path.read_text()
    starts = {".json": "{\n", ".jsonl": '{"schema"', ".csv": "quantity,value\n", ".md": "**x*y", ".txt": "quantity\tv"}
    assert text.startswith(starts[suffix])


def test_npy(tmp_path: Path) -> None:
    path = tmp_path / "g.npy"
    assert process([*GRAD, "--wrt", "x", "-o", str(path)], tmp_path).returncode == 0
    assert float(np.load(path)) == 4.0


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    done = process([*GRAD, "-o", str(tmp_path / "no" / "such" / "folder.json")], tmp_path)
    assert done.returncode == 3 and done.stderr.startswith("error[G301]: cannot write")


def test_junit(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    done = process(["run", "good.yaml", "--junit", str(path)], tmp_path, cwd=PROGRAMS.parent / "specs")
    assert done.returncode == 0, done.stderr
    assert path.read_text().startswith('<?xml version="1.0" encoding="utf-8"?>\n<testsuites tests=')


STATUSES = {
    0: GRAD,
    1: ["check", "-e", "abs(x)", "--at", "x=0.0", "--strict"],
    2: ["grad", "-e", "x*y", "--at", "x=3.0"],
    3: ["grad", "no-such-file.py"],
    4: ["grad", "model.py:broken", "--at", "x=1.0"],
    5: ["ops", "no-such-primitive"],
}


@pytest.mark.parametrize("status", STATUSES)
def test_exit_statuses(status: int, tmp_path: Path) -> None:
    done = process(STATUSES[status], tmp_path)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error[G") == (status > 1)


def test_errors_are_json_where_the_result_would_be(tmp_path: Path) -> None:
    for flag in (["--json"], ["--format", "json"], ["--format=json"]):
        done = process(["grad", "-e", "x*y", "--at", "x=3.0", *flag], tmp_path)
        error = json.loads(done.stderr)["error"]
        assert (done.returncode, done.stdout, error["code"]) == (2, "", "G102")


def test_traceback_is_shown_on_request_only(tmp_path: Path) -> None:
    done = process(["grad", "model.py:broken", "--at", "x=1.0", "--traceback"], tmp_path)
    assert "Traceback (most recent call last)" in done.stderr and "undefined_name" in done.stderr
    assert done.returncode == 4


def test_a_fault_of_gradcli_says_so(tmp_path: Path) -> None:
    code = (
        "import sys, gradcli.inspect.evaluate as e\n"
        "def grad_of(*_): raise KeyError('oh')\n"
        "e.grad_of = grad_of\n"
        "from gradcli.cli.main import main\n"
        f"sys.exit(main({GRAD!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 70
    assert done.stderr.startswith("error[G900]: a fault of gradcli itself: KeyError: 'oh'\n  hint: please report it")


def test_interrupted(tmp_path: Path) -> None:
    program = tmp_path / "slow.py"
    program.write_text("import time\ndef f(x):\n    open('started', 'w').close()\n    time.sleep(60)\n    return x\n")
    running = subprocess.Popen(
        [sys.executable, "-m", "gradcli", "grad", "slow.py", "--at", "x=1.0"], cwd=tmp_path,
        env=environment(tmp_path), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, "", "interrupted\n")


def test_standard_input_is_a_target(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gradcli", "grad", "-", "--at", "x=2.0", "-q"], input="def f(x):\n    return x**3\n",
        env=environment(tmp_path), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("12.0\n", 0), done.stderr


def test_files_with_strange_names(tmp_path: Path) -> None:
    program = tmp_path / "my gradiënt file.py"
    program.write_text("def f(x):\n    return x * x\n", encoding="utf-8")
    done = process(["grad", program.name, "--at", "x=3.0", "-q"], tmp_path, cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("6.0\n", 0), done.stderr


def test_the_shipped_specs_pass(tmp_path: Path) -> None:
    done = process(["run", "specs"], tmp_path, cwd=ROOT)
    assert done.returncode == 0, done.stdout
    assert done.stderr.endswith(" passed, 0 failed\n")


def test_a_strangers_spec_runs_no_code(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("open('was-here', 'w').close()\ndef f(x):\n    return x\n")
    spec = "version: 1\nfunctions: {f: {file: evil.py}}\ncases:\n  - {name: a, at: {x: 1.0}}\n"
    (tmp_path / "s.yaml").write_text(spec)
    done = process(["run", "s.yaml", "--no-exec"], tmp_path, cwd=tmp_path)
    assert done.returncode == 1 and "G307" in done.stdout and not (tmp_path / "was-here").exists()
    assert process(["run", "s.yaml"], tmp_path, cwd=tmp_path).returncode == 0 and (tmp_path / "was-here").exists()
