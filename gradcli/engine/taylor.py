"""``taylor`` and ``jet``: derivatives of high order in polynomial time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.autodiff import flat_values, program_of
from gradcli.engine.custom import as_value
from gradcli.engine.errors import fail
from gradcli.engine.ops.elementwise import mul
from gradcli.engine.ops.shape import zeros
from gradcli.engine.transforms.jet import derivatives, jet_values
from gradcli.engine.tree import tree_unflatten


def taylor(fun: Callable[..., Any], primals: Sequence[Any], direction: Sequence[Any], order: int) -> list[Any]:
    """Derivatives 0 … ``order`` of ``fun(*primals + t * direction)`` in t at 0, each a tree like the result.

    >>> [float(d) for d in taylor(lambda x: x * x * x, (2.0,), (1.0,), 4)]
    [8.0, 12.0, 12.0, 6.0, 0.0]
    """
    if order < 0:
        raise fail("G206", f"the order of a derivative cannot be {order}", cls=ValueError)
    jaxpr, leaves, in_tree, out_tree = program_of(fun, primals)
    dots, dot_tree = flat_values(tuple(direction))
    if dot_tree != in_tree:
        raise fail("G210", f"the direction's structure {dot_tree} is not that of the primals, {in_tree}", cls=TypeError)
    moving = [d if x.type.is_float else None for d, x in zip(dots, leaves, strict=True)]
    found = derivatives(jaxpr, leaves, moving, order)
    return [tree_unflatten(out_tree, [as_value(series[k]) for series in found]) for k in range(order + 1)]


def jet(
    fun: Callable[..., Any], primals: Sequence[Any], series: Sequence[Sequence[Any]], factorial_scaled: bool = True,
    **options: Any,
) -> tuple[Any, list[Any]]:  # fmt: skip
    """JAX's ``jet``: ``series[i]`` holds the derivatives 1 … n of argument i; returns value and derivatives 1 … n.

    factorial_scaled=False: Taylor coefficients, derivatives over factorials, are given and returned instead.
    Raises TypeError (G210) where arguments and series differ in number or length.

    >>> value, terms = jet(lambda x: x * x, (3.0,), ([1.0, 0.0],))
    >>> print(value, [float(t) for t in terms])
    9.0 [6.0, 2.0]
    """
    jaxpr, leaves, _, out_tree = program_of(fun, primals)
    lengths = {len(terms) for terms in series}
    if len(series) != len(leaves) or len(lengths) != 1:
        raise fail("G210", f"jet needs one series of one length for each of {len(leaves)} arguments", cls=TypeError)
    order = lengths.pop()
    factors = [math.factorial(k) if factorial_scaled else 1 for k in range(order + 1)]
    inputs = [
        [x, *(mul(as_value(c), x.dtype.type(1 / factors[k])) for k, c in enumerate(terms, start=1))]
        for x, terms in zip(leaves, series, strict=True)
    ]
    found = jet_values(jaxpr, inputs, order)
    out = tree_unflatten(out_tree, [as_value(s[0]) for s in found])
    terms = [tree_unflatten(out_tree, [_term(s, k, factors[k]) for s in found]) for k in range(1, order + 1)]
    return out, terms


def _term(series: list[Any], k: int, factor: int) -> Any:
    t = type_of(series[0])
    return as_value(zeros(t) if series[k] is None else mul(series[k], t.dtype.type(factor)))
