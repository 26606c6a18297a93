"""The first run of a program gives the digits of all later ones, or leaves it to them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gradcli import debug, lax
from gradcli import numpy as gnp
from gradcli.engine.api import custom_jvp, grad, jit, make_jaxpr
from gradcli.engine.array import raw
from gradcli.engine.execute.compiled import compile_program
from gradcli.engine.execute.first import first_run
from tests.engine.programs import build, draw, gradcli_modules


@custom_jvp
def cubed(x: Any) -> Any:
    return x * x * x


cubed.defjvp(lambda primals, tangents: (cubed(*primals), 3.0 * primals[0] ** 2 * tangents[0]))


def bits(x: Any) -> bytes:
    return np.asarray(raw(x)).tobytes()


@pytest.mark.parametrize("seed", range(60))
def test_the_same_digits_as_compiled(seed: int) -> None:
    f = build(draw(seed + 300, 14), gradcli_modules())
    shape: tuple[int, ...] = [(), (3,), (1,)][seed % 3]
    x, y = (v if shape else float(v) for v in np.random.default_rng(seed).uniform(-1, 1, (2, *shape)))
    for g in (f, grad(f), grad(lambda a, b: gnp.sum(grad(f)(a, b) * cubed(a)))):
        program = make_jaxpr(g)(x, y)
        found, wanted = first_run(program, [x, y]), compile_program(program)([x, y])
        if found is not None:
            assert [bits(a) for a in found] == [bits(b) for b in wanted]


def test_a_function_that_is_called_three_times() -> None:
    traced = []

    def f(x: Any, n: Any) -> Any:
        traced.append(x)
        return {"power": x**3 + cubed(x) * n, "sign": x > 0, "n": n + 1}

    g = jit(f)
    first, second, third = (g(0.3, 2) for _ in range(3))
    assert len(traced) == 1
    for name in first:
        assert bits(first[name]) == bits(second[name]) == bits(third[name])
        assert first[name].type is second[name].type is third[name].type


@pytest.mark.parametrize(
    "f",
    [
        lambda x: gnp.linalg.solve(gnp.eye(3) + x, gnp.arange(3.0)) * gnp.exp(x),
        lambda x: lax.cond(x > 0.2, gnp.sin, gnp.cos, x) * gnp.float32(2) + gnp.int32(3),
        lambda x: (gnp.sort(gnp.arange(4) * x)[1], gnp.argmax(gnp.arange(4) * x), gnp.exp(1j * x)),
        lambda x: lax.switch(gnp.int32(x * 9), [gnp.sin, gnp.cos, gnp.tanh], x),
    ],
)
def test_small_arrays_and_branches(f: Any) -> None:
    program = make_jaxpr(f)(0.7)
    found, wanted = first_run(program, [0.7]), compile_program(program)([0.7])
    assert found is not None and [bits(a) for a in found] == [bits(b) for b in wanted]


@pytest.mark.parametrize("at", [0.0, -1.0, math.inf, math.nan])
def test_what_plain_numbers_refuse_is_left_to_numpy(at: float) -> None:
    f = jit(grad(lambda x: gnp.log(x) / x + gnp.sqrt(x)))
    with np.errstate(all="ignore"):
        first, second = f(at), f(at)
    np.testing.assert_array_equal(raw(first), raw(second))
    assert first_run(make_jaxpr(lambda x: 1.0 / x)(1.0), [0.0]) is None


@pytest.mark.parametrize(
    "f",
    [
        lambda x: gnp.sum(gnp.ones(9000) * x),
        lambda x: lax.fori_loop(0, 3, lambda i, a: a * 2.0, x),
        lambda x: lax.cond(x > 0, lambda a: lax.scan(lambda c, t: (c * t, None), a, gnp.ones(3))[0], lambda a: -a, x),
    ],
)
def test_loops_and_large_arrays_are_compiled(f: Any) -> None:
    assert first_run(make_jaxpr(f)(0.5), [0.5]) is None


def test_effects_happen_once_a_call(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        debug.print("x = {}", x)
        return x * 2.0

    g = jit(f)
    for _ in range(3):
        g(0.5)
    assert capsys.readouterr().out.count("x = 0.5") == 3


def test_a_compiled_program_runs_compiled_at_once() -> None:
    executable = jit(lambda x: gnp.sin(x) * 2.0).lower(0.5).compile()
    assert "sin" in executable.as_text() and bits(executable(0.5)) == bits(jit(lambda x: gnp.sin(x) * 2.0)(0.5))
