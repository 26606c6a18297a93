"""Truncated power series: arithmetic and elementary functions on lists of Taylor coefficients.

A series is a list of Taylor coefficients ``c[k] = f^(k)(0) / k!``; a coefficient None is a zero. Products and quotients
are convolutions; a function y of x with y' = h x' has k y_k = sum over j of j x_j h_(k-j), where h is a series in x, or
in y itself, known as far as it is needed (A. Griewank and A. Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008,
table 13.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.ops.elementwise import add, cos, cosh, div, exp, log, mul, neg, sin, sinh, sqrt, sub
from gradcli.engine.ops.elementwise import pow as power
from gradcli.engine.ops.shape import zeros
from gradcli.engine.trace.tracer import bind

Series = list[Any]
Rule = Callable[..., Any]


# --- coefficients -----------------------------------------------------------------------------------------------------


def scale(x: Any, factor: float) -> Any:
    """A coefficient times a number."""
    return x if factor == 1 else mul(x, type_of(x).dtype.type(factor))


def plus(x: Any, y: Any) -> Any:
    """The sum of two coefficients."""
    return y if x is None else x if y is None else add(x, y)


def minus(x: Any, y: Any) -> Any:
    """The difference of two coefficients."""
    return x if y is None else scale(y, -1.0) if x is None else sub(x, y)


def times(x: Any, y: Any) -> Any:
    """The product of two coefficients."""
    return None if x is None or y is None else mul(x, y)


def over(x: Any, y: Any) -> Any:
    """The quotient of two coefficients, the second of which is no zero."""
    return None if x is None else div(x, y)


def constant(x: Any, order: int) -> Series:
    """The series of a value that stands still."""
    return [x, *[None] * order]


def moves(x: Series) -> bool:
    """Whether any coefficient behind the first is there."""
    return any(c is not None for c in x[1:])


def slope(x: Series) -> Series:
    """The series of the derivative: one coefficient shorter, its head written out."""
    out = [None if c is None else scale(c, k) for k, c in enumerate(x[1:], start=1)]
    return [zeros(type_of(x[0]).strong()) if out[0] is None else out[0], *out[1:]]


def convolve(x: Series, y: Series, k: int, first: int = 0, last: int | None = None, weight: bool = False) -> Any:
    """The sum of x[j] y[k-j] for j from ``first`` to ``last``, each weighted by j if asked."""
    total = None
    for j in range(first, (k if last is None else last) + 1):
        term = times(x[j], y[k - j])
        total = plus(total, scale(term, j) if weight and term is not None else term)
    return total


def shifted(x: Series, number: float, factor: float = 1.0) -> Series:
    """``factor * x + number``."""
    scaled = [None if c is None else scale(c, factor) for c in x]
    return [add(scaled[0], type_of(x[0]).dtype.type(number)), *scaled[1:]]


def negated(x: Series) -> Series:
    """``-x``."""
    return [None if c is None else neg(c) for c in x]


# --- products ---------------------------------------------------------------------------------------------------------


def product(x: Series, y: Series) -> Series:
    """``x * y``."""
    return [convolve(x, y, k) for k in range(len(x))]


def bilinear(primitive: Any, x: Series, y: Series, **params: Any) -> Series:
    """The convolution under a primitive that is linear in both operands."""
    out: Series = []
    for k in range(len(x)):
        total = None
        for j in range(k + 1):
            if x[j] is not None and y[k - j] is not None:
                total = plus(total, bind(primitive, x[j], y[k - j], **params))
        out.append(total)
    return out


def quotient(x: Series, y: Series) -> Series:
    """``x / y``."""
    out: Series = []
    for k in range(len(x)):
        out.append(over(minus(x[k], convolve(y, [*out, None], k, 1)), y[0]))
    return out


def reciprocal(x: Series) -> Series:
    """``1 / x``."""
    return quotient(constant(type_of(x[0]).dtype.type(1), len(x) - 1), x)


def integer_power(x: Series, y: int) -> Series:
    """``x ** y`` by repeated squaring: no division, so that x may be 0."""
    order = len(x) - 1
    if y == 0:
        return constant(add(scale(x[0], 0.0), type_of(x[0]).dtype.type(1)), order)
    out, base, n = None, x, abs(y)
    while n:
        if n & 1:
            out = base if out is None else product(out, base)
        n >>= 1
        base = product(base, base) if n else base
    assert out is not None
    return out if y > 0 else reciprocal(out)


def power_series(x: Series, y: Series) -> Series:
    """A constant exponent by x y' = p x' y; a varying one as exp(y log x)."""
    if moves(y):
        out = exponential(product(y, logarithm(x)))
        return [power(x[0], y[0]), *out[1:]]
    return _constant_power(x, power(x[0], y[0]), y[0])


def _constant_power(x: Series, head: Any, exponent: Any) -> Series:
    out = [head]
    for k in range(1, len(x)):
        total = None
        for j in range(1, k + 1):
            term = times(x[j], out[k - j])
            if term is not None:
                factor = sub(scale(exponent, j), type_of(exponent).dtype.type(k - j))
                total = plus(total, mul(term, factor))
        out.append(None if total is None else div(total, scale(x[0], k)))
    return out


def root_of(primitive: str, exponent: float) -> Rule:
    """A power whose head has a primitive of its own: rsqrt, cbrt."""

    def rule(x: Series) -> Series:
        return _constant_power(x, bind(REGISTRY[primitive], x[0]), type_of(x[0]).dtype.type(exponent))

    return rule


def square_root(x: Series) -> Series:
    """``sqrt(x)``, from y y = x."""
    out: Series = [sqrt(x[0])]
    for k in range(1, len(x)):
        rest = minus(x[k], convolve([*out, None], [*out, None], k, 1, k - 1))
        out.append(None if rest is None else div(rest, scale(out[0], 2)))
    return out


# --- functions by their derivative ------------------------------------------------------------------------------------


def integral(head: Any, h: Series, x: Series) -> Series:
    """y with y_0 = ``head`` and y' = h x', for h known in advance."""
    out: Series = [head]
    for k in range(1, len(x)):
        total = convolve(x, h, k, 1, weight=True)
        out.append(None if total is None else scale(total, 1 / k))
    return out


def of_itself(primitive: str, h: Callable[[Series], Any]) -> Rule:
    """y with y' = h(y) x': ``h`` gives the last coefficient of h(y) from those of y so far."""

    def rule(x: Series, **params: Any) -> Series:
        out: Series = [bind(REGISTRY[primitive], x[0], **params)]
        known: Series = [h(out)]
        for k in range(1, len(x)):
            total = convolve(x, [*known, None], k, 1, weight=True)
            out.append(None if total is None else scale(total, 1 / k))
            known.append(h(out))
        return out

    return rule


def by_slope(primitive: str, h: Callable[[Series], Series]) -> Rule:
    """y with y' = h(x) x'."""

    def rule(x: Series, **params: Any) -> Series:
        head = bind(REGISTRY[primitive], x[0], **params)
        return integral(head, h([*x[:-1], None]) if len(x) > 1 else [None], x)

    return rule


def exponential(x: Series) -> Series:
    """``exp(x)``."""
    out: Series = [exp(x[0])]
    for k in range(1, len(x)):
        total = convolve(x, [*out, None], k, 1, weight=True)
        out.append(None if total is None else scale(total, 1 / k))
    return out


def logarithm(x: Series) -> Series:
    """``log(x)``: x y' = x', solved for the next coefficient."""
    out: Series = [log(x[0])]
    for k in range(1, len(x)):
        known = convolve([*out, None], x, k, 1, k - 1, weight=True)
        out.append(over(minus(x[k], None if known is None else scale(known, 1 / k)), x[0]))
    return out


def pair(first: Rule, second: Rule, sign: float) -> Callable[[Series], tuple[Series, Series]]:
    """sine and cosine (sign -1), or their hyperbolic sisters (+1), which need one another."""

    def run(x: Series) -> tuple[Series, Series]:
        s: Series = [first(x[0])]
        c: Series = [second(x[0])]
        for k in range(1, len(x)):
            s_k = convolve(x, [*c, None], k, 1, weight=True)
            c_k = convolve(x, [*s, None], k, 1, weight=True)
            s.append(None if s_k is None else scale(s_k, 1 / k))
            c.append(None if c_k is None else scale(c_k, sign / k))
        return s, c

    return run


circular, hyperbolic = pair(sin, cos, -1.0), pair(sinh, cosh, 1.0)


def _last_of_square(y: Series) -> Any:
    return convolve(y, y, len(y) - 1)


def _one_minus_square(y: Series) -> Any:
    last = _last_of_square(y)
    if len(y) > 1:
        return None if last is None else neg(last)
    return sub(type_of(last).dtype.type(1), last)


def _logistic_slope(y: Series) -> Any:
    """y (1 - y), from which the head is left as a product: 1 - y is exact where y is near 1."""
    last = _last_of_square(y)
    if len(y) == 1:
        return mul(y[0], sub(type_of(last).dtype.type(1), y[0]))
    return minus(y[-1], last)


def _plus_one(y: Series) -> Any:
    return add(y[0], type_of(y[0]).dtype.type(1)) if len(y) == 1 else y[-1]


def _gauss(factor: float) -> Callable[[Series], Series]:
    return lambda x: [
        None if c is None else scale(c, factor * 2 / math.sqrt(math.pi)) for c in exponential(negated(product(x, x)))
    ]


def _angle(y: Series, x: Series) -> Series:
    """``atan2(y, x)``: its derivative is (x y' - y x') / (x² + y²)."""
    head = bind(REGISTRY["atan2"], y[0], x[0])
    if len(x) == 1:
        return [head]
    cut_x, cut_y = x[:-1], y[:-1]
    above = [minus(a, b) for a, b in zip(product(cut_x, slope(y)), product(cut_y, slope(x)), strict=True)]
    below = [plus(a, b) for a, b in zip(product(cut_x, cut_x), product(cut_y, cut_y), strict=True)]
    rate = quotient(above, below)
    return [head, *(None if c is None else scale(c, 1 / (k + 1)) for k, c in enumerate(rate))]


RULES: dict[str, Rule] = {
    "mul": product,
    "div": quotient,
    "square": lambda x: product(x, x),
    "integer_pow": lambda x, y: integer_power(x, y),
    "pow": power_series,
    "sqrt": square_root,
    "rsqrt": root_of("rsqrt", -0.5),
    "cbrt": root_of("cbrt", 1 / 3),
    "exp": exponential,
    "exp2": of_itself("exp2", lambda y: None if y[-1] is None else scale(y[-1], math.log(2.0))),
    "expm1": of_itself("expm1", _plus_one),
    "log": logarithm,
    "log1p": by_slope("log1p", lambda x: reciprocal(shifted(x, 1.0))),
    "sin": lambda x: circular(x)[0],
    "cos": lambda x: circular(x)[1],
    "tan": lambda x: quotient(*circular(x)),
    "sinh": lambda x: hyperbolic(x)[0],
    "cosh": lambda x: hyperbolic(x)[1],
    "tanh": of_itself("tanh", _one_minus_square),
    "logistic": of_itself("logistic", _logistic_slope),
    "asin": by_slope("asin", lambda x: reciprocal(square_root(shifted(product(x, x), 1.0, -1.0)))),
    "acos": by_slope("acos", lambda x: negated(reciprocal(square_root(shifted(product(x, x), 1.0, -1.0))))),
    "atan": by_slope("atan", lambda x: reciprocal(shifted(product(x, x), 1.0))),
    "asinh": by_slope("asinh", lambda x: reciprocal(square_root(shifted(product(x, x), 1.0)))),
    "acosh": by_slope("acosh", lambda x: reciprocal(square_root(shifted(product(x, x), -1.0)))),
    "atanh": by_slope("atanh", lambda x: reciprocal(shifted(product(x, x), 1.0, -1.0))),
    "atan2": _angle,
    "erf": by_slope("erf", _gauss(1.0)),
    "erfc": by_slope("erfc", _gauss(-1.0)),
}
