"""Functions as source that stands on its own: a primitive's NumPy evaluation with all that it refers to.

So a primitive without a rule of its own here can still be written out: its ``impl`` is copied, and what it calls, and
the tables that those read, in an order in which each is defined before it is used.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

from gradcli.engine.errors import GradcliError, fail
from gradcli.engine.execute.emit_text import value_text
from gradcli.engine.ops.define import Primitive

_STANDARD = ("math", "itertools", "functools", "operator", "numpy", "builtins")
FunctionNode = ast.FunctionDef | ast.Lambda


class Library:
    """The definitions and imports that some functions need. ``taken`` are names that are in use already."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.imports: set[str] = set()
        self.definitions: list[str] = []
        self._names: dict[int, str] = {}
        self._alive: list[Any] = []

    def fresh(self, wanted: str) -> str:
        """A name that nothing has yet."""
        stem = "_" + wanted.strip("_<>").replace("-", "_")
        name, count = stem, 1
        while name in self.taken:
            count += 1
            name = f"{stem}_{count}"
        self.taken.add(name)
        return name

    def constant(self, wanted: str, value: Any) -> str:
        """The name of a value that is written out once, before the function."""
        return self._once(value, lambda: self._define(self.fresh(wanted), value_text(value)))

    def function(self, f: Any, wanted: str = "") -> str:
        """The name of a function that is written out. Raises GradcliError where it, or what it needs, cannot be."""
        if getattr(f, "__module__", None) in _STANDARD or isinstance(f, types.BuiltinFunctionType) or not callable(f):
            return self._standard(f)
        if isinstance(f, functools.partial):
            return self._once(f, lambda: self._partial(f, wanted))
        f = inspect.unwrap(f)
        if not isinstance(f, types.FunctionType):
            raise GradcliError(f"{getattr(f, '__name__', f)!r} cannot be written as source")
        return self._once(f, lambda: self._python(f, wanted))

    def namespace(self, fields: dict[str, Any]) -> str:
        """An object with these attributes."""
        self.imports.add("import types")
        return f"types.SimpleNamespace({', '.join(f'{key}={value_text(value)}' for key, value in fields.items())})"

    # --- the kinds of functions ---------------------------------------------------------------------------------------

    def _once(self, value: Any, make: Callable[[], str]) -> str:
        name = self._names.get(id(value))
        if name is None:
            name = make()
            self._names[id(value)] = name
            self._alive.append(value)  # so that its id stays its own
        return name

    def _define(self, name: str, text: str) -> str:
        self.definitions.append(f"{name} = {text}")
        return name

    def _standard(self, f: Any) -> str:
        import numpy as np

        module, name = getattr(f, "__module__", None), getattr(f, "__name__", "")
        if getattr(np, name, None) is f:
            return f"np.{name}"
        if module == "builtins" and getattr(builtins, name, None) is f:
            return str(name)
        if module in _STANDARD and "." not in getattr(f, "__qualname__", "."):
            self.imports.add(f"import {module}")
            return f"{module}.{name}"
        raise GradcliError(f"{name or f!r} cannot be written as source")

    def _partial(self, f: functools.partial[Any], wanted: str) -> str:
        given = [self.function(f.func), *(self.value(a, "value") for a in f.args)]
        given += [f"{key}={self.value(v, key)}" for key, v in f.keywords.items()]
        self.imports.add("import functools")
        return self._define(self.fresh(wanted or "partial"), f"functools.partial({', '.join(given)})")

    def _python(self, f: types.FunctionType, wanted: str) -> str:
        node = _plain(_node_of(f))
        if isinstance(node, ast.FunctionDef) and isinstance(node.body[0], ast.Raise):
            raise GradcliError("it has no value by itself")
        name = self.fresh(wanted if isinstance(node, ast.Lambda) and wanted else f.__name__ or wanted)
        self._names[id(f)] = name  # before what it calls is written: it may call itself
        self._alive.append(f)
        text = ast.unparse(ast.fix_missing_locations(_Renamer(self, f).visit(node)))
        if isinstance(node, ast.Lambda):
            return self._define(name, text)
        node.name = name
        self.definitions.append(ast.unparse(node))
        return name

    # --- what functions refer to --------------------------------------------------------------------------------------

    def value(self, value: Any, name: str) -> str:
        """The text for something that a function refers to by a name."""
        if isinstance(value, types.ModuleType):
            if value.__name__ == "numpy":
                return "np"
            if value.__name__ not in _STANDARD:
                raise GradcliError(f"the module {value.__name__} is not part of Python")
            self.imports.add(f"import {value.__name__}")
            return value.__name__
        if isinstance(value, type) and value.__module__ == "builtins":
            return str(value.__name__)
        if callable(value) and (not isinstance(value, type) or value.__module__ in _STANDARD):
            return self.function(value, name)
        try:
            text = value_text(value)
        except GradcliError:
            raise GradcliError(f"{name!r}, which it needs, cannot be written as source") from None
        return text if len(text) < 12 else self.constant(name, value)


class _Renamer(ast.NodeTransformer):
    """Replaces the names that a function takes from around it by those that they have in the library."""

    def __init__(self, library: Library, f: types.FunctionType) -> None:
        self.library = library
        self.around: dict[str, Any] = {}
        codes = list(_codes(f.__code__))
        own = {name for code in codes for name in (*code.co_varnames, *code.co_cellvars)}
        names = {name for code in codes for name in code.co_names} - own  # names of attributes among them: harmless
        self.around.update({n: f.__globals__[n] for n in names if n in f.__globals__})
        cells = zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
        self.around.update({name: cell.cell_contents for name, cell in cells})

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:  # noqa: N802 (the name that ast asks for)
        owner = self.around.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if isinstance(owner, Primitive) and node.attr == "impl":
            return ast.Name(self.library.function(owner.impl, owner.name), ast.Load())
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:  # noqa: N802
        if isinstance(node.func, ast.Name) and self.around.get(node.func.id) is fail:
            return ast.Call(ast.Name("ValueError", ast.Load()), [self.visit(node.args[1])], [])
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:  # noqa: N802
        if node.id not in self.around or not isinstance(node.ctx, ast.Load):
            return node
        return ast.parse(self.library.value(self.around[node.id], node.id), mode="eval").body


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _codes(inner)


@functools.lru_cache(maxsize=64)
def _functions(path: str) -> dict[int, list[FunctionNode]]:
    """The functions of a file, by their first lines."""
    try:
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read())
    except OSError:
        raise GradcliError(f"the source of {path} is not there") from None
    found: dict[int, list[FunctionNode]] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            decorators = getattr(node, "decorator_list", [])
            found.setdefault(decorators[0].lineno if decorators else node.lineno, []).append(node)
    return found


def _node_of(f: types.FunctionType) -> FunctionNode:
    """The syntax tree of a function; of several on one line the one with this code."""
    nodes = [n for n in _functions(f.__code__.co_filename).get(f.__code__.co_firstlineno, []) if _is_of(n, f)]
    if not nodes:
        raise GradcliError(f"the source of {f.__name__} was not found")
    return nodes[0]


def _is_of(node: FunctionNode, f: types.FunctionType) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name == f.__name__
    code = compile(ast.Expression(node), "", "eval").co_consts[0]
    around = {*f.__code__.co_names, *f.__code__.co_freevars}  # by itself, what it closes over is global
    same = code.co_varnames == f.__code__.co_varnames and {*code.co_names} == around
    return same and _shape(code) == _shape(f.__code__)


def _shape(code: types.CodeType) -> Any:
    """The constants of some code, those that are code by their number of arguments."""
    return [c.co_argcount if isinstance(c, types.CodeType) else (type(c), c) for c in code.co_consts if c is not None]


def _plain(node: FunctionNode) -> FunctionNode:
    """A copy without decorators and annotations."""
    copied: Any = ast.parse(ast.unparse(node), mode="exec").body[0]
    result: FunctionNode = _Unannotated().visit(copied.value if isinstance(copied, ast.Expr) else copied)
    return result


class _Unannotated(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # noqa: N802
        node.decorator_list, node.returns = [], None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:  # noqa: N802
        if node.value is None:
            return None
        return ast.Assign([node.target], node.value, lineno=node.lineno)
