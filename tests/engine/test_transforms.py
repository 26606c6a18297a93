"""Transformations and their compositions: nesting, closures, perturbation confusion, pytrees, Python control flow."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import (
    custom_jvp,
    eval_shape,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jit,
    jvp,
    linearize,
    make_jaxpr,
    pmap,
    stop_gradient,
    value_and_grad,
    vjp,
    vmap,
)
from gradcli.engine.array import Array, raw
from gradcli.engine.autodiff import program_of
from gradcli.engine.errors import (
    ConcretizationTypeError,
    RuleError,
    TracerBoolConversionError,
    UnexpectedTracerError,
    diagnostic_of,
)
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.check import check_jaxpr
from gradcli.engine.ir.types import array_type
from gradcli.engine.ops.elementwise import cos, exp, floor, log, mul, sin, tanh
from gradcli.engine.ops.shape import reduce_sum
from gradcli.engine.trace.tracer import trace_program
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.tree import tree_map


def total(x: Any) -> Any:
    return reduce_sum(x, tuple(range(np.ndim(x) if not hasattr(x, "ndim") else x.ndim)))


# --- nesting ----------------------------------------------------------------------------------------------------


def test_perturbation_confusion() -> None:
    assert float(grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0)) == 1.0
    forward = jvp(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1]
    assert float(forward) == 1.0
    mixed = jvp(lambda x: x * grad(lambda y: x * y)(1.0), (3.0,), (1.0,))[1]
    assert float(mixed) == 6.0


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_derivatives_of_any_order(n: int) -> None:
    f: Any = sin
    for _ in range(n):
        f = grad(f)
    expected = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)][n % 4](0.7)
    np.testing.assert_allclose(float(f(0.7)), expected, rtol=1e-14)


@pytest.mark.parametrize("outer", [jacfwd, jacrev])
@pytest.mark.parametrize("inner", [jacfwd, jacrev])
def test_all_orders_of_modes_agree(outer: Any, inner: Any) -> None:
    def f(x: Any) -> Any:
        return total(sin(x) * x * x)

    x = np.array([0.3, -1.2, 2.0])
    expected = np.diag(-np.sin(x) * x**2 + 4 * x * np.cos(x) + 2 * np.sin(x))
    np.testing.assert_allclose(raw(outer(inner(f))(x)), expected, rtol=1e-12, atol=1e-14)


def test_grad_through_vmap_and_vmap_of_grad_of_jit() -> None:
    x = np.linspace(0.1, 1.0, 4)
    through = grad(lambda v: total(vmap(lambda s: sin(s) * s)(v)))(x)
    each = vmap(grad(jit(lambda s: sin(s) * s)))(x)
    expected = np.cos(x) * x + np.sin(x)
    np.testing.assert_allclose(raw(through), expected, rtol=1e-14)
    np.testing.assert_allclose(raw(each), expected, rtol=1e-14)
    np.testing.assert_allclose(raw(jit(vmap(grad(jit(lambda s: sin(s) * s))))(x)), expected, rtol=1e-14)


def test_closures_over_outer_tracers() -> None:
    def f(x: Any, y: Any) -> Any:
        inner = jit(lambda z: z * x)
        return total(vmap(lambda a: inner(a) * y)(np.arange(3.0)))

    g = grad(f, (0, 1))(2.0, 3.0)
    assert [float(v) for v in g] == [9.0, 6.0]
    assert float(grad(lambda x: grad(lambda y: x * x * y)(1.0))(3.0)) == 6.0


def test_jacobian_of_a_gradient_inside_a_jit_inside_a_vmap() -> None:
    x = np.array([[0.1, 0.2], [0.3, 0.4]])
    f = vmap(jit(jacfwd(grad(lambda v: total(v * v * v)))))
    np.testing.assert_allclose(raw(f(x)), np.stack([np.diag(6 * r) for r in x]), rtol=1e-14)


# --- the API ----------------------------------------------------------------------------------------------------


def test_argnums_aux_and_pytrees() -> None:
    params = {"w": np.array([1.0, 2.0]), "b": (3.0, [4.0])}

    def loss(p: Any, x: Any) -> Any:
        value = total(p["w"] * x) + p["b"][0] * p["b"][1][0]
        return value, {"twice": value * 2.0}

    (value, aux), g = value_and_grad(loss, has_aux=True)(params, 5.0)
    assert float(value) == 27.0 and float(aux["twice"]) == 54.0
    assert tree_map(lambda v: np.asarray(v).tolist(), g) == {"w": [5.0, 5.0], "b": (4.0, [3.0])}
    assert [float(v) for v in grad(lambda x, y: x * y, (1, 0))(2.0, 7.0)] == [2.0, 7.0]
    assert float(grad(lambda x, *, k: x * k)(2.0, k=4.0)) == 4.0
    assert float(grad(lambda x, y: x - y, argnums=-1)(2.0, 7.0)) == -1.0


def test_vjp_and_linearize() -> None:
    out, pull = vjp(lambda x, y: (x * y, sin(x)), 2.0, 3.0)
    assert [float(v) for v in pull((1.0, 0.0))] == [3.0, 2.0]
    np.testing.assert_allclose(float(pull((0.0, 1.0))[0]), np.cos(2.0))
    value, push = linearize(lambda x: sin(x) * x, 2.0)
    np.testing.assert_allclose(float(push(1.0)), np.cos(2.0) * 2 + np.sin(2.0))
    assert float(push(0.0)) == 0.0 and float(value) == pytest.approx(2 * np.sin(2.0))


def test_integer_arguments_have_float0_tangents() -> None:
    _, pull = vjp(lambda x, n: x * x, 3.0, 2)
    assert float(pull(1.0)[0]) == 6.0 and pull(1.0)[1].dtype == np.dtype([("float0", np.void, 0)])


def test_stop_gradient_on_a_tree() -> None:
    assert float(grad(lambda x, y: x * stop_gradient({"a": y})["a"], 1)(3.0, 4.0)) == 0.0


def test_holomorphic_gradients() -> None:
    z = 1.0 + 2.0j
    assert complex(grad(lambda w: w * w, holomorphic=True)(z)) == 2 * z
    with pytest.raises(TypeError, match="real-valued outputs.*complex"):
        grad(lambda w: w * w)(z)


def test_a_real_function_of_a_complex_argument_has_the_conjugate_convention() -> None:
    z = 3.0 + 4.0j
    assert complex(grad(lambda w: (w * w.conj()).real)(z)) == 6.0 - 8.0j


def test_derivatives_of_python_numbers_are_weak_as_the_numbers_are() -> None:
    double = lambda x: x * np.float64(2)  # noqa: E731
    assert grad(double)(3.0).type.weak_type and not grad(double)(np.float64(3.0)).type.weak_type
    assert jvp(sin, (1.0,), (1.0,))[1].type.weak_type and not jvp(double, (1.0,), (1.0,))[1].type.weak_type


def test_eval_shape_and_make_jaxpr_do_not_run() -> None:
    shape = eval_shape(lambda x: {"y": x * 2.0}, np.ones((3, 4), np.float32))
    assert shape["y"].shape == (3, 4) and shape["y"].dtype == np.float32


def test_hessian_of_several_arguments() -> None:
    h = hessian(lambda x, y: x * x * y, (0, 1))(2.0, 3.0)
    assert [[float(v) for v in row] for row in h] == [[6.0, 4.0], [4.0, 0.0]]


def test_jacobians_of_trees() -> None:
    def f(p: Any) -> Any:
        return {"out": p["a"] * 2.0, "sum": total(p["a"]) * p["b"]}

    p = {"a": np.array([1.0, 2.0]), "b": 3.0}
    for jac in (jacfwd, jacrev):
        j = jac(f)(p)
        np.testing.assert_array_equal(raw(j["out"]["a"]), 2 * np.eye(2))
        np.testing.assert_array_equal(raw(j["out"]["b"]), [0.0, 0.0])
        np.testing.assert_array_equal(raw(j["sum"]["a"]), [3.0, 3.0])
        assert float(j["sum"]["b"]) == 3.0


@pytest.mark.parametrize("size", [1, 2, 5])
def test_pmap_gives_the_answers_of_vmap(size: int) -> None:
    x = np.arange(float(size))
    np.testing.assert_array_equal(raw(pmap(grad(tanh))(x)), raw(vmap(grad(tanh))(x)))
    both = pmap(lambda a, b: (a * b, a), in_axes=(0, None), out_axes=0)(x, 2.0)
    np.testing.assert_array_equal(raw(both[0]), 2 * x)


def test_vmap_axes() -> None:
    x = np.arange(6.0).reshape(2, 3)
    out = vmap(lambda p, y: {"s": p["x"] * y}, in_axes=({"x": 1}, None), out_axes=1)({"x": x}, 2.0)
    np.testing.assert_array_equal(raw(out["s"]), 2 * x)
    np.testing.assert_array_equal(raw(vmap(vmap(mul, (0, 0)), (1, 1), 1)(x, x)), x * x)
    np.testing.assert_array_equal(raw(vmap(lambda a: 7.0, out_axes=0)(x)), [7.0, 7.0])
    for bad, message in [
        (lambda: vmap(mul)(x, np.ones(3)), "different sizes"),
        (lambda: vmap(sin, in_axes=5)(x), "asked to map axis 5"),
        (lambda: vmap(mul, in_axes=(0,))(x, x), "1 entries for 2 arguments"),
        (lambda: vmap(sin, in_axes=None)(x), "at least one mapped argument"),
    ]:
        with pytest.raises(ValueError, match=message):
            bad()


# --- Python control flow ----------------------------------------------------------------------------------------


def newton(x: Any) -> Any:
    guess = x
    while abs(guess * guess - x) > 1e-13:
        guess = 0.5 * (guess + x / guess)
    return guess


def test_branches_and_loops_follow_the_values() -> None:
    np.testing.assert_allclose(float(grad(newton)(2.0)), 0.5 / np.sqrt(2.0), rtol=1e-10)

    def piecewise(x: Any) -> Any:
        return x * x if x > 0 else -x

    assert [float(grad(piecewise)(v)) for v in (3.0, -3.0)] == [6.0, -1.0]
    assert float(grad(grad(piecewise))(3.0)) == 2.0
    assert float(grad(lambda x, n: sum((x**k for k in range(int(n))), 0.0 * x))(2.0, 4)) == 17.0
    assert float(jvp(piecewise, (-3.0,), (1.0,))[1]) == -1.0


def test_a_decision_is_noted_with_its_line() -> None:
    def f(x: Any) -> Any:
        if x > 0.5:
            return x * 2.0
        return x

    program = program_of(f, (1.0,))[0]
    assert len(program.notes) == 1
    assert "specialised: x > 0.5 is True, " in str(program.notes[0]) and "test_transforms.py" in str(program.notes[0])


@pytest.mark.parametrize(
    "transform", [lambda f: vmap(f)(np.ones(3)), lambda f: jit(f)(1.0), lambda f: make_jaxpr(f)(1.0)]
)
def test_where_no_value_exists_the_error_names_the_line(transform: Any) -> None:
    def f(x: Any) -> Any:
        if x > 0:
            return x
        return -x

    with pytest.raises(TracerBoolConversionError) as info:
        transform(f)
    diagnostic = diagnostic_of(info.value)
    assert diagnostic is not None and diagnostic.location is not None and diagnostic.hint is not None
    assert diagnostic.location.text == "if x > 0:" and "where" in diagnostic.hint
    with pytest.raises(ConcretizationTypeError):
        transform(lambda x: x * float(x))


def test_python_values_that_do_not_depend_on_the_batch_are_there_under_vmap() -> None:
    n = Array(np.int64(3))
    np.testing.assert_array_equal(raw(vmap(lambda x: x * int(n * 2))(np.ones(2))), [6.0, 6.0])


def test_long_programs_need_no_recursion() -> None:
    def f(x: Any) -> Any:
        for _ in range(3000):
            x = x * 1.0001
        if x > 0:
            return x
        return -x

    np.testing.assert_allclose(float(grad(f)(1.0)), 1.0001**3000, rtol=1e-12)


# --- errors -----------------------------------------------------------------------------------------------------


def test_the_tutorial_s_error() -> None:
    with pytest.raises(TypeError) as info:
        grad(tanh)(np.ones(5))
    assert type(info.value).__name__ == "TypeError"
    assert str(info.value) == "Gradient only defined for scalar-output functions. Output had shape: (5,)."


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: grad(lambda x: x * 2)(3), TypeError, "but got int64"),
        (lambda: grad(lambda x: (x, x))(3.0), TypeError, "scalar-output"),
        (lambda: grad(lambda x: 5)(3.0), TypeError, "real-valued outputs"),
        (lambda: grad(sin, argnums=2)(3.0), TypeError, "asks for argument 2"),
        (lambda: jvp(sin, (1.0,), (np.ones(2),)), ValueError, "same shape"),
        (lambda: vjp(sin, 1.0)[1](np.ones(2)), ValueError, "cotangent of shape"),
        (lambda: grad(lambda x: x - "a")(1.0), TypeError, "unsupported operand"),
    ],
)
def test_wrong_use(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_leaked_tracer_is_named() -> None:
    kept = []

    def f(x: Any) -> Any:
        kept.append(x * 2.0)
        return x

    jit(f)(1.0)
    with pytest.raises(UnexpectedTracerError, match="after its trace had ended"):
        kept[0] + 1.0
    with pytest.raises(UnexpectedTracerError):
        jit(lambda y: y + kept[0])(1.0)


def test_a_missing_rule_is_an_error_not_a_zero() -> None:
    @custom_jvp
    def f(x: Any) -> Any:
        return x

    f.defjvp(lambda primals, tangents: (primals[0], sin(tangents[0])))
    with pytest.raises(RuleError, match="'sin' has no transpose rule"):
        grad(f)(1.0)


def test_assignment_is_refused_with_the_way_out() -> None:
    x = Array(np.ones(3))
    with pytest.raises(TypeError) as info:
        x[0] = 2.0
    assert ".at[index].set(value)" in str(diagnostic_of(info.value))


# --- programs ---------------------------------------------------------------------------------------------------


def test_an_evaluated_program_traces_to_itself() -> None:
    program = trace_program(lambda x, y: [exp(x) * cos(y), log(x)], [array_type((3,), float), array_type((), float)])
    again = trace_program(lambda *args: evaluate_jaxpr(program, args), program.in_types)
    assert str(again) == str(program)


def test_the_checker_finds_broken_programs() -> None:
    from gradcli.engine.ir.program import Eqn, Jaxpr, Var

    program = trace_program(lambda x: [sin(x) * 2.0], [array_type((), float)])
    check_jaxpr(program)
    with pytest.raises(Exception, match="before it is defined"):
        check_jaxpr(Jaxpr(program.inputs, program.eqns[1:], program.outputs))
    with pytest.raises(Exception, match="defined twice"):
        check_jaxpr(Jaxpr(program.inputs, (*program.eqns, program.eqns[0]), program.outputs))
    eqn = program.eqns[0]
    wrong = Eqn(eqn.primitive, eqn.inputs, eqn.params, (Var(array_type((2,), float)),), None)
    with pytest.raises(Exception, match="should be"):
        check_jaxpr(Jaxpr(program.inputs, (wrong,), wrong.outputs))


def test_interpreter_and_eager_evaluation_agree() -> None:
    program = make_jaxpr(lambda x: tanh(x) * x + floor(x))(np.linspace(-2, 2, 5))
    x = np.linspace(-2, 2, 5)
    np.testing.assert_array_equal(interpret(program, [x])[0], raw(tanh(x) * x + floor(x)))


def test_jit_caches_by_type_and_static_value() -> None:
    calls = []

    def f(x: Any, n: int) -> Any:
        calls.append(n)
        return x * n

    g = jit(f, static_argnums=1)
    assert [float(g(2.0, 3)), float(g(5.0, 3)), float(g(2.0, 4)), float(g(2.0, n=4))] == [6.0, 15.0, 8.0, 8.0]
    assert calls == [3, 4, 4]
    with pytest.raises(ValueError, match="hashable"):
        g(2.0, [3])


# --- values on demand must not lose derivatives ---------------------------------------------------------------------


@pytest.mark.parametrize("cut", [float, complex, lambda x: x.item(), lambda x: x.tolist(), __import__("math").sin])
def test_a_conversion_that_would_lose_the_derivative_is_refused(cut: Any) -> None:
    with pytest.raises(ConcretizationTypeError, match="would cut the derivative") as info:
        grad(lambda x: x * cut(x * 2.0))(3.0)
    assert "stop_gradient" in str(diagnostic_of(info.value))


def test_conversions_that_lose_nothing_are_allowed() -> None:
    def f(x: Any) -> Any:
        constant = float(sin(np.float64(1.0)) * 2.0)  # recorded, but independent of x
        frozen = float(stop_gradient(x))
        whole = int(x)
        return x * constant * frozen * whole + float(Array(np.int64(2)))

    np.testing.assert_allclose(float(grad(f)(3.5)), np.sin(1.0) * 2.0 * 3.5 * 3)
    assert f"{grad(lambda x: x * 2.0)(1.0):.1f}" == "2.0"

    def prints(x: Any) -> Any:
        assert f"{x:.2f}" == "1.50"
        return x * x

    assert float(grad(prints)(1.5)) == 3.0


def test_a_cut_inside_a_nested_derivative_is_seen_through_both_traces() -> None:
    with pytest.raises(ConcretizationTypeError):
        grad(lambda x: grad(lambda y: y * float(x))(1.0))(2.0)


def test_assignment_into_a_numpy_array_is_explained() -> None:
    def f(x: Any) -> Any:
        out = np.zeros(3)
        out[0] = x
        return out

    with pytest.raises(ValueError) as info:  # noqa: PT011 - NumPy's own error, with ours as its cause
        grad(f)(1.0)
    diagnostic = diagnostic_of(info.value.__cause__)  # type: ignore[arg-type]
    assert diagnostic is not None and diagnostic.code == "G214" and "x.at[index].set" in str(diagnostic.hint)


def test_gradients_leave_no_cycles_that_hold_arrays() -> None:
    x = np.linspace(0.0, 1.0, 8)
    derivative = grad(lambda v: (sin(v) * v).sum())
    derivative(x)
    gc.collect()
    gc.disable()
    try:
        derivative(x)
        assert gc.collect() == 0
    finally:
        gc.enable()
