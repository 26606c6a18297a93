"""Targets: which function is meant, and how it is loaded.

file.py            its only public function, else one called f, fun, loss or main
file.py:func       that function; file.py:Class.method for a method
package.mod:func   an importable function
spec.yaml:case     the function of a spec's case
-                  Python source on standard input
"""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import inspect
import os
import re
import sys
import traceback
import types
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TextIO

from gradcli.compat import protocols as _protocols
from gradcli.compat.imports import Workspace, entered, run_source, workspace_of
from gradcli.engine.custom import custom_jvp, custom_vjp
from gradcli.engine.errors import GradcliError, Location, fail
from gradcli.engine.jit import Jitted
from gradcli.engine.record import default, record
from gradcli.engine.settings import override, settings
from gradcli.engine.trace.source import short_path
from gradcli.sources.expression import compile_expression

_ = _protocols  # importing it makes NumPy's functions work on traced values

MISSING: Any = inspect.Parameter.empty
PREFERRED = ("f", "fun", "loss", "main")


@record
class Parameter:
    """A parameter of a target: its name, kind (as ``inspect`` has it) and default (or MISSING)."""

    name: str
    kind: Any
    default: Any = MISSING


@record
class Target:
    """A function to work on. ``label`` is how it is shown; ``precision`` is what its file asks for, if anything."""

    label: str
    function: Callable[..., Any]
    name: str
    parameters: tuple[Parameter, ...]
    example_inputs: Mapping[str, Any] = default(factory=dict)
    precision: str | None = None
    file: str | None = None
    kind: str = "file"


@record
class FunctionInfo:
    """A function of a file, read from its text."""

    name: str
    signature: str
    defaults: dict[str, str]
    doc: str
    line: int


def load_target(
    text: str | None,
    *,
    expression: str | None = None,
    function: str | None = None,
    stdin: TextIO | None = None,
    allow_exec: bool = True,
) -> Target:
    """Loads a target.

    Raises GradcliError: G101 and G103 (which function?), G301, G302 and G305 (cannot load), G307 (``--no-exec``).
    """
    if expression is not None:
        return expression_target(expression)
    if text is None:
        raise fail("G101", "there is no target", hint="name a file, or give an expression: -e 'sin(x)*y'")
    if text == "-":
        source = (stdin or sys.stdin).read()
        return _from_source(source, "<stdin>", Path.cwd(), function, allow_exec, "stdin")
    path, name = _split(text)
    name = function or name
    suffix = Path(path).suffix.lower()
    if suffix in (".yaml", ".yml"):
        spec = importlib.import_module("gradcli.sources.spec")
        target: Target = spec.target_of(path, name, allow_exec=allow_exec)
        return target
    if suffix == ".py" or os.sep in path or Path(path).is_file():
        return _from_file(path, name, allow_exec)
    return _from_module(path, name, allow_exec)


def _split(text: str) -> tuple[str, str | None]:
    match = re.fullmatch(r"(.+?\.(?:py|ya?ml)):(.+)", text) or re.fullmatch(r"([\w.]+):([\w.]+)", text)
    return (match.group(1), match.group(2)) if match else (text, None)


def expression_target(text: str, arguments: tuple[str, ...] | None = None, label: str | None = None) -> Target:
    """An inline expression as a target."""
    compiled, names = compile_expression(text, arguments)
    parameters = tuple(Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names)
    return Target(label or text, compiled, "expression", parameters, kind="expression")


def _refuse(what: str) -> Exception:
    error: Exception = fail(
        "G307", f"--no-exec: {what} would run code", hint="expressions (-e, or expr: in a spec) never do"
    )
    return error


def _from_file(path: str, name: str | None, allow_exec: bool) -> Target:
    try:
        source = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        close = get_close_matches(path, [str(p) for p in Path(path).parent.glob("*.py")], 1) if path else []
        hint = f"did you mean {close[0]}?" if close else "a function typed in place is given with -e 'sin(x)*y'"
        raise fail("G301", f"no such file: {path}", hint=hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise fail("G301", f"cannot read {path}: {error}") from None
    return _from_source(source, path, Path(path).resolve().parent, name, allow_exec, "file")


def _from_source(source: str, label: str, folder: Path, name: str | None, allow_exec: bool, kind: str) -> Target:
    if not allow_exec:
        raise _refuse(label)
    filename = str(folder / Path(label).name) if kind == "file" else label
    tree = _parsed(source, filename)
    wants_jax = imports(tree, "jax")
    with override(precision="float32") if wants_jax else override():
        module = _run(source, filename, f"gradcli_user_{Path(label).stem.strip('<>')}", folder)
        precision, layout = _precision(module, wants_jax), settings().prng_partitionable
    picked, function = _pick(module, name, label)
    target = _target(f"{label}:{picked}", function, picked, module, precision, filename, kind)
    if layout != settings().prng_partitionable:  # jax.config.update in the file holds for its functions too
        return _with_layout(target, layout)
    return target


def _precision(module: types.ModuleType, wants_jax: bool) -> str | None:
    """What the file has set, where it or a module beside it imports jax."""
    workspace = workspace_of(module)
    return settings().precision if wants_jax or (workspace is not None and workspace.jax) else None


def _with_layout(target: Target, layout: bool) -> Target:
    inner = target.function

    def function(*args: Any, **kwargs: Any) -> Any:
        with override(prng_partitionable=layout):
            return inner(*args, **kwargs)

    function.__name__ = target.name
    return Target(
        target.label, function, target.name, target.parameters, target.example_inputs, target.precision, target.file,
        target.kind,
    )  # fmt: skip


def _parsed(source: str, filename: str) -> ast.Module:
    try:
        return ast.parse(source, filename)
    except SyntaxError as error:
        where = Location(short_path(filename), error.lineno or 1, (error.text or "").strip())
        raise fail("G302", f"{short_path(filename)} is not valid Python: {error.msg}", location=where) from None
    except (MemoryError, RecursionError, ValueError) as error:
        raise fail("G302", f"{short_path(filename)} cannot be parsed: {error or 'nested too deeply'}") from None


def imports(tree: ast.Module, root: str) -> bool:
    """Whether the source imports that top-level module, anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(a.name.partition(".")[0] == root for a in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] == root:
            return True
    return False


def _run(source: str, filename: str, name: str, folder: Path) -> types.ModuleType:
    try:
        return run_source(source, filename, name, folder)
    except GradcliError:
        raise
    except Exception as error:
        raise loading_failed(error, filename) from error


def loading_failed(error: Exception, filename: str) -> GradcliError:
    """The error for a file whose top level raised: what, and the line of the user's that it was on."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == filename]
    where = Location(short_path(filename), frames[-1].lineno or 1, frames[-1].line or "", "") if frames else None
    hint = None
    if isinstance(error, ModuleNotFoundError) and error.name:
        hint = f"install {error.name.partition('.')[0]} in this environment, or leave the import out"
    message = f"{short_path(filename)} cannot be loaded: {type(error).__name__}: {error}"
    failure: GradcliError = fail("G302", message, location=where, hint=hint)
    return failure


def _from_module(path: str, name: str | None, allow_exec: bool) -> Target:
    if not allow_exec:
        raise _refuse(path)
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", path):
        raise fail("G301", f"no such file: {path}", hint="a target is file.py, file.py:function, module:function or -")
    sys.path.insert(0, os.getcwd())
    try:
        spec = _spec_of(path)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            raise fail("G302", f"there is no module {path!r}", hint="a file is named with its ending, as in loss.py")
        source = Path(spec.origin).read_text(encoding="utf-8")
        wants_jax = imports(_parsed(source, spec.origin), "jax")
        with override(precision="float32") if wants_jax else override():
            folder = _import_folder(spec.origin, path)
            module = Workspace(folder, path.partition(".")[0] if _is_shared(folder) else None).load(path)
            precision = _precision(module, wants_jax)
    except (ImportError, OSError) as error:
        raise fail("G302", f"cannot import {path}: {error}", hint="is the file meant? then name it file.py") from None
    finally:
        sys.path.remove(os.getcwd())
    picked, function = _pick(module, name, path)
    return _target(f"{path}:{picked}", function, picked, module, precision, spec.origin, "module")


def _spec_of(path: str) -> Any:
    """Where an import path leads to. Its packages are not imported for it: they are to be with the stand-ins."""
    root, *rest = path.split(".")
    spec = importlib.util.find_spec(root)
    for i in range(len(rest)):
        if spec is None or not spec.submodule_search_locations:
            return None
        name = ".".join([root, *rest[: i + 1]])
        spec = importlib.machinery.PathFinder.find_spec(name, spec.submodule_search_locations)
    return spec


def _import_folder(origin: str, name: str) -> Path:
    """The folder that an import path starts from, of a module that lies at ``origin``."""
    depth = name.count(".") + Path(origin).name.startswith("__init__.")
    return Path(origin).resolve().parents[depth]


def _is_shared(folder: Path) -> bool:
    """Whether packages lie in a folder that have nothing to do with each other, as installed ones do."""
    return folder == Path(os.__file__).parent.resolve() or bool({"site-packages", "dist-packages"} & set(folder.parts))


_CALLABLE = (types.FunctionType, custom_jvp, custom_vjp, Jitted)


def public_functions(module: types.ModuleType) -> dict[str, Callable[..., Any]]:
    """The functions that the module defines; custom rules and names with a leading _ are left out."""
    found: dict[str, Callable[..., Any]] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or not isinstance(value, _CALLABLE):
            continue
        inner = inspect.unwrap(value)
        if getattr(inner, "__module__", None) == module.__name__:
            found[name] = value
    rules = {id(rule) for f in found.values() for rule in _custom_rules(f)}
    return {name: f for name, f in found.items() if id(f) not in rules}


def _custom_rules(function: Any) -> list[Any]:
    """The derivative rules that were given to a function: nobody means those when they name the file."""
    if isinstance(function, custom_jvp):
        return [function.jvp]
    return [function.fwd, function.bwd] if isinstance(function, custom_vjp) else []


def _pick(module: types.ModuleType, name: str | None, label: str) -> tuple[str, Callable[..., Any]]:
    candidates = public_functions(module)
    if name is not None:
        return name, _named(module, name, label, candidates)
    if len(candidates) == 1:
        return next(iter(candidates.items()))
    for preferred in PREFERRED:
        if preferred in candidates:
            return preferred, candidates[preferred]
    if not candidates:
        raise fail("G103", f"{label} defines no public function", hint=f"name one: {label}:function")
    listed = ", ".join(candidates)
    raise fail(
        "G103",
        f"{label} defines {len(candidates)} functions: {listed}",
        hint=f"name one: {label}:{next(iter(candidates))}",
    )


def _named(module: types.ModuleType, name: str, label: str, candidates: Mapping[str, Any]) -> Callable[..., Any]:
    found: Any = module
    for i, part in enumerate(name.split(".")):
        owner = found
        if not hasattr(found, part):
            close = get_close_matches(part, list(candidates) if i == 0 else dir(found), 1)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(candidates) or 'no functions'}"
            raise fail("G105", f"{label} has no function {name!r}", hint=hint)
        found = getattr(found, part)
        if isinstance(owner, type) and _is_method(owner, part):
            found = getattr(_instance(owner, name), part)
    if not callable(found):
        raise fail("G105", f"{name!r} in {label} is a {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]


def _is_method(owner: type, name: str) -> bool:
    return isinstance(inspect.getattr_static(owner, name), types.FunctionType)


def _instance(owner: type, name: str) -> Any:
    try:
        return owner()
    except TypeError as error:
        raise fail(
            "G105", f"{name} is a method, and {owner.__name__}() needs arguments: {error}",
            hint="bind it in the file: f = Class(...).method",
        ) from None  # fmt: skip


def _target(
    label: str, function: Any, name: str, module: types.ModuleType, precision: str | None, file: str | None, kind: str
) -> Target:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        raise fail("G105", f"{label} has no signature that can be read", hint="wrap it in a function") from None
    parameters = tuple(Parameter(p.name, p.kind, p.default) for p in signature.parameters.values())
    examples = getattr(module, "example_inputs", {})
    if not isinstance(examples, Mapping):
        raise fail("G302", f"example_inputs of {label} must be a dict, not a {type(examples).__name__}")
    return Target(label, entered(function, module), name, parameters, dict(examples), precision, file, kind)


def list_functions(path: str) -> list[FunctionInfo]:
    """The public functions and methods of a file, which is read and not run."""
    try:
        source = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise fail("G301", f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    found = []
    for node in _parsed(source, path).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            found.append(_info(node, ""))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            methods = [m for m in node.body if isinstance(m, ast.FunctionDef) and not m.name.startswith("_")]
            found.extend(_info(m, f"{node.name}.") for m in methods)
    return found


def _info(node: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str) -> FunctionInfo:
    args = [*node.args.posonlyargs, *node.args.args]
    defaults = dict(zip([a.arg for a in args[len(args) - len(node.args.defaults) :]], node.args.defaults, strict=True))
    keyword = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    texts = {k: ast.unparse(v) for k, v in defaults.items()} | {a.arg: ast.unparse(d) for a, d in keyword if d}
    doc = (ast.get_docstring(node) or "").split("\n")[0]
    return FunctionInfo(prefix + node.name, f"({ast.unparse(node.args)})", texts, doc, node.lineno)
