"""The whole pass: values bit for bit, types, control flow, idempotence, linear work, and how far programs shrink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli import lax
from gradcli.engine.api import custom_jvp, grad, hessian, jit, make_jaxpr, vmap
from gradcli.engine.array import Array, raw
from gradcli.engine.autodiff import program_of
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.check import check_jaxpr
from gradcli.engine.ir.program import Jaxpr, sub_jaxprs
from gradcli.engine.ir.text import jaxpr_text
from gradcli.engine.transforms.dce import dce_jaxpr
from gradcli.engine.transforms.jvp import jvp_jaxpr
from gradcli.engine.transforms.simplify import Simplifier, simplify
from tests.engine.programs import build, draw, gradcli_modules
from tests.engine.test_simplify_rules import same

Function = Callable[..., Any]


def names(jaxpr: Jaxpr) -> list[str]:
    """The primitives, those of programs inside included."""
    found = []
    for eqn in jaxpr.eqns:
        found.append(eqn.primitive.name)
        for _, sub in sub_jaxprs(eqn.params):
            found += names(sub)
    return found


def agrees(jaxpr: Jaxpr, args: list[Any], inline: bool) -> Jaxpr:
    """Simplifies, and verifies types, values in every bit, and that a second time changes nothing."""
    simple = simplify(jaxpr, inline)
    check_jaxpr(simple)
    assert simple.in_types == jaxpr.in_types and simple.out_types == jaxpr.out_types
    for a, b in zip(interpret(jaxpr, args), interpret(simple, args), strict=True):
        assert same(a, b)
    assert names(simplify(simple, inline)) == names(simple)
    return simple


def transformed(f: Function, seed: int) -> Function:
    return [f, grad(f), vmap(grad(f, 1), (0, None)), jit(grad(f)), hessian(f)][seed % 5]


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("seed", range(45))
def test_random_programs_keep_every_bit(seed: int, inline: bool) -> None:
    f = build(draw(seed + 500, 7), gradcli_modules())
    rng = np.random.default_rng(seed)
    shape: tuple[int, ...] = [(), (3,), (1,)][seed % 3]
    x, y = rng.uniform(-1, 1, shape)[()], rng.uniform(-1, 1, shape)[()]
    if seed % 5 == 2:
        x = np.stack([x, x * 0.5, -x])
    jaxpr = make_jaxpr(transformed(f, seed))(x, y)
    simple = agrees(jaxpr, [x, y], inline)
    assert len(names(simple)) <= len(names(jaxpr))
    for bad in (np.nan, np.inf, -0.0):
        agrees(jaxpr, [np.full_like(x, bad)[()], y], inline)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_simplified_without_inlining_can_be_differentiated(seed: int) -> None:
    f = build(draw(seed + 900, 7), gradcli_modules())
    rng = np.random.default_rng(seed)
    x, y, dx, dy = rng.uniform(-1, 1, (4, 3))
    jaxpr = make_jaxpr(f)(x, y)
    simple, (before, _), (after, _) = simplify(jaxpr), jvp_jaxpr(jaxpr, [True, True]), (None, None)
    after, _ = jvp_jaxpr(simple, [True, True])
    for a, b in zip(interpret(before, [x, y, dx, dy]), interpret(after, [x, y, dx, dy]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def tanh_gradient(n: int) -> Jaxpr:
    f: Function = gnp.tanh
    for _ in range(n):
        f = grad(f)
    return make_jaxpr(f)(0.5)


def test_derivatives_of_tanh_shrink() -> None:
    """From 5, 13, 30, 69, 164, 407 equations, of which more and more are there several times."""
    lengths = []
    for n in range(1, 7):
        jaxpr = tanh_gradient(n)
        simple = agrees(jaxpr, [np.float64(0.5)], inline=True)
        lengths.append((len(dce_jaxpr(jaxpr).eqns), len(simple.eqns)))
    assert all(b < a for a, b in lengths)
    assert all(b < 0.5 * a for a, b in lengths[2:])


def long_program(n: int) -> Jaxpr:
    def f(x: Any) -> Any:
        for i in range(n):
            x = gnp.sin(x) * x + (x * 1.0 - float(i % 7)) * gnp.sin(x)
        return x

    return make_jaxpr(f)(0.5)


def test_work_is_linear() -> None:
    work = []
    for n in (100, 1000):
        simplifier = Simplifier(inline=True)
        simplifier.program(long_program(n))
        work.append(simplifier.work)
    assert 9 < work[1] / work[0] < 11


def chain(length: int) -> Jaxpr:
    """Two operations that cancel, over and over: each rule must be paid for by an equation."""

    def f(x: Any) -> Any:
        for _ in range(length):
            x = gnp.reshape(gnp.negative(-x), (6,) if x.shape == (2, 3) else (2, 3)).T.T
        return x

    return make_jaxpr(f)(np.arange(6.0))


def test_long_chains_are_linear_and_vanish() -> None:
    work = []
    for n in (50, 500):
        simplifier = Simplifier(inline=True)
        assert len(dce_jaxpr(simplifier.program(chain(n))).eqns) == 0
        work.append(simplifier.work)
    assert work[1] < 11 * work[0]


# --- what goes --------------------------------------------------------------------------------------------------------


def test_constants_are_computed_once_and_for_all() -> None:
    table = np.array([1.0, 2.0, 3.0])
    jaxpr = make_jaxpr(lambda x: x * gnp.sum(gnp.exp(gnp.sin(table) * 2.0)))(1.5)
    simple = agrees(jaxpr, [np.float64(1.5)], inline=True)
    assert names(simple) == ["mul"] and not simple.consts
    big = make_jaxpr(lambda x: x * gnp.cos(gnp.arange(5000.0)))(1.5)
    assert "cos" in names(simplify(big))


def test_repeated_constants_stay_short() -> None:
    simple = agrees(make_jaxpr(lambda x: x + gnp.full((3,), 2.0) * gnp.full((3,), 3.0))(np.ones(3)), [np.ones(3)], True)
    assert names(simple) == ["add"]


def test_equal_equations_are_one_whatever_the_order_of_operands() -> None:
    simple = agrees(
        make_jaxpr(lambda x, y: gnp.sin(x * y) + gnp.sin(y * x))(1.0, 2.0), [np.float64(1), np.float64(2)], True
    )
    assert names(simple) == ["mul", "sin", "add"]


def test_parameters_that_are_equal_and_not_the_same_stay_apart() -> None:
    def f(x: Any) -> Any:
        return gnp.where(x > 0, 0.0, 1.0) / gnp.where(x > 0, -0.0, 1.0)

    agrees(make_jaxpr(f)(2.0), [np.float64(2.0)], True)


def test_calls_are_written_out_only_when_asked() -> None:
    @custom_jvp
    def doubled(x: Any) -> Any:
        return x + x

    doubled.defjvp(lambda p, t: (doubled(*p), 7.0 * t[0]))
    inner = jit(lambda x, y: (doubled(x) * 1.0, gnp.sin(y)))
    jaxpr = make_jaxpr(lambda x: inner(x, 3.0)[0])(2.0)
    assert names(agrees(jaxpr, [np.float64(2)], True)) == ["add"]
    kept = agrees(jaxpr, [np.float64(2)], False)
    assert names(kept)[:2] == ["jit", "custom_jvp_call"] and "sin" not in names(kept)
    assert len(kept.eqns[0].inputs) == 1 and len(kept.eqns[0].outputs) == 1
    assert jvp_jaxpr(kept, [True])[1] == [True]


def test_stop_gradient_stays_where_derivatives_may_follow() -> None:
    jaxpr = make_jaxpr(lambda x: x * lax.stop_gradient(x))(2.0)
    assert "stop_gradient" in names(simplify(jaxpr))
    assert "stop_gradient" not in names(simplify(jaxpr, inline=True))


def test_a_branch_that_is_known_is_the_branch() -> None:
    jaxpr = make_jaxpr(lambda x: lax.switch(np.int32(5), [gnp.sin, gnp.cos, gnp.tan], x))(np.float64(2))
    assert names(agrees(jaxpr, [np.float64(2)], False)) == ["tan"]


def test_branches_return_and_take_only_what_is_used() -> None:
    def f(p: Any, x: Any, y: Any) -> Any:
        a, _, c = lax.cond(p, lambda x, y: (gnp.sin(x), y * y, y), lambda x, y: (gnp.cos(x), y, y), x, y)
        return a + c

    simple = agrees(make_jaxpr(f)(True, 1.0, 2.0), [np.True_, np.float64(1), np.float64(2)], False)
    (branch,) = [eqn for eqn in simple.eqns if eqn.primitive.name == "cond"]
    assert len(branch.outputs) == 1 and len(branch.inputs) == 2


def test_loops_carry_only_what_changes_and_is_used() -> None:
    def f(x: Any, scale: Any) -> Any:
        def body(carry: Any, t: Any) -> Any:
            value, fixed, dead = carry
            return (value * gnp.exp(fixed) + t, fixed, gnp.sin(dead)), (value, gnp.cos(value))

        (value, fixed, _), (ys, _) = lax.scan(body, (x, scale, x), np.arange(3.0))
        return value + fixed, ys

    args = [np.float64(0.5), np.float64(0.25)]
    simple = agrees(make_jaxpr(f)(*args), args, False)
    (loop,) = [eqn for eqn in simple.eqns if eqn.primitive.name == "scan"]
    assert loop.params["num_carry"] == 1 and len(loop.outputs) == 2
    assert "exp" in [eqn.primitive.name for eqn in simple.eqns]
    assert sorted(names(loop.params["jaxpr"])) == ["add", "mul"]


def test_while_loops_too() -> None:
    def f(x: Any, limit: Any) -> Any:
        def body(c: Any) -> Any:
            i, value, top, dead = c
            return i + 1, value + gnp.sqrt(top), top, dead * value

        return lax.while_loop(lambda c: c[1] < c[2], body, (0, x, limit, x))[1]

    args = [np.float64(0.5), np.float64(9.0)]
    simple = agrees(make_jaxpr(f)(*args), args, False)
    (loop,) = [eqn for eqn in simple.eqns if eqn.primitive.name == "while"]
    assert len(loop.outputs) == 1 and names(loop.params["body_jaxpr"]) == ["add"]
    assert [eqn.primitive.name for eqn in simple.eqns] == ["sqrt", "while"]


def test_loops_that_do_not_run_return_what_they_got() -> None:
    def f(x: Any) -> Any:
        return lax.scan(lambda c, t: ((c[0] * 2.0, c[1]), c[0] + t), (x, gnp.sin(x)), np.zeros((0,)))

    agrees(make_jaxpr(f)(1.5), [np.float64(1.5)], False)


def test_sources_notes_and_weak_types_stay() -> None:
    def f(x: Any) -> Any:
        if x > 0:
            x = x * 1.0
        return gnp.sin(x) + gnp.sin(x)

    jaxpr = program_of(f, (2.0,))[0]
    grown = grad(gnp.tanh)
    simple = simplify(jaxpr, inline=True)
    assert jaxpr.notes
    assert simple.notes == jaxpr.notes and simple.name == jaxpr.name
    assert all(eqn.source is not None for eqn in simple.eqns)
    assert "test_simplify.py" in jaxpr_text(simple, source=True)
    second = make_jaxpr(grown)(2.0)
    assert [t.weak_type for t in simplify(second, inline=True).out_types] == [t.weak_type for t in second.out_types]


def test_nothing_to_do_is_the_same_object() -> None:
    jaxpr = make_jaxpr(lambda x: gnp.sin(x) * x)(2.0)
    assert simplify(jaxpr) is jaxpr


def test_effects_and_barriers_stay() -> None:
    seen: list[float] = []
    from gradcli.engine.callbacks import io_callback

    def f(x: Any) -> Any:
        io_callback(lambda v: seen.append(float(raw(v))), None, x * 1.0)
        io_callback(lambda v: seen.append(float(raw(v))), None, x * 1.0)
        a, b = lax.optimization_barrier((x, x))
        return a - b

    jaxpr = make_jaxpr(f)(2.0)
    simple = simplify(jaxpr, inline=True)
    assert names(simple).count("io_callback") == 2 and "optimization_barrier" in names(simple)
    interpret(simple, [np.float64(2.0)])
    assert seen == [2.0, 2.0]


def test_arrays_that_are_constants_are_there_once() -> None:
    table = np.arange(5000.0)
    jaxpr = make_jaxpr(lambda x: x * Array(table)[0] + Array(np.arange(3.0))[1] * x + Array(np.arange(3.0)))(2.0)
    simple = agrees(jaxpr, [np.float64(2.0)], True)
    assert len(simple.consts) == 2
