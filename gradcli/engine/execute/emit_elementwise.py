"""Elementwise primitives as NumPy expressions.

A rule is a function of the operands' texts and the equation. Rules that use an operand twice are marked ``repeats``:
the writer then gives them names or numbers, so that nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradcli.engine.execute.emit_text import (
    AND,
    ATOM,
    COMPARE,
    OR,
    PRODUCT,
    SUM,
    UNARY,
    XOR,
    Term,
    call,
    dtype_text,
    infix,
)
from gradcli.engine.ir.program import Eqn

Emit = Callable[[Sequence[Term], Eqn], Term | None]  # None: this rule does not cover the case

ONE = Term("1.0", ATOM)


def kind(eqn: Eqn, at: int = 0) -> str:
    """The kind of the operand's dtype: b, i, u, f or c."""
    return eqn.inputs[at].type.dtype.kind


def is_scalar(eqn: Eqn) -> bool:
    """Whether the result is a scalar."""
    return not eqn.outputs[0].type.shape


def function(name: str) -> Emit:
    """``np.name(operands)``."""
    return lambda args, eqn: call(f"np.{name}", *args)


def operator(symbol: str, level: int, kinds: str = "iufc") -> Emit:
    """``a symbol b`` for dtypes among ``kinds``."""
    return lambda args, eqn: infix(symbol, level, *args) if kind(eqn) in kinds else None


def _add(args: Sequence[Term], eqn: Eqn) -> Term:
    """``a - b`` for ``a + -b``, which is the same number."""
    a, b = args
    if kind(eqn) in "fc" and b.text.startswith("-") and b.level == UNARY:
        return infix("-", SUM, a, Term(b.text[1:], UNARY))
    return infix("+", SUM, a, b)


def _mul(args: Sequence[Term], eqn: Eqn) -> Term:
    return infix("&" if kind(eqn) == "b" else "*", AND if kind(eqn) == "b" else PRODUCT, *args)


def _neg(args: Sequence[Term], eqn: Eqn) -> Term:
    return Term(f"-{args[0].at(UNARY)}", UNARY)


def _not(args: Sequence[Term], eqn: Eqn) -> Term:
    return Term(f"~{args[0].at(UNARY)}", UNARY)


def _integer_pow(args: Sequence[Term], eqn: Eqn) -> Term | None:
    """Products, in the order in which the primitive's evaluation by repeated squaring has them."""
    (x,), y = args, eqn.params["y"]
    if kind(eqn) not in "fc" or not y:
        return None
    n, power, result = abs(y), x, None
    while True:
        if n & 1:
            result = power if result is None else infix("*", PRODUCT, result, power)
        n >>= 1
        if not n:
            break
        power = infix("*", PRODUCT, power, power) if len(power.text) < 8 else call("np.square", power)
    assert result is not None
    return infix("/", PRODUCT, ONE, result) if y < 0 else result


def _select(args: Sequence[Term], eqn: Eqn) -> Term | None:
    which, *cases = args
    if len(cases) == 1:
        return cases[0]
    if len(cases) == 2 and kind(eqn) == "b":
        chosen = call("np.where", which, cases[1], cases[0])
    else:
        chosen = call("np.choose", which, f"[{', '.join(c.text for c in cases)}]", 'mode="clip"')
    return Term(f"{chosen.text}[()]", ATOM) if is_scalar(eqn) else chosen


def _logistic(args: Sequence[Term], eqn: Eqn) -> Term | None:
    """The exponential of a negative number only, as the primitive has it."""
    if kind(eqn) != "f":
        return None
    x, one = args[0].text, f"{dtype_text(eqn.inputs[0].type.dtype)}(1.0)"
    e = f"np.exp(-np.abs({x}))"
    return Term(f"np.where({x} >= 0, {one}, {e}) / (1.0 + {e})", PRODUCT)


def _convert(args: Sequence[Term], eqn: Eqn) -> Term | None:
    (x,), before, after = args, eqn.inputs[0].type.dtype, eqn.outputs[0].type.dtype
    if before == after:
        return x
    if before.kind == "c" and after.kind != "c":
        return None
    if before.kind == "f" and after.kind in "iu":
        return None  # saturates: NumPy's own conversion is undefined beyond the integers
    if is_scalar(eqn):
        return call("np.bool" if after.kind == "b" else dtype_text(after), x)
    return Term(f"{x.at(ATOM)}.astype({dtype_text(after)})", ATOM)


def _complex(args: Sequence[Term], eqn: Eqn) -> Term | None:
    """By the primitive's evaluation: ``a + 1j * b`` loses signed zeros and makes nan of infinities."""
    return None


def same(args: Sequence[Term], eqn: Eqn) -> Term:
    """The operand itself."""
    return args[0]


def _float_only(rule: Emit) -> Emit:
    return lambda args, eqn: rule(args, eqn) if kind(eqn) in "fc" else None


def _clamp(args: Sequence[Term], eqn: Eqn) -> Term:
    low, x, high = args
    return call("np.minimum", call("np.maximum", x, low), high)


def _round(args: Sequence[Term], eqn: Eqn) -> Term | None:
    return call("np.rint", args[0]) if eqn.params["rounding_method"] == 1 else None


def _rsqrt(args: Sequence[Term], eqn: Eqn) -> Term:
    return infix("/", PRODUCT, ONE, call("np.sqrt", args[0]))


_SAME_NAME = (
    "sign", "floor", "ceil", "sqrt", "cbrt", "square", "exp", "exp2", "log", "expm1", "log1p", "sin", "cos", "tan",
    "sinh", "cosh", "tanh", "real", "imag", "conj", "nextafter",
)  # fmt: skip
_OTHER_NAME = {
    "max": "maximum", "min": "minimum", "abs": "abs", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "atan2": "arctan2", "pow": "power",
    "is_finite": "isfinite", "copy": "copy",
}  # fmt: skip

RULES: dict[str, Emit] = {
    **{name: function(name) for name in _SAME_NAME},
    **{name: function(other) for name, other in _OTHER_NAME.items()},
    "add": _add, "add_any": _add, "sub": operator("-", SUM), "mul": _mul, "neg": _neg, "not": _not,
    "div": operator("/", PRODUCT, "fc"), "rem": lambda args, eqn: call("np.fmod", *args) if kind(eqn) == "f" else None,
    "eq": operator("==", COMPARE, "biufc"), "ne": operator("!=", COMPARE, "biufc"),
    "lt": operator("<", COMPARE, "biuf"), "le": operator("<=", COMPARE, "biuf"),
    "gt": operator(">", COMPARE, "biuf"), "ge": operator(">=", COMPARE, "biuf"),
    "and": operator("&", AND, "biu"), "or": operator("|", OR, "biu"), "xor": operator("^", XOR, "biu"),
    "integer_pow": _integer_pow, "rsqrt": _rsqrt, "logistic": _logistic, "select_n": _select, "clamp": _clamp,
    "round": _round, "convert_element_type": _convert, "complex": _complex, "stop_gradient": same, "name": same,
}  # fmt: skip
REPEATS = frozenset({"integer_pow", "logistic"})  # rules that write an operand more than once


def needs_dtype(eqn: Eqn) -> bool:
    """Whether literals must be written with their dtype, as nothing else among the operands has it."""
    which = eqn.inputs[1:] if eqn.primitive.name == "select_n" else eqn.inputs
    return all(a.is_literal for a in which) and bool(which)
