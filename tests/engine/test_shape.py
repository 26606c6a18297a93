"""Structural primitives by table: value against NumPy, derivatives, transposes, vmap over every axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.engine.api import grad, vjp, vmap
from gradcli.engine.array import raw
from gradcli.engine.ops import cuts
from gradcli.engine.ops import shape as ops
from gradcli.engine.ops.define import REGISTRY
from tests.engine.harness import check_operation

X = np.arange(1.0, 7.0).reshape(2, 3)
V = np.array([0.5, -1.0, 2.0])

PADDED = np.pad(X, [(1, 2), (0, 1)], constant_values=9)

ROWS: list[tuple[str, Any, list[Any], Any]] = [
    ("broadcast_scalar", lambda x: ops.broadcast_in_dim(x, (2, 3)), [2.0], np.full((2, 3), 2.0)),
    ("broadcast_leading", lambda x: ops.broadcast_in_dim(x, (2, 3), (1,)), [V], np.broadcast_to(V, (2, 3))),
    ("broadcast_one", lambda x: ops.broadcast_in_dim(x, (4, 3), (0, 1)), [V[None]], np.broadcast_to(V, (4, 3))),
    ("reduce_sum", lambda x: ops.reduce_sum(x, (1,)), [X], X.sum(1)),
    ("reduce_sum_all", lambda x: ops.reduce_sum(x, (0, 1)), [X], X.sum()),
    ("reshape", lambda x: ops.reshape(x, (3, 2)), [X], X.reshape(3, 2)),
    ("squeeze", lambda x: ops.squeeze(x, (0, 2)), [X[None, :, None]], X),
    ("expand_dims", lambda x: ops.expand_dims(x, (0, -1)), [X], X[None, ..., None]),
    ("transpose", lambda x: ops.transpose(x, (1, 0)), [X], X.T),
    ("moveaxis", lambda x: ops.moveaxis(x, 0, 1), [X], X.T),
    ("rev", lambda x: ops.rev(x, (1,)), [X], X[:, ::-1]),
    ("concatenate", lambda x, y: cuts.concatenate([x, y, x], 0), [X, 2 * X], np.concatenate([X, 2 * X, X])),
    ("slice", lambda x: cuts.slice(x, (0, 1), (2, 3)), [X], X[:, 1:]),
    ("slice_strided", lambda x: cuts.slice(x, (0, 0), (2, 3), (1, 2)), [X], X[:, ::2]),
    ("slice_empty", lambda x: cuts.slice(x, (1, 1), (1, 2)), [X], X[1:1, 1:2]),
    ("pad", lambda x, v: cuts.pad(x, v, [(1, 2, 0), (0, 1, 0)]), [X, 9.0], PADDED),
    ("pad_interior", lambda x, v: cuts.pad(x, v, [(1, 0, 2)]), [V, 9.0], [9, 0.5, 9, 9, -1.0, 9, 9, 2.0]),
    ("pad_negative", lambda x, v: cuts.pad(x, v, [(-1, 1, 0)]), [V, 9.0], [-1.0, 2.0, 9]),
    ("pad_cut_interior", lambda x, v: cuts.pad(x, v, [(-1, -1, 1)]), [V, 9.0], [9, -1.0, 9]),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f", "d", "D"])
@pytest.mark.parametrize(("name", "f", "args", "expected"), ROWS, ids=[r[0] for r in ROWS])
def test_value_and_rules(name: str, f: Any, args: list[Any], expected: Any, dtype: str) -> None:
    cast = [np.asarray(a).astype(dtype)[()] for a in args]
    np.testing.assert_array_equal(raw(f(*cast)), np.asarray(expected).astype(dtype))
    check_operation(f, cast, order=1)


def test_iota_full_and_zeros() -> None:
    np.testing.assert_array_equal(raw(ops.iota(np.int32, (2, 3), 1)), [[0, 1, 2]] * 2)
    np.testing.assert_array_equal(raw(ops.full((2,), 7, np.float32)), np.full(2, 7, np.float32))
    np.testing.assert_array_equal(raw(vmap(lambda x: x + ops.iota(np.float64, (3,), 0))(np.ones(2))), [[1, 2, 3]] * 2)


def test_a_padding_value_for_each_sample() -> None:
    out = vmap(lambda x, v: cuts.pad(x, v, [(1, 0, 1)]), (None, 0))(V, np.array([7.0, 8.0]))
    np.testing.assert_array_equal(raw(out), [[7, 0.5, 7, -1, 7, 2], [8, 0.5, 8, -1, 8, 2]])
    g = grad(lambda v: ops.reduce_sum(cuts.pad(V, v, [(2, 1, 1)]), (0,)))(1.0)
    assert float(g) == 5.0


shapes = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)


@settings(max_examples=60, deadline=None)
@given(shapes, st.data())
def test_pad_and_its_transpose_for_any_configuration(shape: tuple[int, ...], data: Any) -> None:
    config = [
        (data.draw(st.integers(-n, 2)), data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for n in shape
    ]
    x = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    try:
        out, pull = vjp(lambda a: cuts.pad(a, 0.0, config), x)
    except TypeError:
        assert any(max(n + max(n - 1, 0) * c + a + b, -1) < 0 for n, (a, b, c) in zip(shape, config, strict=True))
        return
    weights = np.random.default_rng(0).uniform(size=out.shape)
    np.testing.assert_allclose(np.sum(raw(pull(weights)[0]) * x), np.sum(weights * raw(out)), rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_slice_and_its_transpose_for_any_bounds(data: Any) -> None:
    shape = data.draw(shapes)
    bounds = [sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in shape]
    steps = [data.draw(st.integers(1, 3)) for _ in shape]
    x = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    start, stop = [b[0] for b in bounds], [b[1] for b in bounds]
    out, pull = vjp(lambda a: cuts.slice(a, start, stop, steps), x)
    index = tuple(slice(a, b, s) for a, b, s in zip(start, stop, steps, strict=True))
    np.testing.assert_array_equal(raw(out), x[index])
    expected = np.zeros(shape)
    expected[index] = 1.0
    np.testing.assert_array_equal(raw(pull(np.ones(out.shape))[0]), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.reshape(X, (4, 2)), r"cannot reshape f64\[2,3\] into shape \(4, 2\)"),
        (lambda: ops.transpose(X, (0, 0)), "no permutation"),
        (lambda: ops.squeeze(X, (0,)), "cannot squeeze"),
        (lambda: cuts.slice(X, (0, 0), (3, 3)), "does not fit"),
        (lambda: cuts.concatenate([X, V], 0), "cannot concatenate"),
        (lambda: ops.broadcast_in_dim(V, (2, 2), (1,)), "cannot be broadcast"),
        (lambda: ops.reduce_sum(X, (2,)), "do not fit"),
        (lambda: cuts.pad(V, 0.0, [(-2, -2, 0)]), "takes more"),
    ],
)
def test_what_does_not_fit_is_named(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_every_structural_primitive_has_its_rules() -> None:
    for primitive in REGISTRY.values():
        if primitive.family == "shape":
            assert primitive.jvp and primitive.batch, primitive.name
            assert primitive.transpose or primitive.name == "iota", primitive.name
