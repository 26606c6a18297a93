"""Exported source, run on its own, against the interpreter: values bit for bit where NumPy sums in the same order."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli import lax
from gradcli import numpy as gnp
from gradcli.conformance.rows.numpy_functions import ROWS as TABLE
from gradcli.engine.api import custom_jvp, grad, hessian, jit, jvp, make_jaxpr, vmap
from gradcli.engine.array import raw
from gradcli.engine.errors import GradcliError, diagnostic_of
from gradcli.engine.execute import emit_index, emit_program
from gradcli.engine.execute.codegen import source_of
from gradcli.engine.execute.emit_library import Library
from gradcli.engine.execute.emit_text import array_text, number, value_text
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr, sub_jaxprs
from gradcli.engine.ops.define import REGISTRY
from tests.engine.programs import build, draw, gradcli_modules
from tests.execute.gaussian import gaussian

ODD = [0.0, -0.0, 1.0, -1.5, 710.0, -745.2, 1e308, 5e-324, math.inf, -math.inf, math.nan]
GOLDEN = Path(__file__).with_name("golden")


def exported(jaxpr: Jaxpr) -> Callable[..., Any]:
    """The function of the exported source, in a namespace of its own."""
    source = source_of(jaxpr, "f")
    lines = [line.split()[1] for line in source.splitlines() if line.startswith(("import ", "from "))]
    assert {name.split(".")[0] for name in lines} <= {*sys.stdlib_module_names, "numpy"}
    scope: dict[str, Any] = {}
    exec(compile(source, "<exported>", "exec"), scope)
    function: Callable[..., Any] = scope["f"]
    return function


def check(f: Any, *args: Any, ulps: int = 4) -> None:
    """The exported program computes what the interpreter does, with the same types."""
    compare(make_jaxpr(f)(*args), args, ulps)


def compare(jaxpr: Jaxpr, args: Sequence[Any], ulps: int = 4) -> None:
    values = [np.asarray(raw(a), t.dtype)[()] for a, t in zip(args, jaxpr.in_types, strict=True)]
    wanted = interpret(jaxpr, values)
    found = exported(jaxpr)(*values)
    for a, b in zip(found if len(wanted) != 1 else [found], wanted, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        tolerance = ulps * np.finfo(a.dtype).eps if a.dtype.kind in "fc" else 0
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
        if not ulps and a.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(a) & ~np.isnan(a), np.signbit(b) & ~np.isnan(b))


# --- programs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(24))
def test_random_programs_and_their_derivatives(seed: int) -> None:
    f = build(draw(seed, 9), gradcli_modules())
    shape: tuple[int, ...] = [(), (3,), (1,)][seed % 3]
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 1, shape)[()], rng.uniform(-1, 1, shape)[()]
    check(f, x, y, ulps=64)
    check(grad(f), x, y, ulps=2000)
    if seed % 3 == 0:
        check(vmap(grad(f), (0, None)), np.stack([x, -x]), y, ulps=2000)


def primitives(jaxpr: Jaxpr) -> set[tuple[str, int]]:
    """The primitives of a program, each with the dimensions of its first operand."""
    found = {(eqn.primitive.name, len(eqn.inputs and eqn.inputs[0].type.shape)) for eqn in jaxpr.eqns}
    for eqn in jaxpr.eqns:
        for _, inner in sub_jaxprs(eqn.params):
            found |= primitives(inner)
    return found


def test_the_functions_of_numpy() -> None:
    seen: set[tuple[str, int]] = set()
    for case in TABLE:
        f = case.function(gnp)
        jaxpr = make_jaxpr(lambda *xs, f=f: f(*xs))(*case.arrays)
        if not primitives(jaxpr) <= seen:  # one example of each will do
            compare(jaxpr, case.arrays, ulps=64)
            seen |= primitives(jaxpr)
    assert len({name for name, _ in seen}) > 70


NO_VALUE = {"custom_vjp_linear", "pure_callback"}
NO_VALUE |= {"psum", "pmax", "pmin", "all_gather", "reduce_scatter", "ppermute", "all_to_all"}
WITH_PROGRAM = {"reduce", "reduce_window"}  # their computation is a program, written by the primitive itself


def test_every_primitive_has_a_rule_or_can_be_copied() -> None:
    ruled = {*emit_program.RULES, *emit_program.STATEMENTS, *emit_index.SEQUENCES}
    missing = []
    for name, primitive in REGISTRY.items():
        library = Library(set())
        try:
            library.function(primitive.impl, name)
            text = "\n".join(["import numpy as np", *library.imports, *library.definitions])
            exec(compile(text, name, "exec"), {})
        except GradcliError:
            if name not in ruled and not primitive.effect:
                missing.append(name)
    assert set(missing) <= NO_VALUE | WITH_PROGRAM


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_dtypes_stay(dtype: str) -> None:
    def f(x: Any, y: Any) -> Any:
        z = gnp.where(gnp.real(x) > 0.2, x * y, 3.0) - 0.1 / (x + 2.0)
        return gnp.tanh(z) ** 3 + gnp.sum(z), x[0] * 2, gnp.full((2,), 0.5, dtype)

    x = np.array([0.1, 0.7, -0.3], dtype)
    check(f, x, x[::-1].copy())
    check(lambda a, b: f(a[None] * gnp.ones(3, dtype), b), x[0], x[1])


def test_integers_and_bools() -> None:
    x, y = np.array([7, -7, 3, 0]), np.array([2, 2, -2, 5])
    for f in (
        lambda a, b: a // b, lambda a, b: a % b, lambda a, b: lax.div(a, b), lambda a, b: lax.rem(a, b),
        lambda a, b: (a & b) | (a ^ 3), lambda a, b: a << 2, lambda a, b: lax.shift_right_logical(a, b * 0 + 1),
        lambda a, b: ~(a > b) & (a != 3), lambda a, b: gnp.sum(a > b), lambda a, b: gnp.argmax(a) + gnp.argsort(b),
        lambda a, b: a.astype("float32") / b, lambda a, b: (a * 1.7).astype("int32"), lambda a, b: a**3,
        lambda a, b: lax.population_count(a), lambda a, b: lax.select_n(a > b, a, b), lambda a, b: gnp.cumsum(a)[::-1],
    ):  # fmt: skip
        check(f, x, y)


@pytest.mark.parametrize("name", "exp log sqrt tanh sin log1p arcsin reciprocal sign square".split())
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_odd_numbers(name: str, dtype: Any) -> None:
    function = getattr(gnp, name)
    with np.errstate(all="ignore"):
        values = np.array(ODD).astype(dtype)
    check(lambda x: function(x) * 2.0, values, ulps=0)
    for value in values:
        check(lambda x: (function(x), 1.0 / x, x**-3, gnp.maximum(x, 0.0), x * math.inf), value, ulps=0)


# --- control flow -----------------------------------------------------------------------------------------------------


def recurrence(xs: Any, w: Any) -> Any:
    def body(c: Any, x: Any) -> Any:
        c = gnp.tanh(c * w + x)
        return c, c * 2

    c, ys = lax.scan(body, 0.1, xs)
    return lax.cond(c > 0, lambda a: gnp.sin(a), lambda a: a * 2.0, c) + gnp.sum(ys)


def nested(x: Any) -> Any:
    def outer(c: Any, t: Any) -> Any:
        inner = lax.while_loop(lambda s: (s[0] < 3) & gnp.all(s[1] < 9.0), lambda s: (s[0] + 1, s[1] * t + c), (0, x))
        return lax.fori_loop(0, 2, lambda i, v: v * 0.5 + i, c) + gnp.sum(inner[1]), inner[0]

    return lax.scan(outer, 0.5, gnp.arange(4.0), reverse=True)


@custom_jvp
def softplus(x: Any) -> Any:
    return gnp.log1p(gnp.exp(x))


softplus.defjvp(lambda primals, tangents: (softplus(*primals), lax.logistic(primals[0]) * tangents[0]))


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (recurrence, (np.linspace(-1, 1, 6), 0.7)),
        (grad(recurrence, (0, 1)), (np.linspace(-1, 1, 6), 0.7)),
        (vmap(recurrence, (0, None)), (np.linspace(-1, 1, 12).reshape(2, 6), 0.7)),
        (nested, (np.array([0.1, -0.2]),)),
        (lambda x: lax.while_loop(lambda y: abs(y * y - x) > 1e-9, lambda y: y - (y * y - x) / (2 * y), x), (2.0,)),
        (lambda i, x: lax.switch(i, [gnp.sin, gnp.cos, lambda v: v * 2.0], x), (1, 0.3)),
        (lambda i, x: lax.switch(i, [gnp.sin, gnp.cos, lambda v: v * 2.0], x), (9, 0.3)),
        (lambda p, x: lax.cond(p, lambda v: (v, 1.0), lambda v: (-v, 2.0), x), (True, 0.3)),
        (grad(lambda x: jit(lambda v: softplus(v) * v)(x) + softplus(x * 2.0)), (0.4,)),
        (hessian(lambda v: gnp.sum(jit(gnp.sin)(v)) * gnp.prod(v)), (np.array([0.4, 0.5, -0.6]),)),
        (lambda x: jvp(lambda v: nested(v)[0], (x,), (x,)), (np.array([0.1, -0.2]),)),
        (lambda x: lax.scan(lambda c, _: (c, 2.0), x, None, length=3), (1.0,)),
        (lambda x: lax.scan(lambda c, _: ((c[1], c[0]), c[0] * 1.0), (x, 2.0), None, length=3), (1.0,)),
    ],
)
def test_control_flow(f: Any, args: Any) -> None:
    check(f, *args, ulps=64)


# --- indexing, products, cutting --------------------------------------------------------------------------------------

M, V = np.arange(12.0).reshape(3, 4) / 7, np.array([0.5, -1.5, 2.5, 0.25])
I = np.array([2, 0, 9, -1])  # noqa: E741


@pytest.mark.parametrize(
    "f",
    [
        lambda m, v: m[I % 3] @ v, lambda m, v: m[I % 3, [0, 1, 2, 3]], lambda m, v: m.at[I].add(v),
        lambda m, v: m.at[:, I].set(v[:3, None]), lambda m, v: m.at[1, 2].multiply(v[0]), lambda m, v: m.at[I].max(v),
        lambda m, v: v[I], lambda m, v: gnp.take(v, I, mode="fill"), lambda m, v: m[1:, ::-2], lambda m, v: m[..., 1],
        lambda m, v: lax.dynamic_slice(m, (gnp.argmax(v), 9), (2, 2)), lambda m, v: gnp.sort(v)[::-1] + gnp.argsort(v),
        lambda m, v: lax.dynamic_update_slice(m, m[:2, :2] * 2, (gnp.argmin(v), 1)), lambda m, v: gnp.outer(v, v),
        lambda m, v: m.T @ m + gnp.einsum("ij,kj->ik", m, m)[:1, :1], lambda m, v: gnp.tensordot(m, m, 2),
        lambda m, v: gnp.einsum("ij,ij->i", m, m), lambda m, v: gnp.matmul(m[None], m.T[None]), lambda m, v: m @ v,
        lambda m, v: gnp.concatenate([m, m * v], 1), lambda m, v: gnp.stack([v, v * 2], 1), lambda m, v: gnp.pad(m, 1),
        lambda m, v: gnp.split(m, [1, 3], 1), lambda m, v: lax.top_k(v, 2), lambda m, v: lax.cummax(m, 1, True),
        lambda m, v: gnp.fft.rfft(m), lambda m, v: lax.erf(v) + lax.lgamma(v) * lax.digamma(v),
        lambda m, v: gnp.linalg.solve(m[:, :3] + gnp.eye(3), v[:3]), lambda m, v: lax.sort((v, v * 2), num_keys=2),
        lambda m, v: grad(lambda a: gnp.sum(a[I] * v))(v), lambda m, v: lax.pad(m, 0.5, [(1, -1, 0), (0, 0, 1)]),
        lambda m, v: lax.conv_general_dilated(m[None, None], m[None, None, :2, :2], (1, 1), "SAME"),
        lambda m, v: lax.reduce_window(m, -math.inf, lax.max, (2, 2), (1, 1), "VALID"),
        lambda m, v: lax.optimization_barrier((m, v)), lambda m, v: gnp.roll(m, gnp.argmax(v), 1),
    ],
)  # fmt: skip
def test_arrays(f: Any) -> None:
    check(f, M, V, ulps=16)


# --- the text ---------------------------------------------------------------------------------------------------------


def test_golden() -> None:
    source = source_of(make_jaxpr(grad(gaussian, (1, 2)))(0.5, 0.1, 2.0), "grad_gaussian", ("x", "mean", "width"))
    path = GOLDEN / "gaussian.py.txt"
    assert source == path.read_text(encoding="utf-8")


def test_it_runs_without_gradcli(tmp_path: Path) -> None:
    path = tmp_path / "exported.py"
    slope = grad(lambda x: lax.lgamma(x) * gnp.sin(x))
    path.write_text(source_of(make_jaxpr(slope)(0.5), "slope"), encoding="utf-8")
    program = "import sys, exported; print(float(exported.slope(0.5)), 'gradcli' in sys.modules)"
    command, env = [sys.executable, "-c", program], {"PYTHONPATH": str(tmp_path)}
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=env).stdout.split()
    assert out[1] == "False"
    np.testing.assert_allclose(float(out[0]), raw(slope(0.5)), rtol=1e-14)


def test_names_are_asked_for_and_made_valid() -> None:
    jaxpr = make_jaxpr(lambda a, b: a - b)(1.0, 2.0)
    assert "def lambda_f(params_w, b):" in source_of(jaxpr, "lambda f", ("params.w", "b"))
    assert "def f_lambda(x, y):" in source_of(jaxpr, "lambda", ("same", "same"))
    assert "def f_2(x, y):" in source_of(jaxpr, "2")
    assert "return np.float64(1.0)" in source_of(make_jaxpr(lambda x: 1.0)(2.0))


def test_a_primitive_without_source_is_named() -> None:
    jaxpr = make_jaxpr(lambda x: lax.reduce(x, 0.0, lambda a, b: a * b + a, (0,)))(V)
    with pytest.raises(GradcliError, match="'reduce'") as caught:
        source_of(jaxpr)
    found = diagnostic_of(caught.value)
    assert found is not None and found.code == "G203"


def test_too_large_a_constant_is_refused() -> None:
    big = np.random.default_rng(0).normal(size=20_000)
    with pytest.raises(GradcliError, match="too large"):
        source_of(make_jaxpr(lambda x: x + big)(big))


@pytest.mark.parametrize(
    "value", [0.1, -0.0, math.inf, -math.inf, 3, True, 1 - 2j, np.float32(0.1), np.float32(1e-45), np.uint8(3)]
)
def test_numbers_come_back(value: Any) -> None:
    scope = {"np": np}
    again = np.asarray(eval(number(value).text, scope)).astype(np.asarray(value).dtype)
    assert again.tobytes() == np.asarray(value).tobytes()
    assert eval(value_text((value, [None, "a"], {"k": np.dtype("float32")})), scope)[0] == value


@pytest.mark.parametrize(
    "value",
    [np.zeros((2, 0)), np.ones((2, 3), np.float32), np.array([1.5, np.nan, -np.inf]), np.array([[True, False]])],
)
def test_arrays_come_back(value: Any) -> None:
    again = eval(array_text(value), {"np": np})
    assert again.dtype == value.dtype
    np.testing.assert_array_equal(again, value)
