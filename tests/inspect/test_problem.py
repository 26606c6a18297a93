"""Which arguments are differentiated, how values are found, and what is said when it cannot work."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from gradcli.engine.errors import diagnostic_of
from gradcli.inspect.evaluate import grad_of, vary_of
from gradcli.inspect.problem import Request, problem_of
from tests.inspect.helpers import problem, target


class Pair(NamedTuple):
    left: Any
    right: Any


def loss(params: Any, x: Any, power: int = 2, scale: float = 1.0) -> Any:
    return scale * np.sum((x @ params["w"] + params["b"]) ** power)


PARAMS = {"w": np.array([1.0, 2.0]), "b": 0.5}
X = np.array([[1.0, 0.0], [0.0, 1.0]])


def test_all_floats_are_differentiated_by_default() -> None:
    result = grad_of(problem(loss, params=PARAMS, x=X))
    assert list(result.gradients or {}) == ["params", "x", "scale"]
    np.testing.assert_allclose(result.gradients["params"]["w"], [3.0, 5.0])  # type: ignore[index]


@pytest.mark.parametrize("wrt", ["params.w", "params['w']", 'params["w"]'])
def test_paths_into_pytrees(wrt: str) -> None:
    result = grad_of(problem(loss, (wrt,), params=PARAMS, x=X))
    assert list(result.gradients or {}) == ["params.w"]
    np.testing.assert_allclose(result.gradients["params.w"], [3.0, 5.0])  # type: ignore[index]


def test_paths_through_lists_and_named_tuples() -> None:
    def f(p: Any) -> Any:
        return p[1]["a"] * p[0].left

    value = [Pair(2.0, 3.0), {"a": 4.0}]
    for wrt, expected in [("p[1]", {"a": 2.0}), ("p[1].a", 2.0), ("p[0].left", 4.0), ("p[0]", Pair(4.0, 0.0))]:
        found = grad_of(problem(f, (wrt,), p=value)).gradients
        assert found == {wrt: expected}, wrt


def test_integers_are_promoted_where_a_derivative_is_asked() -> None:
    p = problem(lambda x, y: x * y, x=3, y=4)
    assert p.notes == ("promoted to float64: x, y (derivatives need floats)",)
    assert grad_of(p).gradients == {"x": 4.0, "y": 3.0}


def test_integers_stay_beside_floats() -> None:
    def f(x: Any, n: int) -> Any:
        for _ in range(n):
            x = x * x
        return x

    p = problem(f, x=3.0, n=2)
    assert "no derivative by n" in p.notes[0]
    assert grad_of(p).gradients == {"x": 108.0}
    assert grad_of(problem(f, ("x",), x=3, n=2)).gradients == {"x": 108.0}


def test_defaults_examples_and_given_values_in_that_order() -> None:
    def f(x: Any, y: Any = 10.0, z: Any = 100.0) -> Any:
        return x + y + z

    t = target(f, x=1.0, y=2.0)
    assert problem_of(t, Request({})).args == (1.0, 2.0, 100.0)
    assert problem_of(t, Request({"y": 5.0})).args == (1.0, 5.0, 100.0)


def test_things_that_are_no_numbers_stay_what_they_are() -> None:
    def f(x: Any, how: str = "square", flag: bool = True, inner: Any = np.sin, nothing: None = None) -> Any:
        assert how == "square" and flag is True and nothing is None
        return inner(x) ** 2

    found = grad_of(problem(f, x=0.5)).gradients
    assert found == {"x": pytest.approx(2 * np.sin(0.5) * np.cos(0.5))}


def test_keyword_only_and_variable_parameters() -> None:
    def f(x: Any, *rest: Any, k: Any, **more: Any) -> Any:
        return x * k + sum(r * r for r in rest) + more.get("z", 0.0)

    found = grad_of(problem(f, x=2.0, k=3.0, rest=[1.0, 2.0], z=5.0)).gradients
    assert found == {"x": 3.0, "rest": [2.0, 4.0], "k": 2.0, "more": {"z": 1.0}}


@pytest.mark.parametrize(
    ("given", "wrt", "code", "text"),
    [
        ({"x": X}, None, "G102", "loss() needs a value for params"),
        ({"params": PARAMS, "x": X, "xx": 1}, None, "G105", "no argument 'xx'"),
        ({"params": PARAMS, "x": X}, ("parms",), "G105", "no argument 'parms'"),
        ({"params": PARAMS, "x": X}, ("params.v",), "G105", "no argument 'params.v'"),
    ],
)
def test_errors_name_the_argument(given: Any, wrt: Any, code: str, text: str) -> None:
    with pytest.raises(Exception, match=".") as caught:
        problem_of(target(loss), Request(given, wrt))
    found = diagnostic_of(caught.value)
    assert found is not None and found.code == code and text in found.message and found.hint


def test_nothing_to_differentiate() -> None:
    with pytest.raises(Exception, match="holds no floats"):
        problem_of(target(lambda s: s), Request({"s": "text"}, ("s",)))


def test_varying_one_argument() -> None:
    result = vary_of(problem(lambda x, y: x * x * y, x=0.0, y=2.0), "x", np.linspace(0, 1, 3))
    np.testing.assert_allclose(result.value, [0, 0.5, 2])
    np.testing.assert_allclose(result.gradients["x"], [0, 2, 4])  # type: ignore[index]
    np.testing.assert_allclose(result.gradients["y"], [0, 0.25, 1])  # type: ignore[index]
