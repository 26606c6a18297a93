"""Custom rules: that the rule is what is used, under every transformation, whatever it captured; and against JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli.engine.custom import CustomVJPPrimal, SymbolicZero, custom_vjp_primal_tree_values

ONES = np.ones(3)


# Functions of (library, captured value) whose rule says 5 times the true derivative, so that one sees which was used.
def jvp_rule(m: Any, n: Any, a: Any) -> Callable[[Any], Any]:
    @m.custom_jvp
    def k(y: Any) -> Any:
        return a * y * y

    @k.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        return k(*primals), tangents[0] * primals[0] * a * 10.0

    return k  # type: ignore[no-any-return]


def vjp_rule(m: Any, n: Any, a: Any) -> Callable[[Any], Any]:
    @m.custom_vjp
    def k(y: Any) -> Any:
        return a * y * y

    k.defvjp(lambda y: (k(y), y), lambda y, ct: (ct * y * a * 10.0,))
    return k  # type: ignore[no-any-return]


def nondiff_jvp(m: Any, n: Any, a: Any) -> Callable[[Any], Any]:
    @functools.partial(m.custom_jvp, nondiff_argnums=(0,))
    def apply(f: Any, x: Any) -> Any:
        return f(x)

    apply.defjvp(lambda f, p, t: (apply(f, *p), 10.0 * t[0] * f(p[0]) / p[0]))
    return lambda y: apply(lambda v: v * v * a, y)


def nondiff_vjp(m: Any, n: Any, a: Any) -> Callable[[Any], Any]:
    @functools.partial(m.custom_vjp, nondiff_argnums=(0,))
    def apply(f: Any, x: Any) -> Any:
        return f(x)

    apply.defvjp(lambda f, x: (f(x), x), lambda f, x, ct: (10.0 * ct * f(x) / x,))
    return lambda y: apply(lambda v: v * v * a, y)


MAKERS = [jvp_rule, vjp_rule, nondiff_jvp, nondiff_vjp]


def uses(m: Any, n: Any, make: Any) -> dict[str, Callable[[], Any]]:
    def of(y: Any, a: Any) -> Any:
        return make(m, n, a)(y)

    def grad_of_vmap(y: Any) -> Any:
        return m.vmap(of, (None, 0))(y, ONES).sum()

    return {
        "call": lambda: of(2.0, 3.0),
        "jit": lambda: m.jit(of)(2.0, 3.0),
        "vmap": lambda: m.vmap(of, (None, 0))(2.0, ONES),
        "vmap of both": lambda: m.vmap(of)(2.0 * ONES, 3.0 * ONES),
        "grad": lambda: m.grad(of)(2.0, 3.0),
        "grad inside, captured differentiated": lambda: m.grad(lambda a: m.grad(make(m, n, a))(2.0))(3.0),
        "jit of grad": lambda: m.jit(m.grad(of))(2.0, 3.0),
        "vmap of grad": lambda: m.vmap(m.grad(of), (None, 0))(2.0, ONES),
        "grad of vmap": lambda: m.grad(grad_of_vmap)(2.0),
        "jacrev of vmap": lambda: m.jacrev(lambda y: m.vmap(of, (None, 0))(y, ONES))(2.0),
        "second derivative": lambda: m.grad(m.grad(of))(2.0, 3.0),
        "vmap of vmap": lambda: m.vmap(m.vmap(of, (None, 0)), (0, None))(2.0 * ONES, ONES),
        "grad of jit": lambda: m.grad(m.jit(of))(2.0, 3.0),
        "grad of scan": lambda: m.grad(lambda y: m.lax.scan(lambda c, a: (of(c, a), None), y, ONES)[0])(2.0),
        "second derivative of vmap": lambda: m.grad(m.grad(grad_of_vmap))(2.0),
    }


EXPECTED = {
    "call": 12.0, "jit": 12.0, "vmap": 4 * ONES, "vmap of both": 12 * ONES, "grad": 60.0,
    "grad inside, captured differentiated": 20.0, "jit of grad": 60.0, "vmap of grad": 20 * ONES,
    "grad of vmap": 60.0, "jacrev of vmap": 20 * ONES, "second derivative": 30.0, "vmap of vmap": np.full((3, 3), 4.0),
    "grad of jit": 60.0, "grad of scan": 10.0**3 * 2 * 4 * 16, "second derivative of vmap": 30.0,
}  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("use", EXPECTED)
def test_captured_values(make: Any, use: str) -> None:
    if use == "grad inside, captured differentiated" and make is not nondiff_vjp:
        with pytest.raises(TypeError, match="closes over"):  # these rules evaluate the function itself
            uses(gradcli, gnp, make)[use]()
        return
    expected = EXPECTED[use]
    np.testing.assert_allclose(np.asarray(uses(gradcli, gnp, make)[use]()), expected)


def test_a_derivative_of_what_the_function_captured_is_refused() -> None:
    for make in MAKERS:
        with pytest.raises(TypeError, match="closes over a value that is being differentiated"):
            gradcli.grad(lambda a, make=make: make(gradcli, gnp, a)(2.0))(3.0)


def test_pytrees_keywords_and_names() -> None:
    @functools.partial(gradcli.custom_vjp, nondiff_argnames=("mode",))
    def f(tree: Any, mode: str = "sum", scale: Any = 2.0) -> Any:
        total = tree["a"] + tree["b"][0] if mode == "sum" else tree["a"]
        return {"out": total * scale}

    def fwd(tree: Any, mode: str, scale: Any) -> Any:
        return f(tree, mode, scale), (scale, len(mode))

    f.defvjp(fwd, lambda mode, res, ct: ({"a": ct["out"] * res[0] * 7.0, "b": [None]}, None))
    tree = {"a": 1.0, "b": [2.0]}
    gradient = gradcli.grad(lambda t: f(t, scale=3.0)["out"])(tree)
    assert float(gradient["a"]) == 21.0 and float(gradient["b"][0]) == 0.0
    assert float(f(tree, mode="first")["out"]) == 2.0


def test_nested_rules() -> None:
    inner = jvp_rule(gradcli, gnp, 1.0)

    @gradcli.custom_vjp
    def outer(x: Any) -> Any:
        return inner(x) + x

    outer.defvjp(lambda x: gradcli.vjp(inner, x), lambda pull, ct: (pull(ct)[0] * 2.0,))
    assert float(gradcli.grad(outer)(3.0)) == 60.0
    np.testing.assert_allclose(np.asarray(gradcli.vmap(gradcli.grad(outer))(ONES)), 20 * ONES)


# --- symbolic zeros -----------------------------------------------------------------------------------------------


def test_symbolic_zeros_of_a_forward_rule() -> None:
    seen: list[list[bool]] = []

    @gradcli.custom_jvp
    def f(x: Any, y: Any) -> Any:
        return x * y, y + 1.0

    def rule(primals: Any, tangents: Any) -> Any:
        zero = [isinstance(t, SymbolicZero) for t in tangents]
        seen.append(zero)
        x, y = primals
        dots = [t.instantiate() if z else t for t, z in zip(tangents, zero, strict=True)]
        return f(x, y), (dots[0] * y + x * dots[1], tangents[1])

    f.defjvp(rule, symbolic_zeros=True)
    assert float(gradcli.grad(lambda x: f(x, 3.0)[0])(2.0)) == 3.0
    assert float(gradcli.grad(lambda y: sum(f(2.0, y)))(3.0)) == 3.0
    assert seen == [[False, True], [True, False]]
    rows = gradcli.grad(lambda x: gradcli.vmap(lambda v: f(v, 3.0)[0])(x).sum())(ONES)
    np.testing.assert_allclose(np.asarray(rows), 3 * ONES)
    assert seen[-1] == [False, True]


def test_symbolic_zeros_of_a_reverse_rule() -> None:
    seen: list[Any] = []

    @gradcli.custom_vjp
    def f(x: Any, y: Any) -> Any:
        return x * y, y + 1.0

    def fwd(x: Any, y: Any) -> Any:
        assert isinstance(x, CustomVJPPrimal)
        seen.append((x.perturbed, y.perturbed))
        values = custom_vjp_primal_tree_values((x, y))
        return f(*values), values

    def bwd(residuals: Any, cts: Any) -> Any:
        seen.append(tuple(isinstance(ct, SymbolicZero) for ct in cts))
        assert not isinstance(cts[1], SymbolicZero) or cts[1].shape == ()
        return cts[0] * residuals[1], None

    f.defvjp(fwd, bwd, symbolic_zeros=True)
    assert float(gradcli.grad(lambda x: f(x, 3.0)[0])(2.0)) == 3.0
    assert seen == [(True, False), (False, True)]


def test_defjvps() -> None:
    @gradcli.custom_jvp
    def f(x: Any, y: Any) -> Any:
        return gnp.sin(x) * y

    f.defjvps(lambda t, out, x, y: 100.0 * t, None)
    value, dot = gradcli.jvp(f, (1.0, 2.0), (1.0, 1.0))
    assert float(dot) == 100.0 and abs(float(value) - 2 * np.sin(1.0)) < 1e-15


# --- errors -------------------------------------------------------------------------------------------------------


def broken_jvp(result: Callable[[Any, Any], Any]) -> Callable[[], Any]:
    def run() -> Any:
        f = gradcli.custom_jvp(lambda x: x * 2.0)
        f.defjvp(lambda p, t: result(p, t))
        return gradcli.jvp(f, (ONES,), (ONES,))

    return run


def broken_vjp(fwd: Callable[[Any], Any], bwd: Callable[[Any, Any], Any]) -> Callable[[], Any]:
    def run() -> Any:
        f = gradcli.custom_vjp(lambda x: x * 2.0)
        f.defvjp(fwd, bwd)
        return gradcli.vjp(f, ONES)[1](ONES)

    return run


@pytest.mark.parametrize(
    "run, message",
    [
        (broken_jvp(lambda p, t: p[0]), "must return"),
        (broken_jvp(lambda p, t: (p[0], (t[0], t[0]))), "structure"),
        (broken_jvp(lambda p, t: (p[0], t[0].sum())), "tangent"),
        (broken_vjp(lambda x: x, lambda r, ct: (ct,)), "must return"),
        (broken_vjp(lambda x: (x, None), lambda r, ct: ct), "tuple"),
        (broken_vjp(lambda x: (x, None), lambda r, ct: (ct, ct)), "2 cotangents"),
        (broken_vjp(lambda x: (x, None), lambda r, ct: (ct.sum(),)), "cotangent"),
        (lambda: gradcli.custom_vjp(lambda x: x)(1.0), "defvjp"),
        (lambda: gradcli.custom_jvp(lambda x: x)(1.0), "defjvp"),
    ],
)
def test_errors(run: Callable[[], Any], message: str) -> None:
    with pytest.raises((TypeError, AttributeError), match=message):
        run()


# --- against JAX --------------------------------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize("make", MAKERS)
def test_against_jax(make: Any) -> None:
    """What JAX can do at all comes out as there."""
    jax = pytest.importorskip("jax")
    compared = 0
    with jax.enable_x64(True):
        for name, use in uses(jax, jax.numpy, make).items():
            try:
                wanted = np.asarray(use())
            except Exception:  # noqa: S112, BLE001 - JAX leaks tracers from some rules that capture values
                continue
            np.testing.assert_allclose(np.asarray(uses(gradcli, gnp, make)[name]()), wanted, err_msg=name)
            compared += 1
    assert compared >= 8


@pytest.mark.oracle
def test_programs_as_jax_prints_them() -> None:
    jax = pytest.importorskip("jax")
    for make in (jvp_rule, vjp_rule):
        with jax.enable_x64(True):
            theirs = str(jax.make_jaxpr(make(jax, jax.numpy, 3.0))(2.0))
        assert str(gradcli.make_jaxpr(make(gradcli, gnp, 3.0))(2.0)) == theirs
