"""Taylor mode: a walk over the program with a truncated power series in place of every value.

A series is a list of Taylor coefficients ``c[k] = f^(k)(0) / k!``; a coefficient None is a zero. Products and quotients
are convolutions, the elementary functions have their recurrences (A. Griewank and A. Walther, *Evaluating Derivatives*,
2nd ed., SIAM 2008, table 13.2), and any other smooth primitive follows from its jvp rule: y' = rule(x, x'), integrated.
The cost of n derivatives grows like n², where nested differentiation grows exponentially.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import Array, type_of
from gradcli.engine.errors import RuleError, fail
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Eqn, Jaxpr, Literal, Var
from gradcli.engine.ops.elementwise import add, cos, cosh, div, exp, log, mul, sin, sinh, sqrt, sub
from gradcli.engine.ops.elementwise import pow as power
from gradcli.engine.ops.shape import zeros
from gradcli.engine.trace.tracer import bind, trace_program, value_of

Series = list[Any]
Rule = Callable[..., Any]


def jet_values(jaxpr: Jaxpr, inputs: Sequence[Series], order: int) -> list[Series]:
    """The output series, to ``order``, of a program at input series (each of order + 1 coefficients)."""
    env: dict[Var, Series] = {v: [c, *[None] * order] for v, c in zip(jaxpr.constvars, jaxpr.consts, strict=True)}
    env.update(zip(jaxpr.inputs, inputs, strict=True))

    def read(atom: Any) -> Series:
        return [Array(atom.value, atom.type), *[None] * order] if isinstance(atom, Literal) else env[atom]

    for eqn in jaxpr.eqns:
        args = [read(a) for a in eqn.inputs]
        outs = _jet_eqn(eqn, args, order)
        env.update(zip(eqn.outputs, outs, strict=True))
    return [read(a) for a in jaxpr.outputs]


def _jet_eqn(eqn: Eqn, args: list[Series], order: int) -> list[Series]:
    primitive, params = eqn.primitive, eqn.params
    constant = all(c is None for s in args for c in s[1:])
    if constant or not any(v.type.is_float for v in eqn.outputs):
        out = bind(primitive, *[s[0] for s in args], **params)
        return [[o, *[None] * order] for o in (out if primitive.multiple else [out])]
    nested = _NESTED.get(primitive.name)
    if nested is not None:
        return nested(args, order, params)
    rule = RULES.get(primitive.name)
    if rule is not None:
        return [rule(*args, **params)]
    if primitive.jvp is not None and primitive.transpose is not None and not primitive.multiple:
        linear = _linear_map(eqn, args, order)
        if linear is not None:
            return [linear]
    return _by_derivative(eqn, args, order)


def _linear_map(eqn: Eqn, args: list[Series], order: int) -> Series | None:
    """Primitives that are linear in all operands that vary: each coefficient by itself."""
    primitive = eqn.primitive
    varying = [any(c is not None for c in s[1:]) for s in args]
    floats = [type_of(s[0]).is_float for s in args]
    if primitive.name in _BILINEAR and all(varying):
        return None
    out = [bind(primitive, *[s[0] for s in args], **eqn.params)]
    for k in range(1, order + 1):
        if all(s[k] is None for s in args):
            out.append(None)
            continue
        operands = [
            s[0]
            if not is_float or (not v and primitive.name in _BILINEAR)
            else (zeros(type_of(s[0])) if s[k] is None else s[k])
            for s, v, is_float in zip(args, varying, floats, strict=True)
        ]
        out.append(bind(primitive, *operands, **eqn.params))
    return out


_BILINEAR = {"mul", "dot_general", "conv_general_dilated"}


def _by_derivative(eqn: Eqn, args: list[Series], order: int) -> list[Series]:
    """y' = jvp(x, x'): the series of the derivative to one order less, integrated term by term."""
    primitive = eqn.primitive
    heads = [s[0] for s in args]
    out = bind(primitive, *heads, **eqn.params)
    outs = list(out) if primitive.multiple else [out]
    if order == 0:
        return [[o] for o in outs]
    active = [any(c is not None for c in s[1:]) and type_of(s[0]).is_float for s in args]
    types = [type_of(h) for h in heads]
    slots: list[int] = []

    def derivative(*flat: Any) -> list[Any]:
        stream = iter(flat[len(heads) :])
        tangents = [next(stream) if a else None for a in active]
        _, dots = primitive.rule("jvp")(list(flat[: len(heads)]), tangents, **eqn.params)
        found = list(dots) if primitive.multiple else [dots]
        slots.extend(i for i, d in enumerate(found) if d is not None)
        return [d for d in found if d is not None]

    program = trace_program(derivative, [*types, *(t.strong() for t, a in zip(types, active, strict=True) if a)])
    slopes = [_slope(s) for s, a in zip(args, active, strict=True) if a]
    found = jet_values(program, [*[s[:order] for s in args], *slopes], order - 1)
    result = [[o, *[None] * order] for o in outs]
    for slot, series in zip(slots, found, strict=True):
        result[slot] = [outs[slot], *[None if c is None else _scale(c, 1 / (k + 1)) for k, c in enumerate(series)]]
    return result


def _slope(x: Series) -> Series:
    """The series of the derivative: one coefficient shorter, its head written out."""
    out = [None if c is None else _scale(c, k) for k, c in enumerate(x[1:], start=1)]
    return [zeros(type_of(x[0]).strong()) if out[0] is None else out[0], *out[1:]]


def _scale(x: Any, factor: float) -> Any:
    return x if factor == 1 else mul(x, type_of(x).dtype.type(factor))


def _plus(x: Any, y: Any) -> Any:
    return y if x is None else x if y is None else add(x, y)


def _minus(x: Any, y: Any) -> Any:
    return x if y is None else _scale(y, -1.0) if x is None else sub(x, y)


def _times(x: Any, y: Any) -> Any:
    return None if x is None or y is None else mul(x, y)


def _over(x: Any, y: Any) -> Any:
    return None if x is None else div(x, y)


def _convolve(x: Series, y: Series, k: int, first: int = 0, last: int | None = None, weight: bool = False) -> Any:
    """The sum of x[j] y[k-j] for j from ``first`` to ``last``, each weighted by j if asked."""
    total = None
    for j in range(first, (k if last is None else last) + 1):
        term = _times(x[j], y[k - j])
        total = _plus(total, _scale(term, j) if weight and term is not None else term)
    return total


def _product(x: Series, y: Series) -> Series:
    return [_convolve(x, y, k) for k in range(len(x))]


def _quotient(x: Series, y: Series) -> Series:
    out: Series = []
    for k in range(len(x)):
        out.append(_over(_minus(x[k], _convolve(y, [*out, None], k, 1)), y[0]))
    return out


def _exp(x: Series) -> Series:
    out: Series = [exp(x[0])]
    for k in range(1, len(x)):
        total = _convolve(x, [*out, None], k, 1, weight=True)
        out.append(None if total is None else _scale(total, 1 / k))
    return out


def _log(x: Series) -> Series:
    """x out' = x', solved for the next coefficient."""
    out: Series = [log(x[0])]
    for k in range(1, len(x)):
        known = _convolve([*out, None], x, k, 1, k - 1, weight=True)
        out.append(_over(_minus(x[k], None if known is None else _scale(known, 1 / k)), x[0]))
    return out


def _pair(first: Rule, second: Rule, sign: float) -> Callable[[Series], tuple[Series, Series]]:
    """sine and cosine (sign -1), or their hyperbolic sisters (+1), which need one another."""

    def run(x: Series) -> tuple[Series, Series]:
        s: Series = [first(x[0])]
        c: Series = [second(x[0])]
        for k in range(1, len(x)):
            s_k = _convolve(x, [*c, None], k, 1, weight=True)
            c_k = _convolve(x, [*s, None], k, 1, weight=True)
            s.append(None if s_k is None else _scale(s_k, 1 / k))
            c.append(None if c_k is None else _scale(c_k, sign / k))
        return s, c

    return run


_circular, _hyperbolic = _pair(sin, cos, -1.0), _pair(sinh, cosh, 1.0)


def _sqrt(x: Series) -> Series:
    out: Series = [sqrt(x[0])]
    for k in range(1, len(x)):
        rest = _minus(x[k], _convolve([*out, None], [*out, None], k, 1, k - 1))
        out.append(None if rest is None else div(rest, _scale(out[0], 2)))
    return out


def _pow(x: Series, y: Series) -> Series:
    """A constant exponent by the recurrence x out' = y x' out; a varying one as exp(y log x)."""
    if any(c is not None for c in y[1:]):
        out = _exp(_product(y, _log(x)))
        return [power(x[0], y[0]), *out[1:]]
    head, exponent = power(x[0], y[0]), y[0]
    out = [head]
    for k in range(1, len(x)):
        total = None
        for j in range(1, k + 1):
            term = _times(x[j], out[k - j])
            if term is not None:
                factor = sub(_scale(exponent, j), type_of(exponent).dtype.type(k - j))
                total = _plus(total, mul(term, factor))
        out.append(None if total is None else div(total, _scale(x[0], k)))
    return out


def _integer_pow(x: Series, y: int) -> Series:
    if y == 0:
        return [add(_scale(x[0], 0.0), type_of(x[0]).dtype.type(1)), *[None] * (len(x) - 1)]
    out = x
    for _ in range(abs(y) - 1):
        out = _product(out, x)
    if y > 0:
        return out
    one = type_of(x[0]).dtype.type(1)
    return _quotient([one, *[None] * (len(x) - 1)], out)


RULES: dict[str, Rule] = {
    "mul": _product,
    "div": _quotient,
    "exp": _exp,
    "log": _log,
    "sin": lambda x: _circular(x)[0],
    "cos": lambda x: _circular(x)[1],
    "sinh": lambda x: _hyperbolic(x)[0],
    "cosh": lambda x: _hyperbolic(x)[1],
    "tan": lambda x: _quotient(*_circular(x)),
    "sqrt": _sqrt,
    "pow": _pow,
    "integer_pow": _integer_pow,
    "square": lambda x: _product(x, x),
}


# --- programs inside --------------------------------------------------------------------------------------------


def _jet_call(args: list[Series], order: int, params: dict[str, Any]) -> list[Series]:
    return jet_values(params.get("jaxpr") or params["call_jaxpr"], args, order)


def _concrete(x: Any, what: str) -> Any:
    value = value_of(x)
    if value is None:
        raise fail("G203", f"Taylor mode through {what} needs concrete values", cls=RuleError)
    return value


def _jet_cond(args: list[Series], order: int, params: dict[str, Any]) -> list[Series]:
    branches = params["branches"]
    index = int(_concrete(args[0][0], "cond"))
    return jet_values(branches[max(0, min(index, len(branches) - 1))], args[1:], order)


def _jet_while(args: list[Series], order: int, params: dict[str, Any]) -> list[Series]:
    n_test, n_body = params["cond_nconsts"], params["body_nconsts"]
    test, body, carry = args[:n_test], args[n_test : n_test + n_body], args[n_test + n_body :]
    heads = [_concrete(s[0], "while") for s in test]
    while bool(interpret(params["cond_jaxpr"], [*heads, *(_concrete(s[0], "while") for s in carry)])[0]):
        carry = jet_values(params["body_jaxpr"], [*body, *carry], order)
    return carry


_NESTED: dict[str, Callable[[list[Series], int, dict[str, Any]], list[Series]]] = {
    "jit": _jet_call,
    "custom_jvp_call": _jet_call,
    "custom_vjp_call": _jet_call,
    "cond": _jet_cond,
    "while": _jet_while,
}


def derivatives(jaxpr: Jaxpr, inputs: Sequence[Any], direction: Sequence[Any], order: int) -> list[list[Any]]:
    """Derivatives 0 … order of a program along a direction (None: that input stands still), for each output."""
    series = [
        [x, d, *[None] * (order - 1)] if order else [x] for x, d in zip(inputs, direction, strict=True)
    ]
    found = jet_values(jaxpr, series, order)
    return [
        [
            zeros(type_of(out[0])) if c is None else _scale(c, float(math.factorial(k)))
            for k, c in enumerate(out)
        ]
        for out in found
    ]

