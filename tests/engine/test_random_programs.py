"""Random programs with control flow and nested transformations: the engine against itself, and against JAX.

``GRADCLI_PROGRAMS=10000 pytest tests/engine/test_random_programs.py -m oracle`` runs as many as one likes.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import grad, hessian, jacfwd, jit, make_jaxpr, vmap
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
    count = int(os.environ.get("GRADCLI_PROGRAMS", "40")) // 4
    with jax.enable_x64(True):
        for seed in range(chunk * count, (chunk + 1) * count):
            steps = draw(seed + 1000, 6 + seed % 25)
            ours, theirs = build(steps, gradcli_modules()), build(steps, jax_modules())
            x, y = point(seed, SHAPES[seed % 3])
            try:
                _compare(jax, ours, theirs, x, y, second=seed % 4 == 0)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}: {steps}") from error


def _compare(jax: Any, ours: Any, theirs: Any, x: Any, y: Any, second: bool) -> None:
    close = {"rtol": 1e-7, "atol": 1e-9}
    np.testing.assert_allclose(raw(ours(x, y)), np.asarray(theirs(x, y)), **close)
    for ours_g, theirs_g in zip(grad(ours, (0, 1))(x, y), jax.grad(theirs, (0, 1))(x, y), strict=True):
        np.testing.assert_allclose(raw(ours_g), np.asarray(theirs_g), **close)
    batch = np.stack([x, -x])
    np.testing.assert_allclose(
        raw(vmap(grad(ours, 1), (0, None))(batch, y)),
        np.asarray(jax.vmap(jax.grad(theirs, 1), (0, None))(batch, y)),
        **close,
    )
    if second:
        np.testing.assert_allclose(
            raw(hessian(ours)(x, y)), np.asarray(jax.hessian(theirs)(x, y)), rtol=1e-6, atol=1e-8
        )
