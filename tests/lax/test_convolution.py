"""Convolutions: against sums written out, dtypes, errors, programs, and JAX's shapes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import gradcli
from gradcli import lax

RNG = np.random.default_rng(3)


def array(*shape: int) -> Any:
    return RNG.normal(size=shape)


def test_value_is_the_sum_over_windows() -> None:
    x, k = array(1, 2, 4, 5), array(3, 2, 2, 3)
    out = np.asarray(lax.conv_general_dilated(x, k, (2, 1), "VALID"))
    n, features, height, width = out.shape
    for b, o, i, j in itertools.product(range(n), range(features), range(height), range(width)):
        window = x[b, :, 2 * i : 2 * i + 2, j : j + 3]
        np.testing.assert_allclose(out[b, o, i, j], np.sum(window * k[o]), rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128", "int32"])
def test_dtypes(dtype: str) -> None:
    x, k = np.ones((1, 2, 4), dtype), np.full((1, 2, 3), 2, dtype)
    out = lax.conv(x, k, (1,), "VALID")
    assert out.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(np.asarray(out), np.full((1, 1, 2), 12, dtype))


def test_preferred_element_type() -> None:
    x, k = np.ones((1, 1, 3), np.float32), np.ones((1, 1, 2), np.float32)
    assert lax.conv_general_dilated(x, k, (1,), "VALID", preferred_element_type=np.float64).dtype == np.float64
    check = gradcli.grad(lambda v: lax.conv_general_dilated(v, k, (1,), "VALID", preferred_element_type=float).sum())
    assert check(x).dtype == np.float32


@pytest.mark.parametrize(
    "rhs, params, message",
    [
        ((1, 2, 2), {}, "features"),
        ((1, 3), {}, "rank"),
        ((2, 3, 2), {"batch_group_count": 2, "feature_group_count": 3}, "group_count"),
        ((1, 3, 2), {"window_strides": (0,)}, "positive"),
        ((1, 3, 2), {"padding": "HALF"}, "padding"),
        ((1, 3, 2), {"dimension_numbers": ("NCC", "OIW", "NCW")}, "spec"),
    ],
)
def test_errors(rhs: tuple[int, ...], params: dict[str, Any], message: str) -> None:
    given = {"window_strides": (1,), "padding": "VALID", **params}
    with pytest.raises((TypeError, ValueError), match=message):
        lax.conv_general_dilated(np.ones((2, 3, 4)), np.ones(rhs), **given)


def test_names_of_a_program() -> None:
    x, k = array(2, 3, 5), array(4, 3, 2)
    text = str(gradcli.make_jaxpr(gradcli.grad(lambda x, k: lax.conv(x, k, (1,), "SAME").sum(), (0, 1)))(x, k))
    assert text.count("conv_general_dilated[") == 3 and "rev[" in text
    assert "ConvDimensionNumbers(lhs_spec=(1, 0, 2)" in text


def test_transposed_convolution_is_the_transpose() -> None:
    """<conv(x), y> = <x, conv_transpose(y)> for the kernel transposed."""
    x, k, y = array(1, 5, 2), array(3, 2, 3), array(1, 2, 3)
    spec = ("NHC", "HIO", "NHC")
    forward = lax.conv_general_dilated(x, k, (2,), "VALID", dimension_numbers=spec)
    assert forward.shape == y.shape
    back = lax.conv_transpose(y, k, (2,), "VALID", dimension_numbers=spec, transpose_kernel=True)
    assert back.shape == x.shape
    np.testing.assert_allclose(np.sum(np.asarray(forward) * y), np.sum(x * np.asarray(back)), rtol=1e-12)


FUNCTIONS: list[tuple[str, tuple[Any, ...]]] = [
    ("conv_shape_tuple", ((2, 3, 5, 6), (4, 3, 2, 2), (1, 2), ((0, 1), (1, 1)))),
    ("conv_general_shape_tuple", ((2, 5, 6, 3), (2, 2, 3, 4), (1, 2), "SAME", ("NHWC", "HWIO", "NHWC"))),
    ("conv_transpose_shape_tuple", ((2, 5, 6, 3), (2, 2, 3, 4), (1, 2), "SAME", ("NHWC", "HWIO", "NHWC"))),
    ("padtype_to_pads", ((5, 6), (2, 3), (1, 2), "SAME")),
]  # fmt: skip


@pytest.mark.oracle
@pytest.mark.parametrize("name, args", FUNCTIONS)
def test_functions_against_jax(name: str, args: tuple[Any, ...]) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        theirs = np.asarray(getattr(jax.lax, name)(*args))
    np.testing.assert_allclose(np.asarray(getattr(lax, name)(*args)), theirs, rtol=1e-11, atol=1e-12)
