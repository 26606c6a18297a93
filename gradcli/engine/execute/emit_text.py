"""Pieces of Python source: expressions that know how tightly they bind, and values as text."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine.errors import GradcliError, fail

MAX_VALUES = 10_000  # elements of an array that is written out


class Term(NamedTuple):
    """An expression; ``level`` says how tightly it binds, from ``COMPARE`` to ``ATOM``."""

    text: str
    level: int

    def at(self, level: int) -> str:
        """The text for a place that needs this level at least."""
        return self.text if self.level >= level else f"({self.text})"


COMPARE, OR, XOR, AND, SHIFT, SUM, PRODUCT, UNARY, POWER, ATOM = range(10)


def infix(symbol: str, level: int, left: Term, right: Term) -> Term:
    """``left symbol right``, with the parentheses that are needed: operators of one level associate to the left."""
    own = level + 1 if level == COMPARE else level
    return Term(f"{left.at(own)} {symbol} {right.at(level + 1)}", level)


def call(function: str, *args: Term | str) -> Term:
    """``function(a, b)``."""
    return Term(f"{function}({', '.join(a if isinstance(a, str) else a.text for a in args)})", ATOM)


def method(owner: Term, name: str, *args: str) -> Term:
    """``owner.name(a, b)``."""
    return Term(f"{owner.at(ATOM)}.{name}({', '.join(args)})", ATOM)


def index(owner: Term, *places: str) -> Term:
    """``owner[a, b]``."""
    return Term(f"{owner.at(ATOM)}[{', '.join(places)}]", ATOM)


def tuple_text(parts: Sequence[Any]) -> str:
    """A tuple of texts or numbers.

    >>> tuple_text((2,)), tuple_text(("a", "b"))
    ('(2,)', '(a, b)')
    """
    return f"({', '.join(map(str, parts))}{',' if len(parts) == 1 else ''})"


def axis_text(axes: Sequence[int]) -> str:
    """Axes as an argument: a bare number where there is one."""
    return str(axes[0]) if len(axes) == 1 else tuple_text(axes)


def slice_text(start: int, stop: int, step: int, size: int) -> str:
    """``start:stop:step`` without what goes without saying."""
    head, tail = str(start) if start else "", str(stop) if stop != size else ""
    return f"{head}:{tail}" + (f":{step}" if step != 1 else "")


def dtype_text(dtype: np.dtype[Any]) -> str:
    """``np.float32``; a dtype of bool is ``bool``."""
    return "bool" if dtype.kind == "b" else f"np.{dtype.name}"


# --- values -----------------------------------------------------------------------------------------------------------


def number(value: Any) -> Term:
    """A scalar as a Python number, which takes the dtype of what it meets; the shortest text that gives it back.

    >>> number(np.float32(0.1)).text, number(-2.0).text, number(math.inf).text
    ('0.1', '-2.0', 'np.inf')
    """
    if isinstance(value, (complex, np.complexfloating)):
        real, imag = number(value.real), number(value.imag)
        return Term(f"complex({real.text}, {imag.text})", ATOM)
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            return Term("np.nan", ATOM) if math.isnan(value) else _signed("np.inf", bool(value < 0))
        text = str(value) if not isinstance(value, np.floating) or value.dtype.itemsize > 2 else str(float(value))
        return _signed(text.lstrip("-"), text.startswith("-"))
    if isinstance(value, (bool, np.bool_)):
        return Term(str(bool(value)), ATOM)
    return _signed(str(abs(int(value))), int(value) < 0)


def _signed(text: str, negative: bool) -> Term:
    return Term(f"-{text}", UNARY) if negative else Term(text, ATOM)


def typed_number(value: Any) -> Term:
    """A scalar with its dtype: ``np.float32(0.1)``."""
    return call("np.bool" if value.dtype.kind == "b" else dtype_text(value.dtype), number(value))


def array_text(value: Any) -> str:
    """An array written out. Raises G206 for one with more than ``MAX_VALUES`` elements."""
    if value.size > MAX_VALUES:
        raise fail(
            "G206", f"the program holds an array of shape {value.shape}, too large to be written as source",
            hint="pass the array as an argument of the function",
        )  # fmt: skip
    dtype = "" if value.dtype in (np.dtype(np.float64), np.dtype(bool)) else f", {dtype_text(value.dtype)}"
    if value.size and value.tobytes() == value.flat[0].tobytes() * value.size:
        return f"np.full({tuple_text(value.shape)}, {number(value.flat[0]).text}{dtype})"
    if not value.size:
        return f"np.empty({tuple_text(value.shape)}{dtype})"
    return f"np.array({_nested(value)}{dtype})"


def _nested(value: Any) -> str:
    if value.ndim == 0:
        return number(value[()]).text
    return f"[{', '.join(_nested(np.asarray(row)) for row in value)}]"


def value_text(value: Any) -> str:
    """A parameter as an expression. Raises GradcliError for what has no text."""
    if value is None or isinstance(value, str):
        return repr(value)
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, np.dtype):
        return f"np.dtype({dtype_text(value)})"
    if isinstance(value, type) and issubclass(value, np.generic):
        return dtype_text(np.dtype(value))
    if isinstance(value, np.ufunc):
        return f"np.{value.__name__}"
    if isinstance(value, np.generic):
        return typed_number(value).text
    if isinstance(value, (bool, int, float, complex)):
        return number(value).text
    if isinstance(value, np.ndarray):
        return array_text(value)
    if type(value) is tuple:
        return tuple_text([value_text(v) for v in value])
    if type(value) is list:
        return f"[{', '.join(value_text(v) for v in value)}]"
    if type(value) in (set, frozenset):
        return f"{type(value).__name__}({value_text(sorted(value))})"
    if type(value) is dict:
        return "{" + ", ".join(f"{value_text(k)}: {value_text(v)}" for k, v in value.items()) + "}"
    raise GradcliError(f"a {type(value).__name__} cannot be written as source")
