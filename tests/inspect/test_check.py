"""The check finds what is wrong, however small, and does not cry wolf: smooth functions, kinks, noise, both dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as jnp
from gradcli.engine.errors import GradcliError
from gradcli.engine.settings import override
from gradcli.inspect.check import CheckOptions, check_of
from gradcli.inspect.results import CheckResult
from tests.inspect.helpers import problem


def off_by(factor: float) -> Any:
    @gradcli.custom_jvp
    def f(x: Any) -> Any:
        return jnp.sin(x)

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        return jnp.sin(primals[0]), jnp.cos(primals[0]) * tangents[0] * factor

    def wrong(x: Any) -> Any:
        return jnp.sum(f(x))

    return wrong


def checked(f: Any, order: int = 1, **given: Any) -> CheckResult:
    return check_of(problem(f, **given), CheckOptions(order=order))


SMOOTH = {
    "sin": (lambda x: np.sin(x), 0.7),
    "fast": (lambda x: np.sin(1000 * x), 1.0),
    "small": (lambda x: np.log(x), 1e-8),
    "steep": (lambda x: 1 / x, 1e-8),
    "large": (lambda x: np.exp(x), 30.0),
    "pole": (lambda x: np.tan(x), 1.5707),
    "flat": (lambda x: x**3, 0.0),
    "near a kink": (lambda x: np.abs(x), 1e-5),
    "tiny values": (lambda x: np.exp(-1 / x**2), 0.1),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_pass(name: str) -> None:
    f, x = SMOOTH[name]
    result = checked(f, order=2, x=x)
    assert [c.verdict for c in result.checks] == ["pass"] * 4, result.checks


@pytest.mark.parametrize("name", ["sin", "large", "flat", "small"])
def test_smooth_functions_pass_in_float32(name: str) -> None:
    f, x = SMOOTH[name]
    with override(precision="float32"):
        result = checked(f, order=2, x=x)
    assert [c.verdict for c in result.checks] == ["pass"] * 4, result.checks


@pytest.mark.parametrize("factor", [1.0005, 0.9995, -1.0, 0.0, 1.00001])
def test_a_rule_that_is_off_fails(factor: float) -> None:
    result = checked(off_by(factor), x=np.array([0.3, 0.5, 2.0]))
    assert result.verdict == "fail"
    assert [c.verdict for c in result.checks] == ["fail"] * 6
    assert [(c.argument, c.index) for c in result.checks[::2]] == [("x", (0,)), ("x", (1,)), ("x", (2,))]
    assert "6 differ (worst: dwrong/dx[" in result.summary


@pytest.mark.parametrize("factor", [1.0005, 0.9995])
def test_a_rule_that_is_off_fails_in_float32(factor: float) -> None:
    with override(precision="float32"):
        result = checked(off_by(factor), x=np.float32([0.3, 0.5]))
    assert [c.verdict for c in result.checks] == ["fail"] * 4, result.checks


def test_a_rule_that_is_right_passes() -> None:
    assert checked(off_by(1.0), order=3, x=np.array([0.3, 0.5])).verdict == "pass"


def test_one_wrong_entry_among_many_is_found() -> None:
    scale = np.ones(40)
    scale[17] = 1.001

    @gradcli.custom_jvp
    def f(x: Any) -> Any:
        return jnp.sum(jnp.exp(x))

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        return f(primals[0]), jnp.sum(jnp.exp(primals[0]) * tangents[0] * scale)

    result = checked(lambda x: f(x), x=np.linspace(-1, 1, 40))
    assert {c.index for c in result.checks if c.verdict == "fail"} == {(17,)}


KINKS = {
    "abs": (lambda x: np.abs(x), 0.0),
    "relu at its tie": (lambda x: jnp.maximum(x, 0.0), 0.0),
    "where": (lambda x: jnp.where(x > 1, x * x, x), 1.0),
    "branch": (lambda x: x * x if x > 1 else x, 1.0),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_are_shown_and_fail_only_when_strict(name: str) -> None:
    f, x = KINKS[name]
    result = checked(f, x=x)
    assert [c.verdict for c in result.checks] == ["kink"] * 2, result.checks
    assert "from the left" in result.checks[0].reason and result.verdict == "pass"
    assert check_of(problem(f, x=x), CheckOptions(strict=True)).verdict == "fail"


def test_a_derivative_outside_of_a_kinks_slopes_fails() -> None:
    @gradcli.custom_jvp
    def f(x: Any) -> Any:
        return jnp.abs(x)

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        return jnp.abs(primals[0]), 3.0 * tangents[0]

    assert checked(lambda x: f(x), x=0.0).verdict == "fail"


def test_nan_fails_and_edges_are_unclear() -> None:
    assert checked(lambda x: np.log(1 + np.exp(x)), x=1000.0).verdict == "fail"
    edge = checked(lambda x: np.sqrt(x), x=0.0).checks[0]
    assert (edge.verdict, edge.reason) == ("unclear", "f is not finite on the left")


def test_every_output_and_every_pair_is_named() -> None:
    def f(w: Any, x: Any) -> Any:
        return {"a": w * x, "b": jnp.sum(w)}

    result = check_of(problem(f, w=np.array([1.0, 2.0]), x=3.0), CheckOptions(modes=("rev",)))
    assert [c.derivative for c in result.checks][:3] == ["df.a[0]/dw[0]", "df.a[0]/dw[1]", "df.a[0]/dx"]
    assert len(result.checks) == 9 and result.verdict == "pass"
    second = check_of(problem(lambda x, y: x * y, x=1.0, y=2.0), CheckOptions(order=2, modes=("fwd",)))
    assert [(c.of, c.argument) for c in second.checks if c.order == 2] == [
        ("d<lambda>/dx", "x"), ("d<lambda>/dx", "y"), ("d<lambda>/dy", "x"), ("d<lambda>/dy", "y"),
    ]  # fmt: skip


def test_samples_are_repeatable_and_said_so() -> None:
    def f(x: Any) -> Any:
        return jnp.sum(x**2)

    x = np.arange(1.0, 101.0)
    one, two, other = (
        check_of(problem(f, x=x), CheckOptions(sample=5, seed=seed, modes=("rev",))) for seed in (0, 0, 1)
    )
    assert [c.index for c in one.checks] == [c.index for c in two.checks] != [c.index for c in other.checks]
    assert "5 of 100 derivatives" in one.notes[0]


def test_complex_step_is_exact_and_refuses_what_is_not_analytic() -> None:
    result = check_of(problem(lambda x: np.sin(x) * x, x=0.5), CheckOptions(method="complex"))
    assert result.checks[0].abs_error < 1e-15
    with pytest.raises(GradcliError, match="complex step cannot check it"):
        check_of(problem(lambda x: np.abs(x), x=0.5), CheckOptions(method="complex"))


def test_options_are_checked() -> None:
    for wrong in ({"order": 0}, {"modes": ("up",)}, {"method": "magic"}, {"eps": 0.0}):
        with pytest.raises(GradcliError):
            CheckOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_numbers_of_16_bits_on_the_way_are_differenced_without_their_rounding(dtype: str, precision: str) -> None:
    def right(x: Any) -> Any:
        return jnp.sum(jnp.tanh(jnp.asarray(x).astype(dtype) * 2) ** 2)

    def wrong(x: Any) -> Any:
        return jnp.sum(off_by(1.5)(jnp.asarray(x).astype(dtype)))

    with override(precision=precision):
        found = checked(right, order=2, x=np.array([0.1, 0.7, -0.4]))
        assert found.verdict == "pass"
        assert any(dtype in note for note in found.notes)
        assert checked(wrong, x=0.7).verdict == "fail"


def test_single_precision_within_double_is_differenced_without_its_rounding() -> None:
    def f(x: Any) -> Any:
        return jnp.sum(jnp.exp(jnp.asarray(x).astype("float32")) * x)

    found = checked(f, order=2, x=np.array([0.1, 0.7, -0.4]))
    assert found.verdict == "pass" and all(c.verdict == "pass" for c in found.checks)
