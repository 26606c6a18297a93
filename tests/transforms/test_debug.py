"""Where nans come from; rules of one's own for vmap; the modules that bear JAX's names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli import lax
from gradcli.custom_batching import custom_vmap, sequential_vmap
from gradcli.debug import check_nans


def bad_log(x: Any) -> Any:
    y = x - 2.0
    return gnp.log(y)  # nan here


PLACES: dict[str, tuple[Any, tuple[Any, ...], str]] = {
    "plain": (bad_log, (1.0,), "log of -1.0"),
    "array": (bad_log, (np.array([1.0, 3.0]),), "log at"),
    "jit": (lambda x: gradcli.jit(bad_log)(x) * 2.0, (1.0,), "log of -1.0"),
    "scan": (lambda x: lax.scan(lambda c, v: (c - v, bad_log(c)), x, np.ones(4))[0], (4.0,), "log of -1.0"),
    "while": (lambda x: lax.while_loop(lambda c: c > -9.0, lambda c: c + bad_log(c), x), (1.0,), "log of -1.0"),
    "cond": (lambda x: lax.cond(x > 0.0, bad_log, lambda v: v, x), (1.0,), "log of -1.0"),
    "checkpoint": (gradcli.checkpoint(bad_log), (1.0,), "log of -1.0"),
    "vmap": (gradcli.vmap(bad_log), (np.array([3.0, 1.0]),), "log at"),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_line_is_named(name: str) -> None:
    f, args, text = PLACES[name]
    with pytest.raises(FloatingPointError, match=text) as caught:
        check_nans(f)(*args)
    diagnostic: Any = caught.value
    assert "nan here" in diagnostic.diagnostic.location.text


def test_in_derivatives() -> None:
    def f(x: Any) -> Any:
        return gnp.where(x > 0.0, gnp.sqrt(x), 0.0)

    with pytest.raises(FloatingPointError, match="inf"):
        check_nans(gradcli.grad(f), infs=True)(0.0)
    np.testing.assert_allclose(float(check_nans(gradcli.grad(f), infs=True)(4.0)), 0.25)


def test_results_are_unchanged() -> None:
    def f(tree: Any, *, scale: Any) -> Any:
        carry, ys = lax.scan(lambda c, v: (c * v, c), tree["a"], np.arange(1.0, 4.0), reverse=True)
        return {"c": carry * scale, "ys": ys, "n": 3}

    found = check_nans(f)({"a": 2.0}, scale=2.0)
    assert float(found["c"]) == 24.0 and int(found["n"]) == 3
    np.testing.assert_array_equal(np.asarray(found["ys"]), [12.0, 6.0, 2.0])


# --- custom_vmap --------------------------------------------------------------------------------------------------


def test_custom_vmap() -> None:
    calls: list[Any] = []

    def make(a: Any) -> Any:
        @custom_vmap
        def f(x: Any, y: Any) -> Any:
            return {"out": x * y * a}

        @f.def_vmap
        def rule(axis_size: int, in_batched: Any, x: Any, y: Any) -> Any:
            calls.append((axis_size, tuple(in_batched)))
            return {"out": 100.0 * x * y * a}, {"out": True}

        return f

    assert float(make(2.0)(3.0, 4.0)["out"]) == 24.0
    out = gradcli.vmap(make(2.0), (0, None))(np.arange(3.0), 4.0)
    np.testing.assert_array_equal(np.asarray(out["out"]), 800.0 * np.arange(3))
    assert calls == [(3, (True, False))]
    captured = gradcli.jit(lambda a, x: gradcli.vmap(make(a), (0, None))(x, 4.0)["out"])(2.0, np.arange(3.0))
    np.testing.assert_array_equal(np.asarray(captured), 800.0 * np.arange(3))
    assert float(gradcli.grad(lambda x: make(2.0)(x, 4.0)["out"])(3.0)) == 8.0
    assert float(gradcli.jvp(lambda x: make(2.0)(x, 4.0)["out"], (3.0,), (1.0,))[1]) == 8.0


def test_sequential_vmap() -> None:
    seen: list[Any] = []

    @sequential_vmap
    def f(x: Any, tree: Any) -> Any:
        gradcli.debug.callback(lambda v: seen.append(v.shape), x)
        return x * tree["w"]

    out = gradcli.vmap(f, (0, None))(np.arange(3.0), {"w": 2.0})
    np.testing.assert_array_equal(np.asarray(out), [0.0, 2.0, 4.0])
    assert seen == [()] * 3


@pytest.mark.parametrize(
    "rule, error",
    [(None, AttributeError), (lambda n, b, x: ((x, x), (True, True)), TypeError)],
)
def test_errors_of_vmap_rules(rule: Any, error: type[Exception]) -> None:
    f = custom_vmap(lambda x: x)
    if rule is not None:
        f.def_vmap(rule)
    with pytest.raises(error):
        gradcli.vmap(f)(np.ones(2))


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ad_checkpoint", "custom_batching", "custom_derivatives", "debug", "experimental",
                                  "experimental.jet", "flatten_util"])  # fmt: skip
def test_modules_have_what_they_name(name: str) -> None:
    module: Any = gradcli
    __import__(f"gradcli.{name}")
    for part in name.split("."):
        module = getattr(module, part)
    assert module.__all__ and all(getattr(module, n) is not None for n in module.__all__)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["ad_checkpoint", "custom_batching", "custom_derivatives", "debug", "flatten_util"])
def test_names_are_those_of_jax(name: str) -> None:
    theirs = pytest.importorskip(f"jax.{name}")
    __import__(f"gradcli.{name}")
    own = {"saved_residuals", "checkpoint", "check_nans"}  # what JAX keeps elsewhere, or does not have
    assert [n for n in getattr(gradcli, name).__all__ if n not in own and not hasattr(theirs, n)] == []
