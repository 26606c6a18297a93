"""Linear functions with a transpose of the user's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli
from gradcli import numpy as gnp
from gradcli.custom_derivatives import linear_call

A, B = np.array([2.0, 4.0]), np.array([0.5, -1.0])


def scaled(r: Any, x: Any) -> Any:
    """Division, with a transpose that is ten times too large."""
    return linear_call(lambda r, x: x / r, lambda r, ct: 10.0 * ct / r, r, x)


@pytest.mark.parametrize("wrap", [lambda f: f, gradcli.jit])
def test_forward_mode_is_the_functions_and_reverse_mode_the_transposes(wrap: Any) -> None:
    np.testing.assert_allclose(wrap(lambda x: gradcli.jvp(lambda v: scaled(A, v), (x,), (A,))[1])(B), np.ones(2))
    np.testing.assert_allclose(wrap(gradcli.grad(lambda x: gnp.sum(scaled(A, x))))(B), 10 / A)


def test_the_transpose_of_the_transpose_is_the_function() -> None:
    def transposed(f: Any) -> Any:
        return lambda ct: gradcli.linear_transpose(f, B)(ct)[0]

    back = transposed(lambda x: scaled(A, x))
    np.testing.assert_allclose(back(B), 10 * B / A)
    np.testing.assert_allclose(transposed(back)(B), B / A)


def test_residuals_have_the_derivatives_of_the_function() -> None:
    gradient = gradcli.grad(lambda r: gnp.sum(scaled(r, B)))
    np.testing.assert_allclose(gradient(A), -B / A**2)
    np.testing.assert_allclose(np.diag(gradcli.jacobian(gradient)(A)), 2 * B / A**3)


@pytest.mark.parametrize("axes", [(0, 0), (None, 0), (0, None)])
def test_batches_are_loops(axes: tuple[int | None, int | None]) -> None:
    r, x = (v if axis is None else np.stack([v, 2 * v, v + 3]) for v, axis in zip((A, B), axes, strict=True))
    gradient = gradcli.grad(lambda r, x: gnp.sum(scaled(r, x) ** 2), (0, 1))
    found = gradcli.vmap(gradient, axes)(r, x)
    for i in range(3):
        rows = [v if axis is None else v[i] for v, axis in zip((r, x), axes, strict=True)]
        for a, b in zip(found, gradient(*rows), strict=True):
            np.testing.assert_allclose(a[i], b)


def test_values_around_it_are_used_by_both() -> None:
    def f(s: Any, x: Any) -> Any:
        return gnp.sum(linear_call(lambda _, x: s * x, lambda _, ct: s * s * ct, (), x))

    np.testing.assert_allclose(gradcli.grad(f, (0, 1))(3.0, B)[1], np.full(2, 9.0))
    np.testing.assert_allclose(gradcli.grad(f, 0)(3.0, B), B.sum())


def test_a_transpose_of_another_shape_is_refused() -> None:
    with pytest.raises(TypeError, match="fun_transpose must return the structure and shapes"):
        linear_call(lambda _, x: x, lambda _, ct: gnp.sum(ct), (), B)
