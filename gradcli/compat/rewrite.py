"""The few spellings that no stand-in can reach: a user's source is changed before it is compiled.

``float(x)`` has to give a float, and ``type(x)`` the class of a box, whatever boxes do; both are wrong for code that
means numbers and arrays. Where ``float``, ``type`` and NumPy's scalar types are *called*, by these names or by one that
may hold such a type, the call therefore goes through a table that knows boxes. The names themselves stay what they are:
``x.dtype == float``, ``kind is float`` and ``dtype=np.float64`` see nothing of it, and lines and columns stay those of
the file.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from gradcli.compat.boxes import MARK, Boxed, Guard, Number, boxed, boxing, read_again, say_cut, written
from gradcli.engine.array import Value
from gradcli.engine.ir.types import canonical_dtype

CALL, SHOWN, GUARD, EXACT = MARK, "__gradcli_shown__", "__gradcli_guard__", "__gradcli_exact__"
_ARITHMETIC = frozenset(
    """
    ArithmeticError BaseException Exception FloatingPointError LinAlgError OverflowError ValueError ZeroDivisionError
    """.split()
)
_BUILTIN = frozenset({"float", "complex", "type"})
_SCALAR = frozenset("float16 float32 float64 double single longdouble complex64 complex128 int64 int32 intp".split())
_EXACT = {"Fraction": "fractions", "Decimal": "decimal"}
_PATTERNS = {name: f"__gradcli_{name}__" for name in ("float", "int", "complex", "bool")}


def _nodes(tree: ast.AST) -> list[ast.AST]:
    """All nodes but the smallest, in half the time of ``ast.walk``: libraries beside a file may be long."""
    found = [tree]
    for node in found:
        for value in vars(node).values():
            if type(value) is list:
                found.extend([item for item in value if isinstance(item, ast.AST) and type(item) not in _SMALL])
            elif isinstance(value, ast.AST) and type(value) not in _SMALL:
                found.append(value)
    return found


_SMALL = frozenset({ast.Constant, ast.Load, ast.Name, ast.Store})


def _defined(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """The names that stand for what the module defines or imports, and the builtins: none of them is a type of numbers.

    Names of numbers' types count all the same, as they may come from NumPy; every other name, an argument ``dtype``
    say, may hold such a type.
    """
    names = set(dir(builtins))
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in node.names)
    return frozenset(names - _BUILTIN - _SCALAR)


def _change(tree: ast.AST) -> None:
    """Sends what is concerned through the table, and puts guards around what a ``try`` may catch, in place."""
    nodes = _nodes(tree)
    defined = _defined(nodes)
    for node in nodes:
        kind = type(node)
        if kind is ast.Call:
            _change_call(node, defined)  # type: ignore[arg-type]
        elif isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Mod) and (type(node.left) in _NAMED or _is_literal(node.left)):
                node.left = _through(node.left, SHOWN)
        elif isinstance(node, ast.Try):
            if any(_catches(handler.type) for handler in node.handlers):
                guard = ast.copy_location(ast.Name(GUARD, ast.Load()), node.body[0])
                node.body = [ast.copy_location(ast.With([ast.withitem(guard)], node.body), node.body[0])]
        elif isinstance(node, ast.MatchClass) and isinstance(node.cls, ast.Name) and node.cls.id in _PATTERNS:
            node.cls = ast.copy_location(ast.Name(_PATTERNS[node.cls.id], ast.Load()), node.cls)


def _change_call(node: ast.Call, defined: frozenset[str]) -> None:
    func = node.func
    single = len(node.args) == 1 and not node.keywords
    if isinstance(func, ast.Name) and func.id not in defined and (single or func.id == "complex"):
        node.func = _through(func)
        if func.id == "float" and _is_text(node.args[0]):
            node.args.append(ast.copy_location(ast.Constant(None), func))  # says that text is read
    elif isinstance(func, ast.Attribute) and func.attr in _SCALAR:
        node.func = _through(func)
    elif single and (func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")) in _EXACT:
        node.func = _through(func, EXACT)
    elif isinstance(func, ast.Name) and func.id == "map" and node.args:
        first = node.args[0]
        if isinstance(first, ast.Name) and first.id in _BUILTIN:
            node.args[0] = _through(first)


def _catches(kind: ast.expr | None) -> bool:
    """Whether a handler of that kind may catch what arithmetic raises."""
    if isinstance(kind, ast.Tuple):
        return any(map(_catches, kind.elts))
    name = kind.attr if isinstance(kind, ast.Attribute) else getattr(kind, "id", None)
    return kind is None or name in _ARITHMETIC


_NAMED = (ast.Name, ast.Attribute)


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is str


def _is_text(node: ast.expr) -> bool:
    """Whether an expression makes text of values."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod) and _is_literal(node.left)
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name in ("format", "str", "repr")
    return isinstance(node, ast.JoinedStr)


def _through(node: ast.expr, name: str = CALL) -> ast.expr:
    call = ast.Call(ast.copy_location(ast.Name(name, ast.Load()), node), [node], [])
    return ast.copy_location(call, node)


def compiled(source: str | bytes, filename: str) -> CodeType:
    """Compiles a user's source. Raises SyntaxError as ``compile`` does."""
    tree: Any = compile(source, filename, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    _change(tree)
    code: CodeType = compile(tree, filename, "exec", dont_inherit=True)
    return code


# --- at run time ------------------------------------------------------------------------------------------------------


def _conversion(real: type, dtype: Any) -> Callable[..., Any]:
    def convert(*args: Any, **kwargs: Any) -> Any:
        x = args[0] if len(args) == 1 and not kwargs else None
        if not isinstance(x, Boxed):
            own = getattr(type(x), "__float__", None)
            if type(own) is not FunctionType:
                return real(*args, **kwargs)
            x = own(x)  # of a class of the user's, whose number may be traced
            if not isinstance(x, Boxed):
                return real(x)
        value = x.frozen()
        if x.shape and (real in (float, complex) or value.size == 1):
            if value.size != 1:
                raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
            value = value.reshape(())
        if np.dtype(dtype).kind == "f" and value.dtype.kind == "c":
            raise TypeError("a complex number cannot become a float: take its real part")
        wanted = canonical_dtype(np.dtype(dtype))
        found = value if value.dtype == wanted else value.astype(wanted)
        return Number(found, real in (float, complex)) if isinstance(found, Value) and not found.ndim else boxed(found)

    return convert


def _complex(*args: Any, **kwargs: Any) -> Any:
    parts = [*args, *kwargs.values()]
    if len(parts) < 2 or not any(isinstance(part, Boxed) for part in parts):
        return _conversion(complex, complex)(*args, **kwargs)
    given = dict(zip(("real", "imag"), args, strict=False)) | kwargs
    return given["real"] + 1j * given["imag"]


_KINDS: dict[str, tuple[type, type]] = {
    "f": (float, np.float64), "i": (int, np.int64), "u": (int, np.uint64), "c": (complex, np.complex128),
    "b": (bool, np.bool_),
}  # fmt: skip


def _stands_for(box: Boxed) -> tuple[type, ...]:
    """The classes of what a box stands for, its own last."""
    if type(box) is not Number:
        return (np.ndarray,)
    kinds = _KINDS[box.dtype.kind]
    return kinds[:1] if box.python else kinds


def class_of(x: Any) -> Any:
    """The class of what a box stands for; of anything else, its own."""
    return _stands_for(x)[-1] if isinstance(x, Boxed) else type(x)


def _type(*args: Any, **kwargs: Any) -> Any:
    return class_of(args[0]) if len(args) == 1 else type(*args, **kwargs)


def _float(*args: Any, **kwargs: Any) -> Any:
    if len(args) == 2 and args[1] is None:
        return read_again(args[0]) if isinstance(args[0], str) and boxing() else _as_float(args[0])
    if len(args) == 1 and type(args[0]) is str and boxing():
        say_cut(args[0])
    return _as_float(*args, **kwargs)


_as_float = _conversion(float, float)
_TABLE: dict[Any, Callable[..., Any]] = {float: _float, complex: _complex}
_TABLE.update({getattr(np, n): _conversion(getattr(np, n), getattr(np, n)) for n in _SCALAR if hasattr(np, n)})
_TABLE[type] = _type


def call(f: Any) -> Any:
    """What is called where the source calls ``f``."""
    return _TABLE[f] if type(f) is type and f in _TABLE else f


class _Format:
    """Text at the left of a ``%``, which takes the values that boxes have in this run."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __mod__(self, x: Any) -> str:
        made: str = self.text % _present(x)
        number = x[0] if type(x) is tuple and len(x) == 1 else x
        if type(number) is Number and number.dtype.kind == "f":
            value = _present(number)
            written(number, made, made != self.text % (value * (1 + 1e-11)))
        return made


def _present(x: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(_present(item) for item in x)
    if type(x) is dict:
        return {key: _present(value) for key, value in x.items()}
    if isinstance(x, Boxed):
        value = x.read()
        return np.asarray(value.concrete() if isinstance(value, Value) else value)[()]
    return x


def shown(x: Any) -> Any:
    """What stands at the left of a ``%``: text is to be formatted, and everything else stays what it is."""
    return _Format(x) if type(x) is str and boxing() else x


def exact(f: Any) -> Any:
    """What is called where the source calls ``f``: a traced float becomes no Fraction and no Decimal, but stays one."""
    name = getattr(f, "__name__", "")
    make: Any = getattr(sys.modules.get(_EXACT.get(name, "")), name, None)
    if f is not make or not boxing():
        return f
    return lambda x: Number(x.value, True) if type(x) is Number else read_again(x, make) if type(x) is str else make(x)


def is_instance(obj: Any, kind: Any) -> bool:
    """``isinstance`` as plain NumPy code means it: a traced array is an array, a traced number a number."""
    if isinstance(obj, kind):
        return True
    if isinstance(obj, Boxed):
        stands_for = _stands_for(obj)
    elif isinstance(obj, Value) and obj.dtype.kind in _KINDS:
        stands_for = (np.ndarray,) if obj.ndim else _KINDS[obj.dtype.kind]
    else:
        return False
    return any(issubclass(one, kind) for one in stands_for)


class _Pattern(type):
    """The class of the classes that ``case float():`` and its like ask: instances are those of ``stands_for``."""

    stands_for: type

    def __instancecheck__(cls, instance: Any) -> bool:
        return is_instance(instance, cls.stands_for)


def _pattern(kind: type) -> type:
    base = (kind,) if kind is not bool else (int,)  # a subclass, so that `case float(x)` binds x to the number itself
    return _Pattern(kind.__name__, base, {"stands_for": kind})


NAMES: dict[str, Any] = {CALL: call, SHOWN: shown, GUARD: Guard(), EXACT: exact, "isinstance": is_instance}
NAMES.update({_PATTERNS[kind.__name__]: _pattern(kind) for kind in (float, int, complex, bool)})
