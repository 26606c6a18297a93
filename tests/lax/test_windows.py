"""Reductions by a computation and over windows: against NumPy loops, their programs, ties, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcli
from gradcli import lax
from gradcli.engine.ops.elementwise import ge, le
from gradcli.engine.ops.window import select_and_gather_add, select_and_scatter_add
from tests.engine.harness import check_operation

RNG = np.random.default_rng(5)


def odd(x: Any, y: Any) -> Any:
    return x + y + x * y


COMPUTATIONS: dict[str, tuple[Any, float, Callable[..., Any]]] = {
    "add": (lax.add, 0.0, np.add.reduce),
    "max": (lax.max, -np.inf, np.maximum.reduce),
    "min": (lax.min, np.inf, np.minimum.reduce),
    "mul": (lax.mul, 1.0, np.multiply.reduce),
    "own": (odd, 0.0, lambda v: np.prod(v + 1) - 1),
}


def pooled_by_hand(x: Any, init: float, reduce: Any, sizes: Any, strides: Any = None, padding: Any = None) -> Any:
    """One dimension, no dilation."""
    return np.array([reduce(x[i : i + sizes[0]]) for i in range(len(x) - sizes[0] + 1)])


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_value(name: str) -> None:
    computation, init, reduce = COMPUTATIONS[name]
    x = RNG.normal(size=6)
    out = lax.reduce_window(x, init, computation, (3,), (1,))
    np.testing.assert_allclose(np.asarray(out), pooled_by_hand(x, init, reduce, (3,)), rtol=1e-13)
    y = RNG.normal(size=(3, 4))
    rows = np.array([reduce(row) for row in y])
    np.testing.assert_allclose(np.asarray(lax.reduce(y, init, computation, (1,))), rows, rtol=1e-13)


def test_reduction_of_several_operands() -> None:
    def first_greatest(x: Any, y: Any) -> Any:
        keep = x[0] >= y[0]
        return lax.select(keep, x[0], y[0]), lax.select(keep, x[1], y[1])

    values = RNG.normal(size=(4, 5))
    places = np.broadcast_to(np.arange(5), (4, 5))
    out, where = lax.reduce((values, places), (-np.inf, 0), first_greatest, (1,))
    np.testing.assert_array_equal(np.asarray(out), values.max(1))
    np.testing.assert_array_equal(np.asarray(where), values.argmax(1))


@pytest.mark.parametrize(
    "name, init, ufunc",
    [("bitwise_and", -1, np.bitwise_and), ("bitwise_or", 0, np.bitwise_or), ("bitwise_xor", 0, np.bitwise_xor),
     ("max", np.iinfo(np.int64).min, np.maximum), ("mul", 1, np.multiply)],
)  # fmt: skip
def test_known_reductions_are_primitives(name: str, init: int, ufunc: np.ufunc) -> None:
    x = RNG.integers(0, 9, (3, 4))
    out = lax.reduce(x, init, getattr(lax, name), (1,))
    np.testing.assert_array_equal(np.asarray(out), ufunc.reduce(x, axis=1))
    program = gradcli.make_jaxpr(lambda v: lax.reduce(v, init, getattr(lax, name), (1,)))(x)
    assert len(program.eqns) == 1 and program.eqns[0].primitive.name.startswith("reduce_")


@pytest.mark.parametrize("select", [ge, le])
@pytest.mark.parametrize("dilation", [(1, 1), (1, 2)])
def test_selection_is_a_pair_of_transposes(select: Any, dilation: Any) -> None:
    from gradcli.engine.ops.define import REGISTRY

    x = RNG.normal(size=(4, 5))
    params = {"select_prim": REGISTRY[select.__name__], "window_dimensions": (2, 2), "window_strides": (1, 2),
              "padding": ((0, 1), (1, 0)), "window_dilation": dilation}  # fmt: skip
    gather = lambda t: select_and_gather_add(t, x, base_dilation=(1, 1), **params)  # noqa: E731
    check_operation(gather, (RNG.normal(size=(4, 5)),))
    shape = gather(x).shape
    check_operation(lambda t: select_and_scatter_add(t, x, **params), (RNG.normal(size=shape),))


def test_a_tie_goes_to_the_first() -> None:
    g = gradcli.grad(lambda v: lax.reduce_window(v, -np.inf, lax.max, (3,), (3,)).sum())(np.array([1.0, 2.0, 2.0]))
    np.testing.assert_array_equal(np.asarray(g), [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: lax.reduce(x, (0.0, 1.0), odd, (0,)),
        lambda x: lax.reduce(x, 0.0, lambda a, b: (a, b), (0,)),
        lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 2)),
        lambda x: lax.reduce_window(x, 0.0, lax.add, (0,)),
        lambda x: lax.reduce(x, np.zeros(2), odd, (0,)),
    ],
)
def test_errors(call: Any) -> None:
    with pytest.raises(TypeError):
        call(np.ones(3))
