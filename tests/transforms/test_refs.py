"""Refs where JAX has no answer to compare with: gradients of refs, what is traced again, and what is not supported.

What JAX does as well is in ``tests/compat_names/programs/jax/refs.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli
from gradcli import numpy as gnp
from gradcli.engine.pullback import DontWant
from gradcli.engine.refs import Ref


def _squared(ref: Any) -> Any:
    return ref[...] ** 2


def _changed_first(ref: Any) -> Any:
    ref[...] = gnp.sin(ref[...])
    return ref[...] ** 2


@pytest.mark.parametrize(
    ("f", "held", "expected"), [(_squared, 2.0, 4.0), (_changed_first, np.sin(2.0), 2 * np.sin(2.0) * np.cos(2.0))]
)
@pytest.mark.parametrize("before", [0.0, 100.0])
def test_the_gradient_of_a_ref_is_added_to_a_ref(f: Any, held: float, expected: float, before: float) -> None:
    ref, gradient = gradcli.new_ref(2.0), gradcli.new_ref(before)
    _, pull = gradcli.vjp(f, ref)
    assert float(ref[...]) == pytest.approx(held)
    pull.with_refs(gradient)(1.0)
    assert float(gradient[...]) == pytest.approx(before + expected)
    with pytest.raises(ValueError, match="accumulated into a ref"):
        pull(1.0)


def test_containers_of_refs() -> None:
    params = {"w": gradcli.new_ref(np.ones(3)), "b": gradcli.new_ref(2.0)}
    _, pull = gradcli.vjp(lambda p, x: (p["w"][...] * x).sum() * p["b"][...], params, np.arange(3.0))
    grads = {"w": gradcli.new_ref(np.zeros(3)), "b": gradcli.new_ref(0.0)}
    pull.with_refs(grads, DontWant())(1.0)
    np.testing.assert_allclose(grads["w"][...], [0.0, 2.0, 4.0])
    assert float(grads["b"][...]) == 3.0


def test_a_compiled_function_of_a_ref_is_traced_once_for_all_refs_of_a_type() -> None:
    traced: list[Any] = []

    @gradcli.jit
    def add(ref: Any, x: Any) -> None:
        traced.append(ref)
        ref[...] += x

    for start in (0.0, 5.0):
        ref = gradcli.new_ref(np.float64(start))
        add(ref, 2.0)
        assert float(ref[...]) == start + 2.0
    assert len(traced) == 1


def test_static_arguments_beside_refs() -> None:
    total = gradcli.new_ref(np.zeros(2))

    @gradcli.jit(static_argnums=1)
    def add(x: Any, times: int) -> Any:
        for _ in range(times):
            total[...] += x
        return total[0]

    assert [float(add(1.0, n)) for n in (1, 2, 1)] == [1.0, 3.0, 4.0]


def test_a_ref_that_outlives_its_trace_is_refused() -> None:
    kept: list[Ref] = []

    def f(x: Any) -> Any:
        kept.append(gradcli.new_ref(x))
        return x

    gradcli.jit(f)(1.0)
    with pytest.raises(RuntimeError, match="trace that it was made in had ended"):
        kept[0][...]


def test_writes_that_cannot_be_passed_on_are_refused() -> None:
    ref = gradcli.new_ref(0.0)

    def f(x: Any) -> Any:
        ref[...] = 1.0
        return x

    with pytest.raises(ValueError, match="cannot be passed on"):
        gradcli.checkpoint(f)(1.0)


def test_the_values_of_refs_steer_python_where_they_are_known() -> None:
    limit = gradcli.new_ref(3.0)

    def f(x: Any) -> Any:
        return x * x if limit[...] > 2.0 else x

    assert float(gradcli.grad(f)(5.0)) == 10.0
    limit[...] = 1.0
    assert float(gradcli.grad(f)(5.0)) == 1.0
