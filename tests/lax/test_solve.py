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


def system(m: Any, n: Any, symmetric: bool = False, aux: bool = False) -> Any:
    """x with A x = b, by elimination outside of what is differentiated."""

    def f(a: Any, b: Any) -> Any:
        matrix = a + a.T if symmetric else a

        def solve(matvec: Any, y: Any) -> Any:
            columns = m.vmap(matvec, 1, 1)(n.eye(3))
            for k in range(2):  # Jacobi-like refinement of a fixed start would do; elimination written out is exact
                factor = columns[k + 1 :, k] / columns[k, k]
                columns = n.concatenate([columns[: k + 1], columns[k + 1 :] - factor[:, None] * columns[k]])
                y = n.concatenate([y[: k + 1], y[k + 1 :] - factor * y[k]])
            x2 = y[2] / columns[2, 2]
            x1 = (y[1] - columns[1, 2] * x2) / columns[1, 1]
            x0 = (y[0] - columns[0, 1] * x1 - columns[0, 2] * x2) / columns[0, 0]
            x = n.stack([x0, x1, x2])
            return (x, {"steps": 2}) if aux else x

        out = m.lax.custom_linear_solve(
            lambda x: matrix @ x, b, solve, None if symmetric else solve, symmetric=symmetric, has_aux=aux
        )
        return out[0] if aux else out

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


@pytest.mark.parametrize("symmetric, aux", [(False, False), (True, False), (False, True)])
def test_linear_solve(symmetric: bool, aux: bool) -> None:
    f = system(gradcli, gnp, symmetric, aux)
    matrix = M + M.T if symmetric else M
    np.testing.assert_allclose(np.asarray(f(M, B)), np.linalg.solve(matrix, B), rtol=1e-12)
    gradcli.check_grads(f, (M, B), 1)
    gradcli.check_grads(lambda t: f(M + t * t, B + t), (0.3,), 2)
    many = RNG.normal(size=(2, 3))
    for axes in ((None, 0), (0, None), (0, 0)):
        args = [np.stack([v, 1.5 * v]) if d == 0 else v for v, d in zip((M, B), axes, strict=True)]
        rows = [f(*[v[k] if d == 0 else v for v, d in zip(args, axes, strict=True)]) for k in range(2)]
        np.testing.assert_allclose(
            np.asarray(gradcli.vmap(f, axes)(*args)), np.stack([np.asarray(r) for r in rows]), rtol=1e-12
        )
    mapped = gradcli.vmap(gradcli.grad(lambda b: gnp.sum(f(M, b))))(many)
    np.testing.assert_allclose(np.asarray(mapped), np.tile(np.linalg.solve(matrix.T, np.ones(3)), (2, 1)), rtol=1e-12)


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


@pytest.mark.oracle
def test_against_jax() -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        n = jax.numpy
        wanted = [
            jax.value_and_grad(cube_root(jax, n))(5.0),
            jax.jacrev(system(jax, n), (0, 1))(M, B),
            jax.jacfwd(system(jax, n, symmetric=True), (0, 1))(M, B),
        ]
    found = [
        gradcli.value_and_grad(cube_root(gradcli, gnp))(5.0),
        gradcli.jacrev(system(gradcli, gnp), (0, 1))(M, B),
        gradcli.jacfwd(system(gradcli, gnp, symmetric=True), (0, 1))(M, B),
    ]
    for ours, theirs in zip(found, wanted, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-10)
