"""Primitives on plain Python numbers, as source text: float64, bool, int32 and int64 scalars without NumPy.

What is written means what NumPy computes, up to the last bit of a library function (``math`` and NumPy may call
different ones). Where Python raises and NumPy does not (1/0, log(0), exp(1000), an integer overflow), the text raises
too: the caller then runs the program on NumPy scalars instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.ir.program import Eqn
from gradcli.engine.ir.types import BOOL, FLOAT64, INT32, INT64, ArrayType

RAISED = (ArithmeticError, ValueError)  # what plain numbers raise where NumPy goes on
Temporary = Callable[[str], str]  # writes a text to a variable, and returns the variable's name
Rule = Callable[[Sequence[str], Eqn, Temporary], str | None]


def is_plain(t: ArrayType) -> bool:
    """Whether a value of this type is kept as a Python number."""
    return not t.shape and t.dtype in (FLOAT64, BOOL, INT64, INT32)


def checked(value: int, bound: int) -> int:
    """An integer of the type with this bound. Raises OverflowError beyond it, where NumPy wraps around."""
    if -bound <= value < bound:
        return value
    raise OverflowError


def power(x: float, y: float) -> float:
    """A positive number to a power. Raises ValueError for others, where NumPy has rules of its own."""
    if 0.0 < x < math.inf:
        return math.pow(x, y)
    raise ValueError


SCOPE: dict[str, Any] = {
    **{name: getattr(math, name) for name in (
        "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp",
        "exp2", "expm1", "log", "log1p", "sqrt", "cbrt", "fmod", "isfinite",
    )},
    "power": power, "checked": checked, "float64": np.float64, "int64": np.int64, "int32": np.int32,
    "bool_": np.bool_,
}  # fmt: skip
_WRAP = {FLOAT64: "float64({})", BOOL: "bool_({})", INT64: "int64({})", INT32: "int32({})"}
_UNWRAP = {"f": "float({})", "b": "bool({})", "i": "int({})"}


def as_numpy(text: str, t: ArrayType) -> str:
    """The NumPy scalar of a plain number."""
    return _WRAP[t.dtype].format(text)


def as_plain(text: str, t: ArrayType) -> str:
    """The plain number of a NumPy scalar."""
    return _UNWRAP[t.dtype.kind].format(text)


def _call(name: str) -> Rule:
    return lambda args, eqn, temporary: f"{name}({', '.join(args)})"


def _infix(symbol: str) -> Rule:
    def rule(args: Sequence[str], eqn: Eqn, temporary: Temporary) -> str | None:
        text = f"{args[0]} {symbol} {args[1]}"
        kind = eqn.outputs[0].type.dtype.kind
        if kind == "i":
            return f"checked({text}, {2 ** (8 * eqn.outputs[0].type.dtype.itemsize - 1)})"
        return text if kind == "f" else None

    return rule


def _floats(rule: Rule) -> Rule:
    """The rule for floats alone: integers round, divide and overflow in their own way."""
    return lambda args, eqn, temporary: rule(args, eqn, temporary) if eqn.inputs[0].type.dtype.kind == "f" else None


def _compare(symbol: str) -> Rule:
    return lambda args, eqn, temporary: f"{args[0]} {symbol} {args[1]}"


def _logical(symbol: str) -> Rule:
    def rule(args: Sequence[str], eqn: Eqn, temporary: Temporary) -> str | None:
        return f"{args[0]} {symbol} {args[1]}" if eqn.inputs[0].type.dtype == BOOL else None

    return rule


def _extremum(symbol: str) -> Rule:
    """nan wins, and of equal numbers the first, as in NumPy."""

    def rule(args: Sequence[str], eqn: Eqn, temporary: Temporary) -> str:
        x, y = args
        return f"{x} if {x} {symbol} {y} or {x} != {x} else {y}"

    return rule


def _select(args: Sequence[str], eqn: Eqn, temporary: Temporary) -> str | None:
    if len(args) != 3 or eqn.inputs[0].type.dtype != BOOL:
        return None
    return f"{args[2]} if {args[0]} else {args[1]}"


def _integer_pow(args: Sequence[str], eqn: Eqn, temporary: Temporary) -> str | None:
    """Products by repeated squaring, in the order in which the primitive's own evaluation has them."""
    if eqn.inputs[0].type.dtype.kind != "f" or not eqn.params["y"]:
        return None
    n, x, result = abs(eqn.params["y"]), args[0], ""
    while True:
        if n & 1:
            result = x if not result else temporary(f"{result} * {x}")
        n >>= 1
        if not n:
            break
        x = temporary(f"{x} * {x}")
    return f"1.0 / {result}" if eqn.params["y"] < 0 else result


def _logistic(args: Sequence[str], eqn: Eqn, temporary: Temporary) -> str:
    e = temporary(f"exp(-abs({args[0]}))")
    return f"(1.0 if {args[0]} >= 0.0 else {e}) / (1.0 + {e})"


def _convert(args: Sequence[str], eqn: Eqn, temporary: Temporary) -> str | None:
    before, after = eqn.inputs[0].type.dtype, eqn.outputs[0].type.dtype
    if before == after:
        return args[0]
    if after.kind == "f":
        return f"float({args[0]})"
    if after.kind == "b":
        return f"{args[0]} != 0"
    return f"int({args[0]})" if before.kind == "b" or (before, after) == (INT32, INT64) else None


def _same(args: Sequence[str], eqn: Eqn, temporary: Temporary) -> str:
    return args[0]


READ_ONCE = frozenset((  # operations whose text has each operand once
    "add", "sub", "mul", "add_any", "div", "neg", "abs", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
    "tanh", "asinh", "acosh", "atanh", "exp", "exp2", "expm1", "log", "log1p", "sqrt", "cbrt", "atan2", "pow", "rem",
    "eq", "ne", "lt", "le", "gt", "ge",
))  # fmt: skip

RULES: dict[str, Rule] = {
    "add": _infix("+"), "sub": _infix("-"), "mul": _infix("*"), "add_any": _infix("+"), "div": _floats(_infix("/")),
    "neg": _floats(lambda args, eqn, temporary: f"-{args[0]}"),
    "abs": _floats(lambda args, eqn, temporary: f"abs({args[0]})"),
    "square": _floats(lambda args, eqn, temporary: f"{args[0]} * {args[0]}"),
    "rsqrt": lambda args, eqn, temporary: f"1.0 / sqrt({args[0]})",
    "max": _extremum(">="), "min": _extremum("<="), "select_n": _select, "integer_pow": _integer_pow,
    "pow": _call("power"), "rem": _floats(_call("fmod")), "atan2": _call("atan2"), "is_finite": _call("isfinite"),
    "logistic": _logistic, "convert_element_type": _convert,
    "eq": _compare("=="), "ne": _compare("!="), "lt": _compare("<"), "le": _compare("<="), "gt": _compare(">"),
    "ge": _compare(">="), "and": _logical("and"), "or": _logical("or"), "xor": _logical("!="),
    "not": lambda args, eqn, temporary: f"not {args[0]}" if eqn.inputs[0].type.dtype == BOOL else None,
    **{name: _call(name) for name in (
        "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp", "exp2",
        "expm1", "log", "log1p", "sqrt", "cbrt",
    )},
    **{name: _same for name in (
        "stop_gradient", "copy", "reshape", "squeeze", "broadcast_in_dim", "transpose", "reduce_sum", "reduce_max",
        "reduce_min", "reduce_prod",
    )},
}  # fmt: skip


def expression(eqn: Eqn, args: Sequence[str], temporary: Temporary) -> str | None:
    """The text of an equation whose operands and result are all plain; None where there is none."""
    rule = RULES.get(eqn.primitive.name)
    return None if rule is None else rule(args, eqn, temporary)
