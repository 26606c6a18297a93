"""What every operation has to satisfy, in one function: the table tests call it with a row's function and arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.api import jvp, make_jaxpr, vjp, vmap
from gradcli.engine.array import raw
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.check import check_jaxpr
from gradcli.engine.numeric import check_grads

Function = Callable[..., Any]


def numpy_of(x: Any) -> Any:
    return np.asarray(raw(x))


def is_inexact(x: Any) -> bool:
    return np.asarray(raw(x)).dtype.kind in "fc"


def random_like(x: Any, rng: np.random.Generator) -> Any:
    x = numpy_of(x)
    out = rng.uniform(0.5, 1.5, x.shape).astype(x.dtype)
    if x.dtype.kind == "c":
        out = out + 1j * rng.uniform(0.5, 1.5, x.shape).astype(x.dtype)
    return out


def check_program(f: Function, args: Sequence[Any]) -> None:
    """The traced program is well-formed and means the same as the function."""
    program = make_jaxpr(f)(*args)
    check_jaxpr(program)
    out = interpret(program, [numpy_of(a) for a in args])[0]
    np.testing.assert_array_equal(numpy_of(f(*args)), out)


def check_forward_reverse(f: Function, args: Sequence[Any], tol: float) -> None:
    """<ct, J t> = <J' ct, t> for random t and ct: forward and reverse mode are one map."""
    rng = np.random.default_rng(1)
    tangents = [random_like(a, rng) if is_inexact(a) else np.zeros(np.shape(a), np.asarray(a).dtype) for a in args]
    out, dot = jvp(f, tuple(args), tuple(tangents))
    _, pull = vjp(f, *args)
    ct = random_like(out, rng)
    found = pull(ct)
    forward = np.sum(ct * numpy_of(dot)).real  # maps such as abs and conj are linear over the reals only
    reverse = sum(np.sum(numpy_of(g) * t).real for g, t in zip(found, tangents, strict=True) if is_inexact(t))
    np.testing.assert_allclose(forward, reverse, rtol=tol, atol=tol)
    for g, a in zip(found, args, strict=True):
        if is_inexact(a):
            assert numpy_of(g).shape == np.shape(a) and numpy_of(g).dtype == np.asarray(a).dtype
    assert numpy_of(dot).dtype == numpy_of(out).dtype


def check_programs_of_derivatives(f: Function, args: Sequence[Any]) -> None:
    """What the transformations write is well-formed too."""
    tangents = tuple(np.ones(np.shape(a), np.asarray(a).dtype) for a in args)
    check_jaxpr(make_jaxpr(lambda *a: jvp(f, a, tangents))(*args))
    ct = np.ones_like(numpy_of(f(*args)))
    floats = [i for i, a in enumerate(args) if is_inexact(a)]
    check_jaxpr(make_jaxpr(lambda *a: [vjp(f, *a)[1](ct)[i] for i in floats])(*args))


def check_vmap(f: Function, args: Sequence[Any], size: int = 3) -> None:
    """vmap is a loop, over every argument by itself and over all of them, along the first and the last axis."""
    choices = [[i] for i in range(len(args))] + ([list(range(len(args)))] if len(args) > 1 else [])
    for chosen in choices:
        for last in (False, True):
            in_axes: list[int | None] = [None] * len(args)
            batched = list(args)
            for i in chosen:
                rows = np.stack([numpy_of(args[i]) * _factor(args[i], k) for k in range(size)])
                axis = rows.ndim - 1 if last else 0
                batched[i], in_axes[i] = np.moveaxis(rows, 0, axis), axis
            mapped = numpy_of(vmap(f, tuple(in_axes))(*batched))
            rows = [
                numpy_of(
                    f(*[np.take(a, k, axis=d) if d is not None else a for a, d in zip(batched, in_axes, strict=True)])
                )
                for k in range(size)
            ]
            np.testing.assert_allclose(mapped, np.stack(rows), rtol=1e-6, atol=1e-7)


def _factor(x: Any, k: int) -> Any:
    x = numpy_of(x)
    return x.dtype.type(1) if x.dtype.kind in "biu" else x.dtype.type(1 - k / 16)


def check_operation(f: Function, args: Sequence[Any], order: int = 2, modes: Sequence[str] = ("fwd", "rev")) -> None:
    """Everything above, and derivatives against differences."""
    check_program(f, args)
    double = all(np.asarray(a).dtype not in (np.float32, np.complex64) for a in args)
    if any(is_inexact(a) for a in args) and is_inexact(f(*args)):
        check_forward_reverse(f, args, 1e-9 if double else 1e-4)
        check_programs_of_derivatives(f, args)
        if all(np.asarray(a).dtype.kind != "c" for a in args) and double and order:
            check_grads(f, tuple(args), order, modes)
    check_vmap(f, args)
