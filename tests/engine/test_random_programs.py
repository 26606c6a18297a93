"""Random programs with control flow and nested transformations: the engine against itself, and against JAX.

``GRADCLI_PROGRAMS=10000 pytest tests/engine/test_random_programs.py -m oracle`` runs as many as one likes, about one
a second and core; ``GRADCLI_FIRST_PROGRAM`` says with which to begin.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from gradcli.engine import api
from gradcli.engine.api import grad, jacfwd, jit, make_jaxpr, vmap
from gradcli.engine.array import raw
from gradcli.engine.ir.check import check_jaxpr
from tests.engine.programs import build, draw, gradcli_modules, jax_modules

SHAPES: list[tuple[int, ...]] = [(), (3,), (1,)]


def point(seed: int, shape: tuple[int, ...]) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed + 10_000)
    return rng.uniform(-1, 1, shape)[()], rng.uniform(-1, 1, shape)[()]


@pytest.mark.parametrize("seed", range(40))
def test_the_engine_agrees_with_itself(seed: int) -> None:
    f = build(draw(seed, 8), gradcli_modules())
    shape = SHAPES[seed % 3]
    x, y = point(seed, shape)
    value, gradient = raw(f(x, y)), raw(grad(f)(x, y))
    np.testing.assert_allclose(raw(jit(f)(x, y)), value, rtol=1e-10)
    np.testing.assert_allclose(raw(jacfwd(f)(x, y)), gradient, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(raw(jit(grad(f))(x, y)), gradient, rtol=1e-8, atol=1e-10)
    batch = np.stack([x, x * 0.5, -x])
    rows = np.stack([raw(grad(f)(b, y)) for b in batch])
    np.testing.assert_allclose(raw(vmap(grad(f), (0, None))(batch, y)), rows, rtol=1e-7, atol=1e-9)
    check_jaxpr(make_jaxpr(grad(f))(x, y))
    check_jaxpr(make_jaxpr(vmap(grad(f), (0, None)))(batch, y))


@pytest.mark.oracle
@pytest.mark.parametrize("chunk", range(4))
def test_the_engine_agrees_with_jax(chunk: int) -> None:
    jax = pytest.importorskip("jax")
    count, first = int(os.environ.get("GRADCLI_PROGRAMS", "40")) // 4, int(os.environ.get("GRADCLI_FIRST_PROGRAM", "0"))
    with jax.enable_x64(True):
        for seed in range(first + chunk * count, first + (chunk + 1) * count):
            steps = draw(seed + 1000, 6 + seed % 30)
            ours, theirs = build(steps, gradcli_modules()), build(steps, jax_modules())
            x, y = point(seed, SHAPES[seed % 3])
            try:
                _compare(jax, ours, theirs, x, y, second=seed % 4 == 0)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}: {steps}") from error


def _compare(jax: Any, ours: Any, theirs: Any, x: Any, y: Any, second: bool) -> None:
    """Values, gradients, gradients of a batch and Hessians; ours one by one, and compiled."""

    def all_of(api: Any, f: Any, x: Any, y: Any, batch: Any) -> list[Any]:
        found = [f(x, y), *api.grad(f, (0, 1))(x, y), api.vmap(api.grad(f, 1), (0, None))(batch, y)]
        return [*found, api.hessian(f)(x, y)] if second else found

    batch = np.stack([x, -x])
    wanted = jax.jit(lambda *args: all_of(jax, theirs, *args))(x, y, batch)
    plain = all_of(api, ours, x, y, batch)
    compiled = api.jit(lambda *args: all_of(api, ours, *args))(x, y, batch)
    for k, (a, b, c) in enumerate(zip(plain, compiled, wanted, strict=True)):
        close = {"rtol": 1e-6, "atol": 1e-8} if k == 4 else {"rtol": 1e-7, "atol": 1e-9}
        np.testing.assert_allclose(raw(a), np.asarray(c), **close)
        np.testing.assert_allclose(raw(b), np.asarray(c), **close)
