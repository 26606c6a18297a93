"""The pull-back that ``vjp`` returns: a pytree of what it kept, which can be taken out of one program into another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcli
from gradcli import numpy as gnp
from gradcli import tree
from gradcli.engine.pullback import DidntWant, DontWant, GradValue, NotNeeded

W, X = np.arange(6.0).reshape(3, 2) / 5, np.array([0.3, -0.4, 0.5])


@gradcli.custom_vjp
def clipped(x: Any) -> Any:
    return x


clipped.defvjp(lambda x: (x, x), lambda res, g: (gnp.clip(g, -0.5, 0.5) * res,))


def _loop(w: Any, x: Any) -> Any:
    return gradcli.lax.scan(lambda c, row: (c * gnp.sin(row), c), x, w.T)[0]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "product": lambda w, x: gnp.tanh(x @ w),
    "loop": _loop,
    "compiled inside": lambda w, x: gradcli.jit(lambda a, b: gnp.exp(b) @ a)(w, x),
    "condition": lambda w, x: gradcli.lax.cond(x[0] > 0, lambda: gnp.sin(w) * 2.0, lambda: w),
    "custom rule": lambda w, x: clipped(w) * x[:, None] ** 2,
    "containers": lambda w, x: {"a": w * 3.0, "b": [x[1] * w[0]]},
    "integers": lambda w, x: (w.sum() * 2, gnp.argmax(x)),
    "reading": lambda w, x: w[1] * x[2],
    "nothing": lambda w, x: gnp.zeros(2),
}


def _cotangent(out: Any) -> Any:
    return tree.map(lambda x: np.cos(np.arange(x.size, dtype=float)).reshape(x.shape).astype(x.dtype), out)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_tree_form_gives_what_the_pull_back_gives(name: str) -> None:
    out, pull = gradcli.vjp(FUNCTIONS[name], W, X)
    ct = _cotangent(out)
    expected = pull(ct)
    leaves, structure = tree.flatten(pull)
    again = tree.unflatten(structure, leaves)
    compiled = gradcli.jit(lambda p, c: p(c))(again, ct)
    for found in (again(ct), compiled, pull(ct)):
        for a, b in zip(tree.leaves(found), tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_it_leaves_a_compiled_function_and_enters_another_which_is_traced_once() -> None:
    traced: list[str] = []

    def forward(w: Any, x: Any) -> Any:
        traced.append("forward")
        return gradcli.vjp(FUNCTIONS["product"], w, x)

    def backward(pull: Any, ct: Any) -> Any:
        traced.append("backward")
        return pull(ct)

    fwd, bwd = gradcli.jit(forward), gradcli.jit(backward)
    for scale in (1.0, 2.0):
        out, pull = fwd(W * scale, X)
        expected = gradcli.vjp(FUNCTIONS["product"], W * scale, X)[1](np.ones(2))
        for a, b in zip(bwd(pull, np.ones(2)), expected, strict=True):
            np.testing.assert_allclose(a, b)
        assert out.shape == (2,)
    assert traced == ["forward", "backward"]


def test_what_is_kept_is_shown_and_can_be_replaced() -> None:
    _, pull = gradcli.vjp(lambda d, y: d["a"] * d["b"] + gnp.sin(y), {"a": 2.0, "b": 3.0}, 1.0)
    assert [[float(x) for x in pull.args_res[0]], pull.args_res[1]] == [[2.0, 3.0], NotNeeded()]
    np.testing.assert_allclose(pull.opaque_residuals, np.cos(1.0))
    pull.args_res[0] = {"a": 5.0, "b": 3.0}
    assert float(pull(1.0)[0]["b"]) == 5.0
    pull.args_res = [NotNeeded(), NotNeeded()]
    with pytest.raises(ValueError, match="needs the argument"):
        pull(1.0)


def test_cotangents_that_are_not_wanted_are_not_returned() -> None:
    _, pull = gradcli.vjp(FUNCTIONS["product"], W, X)
    kept, dropped = pull.with_refs(GradValue(), DontWant())(np.ones(2))
    np.testing.assert_allclose(kept, pull(np.ones(2))[0])
    assert dropped == DidntWant()
    with pytest.raises(TypeError, match="1 entries for 2 arguments"):
        pull.with_refs(GradValue())
