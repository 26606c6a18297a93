"""Gather, scatters and dynamic slices against their definitions, window by window; and their rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import check_grads, grad, jacfwd, jacrev, jvp, vjp
from gradcli.engine.array import Array, raw
from gradcli.engine.ops import dynamic, index, scatter
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.ops.index_numpy import GatherDimensionNumbers, GatherScatterMode, ScatterDimensionNumbers
from gradcli.engine.ops.indexing import AtIndexer
from gradcli.engine.ops.shape import reduce_sum
from gradcli.engine.record import fields_of
from gradcli.engine.taylor import taylor
from tests.engine.harness import check_operation, check_vmap
from tests.engine.index_harness import check_vmap_of_indices

Gather, Scatter = GatherDimensionNumbers, ScatterDimensionNumbers
RNG = np.random.default_rng(7)
V = RNG.uniform(0.5, 2.0, 5)
X = RNG.uniform(0.5, 2.0, (4, 5))
T = RNG.uniform(0.5, 2.0, (3, 4, 5))
I = np.array([2, 0, 2, -1])  # noqa: E741


def reduce_all(x: Any) -> Any:
    return reduce_sum(x, tuple(range(x.ndim)))


# --- gather and scatter in general ------------------------------------------------------------------------------------

GATHERS: list[tuple[str, Any, Any, Gather, tuple[int, ...]]] = [
    ("rows", X, I[:, None] % 4, Gather((1,), (0,), (0,)), (1, 5)),
    ("columns", X, I[:, None] % 4, Gather((0,), (1,), (1,)), (4, 1)),
    ("elements", X, np.array([[0, 1], [3, 4]]), Gather((), (0, 1), (0, 1)), (1, 1)),
    ("elements_swapped", X, np.array([[1, 0], [4, 3]]), Gather((), (0, 1), (1, 0)), (1, 1)),
    ("windows", T, np.array([[[0, 1]], [[1, 2]]]), Gather((1, 3), (0,), (0, 2)), (1, 4, 2)),
    ("windows_first", T, np.array([[0, 1], [1, 2]]), Gather((0, 1), (1,), (1, 2)), (3, 1, 2)),
    ("no_columns", X, np.zeros((2, 0), int), Gather((1, 2), (), ()), (4, 5)),
    ("part_without_column", X, np.zeros((2, 0), int), Gather((0, 1), (), ()), (2, 5)),
    ("batching", X, np.array([[0], [4], [2], [2]]), Gather((), (1,), (1,), (0,), (0,)), (1, 1)),
    ("batching_window", T, RNG.integers(0, 4, (2, 4, 3, 1)), Gather((3,), (), (2,), (0, 1), (2, 1)), (1, 1, 2)),
    ("batching_apart", T.swapaxes(0, 1), np.zeros((5, 3, 1), int), Gather((2,), (), (0,), (1, 2), (1, 0)), (2, 1, 1)),
    ("one_window", X, np.array([1, 2]), Gather((0, 1), (), (0, 1)), (2, 3)),
]  # fmt: skip


def gather_loop(x: Any, i: Any, n: Gather, sizes: tuple[int, ...], mode: str, fill: Any) -> Any:
    """The definition, window by window."""
    kept = [d for d in range(x.ndim) if d not in n.collapsed_slice_dims and d not in n.operand_batching_dims]
    batch = i.shape[:-1]
    rank = len(batch) + len(kept)
    order = [d for d in range(rank) if d not in n.offset_dims] + list(n.offset_dims)
    out = np.empty(batch + tuple(sizes[d] for d in kept), x.dtype)
    for b in np.ndindex(batch):
        start = np.zeros(x.ndim, int)
        for column, d in enumerate(n.start_index_map):
            start[d] = i[b][column]
        for d, a in zip(n.operand_batching_dims, n.start_indices_batching_dims, strict=True):
            start[d] = b[a]
        inside = np.clip(start, 0, np.array(x.shape) - sizes)
        window = x[tuple(slice(a, a + m) for a, m in zip(inside, sizes, strict=True))]
        gone = tuple(d for d in range(x.ndim) if d not in kept)
        out[b] = fill if mode == "fill" and (inside != start).any() else window.squeeze(gone)
    return out.transpose(np.argsort(order))


@pytest.mark.parametrize("mode", ["clip", "fill"])
@pytest.mark.parametrize("shift", [0, 1, -1])
@pytest.mark.parametrize(("name", "x", "i", "n", "sizes"), GATHERS, ids=[row[0] for row in GATHERS])
def test_gather_and_its_rules(name: str, x: Any, i: Any, n: Gather, sizes: Any, shift: int, mode: str) -> None:
    moved = i + shift
    fill = 0.25 if mode == "fill" else None
    out = index.gather(x, moved, n, sizes, mode=mode, fill_value=fill)
    np.testing.assert_array_equal(raw(out), gather_loop(x, moved, n, sizes, mode, fill))
    check_operation(lambda a: index.gather(a, moved, n, sizes, mode=mode, fill_value=fill), [x], order=1)
    check_vmap_of_indices(lambda a, k: index.gather(a, k, n, sizes, mode=mode, fill_value=fill), [x], moved)


SCATTERS = {
    "scatter": index.scatter,
    "scatter_add": index.scatter_add,
    "scatter_sub": index.scatter_sub,
    "scatter_mul": scatter.scatter_mul,
    "scatter_min": scatter.scatter_min,
    "scatter_max": scatter.scatter_max,
}
COMBINE: dict[str, Any] = {
    "scatter": lambda a, b: b,
    "scatter_add": np.add,
    "scatter_sub": np.subtract,
    "scatter_mul": np.multiply,
    "scatter_min": np.minimum,
    "scatter_max": np.maximum,
}


def scatter_loop(name: str, x: Any, i: Any, u: Any, n: Gather, sizes: tuple[int, ...], mode: str) -> Any:
    """The definition, by the positions that a gather of positions reads."""
    places = gather_loop(np.arange(x.size).reshape(x.shape), i, n, sizes, "fill" if mode == "drop" else mode, -1)
    out = x.copy().reshape(-1)
    for place, value in zip(places.reshape(-1), u.reshape(-1), strict=True):
        if place >= 0:
            out[place] = COMBINE[name](out[place], value)
    return out.reshape(x.shape)


@pytest.mark.parametrize("mode", ["clip", "drop"])
@pytest.mark.parametrize("kind", list(SCATTERS))
@pytest.mark.parametrize(("name", "x", "i", "n", "sizes"), GATHERS, ids=[row[0] for row in GATHERS])
def test_scatters_and_their_rules(name: str, x: Any, i: Any, n: Gather, sizes: Any, kind: str, mode: str) -> None:
    moved = i + (1 if mode == "drop" else 0)
    shape = gather_loop(x, i, n, sizes, "clip", None).shape
    u = np.random.default_rng(5).uniform(0.5, 2.0, shape)
    numbers = Scatter(*(getattr(n, field) for field in fields_of(n)))

    def f(a: Any, b: Any, k: Any = moved) -> Any:
        return SCATTERS[kind](a, k, b, numbers, mode=mode)

    np.testing.assert_allclose(raw(f(x, u)), scatter_loop(kind, x, moved, u, n, sizes, mode), rtol=1e-13)
    check_operation(f, [x, u], order=1)
    check_vmap_of_indices(f, [x, u], moved)


@pytest.mark.parametrize("kind", list(SCATTERS))
def test_second_derivatives_of_scatters(kind: str) -> None:
    numbers = Scatter((), (0,), (0,))
    i = np.array([[1], [1], [3], [1], [0]])

    def f(x: Any, y: Any) -> Any:
        return e.sin(SCATTERS[kind](e.square(x), i, e.exp(y), numbers))

    check_grads(f, (V, V[::-1] / 2), 2, ("fwd", "rev"))


def test_taylor_mode_goes_through() -> None:
    i = np.array([1, 1, 3])

    def f(t: Any) -> Any:
        x = Array(V) * t
        return reduce_all(x.at[i].multiply(x[i]).at[0].set(t * t)[i] ** 2)

    found = [float(d) for d in taylor(f, (1.5,), (1.0,), 3)]
    expected = [f, grad(f), grad(grad(f)), grad(grad(grad(f)))]
    np.testing.assert_allclose(found, [float(g(1.5)) for g in expected], rtol=1e-10)


@pytest.mark.parametrize(
    "call",
    [
        lambda: index.gather(X, I, Gather((), (0,), (0,)), (1, 1)),
        lambda: index.gather(X, V[:, None], Gather((1,), (0,), (0,)), (1, 5)),
        lambda: index.gather(X, I[:, None], Gather((1,), (0,), (0,)), (1, 6)),
        lambda: index.gather(X, I[:, None], Gather((1,), (0,), (0,)), (2, 5)),
        lambda: index.gather(X, I[:, None], Gather((1, 2), (0,), (0,)), (1, 5)),
        lambda: index.gather(X, I[:, None], Gather((1,), (7,), (7,)), (1, 5)),
        lambda: index.gather(X, I[:3, None], Gather((), (1,), (1,), (0,), (0,)), (1, 1)),
        lambda: index.scatter(X, I[:3, None], V[:3], Scatter((), (1,), (1,), (0,), (0,))),
        lambda: index.scatter(X, I[:, None], X[:, :3].astype("f"), Scatter((1,), (0,), (0,))),
        lambda: index.scatter(X, I[:, None], X[:3], Scatter((1,), (0,), (0,))),
        lambda: scatter.scatter_max(X + 0j, I[:, None], X, Scatter((1,), (0,), (0,))),
        lambda: dynamic.dynamic_slice(X, (0,), (1, 1)),
        lambda: dynamic.dynamic_slice(X, (0, 0), (5, 1)),
        lambda: dynamic.dynamic_slice(X, (0, 0.5), (1, 1)),
        lambda: dynamic.dynamic_update_slice(X, X[:1].astype("f"), (0, 0)),
        lambda: dynamic.dynamic_update_slice(X, V, (0, 0)),
    ],
)
def test_operands_that_do_not_fit(call: Any) -> None:
    with pytest.raises(TypeError):
        call()


# --- dynamic slices ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("starts", [(0, 0), (1, 3), (-2, -1), (9, 2)])
def test_dynamic_slices(starts: tuple[int, int]) -> None:
    a = min(max(starts[0] + 4 * (starts[0] < 0), 0), 2)
    b = min(max(starts[1] + 5 * (starts[1] < 0), 0), 2)
    np.testing.assert_array_equal(raw(dynamic.dynamic_slice(X, starts, (2, 3))), X[a : a + 2, b : b + 3])
    np.testing.assert_array_equal(raw(dynamic.dynamic_slice(X, np.array(starts), (2, 3))), X[a : a + 2, b : b + 3])
    expected = X.copy()
    expected[a : a + 2, b : b + 3] = V[:3]
    update = np.stack([V[:3]] * 2)
    np.testing.assert_array_equal(raw(dynamic.dynamic_update_slice(X, update, starts)), expected)
    check_operation(lambda x: dynamic.dynamic_slice(x, starts, (2, 3)), [X], order=1)
    check_operation(lambda x, u: dynamic.dynamic_update_slice(x, u, starts), [X, update], order=1)

    def read(x: Any, k: Any) -> Any:
        return dynamic.dynamic_slice(x, k, (2, 3))

    def write(x: Any, u: Any, k: Any) -> Any:
        return dynamic.dynamic_update_slice(x, u, k)

    check_vmap_of_indices(read, [X], np.array(starts))
    check_vmap_of_indices(write, [X, update], np.array(starts))
    check_vmap(lambda x, u: write(x, u, starts), [X, update])
    check_vmap_of_indices(lambda x, k: grad(lambda y: reduce_all(read(y, k) ** 2))(x), [X], np.array(starts))
    check_vmap_of_indices(lambda x, k: dynamic.dynamic_slice(x, (k[0], 0), (2, 5)), [X], np.array(starts))
    check_vmap_of_indices(lambda x, k: dynamic.dynamic_slice(x, k, (4, 5)), [X], np.array(starts))


def test_dynamic_slices_along_one_axis() -> None:
    np.testing.assert_array_equal(raw(dynamic.dynamic_slice_in_dim(X, 1, 2, 1)), X[:, 1:3])
    np.testing.assert_array_equal(raw(dynamic.dynamic_index_in_dim(X, -1, 0, keepdims=False)), X[-1])
    np.testing.assert_array_equal(raw(dynamic.dynamic_index_in_dim(X, 1, -1)), X[:, 1:2])
    expected = X.copy()
    expected[:, 2] = 7
    np.testing.assert_array_equal(raw(dynamic.dynamic_update_index_in_dim(X, np.full(4, 7.0), 2, 1)), expected)
    np.testing.assert_array_equal(raw(dynamic.dynamic_update_slice_in_dim(X, np.full((4, 1), 7.0), 2, 1)), expected)


def test_products_with_zeros_among_repeated_factors() -> None:
    """The derivative by a factor is the product of the others: no division, so zeros are no special case."""
    i = np.array([0, 0, 0, 1, 1, 4])
    for zeros in ([], [1], [0, 1], [0, 1, 2], [3]):
        y = np.arange(2.0, 8.0)
        y[zeros] = 0.0
        x = V.copy()

        def f(y: Any, x: Any = x) -> Any:
            return Array(x).at[i].multiply(y)

        expected = np.zeros((5, 6))
        for k in range(6):
            others = [y[j] for j in range(6) if i[j] == i[k] and j != k]
            expected[i[k], k] = x[i[k]] * np.prod(others)
        np.testing.assert_allclose(raw(jacrev(f)(y)), expected, rtol=1e-14)
        np.testing.assert_allclose(raw(jacfwd(f)(y)), expected, rtol=1e-14)
        second = raw(jacfwd(jacrev(f))(y))
        np.testing.assert_allclose(second, np.swapaxes(second, 1, 2), rtol=1e-14)
        np.testing.assert_allclose(second[1, 3, 4], x[1], rtol=1e-14)
        assert second[1, 3, 3] == 0


def test_ties_share_the_derivative() -> None:
    i = np.array([0, 0, 1])
    primals = np.array([2.0, 1.0]), np.array([2.0, 2.0, 0.0])
    tangents = np.array([3.0, 5.0]), np.array([6.0, 9.0, 1.0])
    _, dot = jvp(lambda x, y: AtIndexer(x)[i].max(y), primals, tangents)
    np.testing.assert_allclose(raw(dot), [6.0, 5.0])


def test_only_the_last_of_several_updates_counts() -> None:
    i = np.array([1, 1, 0])
    out, pull = vjp(lambda x, y: AtIndexer(x)[i].set(y), V, np.array([5.0, 6.0, 7.0]))
    assert raw(out)[:2].tolist() == [7.0, 6.0]
    by_x, by_y = pull(np.arange(1.0, 6.0))
    assert raw(by_x).tolist() == [0, 0, 3, 4, 5] and raw(by_y).tolist() == [0, 2, 1]


def test_every_primitive_has_its_rules() -> None:
    rows = [p for p in REGISTRY.values() if p.family == "index"]
    assert len(rows) == 9
    for primitive in rows:
        assert primitive.jvp and primitive.batch, primitive.name
        assert primitive.transpose or primitive.name in ("scatter-mul", "scatter-min", "scatter-max"), primitive.name
    assert GatherScatterMode.from_any(None) is GatherScatterMode.from_any("drop") is GatherScatterMode.FILL_OR_DROP



@pytest.mark.oracle
def test_general_gathers_against_jax() -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    for _, x, i, n, sizes in GATHERS:
        numbers = jax.lax.GatherDimensionNumbers(*(getattr(n, field) for field in fields_of(n)))
        for mode in ("clip", "fill"):
            theirs = jax.lax.gather(x, i + 1, numbers, sizes, mode=mode)
            np.testing.assert_array_equal(raw(index.gather(x, i + 1, n, sizes, mode=mode)), theirs)
