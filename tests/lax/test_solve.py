"""Roots and linear solves: derivatives by the implicit function theorem, in every mode, order and batch; and JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli import lax

RNG = np.random.default_rng(9)
M = RNG.normal(size=(3, 3)) + 4 * np.eye(3)
B = RNG.normal(size=3)


def newton(m: Any, n: Any) -> Any:
    """A scalar root by Newton's method in a while loop, through which reverse mode could not go."""

    def solve(f: Any, x: Any) -> Any:
        def step(state: Any) -> Any:
            x, _ = state
            value, slope = m.jvp(f, (x,), (n.ones_like(x),))
            return x - value / slope, value

        return m.lax.while_loop(lambda s: n.abs(s[1]) > 1e-13, step, (x, n.ones_like(x)))[0]

    return solve


def cube_root(m: Any, n: Any) -> Any:
    def f(a: Any) -> Any:
        return m.lax.custom_root(lambda x: x**3 - a, 1.5, newton(m, n), lambda g, y: y / g(1.0))

    return f


def test_root_and_its_derivatives() -> None:
    f = cube_root(gradcli, gnp)
    np.testing.assert_allclose(float(f(8.0)), 2.0, rtol=1e-14)
    np.testing.assert_allclose(float(gradcli.grad(f)(8.0)), 1 / 12, rtol=1e-13)
    np.testing.assert_allclose(float(gradcli.grad(gradcli.grad(f))(8.0)), -2 / 9 / 32, rtol=1e-12)
    np.testing.assert_allclose(float(gradcli.jvp(f, (8.0,), (12.0,))[1]), 1.0, rtol=1e-13)
    a = np.array([1.0, 8.0, 27.0])
    np.testing.assert_allclose(np.asarray(gradcli.vmap(f)(a)), np.cbrt(a), rtol=1e-13)
    np.testing.assert_allclose(np.asarray(gradcli.vmap(gradcli.grad(f))(a)), a ** (-2 / 3) / 3, rtol=1e-12)
    total = gradcli.grad(lambda v: gnp.sum(gradcli.vmap(f)(v)))
    np.testing.assert_allclose(np.asarray(total(a)), a ** (-2 / 3) / 3, rtol=1e-12)
    np.testing.assert_allclose(float(gradcli.jit(gradcli.grad(f))(8.0)), 1 / 12, rtol=1e-13)


def test_root_of_a_pytree_with_more_to_return() -> None:
    def f(a: Any) -> Any:
        def solve(f: Any, x: Any) -> Any:
            for _ in range(40):
                residual = f(x)
                x = {k: x[k] - residual[k] / (2.0 * x[k]) for k in x}
            return x, 40

        start = {"u": 1.0, "v": 1.0}
        return lax.custom_root(
            lambda x: {"u": x["u"] ** 2 - a, "v": x["v"] ** 2 - 2.0 * a}, start, solve,
            lambda g, y: {k: y[k] / g({"u": 1.0, "v": 1.0})[k] for k in y}, has_aux=True,
        )  # fmt: skip

    root, steps = f(4.0)
    assert int(steps) == 40
    np.testing.assert_allclose([float(root["u"]), float(root["v"])], [2.0, np.sqrt(8.0)], rtol=1e-14)
    gradient = gradcli.grad(lambda a: f(a)[0]["u"] + f(a)[0]["v"])(4.0)
    np.testing.assert_allclose(float(gradient), 0.25 + 1 / np.sqrt(8.0), rtol=1e-13)


def test_the_solver_itself_is_not_differentiated() -> None:
    def f(b: Any) -> Any:
        def solve(matvec: Any, y: Any) -> Any:
            out = lax.while_loop(lambda s: s[1] < 50, lambda s: (s[0] + 0.4 * (y - matvec(s[0])), s[1] + 1), (y, 0))
            return out[0]

        return lax.custom_linear_solve(lambda x: 2.0 * x, b, solve, symmetric=True)

    np.testing.assert_allclose(float(gradcli.grad(f)(3.0)), 0.5, rtol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: lax.custom_root(lambda x: (x, x), 1.0, lambda f, x: x, lambda g, y: y),
        lambda: lax.custom_root(lambda x: x, 1.0, lambda f, x: (x, x), lambda g, y: y),
        lambda: gradcli.grad(lambda a: lax.custom_root(lambda x: x - a, 1.0, lambda f, x: x, lambda g, y: (y, y)))(1.0),
        lambda: lax.custom_linear_solve(lambda x: gnp.sum(x), B, lambda f, b: b),
        lambda: gradcli.grad(lambda b: gnp.sum(lax.custom_linear_solve(lambda x: x, b, lambda f, b: b)))(B),
    ],
)
def test_errors(call: Any) -> None:
    with pytest.raises(TypeError):
        call()
