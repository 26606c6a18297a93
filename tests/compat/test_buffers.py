"""Arrays that are changed in place, against NumPy: views, masks, index arrays, broadcasting, ``out=``, dtypes."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.compat.boxes import boxed, boxes, unboxed
from gradcli.compat.plain import numpy_module
from gradcli.engine.api import grad, vjp
from gradcli.engine.array import raw

onp = numpy_module()
X = np.array([0.3, -0.7, 1.2, 0.45])


def traced(f: Any) -> Any:
    """A function of (np, x) as one of the engine's, run as a plain file's is."""

    def run(x: Any) -> Any:
        with boxes(True):
            return unboxed(f(onp, boxed(x)))

    return run


# --- random programs --------------------------------------------------------------------------------------------------

INDICES: list[Any] = [
    0, -1, 1, slice(None), slice(1, None), slice(None, None, -1), slice(0, None, 2), slice(-2, None), ...,
    (0, 0), (-1, slice(None)), (slice(None), 1), (slice(1, None), slice(None, 2)), (slice(None), None),
    (..., 0), np.array([0, 1, 0]), (np.array([1, 0]), np.array([0, 1])), "mask", (slice(None), np.array([1, 0])),
]  # fmt: skip
VIEWS: list[Any] = [
    lambda a: a.T, lambda a: a.reshape(-1), lambda a: a.ravel(), lambda a: a[1:], lambda a: a[::-1],
    lambda a: a[..., ::2], lambda a: a[0] if a.ndim > 1 else a, lambda a: a[:, None] if a.ndim else a,
    lambda a: a.swapaxes(0, -1), lambda a: a.reshape(2, -1), lambda a: a.T.reshape(-1), lambda a: a.copy(),
    lambda a: a[..., 1:], lambda a: a.squeeze(), lambda a: a * 0.5, lambda a: -a, lambda a: a.copy("F"),
    lambda a: copy.copy(a), lambda a: a.astype(float), lambda a: a.reshape(-1, order="F"), lambda a: a.T - a[..., :1].T,
]  # fmt: skip
step = st.one_of(
    st.tuples(st.just("view"), st.integers(0, 3), st.sampled_from(range(len(VIEWS)))),
    st.tuples(st.just("set"), st.integers(0, 3), st.sampled_from(range(len(INDICES))), st.integers(0, 4)),
    st.tuples(st.just("add"), st.integers(0, 3), st.sampled_from(range(len(INDICES))), st.integers(0, 4)),
    st.tuples(st.just("whole"), st.integers(0, 3), st.integers(0, 4)),
    st.tuples(st.just("copy"), st.integers(0, 3), st.sampled_from(range(len(INDICES))), st.integers(0, 3)),
)


def perform(np_: Any, x: Any, shape: tuple[int, ...], steps: Any) -> Any:
    """A random program; a step that NumPy refuses is left out in both."""
    arrays = [np_.zeros(shape), np_.arange(float(np.prod(shape))).reshape(shape), x * 2.0]
    for kind, which, *rest in steps:
        a = arrays[which % len(arrays)]
        try:
            if kind == "view":
                arrays.append(VIEWS[rest[0]](a))
                continue
            if kind == "whole":
                a *= 1.5 if rest[0] == 4 else x[rest[0]]
                continue
            index = INDICES[rest[0]]
            index = (a > 0.5) if isinstance(index, str) else index
            if kind == "copy":
                a[index] = arrays[rest[1] % len(arrays)][index]
            elif kind == "set":
                a[index] = 7.0 if rest[1] == 4 else x[rest[1]]
            else:
                a[index] += 1.0 if rest[1] == 4 else x[rest[1]]
        except (IndexError, ValueError):
            continue
    return arrays


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from([(4,), (2, 3), (3, 2, 2), (1, 4)]), st.lists(step, min_size=2, max_size=9))
def test_random_programs_do_what_numpy_does(shape: tuple[int, ...], steps: Any) -> None:
    def total(np_: Any, x: Any) -> Any:
        arrays = perform(np_, x, shape, steps)
        return sum(np.sum(a * np.sqrt(np.arange(1.0, a.size + 1)).reshape(a.shape)) for a in arrays)

    expected = perform(np, np.array(X), shape, steps)
    outputs = vjp(traced(lambda np_, x: tuple(perform(np_, x, shape, steps))), X)[0]
    assert len(outputs) == len(expected)
    for got, want in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(raw(got), want, rtol=1e-13)
    slope = raw(grad(traced(total))(X))
    for i in range(4):
        h = 1e-6 * np.eye(4)[i]
        np.testing.assert_allclose(slope[i], (total(np, X + h) - total(np, X - h)) / 2e-6, rtol=1e-5, atol=1e-6)
