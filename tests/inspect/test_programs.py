"""Programs, batches, matrices, timings: against what the API computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as jnp
from gradcli.engine.errors import GradcliError
from gradcli.inspect.batches import batch_of
from gradcli.inspect.evaluate import grad_of, hessian_of, jacobian_of, jvp_of, taylor_of, vjp_of
from gradcli.inspect.jaxprs import jaxpr_of, parse_of
from gradcli.inspect.timing import time_of
from tests.inspect.helpers import problem


def cubic(x: Any, y: Any) -> Any:
    return x * x * x * y


def primitives(of: str, over: tuple[str, ...] = (), **given: Any) -> list[str]:
    f = given.pop("f")
    return [e["primitive"] for e in jaxpr_of(problem(f, **given), of, over).data["equations"]]


def test_programs_of_the_tutorial() -> None:
    assert primitives("grad", f=lambda x: jnp.tanh(x), x=0.5) == ["tanh", "sub", "mul", "mul", "add_any"]
    batched = primitives("batch(grad)", f=lambda x: jnp.tanh(x), x=np.ones(5))
    assert batched == ["tanh", "sub", "mul", "mul", "add_any"]
    softplus = primitives("grad", f=lambda x: jnp.log(1.0 + jnp.exp(x)), x=500.0)
    assert softplus == ["exp", "add", "log", "div", "mul"]


@pytest.mark.parametrize(
    ("of", "outputs"), [("f", 1), ("grad", 2), ("value_and_grad", 3), ("jvp", 2), ("vjp", 3), ("hessian", 4)]
)
def test_every_transformation(of: str, outputs: int) -> None:
    result = jaxpr_of(problem(cubic, x=2.0, y=3.0), of)
    assert len(result.data["outputs"]) == outputs


def test_batch_of_inputs_that_are_shared() -> None:
    result = jaxpr_of(problem(cubic, x=np.ones(4), y=3.0), "batch(value_and_grad)", ("x",))
    assert [v["type"] for v in result.data["inputs"]] == ["f64[4]", "f64[]"]


@pytest.mark.parametrize("text", ["", "grad(", "grad)", "spam", "f(grad)", "grad(f)(f)", "batch(batch)"])
def test_what_is_no_composition(text: str) -> None:
    with pytest.raises(GradcliError):
        jaxpr_of(problem(cubic, x=np.ones(2), y=3.0), text)


def test_compositions() -> None:
    assert parse_of(" batch( grad (grad(f)) ) ") == ["batch", "grad", "grad"]


def test_batch_agrees_with_one_by_one_and_with_the_api() -> None:
    x = np.linspace(-1, 1, 7)
    whole = batch_of(problem(cubic, x=x, y=2.0), ["x"])
    chunked = batch_of(problem(cubic, x=x, y=2.0), ["x"], chunk=3)
    expected = gradcli.vmap(gradcli.grad(cubic), in_axes=(0, None))(x, 2.0)
    for result in (whole, chunked):
        np.testing.assert_array_equal(result.values, x**3 * 2)
        np.testing.assert_array_equal(result.gradients["x"], np.asarray(expected))
        np.testing.assert_allclose(result.gradients["y"], x**3)


def test_functions_that_branch_are_batched_one_by_one() -> None:
    def f(x: Any) -> Any:
        return x * x if x > 0 else -x

    result = batch_of(problem(f, x=np.array([-1.0, 3.0])), ["x"])
    assert result.notes[0] == "f() decides by values, so its samples were computed one by one"
    np.testing.assert_array_equal(result.gradients["x"], [-1.0, 6.0])


def test_another_axis_and_pytrees() -> None:
    def f(params: Any, x: Any) -> Any:
        return jnp.sum(params["w"] * x)

    result = batch_of(problem(f, params={"w": np.array([1.0, 2.0])}, x=np.arange(6.0).reshape(2, 3)), ["x:1"])
    assert result.n == 3
    np.testing.assert_array_equal(result.gradients["params"]["w"], np.arange(6.0).reshape(2, 3).T)


def test_reductions_and_the_largest() -> None:
    x = np.array([1.0, -3.0, 2.0, np.nan])
    p = problem(lambda x: x * x, x=x)
    np.testing.assert_array_equal(batch_of(p, ["x"], reduce="norm").gradients["x"], np.abs(2 * x))
    assert batch_of(p, ["x"], top=2).indices == (3, 1)
    q = problem(lambda x: x * x, x=x[:3])
    assert batch_of(q, ["x"], reduce="sum").gradients["x"] == 0.0
    assert batch_of(q, ["x"], reduce="mean").gradients["x"] == 0.0


def test_batch_errors() -> None:
    for given, over in [({"x": np.ones(3), "y": np.ones(2)}, ["x", "y"]), ({"x": 1.0, "y": 1.0}, ["x"]),
                        ({"x": np.ones(0), "y": 1.0}, ["x"]), ({"x": np.ones(2), "y": 1.0}, [])]:  # fmt: skip
        with pytest.raises(GradcliError):
            batch_of(problem(cubic, **given), over)


def test_matrices() -> None:
    def f(w: Any, x: Any) -> Any:
        return w @ x

    w, x = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0])
    for mode in ("auto", "fwd", "rev"):
        result = jacobian_of(problem(f, w=w, x=x), mode)
        np.testing.assert_array_equal(result.matrix["x"], w)
        assert result.matrix["w"].shape == (2, 2, 3)
        hessian = hessian_of(problem(cubic, x=2.0, y=3.0), mode)
        assert hessian.matrix == {"x": {"x": 36.0, "y": 12.0}, "y": {"x": 12.0, "y": 0.0}}


def test_products() -> None:
    p = problem(cubic, x=2.0, y=3.0)
    assert jvp_of(p, {"x": 1.0}).tangent_out == 36.0
    assert jvp_of(p, {}).tangent_out == 44.0
    assert vjp_of(p, 2.0).cotangents == {"x": 72.0, "y": 16.0}


def test_taylor_and_nested_derivatives_agree() -> None:
    p = problem(lambda x: np.sin(x) * np.exp(-x * x), x=0.3)
    nested, series = grad_of(p, 5).derivatives, taylor_of(p, 5).derivatives
    assert nested is not None
    np.testing.assert_allclose(nested, series, rtol=1e-11)
    assert "Taylor" in grad_of(p, 6).notes[-1]


def test_times_are_measured() -> None:
    result = time_of(problem(cubic, x=2.0, y=3.0), "grad", (), 4)
    assert len(result.runs_ms) == 4 and min(result.runs_ms) > 0 and result.trace_ms > 0


def test_the_function_runs_once() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return x * x

    grad_of(problem(f, x=2.0))
    assert len(calls) == 1
