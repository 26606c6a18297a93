"""Expressions: what they compute, which names are free, and that nothing else ever happens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcli.engine.api import check_grads, grad, make_jaxpr
from gradcli.engine.array import raw
from gradcli.engine.errors import GradcliError
from gradcli.sources.expression import FUNCTIONS, compile_expression

X, Y = 0.7, 1.3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x*y", X * Y),
        ("x - -y", X + Y),
        ("x**2 + y**-1", X**2 + 1 / Y),
        ("x**y", X**Y),
        ("2**x", 2**X),
        ("log(1+exp(x))", np.log(1 + np.exp(X))),
        ("sin(x)/cos(y)", np.sin(X) / np.cos(Y)),
        ("asin(x)", np.arcsin(X)),
        ("x if x > y else y", Y),
        ("where(x < y, x, 2*y)", X),
        ("0 < x < 1", True),
        ("x > 0 and not y > 2", True),
        ("max([x, y])", Y),
        ("sum([x, y]**2)", X**2 + Y**2),
        ("[x, y] @ [1, 2]", X + 2 * Y),
        ("norm([x, y])", np.hypot(X, Y)),
        ("[x, y, x][1]", Y),
        ("sum([x, y, 5][:2])", X + Y),
        ("[x, y][-1]", Y),
        ("pi*x", np.pi * X),
        ("e**x", np.e**X),
        ("x // y + x % y", X // Y + X % Y),
        ("clip(x, 0, 0.5)", 0.5),
        ("mean([[x, y], [1, 2]], axis=0)[0]", (X + 1) / 2),
        ("dot([x, y], [y, x])", 2 * X * Y),
        ("abs(-x)", X),
        ("logsumexp([x, y])", np.logaddexp(X, Y)),
        ("minimum(x, y)", X),
    ],
)
def test_values(text: str, expected: Any) -> None:
    f, names = compile_expression(text, ("x", "y"))
    assert names == ("x", "y")
    np.testing.assert_allclose(raw(f(X, Y)), expected, rtol=1e-14)
    if not isinstance(expected, bool) and "//" not in text:
        check_grads(f, (X, Y), 1)


def test_free_names_in_order_of_appearance() -> None:
    assert compile_expression("b*sin(a) + b + c*pi")[1] == ("b", "a", "c")


def test_integer_powers_stay_products() -> None:
    f, _ = compile_expression("x**2")
    assert [e.primitive.name for e in make_jaxpr(grad(f))(3.0).eqns] == ["integer_pow", "mul", "mul"]


def test_literals_are_floats_and_huge_powers_overflow() -> None:
    f, _ = compile_expression("9**9**9 + x")
    assert raw(f(1.0)) == np.inf
    assert float(raw(compile_expression("1/3*x")[0](3.0))) == 1.0
    assert raw(compile_expression("1" + "0" * 400 + "*x")[0](1.0)) == np.inf


def test_keyword_arguments() -> None:
    f, _ = compile_expression("x - y")
    assert float(f(1.0, y=3.0)) == -2.0
    for wrong in (lambda: f(1.0), lambda: f(1.0, 2.0, 3.0), lambda: f(1.0, z=2.0)):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os')", "no function '__import__'"),
        ("x.__class__", "Attribute is not allowed"),
        ("(lambda: 1)()", "only functions by name"),
        ("[i for i in x]", "ListComp"),
        ("x := 3", "cannot read"),
        ("f'{x}'", "JoinedStr"),
        ("'a' * 3", "'a' is not allowed"),
        ("open(x)", "no function 'open'"),
        ("sinn(x)", "no function 'sinn'"),
        ("x ^ 2", "^ is not allowed"),
        ("2x", "cannot read"),
        ("sin", "needs arguments"),
        ("sin(*x)", "not allowed"),
        ("", "empty"),
        ("   ", "empty"),
        ("x[", "cannot read"),
        ("x in y", "not allowed"),
        ("{x: 1}", "Dict is not allowed"),
        ("await x", ""),
        ("(yield x)", ""),
        ("x << 2", "not allowed"),
        ("lambda: 1", "Lambda"),
        ("x.y()", "only functions by name"),
        ("1 if", "cannot read"),
        ("\x00", "cannot read"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(GradcliError) as info:
        f, _ = compile_expression(text)
        f(1.0)
    assert info.value.diagnostic.code == "G305" and message in str(info.value)


def test_a_misspelt_function_is_suggested() -> None:
    with pytest.raises(GradcliError) as info:
        compile_expression("sinn(x)")
    assert info.value.diagnostic.hint == "did you mean sin?"
    with pytest.raises(GradcliError) as info:
        compile_expression("x + z", ("x", "y"))
    assert "'z' is no argument" in str(info.value)


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "x" + ")" * 5000, "-" * 5000 + "x", "x" + "+x" * 20000, "sin(" * 150 + "x" + ")" * 150]
)
def test_depth_and_size_are_bounded(text: str) -> None:
    with pytest.raises(GradcliError) as info:
        compile_expression(text)
    assert info.value.diagnostic.code == "G305"


@given(st.text(alphabet="xy0123456789.+-*/()[]:,<>= sincoexplg_'\"{}@^%&|~!\\", max_size=30))
def test_any_text_is_compiled_or_refused_cleanly(text: str) -> None:
    try:
        compile_expression(text)
    except GradcliError as error:
        assert error.diagnostic.code == "G305"


def test_every_function_is_callable_and_documented_by_its_module() -> None:
    assert all(callable(f) for f in FUNCTIONS.values()) and len(FUNCTIONS) > 100
