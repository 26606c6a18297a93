"""What the distributions share: operands, standardised variables, and functions made of logarithms of others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gradcli.engine.ir.types import promote_types, to_inexact
from gradcli.engine.ops.operators import inexact
from gradcli.numpy import asarray, exp, where

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
INF, NAN = math.inf, math.nan


def floats(*args: Any) -> list[Any]:
    """The operands as arrays of their common floating dtype."""
    return [asarray(x) for x in inexact(*args)]


def common_dtype(*args: Any) -> list[Any]:
    """The operands as arrays of their common floating dtype, their shapes as they are."""
    given = [asarray(x) for x in args]
    dtype = to_inexact(promote_types(*(x.type for x in given))[0])
    return [x.astype(dtype) for x in given]


def standard(x: Any, loc: Any, scale: Any, *more: Any) -> list[Any]:
    """``(x - loc) / scale``, the scale, and further parameters, in one dtype."""
    x, loc, scale, *more = floats(x, loc, scale, *more)  # type: ignore[assignment]
    return [(x - loc) / scale, scale, *more]


def only_where(inside: Any, x: Any, harmless: float) -> Any:
    """``x``, or a value at which what follows is finite: a branch not taken must not spoil derivatives with nan."""
    return where(inside, x, x.dtype.type(harmless))


def exp_of(log: Callable[..., Any], name: str, what: str) -> Callable[..., Any]:
    """The function whose logarithm is ``log``, with its parameters."""

    def function(*args: Any, **params: Any) -> Any:
        return exp(log(*args, **params))

    function.__name__ = function.__qualname__ = name
    function.__module__ = log.__module__
    function.__doc__ = what
    function.__dict__["__wrapped__"] = log  # shows the parameters
    return function


def density(log: Callable[..., Any]) -> Callable[..., Any]:
    """The density of its logarithm."""
    return exp_of(log, "pdf", "The probability density.")


def mass(log: Callable[..., Any]) -> Callable[..., Any]:
    """The probabilities of their logarithms."""
    return exp_of(log, "pmf", "The probability of each value.")


def unit_interval(q: Any, value: Any) -> Any:
    """``value`` for a probability ``q``, nan for what is none."""
    return where((q >= 0) & (q <= 1), value, NAN)
