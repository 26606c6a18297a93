"""checkpoint: the same values and derivatives, less kept, more computed again; and what is kept, by policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli import checkpoint_policies as policies
from gradcli import lax
from gradcli.engine.checkpoint import checkpoint_name, print_saved_residuals, saved_residuals

RNG = np.random.default_rng(2)
X, W = RNG.normal(size=3), RNG.normal(size=(3, 3))


def layer(x: Any, w: Any) -> Any:
    y = gnp.sin(w @ x)
    return (y * checkpoint_name(gnp.cos(y), "c")).sum()


def looping(x: Any, w: Any) -> Any:
    out, _ = lax.scan(lambda c, row: (gnp.tanh(c * row), None), x, w)
    return lax.cond(out[0] > 0, gnp.sum, lambda v: gnp.sum(v * v), out)


def with_calls(x: Any, w: Any) -> Any:
    return gradcli.jit(layer)(x, w) + gradcli.jit(lambda v: gnp.sum(gnp.exp(v)))(x)


FUNCTIONS = [layer, looping, with_calls]
POLICIES: dict[str, Any] = {
    "none": None,
    "everything": policies.everything_saveable,
    "nothing": policies.nothing_saveable,
    "dots": policies.dots_saveable,
    "dots without batch": policies.dots_with_no_batch_dims_saveable,
    "names": policies.save_only_these_names("c"),
    "other names": policies.save_any_names_but_these("c"),
    "all but names": policies.save_anything_except_these_names("c"),
    "two": policies.save_from_both_policies(policies.dots_saveable, policies.save_only_these_names("c")),
}


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("name", POLICIES)
def test_derivatives_are_those_of_the_function(f: Any, name: str) -> None:
    g = gradcli.checkpoint(f, policy=POLICIES[name])
    np.testing.assert_allclose(np.asarray(g(X, W)), np.asarray(f(X, W)), rtol=1e-14)
    for a, b in zip(gradcli.grad(g, (0, 1))(X, W), gradcli.grad(f, (0, 1))(X, W), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-12, atol=1e-14)
    rows = RNG.normal(size=(2, 3))
    mapped = gradcli.vmap(gradcli.grad(g), (0, None))(rows, W)
    np.testing.assert_allclose(
        np.asarray(mapped), np.stack([np.asarray(gradcli.grad(f)(r, W)) for r in rows]), rtol=1e-11, atol=1e-14
    )


@pytest.mark.parametrize("f", FUNCTIONS)
def test_orders_and_modes(f: Any) -> None:
    gradcli.check_grads(gradcli.checkpoint(f), (X, W), 1)
    gradcli.check_grads(gradcli.checkpoint(lambda t: f(X + t, W * t)), (0.7,), 2)
    gradcli.check_grads(gradcli.checkpoint(gradcli.checkpoint(f)), (X, W), 1)


KEPT = {
    "none": ["from the argument x", "from the argument w"],
    "nothing": ["from the argument x", "from the argument w"],
    "dots": ["from the argument x", "from the argument w", "output of dot_general"],
    "names": ["from the argument x", "from the argument w", "named 'c'"],
    "two": ["from the argument x", "from the argument w", "output of dot_general", "named 'c'"],
    "everything": ["from the argument x", "from the argument w", "output of sin", "output of cos", "output of sin",
                   "named 'c'"],
}  # fmt: skip


def origins(f: Any, *args: Any) -> list[str]:
    return [text if "argument" in text else text.split(" from ")[0] for _, text in saved_residuals(f, *args)]


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept(name: str) -> None:
    assert origins(gradcli.checkpoint(layer, policy=POLICIES[name]), X, W) == KEPT[name]
    assert origins(layer, X, W) == KEPT["everything"]


def test_names_of_arguments_and_printing(capsys: pytest.CaptureFixture[str]) -> None:
    found = saved_residuals(lambda params, s: gnp.sum(params["w"] * s), {"w": X}, X)
    assert [text for _, text in found] == ["from the argument params['w']", "from the argument s"]
    print_saved_residuals(lambda a: a * a * a, 2.0)
    assert capsys.readouterr().out.splitlines()[0] == "f64[] from the argument a"


def test_it_is_computed_again() -> None:
    """One sine for the value, and one more in reverse mode."""
    count: list[int] = []

    def f(x: Any) -> Any:
        gradcli.debug.callback(lambda _: count.append(1), x)
        return gnp.sin(gnp.sin(x))

    program = gradcli.make_jaxpr(gradcli.grad(gradcli.checkpoint(lambda x: gnp.sin(gnp.sin(x)))))(2.0)
    inner = program.eqns[-1].params["jaxpr"]
    assert [e.primitive.name for e in program.eqns] == ["sin", "sin", "remat2"]
    assert [e.primitive.name for e in inner.eqns] == ["sin", "cos", "cos", "mul", "mul"]
    assert program.eqns[-1].params["differentiated"] is True
    gradcli.grad(gradcli.checkpoint(f))(2.0)
    assert count


def test_static_arguments_keywords_and_decorators() -> None:
    @gradcli.checkpoint(static_argnums=(1,), static_argnames="power")
    def f(x: Any, n: int, *, power: int = 1) -> Any:
        for _ in range(n):
            x = x * x
        return x**power

    assert float(gradcli.grad(f)(2.0, 2)) == 32.0
    assert float(gradcli.grad(lambda x: f(x, 1, power=3))(2.0)) == 192.0


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["none", "nothing", "dots", "everything"])
def test_programs_against_jax(name: str) -> None:
    """The same primitives inside and outside of the equation that computes again."""
    jax = pytest.importorskip("jax")
    theirs = {"none": None, "nothing": jax.checkpoint_policies.nothing_saveable,
              "dots": jax.checkpoint_policies.dots_saveable,
              "everything": jax.checkpoint_policies.everything_saveable}[name]  # fmt: skip

    def f(x: Any) -> Any:
        return jax.numpy.sum(jax.numpy.sin(jax.numpy.dot(x, x) * x))

    def ours(x: Any) -> Any:
        return gnp.sum(gnp.sin(gnp.dot(x, x) * x))

    with jax.enable_x64(True):
        wanted = jax.make_jaxpr(jax.grad(jax.checkpoint(f, policy=theirs)))(X).jaxpr
    found = gradcli.make_jaxpr(gradcli.grad(gradcli.checkpoint(ours, policy=POLICIES[name])))(X)
    rounding = "reduce_precision"  # marks what JAX keeps for its compiler

    def names(eqns: Any) -> list[str]:
        return sorted(e.primitive.name for e in eqns if e.primitive.name != rounding)

    assert names(found.eqns) == names(wanted.eqns)
    assert names(found.eqns[-1].params["jaxpr"].eqns) == names(wanted.eqns[-1].params["jaxpr"].eqns)
