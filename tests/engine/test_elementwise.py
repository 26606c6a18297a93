"""Every elementwise primitive by table: value against NumPy, derivatives, vmap, dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from gradcli.engine.api import grad, jvp, vmap
from gradcli.engine.array import raw
from gradcli.engine.ops import elementwise as ops
from gradcli.engine.ops.define import REGISTRY
from tests.engine.harness import check_operation, check_program


class Row(NamedTuple):
    op: Callable[..., Any]
    reference: Callable[..., Any]
    domains: tuple[tuple[float, float], ...]
    dtypes: str = "fdFD"  # NumPy's letters: f float32, d float64, F complex64, D complex128
    differentiable: bool = True


WIDE, POSITIVE, UNIT = (-2.0, 2.0), (0.3, 2.0), (-0.8, 0.8)


def trunc_div(x: Any, y: Any) -> Any:
    return x / y


MASK = np.array([True, False, True, True])

ROWS = [
    Row(ops.add, np.add, (WIDE, WIDE)),
    Row(ops.add_any, np.add, (WIDE, WIDE)),
    Row(ops.sub, np.subtract, (WIDE, WIDE)),
    Row(ops.mul, np.multiply, (WIDE, WIDE)),
    Row(ops.div, trunc_div, (WIDE, POSITIVE)),
    Row(ops.rem, np.fmod, ((2.2, 2.8), (0.95, 1.05)), "fd"),
    Row(ops.neg, np.negative, (WIDE,)),
    Row(ops.max, np.maximum, (WIDE, WIDE), "fd"),
    Row(ops.min, np.minimum, (WIDE, WIDE), "fd"),
    Row(ops.abs, np.abs, (POSITIVE,)),
    Row(ops.sign, np.sign, (POSITIVE,), "fd"),
    Row(ops.floor, np.floor, ((0.1, 0.9),), "fd"),
    Row(ops.ceil, np.ceil, ((0.1, 0.9),), "fd"),
    Row(lambda x: ops.round(x, 1), np.rint, ((0.1, 0.4),), "fd"),
    Row(lambda x: ops.integer_pow(x, 3), lambda x: x**3, (WIDE,)),
    Row(lambda x: ops.integer_pow(x, -2), lambda x: x**-2.0, (POSITIVE,)),
    Row(lambda x: ops.integer_pow(x, 0), np.ones_like, (WIDE,)),
    Row(lambda x: ops.integer_pow(x, 1), lambda x: x, (WIDE,)),
    Row(ops.pow, np.power, (POSITIVE, WIDE)),
    Row(ops.sqrt, np.sqrt, (POSITIVE,)),
    Row(ops.rsqrt, lambda x: 1 / np.sqrt(x), (POSITIVE,)),
    Row(ops.cbrt, np.cbrt, (POSITIVE,), "fd"),
    Row(ops.square, np.square, (WIDE,)),
    Row(ops.exp, np.exp, (WIDE,)),
    Row(ops.exp2, np.exp2, (WIDE,)),
    Row(ops.log, np.log, (POSITIVE,)),
    Row(ops.expm1, np.expm1, (WIDE,)),
    Row(ops.log1p, np.log1p, (POSITIVE,)),
    Row(ops.sin, np.sin, (WIDE,)),
    Row(ops.cos, np.cos, (WIDE,)),
    Row(ops.tan, np.tan, (UNIT,)),
    Row(ops.asin, np.arcsin, (UNIT,)),
    Row(ops.acos, np.arccos, (UNIT,)),
    Row(ops.atan, np.arctan, (WIDE,)),
    Row(ops.sinh, np.sinh, (WIDE,)),
    Row(ops.cosh, np.cosh, (WIDE,)),
    Row(ops.tanh, np.tanh, (WIDE,)),
    Row(ops.asinh, np.arcsinh, (WIDE,)),
    Row(ops.acosh, np.arccosh, ((1.5, 3.0),)),
    Row(ops.atanh, np.arctanh, (UNIT,)),
    Row(ops.logistic, lambda x: 1 / (1 + np.exp(-x)), (WIDE,)),
    Row(ops.atan2, np.arctan2, (WIDE, POSITIVE), "fd"),
    Row(ops.real, np.real, (WIDE,), "FD"),
    Row(ops.imag, np.imag, (WIDE,), "FD"),
    Row(ops.conj, np.conj, (WIDE,), "FD"),
    Row(ops.complex, lambda x, y: x + 1j * y, (WIDE, WIDE), "fd"),
    Row(lambda x: ops.convert_element_type(x, np.float64), lambda x: x.astype(float), (WIDE,), "fd"),
    Row(ops.copy, np.copy, (WIDE,)),
    Row(lambda a, x, b: ops.clamp(a, x, b), lambda a, x, b: np.clip(x, a, b), ((-2.0, -1.0), WIDE, (1.0, 2.0)), "fd"),
    Row(lambda x, y: ops.select_n(MASK, x, y), lambda x, y: np.where(MASK, y, x), (WIDE, WIDE)),
    Row(ops.is_finite, np.isfinite, (WIDE,)),
    Row(ops.eq, np.equal, (WIDE, WIDE)),
    Row(ops.ne, np.not_equal, (WIDE, WIDE)),
    Row(ops.lt, np.less, (WIDE, WIDE), "fd"),
    Row(ops.le, np.less_equal, (WIDE, WIDE), "fd"),
    Row(ops.gt, np.greater, (WIDE, WIDE), "fd"),
    Row(ops.ge, np.greater_equal, (WIDE, WIDE), "fd"),
    Row(ops.stop_gradient_value, lambda x: x, (WIDE,), differentiable=False),
]  # fmt: skip


def draw(row: Row, dtype: str, shape: tuple[int, ...] = (4,)) -> list[Any]:
    rng = np.random.default_rng(7)
    out = []
    for low, high in row.domains:
        x = rng.uniform(low, high, shape)
        if dtype in "FD":
            x = x + 1j * rng.uniform(0.1, 0.6, shape)
        out.append(x.astype(dtype))
    return out


CASES = [
    pytest.param(row, d, id=f"{getattr(row.op, '__name__', 'f')}-{i}-{d}")
    for i, row in enumerate(ROWS)
    for d in row.dtypes
]


@pytest.mark.parametrize(("row", "dtype"), CASES)
def test_value_and_rules(row: Row, dtype: str) -> None:
    args = draw(row, dtype)
    tol = 1e-5 if dtype in "fF" else 1e-12
    np.testing.assert_allclose(raw(row.op(*args)), row.reference(*args), rtol=tol, atol=tol)
    if row.differentiable:
        check_operation(row.op, args)
    else:
        check_program(row.op, args)


@pytest.mark.parametrize(
    "row",
    [r for r in ROWS if "d" in r.dtypes and r.differentiable and len(r.domains) == 2 and r.op is not ops.add_any],
    ids=lambda r: r.op.__name__,
)
def test_scalars_broadcast_implicitly(row: Row) -> None:
    x, y = draw(row, "d", (2, 4))
    if row.op.__name__ == "<lambda>":
        return
    for args in ([x, y[0, 0]], [x[0, 0], y], [x[:, :1], y]):
        np.testing.assert_allclose(raw(row.op(*args)), row.reference(*args), rtol=1e-12)
        check_operation(row.op, args, order=1)


INTEGER_ROWS = [
    (ops.add, np.add), (ops.sub, np.subtract), (ops.mul, np.multiply), (ops.max, np.maximum), (ops.min, np.minimum),
    (ops.bitwise_and, np.bitwise_and), (ops.bitwise_or, np.bitwise_or), (ops.bitwise_xor, np.bitwise_xor),
    (ops.eq, np.equal),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
@pytest.mark.parametrize(("op", "reference"), INTEGER_ROWS, ids=lambda f: f.__name__)
def test_integers(op: Any, reference: Any, dtype: Any) -> None:
    x, y = np.array([5, 0, 7, 1], dtype), np.array([3, 2, 0, 1], dtype)
    np.testing.assert_array_equal(raw(op(x, y)), reference(x, y))
    check_operation(op, [x, y])


def test_integer_division_truncates_and_survives_zero() -> None:
    x, y = np.array([7, -7, 7, -7, 5]), np.array([2, 2, -2, -2, 0])
    np.testing.assert_array_equal(raw(ops.div(x, y)), [3, -3, -3, 3, -1])
    np.testing.assert_array_equal(raw(ops.rem(x, y)), [1, -1, 1, -1, 5])


def test_shifts_by_the_width_or_more_are_defined() -> None:
    x = np.array([-8, 8, 1, -1], np.int32)
    np.testing.assert_array_equal(raw(ops.shift_left(x, np.array([1, 31, 32, 40], np.int32))), [-16, 0, 0, 0])
    np.testing.assert_array_equal(
        raw(ops.shift_right_arithmetic(x, np.array([1, 2, 40, 40], np.int32))), [-4, 2, 0, -1]
    )
    np.testing.assert_array_equal(
        raw(ops.shift_right_logical(x, np.array([1, 2, 40, 32], np.int32))), [2147483644, 2, 0, 0]
    )


def test_conversion_to_integers_saturates() -> None:
    x = np.array([1.9, -1.9, np.nan, np.inf, -np.inf, 3e20])
    out = raw(ops.convert_element_type(x, np.int32))
    np.testing.assert_array_equal(out, [1, -1, 0, 2**31 - 1, -(2**31), 2**31 - 1])


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (ops.abs, 0.0, 1.0),
        (lambda x: ops.max(x, 0.0), 0.0, 0.5),
        (lambda x: ops.min(x, x), 1.0, 1.0),
        (ops.sqrt, 0.0, np.inf),
        (lambda x: ops.pow(x, 2.0), 0.0, 0.0),
        (lambda x: ops.pow(0.0, x), 2.0, 0.0),
        (lambda x: ops.pow(x, 0.0), 0.0, 0.0),
        (lambda x: ops.integer_pow(x, 0), 0.0, 0.0),
        (ops.logistic, 1000.0, 0.0),
        (ops.logistic, -1000.0, 0.0),
        (lambda x: ops.clamp(-1.0, x, 1.0), 3.0, 0.0),
    ],
)
def test_singular_points_follow_jax(f: Any, x: float, expected: float) -> None:
    assert float(grad(f)(x)) == expected
    assert float(jvp(f, (x,), (1.0,))[1]) == expected


def test_logistic_is_accurate_and_quiet_at_both_ends() -> None:
    np.testing.assert_allclose(
        raw(ops.logistic(np.array([-800.0, -40.0, 800.0]))), [0.0, np.exp(-40.0), 1.0], rtol=1e-15
    )
    assert np.isnan(raw(ops.logistic(np.nan)))


def test_select_n_with_an_integer_selector() -> None:
    which = np.array([0, 1, 2, 1], np.int32)
    cases = [np.full(4, float(k)) for k in range(3)]
    np.testing.assert_array_equal(raw(ops.select_n(which, *cases)), [0.0, 1.0, 2.0, 1.0])
    check_operation(lambda *c: ops.select_n(which, *c), cases)
    batch = np.stack([which, which[::-1]])
    np.testing.assert_array_equal(raw(vmap(ops.select_n, (0, None, None, None))(batch, *cases)), batch.astype(float))


def test_every_elementwise_primitive_has_its_rules() -> None:
    for primitive in REGISTRY.values():
        if primitive.family == "elementwise":
            assert primitive.jvp is not None and primitive.batch is not None, primitive.name


def test_the_wrong_dtype_is_named() -> None:
    with pytest.raises(TypeError, match="sin does not accept dtype int64"):
        ops.sin(np.array([1, 2]))
    with pytest.raises(TypeError, match="add requires one dtype, got float32, float64"):
        ops.add(np.ones(2, np.float32), np.ones(2))
    with pytest.raises(TypeError, match="do not broadcast"):
        ops.add(np.ones(2), np.ones(3))
