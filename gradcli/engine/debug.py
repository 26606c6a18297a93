"""Where a nan (or an infinity) comes from: a program run equation by equation, each result looked at."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, raw
from gradcli.engine.autodiff import Function, flat_values, name_of
from gradcli.engine.control.common import split_list, trace_tree
from gradcli.engine.custom import as_value
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.trace.nans import bad_value, is_bad
from gradcli.engine.transforms.narrow import computed
from gradcli.engine.tree import tree_unflatten

Test = Callable[[Any], bool]


def _bad(infs: bool) -> Test:
    return lambda value: is_bad(value, infs)


def run_checked(jaxpr: Jaxpr, args: Sequence[Any], bad: Test) -> list[Any]:
    """Runs a program on NumPy values, and the programs inside of it; raises at the first result that is ``bad``."""
    env: dict[Any, Any] = {v: raw(c) for v, c in zip(jaxpr.constvars, jaxpr.consts, strict=True)}
    env.update(zip(jaxpr.inputs, args, strict=True))
    for eqn in jaxpr.eqns:
        values = [a.value if a.is_literal else env[a] for a in eqn.inputs]  # type: ignore[union-attr]
        inner = _INNER.get(eqn.primitive.name)
        if inner is not None:
            outs = inner(values, bad, eqn.params)
        else:
            with np.errstate(all="ignore"):
                out = computed(eqn, values)
            outs = list(out) if eqn.primitive.multiple else [out]
            for value in outs:
                if bad(value):
                    raise bad_value(eqn.primitive.name, values, value, eqn.source)
        env.update(zip(eqn.outputs, outs, strict=True))
    return [a.value if a.is_literal else env[a] for a in jaxpr.outputs]  # type: ignore[union-attr]


def _call(values: list[Any], bad: Test, params: dict[str, Any]) -> list[Any]:
    return run_checked(params["jaxpr"] if "jaxpr" in params else params["call_jaxpr"], values, bad)


def _cond(values: list[Any], bad: Test, params: dict[str, Any]) -> list[Any]:
    branches = params["branches"]
    return run_checked(branches[max(0, min(int(values[0]), len(branches) - 1))], values[1:], bad)


def _while(values: list[Any], bad: Test, params: dict[str, Any]) -> list[Any]:
    test, body, carry = split_list(values, params["cond_nconsts"], params["body_nconsts"])
    while bool(run_checked(params["cond_jaxpr"], [*test, *carry], bad)[0]):
        carry = run_checked(params["body_jaxpr"], [*body, *carry], bad)
    return carry


def _scan(values: list[Any], bad: Test, params: dict[str, Any]) -> list[Any]:
    n, length = params["num_carry"], params["length"]
    consts, carry, xs = split_list(values, params["num_consts"], n)
    types = params["jaxpr"].out_types[n:]
    ys = [np.empty((length, *t.shape), t.dtype) for t in types]
    for i in reversed(range(length)) if params["reverse"] else range(length):
        out = run_checked(params["jaxpr"], [*consts, *carry, *(x[i] for x in xs)], bad)
        carry = out[:n]
        for y, value in zip(ys, out[n:], strict=True):
            y[i] = value
    return [*carry, *ys]


_INNER: dict[str, Callable[[list[Any], Test, dict[str, Any]], list[Any]]] = {
    "jit": _call, "remat2": _call, "custom_jvp_call": _call, "custom_vjp_call": _call, "cond": _cond, "while": _while,
    "scan": _scan,
}  # fmt: skip


def check_nans(fun: Function, infs: bool = False) -> Function:
    """``fun``, which raises FloatingPointError as soon as an operation gives nan (or, if asked, an infinity).

    The message names the operation, its operands where they are scalars, and the line of the user's code that it comes
    from; around a derivative, that is the line whose derivative goes wrong. Slower than the function itself.

    >>> from gradcli import grad
    >>> from gradcli.numpy import sqrt
    >>> check_nans(grad(lambda x: sqrt(x) * 0.0), infs=True)(0.0)
    Traceback (most recent call last):
        ...
    FloatingPointError: invalid value (inf) encountered in div of 0.5, 0.0 at ...
    """

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        leaves, tree = flat_values((args, kwargs))
        jaxpr, out_tree = trace_tree(
            lambda a, k: fun(*a, **k), tree, [x.type for x in leaves], name_of(fun), leaves
        )
        values = run_checked(jaxpr, [raw(x) for x in leaves], _bad(infs))
        outs = [as_value(Array(v, o.type)) for v, o in zip(values, jaxpr.outputs, strict=True)]
        return tree_unflatten(out_tree, outs)

    return run
