"""vmap and pmap: axes of every kind, control flow, transformations inside; errors; and JAX's answers for all of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp

X = np.arange(6.0).reshape(2, 3)
Y = np.arange(12.0).reshape(3, 2, 2)

CASES: dict[str, Any] = {
    "axes from the end": lambda m, n: m.vmap(n.sin, in_axes=-1, out_axes=-1)(X),
    "axes of a dict": lambda m, n: m.vmap(lambda d: d["a"] * d["b"].sum(), in_axes=({"a": 0, "b": 1},))(
        {"a": X[0], "b": Y[:2, :, 0].repeat(2, 1)[:, :3]}),
    "axes as a list": lambda m, n: m.vmap(lambda a, b: a * b, in_axes=[0, None])(X, 2.0),
    "axes of the result": lambda m, n: m.vmap(lambda a: {"s": n.sum(a), "a": a}, out_axes={"s": 0, "a": 1})(X),
    "a result without batch": lambda m, n: m.vmap(lambda a: (a, n.ones(2)), out_axes=(0, None))(X),
    "the size alone": lambda m, n: m.vmap(lambda: n.ones(2), axis_size=3)(),
    "keywords": lambda m, n: m.vmap(lambda a, b=1.0: a * b)(X, b=X),
    "nested": lambda m, n: m.vmap(m.vmap(lambda a, b: a + b, (0, None)), (None, 0))(X, np.arange(4.0)),
    "None among the arguments": lambda m, n: m.vmap(lambda a, b: a if b is None else b, (0, None))(X, None),
    "prefixes": lambda m, n: m.vmap(lambda t, u: t[0] + t[1] + u, in_axes=((0, 0), 1))((X, X), X.T),
    "indices": lambda m, n: m.vmap(lambda i: n.arange(5)[i])(np.array([1, 3])),
    "grad inside": lambda m, n: m.vmap(m.grad(lambda a: n.sum(a**3)))(X),
    "jacfwd inside": lambda m, n: m.vmap(m.jacfwd(n.sin))(X),
    "hessian inside": lambda m, n: m.vmap(m.hessian(lambda a: n.prod(a)))(X + 1),
    "cond": lambda m, n: m.vmap(lambda a: m.lax.cond(a.sum() > 4, n.sin, n.cos, a))(X),
    "switch": lambda m, n: m.vmap(lambda i, a: m.lax.switch(i, [n.sin, n.cos, n.tan], a))(np.array([0, 2]), X),
    "while": lambda m, n: m.vmap(lambda a: m.lax.while_loop(lambda v: v < 50.0, lambda v: v * 2 + 1, a))(
        np.arange(4.0)),
    "scan": lambda m, n: m.vmap(lambda a: m.lax.scan(lambda c, t: (c + t, c * t), 0.0, a))(X),
    "as many steps as a sample says": lambda m, n: m.vmap(
        lambda k: m.lax.fori_loop(0, k, lambda i, c: c + i * 1.5, 0.0))(np.array([1, 4])),
    "slices": lambda m, n: m.vmap(lambda i: m.lax.dynamic_slice(n.arange(10.0), (i,), (3,)))(np.array([1, 9])),
    "sorting": lambda m, n: m.vmap(lambda a: m.lax.sort(a, dimension=0))(-X),
    "random keys": lambda m, n: m.vmap(lambda k: m.random.normal(k, (2,)))(m.random.split(m.random.PRNGKey(0), 3)),
    "pmap": lambda m, n: m.pmap(lambda a, b: a * b, in_axes=(0, None))(X[:1], 2.0),
    "pmap with a static argument": lambda m, n: m.pmap(
        lambda a, k: a * k, static_broadcasted_argnums=(1,), in_axes=(0, None))(X[:1], 3),
    "pmap with a sum": lambda m, n: m.pmap(lambda a: a / m.lax.psum(a + 1, "i"), axis_name="i")(X[:1]),
}  # fmt: skip


def leaves(tree: Any) -> list[Any]:
    return [np.asarray(x) for x in gradcli.tree_util.tree_leaves(tree)]


@pytest.mark.parametrize("name", CASES)
def test_the_result_under_jit_is_the_same(name: str) -> None:
    plain = leaves(CASES[name](gradcli, gnp))
    inside = leaves(gradcli.jit(lambda: CASES[name](gradcli, gnp))())
    assert len(plain) == len(inside) > 0
    for a, b in zip(plain, inside, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: gradcli.vmap(lambda a, b: a)(X, Y), "different sizes"),
        (lambda: gradcli.vmap(lambda a: a)(3.0), "axis 0"),
        (lambda: gradcli.vmap(lambda a: a, in_axes=3)(X), "axis 3"),
        (lambda: gradcli.vmap(lambda a: a, in_axes=None)(X), "at least one"),
        (lambda: gradcli.vmap(lambda a: a, in_axes=(0, 0))(X), "entries"),
        (lambda: gradcli.vmap(lambda a: a, out_axes=None)(X), "out_axes"),
        (lambda: gradcli.vmap(lambda a: a, out_axes=4)(X), "axis 4"),
        (lambda: gradcli.vmap(lambda a: a, axis_size=5)(X), "sizes"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_static_arguments_of_any_kind() -> None:
    f = gradcli.pmap(lambda a, how: a * 2 if how == "twice" else a, static_broadcasted_argnums=1)
    np.testing.assert_array_equal(np.asarray(f(X, "twice")), 2 * X)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_against_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        theirs = [np.asarray(x) for x in jax.tree_util.tree_leaves(CASES[name](jax, jax.numpy))]
    ours = leaves(CASES[name](gradcli, gnp))
    assert [a.dtype for a in ours] == [b.dtype for b in theirs]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
