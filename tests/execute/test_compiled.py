"""Compiled programs held against the interpreter: random programs, odd numbers, control flow, large arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli import lax
from gradcli import numpy as gnp
from gradcli.engine.api import grad, hessian, jit, make_jaxpr, value_and_grad, vmap
from gradcli.engine.array import raw
from gradcli.engine.execute import fuse, threads
from gradcli.engine.execute.compiled import Compiled, function_of
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.transforms.dce import dce_jaxpr
from tests.engine.programs import build, draw, gradcli_modules

ODD = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 710.0, -745.2, 1e308, 5e-324, math.inf, -math.inf, math.nan]


def same(found: Any, wanted: Any, ulps: int = 0) -> None:
    """Equal, nan where nan is, zeros of one sign; ``ulps`` for what libraries of functions may differ by."""
    for a, b in zip(found, wanted, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype and a.shape == b.shape
        if ulps and a.dtype.kind in "fc":
            np.testing.assert_allclose(a, b, rtol=ulps * np.finfo(a.dtype).eps, atol=0)
        else:
            np.testing.assert_array_equal(a, b)
            if a.dtype.kind == "f":
                np.testing.assert_array_equal(np.signbit(a) & ~np.isnan(a), np.signbit(b) & ~np.isnan(b))


def program(f: Any, *args: Any) -> Jaxpr:
    return dce_jaxpr(make_jaxpr(f)(*args))


def check(f: Any, *args: Any, ulps: int = 0) -> Compiled:
    jaxpr = program(f, *args)
    values = [np.asarray(a, t.dtype)[()] for a, t in zip(args, jaxpr.in_types, strict=True)]
    wanted = interpret(jaxpr, values)
    compiled = Compiled(jaxpr)
    same(compiled(values), wanted, ulps)
    with np.errstate(all="ignore"):
        same(compiled.careful(*values), wanted, ulps)
    return compiled


@pytest.mark.parametrize("seed", range(30))
def test_random_programs_and_their_derivatives(seed: int) -> None:
    f = build(draw(seed, 10), gradcli_modules())
    shape: tuple[int, ...] = [(), (3,), (1,)][seed % 3]
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 1, shape)[()], rng.uniform(-1, 1, shape)[()]
    for g in (f, grad(f), vmap(grad(f), (0, None))):
        first = np.stack([x, -x]) if g is not f and seed % 2 else x
        if np.ndim(first) == len(shape) and g not in (f,) and seed % 2 == 0 and first is x and g is not f:
            g = grad(f)
        elif np.ndim(first) > len(shape):
            g = vmap(grad(f), (0, None))
        jaxpr = program(g, first, y)
        wanted = interpret(jaxpr, [first, y])
        for a, b in zip(Compiled(jaxpr)([first, y]), wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


UNARY = [
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "exp",
    "exp2", "expm1", "log", "log1p", "sqrt", "cbrt", "square", "negative", "abs", "sign", "floor", "ceil", "isfinite",
    "rint",
]  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_odd_number(name: str) -> None:
    for x in ODD:
        check(getattr(gnp, name), x, ulps=4)


BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "arctan2", "power", "fmod", "less", "equal"]


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_odd_numbers(name: str) -> None:
    for x in ODD:
        for y in ODD:
            check(getattr(gnp, name), x, y, ulps=4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64, np.complex128])
@pytest.mark.parametrize("y", [-3, -1, 0, 1, 2, 3, 7])
def test_integer_powers(dtype: Any, y: int) -> None:
    if y >= 0 or np.dtype(dtype).kind != "i":
        check(lambda x: x**y, dtype(3))
        check(lambda x: x**y, np.full(fuse.LEAST, 3, dtype))


def test_integers_wrap_around() -> None:
    big = np.int64(2**62)
    found = Compiled(program(lambda x: x + x, big))([big])
    assert found[0] == np.int64(-(2**63)) and found[0].dtype == np.int64
    check(lambda x, y: (x * y, x - y, x // y, x % y, x & y, x << y, -x, abs(x)), np.int32(-7), np.int32(3))


def test_jit_survives_numbers_that_raise() -> None:
    f = jit(lambda x: gnp.log(x) + 1.0)
    assert [float(f(x)) for x in (1.0, 1.0, 0.0, 1.0)] == [1.0, 1.0, -math.inf, 1.0]


def test_branches() -> None:
    def f(i: Any, x: Any, y: Any) -> Any:
        return lax.switch(i, [lambda a, b: (a, b), lambda a, b: (b, a * b), lambda a, b: (a - b, a)], x, y)

    for i in (-1, 0, 1, 2, 5):
        check(f, i, 2.0, 3.0)
        check(f, i, np.arange(3.0), np.ones(3))
    check(lambda p, x: lax.cond(p, lambda a: a * 2.0, lambda a: a, x), True, 2.0)


def test_loops() -> None:
    def newton(x: Any) -> Any:
        return lax.while_loop(
            lambda c: gnp.abs(c[0] * c[0] - x) > 1e-12, lambda c: ((c[0] + x / c[0]) / 2, c[1] + 1), (x, 0)
        )

    check(newton, 7.0)
    check(lambda x: lax.while_loop(lambda c: gnp.sum(c) < 100.0, lambda c: c * 2.0, x), np.arange(4.0))
    check(lambda x: lax.fori_loop(0, 5, lambda i, c: c + i * x, 0.0), 1.5)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [0, 1, 7])
def test_scans(reverse: bool, length: int) -> None:
    def f(start: Any, xs: Any) -> Any:
        return lax.scan(lambda c, x: ((c[0] * 0.5 + x, c[0]), (c[1], c[0] > x)), (start, start), xs, reverse=reverse)

    check(f, 0.25, np.arange(float(length)))
    check(lambda s, xs: f(s, xs), np.arange(3.0), np.ones((length, 3)))
    check(grad(lambda s, xs: gnp.sum(f(s, xs)[0][0]) * 1.0, (0, 1)), 0.25, np.arange(float(length)), ulps=4)


def test_scan_swaps_its_carry() -> None:
    check(lambda a, b: lax.scan(lambda c, _: ((c[1], c[0] + c[1]), c[0]), (a, b), None, length=10), 0, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.int32])
@pytest.mark.parametrize("size", [1, fuse.LEAST, 3 * threads.BLOCK_BYTES // 8 + 17])
def test_rows_of_elementwise_equations(size: int, dtype: Any) -> None:
    x = (np.random.default_rng(0).normal(size=size) * 3).astype(dtype)

    def f(a: Any, k: Any) -> Any:
        b = a * a + k
        c = gnp.where(abs(b) > 3, b, -a) * 2
        return c, b - c, (b == c) | (a == b)

    check(f, x, dtype(2))
    check(lambda a, k: gnp.sum(f(a, k)[0]), x, dtype(2), ulps=16)  # summed block by block
    if np.dtype(dtype).kind == "f":
        check(vmap(grad(lambda a: gnp.log1p(gnp.exp(gnp.sin(a) * a)) / (1 + a**3))), x)
        check(lambda a: gnp.exp(a[::-1]) * 2.0 + a, x, ulps=1 << 12)  # NumPy computes exp in two ways


def test_shapes_with_more_axes_and_reads_between() -> None:
    x = np.random.default_rng(1).normal(size=(300, 200))
    check(lambda a: gnp.tanh(a) * 2 - gnp.tanh(a).T[:, :1].sum() + a @ gnp.ones((200, 200)), x)
    check(grad(lambda a: gnp.sum(gnp.sin(a) * gnp.exp(-a * a) @ gnp.ones(200))), x, ulps=64)


def test_results_are_not_shared() -> None:
    """Arrays that are recycled are only those that nobody holds."""
    size = 1 << 18
    f = jit(lambda a: gnp.sin(a) * 2.0)
    first = f(np.zeros(size))
    kept = raw(first)[:10].copy()
    view = np.asarray(f(np.ones(size)))[5:]
    for _ in range(4):
        f(np.full(size, 2.0))
    np.testing.assert_array_equal(raw(first)[:10], kept)
    np.testing.assert_array_equal(view, np.full(size - 5, np.sin(1.0) * 2.0))


def test_two_threads_give_what_one_does() -> None:
    x = np.linspace(-2, 2, threads.SHARED // 4 + 1001)
    check(lambda a: gnp.exp(-a * a) * gnp.sin(a) + 1.0, x)


@pytest.mark.parametrize("n", range(2, 20))
def test_powers_of_large_arrays(n: int) -> None:
    x = np.linspace(-1.5, 1.5, fuse.LEAST)
    check(lambda a: (a * 2.0) ** n + a**n, x)
    check(lambda a: (a + 1.0) ** n, x)


def test_large_arrays_are_let_go() -> None:
    jaxpr = program(lambda a: gnp.sum(gnp.cumsum(gnp.cumsum(a) * 2.0)), np.ones(10_000))
    assert function_of(jaxpr, False)(np.ones(10_000))[0] == interpret(jaxpr, [np.ones(10_000)])[0]


def test_ten_thousand_equations() -> None:
    def f(x: Any) -> Any:
        y = x
        for _ in range(2500):
            y = gnp.sin(y * x + 0.5) - y
        return y

    check(f, 0.3, ulps=1 << 20)


@settings(max_examples=40, deadline=None)
@given(st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_any_two_numbers(x: float, y: float) -> None:
    def f(a: Any, b: Any) -> Any:
        c = gnp.where(a > b, a * b, a / b)
        return c, gnp.maximum(a, b) - gnp.minimum(a, b), (a != b) & (c <= a), a**2 * 0.5

    check(f, x, y)


def test_jit_of_trees_and_of_second_derivatives() -> None:
    def f(p: Any) -> Any:
        return p["a"] * gnp.sin(p["b"]) + p["c"][0] ** 2

    point = {"a": 1.5, "b": 0.3, "c": (2.0,)}
    value, gradient = jit(value_and_grad(f))(point)
    assert float(value) == pytest.approx(1.5 * math.sin(0.3) + 4.0)
    assert float(gradient["c"][0]) == 4.0
    second = jit(hessian(lambda x, y: gnp.exp(x * y), (0, 1)))(0.5, 0.25)
    for _ in range(2):
        assert float(second[0][1]) == pytest.approx(math.exp(0.125) * 1.125)


def test_loops_outside_of_jit_are_compiled_when_they_are_long() -> None:
    def f(x: Any, n: int) -> Any:
        carry, ys = lax.scan(lambda c, k: (gnp.sin(c) + k * x, c), x, gnp.arange(float(n)) / n)
        return carry + gnp.sum(ys)

    def g(x: Any, n: int) -> Any:
        return lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, gnp.cos(c[1])), (0, x))[1]

    for h in (f, g):
        for n in (3, 31, 32, 33, 200):
            jaxpr = program(lambda x, h=h, n=n: h(x, n), 0.5)
            assert float(h(0.5, n)) == pytest.approx(float(interpret(jaxpr, [np.float64(0.5)])[0]), rel=1e-12)


def test_values_that_pass_through_a_call_are_kept() -> None:
    """A large array that a program is given, and gets back from a call inside, is not let go in between."""
    x = np.arange(5000.0)
    again = jit(lambda a: (a, gnp.cumsum(a)))

    def f(a: Any) -> Any:
        b = gnp.cumsum(a)
        c, d = again(b)
        return gnp.cumsum(d), c

    jaxpr = program(f, x)
    same(function_of(jaxpr, False)(x), interpret(jaxpr, [x]))
    check(lambda a: gnp.cumsum(a) ** 1 + gnp.cumsum(a), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.int32])
def test_small_arrays(dtype: Any) -> None:
    rng = np.random.default_rng(2)
    a, b, v = ((rng.normal(size=s) * 4).astype(dtype) for s in [(3, 4), (4, 1), (4,)])
    check(lambda a, b, v: (a @ v, a.T @ a, b @ b.T, v @ a.T, gnp.outer(v, v), gnp.dot(v, v), a @ b), a, b, v)
    check(
        lambda a, b, v: (gnp.sum(a, 0), gnp.max(abs(a), 1), gnp.min(abs(v)), a[::-1, 1:3].T, a.reshape(2, 6)), a, b, v
    )
    check(
        lambda a, b, v: (gnp.where(abs(a) > 2, a, v), gnp.stack([v, v]), gnp.concatenate([a, a], 1), b[:, 0]), a, b, v
    )
    check(lambda a, b, v: (gnp.where(abs(v[0]) > 2, a, 0), gnp.where(abs(v[1]) > 2, v[0], v[2]), v[:1] ** 3), a, b, v)
    check(
        lambda a, b, v: (a.astype("float32"), gnp.sum(a > 0), gnp.arange(4) * v, gnp.broadcast_to(v[0], (2, 2))),
        a,
        b,
        v,
    )


def test_jit_takes_all_kinds_of_values_alike() -> None:
    f = jit(lambda x, y: gnp.tanh(x) * y)
    for _ in range(3):  # the first call compiles, the second one remembers the kind, the third uses that
        for dtype in (np.float64, np.float32, np.complex64, np.int32):
            one, two = np.arange(3).astype(dtype), np.ones(2, dtype)[:1]
            for x, y in [
                (one, two),
                (one[1], two[0]),
                (one[1:], two),
                (gnp.asarray(one), two),
                (0.5, two),
                (one, True),
            ]:
                found, wanted = f(x, y), gnp.tanh(x) * y
                assert found.type.strong() is wanted.type.strong()
                np.testing.assert_array_equal(raw(found), raw(wanted))


def test_a_number_that_plain_numbers_raise_for_does_not_slow_the_others_down() -> None:
    f = jit(lambda x: gnp.log(x) + 1.0)
    compiled = Compiled(program(lambda x: gnp.log(x) + 1.0, 0.5))
    for _ in range(3):
        assert raw(f(0.0)) == -math.inf and raw(f(1.0)) == 1.0
        assert compiled([np.float64(0.0)]) == [-math.inf] and compiled.may_be_quick
    for _ in range(20):
        compiled([np.float64(0.0)])
    assert not compiled.may_be_quick and compiled([np.float64(1.0)]) == [1.0]


def test_operations_that_plain_numbers_lack_between_others() -> None:
    """What one equation reads once is written where it is read, also where that is a call of NumPy's."""
    check(lambda a, b: lax.div(a + b, b - 1) * abs(a * b - 3) + lax.rem(a * b + 1, b), 7, 3)
    check(lambda x, y: gnp.float32(x * y + 1.0) * 2 + gnp.arctan2(x * y, x + y) ** 2, 0.3, 0.7)
    check(lambda x, y: gnp.maximum(x * y + 1.0, -x) - gnp.square(gnp.sin(x + 1.0) - y) * gnp.sinc(x * y), 0.3, 0.7)
