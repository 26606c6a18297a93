"""Functions of lax made of primitives: values written out, errors, names. The conformance table has the rest."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import pytest

from gradcli import lax

RNG = np.random.default_rng(7)
A = RNG.normal(size=(4, 3))
V = RNG.normal(size=6)


def test_ragged_dot() -> None:
    y = RNG.normal(size=(2, 3, 2))
    out = np.asarray(lax.ragged_dot(A, y, np.array([1, 2])))
    np.testing.assert_allclose(out, np.concatenate([A[:1] @ y[0], A[1:3] @ y[1], np.zeros((1, 2))]), rtol=1e-13)


def test_associative_scan_of_affine_maps() -> None:
    """Composition of maps x -> a x + b is associative and does not commute."""

    def compose(f: Any, g: Any) -> Any:
        return f[0] * g[0], g[0] * f[1] + g[1]

    a, b = V, RNG.normal(size=6)
    slopes, shifts = lax.associative_scan(compose, (a, b))
    x, expected = 0.0, []
    for slope, shift in zip(a, b, strict=True):
        x = slope * x + shift
        expected.append(x)
    np.testing.assert_allclose(np.asarray(shifts), expected, rtol=1e-12)
    np.testing.assert_allclose(np.asarray(slopes), np.cumprod(a), rtol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: lax.split(A, (1, 1)),
        lambda: lax.stack([A, V]),
        lambda: lax.tile(A, (2,)),
        lambda: lax.dot(A, A),
        lambda: lax.batch_matmul(V, V),
        lambda: lax.collapse(A, 2, 1),
        lambda: lax.broadcast_to_rank(A, 1),
        lambda: lax.bitcast_convert_type(np.zeros(3, np.uint16), np.float32),
        lambda: lax.bitcast_convert_type(np.zeros(3, np.complex64), np.int64),
        lambda: lax.reduce_precision(A, 0, 3),
        lambda: lax.reduce_precision(np.arange(3), 5, 3),
        lambda: lax.associative_scan(lax.add, (V, A[:, 0])),
        lambda: lax.associative_scan(lambda a, b: (a, b), V),
        lambda: lax.platform_dependent(V, cuda=lax.sin),
        lambda: lax.map(lax.sin, V, batch_size=0),
    ],
)
def test_errors(call: Any) -> None:
    with pytest.raises((TypeError, ValueError, NotImplementedError)):
        call()


def test_primitives_by_name() -> None:
    assert lax.add_p.name == "add" and lax.scatter_add_p.name == "scatter-add"
    with pytest.raises(AttributeError, match="no_such"):
        lax.no_such_p  # noqa: B018 - the look-up itself is what fails


def test_every_exported_name_exists() -> None:
    assert [n for n in lax.__all__ if not hasattr(lax, n)] == []
    assert issubclass(lax.RoundingMethod, enum.IntEnum) and lax.RoundingMethod.TO_NEAREST_EVEN == 1
