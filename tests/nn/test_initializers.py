"""Initial weights: their spread, shapes, errors."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli.engine.array import raw
from gradcli.nn import initializers as ours
from gradcli.random import key

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
