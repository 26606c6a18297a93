"""Functions of lax made of primitives, and the small primitives: value and derivatives by table, and against JAX."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import pytest

import gradcli
from gradcli import lax
from tests.engine.harness import check_operation

RNG = np.random.default_rng(7)
A = RNG.normal(size=(4, 3))
B = RNG.normal(size=(4, 3))
V = RNG.normal(size=6)
BATCHED = RNG.normal(size=(2, 4, 3))

# function of (lax, *args), args, expected by NumPy
SMOOTH: dict[str, tuple[Any, list[Any], Any]] = {
    "split": (lambda m, x: m.split(x, (1, 3))[1] * 2.0, [A], A[1:] * 2),
    "split last": (lambda m, x: m.split(x, (2, 1), axis=1)[0], [A], A[:, :2]),
    "stack": (lambda m, x, y: m.stack([x, y], axis=1), [A, B], np.stack([A, B], 1)),
    "unstack": (lambda m, x: m.unstack(x, axis=1)[2], [A], A[:, 2]),
    "tile": (lambda m, x: m.tile(x, (2, 3)), [A], np.tile(A, (2, 3))),
    "optimization_barrier": (lambda m, x, y: m.optimization_barrier((x, y))[0] * x, [A, B], A * A),
    "collapse": (lambda m, x: m.collapse(x, 0, 2), [A], A.reshape(-1)),
    "collapse to the end": (lambda m, x: m.collapse(x, 1), [BATCHED], BATCHED.reshape(2, -1)),
    "reshape in another order": (lambda m, x: m.reshape(x, (12,), dimensions=(1, 0)), [A], A.T.reshape(-1)),
    "index_in_dim": (lambda m, x: m.index_in_dim(x, -1, axis=0), [A], A[-1:]),
    "index_in_dim flat": (lambda m, x: m.index_in_dim(x, 1, axis=1, keepdims=False), [A], A[:, 1]),
    "index_take": (lambda m, x: m.index_take(x, (np.array([0, 2]), np.array([1, 1])), (0, 1)), [A], A[[0, 2], 1]),
    "broadcast_to_rank": (lambda m, x: m.broadcast_to_rank(x, 3), [A], A[None]),
    "dot of matrices": (lambda m, x, y: m.dot(x, y), [A, B.T], A @ B.T),
    "dot of vectors": (lambda m, x, y: m.dot(x, y), [V, V], V @ V),
    "dot by dimensions": (
        lambda m, x, y: m.dot(x, y, dimension_numbers=(((0,), (0,)), ((), ()))), [A, B], A.T @ B
    ),
    "batch_matmul": (
        lambda m, x, y: m.batch_matmul(x, y), [BATCHED, BATCHED.swapaxes(1, 2)], BATCHED @ BATCHED.swapaxes(1, 2)
    ),
    "ragged_dot": (
        lambda m, x, y: m.ragged_dot(x, y, np.array([1, 2])), [A, RNG.normal(size=(2, 3, 2))], None
    ),
    "associative_scan": (lambda m, x: m.associative_scan(m.add, x), [V], np.cumsum(V)),
    "associative_scan reversed": (
        lambda m, x: m.associative_scan(m.mul, x, reverse=True, axis=1), [A], np.cumprod(A[:, ::-1], 1)[:, ::-1]
    ),
    "map": (lambda m, x: m.map(lambda r: r * r[0], x), [A], A * A[:, :1]),
    "map in parts": (lambda m, x: m.map(lambda r: r * r[0], x, batch_size=3), [A], A * A[:, :1]),
    "map in one part": (lambda m, x: m.map(lambda r: r * r[0], x, batch_size=9), [A], A * A[:, :1]),
    "approx_max_k": (lambda m, x: m.approx_max_k(x, 2)[0], [V], np.sort(V)[::-1][:2]),
    "approx_min_k": (lambda m, x: m.approx_min_k(x, 2)[0], [V], np.sort(V)[:2]),
    "sort_key_val": (lambda m, x, y: m.sort_key_val(x, y)[1] * 1.0, [A, B], np.take_along_axis(B, A.argsort(1), 1)),
    "platform_dependent": (lambda m, x: m.platform_dependent(x, cpu=m.sin, default=m.cos), [V], np.sin(V)),
    "stage": (lambda m, x: m.stage(x) * 3.0, [V], V * 3),
    "scatter_apply": (
        lambda m, x: m.scatter_apply(
            x, np.array([[1], [3]]), m.sin,
            m.ScatterDimensionNumbers(update_window_dims=(), inserted_window_dims=(0,),
                                      scatter_dims_to_operand_dims=(0,)),
            update_shape=(2,)),
        [V], np.where(np.isin(np.arange(6), [1, 3]), np.sin(V), V),
    ),
}  # fmt: skip

EXACT: dict[str, tuple[Any, list[Any]]] = {
    "clz": (lambda m, x: m.clz(x), [np.array([0, 1, 7, 2**31 - 1, -1], np.int32)]),
    "clz of bytes": (lambda m, x: m.clz(x), [np.array([0, 1, 16, 255], np.uint8)]),
    "clz of 64 bits": (lambda m, x: m.clz(x), [np.array([0, 5, 2**62], np.int64)]),
    "mulhi": (lambda m, x, y: m.mulhi(x, y), [np.array([2**31 - 1, -5], np.int32), np.array([2**30, 7], np.int32)]),
    "mulhi of 64 bits": (
        lambda m, x, y: m.mulhi(x, y), [np.array([-(2**62), 2**61 + 9]), np.array([2**60 + 3, -(2**59)])]
    ),
    "mulhi unsigned": (
        lambda m, x, y: m.mulhi(x, y), [np.array([2**64 - 1, 12], np.uint64), np.array([2**64 - 1, 2**63], np.uint64)]
    ),
    "bitcast": (lambda m, x: m.bitcast_convert_type(x, np.uint32), [np.array([1.5, -0.0], np.float32)]),
    "bitcast to narrower": (lambda m, x: m.bitcast_convert_type(x, np.uint16), [np.array([1.5, -2.0], np.float32)]),
    "bitcast to wider": (
        lambda m, x: m.bitcast_convert_type(x, np.float32), [np.array([[0, 16320], [1, 2]], np.uint16)]
    ),
    "bitcast of a scalar": (lambda m, x: m.bitcast_convert_type(x, np.int16), [np.float32(3.25)]),
    "reduce_precision to half": (
        lambda m, x: m.reduce_precision(x, 5, 10), [np.array([1.0001, 65520.0, 1e-8, -3e5, np.nan, np.inf, 0.1])]
    ),
    "reduce_precision of float32": (
        lambda m, x: m.reduce_precision(x, 8, 7), [np.array([1.00390625, 1.01171875, -1e-39, 3.3e38], np.float32)]
    ),
    "reduce_precision without mantissa": (lambda m, x: m.reduce_precision(x, 11, 0), [np.array([1.4, 1.6, 3.0])]),
    "broadcasted_iota": (lambda m: m.broadcasted_iota(np.int32, (2, 3), 1), []),
    "shape_as_value": (lambda m: m.shape_as_value((2, 3)), []),
    "empty": (lambda m: m.empty((2,), np.float32), []),
    "approx_top_k places": (lambda m, x: m.approx_max_k(x, 3)[1], [V]),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth(name: str) -> None:
    f, args, expected = SMOOTH[name]

    def ours(*xs: Any) -> Any:
        return f(lax, *xs)

    if expected is not None:
        np.testing.assert_allclose(np.asarray(ours(*args)), expected, rtol=1e-13)
    check_operation(ours, args)


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_of_a_program_are_those_of_the_function(name: str) -> None:
    """What reverse mode writes into a program gives what it gives at once."""
    f, args, _ = SMOOTH[name]

    def total(*xs: Any) -> Any:
        out = f(lax, *xs)
        return lax.reduce_sum(lax.sin(out), tuple(range(out.ndim)))

    gradient = gradcli.grad(total, tuple(range(len(args))))
    for a, b in zip(gradcli.jit(gradient)(*args), gradient(*args), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-12, atol=1e-14)


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


@pytest.mark.parametrize("name", EXACT)
def test_exact_functions_trace_and_batch(name: str) -> None:
    f, args = EXACT[name]
    out = np.asarray(f(lax, *args))
    np.testing.assert_array_equal(np.asarray(gradcli.jit(lambda *xs: f(lax, *xs))(*args)), out)
    if args:
        rows = [np.stack([a, a]) for a in map(np.asarray, args)]
        np.testing.assert_array_equal(np.asarray(gradcli.vmap(lambda *xs: f(lax, *xs))(*rows)), np.stack([out, out]))


@pytest.mark.oracle
@pytest.mark.parametrize("name", [*EXACT, *SMOOTH])
def test_against_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    f, args = EXACT[name] if name in EXACT else SMOOTH[name][:2]
    with jax.enable_x64(True):
        theirs = np.asarray(f(jax.lax, *map(jax.numpy.asarray, args)))
    ours = np.asarray(f(lax, *args))
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=0 if name in EXACT else 1e-12)
