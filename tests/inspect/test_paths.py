"""Points that decide alike share one compiled program, and each gets what running the code there gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.cli.main import main
from gradcli.compat.scipynames import steering
from gradcli.engine import api
from gradcli.engine.array import Array
from gradcli.inspect.paths import Branching, Ways


def staircase(x: Any, y: Any) -> Any:
    for _ in range(6):
        x = x * y if x > 1 else x + y
    return x


def counted(f: Any) -> tuple[Any, list[int]]:
    runs: list[int] = []

    def g(*xs: Any) -> Any:
        runs.append(1)
        return f(*xs)

    return g, runs


def slope(f: Any) -> Any:
    return lambda *xs: api.grad(f)(*xs)


POINTS = np.random.default_rng(1).uniform(0.2, 1.5, (40, 2))


@pytest.mark.parametrize("derived", [lambda f: f, slope, lambda f: slope(slope(f))])
def test_each_point_gets_its_own_way(derived: Any) -> None:
    of = Branching(derived(staircase), Ways(staircase))
    for point in POINTS:
        values = [np.float64(v) for v in point]
        expected = derived(staircase)(*[Array(v) for v in values])
        np.testing.assert_allclose(of(values)[0], np.asarray(expected), rtol=1e-13)
    assert 2 < len(of.ways.known) <= 12


def test_points_on_a_known_way_do_not_run_the_code() -> None:
    f, runs = counted(staircase)
    of = Branching(slope(f), Ways(f))
    for k in range(20):
        of([np.float64(0.5 + 1e-6 * k), np.float64(0.7)])
    assert len(of.ways.known) == 1
    assert len(runs) == 3  # to learn the way, at its first point, and to compile it


def test_ways_without_end_are_not_all_remembered() -> None:
    def f(x: Any) -> Any:
        return x * int((x * 1000).astype(int))

    of = Branching(f, Ways(f))
    for x in np.linspace(0, 1, 50):
        np.testing.assert_allclose(of([np.float64(x)])[0], x * int(x * 1000))
    assert len(of.ways.known) == 12


def test_what_a_loop_asked_for_inside_is_left_to_the_code() -> None:
    def f(x: Any) -> Any:
        return api.grad(lambda y: y * y if y > 0 else -y)(x)

    of = Branching(f, Ways(f))
    for x in (1.0, 2.0, -3.0):
        np.testing.assert_allclose(of([np.float64(x)])[0], 2 * x if x > 0 else -1.0)


def test_numbers_that_went_in_unasked_are_not_taken_for_decided() -> None:
    def f(x: Any) -> Any:
        return x * steering.number(x * 1.0) if x > 0 else x

    of = Branching(f, Ways(f))
    for x in (1.0, 2.0, 3.0, 4.0):
        np.testing.assert_allclose(of([np.float64(x)])[0], x * x)


def test_samples_that_branch_are_those_of_their_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "stairs.py"
    body = "    for _ in range(6):\n        x = x * y if x > 1 else x + y\n    return x\n"
    path.write_text("def f(x, y):\n" + body, encoding="utf-8")
    xs = np.linspace(0.2, 1.5, 30)
    assert main(["batch", f"{path}:f", "--at", f"x={xs.tolist()}", "--at", "y=0.7", "--over", "x", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["gradients"]
    for k, x in enumerate(xs):
        by_x, by_y = api.grad(staircase, argnums=(0, 1))(Array(np.float64(x)), Array(np.float64(0.7)))
        np.testing.assert_allclose([found["x"][k], found["y"][k]], [by_x, by_y], rtol=1e-12)
