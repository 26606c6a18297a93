"""linear_transpose, closure_convert, custom_gradient, fwd_and_bwd, names, vectors of pytrees; and JAX's answers."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli import lax
from gradcli.flatten_util import ravel_pytree

RNG = np.random.default_rng(4)
A = RNG.normal(size=(2, 3))
X, Y = RNG.normal(size=3), RNG.normal(size=2)

LINEAR = {
    "matrix": (lambda x: A @ x, X, Y),
    "sum and slice": (lambda x: gnp.sum(x[1:]) * 2.0, X, 1.5),
    "scan": (lambda x: lax.scan(lambda c, t: (c * 0.5 + t, c), 0.0 * x[0], x)[1], X, X),
    "jit": (lambda x: gradcli.jit(lambda v: v[::-1] * 3.0)(x), X, X),
    "convolution": (lambda x: lax.conv(x[None, None], np.ones((1, 1, 2)), (1,), "VALID")[0, 0], X, Y),
    "zero": (lambda x: gnp.zeros(2), X, Y),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_transpose(name: str) -> None:
    f, x, ct = LINEAR[name]
    (found,) = gradcli.linear_transpose(f, x)(ct)
    (expected,) = gradcli.vjp(f, x)[1](ct)
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-13)
    (again,) = gradcli.linear_transpose(f, gradcli.ShapeDtypeStruct(x.shape, x.dtype))(ct)
    np.testing.assert_array_equal(np.asarray(again), np.asarray(found))


def test_linear_transpose_of_pytrees() -> None:
    def f(tree: Any, y: Any) -> Any:
        return {"out": A @ tree["a"] - 2.0 * y}

    tree, y = gradcli.linear_transpose(f, {"a": X}, Y)({"out": Y})
    np.testing.assert_allclose(np.asarray(tree["a"]), A.T @ Y)
    np.testing.assert_allclose(np.asarray(y), -2.0 * Y)


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: gradcli.linear_transpose(lambda x: x, 1), TypeError),
        (lambda: gradcli.linear_transpose(gnp.sin, 1.0)(1.0), NotImplementedError),
        (lambda: gradcli.linear_transpose(lambda x: 2.0 * x, X)(Y), TypeError),
        (lambda: gradcli.linear_transpose(lambda x: (x, x), X)(X), TypeError),
        (lambda: ravel_pytree({"a": X})[1](Y), ValueError),
        (lambda: ravel_pytree({"a": X})[1](X.astype(np.float32)), TypeError),
        (lambda: gradcli.named_scope(3).__enter__(), TypeError),
        (lambda: gradcli.closure_convert(lambda x: x, 1.0)[0](1.0, 2.0), TypeError),
    ],
)
def test_errors(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_closure_convert_lets_derivatives_reach_what_was_captured() -> None:
    def run(a: Any, x: Any) -> Any:
        converted, captured = gradcli.closure_convert(lambda v: a * gnp.sin(v), x)
        assert len(captured) == 1
        custom = gradcli.custom_vjp(converted)

        def fwd(*args: Any) -> Any:
            return converted(*args), args

        custom.defvjp(fwd, lambda args, ct: tuple(3.0 * g for g in gradcli.vjp(converted, *args)[1](ct)))
        return custom(x, *captured)

    a, x = gradcli.grad(run, (0, 1))(2.0, 0.5)
    np.testing.assert_allclose([float(a), float(x)], [3 * np.sin(0.5), 6 * np.cos(0.5)], rtol=1e-14)


@pytest.mark.parametrize("several", [False, True])
def test_custom_gradient(several: bool) -> None:
    @gradcli.custom_gradient
    def f(x: Any, y: Any) -> Any:
        z = gnp.sin(x)
        return z * y, lambda ct: (5.0 * ct * z, ct * x)

    @gradcli.custom_gradient
    def one(x: Any) -> Any:
        return x * x, lambda ct: (ct * x,) if several else ct * x

    assert float(gradcli.grad(one)(3.0)) == 3.0
    np.testing.assert_allclose(np.asarray(gradcli.vmap(gradcli.grad(one))(X)), X)
    total = gradcli.grad(lambda x: gnp.sum(gradcli.vmap(one)(x)))
    np.testing.assert_allclose(np.asarray(total(X)), X)
    assert float(gradcli.grad(gradcli.grad(one))(3.0)) == 1.0
    gx, gy = gradcli.jit(gradcli.grad(f, (0, 1)))(2.0, 3.0)
    np.testing.assert_allclose([float(gx), float(gy)], [5 * np.sin(2.0), 2.0])


def test_fwd_and_bwd() -> None:
    def f(x: Any, y: Any) -> Any:
        return gnp.sum(gnp.sin(x) * y), x

    fwd, bwd = gradcli.fwd_and_bwd(f, (0, 1), has_aux=True)
    value, residuals, aux = fwd(X, X)
    np.testing.assert_array_equal(np.asarray(aux), X)
    np.testing.assert_allclose(float(value), np.sum(np.sin(X) * X))
    gx, gy = bwd(residuals, 2.0)
    np.testing.assert_allclose(np.asarray(gx), 2 * np.cos(X) * X)
    np.testing.assert_allclose(np.asarray(gy), 2 * np.sin(X))


def test_names_change_nothing() -> None:
    @gradcli.named_scope("layer")
    def f(x: Any) -> Any:
        with gradcli.named_scope("inner"):
            return gradcli.named_call(gnp.sin, name="sine")(x)

    np.testing.assert_allclose(np.asarray(f(X)), np.sin(X))
    assert gradcli.named_call(f, name="renamed").__name__ == "renamed"


# --- pytrees as vectors -----------------------------------------------------------------------------------------------

Point = collections.namedtuple("Point", "x y")  # noqa: PYI024 - the plain one is what users pass


@dataclasses.dataclass
class Params:
    w: Any
    b: Any
    name: str = "layer"


gradcli.tree_util.register_dataclass(Params, ["w", "b"], ["name"])

TREES: list[Any] = [
    {"a": A, "b": [X, 2.0]},
    Point(X, (Y, A)),
    Params(A, Y),
    [np.arange(3), np.float32(1.5)],
    [X, np.array(1j)],
    (),
]


@pytest.mark.parametrize("tree", TREES)
def test_ravel_pytree(tree: Any) -> None:
    flat, unravel = ravel_pytree(tree)
    leaves = gradcli.tree_util.tree_leaves(tree)
    assert flat.shape == (sum(np.size(x) for x in leaves),)
    back = unravel(flat)
    assert gradcli.tree_util.tree_structure(back) == gradcli.tree_util.tree_structure(tree)
    for x, y in zip(gradcli.tree_util.tree_leaves(back), leaves, strict=True):
        assert x.dtype == np.asarray(y).dtype
        np.testing.assert_array_equal(np.asarray(x), y)


def test_gradient_by_a_vector() -> None:
    params = Params(A, Y)
    flat, unravel = ravel_pytree(params)

    def loss(p: Params) -> Any:
        return gnp.sum(gnp.tanh(p.w @ X + p.b))

    by_vector = gradcli.grad(lambda v: loss(unravel(v)))(flat)
    by_tree, _ = ravel_pytree(gradcli.grad(loss)(params))
    np.testing.assert_allclose(np.asarray(by_vector), np.asarray(by_tree))
    assert isinstance(gradcli.grad(loss)(params), Params)


def test_isinstance_of_values() -> None:
    assert isinstance(gnp.ones(2), gradcli.Array)
    gradcli.jit(lambda x: isinstance(x, gradcli.Array) or pytest.fail("a traced value is an Array"))(1.0)
    assert not isinstance(np.ones(2), gradcli.Array)


@pytest.mark.oracle
@pytest.mark.parametrize("tree", [t for t in TREES if not isinstance(t, Params) and t != ()])
def test_ravel_against_jax(tree: Any) -> None:
    jax = pytest.importorskip("jax")
    util = pytest.importorskip("jax.flatten_util")
    with jax.enable_x64(True):
        wanted = np.asarray(util.ravel_pytree(tree)[0])
    found = np.asarray(ravel_pytree(tree)[0])
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
