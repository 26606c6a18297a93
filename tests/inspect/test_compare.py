"""Expected against actual: what counts as the same, and what is said when it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.inspect.compare import Tolerance, differences, same_program


def found(expected: Any, actual: Any, **tolerance: float) -> list[str]:
    return list(differences("value", expected, actual, Tolerance(**tolerance)))


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (0.5, np.float64(0.5)), (np.nan, np.float32(np.nan)), (np.inf, np.inf), (1, 1.0), (1e9, 1e9 + 1),
        ([1, 2], np.array([1.0, 2.0])), ([[1, 2], [3, 4]], np.array([[1.0, 2.0], [3.0, 4.0]])), (0, 1e-10),
        ({"a": 1}, {"a": 1.0, "b": 2.0}), ([{"w": [1]}, 2], [{"w": np.array([1.0])}, 2.0]), (1 + 1j, 1 + 1j),
    ],
)  # fmt: skip
def test_the_same(expected: Any, actual: Any) -> None:
    assert found(expected, actual) == []


@pytest.mark.parametrize(
    ("expected", "actual", "message"),
    [
        (0.5, 0.6, "value: expected 0.5, got 0.6, off by 0.1"),
        (np.nan, 1.0, "value: expected nan, got 1.0, off by nan"),
        (np.inf, -np.inf, "value: expected inf, got -inf, off by inf"),
        ([1, 2, 3], np.array([1.0, 2.5, 4.0]), "value[1]: expected 2, got 2.5, off by 0.5 (2 of 3 differ)"),
        ([1, 2], np.array([1.0]), "value: expected shape (2,), got (1,) ([1.])"),
        (0.5, np.array([0.5]), "value: expected shape (), got (1,) ([0.5])"),
        ({"x": 1}, {"y": 1.0}, "value.x: nothing of that name; there is y"),
        ({"x": 1}, 1.0, "value: expected ['x'], got 1.0"),
        ([1, {"a": 2}], [1.0, {"a": 3.0}], "value[1].a: expected 2, got 3.0, off by 1"),
    ],
)
def test_different(expected: Any, actual: Any, message: str) -> None:
    assert found(expected, actual) == [message]


def test_tolerances() -> None:
    assert found(1.0, 1.01, rtol=0.1) == [] and found(1.0, 1.01, rtol=0.0, atol=0.1) == []
    assert found(1.0, 1.0 + 1e-12, rtol=0.0, atol=0.0) != []


MODERN = """{ lambda ; a:f32[]. let
    b:f32[] = exp a
    c:f32[] = add 1.0:f32[] b
    _:f32[] = log c
    d:f32[] = reduce_sum[axes=(0,)] c
  in (d,) }"""


def test_programs_up_to_names() -> None:
    renamed = MODERN.replace("b", "q").replace("a:", "z:").replace("exp a", "exp z").replace("lamqda", "lambda")
    renamed = renamed.replace("suq", "sub")
    assert same_program(MODERN, renamed)
    assert same_program(MODERN, " ".join(MODERN.split()))
    for wrong in (
        MODERN.replace("exp", "sin"), MODERN.replace("exp a", "exp b"), MODERN.replace("1.0", "2.0"),
        MODERN.replace("axes=(0,)", "axes=(1,)"), MODERN.replace("f32", "f64"), MODERN.replace("_:", "e:"),
        MODERN.replace("(d,)", "(c,)"),
    ):  # fmt: skip
        assert not same_program(MODERN, wrong), wrong
