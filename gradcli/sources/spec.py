"""Specs: functions and cases declared in YAML, checked against the schema; every error names file, line and column."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gradcli.engine.errors import CODES, GradcliError, fail
from gradcli.engine.record import default, record, replaced
from gradcli.sources.schema import CASE_KEYS, CHECK_KEYS, DEFAULT_KEYS, EXPECT_KEYS, FUNCTION_KEYS, TOP_KEYS
from gradcli.sources.schema import schema as schema
from gradcli.sources.target import Target, expression_target, load_target
from gradcli.sources.values import from_plain, parse_value
from gradcli.sources.yamlcore import Document, load_yaml
from gradcli.sources.yamlcore import Path as Keys

MAX_INCLUDES = 100
MAX_CASES = 100_000


@record
class FunctionDef:
    """A function of a spec: code in a file (``file``, ``attribute``) or an expression (``expr``, ``args``)."""

    name: str
    folder: Path
    file: str | None = None
    attribute: str | None = None
    expr: str | None = None
    args: tuple[str, ...] | None = None

    def load(self, allow_exec: bool = True) -> Target:
        """The function as a target; a file runs once for all its cases.

        Raises what loading raises; G307 for code where none is allowed.
        """
        if self.expr is not None:
            return expression_target(self.expr, self.args, self.name)
        assert self.file is not None
        key = (str(self.folder / self.file), self.attribute)
        if key not in _loaded or not allow_exec:
            target = load_target(key[0], function=self.attribute, allow_exec=allow_exec)
            _loaded[key] = replaced(target, label=f"{self.file}:{target.name}")
        return _loaded[key]


_loaded: dict[tuple[str, str | None], Target] = {}


@record
class Case:
    """One case: a function, values for its arguments, what to compute, and what to expect of it.

    ``expect`` holds the keys that the spec gives; a mapping ``{"expr": …}`` in it is a formula of the arguments.
    ``check`` holds the options of a check, or is None where there is none.
    """

    name: str
    function: FunctionDef
    at: Mapping[str, Any]
    expect: Mapping[str, Any]
    file: str
    line: int
    wrt: tuple[str, ...] | None = None
    grad: bool = False
    order: int | None = None
    jaxpr: str | None = None
    batch: Mapping[str, Any] = default(factory=dict)
    check: Mapping[str, Any] | None = None
    dtype: str | None = None
    rtol: float = 1e-6
    atol: float = 1e-9


@record
class Spec:
    """A spec with everything it includes."""

    path: Path
    functions: Mapping[str, FunctionDef]
    cases: tuple[Case, ...]


@dataclass
class _Reader:
    """Reads one document; every complaint names its place."""

    document: Document
    folder: Path
    defaults: dict[str, Any] = default(factory=dict)

    def error(self, path: Keys, message: str, hint: str | None = None) -> GradcliError:
        where = self.document.location(path)
        column = where.function.removeprefix("column ")
        text = f"{where.file}:{where.line}:{column}: {message}"
        found: GradcliError = fail("G304", text, location=where, hint=hint)
        return found

    def mapping(self, data: Any, path: Keys, known: Sequence[str] | None = None) -> dict[str, Any]:
        """A mapping with none but the known keys."""
        if not isinstance(data, dict):
            raise self.error(path, f"expected a mapping, got {_kind(data)}")
        for key in data:
            if known is not None and key not in known:
                close = get_close_matches(key, known, 1)
                hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
                raise self.error((*path, key), f"unknown key {key!r}", hint)
        return data

    def typed(self, data: Any, path: Keys, kind: type | tuple[type, ...], what: str) -> Any:
        """A value of a Python type (a bool is no number)."""
        if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
            raise self.error(path, f"expected {what}, got {_kind(data)}")
        return data

    def names(self, data: Any, path: Keys) -> tuple[str, ...]:
        """A name or a list of names."""
        items = [data] if isinstance(data, str) else self.typed(data, path, list, "a list of names")
        return tuple(self.typed(item, (*path, i), str, "a name") for i, item in enumerate(items))

    def value(self, data: Any, path: Keys) -> Any:
        """A value of an argument: plain data, ``@file`` or a generator."""
        if isinstance(data, str):
            try:
                return parse_value(data, self.folder)
            except GradcliError as error:
                raise self.error(path, error.diagnostic.message, error.diagnostic.hint) from None
        if isinstance(data, dict):
            return {key: self.value(item, (*path, key)) for key, item in data.items()}
        if isinstance(data, list) and any(isinstance(item, (str, dict)) for item in data):
            return [self.value(item, (*path, i)) for i, item in enumerate(data)]
        return from_plain(data)

    def function(self, name: str, data: Any, path: Keys) -> FunctionDef:
        """A function's definition: a file or an expression."""
        found = self.mapping(data, path, FUNCTION_KEYS)
        if ("file" in found) == ("expr" in found):
            raise self.error(path, f"the function {name!r} needs either file: or expr:")
        for key in ("file", "name", "expr"):
            if key in found:
                self.typed(found[key], (*path, key), (str, int, float) if key == "expr" else str, "text")
        args = self.names(found["args"], (*path, "args")) if "args" in found else None
        expr = str(found["expr"]) if "expr" in found else None
        return FunctionDef(name, self.folder, found.get("file"), found.get("name"), expr, args)

    def expectation(self, data: Any, path: Keys) -> dict[str, Any]:
        """What a case expects, by key."""
        found = self.mapping(data if data is not None else {}, path, EXPECT_KEYS)
        out: dict[str, Any] = {}
        for key, item in found.items():
            at = (*path, key)
            if key in ("rtol", "atol"):
                out[key] = float(self.typed(item, at, (int, float), "a number"))
            elif key in ("jaxpr", "error"):
                out[key] = self.typed(item, at, str, "text")
            elif key == "grad":
                out[key] = {k: self.expected(v, (*at, k)) for k, v in self.mapping(item, at).items()}
            else:
                out[key] = self.expected(item, at)
        if "error" in out and out["error"] not in CODES:
            raise self.error((*path, "error"), f"there is no error code {out['error']!r}", "for instance G204")
        return out

    def expected(self, data: Any, path: Keys) -> Any:
        """An expected value: like a value, or ``{expr: …}``."""
        if isinstance(data, dict) and set(data) == {"expr"}:
            return {"expr": str(data["expr"])}
        return self.value(data, path)

    def check(self, data: Any, path: Keys) -> dict[str, Any]:
        """The options of a check: a mapping, or true."""
        if data is True:
            return {}
        found = self.mapping(data, path, CHECK_KEYS)
        out: dict[str, Any] = {}
        for key, item in found.items():
            at = (*path, key)
            if key in ("order", "sample", "seed"):
                out[key] = self.typed(item, at, int, "a whole number")
            elif key in ("rtol", "atol"):
                out[key] = float(self.typed(item, at, (int, float), "a number"))
            else:
                out[key] = self.names(item, at)
                if not out[key] or set(out[key]) - {"fwd", "rev"}:
                    raise self.error(at, f"modes are fwd and rev, not {', '.join(out[key])}")
        return out

    def cases(self, data: Any, path: Keys, functions: Mapping[str, FunctionDef]) -> list[Case]:
        """A case, or one for each point of its matrix."""
        found = self.mapping(data, path, CASE_KEYS)
        case = self._case(found, path, self._function(found, path, functions))
        matrix = self.mapping(found.get("matrix", {}), (*path, "matrix"))
        if not matrix:
            return [case]
        axes = []
        for name, values in matrix.items():
            items = self.typed(values, (*path, "matrix", name), list, "a list of values")
            axes.append([(name, v, self.value(v, (*path, "matrix", name, i))) for i, v in enumerate(items)])
        points = list(itertools.islice(itertools.product(*axes), MAX_CASES + 1))
        if len(points) > MAX_CASES:
            raise self.error((*path, "matrix"), f"the matrix has more than {MAX_CASES} points")
        return [
            replaced(
                case,
                name=f"{case.name}[{','.join(f'{n}={shown}' for n, shown, _ in point)}]",
                at={**case.at, **{n: v for n, _, v in point}},
            )
            for point in points
        ]

    def _function(self, found: dict[str, Any], path: Keys, functions: Mapping[str, FunctionDef]) -> FunctionDef:
        name = found.get("function")
        if name is None and len(functions) == 1:
            return next(iter(functions.values()))
        if name not in functions:
            close = get_close_matches(str(name), functions, 1)
            hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(functions) or 'none'}"
            where = (*path, "function") if "function" in found else path
            raise self.error(where, f"no function {name!r}" if name else "a case needs function:", hint)
        return functions[str(name)]

    def _case(self, found: dict[str, Any], path: Keys, function: FunctionDef) -> Case:
        out: dict[str, Any] = {"at": {}, "dtype": self.defaults.get("dtype"), "grad": bool(found.get("grad"))}
        if "at" in found:
            at = self.mapping(found["at"], (*path, "at"))
            out["at"] = {k: self.value(v, (*path, "at", k)) for k, v in at.items()}
        if "batch" in found:
            batch = self.mapping(found["batch"], (*path, "batch"))
            out["batch"] = {k: self.value(v, (*path, "batch", k)) for k, v in batch.items()}
        if "grad" in found and "wrt" not in found and isinstance(found["grad"], dict):
            out["wrt"] = tuple(k for k, wanted in found["grad"].items() if wanted) or None
        if "wrt" in found:
            out["wrt"] = self.names(found["wrt"], (*path, "wrt"))
        if "order" in found:
            out["order"] = self.typed(found["order"], (*path, "order"), int, "a whole number")
        if "jaxpr" in found:
            out["jaxpr"] = self.typed(found["jaxpr"], (*path, "jaxpr"), str, "what the program is of")
        if found.get("check") not in (None, False):
            out["check"] = self.check(found["check"], (*path, "check"))
        if "dtype" in found:
            out["dtype"] = found["dtype"]
        if out["dtype"] not in (None, "float32", "float64"):
            raise self.error((*path, "dtype"), f"dtype is float32 or float64, not {out['dtype']}")
        expect = self.expectation(found.get("expect"), (*path, "expect"))
        for key in ("rtol", "atol"):
            if key in expect or key in self.defaults:
                out[key] = expect.pop(key, self.defaults.get(key))
        name = str(found.get("name") or function.name)
        line = self.document.location(path).line
        return Case(name, function, expect=expect, file=self.document.file, line=line, **out)


def _kind(data: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(data), "nothing")


def load_spec(path: str | Path) -> Spec:
    """Reads a spec and what it includes.

    Raises GradcliError: G301 (no such file), G303 (no YAML), G304 (not as the schema says), each with its place.
    """
    functions: dict[str, FunctionDef] = {}
    cases: list[Case] = []
    _load(Path(path), functions, cases, (), {})
    return Spec(Path(path), functions, tuple(cases))


def _load(
    path: Path, functions: dict[str, FunctionDef], cases: list[Case], around: tuple[Path, ...], seen: Any
) -> None:
    reader = _Reader(_document(path), path.parent)
    data = reader.mapping(reader.document.data if reader.document.data is not None else {}, (), TOP_KEYS)
    if data.get("version", 1) != 1:
        raise reader.error(("version",), f"version {data['version']} is not known", "this gradcli reads version 1")
    reader.defaults = reader.mapping(data.get("defaults", {}), ("defaults",), DEFAULT_KEYS)
    for key in ("rtol", "atol"):
        if key in reader.defaults:
            reader.typed(reader.defaults[key], ("defaults", key), (int, float), "a number")
    for i, name in enumerate(reader.names(data.get("include", []), ("include",))):
        included = _included(reader, path, name, ("include", i), (*around, path.resolve()))
        if included.resolve() not in seen:
            seen[included.resolve()] = True
            if len(seen) > MAX_INCLUDES:
                raise reader.error(("include", i), f"more than {MAX_INCLUDES} files are included")
            _load(included, functions, cases, (*around, path.resolve()), seen)
    for name, item in reader.mapping(data.get("functions", {}), ("functions",)).items():
        functions[name] = reader.function(name, item, ("functions", name))
    if "expr" in data or "file" in data:
        cases.extend(_short_form(reader, data, path, functions))
    listed = reader.typed(data.get("cases", []), ("cases",), list, "a list of cases")
    for i, item in enumerate(listed):
        cases.extend(reader.cases(item, ("cases", i), functions))


def _document(path: Path) -> Document:
    try:
        return load_yaml(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise fail("G301", f"no such file: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise fail("G301", f"cannot read {path}: {error}") from None


def _included(reader: _Reader, path: Path, name: str, at: Keys, around: tuple[Path, ...]) -> Path:
    target = path.parent / name
    if "://" in name:
        raise reader.error(at, f"{name!r} is no file", "only files below this one's folder can be included")
    if Path(name).is_absolute() or not target.resolve().is_relative_to(path.parent.resolve()):
        raise reader.error(at, f"{name!r} lies outside of this file's folder")
    if target.resolve() in around:
        raise reader.error(at, f"{name!r} includes itself")
    if not target.is_file():
        raise reader.error(at, f"there is no file {name!r} to include")
    return target


def _short_form(reader: _Reader, data: dict[str, Any], path: Path, functions: dict[str, FunctionDef]) -> list[Case]:
    """One function at the top level: its own keys, and those of one case."""
    if "functions" in data or "cases" in data:
        where = "expr" if "expr" in data else "file"
        raise reader.error(
            (where,), f"{where}: at the top level is the short form; it goes without functions and cases"
        )
    short = {k: v for k, v in data.items() if k in FUNCTION_KEYS and k != "name"}
    if "name" in data and "file" in data:
        short["name"] = data["name"]
    functions[path.stem] = reader.function(path.stem, short, ())
    case = {k: v for k, v in data.items() if k in CASE_KEYS and k not in ("function", "name")}
    if not case:
        return []
    return reader.cases({"name": path.stem, **case, "function": path.stem}, (), functions)


def target_of(path: str, name: str | None, allow_exec: bool = True) -> Target:
    """The function of ``spec.yaml:case`` as a target, with the case's values as example inputs.

    Without a name: the only case, or the only function. Raises GradcliError (G103, G105).
    """
    spec = load_spec(path)
    if name is None:
        if len(spec.functions) == 1 and len({c.function.name for c in spec.cases}) <= 1:
            case = spec.cases[0] if len(spec.cases) == 1 else None
            return _with_inputs(next(iter(spec.functions.values())).load(allow_exec), case)
        names = ", ".join([c.name for c in spec.cases] or list(spec.functions))
        raise fail("G103", f"{path} holds several cases: {names}", hint=f"name one: {path}:CASE")
    for case in spec.cases:
        if case.name == name:
            return _with_inputs(case.function.load(allow_exec), case)
    if name in spec.functions:
        return spec.functions[name].load(allow_exec)
    close = get_close_matches(name, [c.name for c in spec.cases] + list(spec.functions), 1)
    raise fail("G105", f"{path} has no case {name!r}", hint=f"did you mean {close[0]}?" if close else None)


def _with_inputs(target: Target, case: Case | None) -> Target:
    if case is None:
        return target
    inputs = {**target.example_inputs, **case.at, **case.batch}
    return replaced(target, example_inputs=inputs, precision=case.dtype or target.precision, kind="spec")
