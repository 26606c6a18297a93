"""Jacobians and Hessians with zeros: the blocks that are found, the products that are saved, and the same values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcli.numpy as gnp
from gradcli import lax
from gradcli.engine import structured
from gradcli.engine.api import custom_jvp, custom_vjp, grad, hessian, jacfwd, jacrev, jit, make_jaxpr, vmap
from gradcli.engine.array import Array, raw
from gradcli.engine.structured import Traced
from gradcli.engine.transforms.coloring import color_columns, seeds, spread_columns
from gradcli.engine.transforms.structure import Pattern, output_patterns
from gradcli.engine.tree import tree_flatten
from tests.engine.programs import BINARY, NESTED, UNARY, draw, gradcli_modules

Function = Callable[..., Any]
N = 24
RNG = np.random.default_rng(3)
X = RNG.uniform(0.2, 1.5, N)
MATRIX = RNG.normal(size=(N, N))
PICKED = RNG.permutation(N)[:10]


@custom_jvp
def softplus(x: Any) -> Any:
    return gnp.log1p(gnp.exp(x))


softplus.defjvp(lambda p, t: (softplus(*p), t[0] / (1.0 + gnp.exp(-p[0]))))


@custom_vjp
def doubled(x: Any) -> Any:
    return x * 2.0


doubled.defvjp(lambda x: (x * 2.0, None), lambda _, ct: (ct * 2.0,))


def rosenbrock(x: Any) -> Any:
    return gnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def chain(x: Any) -> Any:
    """Energies of neighbours, by indices."""
    i = np.arange(N - 2)
    return gnp.sum(gnp.sin(x[i] * x[i + 1]) * x[i + 2])


# Each map with the number of products its Jacobian takes; None: all columns.
MAPS: dict[str, tuple[Function, int | None]] = {
    "elementwise": (lambda x: gnp.sin(x) * x + gnp.exp(x) / 2.0, 1),
    "constant": (lambda x: gnp.arange(5.0) + 0.0 * gnp.sum(np.ones(3)), 0),
    "integer steps": (lambda x: gnp.floor(x) + x, 1),
    "stopped": (lambda x: x * lax.stop_gradient(gnp.sum(x)), 1),
    "reversed": (lambda x: gnp.sin(x[::-1]), 1),
    "reshaped": (lambda x: gnp.tanh(gnp.reshape(x, (4, 6)).T), 1),
    "strided": (lambda x: x[::3] * 2.0, 1),
    "neighbours": (lambda x: x[1:] * x[:-1], 2),
    "second differences": (lambda x: x[2:] - 2.0 * x[1:-1] + x[:-2] ** 2, 3),
    "padded": (lambda x: gnp.pad(x, 2) * gnp.pad(x, (1, 3)), 2),
    "joined": (lambda x: gnp.concatenate([gnp.sin(x), gnp.cos(x)]), 1),
    "stacked": (lambda x: gnp.stack([x, x * x], 1), 1),
    "rolled": (lambda x: gnp.roll(x, 1) * x, 2),
    "rows summed": (lambda x: gnp.sum(gnp.reshape(x, (8, 3)) ** 2, axis=1), 3),
    "rows maximum": (lambda x: gnp.max(gnp.reshape(x, (6, 4)), axis=1), 4),
    "rows times matrix": (lambda x: gnp.tanh(gnp.reshape(x, (8, 3)) @ MATRIX[:3, :5]), 3),
    "matrix times columns": (lambda x: gnp.cos(MATRIX[:5, :2] @ gnp.reshape(x, (2, 12))), 2),
    "batched product": (lambda x: gnp.einsum("bij,bjk->bik", gnp.reshape(x, (6, 2, 2)), gnp.ones((6, 2, 2))), 2),
    "picked": (lambda x: x[PICKED] ** 2, 1),
    "picked twice": (lambda x: x[np.array([0, 0, 3])] ** 2, 1),
    "window": (lambda x: lax.dynamic_slice(x, (3,), (7,)) ** 2, 1),
    "window written": (lambda x: x.at[2:5].set(x[6:9] ** 2), 1),
    "set at": (lambda x: x.at[np.array([1, 7, 20])].set(gnp.sin(x[:3])), 1),
    "multiplied at": (lambda x: x.at[np.array([1, 7, 20])].multiply(gnp.sin(x[:3])), None),
    "added at": (lambda x: x.at[np.array([1, 4, 1])].add(x[:3] * x[0]), 3),
    "where": (lambda x: gnp.where(x > 0.5, x * x, gnp.sin(x)), 1),
    "branch": (lambda x: lax.cond(x[0] > 0.3, gnp.sin, lambda y: y * 2.0, x), 1),
    "call": (lambda x: jit(lambda y: gnp.sin(y) * y)(x), 1),
    "empty": (lambda x: x[:0], 0),
    "own forward rule": (lambda x: softplus(x) * 2.0, 1),
    "own reverse rule": (lambda x: doubled(x), None),
    "mapped": (lambda x: vmap(lambda y: gnp.sin(y) * y)(x), 1),
    "running sum": (gnp.cumsum, None),
    "dense": (lambda x: gnp.tanh(MATRIX @ x), None),
    "scan": (lambda x: lax.scan(lambda c, t: (c * 0.5 + t, c), 0.0, x)[1], None),
    "sum": (lambda x: gnp.sum(x * x), None),
}  # fmt: skip

OBJECTIVES: dict[str, tuple[Function, int | None]] = {
    "sum of terms": (lambda x: gnp.sum(gnp.sin(x) * x), 1),
    "linear": (lambda x: gnp.sum(x * np.arange(float(N))), 0),
    "rosenbrock": (rosenbrock, 3),
    "indices": (chain, 5),
    "rows": (lambda x: gnp.sum(gnp.prod(gnp.reshape(x, (8, 3)), axis=1)), 3),
    "quadratic": (lambda x: x @ MATRIX @ x, None),
    "own rule": (lambda x: gnp.sum(softplus(x)), 1),
    "reverse rule": (lambda x: gnp.sum(doubled(x) ** 3), 1),
    "log of sum": (lambda x: gnp.log(gnp.sum(gnp.exp(x))), None),
}  # fmt: skip


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of products that Jacobians took."""
    counts: list[int] = []
    products = Traced._products

    def watched(self: Traced, rows: Any) -> list[Any]:
        counts.append(len(rows))
        return products(self, rows)

    monkeypatch.setattr(Traced, "_products", watched)
    return counts


def dense(transform: Function, f: Function, *args: Any, **keywords: Any) -> Any:
    """The same without looking for structure."""
    before, structured.MIN_COLUMNS = structured.MIN_COLUMNS, 10**9
    try:
        return transform(f, **keywords)(*args)
    finally:
        structured.MIN_COLUMNS = before


def check_same(a: Any, b: Any, **tolerance: float) -> None:
    (leaves, tree), (others, other_tree) = tree_flatten(a), tree_flatten(b)
    assert tree == other_tree
    for x, y in zip(leaves, others, strict=True):
        assert x.type is y.type
        np.testing.assert_allclose(raw(x), raw(y), **{"rtol": 1e-13, "atol": 1e-15, **tolerance})


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("transform", [jacfwd, jacrev])
def test_jacobians_are_the_dense_ones(transform: Function, name: str, count: list[int]) -> None:
    f, products = MAPS[name]
    found = transform(f)(X)
    check_same(found, dense(transform, f, X))
    if products is not None:
        assert count == [products]
    elif transform is jacrev:
        assert count == []


@pytest.mark.parametrize("name", OBJECTIVES)
def test_hessians_are_the_dense_ones(name: str, count: list[int]) -> None:
    f, products = OBJECTIVES[name]
    check_same(hessian(f)(X), dense(hessian, f, X), rtol=1e-11, atol=1e-13)
    assert count == [N if products is None else products]


def test_single_precision_stays(count: list[int]) -> None:
    x = X.astype(np.float32)
    found = jacfwd(lambda x: gnp.sin(x) * x)(x)
    assert found.dtype == np.float32 and count == [1]
    check_same(found, dense(jacfwd, lambda x: gnp.sin(x) * x, x))


def pair(x: Any, y: Any, z: Any) -> Any:
    return {"apart": gnp.sin(x) * gnp.reshape(y, (N,)), "dense": gnp.cumsum(x)[:4], "other": gnp.cos(z["c"]) * 2.0}


@pytest.mark.parametrize("transform", [jacfwd, jacrev])
@pytest.mark.parametrize("argnums", [0, 1, 2, (0, 1), (2, 0, 1), (1, 2)])
def test_trees_of_arguments_and_results(transform: Function, argnums: Any) -> None:
    args = (X, X.reshape(4, 6) * 0.5, {"c": X[:20] * 2.0})
    check_same(transform(pair, argnums)(*args), dense(transform, pair, *args, argnums=argnums))


def test_leaves_that_never_meet_share_products(count: list[int]) -> None:
    """``x`` is dense, ``z`` diagonal, in another output; ``y`` meets x."""
    jacfwd(pair, (0, 1, 2))(X, X.reshape(4, 6), {"c": X[:20]})
    assert count == [N + 1]
    hessian(lambda x, y: gnp.sum(gnp.sin(x) * y[:N]), (0, 1))(X, np.arange(N + 3.0))
    assert count[-1] == 2


def test_values_and_specialised_branches_are_taken_once() -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return gnp.sin(x) if x[0] > 0 else x

    for transform in (jacfwd, jacrev):
        calls.clear()
        transform(f)(X)
        transform(lambda x: gnp.tanh(MATRIX @ f(x)))(X)
        assert len(calls) == 2


def test_infinities_show_as_they_do_without_structure(count: list[int]) -> None:
    x = np.where(np.arange(N) == 3, 0.0, X)
    found = jacfwd(gnp.sqrt)(x)
    check_same(found, dense(jacfwd, gnp.sqrt, x))
    assert np.isinf(raw(found)[3, 3])


def test_nothing_changes_for_programs() -> None:
    """Where the point is not known, the program is that of the plain way."""
    x = np.ones(N)
    f = MAPS["elementwise"][0]
    for transform in (jacfwd, jacrev):
        program = str(make_jaxpr(transform(f))(x))
        assert program == str(dense(make_jaxpr, transform(f), x))
    check_same(jit(jacfwd(f))(X), jacfwd(f)(X))
    third = grad(lambda x: gnp.sum(jacfwd(f)(x) ** 2))
    check_same(third(X), dense(lambda _: third, f, X))
    check_same(vmap(hessian(rosenbrock))(np.stack([X, X * 0.5]))[0], hessian(rosenbrock)(X), rtol=1e-12)


def test_mixed_dtypes_and_integer_results_go_the_plain_way() -> None:
    f = lambda x, y: (x * 2.0, y * y)  # noqa: E731
    args = (X, X.astype(np.float32))
    check_same(jacfwd(f, (0, 1))(*args), dense(jacfwd, f, *args, argnums=(0, 1)))


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structured, "MIN_COLUMNS", 4)
    modules, steps = gradcli_modules(), draw(seed, 4)
    x, y = np.random.default_rng(seed).uniform(-1, 1, (2, 5))

    def f(x: Any, y: Any) -> Any:
        values = [x, y]
        for name, (i, j), constant in steps:
            unary = UNARY.get(name)
            out = (
                unary(modules, values[i])
                if unary
                else (BINARY.get(name) or NESTED[name])(modules, values[i], values[j])
            )
            values.append(gnp.tanh(out * 0.9 + constant))
        return values[-1] * values[-2]

    def total(x: Any, y: Any) -> Any:
        return gnp.sum(f(x, y))

    for transform, function in ((jacfwd, f), (jacrev, f), (hessian, total)):
        found = transform(function, (0, 1))(x, y)
        check_same(found, dense(transform, function, x, y, argnums=(0, 1)), rtol=1e-9, atol=1e-11)


# --- patterns and colors by themselves --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAPS)
def test_patterns_cover_what_is_not_zero(name: str) -> None:
    f, _ = MAPS[name]
    matrix = raw(dense(jacfwd, f, X)).reshape(-1, N)
    (pattern,) = output_patterns(make_jaxpr(f)(X), [N])
    covered = np.zeros(matrix.shape, bool)
    for layer in pattern.layers:
        rows = np.flatnonzero(layer.reshape(-1) >= 0)
        covered[rows, layer.reshape(-1)[rows]] = True
    assert pattern.leaves or (covered | (matrix == 0)).all()


@st.composite
def sparse(draw: Any) -> tuple[list[Pattern], list[int]]:
    """Outputs that depend on random columns of some leaves, and on some leaves as a whole."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    starts = [0, *np.cumsum(sizes).tolist()]
    patterns = []
    for _ in range(draw(st.integers(1, 3))):
        rows = draw(st.integers(1, 5))
        layer = st.lists(st.integers(-1, starts[-1] - 1), min_size=rows, max_size=rows).map(np.array)
        leaves = draw(st.frozensets(st.integers(0, len(sizes) - 1), max_size=1))
        patterns.append(Pattern(draw(st.lists(layer, max_size=3)), leaves))
    return patterns, starts


@settings(max_examples=150, deadline=None)
@given(sparse())
def test_columns_are_recovered_from_their_sums(case: tuple[list[Pattern], list[int]]) -> None:
    patterns, starts = case
    colors, total = color_columns(patterns, starts)
    assert colors.shape == (starts[-1],) and (colors >= 0).all() and (colors < max(total, 1)).all()
    rng = np.random.default_rng(0)
    for pattern in patterns:
        rows = pattern.layers[0].size if pattern.layers else 2
        matrix = np.zeros((rows, starts[-1]))
        for layer in pattern.layers:
            for r, c in enumerate(layer):
                if c >= 0:
                    matrix[r, c] = rng.uniform(1, 2)
        for leaf in pattern.leaves:
            matrix[:, starts[leaf] : starts[leaf + 1]] = rng.uniform(1, 2, (rows, starts[leaf + 1] - starts[leaf]))
        products = (seeds(colors, max(total, 1), float) @ matrix.T).T
        np.testing.assert_array_equal(spread_columns(pattern, products, colors, starts), matrix)


def test_a_matrix_that_is_no_band_is_colored_too() -> None:
    """An arrow without its shaft: column 0 is far from its partners, which the band alone would pay for."""
    n = 40
    layers = [np.arange(n), np.where(np.arange(n) < 20, n - 1 - np.arange(n), -1)]
    colors, total = color_columns([Pattern(layers)], [0, n])
    assert total == 2
    assert all(colors[i] != colors[n - 1 - i] for i in range(20))


def test_arrays_as_arguments_and_scalars_beside_them(count: list[int]) -> None:
    def f(x: Any, scale: Any) -> Any:
        return gnp.sin(x) * scale

    check_same(jacfwd(f, (0, 1))(Array(X), 2.0), dense(jacfwd, f, Array(X), 2.0, argnums=(0, 1)))
    assert count == [2]


def test_a_number_by_arrays_and_numbers() -> None:
    def f(x: Any, scale: Any) -> Any:
        return gnp.sum(gnp.outer(x, gnp.sin(x))) * scale**2

    found, expected = (transform(f, (0, 1))(X, np.float64(1.3)) for transform in (jacfwd, jacrev))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(raw(a), raw(b), rtol=1e-12)
    assert np.shape(raw(found[1])) == ()
