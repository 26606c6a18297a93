"""Control flow, calls and custom rules under every transformation, held against the same function written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import (
    check_grads,
    custom_jvp,
    custom_vjp,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jit,
    jvp,
    make_jaxpr,
    vjp,
    vmap,
)
from gradcli.engine.array import raw
from gradcli.engine.control.branch import cond, switch
from gradcli.engine.control.loop import fori_loop, while_loop
from gradcli.engine.control.scan import loop_map, scan
from gradcli.engine.errors import diagnostic_of
from gradcli.engine.ir.check import check_jaxpr
from gradcli.engine.ops.elementwise import cos, exp, log, sin, tanh
from gradcli.engine.ops.shape import reduce_sum
from gradcli.engine.taylor import taylor


def total(x: Any) -> Any:
    return reduce_sum(x, tuple(range(x.ndim)))


def rnn(w: Any, h: Any, xs: Any) -> Any:
    def step(carry: Any, x: Any) -> Any:
        new = {"h": tanh(w * carry["h"] + x), "n": carry["n"] + 1}
        return new, new["h"] * x

    carry, ys = scan(step, {"h": h, "n": 0}, xs)
    return carry["h"] + total(ys)


def rnn_written_out(w: Any, h: Any, xs: Any) -> Any:
    out = 0.0
    for i in range(3):
        h = tanh(w * h + xs[i])
        out = out + h * xs[i]
    return h + out


def power_loop(x: Any, y: Any) -> Any:
    return fori_loop(0, 4, lambda i, c: c * x + i * y, y)


def branches(x: Any, y: Any) -> Any:
    return cond(x > 0.0, lambda a, b: sin(a) * b, lambda a, b: a * a + b * x, x, y)


def switching(x: Any, y: Any) -> Any:
    return sum((switch(i, [sin, cos, lambda v: v * y], x) for i in range(4)), 0.0 * x)


def nested(x: Any, y: Any) -> Any:
    def step(c: Any, t: Any) -> Any:
        inner = fori_loop(0, 2, lambda i, v: cond(v > 1.0, lambda u: u * 0.5, lambda u: u * t + x, v), c)
        return inner, jit(lambda v: sin(v) * y)(inner)

    c, ys = scan(step, x, np.array([0.7, 1.1, 1.9]))
    return c + total(ys)


def mapped(x: Any, y: Any) -> Any:
    return total(loop_map(lambda t: t * x * y + sin(x), np.array([1.0, 2.0])))


def backwards(x: Any, y: Any) -> Any:
    carry, ys = scan(lambda c, t: (c * t + x, c * y), y, np.array([1.5, 0.5, 2.0]), reverse=True)
    return carry + total(ys * np.array([1.0, 2.0, 3.0]))


FUNCTIONS = [power_loop, branches, switching, nested, mapped, backwards]
XS = np.array([0.3, -0.8, 1.2])


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("point", [(0.6, 1.3), (-0.7, 0.4)])
def test_derivatives_to_second_order(f: Any, point: Any) -> None:
    check_grads(f, point, 2)
    check_jaxpr(make_jaxpr(f)(*point))
    check_jaxpr(make_jaxpr(grad(f, (0, 1)))(*point))
    check_jaxpr(make_jaxpr(grad(grad(f)))(*point))
    check_jaxpr(make_jaxpr(lambda *a: jvp(f, a, (1.0, 1.0)))(*point))


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "transform", [lambda f: f, grad, lambda f: grad(f, 1), jacfwd, lambda f: jit(grad(f)), lambda f: grad(grad(f))]
)
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
def test_vmap_is_a_loop(f: Any, transform: Any, axes: Any) -> None:
    batch = (np.array([0.6, -0.7, 1.4]), np.array([1.3, 0.4, -0.2]))
    args = [b if a == 0 else b[0] for a, b in zip(axes, batch, strict=True)]
    g = transform(f)
    rows = [float(g(*[b[k] if a == 0 else b for a, b in zip(axes, args, strict=True)])) for k in range(3)]
    np.testing.assert_allclose(raw(vmap(g, axes)(*args)), rows, rtol=1e-10)
    check_jaxpr(make_jaxpr(vmap(g, axes))(*args))


def test_scan_is_the_loop_written_out() -> None:
    args = (0.9, 0.2, XS)
    np.testing.assert_allclose(float(rnn(*args)), float(rnn_written_out(*args)), rtol=1e-14)
    for argnum in (0, 1, 2):
        for mode in (jacfwd, jacrev):
            np.testing.assert_allclose(
                raw(mode(rnn, argnum)(*args)), raw(mode(rnn_written_out, argnum)(*args)), rtol=1e-12
            )
        np.testing.assert_allclose(
            raw(hessian(rnn, argnum)(*args)), raw(hessian(rnn_written_out, argnum)(*args)), rtol=1e-10
        )
    batch = np.stack([XS, 2 * XS])
    np.testing.assert_allclose(
        raw(vmap(grad(rnn, 2), (None, None, 0))(0.9, 0.2, batch)),
        np.stack([raw(grad(rnn_written_out, 2)(0.9, 0.2, b)) for b in batch]),
        rtol=1e-12,
    )


def test_constants_and_inputs_of_a_scan_are_not_stacked_as_residuals() -> None:
    w = np.ones((5, 5))
    program = make_jaxpr(grad(lambda c: scan(lambda c, x: (total(w * c * x) / 25, None), c, XS)[0]))(1.0)
    stacked = [v.type.shape for e in program.eqns if e.primitive.name == "scan" for v in e.outputs]
    assert (3, 5, 5) not in stacked


def test_while_loops() -> None:
    def f(x: Any) -> Any:
        return while_loop(lambda c: c[0] < 50.0, lambda c: (c[0] * x, c[1] + 1), (x, 0))[0]

    assert float(f(2.0)) == 64.0
    assert float(jvp(f, (2.0,), (1.0,))[1]) == 192.0
    assert float(grad(f)(2.0)) == 192.0  # the steps are counted at the point
    np.testing.assert_array_equal(raw(vmap(f)(np.array([2.0, 3.0, 60.0]))), [64.0, 81.0, 60.0])
    np.testing.assert_array_equal(raw(vmap(jacfwd(f))(np.array([2.0, 3.0, 60.0]))), [192.0, 108.0, 1.0])
    assert float(jit(f)(2.0)) == 64.0
    assert float(grad(jacfwd(f))(2.0)) == 480.0
    with pytest.raises(ValueError, match="while loop") as info:
        jit(grad(f))(2.0)
    assert "scan" in str(diagnostic_of(info.value).hint)  # type: ignore[union-attr]


def test_a_fori_loop_with_traced_bounds() -> None:
    def f(x: Any, n: Any) -> Any:
        return fori_loop(0, n, lambda i, c: c * x, 1.0)

    assert float(jit(f)(2.0, 5)) == 32.0
    np.testing.assert_array_equal(raw(vmap(f, (None, 0))(2.0, np.array([1, 3, 5]))), [2.0, 8.0, 32.0])
    assert float(jacfwd(f)(2.0, 5)) == 80.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cond(True, lambda x: x, lambda x: (x, x), 1.0), "different structures"),
        (lambda: cond(True, lambda x: x, lambda x: np.ones(2) * x, 1.0), "different types"),
        (lambda: cond(np.array([True, False]), sin, cos, 1.0), "must be a scalar"),
        (lambda: scan(lambda c, x: (c, c, c), 0.0, XS), "must return"),
        (lambda: scan(lambda c, x: ((c, c), x), 0.0, XS), "changes its structure"),
        (lambda: scan(lambda c, x: (XS * c, x), 0.0, XS), "changes its type"),
        (lambda: scan(lambda c, x: (c, x), 0.0, {"a": XS, "b": np.ones(2)}), "different lengths"),
        (lambda: scan(lambda c, x: (c, x), 0.0), "needs xs or a length"),
        (lambda: while_loop(lambda c: c, lambda c: c, 1.0), "one bool scalar"),
        (lambda: while_loop(lambda c: c < 1, lambda c: XS * c, 1.0), "changes a type"),
    ],
)
def test_wrong_bodies_are_named(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


# --- custom rules -----------------------------------------------------------------------------------------------


@custom_jvp
def log1pexp(x: Any) -> Any:
    return log(1.0 + exp(x))


@log1pexp.defjvp
def log1pexp_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (x_dot,) = primals, tangents
    return log1pexp(x), (1 - 1 / (1 + exp(x))) * x_dot


def test_custom_jvp_in_every_transform() -> None:
    assert float(grad(log1pexp)(1000.0)) == 1.0
    np.testing.assert_allclose(raw(vmap(grad(log1pexp))(np.array([-1.0, 0.0, 1e4]))), [1 / (1 + np.e), 0.5, 1.0])
    assert float(jvp(log1pexp, (1000.0,), (2.0,))[1]) == 2.0
    assert float(jit(grad(log1pexp))(1000.0)) == 1.0
    np.testing.assert_allclose(float(grad(grad(log1pexp))(0.3)), np.exp(0.3) / (1 + np.exp(0.3)) ** 2, rtol=1e-12)
    carry, _ = scan(lambda c, x: (log1pexp(c * x), None), 1.0, XS)
    np.testing.assert_allclose(
        float(grad(lambda c: scan(lambda c, x: (log1pexp(c * x), None), c, XS)[0])(1.0)),
        float(jacfwd(lambda c: scan(lambda c, x: (log(1.0 + exp(c * x)), None), c, XS)[0])(1.0)), rtol=1e-12,
    )  # fmt: skip
    check_jaxpr(make_jaxpr(vmap(grad(log1pexp)))(XS))


def test_defjvps_nondiff_kwargs_and_pytrees() -> None:
    @custom_jvp
    def f(x: Any, y: Any) -> Any:
        return x * y

    f.defjvps(lambda t, out, x, y: 10.0 * t * y, None)
    assert [float(g) for g in grad(f, (0, 1))(2.0, 3.0)] == [30.0, 0.0]

    def apply(fun: Any, p: Any, scale: Any = 2.0) -> Any:
        return {"out": fun(p["a"]) * scale}

    g = custom_jvp(apply, nondiff_argnums=(0,))

    @g.defjvp
    def rule(fun: Any, primals: Any, tangents: Any) -> Any:
        p, scale = primals
        return g(fun, p, scale), {"out": 100.0 * tangents[0]["a"]}

    assert float(grad(lambda p: g(sin, p, scale=3.0)["out"])({"a": 1.0})["a"]) == 100.0


def test_custom_vjp_in_every_transform() -> None:
    @custom_vjp
    def f(x: Any, y: Any) -> Any:
        return sin(x) * y

    f.defvjp(lambda x, y: (f(x, y), (cos(x), sin(x), y)), lambda res, ct: (res[0] * ct * res[2], res[1] * ct))
    check_grads(f, (0.5, 2.0), 2)
    xs = np.array([0.5, 1.0])
    np.testing.assert_allclose(raw(vmap(grad(f), (0, None))(xs, 2.0)), np.cos(xs) * 2.0)
    ct_y = grad(lambda y: total(vmap(f, (0, None))(xs, y)))(2.0)
    np.testing.assert_allclose(float(ct_y), np.sin(xs).sum())
    np.testing.assert_allclose(float(jacfwd(f)(0.5, 2.0)), np.cos(0.5) * 2.0)
    scanned = grad(lambda x: scan(lambda c, t: (f(c, t), None), x, XS)[0])(0.4)
    direct = grad(lambda x: scan(lambda c, t: (sin(c) * t, None), x, XS)[0])(0.4)
    np.testing.assert_allclose(float(scanned), float(direct), rtol=1e-12)


def test_custom_vjp_with_nondiff_argnums_and_none() -> None:
    from functools import partial

    @partial(custom_vjp, nondiff_argnums=(1,))
    def clip(x: Any, bound: float, n: Any) -> Any:
        return x

    clip.defvjp(lambda x, bound, n: (x, n), lambda bound, res, ct: (ct * bound * res, None))
    assert float(grad(lambda x: clip(x, 0.25, 2))(3.0)) == 0.5


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (lambda f: None, "no defjvp was defined"),
        (lambda f: f.defjvp(lambda p, t: p[0]), "must return"),
        (lambda f: f.defjvp(lambda p, t: (p[0], (t[0], t[0]))), "structure"),
        (lambda f: f.defjvp(lambda p, t: (p[0], np.ones(3) * t[0])), "a tangent"),
    ],
)
def test_wrong_custom_rules_are_named(define: Any, message: str) -> None:
    f = custom_jvp(lambda x: x * 1.0)
    define(f)
    with pytest.raises((TypeError, AttributeError, Exception), match=message):
        grad(f)(1.0)


def test_a_closed_over_tracer_is_not_differentiated_silently() -> None:
    def outer(y: Any) -> Any:
        @custom_jvp
        def f(x: Any) -> Any:
            return x * y

        f.defjvp(lambda p, t: (p[0], t[0]))
        return f(2.0)

    with pytest.raises(TypeError, match="closes over a value"):
        grad(outer)(3.0)


def test_a_wrong_custom_rule_fails_the_check() -> None:
    f = custom_jvp(lambda x: x * x)
    f.defjvp(lambda p, t: (f(p[0]), 2.001 * p[0] * t[0]))
    with pytest.raises(AssertionError, match=r"order 1, mode fwd, argument 0, index \(\)"):
        check_grads(f, (3.0,), 1)


def test_vjp_of_a_call_gives_two_calls() -> None:
    program = make_jaxpr(lambda x: vjp(jit(lambda v: sin(v) * 2.0), x)[1](1.0))(1.0)
    assert [e.primitive.name for e in program.eqns] == ["jit", "jit"]


@pytest.mark.parametrize(
    "f",
    [power_loop, branches, nested, lambda x, y: log1pexp(x * y) + x],
    ids=["power_loop", "branches", "nested", "custom_rule"],
)
def test_taylor_agrees_with_nested_derivatives(f: Any) -> None:
    found = [float(d) for d in taylor(lambda x: f(x, 1.3), (0.6,), (1.0,), 3)]
    g: Any = lambda x: f(x, 1.3)  # noqa: E731
    for k in range(4):
        np.testing.assert_allclose(found[k], float(g(0.6)), rtol=1e-9)
        g = jacfwd(g)
