"""Inline expressions: Python's syntax for formulas, read with ``ast`` and applied to operations from a whitelist.

Nothing is ever executed: there is no ``eval``, no attribute access, no name but arguments, constants and the functions
in :data:`FUNCTIONS`. Number literals become floats first, so that ``9**9**9`` overflows at once instead of hanging.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from gradcli import numpy as gnp
from gradcli.engine.array import OPERATORS
from gradcli.engine.errors import GradcliError, Location, fail
from gradcli.engine.trace.tracer import STATE

MAX_LENGTH = 10_000
MAX_DEPTH = 100
MAX_NODES = 5_000

CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "tau": math.tau}

_NUMPY = """
    sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh exp exp2 expm1 log log2 log10 log1p
    sqrt cbrt square abs absolute sign floor ceil trunc round rint add subtract multiply divide power negative positive
    reciprocal mod remainder fmod floor_divide maximum minimum fmax fmin clip where hypot logaddexp logaddexp2 sinc
    heaviside copysign deg2rad rad2deg degrees radians isnan isinf isfinite logical_and logical_or logical_not
    sum prod mean var std max min amax amin ptp any all cumsum cumprod median argmax argmin sort diff
    dot vdot inner outer matmul tensordot kron cross trace transpose diag tril triu ravel reshape concatenate stack
    flip roll real imag conj angle array ones_like zeros_like linspace arange interp polyval convolve
""".split()
_NN = (
    "relu relu6 sigmoid softplus softmax log_softmax logsumexp gelu silu swish elu selu log_sigmoid leaky_relu".split()
)
_ALIASES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "ln": "log", "pow": "power", "fabs": "abs",
}  # fmt: skip


_LAX = "erf erfc lgamma digamma logistic rsqrt stop_gradient".split()


class _Functions(Mapping[str, Callable[..., Any]]):
    """The functions by name; each is loaded when it is first used."""

    def __init__(self) -> None:
        homes = {"gradcli.numpy": _NUMPY, "gradcli.nn": _NN, "gradcli.lax": _LAX, "gradcli.numpy.linalg": ["norm"]}
        self._where = {name: (module, name) for module, names in homes.items() for name in names}
        self._where.update({alias: self._where[name] for alias, name in _ALIASES.items()})

    def __getitem__(self, name: str) -> Callable[..., Any]:
        module, attribute = self._where[name]
        found: Callable[..., Any] = getattr(import_module(module), attribute)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)


FUNCTIONS = _Functions()

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.MatMult: "matmul",
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip


class Expression:
    """A checked expression: a function of its arguments, in order."""

    def __init__(self, text: str, tree: ast.expr, arguments: Sequence[str]) -> None:
        self.text, self.tree, self.arguments = text, tree, tuple(arguments)
        self.__name__ = "expression"
        self.__doc__ = text

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) > len(self.arguments) or set(kwargs) - set(self.arguments[len(args) :]):
            raise TypeError(f"the expression takes {', '.join(self.arguments) or 'no arguments'}")
        values = dict(zip(self.arguments, args, strict=False)) | kwargs
        missing = [name for name in self.arguments if name not in values]
        if missing:
            raise TypeError(f"the expression needs {', '.join(missing)}")
        return gnp.asarray(_Run(self.text, values).visit(self.tree))


def compile_expression(text: str, arguments: Sequence[str] | None = None) -> tuple[Expression, tuple[str, ...]]:
    """The function that an expression is, and its argument names (default: its free names as they appear).

    Raises GradcliError (G305) with the position of what is not allowed.

    >>> f, names = compile_expression("sin(x) * y")
    >>> names, float(f(0.0, 2.0))
    (('x', 'y'), 0.0)
    """
    tree = _parse(text)
    free = _check(text, tree)
    if arguments is None:
        names = tuple(free)
    else:
        names = tuple(arguments)
        for name, node in free.items():
            if name not in names:
                raise _bad(text, node, f"{name!r} is no argument, constant or function", _closest(name, names))
    return Expression(text, tree, names), names


def _parse(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise fail("G305", f"the expression is longer than {MAX_LENGTH} characters")
    if not text.strip():
        raise fail("G305", "the expression is empty", hint="write a formula such as 'sin(x)*y'")
    try:
        return ast.parse(text.strip().replace("\n", " "), mode="eval").body
    except SyntaxError as error:
        raise _at(
            text, (error.offset or 1) - 1, f"cannot read the expression: {error.msg}", _syntax_hint(text)
        ) from None
    except (MemoryError, RecursionError, ValueError) as error:
        raise fail("G305", f"cannot read the expression: {error or 'it is nested too deeply'}") from None


def _syntax_hint(text: str) -> str | None:
    return "write powers as x**2" if "^" in text else "write products with *, as in 2*x"


def _at(text: str, column: int, message: str, hint: str | None = None) -> GradcliError:
    line = text.strip().replace("\n", " ")
    shown = line if len(line) <= 200 else line[:200] + "…"
    where = Location("expression", 1, shown, f"column {column + 1}")
    error: GradcliError = fail("G305", f"{message} (column {column + 1})", hint=hint, location=where)
    return error


def _bad(text: str, node: ast.AST, message: str, hint: str | None = None) -> GradcliError:
    return _at(text, getattr(node, "col_offset", 0), message, hint)


def _closest(name: str, more: Sequence[str] = ()) -> str | None:
    close = get_close_matches(name, [*FUNCTIONS, *CONSTANTS, *more], 1)
    return f"did you mean {close[0]}?" if close else None


_ALLOWED = (
    ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.IfExp, ast.Call, ast.Name, ast.Constant, ast.List, ast.Tuple,
    ast.Subscript, ast.Slice, ast.keyword, ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context,
)  # fmt: skip


def _check(text: str, tree: ast.expr) -> dict[str, ast.AST]:
    """Every node is allowed and every function known; returns the free names, as they appear, with a node of each."""
    free: dict[str, ast.AST] = {}
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    count = 0
    while stack:
        node, depth = stack.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise _bad(text, node, "the expression is nested too deeply or too large")
        if not isinstance(node, _ALLOWED) or isinstance(node, (ast.BitXor, ast.Is, ast.IsNot, ast.In, ast.NotIn)):
            hint = (
                "write powers as x**2"
                if isinstance(node, ast.BitXor)
                else "formulas only: operators, functions, indices"
            )
            raise _bad(text, node, f"{type(node).__name__} is not allowed in an expression", hint)
        if isinstance(node, ast.Call):
            _check_call(text, node)
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Call):
            children = children[1:]  # the function's name is no argument
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            raise _bad(text, node, "^ is not allowed in an expression", "write powers as x**2")
        if isinstance(node, ast.Name) and node.id not in CONSTANTS:
            if node.id in FUNCTIONS:
                raise _bad(text, node, f"{node.id} is a function; it needs arguments", f"write {node.id}(x)")
            free.setdefault(node.id, node)
        if isinstance(node, ast.Constant) and (isinstance(node.value, (str, bytes)) or node.value is ...):
            raise _bad(text, node, f"{node.value!r} is not allowed in an expression")
        stack.extend((child, depth + 1) for child in reversed(children))
    return free


def _check_call(text: str, node: ast.Call) -> None:
    if not isinstance(node.func, ast.Name):
        raise _bad(text, node, "only functions by name can be called", "write sin(x), without a module in front")
    if node.func.id not in FUNCTIONS:
        raise _bad(text, node, f"there is no function {node.func.id!r}", _closest(node.func.id))
    if any(k.arg is None for k in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args):
        raise _bad(text, node, "* and ** arguments are not allowed in an expression")


class _Run:
    """Applies a checked expression to values."""

    def __init__(self, text: str, values: Mapping[str, Any]) -> None:
        self.text, self.values = text, values

    def visit(self, node: ast.AST, static: bool = False) -> Any:
        """The value of a node; ``static`` keeps integers as they are (indices, axes)."""
        result = getattr(self, f"_{type(node).__name__.lower()}")(node, static)
        return result

    def _constant(self, node: ast.Constant, static: bool) -> Any:
        value = node.value
        if static or isinstance(value, (bool, complex, type(None))):
            return value
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            return math.inf

    def _name(self, node: ast.Name, static: bool) -> Any:
        return self.values[node.id] if node.id in self.values else CONSTANTS[node.id]

    def _unaryop(self, node: ast.UnaryOp, static: bool) -> Any:
        value = self.visit(node.operand, static)
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.UAdd):
            return +value
        return FUNCTIONS["logical_not"](value)

    def _binop(self, node: ast.BinOp, static: bool) -> Any:
        left = self.visit(node.left, static)
        if isinstance(node.op, ast.Pow):
            return OPERATORS["pow"](gnp.asarray(left), self._exponent(node.right))
        name = _BINARY.get(type(node.op))
        if name is None:
            raise _bad(self.text, node, f"{type(node.op).__name__} is not allowed in an expression")
        right = self.visit(node.right, static)
        if static:
            return {"add": left + right, "sub": left - right, "mul": left * right}.get(name)
        return OPERATORS[name](gnp.asarray(left), right)

    def _exponent(self, node: ast.expr) -> Any:
        """An integer literal stays one (x**2 is a product); anything else is a value."""
        sign = 1
        inner = node
        while isinstance(inner, ast.UnaryOp) and isinstance(inner.op, (ast.USub, ast.UAdd)):
            sign, inner = (-sign if isinstance(inner.op, ast.USub) else sign), inner.operand
        if isinstance(inner, ast.Constant) and type(inner.value) is int and inner.value < 1000:
            return sign * inner.value
        return self.visit(node)

    def _compare(self, node: ast.Compare, static: bool) -> Any:
        left, result = self.visit(node.left), None
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.visit(right_node)
            one = OPERATORS[_COMPARE[type(op)]](gnp.asarray(left), right)
            result = one if result is None else FUNCTIONS["logical_and"](result, one)
            left = right
        return result

    def _boolop(self, node: ast.BoolOp, static: bool) -> Any:
        name = "logical_and" if isinstance(node.op, ast.And) else "logical_or"
        result = self.visit(node.values[0])
        for other in node.values[1:]:
            result = FUNCTIONS[name](result, self.visit(other))
        return result

    def _ifexp(self, node: ast.IfExp, static: bool) -> Any:
        return FUNCTIONS["where"](self.visit(node.test), self.visit(node.body), self.visit(node.orelse))

    def _list(self, node: ast.List, static: bool) -> Any:
        items = [self.visit(item, static) for item in node.elts]
        return items if static else gnp.stack([gnp.asarray(x) for x in items]) if items else gnp.zeros(0)

    def _tuple(self, node: ast.Tuple, static: bool) -> Any:
        return tuple(self.visit(item, static) for item in node.elts)

    def _subscript(self, node: ast.Subscript, static: bool) -> Any:
        return gnp.asarray(self.visit(node.value))[self.visit(node.slice, True)]

    def _slice(self, node: ast.Slice, static: bool) -> Any:
        return slice(
            *[None if part is None else self.visit(part, True) for part in (node.lower, node.upper, node.step)]
        )

    def _call(self, node: ast.Call, static: bool) -> Any:
        assert isinstance(node.func, ast.Name)
        function = FUNCTIONS[node.func.id]
        sequences = node.func.id in ("concatenate", "stack")
        args = [
            [self.visit(item) for item in a.elts]
            if sequences and isinstance(a, (ast.List, ast.Tuple))
            else self._argument(a, i)
            for i, a in enumerate(node.args)
        ]
        options = {str(k.arg): self.visit(k.value, True) for k in node.keywords}
        saved = STATE.source
        try:
            return function(*args, **options)
        except TypeError as error:
            if "argument" not in str(error):
                raise
            raise _bad(self.text, node, f"{node.func.id}: {error}") from None
        finally:
            STATE.source = saved

    def _argument(self, node: ast.expr, position: int) -> Any:
        """Tuples of integers are shapes and axes; anything else is a value."""
        return self.visit(node, isinstance(node, ast.Tuple) and position > 0)
