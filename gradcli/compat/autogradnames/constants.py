"""Functions of ``autograd.numpy`` whose results are plain values: what has no derivative is not boxed there.

Where a value is not known (under vmap) they are traced as others are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.compat.autogradnames.operators import MODE
from gradcli.compat.functions import TRACED, function, scan_all
from gradcli.engine.array import Array
from gradcli.engine.trace.tracer import Tracer, value_of

NAMES = frozenset(
    """
    all allclose any argmax argmin argpartition argsort argwhere around array_equal array_equiv ceil count_nonzero equal
    fix flatnonzero floor floor_divide greater greater_equal isclose isfinite isinf isnan isneginf isposinf iscomplex
    isreal less less_equal logical_and logical_not logical_or logical_xor nonzero not_equal ones_like rint round
    searchsorted sign trunc zeros_like
    """.split()
)


def unboxed(name: str) -> Callable[..., Any]:
    """NumPy's function of that name on the values of this run; the decision is noted."""
    traced, real = function(name), getattr(np, name)

    @functools.wraps(real, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        if not MODE.tracing or scan_all(args, kwargs) != TRACED:
            return traced(*args, **kwargs)
        seen: list[Tracer] = []
        values, options = _values(args, seen), _values(list(kwargs.values()), seen)
        if values is None or options is None:
            return traced(*args, **kwargs)
        out = real(*values, **dict(zip(kwargs, options, strict=True)))
        for tracer in seen:
            tracer.trace.note(tracer, value_of(tracer))
        return out

    return run


def _values(items: Sequence[Any], seen: list[Tracer]) -> Any:
    """The arguments as NumPy's values, or None where one is unknown."""
    out: list[Any] = []
    for x in items:
        if isinstance(x, Tracer):
            found = value_of(x)
            seen.append(x)
        elif isinstance(x, (list, tuple)):
            found = _values(x, seen)
        else:
            out.append(x.value if isinstance(x, Array) else x)
            continue
        if found is None:
            return None
        out.append(found)
    return type(items)(out) if isinstance(items, (list, tuple)) and not hasattr(items, "_fields") else out
