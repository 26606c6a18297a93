"""Every function of ``gradcli.numpy`` by table: value against NumPy and JAX, derivatives, vmap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli.engine.api import vjp
from tests.engine.harness import check_operation, is_inexact, numpy_of
from tests.numpy import cases
from tests.numpy.cases import Case
from tests.numpy.cases_fft import FFT
from tests.numpy.cases_more import BEYOND_NUMPY, MORE

NUMPYS = [*cases.TABLE, *FFT, *MORE]
TABLE = [*NUMPYS, *BEYOND_NUMPY]


@pytest.mark.parametrize("case", NUMPYS, ids=str)
def test_value_is_numpys(case: Case) -> None:
    with np.errstate(all="ignore"):
        expected = np.asarray(case.function(np)(*case.arrays))
    found = numpy_of(case.function(gnp)(*case.arrays))
    assert found.shape == expected.shape
    tol = 1e-6 if found.dtype == np.float32 else 1e-12  # the mean of bools: JAX's dtype
    np.testing.assert_allclose(found, expected, rtol=tol, atol=tol)


@pytest.mark.parametrize("case", [case for case in TABLE if case.order >= 0], ids=str)
def test_derivatives_and_vmap(case: Case) -> None:
    check_operation(case.function(gnp), case.arrays, order=case.order)


def _close(found: Any, expected: Any) -> None:
    found, expected = numpy_of(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    tol = 1e-6 if found.dtype == np.float32 else 1e-10
    np.testing.assert_allclose(found, expected, rtol=tol, atol=1e-2 * tol)


@pytest.mark.oracle
@pytest.mark.parametrize("case", TABLE, ids=str)
def test_value_dtype_and_gradient_are_jaxs(case: Case) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        jnp_function, function = case.function(jax.numpy), case.function(gnp)
        arrays = [jax.numpy.asarray(a) for a in case.arrays]
        expected = jnp_function(*arrays)
        _close(function(*case.arrays), expected)
        if case.order < 1 or not all(is_inexact(a) for a in case.arrays):
            return
        ones = np.ones(expected.shape, expected.dtype)
        theirs = jax.vjp(jnp_function, *arrays)[1](jax.numpy.asarray(ones))
        for mine, other in zip(vjp(function, *case.arrays)[1](ones), theirs, strict=True):
            _close(mine, other)
