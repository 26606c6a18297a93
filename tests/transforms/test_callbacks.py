"""Callbacks and printing: when, how often and with which values Python is called, under every transformation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli import debug, lax
from gradcli.engine.callbacks import io_callback, pure_callback

SCALAR = gradcli.ShapeDtypeStruct((), np.float64)


def square(seen: list[Any], x: Any) -> Any:
    debug.callback(lambda v: seen.append(float(v)), x)
    return x**2


# what is run with the function, the result, and the values that the callback sees
RUNS: dict[str, tuple[Callable[[Any], Any], Any, list[float]]] = {
    "eager": (lambda f: f(2.0), 4.0, [2.0]),
    "jit": (lambda f: gradcli.jit(f)(2.0), 4.0, [2.0]),
    "grad": (lambda f: gradcli.grad(f)(2.0), 4.0, [2.0]),
    "jit of grad": (lambda f: gradcli.jit(gradcli.grad(f))(2.0), 4.0, [2.0]),
    "jvp": (lambda f: gradcli.jvp(f, (2.0,), (1.0,))[1], 4.0, [2.0]),
    "second derivative": (lambda f: gradcli.grad(gradcli.grad(f))(2.0), 2.0, [2.0]),
    "vmap": (lambda f: gradcli.vmap(f)(np.array([1.0, 2.0])), [1.0, 4.0], [1.0, 2.0]),
    "vmap of grad": (lambda f: gradcli.vmap(gradcli.grad(f))(np.array([1.0, 2.0])), [2.0, 4.0], [1.0, 2.0]),
    "scan": (lambda f: lax.scan(lambda c, _: (f(c), None), 2.0, None, 2)[0], 16.0, [2.0, 4.0]),
    "grad of scan": (lambda f: gradcli.grad(lambda y: lax.scan(lambda c, _: (f(c), None), y, None, 2)[0])(2.0), 32.0,
                     [2.0, 4.0]),
    "cond": (lambda f: lax.cond(True, f, lambda x: x, 2.0), 4.0, [2.0]),
    "cond not taken": (lambda f: lax.cond(False, f, lambda x: x, 2.0), 2.0, []),
    "a loop whose result is not used": (
        lambda f: gradcli.jit(lambda x: (lax.fori_loop(0, 2, lambda i, c: f(c), x), x)[1])(2.0), 2.0, [2.0, 4.0]),
    "checkpoint": (lambda f: gradcli.jit(gradcli.checkpoint(f))(2.0), 4.0, [2.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_when_the_callback_runs(name: str) -> None:
    run, result, expected = RUNS[name]
    seen: list[Any] = []
    found = run(lambda x: square(seen, x))
    np.testing.assert_allclose(np.asarray(found), result)
    assert seen == expected


def test_print(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        debug.print("x = {}, {name}: {y:.2f}", x, name="sine", y=gnp.sin(x))
        return x

    gradcli.vmap(f)(np.arange(2.0))
    gradcli.jit(lambda x: debug.print("array {}", x))(np.arange(3))
    assert capsys.readouterr().out == "x = 0.0, sine: 0.00\nx = 1.0, sine: 0.84\narray [0 1 2]\n"


@pytest.mark.parametrize("call", [lambda: debug.print("{}", 1.0, 2.0), lambda: debug.print("x", x=1.0),
                                  lambda: debug.callback(3)])  # fmt: skip
def test_errors_while_debugging(call: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        call()
    debug.print("{}", "unused", "too", skip_format_check=True)


# --- pure_callback ------------------------------------------------------------------------------------------------


def host(calls: list[Any], x: Any, y: Any) -> Any:
    calls.append((np.shape(x), np.shape(y)))
    return np.asarray(x * y + 1)


@pytest.mark.parametrize(
    "method, shapes",
    [("sequential", [((), ())] * 3), ("expand_dims", [((3,), (1,))]), ("broadcast_all", [((3,), (3,))]),
     ("sequential_unrolled", [((), ())] * 3)],
)  # fmt: skip
def test_pure_callback_under_vmap(method: str, shapes: Any) -> None:
    calls: list[Any] = []

    def f(x: Any, y: Any) -> Any:
        return pure_callback(lambda a, b: host(calls, a, b), SCALAR, x, y, vmap_method=method)

    out = gradcli.vmap(f, (0, None))(np.arange(3.0), 2.0)
    np.testing.assert_array_equal(np.asarray(out), [1.0, 3.0, 5.0])
    assert calls == shapes
    assert float(gradcli.jit(f)(2.0, 3.0)) == 7.0


def test_pure_callback_with_a_rule_of_its_own() -> None:
    @gradcli.custom_jvp
    def f(x: Any) -> Any:
        return pure_callback(np.sinh, SCALAR, x, vmap_method="expand_dims")

    f.defjvp(lambda p, t: (f(*p), t[0] * gnp.cosh(p[0])))
    gradcli.check_grads(f, (0.3,), 1)
    np.testing.assert_allclose(
        np.asarray(gradcli.vmap(gradcli.grad(f))(np.array([0.1, 0.2]))), np.cosh([0.1, 0.2]), rtol=1e-14
    )


def test_results_are_trees_and_keywords_are_passed() -> None:
    out = pure_callback(
        lambda x, *, scale: {"a": x * scale, "b": (np.float32(1.5),)},
        {"a": gradcli.ShapeDtypeStruct((2,), np.float64), "b": (gradcli.ShapeDtypeStruct((), np.float32),)},
        np.ones(2), scale=2.0,
    )  # fmt: skip
    np.testing.assert_array_equal(np.asarray(out["a"]), [2.0, 2.0])
    assert out["b"][0].dtype == np.float32


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: gradcli.grad(lambda x: pure_callback(np.sin, SCALAR, x))(1.0), NotImplementedError),
        (lambda: gradcli.vmap(lambda x: pure_callback(np.sin, SCALAR, x))(np.ones(2)), NotImplementedError),
        (lambda: pure_callback(lambda x: np.ones(2), SCALAR, 1.0), ValueError),
        (lambda: pure_callback(lambda x: (x, x), SCALAR, 1.0), ValueError),
        (lambda: pure_callback(np.sin, SCALAR, 1.0, vmap_method="all"), ValueError),
        (lambda: gradcli.vmap(lambda x: io_callback(np.sin, SCALAR, x, ordered=True))(np.ones(2)),
         NotImplementedError),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_io_callback_runs_even_where_nothing_reads_it() -> None:
    seen: list[float] = []

    def note(x: Any) -> Any:
        seen.append(float(x))
        return np.float64(len(seen))

    def f(x: Any) -> Any:
        io_callback(note, SCALAR, x)
        return 2 * x

    assert float(gradcli.jit(f)(3.0)) == 6.0 and seen == [3.0]
    assert np.asarray(gradcli.vmap(lambda x: io_callback(note, SCALAR, x))(np.arange(2.0))).tolist() == [2.0, 3.0]
    assert float(gradcli.jit(lambda x: io_callback(note, SCALAR, x, ordered=True))(5.0)) == 4.0
