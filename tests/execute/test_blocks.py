"""Clusters that run block by block: what is put together, and that the values stay the same.

Most tests make blocks tiny and every cluster run on two threads, so that small arrays have many blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcli import lax
from gradcli import numpy as gnp
from gradcli.engine.api import grad, make_jaxpr, vmap
from gradcli.engine.execute import fuse, threads
from gradcli.engine.execute.compiled import Compiled, compile_program
from gradcli.engine.execute.fuse import Cluster, clustered
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.transforms.simplify import simplify
from tests.engine.programs import build, draw, gradcli_modules

N, M, K = 11, 6, 3


@pytest.fixture(params=["rows first", "rows last"])
def tiny(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Every array is large, a block is a few elements, and two threads share the blocks."""
    monkeypatch.setattr(fuse, "SHORT", 0 if request.param == "rows first" else 48)
    monkeypatch.setattr(fuse, "LEAST", 2)
    monkeypatch.setattr(fuse, "LEAST_SHORT", 2)
    monkeypatch.setattr(threads, "BLOCK_BYTES", 100)
    monkeypatch.setattr(threads, "SHARED", 1)
    monkeypatch.setattr(threads, "_RECYCLED", 64)


def parts(jaxpr: Jaxpr) -> list[Any]:
    return clustered(jaxpr.eqns, jaxpr.outputs)


def check(f: Any, *args: Any, tolerance: float = 0.0) -> Jaxpr:
    jaxpr = simplify(make_jaxpr(f)(*args), inline=True)
    values = [np.asarray(a, t.dtype)[()] for a, t in zip(args, jaxpr.in_types, strict=True)]
    wanted = interpret(jaxpr, values)
    compiled = Compiled(jaxpr)
    for _ in range(2):  # the second time results and buffers are used again
        for a, b in zip(compiled(values), wanted, strict=True):
            a, b = np.asarray(a), np.asarray(b)
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    return jaxpr


RNG = np.random.default_rng(3)
X, V, W, T = RNG.normal(size=(N, M)), RNG.normal(size=M), RNG.normal(size=N), RNG.normal(size=(N, M, K))

BY_ROWS: dict[str, Callable[..., Any]] = {
    "softmax": lambda x, v, w, t: gnp.exp(x - gnp.max(x, 1, keepdims=True)) / gnp.sum(gnp.exp(x), 1, keepdims=True),
    "a column and a line": lambda x, v, w, t: gnp.tanh(x * v + w[:, None]) - gnp.sin(x),
    "outer": lambda x, v, w, t: gnp.sin(w[:, None] * v) + x * 2.0,
    "three axes": lambda x, v, w, t: gnp.sum(gnp.exp(t) * x[:, :, None], 2) + x * x,
    "two sums": lambda x, v, w, t: gnp.sum(gnp.sum(t * t, 2) * x, 1) * w,
    "a middle axis": lambda x, v, w, t: gnp.max(t * 2.0, 1)[:, None, :] + t,
    "one value a row": lambda x, v, w, t: gnp.sin(gnp.sum(x, 1)) * gnp.cos(w) - gnp.sum(x * v, 1),
    "reshaped": lambda x, v, w, t: gnp.reshape(gnp.exp(t), (N, M * K)) * 2.0 + gnp.sum(x, 1)[:, None],
    "a constant reshaped": lambda x, v, w, t: gnp.reshape(gnp.broadcast_to(w[:, None] * 2, (N, 6)), (N, 2, 3)) * 2,
    "a view as a result": lambda x, v, w, t: (w[:, None] + x, gnp.broadcast_to((w * 2.0)[:, None], (N, M))),
    "a choice": lambda x, v, w, t: gnp.where(x > w[:, None], x, gnp.where(v > 0, 1.0, -x)),
    "bools and integers": lambda x, v, w, t: (x > 0, (x * 3).astype("int32") % 2, gnp.where(x > 0, 1, 2) * 3),
    "powers": lambda x, v, w, t: (x * 2.0) ** 7 + x**-3 + (w[:, None] + x) ** 6,
    "narrow": lambda x, v, w, t: (x * 0.5).astype("float32") * 2 + (w[:, None] + x).astype("float32"),
    "complex": lambda x, v, w, t: gnp.abs(gnp.exp(1j * x) * (w[:, None] + 2j)) + gnp.real(x * 1j),
    "stopped": lambda x, v, w, t: lax.stop_gradient(x * 2.0) + x * lax.stop_gradient(w[:, None] * 1.5),
    "logistic": lambda x, v, w, t: lax.logistic(x * v) * lax.clamp(-0.5, x, 0.5) + lax.erf(x * w[:, None]),
    "outer products": lambda x, v, w, t: vmap(lambda a, b: gnp.outer(gnp.sin(a), b) * 2.0)(x, t[:, 0] * 1.0),
    "a layer for each sample": vmap(
        grad(lambda x, v, w, t: gnp.sum(gnp.tanh(x[None] * v + t.T)), (0, 1)), (0, None, 0, 0)
    ),
    "padded": lambda x, v, w, t: lax.pad(x * 2.0, 1.5, [(0, 0, 0), (2, 1, 1)]) * 3.0,
    "cut by padding": lambda x, v, w, t: lax.pad(t * 2.0, 0.5, [(0, 0, 0), (-1, 2, 0), (1, -2, 1)]) + 1.0,
    "parts": lambda x, v, w, t: (x * 2.0)[:, 1:4] * (x + w[:, None])[:, ::2] + gnp.flip(x, 1)[:, 3:],
    "joined": lambda x, v, w, t: gnp.concatenate([x * 2.0, gnp.exp(t[:, 0]), w[:, None] * x[:, :1]], 1) * 2.0,
    "stacked": lambda x, v, w, t: gnp.stack([x * 2.0, x + v, w[:, None] * x], 2) * t + gnp.stack([x * 2.0] * K, -1),
    "a broadcast joined": lambda x, v, w, t: gnp.concatenate([x * v, gnp.broadcast_to(w[:, None] * 2, (N, 2))], 1) + 1,
    "turned": lambda x, v, w, t: gnp.sum(gnp.transpose(t * 2.0, (0, 2, 1)) * x[:, None, :], 2) + w[:, None],
    "backwards": lambda x, v, w, t: gnp.flip(t * 2.0, (1, 2)) * t,
    "split": lambda x, v, w, t: [p * 2.0 + w[:, None] for p in gnp.split(x * v, 3, 1)],
    "unstacked": lambda x, v, w, t: [p * 2.0 + w for p in lax.unstack(x * v, 1)],
    "products of small matrices": lambda x, v, w, t: vmap(lambda a, b: a.T @ (a * 2.0) @ gnp.sin(b))(t, t[:, :K, 0]),
    "gradient of parts": grad(
        lambda x, v, w, t: gnp.sum(gnp.sin(gnp.concatenate([x[:, :2] * x[:, 2:4], x[:, 4:]], 1)) * x[:, 1:5]), 0
    ),
    "gradient of softmax": grad(lambda x, v, w, t: gnp.sum(gnp.log(gnp.sum(gnp.exp(x * v), 1)) * w)),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_ROWS)
@pytest.mark.usefixtures("tiny")
def test_rows(name: str) -> None:
    jaxpr = check(BY_ROWS[name], X, V, W, T, tolerance=1e-14)
    assert sum(isinstance(p, Cluster) for p in parts(jaxpr)) == 1


SEVERAL: dict[str, Callable[..., Any]] = {  # what is between them does not go row by row
    "products along other axes": lambda x, v, w, t: gnp.einsum("nij,njk,nk->nki", t * 2.0, t[:, :3] + 1.0, t[:, 1]),
    "cross products": lambda x, v, w, t: gnp.cross(t * 2.0, gnp.sin(t)) + w[:, None, None],
}


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.usefixtures("tiny")
def test_several_clusters(name: str) -> None:
    jaxpr = check(SEVERAL[name], X, V, W, T, tolerance=1e-14)
    assert sum(isinstance(p, Cluster) for p in parts(jaxpr)) > 1


def _normal(x: Any) -> Any:
    return (x - gnp.mean(x, 1, keepdims=True)) / gnp.sqrt(gnp.var(x, 1, keepdims=True) + 1e-3)


FINALS: dict[str, Callable[..., Any]] = {
    "all": lambda x, v, w: gnp.sum(gnp.tanh(x) * v),
    "over the rows": lambda x, v, w: (gnp.sum(x * x, 0), gnp.max(x * v, 0), gnp.min(x * w[:, None])),
    "and some rows too": lambda x, v, w: (gnp.sum(gnp.exp(x), 0), gnp.exp(x), gnp.sum(x, 1)),
    "read afterwards": lambda x, v, w: (x * v - gnp.sum(x * v, 0)) / gnp.max(gnp.abs(x * v)),
    "of a constant": lambda x, v, w: gnp.sum(gnp.broadcast_to((w * 2.0)[:, None], (N, M)) + 0.0, 0) + gnp.sum(x),
    "gradients": grad(lambda x, v, w: gnp.sum(gnp.log1p(gnp.exp(x @ v * w)) * w), (0, 1, 2)),
    "layer norm": grad(lambda x, v, w: gnp.sum((_normal(x) * v) ** 3), (0, 1)),
    "not of integers": lambda x, v, w: (gnp.sum((x * 9).astype("int32"), 0), gnp.sum(x > 0, 0), gnp.any(x > 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", FINALS)
@pytest.mark.usefixtures("tiny")
def test_reductions_over_the_rows(name: str) -> None:
    check(FINALS[name], X, V, W, tolerance=1e-12)


def _times(x: Any, y: Any, i: int) -> Any:
    if x.ndim == 2 and y.size in (N, x.size):
        return x * gnp.reshape(y, x.shape if y.size == x.size else (N, 1))
    return x * 0.5


STEPS: list[Callable[[Any, Any, int], Any]] = [
    lambda x, y, i: gnp.tanh(x) - y if x.shape == y.shape else gnp.tanh(x),
    _times,
    lambda x, y, i: gnp.sum(x, -1) if x.ndim > 1 else gnp.sin(x),
    lambda x, y, i: gnp.max(x, 1, keepdims=True) if x.ndim > 1 else x[:, None],
    lambda x, y, i: gnp.broadcast_to(gnp.reshape(x, (N, -1))[:, :1], (N, 6)),
    lambda x, y, i: gnp.where(x > 0.1, x, -0.3) ** (2 + i % 3),
    lambda x, y, i: gnp.reshape(x, (N, 2, 3)) if x.size == N * 6 else x / 3.0,
    lambda x, y, i: x + V if x.shape == (N, 6) else gnp.exp(-x * x),
    lambda x, y, i: gnp.concatenate([x, y * 0.5], 1)[:, i % 3 :] if x.ndim == y.ndim == 2 else -x,
    lambda x, y, i: lax.pad(x, 0.5, [(0, 0, 0), *[(1, i % 3, 0)] * (x.ndim - 1)]),
    lambda x, y, i: gnp.swapaxes(x, 1, 2) if x.ndim == 3 else gnp.flip(x, -1) if x.ndim == 2 else gnp.cos(x),
]


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.usefixtures("tiny")
def test_random_rows(seed: int) -> None:
    """Random operations on values of many shapes that broadcast."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 1 << 30, size=(14, 3)).tolist()

    def f(*given: Any) -> Any:
        values = list(given)
        for kind, i, j in drawn:
            values.append(STEPS[kind % len(STEPS)](values[i % len(values)], values[j % len(values)], i))
        return [*values[-4:], *(gnp.sum(v, 0) for v in values[3:6])]

    check(f, X, W, rng.normal(size=(N, 1)), tolerance=1e-11)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.usefixtures("tiny")
def test_random_programs(seed: int) -> None:
    f = build(draw(seed + 500, 10), gradcli_modules())
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 1, (2, 5))
    check(grad(f), x, y, tolerance=1e-10)
    check(vmap(grad(f), (0, None)), np.stack([x, -x, x * 0.5]), y, tolerance=1e-10)


def test_a_whole_gradient_is_one_cluster() -> None:
    def loss(x: Any) -> Any:
        shifted = x - lax.stop_gradient(gnp.max(x, 1, keepdims=True))
        return gnp.sum(gnp.log(gnp.sum(gnp.exp(shifted), 1)))

    x = np.random.default_rng(0).normal(size=(400, 300))
    (part,) = parts(check(grad(loss), x, tolerance=1e-14))
    assert isinstance(part, Cluster) and not part.flat


def test_small_arrays_and_wide_rows_are_left_alone() -> None:
    assert not any(isinstance(p, Cluster) for p in parts(check(lambda x: gnp.tanh(x) * 2.0, X)))
    wide = np.ones((4, fuse.WIDEST + 1))
    jaxpr = check(lambda x, w: gnp.tanh(x) * 2.0 + w[:, None], wide, np.arange(4.0))
    assert all(p.flat for p in parts(jaxpr) if isinstance(p, Cluster))


def test_sums_do_not_depend_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=300_000)
    found = []
    for shared in (1, 1 << 60):
        monkeypatch.setattr(threads, "SHARED", shared)
        program = compile_program(make_jaxpr(lambda a: gnp.sum(gnp.sin(a) * a))(x))
        found += [program([x])[0] for _ in range(5)]
    assert len(set(found)) == 1


def test_several_callers_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    x = np.linspace(-2, 2, 200_000)
    program = compile_program(make_jaxpr(vmap(grad(lambda a: gnp.sin(a) * gnp.exp(-a * a))))(x))
    wanted = interpret(program.jaxpr, [x])[0]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: program([x])[0], range(12)):
            np.testing.assert_array_equal(found, wanted)
