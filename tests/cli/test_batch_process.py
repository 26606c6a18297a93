"""A batch over a large file as a process: its memory, and what is left of it when it is stopped."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gradcli.cli.main import main
from gradcli.cli.streams import Streams
from tests.benchmarks.measure import Process
from tests.console import environment, run_in_terminal

SAMPLES = 1_000_000
COMMAND = [
    "-m",
    "gradcli",
    "batch",
    "-e",
    "tanh(x)*y",
    "--at",
    "x=@X.npy",
    "--at",
    "y=2.0",
    "--over",
    "x",
    "--wrt",
    "x",
]
SLOWLY = ["--chunk", "20"]  # some seconds, of which a test sees the first


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch")
    np.save(folder / "X.npy", np.linspace(-3, 3, SAMPLES))
    return folder


def started(folder: Path, out: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *COMMAND, *SLOWLY, "-o", out], cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def once_there(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "status", "appears"),
    [
        (signal.SIGINT, 6, "rows-0.npy"),
        (signal.SIGTERM, 6, "rows-0.npy"),
        (signal.SIGKILL, -signal.SIGKILL, "journal.json"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_is_stopped_goes_on(data: Path, number: signal.Signals, status: int, appears: str) -> None:
    out = f"{number.name}.npy"
    for _ in range(3):  # on a busy machine it may be done before this process is asked again
        process = started(data, out)
        once_there(data / f"{out}.partial" / appears, process)
        time.sleep(0.05)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        if process.returncode:
            break
        (data / out).unlink()
    assert (process.returncode, stdout) == (status, "")
    if number != signal.SIGKILL:
        assert stderr.startswith("error[G601]: stopped after ") and "run the same command again" in stderr
    assert not (data / out).exists() and (data / f"{out}.partial" / "journal.json").exists()
    again = subprocess.run(
        [sys.executable, *COMMAND, "-o", out], cwd=data, env=environment(data), capture_output=True, text=True
    )
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr.startswith("note: resumed at sample ") and again.stderr.endswith(f" of {SAMPLES}\n")
    assert not (data / f"{out}.partial").exists()
    np.testing.assert_allclose(np.load(data / out), 2 / np.cosh(np.load(data / "X.npy")) ** 2, rtol=1e-12)


def zeros(path: Path, n: int) -> None:
    """A large file that takes no room."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_2_0(file, {"descr": "<f8", "fortran_order": False, "shape": (n,)})
        file.truncate(file.tell() + 8 * n)


def test_memory_does_not_grow_with_the_data(tmp_path: Path) -> None:
    n = 25_000_000
    zeros(tmp_path / "X.npy", n)
    command = (sys.executable, "-m", "gradcli", "batch", "-e", "x*x", "--at", "x=@X.npy", "--over", "x", "-o", "g.npy")
    peak = Process(command, folder=tmp_path).sample(1).bytes
    assert peak is not None and peak < 120 * 2**20
    found = np.load(tmp_path / "g.npy", mmap_mode="r")
    assert found.shape == (n,) and not found[:1000].any() and not found[-1000:].any()
    os.unlink(tmp_path / "g.npy")


SLOW = """
import time

def slow(x):  # every sample takes a way of its own, so that none can share another's program
    time.sleep(0.1)
    k = 0
    while x + 2 > k / 5:
        k += 1
    return x * x * k
"""


def test_a_terminal_sees_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    command = "gradcli batch slow.py --at 'x=linspace(-1,1,13)' --over x -o bar.npz"
    text = run_in_terminal(command, environment(tmp_path, TERM="xterm-256color"), tmp_path, plain=False)
    assert "samples" in text and "12/13" in text
    with np.load(tmp_path / "bar.npz") as found:
        assert found["value"].shape == found["x"].shape == (13,)


def test_rows_appear_as_they_are_computed(tmp_path: Path) -> None:
    """All the rows would be gigabytes of text; whoever reads has seen enough after two."""
    zeros(tmp_path / "X.npy", 100_000_000)
    command = "gradcli batch -e 'x*x' --at x=@X.npy --over x | head -n 2; echo ${PIPESTATUS[0]}"
    done = subprocess.run(
        ["bash", "-c", command], env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("sample\tx\tf\tdf/dx\n0\t0.0\t0.0\t0.0\n0\n", "")


def output(*options: str) -> str:
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO(), {})
    arguments = ["batch", "-e", "x*y", "--at", "x=linspace(0,1,7)", "--at", "y=2.0", "--over", "x", *options]
    assert main(arguments, streams) == 0 and streams.stderr.getvalue() == ""
    return streams.stdout.getvalue()


@pytest.mark.parametrize("reduce", ["none", "norm"])
@pytest.mark.parametrize(("format", "headings"), [("plain", 1), ("csv", 1), ("jsonl", 0)])
def test_rows_in_parts_are_the_rows(format: str, headings: int, reduce: str, tmp_path: Path) -> None:
    whole, parts = (output("--format", format, "--reduce", reduce, "--chunk", n) for n in ("7", "3"))
    assert parts == whole and len(whole.splitlines()) == 7 + headings
    path = tmp_path / "rows.txt"
    assert output("--format", format, "--reduce", reduce, "--chunk", "3", "-o", str(path)) == ""
    assert path.read_text() == whole


def test_restart_is_for_what_can_be_resumed(data: Path) -> None:
    done = subprocess.run(
        [sys.executable, *COMMAND, "--restart"], cwd=data, env=environment(data), capture_output=True, text=True
    )
    assert done.returncode == 2 and "--restart needs -o FILE.npy" in done.stderr
