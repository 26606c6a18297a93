"""Loops over small arrays become loops over numbers: the same values, and nothing of NumPy's in the loop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli import lax
from gradcli.engine.api import grad, jacfwd, make_jaxpr
from gradcli.engine.execute.compiled import compile_program
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr, sub_jaxprs
from gradcli.engine.transforms.scalarize import MOST, scalarize
from gradcli.engine.transforms.simplify import simplify

A = np.array([[0.3, -0.2], [0.5, 0.1]])
STEPS: dict[str, Callable[..., Any]] = {
    "elementwise": lambda y, x: gnp.sin(y) * x + gnp.where(y > 0.2, y, 0.5 * y) - gnp.maximum(y, x) ** 2 / 3,
    "indexing": lambda y, x: gnp.array([y[1] * x[0], y[0] - 0.5 * x[1]]) + y[::-1] * 0.1,
    "product": lambda y, x: gnp.tanh(A @ y + x * 0.3) + gnp.dot(y, x) * 0.01,
    "matrix": lambda y, x: (gnp.outer(y, x) @ A).sum(0) * 0.5 + gnp.trace(gnp.outer(x, y)) * 0.1,
    "reductions": lambda y, x: gnp.stack([gnp.sum(y * x), gnp.max(y) - gnp.min(x) + 0.2 * gnp.prod(y)]) * 0.5,
    "shapes": lambda y, x: gnp.concatenate([y[None].T, x[:, None]], 1).reshape(4)[1:3] * 0.7 + gnp.pad(y[:1], (0, 1)),
    "mean": lambda y, x: (y - gnp.mean(y)) / (1 + gnp.std(y + x)) + x,
    "inner loop": lambda y, x: lax.fori_loop(0, 3, lambda i, z: z * 0.5 + gnp.cos(z[::-1]) * 0.1 * i, y) + 0.1 * x,
    "branch": lambda y, x: lax.cond(x[0] > 0, lambda z: z * 0.5, lambda z: z + x * 0.1, y) + gnp.sin(y) * y * x - y * y,
}


def run(step: Callable[..., Any], reverse: bool = False) -> Callable[..., Any]:
    def f(y: Any, xs: Any) -> Any:
        last, rows = lax.scan(lambda c, x: (step(c, x), c * x), y, xs, reverse=reverse)
        return gnp.sum(last) + gnp.sum(rows * rows)

    return f


def arrays_in_loops(program: Jaxpr, inside: bool = False) -> int:
    """The equations in loops that have arrays."""
    own = sum(any(v.type.shape for v in e.outputs) for e in program.eqns) if inside else 0
    return own + sum(
        arrays_in_loops(sub, inside or e.primitive.name in ("scan", "while"))
        for e in program.eqns
        for _, sub in sub_jaxprs(e.params)
    )


Y, XS = np.array([0.4, -0.7]), np.random.default_rng(3).uniform(-1, 1, (5, 2))


@pytest.mark.parametrize("name", list(STEPS))
@pytest.mark.parametrize("transform", ["value", "gradient", "jacobian"])
def test_values_are_those_of_the_interpreter(name: str, transform: str) -> None:
    f = run(STEPS[name], reverse=name == "mean")
    f = {"value": f, "gradient": grad(f, (0, 1)), "jacobian": jacfwd(f, (0, 1))}[transform]
    program = make_jaxpr(f)(Y, XS)
    compiled = compile_program(program)
    for found, expected in zip(compiled([Y, XS]), interpret(program, [Y, XS]), strict=True):
        assert np.asarray(found).dtype == expected.dtype and np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    if name not in ("branch", "inner loop", "reductions") and transform == "gradient":
        assert arrays_in_loops(simplify(program, inline=True)) and not arrays_in_loops(compiled.jaxpr)


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "complex128", "bool"])
def test_other_numbers(dtype: str) -> None:
    y, xs = np.array([1, 0]).astype(dtype), (np.arange(6).reshape(3, 2) % 2).astype(dtype)

    def step(c: Any, x: Any) -> Any:
        new = (c ^ x) if dtype == "bool" else c * x + c[::-1] - x * 2
        return new, gnp.concatenate([new, x])

    program = make_jaxpr(lambda y, xs: lax.scan(step, y, xs))(y, xs)
    for found, expected in zip(compile_program(program)([y, xs]), interpret(program, [y, xs]), strict=True):
        assert np.asarray(found).dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_loops_without_small_arrays_stay_as_they_are() -> None:
    y, xs = np.zeros(MOST + 1), np.zeros((3, MOST + 1))
    large = simplify(make_jaxpr(lambda y, xs: lax.scan(lambda c, x: (c * x, c + x), y, xs))(y, xs), inline=True)
    assert scalarize(large).eqns == large.eqns
    sorted_ = make_jaxpr(lambda y, xs: lax.scan(lambda c, x: (gnp.sort(c) + gnp.cumsum(x), c), y, xs))(Y, XS)
    assert arrays_in_loops(compile_program(sorted_).jaxpr)  # put together again for every operation: nothing is saved


@pytest.mark.parametrize("name", list(STEPS))
def test_loops_with_a_condition(name: str) -> None:
    def f(y: Any, xs: Any) -> Any:
        return lax.while_loop(
            lambda c: (c[0] < 6) & (gnp.sum(c[1] ** 2) < 1e3), lambda c: (c[0] + 1, STEPS[name](c[1], xs[0])), (0, y)
        )

    program = make_jaxpr(f)(Y, XS)
    compiled = compile_program(program)
    for found, expected in zip(compiled([Y, XS]), interpret(program, [Y, XS]), strict=True):
        assert np.asarray(found).dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    if name in ("elementwise", "indexing", "product", "shapes"):
        assert arrays_in_loops(simplify(program, inline=True)) and not arrays_in_loops(compiled.jaxpr)


def test_empty_loops_and_those_that_put_out_nothing() -> None:
    for length in (0, 1, 4):
        program = make_jaxpr(lambda y, n=length: lax.scan(lambda c, _: (c * c[::-1] + 0.1 * c, None), y, None, n)[0])(Y)
        np.testing.assert_allclose(compile_program(program)([Y])[0], interpret(program, [Y])[0], rtol=1e-13)


def test_what_is_written_is_defined() -> None:
    """In a process where nothing else has loaded the primitives that loops are put together with."""
    code = "from gradcli.engine.ops.define import REGISTRY; import gradcli.engine.transforms.scalarize; "
    code += "assert {'stack', 'slice', 'squeeze', 'reshape', 'add', 'mul', 'max', 'min'} <= set(REGISTRY)"
    subprocess.run([sys.executable, "-c", code], check=True)
