"""Taylor mode: every rule against nested derivatives, control flow, cost, and JAX's jet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli import lax
from gradcli.engine.taylor import jet, taylor

ORDER = 4
V = np.array([0.3, 0.5, 0.7])
M = np.array([[0.2, 0.4, -0.1], [0.5, -0.3, 0.6], [0.1, 0.2, 0.3]])

# functions of one scalar that do something with every elementary primitive
SCALAR: dict[str, Any] = {
    **{name: getattr(lax, name) for name in (
        "exp", "exp2", "expm1", "log", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh", "logistic", "asin", "acos",
        "atan", "asinh", "atanh", "sqrt", "rsqrt", "cbrt", "erf", "erfc", "square", "neg", "abs", "sign", "floor",
        "lgamma", "digamma", "erf_inv",
    )},
    "acosh": lambda x: lax.acosh(x + 1.0),
    "atan2": lambda x: lax.atan2(lax.sin(x), x * x - 1.0),
    "atan2 of a constant": lambda x: lax.atan2(2.0, x) + lax.atan2(x, -2.0),
    "mul": lambda x: x * lax.sin(x),
    "div": lambda x: lax.sin(x) / (x * x + 1.0),
    "constant over": lambda x: 2.0 / x,
    "pow": lambda x: x**2.5,
    "varying exponent": lambda x: x**x,
    "constant base": lambda x: 2.0**x,
    "integer_pow": lambda x: lax.integer_pow(x, 7) + lax.integer_pow(x, 0),
    "negative integer_pow": lambda x: lax.integer_pow(x, -3),
    "rem": lambda x: lax.rem(3.0 * x, 0.7),
    "max": lambda x: lax.max(x, 0.2) * lax.min(x * x, 5.0),
    "clamp": lambda x: lax.clamp(0.1, x, 2.0) ** 2,
    "select": lambda x: gnp.where(x > 0.1, lax.sin(x), lax.cos(x)),
    "logaddexp": lambda x: gnp.logaddexp(x, 2.0 * x),
    "complex": lambda x: gnp.real(gnp.exp(1j * x) * (1.0 + 2.0j)),
    "nextafter": lambda x: x * lax.stop_gradient(x),
}  # fmt: skip

ARRAY: dict[str, Any] = {
    "dot of two": lambda x: (x * M) @ lax.sin(x * V),
    "dot of one": lambda x: M @ lax.sin(x * V),
    "quadratic": lambda x: (x * V) @ (lax.exp(x * M) @ (x * V)),
    "sum": lambda x: gnp.sum(lax.sin(x * M), 0),
    "prod": lambda x: gnp.prod(lax.sin(x * M), 0),
    "max over": lambda x: gnp.max(lax.sin(x * M), 1),
    "cumulative": lambda x: gnp.cumsum(lax.sin(x * V)) + gnp.cumprod(x * V),
    "sorting": lambda x: gnp.sort(lax.sin(x * V)),
    "indexing": lambda x: (x * V)[np.array([2, 0])] + gnp.zeros(2).at[1].add(x * x),
    "shape": lambda x: gnp.concatenate([lax.sin(x * V), x * V[::-1]]).reshape(2, 3).T,
    "softmax": lambda x: gradcli.nn.softmax(x * V),
    "convolution": lambda x: lax.conv((x * V)[None, None], lax.sin(x * V[:2])[None, None], (1,), "SAME"),
    "pooling": lambda x: lax.reduce_window(lax.sin(x * V), -np.inf, lax.max, (2,), (1,)),
    "stack": lambda x: lax.stack([x * V, lax.sin(V * x)]),
}


def looping(x: Any) -> Any:
    carry, ys = lax.scan(lambda c, v: (lax.sin(c) * v + x, c * c), x, V)
    return carry + gnp.sum(ys)


CONTROL: dict[str, Any] = {
    "scan": looping,
    "scan reversed": lambda x: lax.scan(lambda c, v: (c * v * x, c), x, V * x, reverse=True)[1],
    "carry that begins to move": lambda x: lax.scan(lambda c, v: ((c[1], c[0] + x * v), c), (1.0, 2.0), V)[1][1],
    "scan of integers too": lambda x: lax.scan(lambda c, v: ((c[0] + 1, c[1] * x), c[0] * c[1]), (0, x), V)[1],
    "while": lambda x: lax.while_loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, lax.sin(s[1]) + x), (0, x))[1],
    "while by value": lambda x: lax.while_loop(lambda s: s < 10.0, lambda s: s * s + 1.1 * s, x),
    "fori": lambda x: lax.fori_loop(0, 3, lambda i, c: c * x + i, x),
    "cond": lambda x: lax.cond(x > 0.0, lax.sin, lambda v: v * v, x),
    "cond of constants": lambda x: lax.cond(x > 5.0, lambda: 1.0, lambda: 2.0) * x,
    "jit": lambda x: gradcli.jit(looping)(x),
    "checkpoint": lambda x: gradcli.checkpoint(looping)(x),
    "custom_jvp": lambda x: gradcli.nn.relu(x - 0.1) ** 2,
    "linear_solve": lambda x: lax.custom_linear_solve(lambda y: (1 + x) * y, lax.sin(x), lambda f, b: b / (1 + x)),
}

ALL = {**SCALAR, **ARRAY, **CONTROL}
INSIDE = 0.4


def nested(f: Any, x: float, order: int) -> list[Any]:
    out = []
    for _ in range(order + 1):
        out.append(np.asarray(f(x)))
        f = (lambda g: lambda t: gradcli.jvp(g, (t,), (1.0,))[1])(f)
    return out


@pytest.mark.parametrize("name", ALL)
def test_against_nested_derivatives(name: str) -> None:
    order = 3 if name in CONTROL or name in ARRAY else ORDER
    found = taylor(ALL[name], (INSIDE,), (1.0,), order)
    for k, (a, b) in enumerate(zip(found, nested(ALL[name], INSIDE, order), strict=True)):
        np.testing.assert_allclose(np.asarray(a), b, rtol=1e-9, atol=1e-10, err_msg=f"derivative {k}")


@pytest.mark.parametrize("name", ["scan", "while", "cond", "dot of two", "tanh"])
def test_inside_of_other_transformations(name: str) -> None:
    def second(x: Any) -> Any:
        return gnp.sum(taylor(ALL[name], (x,), (1.0,), 2)[2])

    expected = np.sum(nested(ALL[name], INSIDE, 3)[3])
    np.testing.assert_allclose(float(gradcli.jvp(second, (INSIDE,), (1.0,))[1]), expected, rtol=1e-9)
    if name != "while":
        np.testing.assert_allclose(float(gradcli.jit(gradcli.grad(second))(INSIDE)), expected, rtol=1e-9)
    rows = np.array([INSIDE, 0.6])
    wanted = [np.sum(nested(ALL[name], x, 2)[2]) for x in rows]
    np.testing.assert_allclose(np.asarray(gradcli.vmap(second)(rows)), wanted, rtol=1e-9)


def test_high_order_of_a_loop_stays_small() -> None:
    """The equations of a loop's body grow with the square of the order, not exponentially."""

    def size(order: int) -> int:
        program = gradcli.make_jaxpr(lambda x: taylor(looping, (x,), (1.0,), order)[order])(INSIDE)
        (loop,) = [e for e in program.eqns if e.primitive.name == "scan"]
        return len(loop.params["jaxpr"].eqns)

    assert size(12) < 5 * size(6)


def test_coefficients_instead_of_derivatives() -> None:
    value, terms = jet(lax.exp, (0.0,), ([1.0, 0.0, 0.0],), factorial_scaled=False)
    assert float(value) == 1.0
    np.testing.assert_allclose([float(t) for t in terms], [1.0, 1 / 2, 1 / 6], rtol=1e-15)


def test_integer_powers_at_zero() -> None:
    found = taylor(lambda x: lax.integer_pow(x, 5), (0.0,), (1.0,), 6)
    np.testing.assert_array_equal([float(d) for d in found], [0, 0, 0, 0, 0, 120, 0])


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: taylor(lambda x: x, (1.0,), (1.0,), -1), ValueError),
        (lambda: taylor(lambda x: x, (1.0,), (1.0, 2.0), 1), TypeError),
        (lambda: jet(lax.mul, (1.0, 2.0), ([1.0], [1.0, 0.0])), TypeError),
        (lambda: taylor(lambda x: gradcli.pure_callback(np.sin, gradcli.ShapeDtypeStruct((), float), x), (1.0,), (1.0,),
                        2), NotImplementedError),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["exp", "log", "sin", "cos", "tanh", "logistic", "sqrt", "erf", "expm1", "log1p",
                                  "atan2"])  # fmt: skip
def test_jet_against_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    theirs_jet = pytest.importorskip("jax.experimental.jet")
    f = (lambda m: lambda x, y: m.atan2(x, y)) if name == "atan2" else (lambda m: lambda x, y: getattr(m, name)(x * y))
    primals, series = (0.3, 0.7), ([1.0, 0.5, -0.2], [0.2, 0.0, 1.0])
    with jax.enable_x64(True):
        out, terms = theirs_jet.jet(f(jax.lax), primals, series)
    ours, our_terms = jet(f(lax), primals, series)
    np.testing.assert_allclose(float(ours), float(out), rtol=1e-12)
    np.testing.assert_allclose([float(t) for t in our_terms], [float(t) for t in terms], rtol=1e-9)
