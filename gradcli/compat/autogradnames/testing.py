"""``autograd.test_util``: derivatives against differences, along random directions, to any order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.compat.autogradnames.operators import jvp_of, unary_to_nary, vjp_of
from gradcli.compat.autogradnames.values import getval
from gradcli.compat.autogradnames.vspace import vspace

Function = Callable[..., Any]
TOL = RTOL = EPS = 1e-6


def scalar_close(a: Any, b: Any) -> bool:
    """Whether two numbers differ by little, absolutely or relatively."""
    return bool(abs(a - b) < TOL or abs(a - b) / abs(a + b) < RTOL)


def _numerical_jvp(f: Function, x: Any) -> Function:
    xs, ys = vspace(x), vspace(f(x))

    def jvp(v: Any) -> Any:
        up, down = (f(xs.add(x, xs.scalar_mul(v, sign * EPS / 2))) for sign in (1, -1))
        return ys.scalar_mul(ys.add(up, ys.scalar_mul(down, -1.0)), 1.0 / EPS)

    return jvp


def check_vjp(f: Function, x: Any) -> None:
    """Raises AssertionError where the vector-Jacobian product is not that of differences."""
    vjp, y = vjp_of(f, x)
    xs, ys = vspace(x), vspace(y)
    v, w = xs.randn(), ys.randn()
    found = xs.covector(vjp(ys.covector(w)))
    assert vspace(found) == xs, f"the VJP of {_name(f)} has another shape than its argument: {found}"
    exact, numeric = xs.inner_prod(v, found), ys.inner_prod(w, _numerical_jvp(f, x)(v))
    assert scalar_close(numeric, exact), (
        f"Derivative (VJP) check of {_name(f)} failed with arg {x}:\nanalytic: {exact}\nnumeric:  {numeric}"
    )


def check_jvp(f: Function, x: Any) -> None:
    """Raises AssertionError where the Jacobian-vector product is not that of differences."""
    v = vspace(x).randn()
    check_equivalent(jvp_of(f, x)(v)[1], _numerical_jvp(f, x)(v))


def check_equivalent(x: Any, y: Any) -> None:
    """Raises AssertionError where two values differ in structure, or along a random direction."""
    xs, ys = vspace(x), vspace(y)
    assert xs == ys, f"VSpace mismatch:\nx: {xs}\ny: {ys}"
    v = xs.randn()
    assert scalar_close(xs.inner_prod(x, v), ys.inner_prod(y, v)), f"Value mismatch:\nx: {x}\ny: {y}"


def _name(f: Function) -> str:
    return getattr(f, "__name__", "[unknown name]")


def _named(name: str, f: Function) -> Function:
    f.__name__ = name
    return f


@unary_to_nary
def check_grads(f: Function, x: Any, modes: Sequence[str] = ("fwd", "rev"), order: int = 2) -> None:
    """Checks derivatives up to ``order`` in both modes."""
    if not all(m in ("fwd", "rev") for m in modes):
        raise ValueError(f"modes are fwd and rev, not {modes}")
    if "fwd" in modes:
        check_jvp(f, x)
        if order > 1:
            pushed = _named(f"jvp_{_name(f)}", lambda x, v: jvp_of(f, x)(v)[1])
            check_grads(pushed, (0, 1), modes, order=order - 1)(x, vspace(x).randn())
    if "rev" in modes:
        check_vjp(f, x)
        if order > 1:
            w = vspace(getval(f(x))).randn()
            pulled = _named(f"vjp_{_name(f)}", lambda x, v: vjp_of(f, x)[0](v))
            check_grads(pulled, (0, 1), modes, order=order - 1)(x, w)


def combo_check(fun: Function, *check_args: Any, **check_kwargs: Any) -> Function:
    """``combo_check(f)(list, list, key=list)``: checks every combination of arguments."""

    def check(*args: Any, **kwargs: Any) -> None:
        choices = [[(k, x) for x in xs] for k, xs in kwargs.items()]
        for chosen in itertools.product(*args):
            for named in itertools.product(*choices):
                check_grads(fun, *check_args, **check_kwargs)(*chosen, **dict(named))

    return check
