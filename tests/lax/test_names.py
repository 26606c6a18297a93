"""What lax has beside: random bits, composites, argument names; and that little of jax.lax is missing."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import gradcli
from gradcli import lax

KEY = np.array([1, 2, 3, 4], np.uint32)
A = np.arange(6.0).reshape(2, 3)

# what JAX has for several devices, for tokens, for one backend's formats, or with a state that is not an argument
MISSING = {
    "after_all", "create_token", "precv", "psend", "ragged_all_to_all", "rng_uniform", "scaled_dot",
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 4)])
def test_random_bits(dtype: Any, shape: tuple[int, ...]) -> None:
    state, bits = lax.rng_bit_generator(KEY, shape, dtype)
    assert bits.shape == shape and bits.dtype == dtype and state.dtype == np.uint32
    assert not np.array_equal(np.asarray(state), KEY)
    again, more = gradcli.jit(lambda k: lax.rng_bit_generator(k, shape, dtype))(KEY)
    np.testing.assert_array_equal(np.asarray(more), np.asarray(bits))
    rows, _ = gradcli.vmap(lambda k: lax.rng_bit_generator(k, shape, dtype))(np.stack([KEY, KEY + np.uint32(1)]))
    np.testing.assert_array_equal(np.asarray(rows)[0], np.asarray(again))


def test_random_bits_are_the_tail_of_longer_ones() -> None:
    state, first = lax.rng_bit_generator(KEY, (4,))
    _, rest = lax.rng_bit_generator(state, (4,))
    _, both = lax.rng_bit_generator(KEY.view(np.uint64), (8,))
    np.testing.assert_array_equal(np.concatenate([np.asarray(first), np.asarray(rest)]), np.asarray(both))


@pytest.mark.parametrize(
    "call",
    [
        lambda: lax.rng_bit_generator(KEY[:3], (2,)),
        lambda: lax.rng_bit_generator(KEY, (2,), np.int32),
        lambda: lax.rng_bit_generator(KEY, (2,), algorithm=lax.RandomAlgorithm.RNG_PHILOX),
    ],
)
def test_errors(call: Any) -> None:
    with pytest.raises((TypeError, NotImplementedError)):
        call()


def test_composite() -> None:
    f = lax.composite(lambda x, *, power: x**power, "my.power", version=2)
    program = gradcli.make_jaxpr(lambda x: f(x, power=3))(2.0)
    assert program.eqns[0].primitive.name == "composite" and program.eqns[0].params["version"] == 2
    gradcli.check_grads(lambda x: f(x, power=3), (2.0,), 2)
    np.testing.assert_allclose(np.asarray(gradcli.vmap(lambda x: f(x, power=2))(np.arange(3.0))), [0.0, 1.0, 4.0])


NAMED = {
    "reduce_sum": {"axes": (0,)}, "reduce_max": {"axes": (1,)}, "cumsum": {"axis": 1, "reverse": True},
    "transpose": {"permutation": (1, 0)}, "rev": {"dimensions": (1,)}, "argmax": {"axis": 1, "index_dtype": np.int32},
    "slice": {"start_indices": (0, 1), "limit_indices": (2, 3)}, "top_k": {"k": 2}, "collapse": {"start_dimension": 0},
    "broadcast_in_dim": {"shape": (2, 2, 3), "broadcast_dimensions": (0, 2)}, "reshape": {"new_sizes": (3, 2)},
    "pad": {"padding_value": 1.0, "padding_config": ((1, 0, 0), (0, 0, 1))}, "sort": {"dimension": 0},
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_operands_by_name(name: str) -> None:
    by_name = getattr(lax, name)(operand=A, **NAMED[name])
    by_place = getattr(lax, name)(A, **NAMED[name])
    for a, b in zip(gradcli.tree_util.tree_leaves(by_name), gradcli.tree_util.tree_leaves(by_place), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_squeeze_counts_from_the_end() -> None:
    assert lax.squeeze(array=A[:, None], dimensions=(-2,)).shape == (2, 3)
    assert lax.expand_dims(array=A, dimensions=(-1,)).shape == (2, 3, 1)


@pytest.mark.oracle
def test_names_against_jax() -> None:
    jax = pytest.importorskip("jax")
    public = [n for n in dir(jax.lax) if not n.startswith("_") and not n.endswith("_p") and n != "linalg"]
    special = set(lax._SPECIAL)  # looked up among the engine's modules of special functions
    assert {n for n in public if n not in special and not hasattr(lax, n)} <= MISSING


@pytest.mark.oracle
def test_random_bits_against_jax() -> None:
    jax = pytest.importorskip("jax")
    for dtype in (np.uint8, np.uint16, np.uint32, np.uint64):
        with jax.enable_x64(True):
            theirs = jax.lax.rng_bit_generator(KEY, (5,), dtype, jax.lax.RandomAlgorithm.RNG_THREE_FRY)
        ours = lax.rng_bit_generator(KEY, (5,), dtype, lax.RandomAlgorithm.RNG_THREE_FRY)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.oracle
def test_argument_names_against_jax() -> None:
    """Every argument of JAX's that is not about devices or accuracy can be given by its name."""
    jax = pytest.importorskip("jax")
    ignored = {"accuracy", "out_sharding", "sharding", "allow_negative_indices", "dtype", "_split_transpose"}
    for name in (
        "conv_general_dilated", "reduce_window", "associative_scan", "custom_root", "custom_linear_solve", "psum",
        "all_gather", "ppermute", "all_to_all", "dot", "ragged_dot", "top_k", "scan", "map", "split", "scatter_apply",
        "reduce_precision", "rng_bit_generator", "conv_transpose", "while_loop", "cond",
    ):  # fmt: skip
        theirs = set(inspect.signature(getattr(jax.lax, name)).parameters) - ignored
        assert theirs <= set(inspect.signature(getattr(lax, name)).parameters), name
