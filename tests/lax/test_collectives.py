"""Collectives: against the same written on whole batches, through derivatives and programs in between, against JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli import lax

RNG = np.random.default_rng(11)
X = RNG.normal(size=(3, 3, 2))

# what one sample does (lax, numpy) -> function; the same of the batch in NumPy, or None
ROWS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any], Any] | None]] = {
    "psum": (lambda m, n: lambda x: x / m.psum(n.exp(x), "i"), lambda x: x / np.exp(x).sum(0)),
    "psum of a number": (lambda m, n: lambda x: x / m.psum(1, "i"), lambda x: x / 3),
    "pmean": (lambda m, n: lambda x: n.sin(x) * m.pmean(n.cos(x), "i"), lambda x: np.sin(x) * np.cos(x).mean(0)),
    "pmax": (lambda m, n: lambda x: x * m.pmax(n.cos(x), "i"), lambda x: x * np.cos(x).max(0)),
    "pmin": (lambda m, n: lambda x: x * m.pmin(n.cos(x), "i"), lambda x: x * np.cos(x).min(0)),
    "all_gather": (lambda m, n: lambda x: m.all_gather(n.sin(x), "i", axis=1),
                   lambda x: np.stack([np.sin(x).swapaxes(0, 1)] * 3)),
    "all_gather tiled": (lambda m, n: lambda x: m.all_gather(n.sin(x), "i", axis=1, tiled=True), None),
    "ppermute": (lambda m, n: lambda x: x * m.ppermute(n.sin(x), "i", [(0, 1), (1, 2), (2, 0)]),
                 lambda x: x * np.roll(np.sin(x), 1, 0)),
    "all_to_all": (lambda m, n: lambda x: m.all_to_all(n.sin(x), "i", 0, 0), lambda x: np.sin(x).swapaxes(0, 1)),
    "all_to_all tiled": (lambda m, n: lambda x: m.all_to_all(n.sin(x), "i", 0, 1, tiled=True), None),
    "psum_scatter": (lambda m, n: lambda x: m.psum_scatter(n.sin(x), "i"), lambda x: np.sin(x).sum(0)),
    "psum_scatter tiled": (lambda m, n: lambda x: m.psum_scatter(n.sin(x), "i", tiled=True),
                           lambda x: np.sin(x).sum(0)[:, None]),
    "axis_index": (lambda m, n: lambda x: x * m.axis_index("i") + m.axis_size("i"),
                   lambda x: x * np.arange(3)[:, None, None] + 3),
    "pswapaxes": (lambda m, n: lambda x: m.pswapaxes(x, "i", 0), lambda x: x.swapaxes(0, 1)),
    "pshuffle": (lambda m, n: lambda x: n.sin(m.pshuffle(x, "i", [2, 0, 1])), lambda x: np.sin(x[[2, 0, 1]])),
    "psum of a constant": (lambda m, n: lambda x: x + m.psum(n.ones(2), "i"), lambda x: x + 3),
}  # fmt: skip


def mapped(name: str) -> Callable[[Any], Any]:
    return gradcli.vmap(ROWS[name][0](lax, gnp), axis_name="i")


@pytest.mark.parametrize("name", [n for n, (_, whole) in ROWS.items() if whole is not None])
def test_value(name: str) -> None:
    whole = ROWS[name][1]
    assert whole is not None
    np.testing.assert_allclose(np.asarray(mapped(name)(X)), whole(X), rtol=1e-13)


@pytest.mark.parametrize("name", ROWS)
def test_programs_in_between(name: str) -> None:
    """An inner vmap without the name, jit, and a vmap around."""
    y = RNG.normal(size=(3, 2, 3, 2))
    one = ROWS[name][0](lax, gnp)
    inner = gradcli.vmap(gradcli.jit(gradcli.vmap(one)), axis_name="i")(y)
    rows = [np.asarray(mapped(name)(y[:, k])) for k in range(2)]
    np.testing.assert_allclose(np.asarray(inner), np.stack(rows, 1), rtol=1e-13)
    z = RNG.normal(size=(2, 3, 3, 2))
    outer = gradcli.vmap(mapped(name), axis_name="j")(z)
    np.testing.assert_allclose(np.asarray(outer), np.stack([np.asarray(mapped(name)(row)) for row in z]), rtol=1e-13)


def test_two_axes_and_loops() -> None:
    def both(x: Any) -> Any:
        return lax.psum(x, ("i", "j")) + lax.axis_index(("j", "i"))

    out = gradcli.vmap(gradcli.vmap(both, axis_name="i"), axis_name="j")(X)
    np.testing.assert_allclose(np.asarray(out), X.sum((0, 1)) + np.arange(9).reshape(3, 3, 1) + 0 * X, rtol=1e-13)

    def loop(x: Any) -> Any:
        return lax.scan(lambda c, t: (c + lax.psum(t, "i"), c), x[0], x)[1]

    total = X.sum(0)
    expected = X[:, :1] + np.concatenate([0 * total[:1], np.cumsum(total, 0)[:-1]])
    np.testing.assert_allclose(np.asarray(gradcli.vmap(loop, axis_name="i")(X)), expected, rtol=1e-12)


def test_gradient_inside_a_sample_is_a_sum_of_cotangents() -> None:
    def loss(w: Any, x: Any) -> Any:
        return lax.pmean((w * x) ** 2, "i")

    found = gradcli.vmap(gradcli.grad(loss), (None, 0), axis_name="i")(2.0, np.array([1.0, 2.0]))
    np.testing.assert_allclose(np.asarray(found), [4.0, 16.0])


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda x: lax.psum(x, "i"), NameError),
        (lambda x: gradcli.vmap(lambda v: lax.ppermute(v, "i", [(0, 1), (1, 1)]), axis_name="i")(x), ValueError),
        (lambda x: gradcli.vmap(lambda v: lax.all_to_all(v, "i", 0, 0), axis_name="i")(x[:2]), TypeError),
        (lambda x: gradcli.vmap(lambda v: lax.psum(v, "i", axis_index_groups=[[0]]), axis_name="i")(x),
         NotImplementedError),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(X)


@pytest.mark.oracle
@pytest.mark.parametrize("name", [n for n in ROWS if n not in ("pmax", "pmin", "all_to_all tiled")])
def test_against_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    theirs = ROWS[name][0](jax.lax, jax.numpy)
    ours = ROWS[name][0](lax, gnp)
    with jax.enable_x64(True):
        wanted = [
            jax.vmap(theirs, axis_name="i")(X),
            jax.vmap(jax.grad(lambda x: jax.numpy.sin(theirs(x)).sum()), axis_name="i")(X),
        ]
    found = [
        gradcli.vmap(ours, axis_name="i")(X),
        gradcli.vmap(gradcli.grad(lambda x: gnp.sin(ours(x)).sum()), axis_name="i")(X),
    ]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-11, atol=1e-12)
