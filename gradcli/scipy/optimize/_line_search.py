"""A step length that satisfies the strong Wolfe conditions (Nocedal and Wright, Algorithms 3.5 and 3.6).

One loop does both: while the step grows until it brackets a good one, and while the bracket shrinks, each time round
takes one value and gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gradcli.engine.control.loop import while_loop
from gradcli.engine.ir.bfloat16 import finfo
from gradcli.numpy import abs, asarray, isfinite, maximum, minimum, sqrt, where

DECREASE, CURVATURE = 1e-4, 0.9
ZOOM = 30  # evaluations inside of the bracket


class Point(NamedTuple):
    """A step length, the function's value there, its slope along the direction, and its gradient."""

    a: Any
    f: Any
    slope: Any
    g: Any


class Found(NamedTuple):
    """The step length, value and gradient there; whether it is a good one, or the limit was reached; evaluations."""

    a: Any
    f: Any
    g: Any
    done: Any
    limit: Any
    calls: Any


class _Search(NamedTuple):
    low: Point  # the best so far; before the bracket is found, the last
    high: Point
    next: Any
    bracketed: Any
    done: Any
    calls: Any
    inside: Any


def line_search(
    slope: Callable[[Any], tuple[Any, Any]], x: Any, direction: Any, f: Any, g: Any, first: Any, limit: int
) -> Found:
    """Along ``direction`` from ``x``, where the value is ``f`` and the gradient ``g``; ``first`` is tried first.

    limit: how many steps may be tried until a bracket is found.
    """
    descent = direction @ g
    start = Point(asarray(0.0, dtype=x.dtype), f, descent, g)

    def evaluate(a: Any) -> Point:
        value, gradient = slope(x + a * direction)
        return Point(a, value, direction @ gradient, gradient)

    def step(s: _Search) -> _Search:
        s = _nested(s)
        new = evaluate(s.next)
        later = s.bracketed | (s.calls > 0)
        high = (new.f > f + DECREASE * new.a * descent) | ((new.f >= s.low.f) & later) | ~isfinite(new.f)
        good = ~high & (abs(new.slope) <= -CURVATURE * descent)
        toward = where(s.bracketed, new.slope * (s.high.a - s.low.a), new.slope) >= 0
        upper = _choose(high, new, _choose(toward, s.low, s.high))
        lower = _choose(high, s.low, new)
        bracketed = s.bracketed | high | toward
        following = where(bracketed, _between(lower, upper), 2 * new.a)
        return _Search(lower, upper, following, bracketed, good, s.calls + 1, s.inside + bracketed)

    def going_on(s: _Search) -> Any:
        s = _nested(s)
        width = abs(s.high.a - s.low.a)
        wide = ~s.bracketed | (width > 4 * float(_eps(x)) * maximum(abs(s.high.a), abs(s.low.a)))
        return ~s.done & wide & (s.inside < ZOOM) & (s.bracketed | (s.calls < limit))

    none, zero = asarray(False), asarray(0)
    first = asarray(first, dtype=x.dtype)
    end = _nested(while_loop(going_on, step, _Search(start, start, first, none, none, zero, zero)))
    return Found(end.low.a, end.low.f, end.low.g, end.done, ~end.done & ~end.bracketed, end.calls)


def _nested(s: Any) -> _Search:
    low, high, *rest = s
    return _Search(Point(*low), Point(*high), *rest)


def _eps(x: Any) -> Any:
    return finfo(x.dtype).eps


def _choose(condition: Any, one: Point, other: Point) -> Point:
    return Point(*(where(condition, a, b) for a, b in zip(one, other, strict=True)))


def _between(low: Point, high: Point) -> Any:
    """The minimum of the cubic through both ends (Nocedal and Wright, 3.59), or the middle if it is near an end."""
    width = high.a - low.a
    safe = where(width == 0, 1, width)
    d = low.slope + high.slope - 3 * (high.f - low.f) / safe
    inner = d * d - low.slope * high.slope
    root = sqrt(where(inner > 0, inner, 1)) * where(width < 0, -1.0, 1.0)
    bottom = high.slope - low.slope + 2 * root
    cubic = high.a - width * (high.slope + root - d) / where(bottom == 0, 1, bottom)
    near, far = minimum(low.a, high.a) + 0.1 * abs(width), maximum(low.a, high.a) - 0.1 * abs(width)
    usable = (inner > 0) & (bottom != 0) & (cubic > near) & (cubic < far)
    return where(usable, cubic, low.a + 0.5 * width)
