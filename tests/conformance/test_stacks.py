"""Transformations of transformations, of every function that has derivatives: as JAX's are, plain and compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import gradcli
from gradcli import lax as gradcli_lax
from gradcli.conformance.row import Row
from gradcli.conformance.run import asked
from gradcli.conformance.table import rows
from gradcli.conformance.trial import inexact, value_of

Function = Callable[..., Any]


class Library:
    """What the stacks need of a library: gradcli itself, or JAX."""

    def __init__(self, api: Any, lax: Any, numpy: Any) -> None:
        self.api, self.lax, self.numpy = api, lax, numpy

    def smooth(self, f: Function, keep: Sequence[bool], weights: Sequence[Any]) -> Function:
        """A weighted sum of the inexact results of a function."""

        def total(*xs: Any) -> Any:
            results = [y for y, kept in zip(self.api.tree_util.tree_leaves(f(*xs)), keep, strict=True) if kept]
            parts = [self.numpy.sum(w * self.numpy.real(y)) for y, w in zip(results, weights, strict=True)]
            return sum(parts, self.numpy.asarray(0.0))

        return total


def stacks(library: Library, f: Function, directions: tuple[Any, ...]) -> dict[str, Function]:
    """Functions of the arguments of ``f``, by name."""
    api, lax, numpy = library.api, library.lax, library.numpy
    every = tuple(range(len(directions)))

    def pair(xs: Sequence[Any], axis: int = 0) -> list[Any]:
        return [numpy.stack([x, x * 0.9], axis) for x in xs]

    def repeated(*xs: Any) -> Any:
        def body(scale: Any, _: Any) -> tuple[Any, Any]:
            return scale * 0.98, f(*[x * scale for x in xs])

        return lax.scan(body, numpy.asarray(1.0), None, length=2)[1].sum()

    def summed(*xs: Any) -> Any:
        return lax.fori_loop(0, 2, lambda i, c: c + f(*[x * (1 - 0.01 * i) for x in xs]), numpy.asarray(0.0))

    def either(p: Any, *xs: Any) -> Any:
        return lax.cond(p > 0, f, lambda *a: 2.0 * f(*a), *xs)

    def grad(g: Function) -> Function:
        return api.grad(g, every)  # type: ignore[no-any-return]

    def push(g: Function, xs: Sequence[Any]) -> Any:
        return api.jvp(g, tuple(xs), directions)[1]

    return {
        "vmap(jit(grad))": lambda *xs: api.vmap(api.jit(grad(f)))(*pair(xs)),
        "vmap(grad) along last axes": lambda *xs: api.vmap(grad(f), in_axes=-1, out_axes=-1)(*pair(xs, -1)),
        "vmap(grad(checkpoint))": lambda *xs: api.vmap(grad(api.checkpoint(f)))(*pair(xs)),
        "jvp(jit(grad))": lambda *xs: push(api.jit(grad(f)), xs),
        "grad(jvp(jit))": lambda *xs: grad(lambda *a: push(api.jit(f), a))(*xs),
        "vjp(grad)": lambda *xs: api.vjp(grad(f), *xs)[1](directions),
        "vmap of linearize(grad)": lambda *xs: api.vmap(api.linearize(grad(f), *xs)[1])(*pair(directions)),
        "grad(scan)": lambda *xs: grad(repeated)(*xs),
        "vmap(jvp(grad(scan)))": lambda *xs: api.vmap(lambda *a: push(grad(repeated), a))(*pair(xs)),
        "jvp(fori_loop)": lambda *xs: push(summed, xs),
        "vmap(grad(cond))": lambda *xs: api.vmap(lambda p: grad(lambda *a: either(p, *a))(*xs))(numpy.array([1.0, -1])),
    }


ROWS = [
    row for row in rows()
    if row.jax and row.order >= 2 and "vjp" in asked(row) and row.arrays
    and all(np.asarray(a).dtype == np.float64 and 0 < np.size(a) <= 60 for a in row.arrays)
]  # fmt: skip


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", range(len(ROWS)), ids=lambda n: str(ROWS[n]))
def test_a_stack_of_transformations_is_jaxs(number: int) -> None:
    jax = pytest.importorskip("jax")
    row: Row = ROWS[number]
    rng = np.random.default_rng(number)
    arrays = [np.asarray(a) for a in row.arrays]
    directions = tuple(rng.uniform(0.5, 1.5, a.shape) for a in arrays)
    with jax.enable_x64(True):
        import_module(f"jax.{row.space}")
        results = [np.asarray(y) for y in jax.tree_util.tree_leaves(row.of("jax")(*map(jax.numpy.asarray, arrays)))]
        keep = [inexact(y) for y in results]
        weights = [rng.uniform(0.5, 1.5, y.shape) for y in results if inexact(y)]
        ours, theirs = Library(gradcli, gradcli_lax, gradcli.numpy), Library(jax, jax.lax, jax.numpy)
        mine = stacks(ours, ours.smooth(row.of(), keep, weights), directions)
        other = stacks(theirs, theirs.smooth(row.of("jax"), keep, weights), directions)
        name = rng.choice(sorted(mine))
        try:
            wanted = jax.tree_util.tree_leaves(jax.jit(other[name])(*map(jax.numpy.asarray, arrays)))
        except (NotImplementedError, TypeError, ValueError) as error:
            pytest.skip(f"JAX cannot: {error}")
        for kind in (mine[name], gradcli.jit(mine[name])):
            found = gradcli.tree_util.tree_leaves(kind(*arrays))
            assert len(found) == len(wanted)
            for a, b in zip(map(value_of, found), map(np.asarray, wanted), strict=True):
                assert (a.shape, a.dtype) == (b.shape, b.dtype), name
                size = max(1.0, float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b))))
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7 * size, err_msg=name)
