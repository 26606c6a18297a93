"""Initial weights: their spread, shapes, errors, and JAX's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.engine.array import raw
from gradcli.nn import initializers as ours
from gradcli.random import key

MAKERS: dict[str, Any] = {
    "zeros": lambda i: i.zeros,
    "ones": lambda i: i.ones,
    "constant": lambda i: i.constant(0.5),
    "uniform": lambda i: i.uniform(0.3),
    "normal": lambda i: i.normal(0.3),
    "truncated_normal": lambda i: i.truncated_normal(0.3),
    **{name: (lambda i, name=name: getattr(i, name)()) for name in (
        "glorot_uniform", "glorot_normal", "lecun_uniform", "lecun_normal", "he_uniform", "he_normal",
        "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal")},
    "fan_out": lambda i: i.variance_scaling(1.5, "fan_out", "normal"),
    "fan_geo_avg": lambda i: i.variance_scaling(1.5, "fan_geo_avg", "uniform", in_axis=0, out_axis=1),
    "batch": lambda i: i.variance_scaling(1.5, "fan_in", "normal", in_axis=(1,), out_axis=-1, batch_axis=0),
    "columns": lambda i: i.orthogonal(2.0, 0),
}  # fmt: skip
VARIANCES = {"glorot": 2 / (40 + 60), "lecun": 1 / 40, "he": 2 / 40}


@pytest.mark.parametrize("kind", ["uniform", "normal"])
@pytest.mark.parametrize("name", list(VARIANCES))
def test_variance(name: str, kind: str) -> None:
    for dtype in (np.float64, np.complex128):
        weights = raw(getattr(ours, f"{name}_{kind}")(dtype=dtype)(key(1), (40, 60)))
        assert weights.dtype == dtype
        assert abs(np.mean(np.abs(weights) ** 2) / VARIANCES[name] - 1) < 0.1


def test_kernels_count_as_inputs() -> None:
    weights = raw(ours.lecun_normal()(key(1), (3, 3, 20, 30)))
    assert abs(weights.var() * 180 - 1) < 0.1


def test_orthogonal() -> None:
    tall, wide = raw(ours.orthogonal()(key(0), (6, 3))), raw(ours.orthogonal(2.0)(key(0), (2, 3, 9)))
    np.testing.assert_allclose(tall.T @ tall, np.eye(3), atol=1e-12)
    rows = wide.reshape(6, 9)
    np.testing.assert_allclose(rows @ rows.T, 4 * np.eye(6), atol=1e-12)
    kernel = raw(ours.delta_orthogonal()(key(0), (3, 5, 2, 4)))
    np.testing.assert_allclose(kernel[1, 2] @ kernel[1, 2].T, np.eye(2), atol=1e-12)
    kernel[1, 2] = 0
    assert not kernel.any()
    assert ours.orthogonal()(key(0), (0, 3)).shape == (0, 3)


def test_what_is_refused() -> None:
    for wrong in (
        lambda: ours.he_normal()(key(0), (3,)),
        lambda: ours.variance_scaling(1.0, "fan", "normal")(key(0), (3, 3)),
        lambda: ours.variance_scaling(1.0, "fan_in", "bell")(key(0), (3, 3)),
        lambda: ours.orthogonal()(key(0), (3,)),
        lambda: ours.delta_orthogonal()(key(0), (3, 3)),
        lambda: ours.delta_orthogonal()(key(0), (3, 3, 2)),
    ):
        with pytest.raises(ValueError):
            wrong()


@pytest.mark.oracle
@pytest.mark.parametrize("name", list(MAKERS))
def test_as_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    expected = np.asarray(MAKERS[name](jax.nn.initializers)(jax.random.key(3), (4, 6), np.float32))
    found = MAKERS[name](ours)(key(3), (4, 6), np.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        raw(found), expected, rtol=3e-5 if name in ("orthogonal", "columns") else 1e-6, atol=1e-6
    )
