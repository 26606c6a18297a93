"""Values as users write them: numbers, nested lists, files and generators; parsed, never evaluated.

    assignments  = name "=" value { "," name "=" value }
    value        = number | list | tuple | mapping | text | "@" file [ ":" part ] | generator
    generator    = name "(" [ value { "," value } ] [ ";" name "=" value { "," name "=" value } ] ")"

A list of numbers whose rows have equal lengths becomes an array; any other list, and every mapping, is a pytree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from gradcli.engine.errors import fail
from gradcli.engine.ir.types import default_float

_NUMBER = re.compile(r"[-+]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?[jJ]?(?![\w.])")
_NAME = re.compile(r"[A-Za-z_]\w*")
_NEXT_ASSIGNMENT = re.compile(r",\s*[A-Za-z_]\w*\s*=")
_CONSTANTS = {
    "nan": np.nan, "NaN": np.nan, "inf": np.inf, "Infinity": np.inf, "pi": np.pi, "e": np.e,
    "true": True, "True": True, "false": False, "False": False, "null": None, "None": None,
}  # fmt: skip
MAX_DEPTH = 50
MAX_ELEMENTS = 10**8
MAPPED_BYTES = 2**22


def parse_assignments(texts: Sequence[str], folder: Path | None = None) -> dict[str, Any]:
    """``["x=3,y=4", "w=[1,2,3]"]`` as values by name. Raises GradcliError (G104; G306 for files).

    >>> parse_assignments(["x=0.5,n=3", "w=[1,2.5]"])
    {'x': 0.5, 'n': 3, 'w': array([1. , 2.5])}
    """
    found: dict[str, Any] = {}
    for text in texts:
        parser = _Parser(text, folder)
        for name, value in parser.assignments():
            if name in found:
                raise parser.error(f"{name!r} is given twice")
            found[name] = value
    return found


def parse_value(text: str, folder: Path | None = None) -> Any:
    """One value; files are relative to ``folder``.

    >>> parse_value("linspace(0, 1, 3)")
    array([0. , 0.5, 1. ])
    """
    parser = _Parser(text, folder)
    value = parser.value()
    parser.end()
    return value


def parse_vary(text: str) -> tuple[str, np.ndarray[Any, Any]]:
    """``x=-3:3:61`` (61 points from -3 to 3), or ``x=`` and any value of one dimension.

    >>> parse_vary("x=0:1:3")
    ('x', array([0. , 0.5, 1. ]))
    """
    name, equals, rest = text.partition("=")
    if not equals or not _NAME.fullmatch(name.strip()):
        raise fail("G104", f"cannot read --vary {text!r}", hint="write x=START:STOP:COUNT, e.g. x=-3:3:61")
    parts = rest.split(":")
    if len(parts) == 3 and not rest.lstrip().startswith("@"):
        try:
            start, stop, count = float(parts[0]), float(parts[1]), int(parts[2])
        except ValueError:
            raise fail("G104", f"cannot read --vary {text!r}", hint="write x=START:STOP:COUNT") from None
        if count < 1:
            raise fail("G104", f"--vary {text!r} asks for {count} points", hint="the count must be at least 1")
        return name.strip(), np.linspace(start, stop, count, dtype=default_float())
    values = np.asarray(parse_value(rest))
    if values.ndim != 1:
        raise fail("G104", f"--vary {text!r} needs numbers along one axis, got shape {values.shape}")
    return name.strip(), values


class _Parser:
    """A cursor over the text; each method reads one rule of the grammar."""

    def __init__(self, text: str, folder: Path | None = None) -> None:
        self.text, self.at, self.folder = text, 0, folder

    def error(self, message: str, hint: str | None = None) -> Exception:
        """The error, with a caret under the place that was reached."""
        caret = " " * self.at + "^"
        shown = self.text if len(self.text) <= 100 else ""
        where = f"\n    {shown}\n    {caret}" if shown else f" at character {self.at + 1}"
        error: Exception = fail("G104", f"{message}{where}", hint=hint)
        return error

    def space(self) -> str:
        """Skips blanks; the next character, or an empty string at the end."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def take(self, character: str) -> bool:
        """Whether that character comes next; if so it is consumed."""
        if self.space() != character:
            return False
        self.at += 1
        return True

    def end(self) -> None:
        """Raises unless everything was read."""
        if self.space():
            raise self.error("there is more than one value here")

    def assignments(self) -> list[tuple[str, Any]]:
        """All ``name=value`` of the text."""
        out = []
        while True:
            self.space()
            match = _NAME.match(self.text, self.at)
            if match is None:
                raise self.error("expected name=value", "write --at x=0.5, or several as --at x=3,y=4")
            self.at = match.end()
            if not self.take("="):
                raise self.error(f"expected = after {match.group()!r}", f"write {match.group()}=VALUE")
            out.append((match.group(), self.value()))
            if not self.space():
                return out
            if not self.take(","):
                raise self.error("expected a comma between assignments")

    def value(self, depth: int = 0) -> Any:
        """One value."""
        if depth > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH}")
        first = self.space()
        if first == "@":
            return self.file()
        if first in ("[", "("):
            return self.sequence(first, depth)
        if first == "{":
            return self.mapping(depth)
        if first in ('"', "'"):
            return self.string()
        number = _NUMBER.match(self.text, self.at)
        if number is not None:
            self.at = number.end()
            return _number(number.group())
        return self.word(depth)

    def word(self, depth: int) -> Any:
        """A named constant, possibly signed, or a generator."""
        sign = 1
        if self.space() in ("-", "+"):
            sign = -1 if self.text[self.at] == "-" else 1
            self.at += 1
        match = _NAME.match(self.text, self.at)
        if match is None:
            raise self.error("expected a value", "numbers, [lists], @files, or generators such as linspace(0,1,11)")
        name = match.group()
        if self.text[match.end() :].lstrip().startswith("("):
            self.at = match.end()
            return sign * self.generator(name, depth)
        if name not in _CONSTANTS:
            raise self.error(f"{name!r} is no value", _did_you_mean(name, [*_CONSTANTS, *GENERATORS]))
        self.at = match.end()
        constant = _CONSTANTS[name]
        return constant if sign == 1 else -constant  # type: ignore[operator]

    def sequence(self, opening: str, depth: int) -> Any:
        """A list or tuple; rectangular numbers become an array."""
        closing = "]" if opening == "[" else ")"
        self.at += 1
        items = []
        while not self.take(closing):
            items.append(self.value(depth + 1))
            if not self.take(",") and self.space() != closing:
                raise self.error(f"expected , or {closing}")
        return as_array(items) if opening == "[" else tuple(items)

    def mapping(self, depth: int) -> dict[str, Any]:
        """A mapping with names or quoted strings as keys."""
        self.at += 1
        out: dict[str, Any] = {}
        while not self.take("}"):
            if self.space() in ('"', "'"):
                key = self.string()
            else:
                match = re.compile(r"[\w.-]+").match(self.text, self.at)
                if match is None:
                    raise self.error("expected a key")
                key, self.at = match.group(), match.end()
            if not self.take(":"):
                raise self.error("expected : after the key")
            out[key] = self.value(depth + 1)
            if not self.take(",") and self.space() != "}":
                raise self.error("expected , or }")
        return out

    def string(self) -> str:
        """A quoted string without escapes."""
        quote = self.text[self.at]
        end = self.text.find(quote, self.at + 1)
        if end < 0:
            raise self.error("the quotation mark is not closed")
        text, self.at = self.text[self.at + 1 : end], end + 1
        return text

    def file(self) -> Any:
        """``@path``, up to the next assignment, a closing bracket being part of the path only outside of lists."""
        start = self.at + 1
        follow = _NEXT_ASSIGNMENT.search(self.text, start)
        end = follow.start() if follow else len(self.text)
        self.at = end
        return read_file(self.text[start:end].strip(), self.folder)

    def generator(self, name: str, depth: int) -> Any:
        """``name(values; options)``."""
        make = GENERATORS.get(name)
        if make is None:
            raise self.error(f"there is no generator {name!r}", _did_you_mean(name, list(GENERATORS)))
        self.take("(")
        args: list[Any] = []
        options: dict[str, Any] = {}
        keyword = False
        while not self.take(")"):
            if self.take(";"):
                keyword = True
                continue
            match = re.compile(r"([A-Za-z_]\w*)\s*=").match(self.text, self.at)
            if match is not None and (keyword or match.group(1) not in _CONSTANTS):
                self.at = match.end()
                options[match.group(1)] = self.value(depth + 1)
            else:
                args.append(self.value(depth + 1))
            if not self.take(",") and self.space() not in (")", ";"):
                raise self.error("expected , or )")
        try:
            return make(*args, **options)
        except (TypeError, ValueError) as error:
            raise self.error(f"{name}: {error}", f"usage: {_USAGE[name]}") from None


def _did_you_mean(name: str, known: Sequence[str]) -> str | None:
    close = get_close_matches(name, known, 1)
    return f"did you mean {close[0]}?" if close else None


def _number(text: str) -> int | float | complex:
    if text[-1] in "jJ":
        return complex(text)
    try:
        return int(text)
    except ValueError:
        return float(text)


def as_array(items: Sequence[Any]) -> Any:
    """An array where all items are numbers or arrays of one shape, else the list.

    >>> as_array([1, 2]), as_array([1, [2]])
    (array([1, 2]), [1, [2]])
    """
    kinds = (bool, int, float, complex, np.ndarray, np.generic)
    if not items:
        return np.zeros(0, default_float())
    if all(isinstance(x, kinds) for x in items) and len({np.shape(x) for x in items}) == 1:
        array = np.array(items)
        return array.astype(default_float()) if array.dtype == object else array
    return list(items)


# --- generators -------------------------------------------------------------------------------------------------

_USAGE = {
    "linspace": "linspace(start, stop, count)", "arange": "arange([start,] stop[, step])",
    "logspace": "logspace(start, stop, count)", "zeros": "zeros(n, ...)", "ones": "ones(n, ...)",
    "full": "full(n, ..., value)", "eye": "eye(n)",
    "normal": "normal(n, ...; seed=0)", "uniform": "uniform(n, ...; seed=0, low=0, high=1)",
}  # fmt: skip


def _shape(sizes: Sequence[Any]) -> tuple[int, ...]:
    shape = tuple(int(n) for n in sizes)
    if any(n < 0 for n in shape) or np.prod(shape, dtype=float) > MAX_ELEMENTS:
        raise ValueError(f"shape {shape} is too large or negative")
    return shape


def _linspace(start: float, stop: float, count: int = 50) -> Any:
    return np.linspace(start, stop, _shape([count])[0], dtype=default_float())


def _logspace(start: float, stop: float, count: int = 50) -> Any:
    return np.logspace(start, stop, _shape([count])[0], dtype=default_float())


def _arange(*bounds: float) -> Any:
    start, stop, step = {1: (0, *bounds, 1), 2: (*bounds, 1), 3: bounds}[len(bounds)]
    _shape([max(0, (stop - start) / step)])
    return np.arange(start, stop, step)


def _normal(*sizes: int, seed: int = 0, mean: float = 0.0, std: float = 1.0) -> Any:
    draw = np.random.default_rng(int(seed)).standard_normal(_shape(sizes)) * std + mean
    return np.asarray(draw, default_float())[()]


def _uniform(*sizes: int, seed: int = 0, low: float = 0.0, high: float = 1.0) -> Any:
    return np.asarray(np.random.default_rng(int(seed)).uniform(low, high, _shape(sizes)), default_float())[()]


GENERATORS: dict[str, Callable[..., Any]] = {
    "linspace": _linspace,
    "logspace": _logspace,
    "arange": _arange,
    "zeros": lambda *sizes: np.zeros(_shape(sizes), default_float()),
    "ones": lambda *sizes: np.ones(_shape(sizes), default_float()),
    "full": lambda *args: np.full(_shape(args[:-1]), args[-1]),
    "eye": lambda n: np.eye(_shape([n, n])[0], dtype=default_float()),
    "normal": _normal,
    "uniform": _uniform,
}


# --- files ------------------------------------------------------------------------------------------------------


def read_file(reference: str, folder: Path | None = None) -> Any:
    """``a.npy``, ``p.npz:w``, ``d.csv:a,b``, ``p.json`` as values. Never unpickles. Raises GradcliError (G306)."""
    name, part = _split_part(reference)
    path = (folder / name) if folder is not None else Path(name)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise fail("G306", f"cannot tell the format of {name!r}", hint=f"known: {', '.join(_READERS)}")
    try:
        return reader(path, part)
    except FileNotFoundError:
        raise fail("G306", f"no such file: {path}") from None
    except (OSError, ValueError, KeyError, UnicodeDecodeError) as error:
        raise fail("G306", f"cannot read {path}: {error}") from None


def _split_part(reference: str) -> tuple[str, str | None]:
    match = re.fullmatch(r"(.+\.(?:npy|npz|csv|tsv|json)):(.*)", reference, re.IGNORECASE)
    return (match.group(1), match.group(2)) if match else (reference, None)


def _read_npy(path: Path, part: str | None) -> Any:
    """Small files whole; of large ones only what is used, when it is."""
    large = path.stat().st_size >= MAPPED_BYTES
    return np.asarray(np.load(path, allow_pickle=False, mmap_mode="r" if large else None))


def _read_npz(path: Path, part: str | None) -> Any:
    with np.load(path, allow_pickle=False) as archive:
        if part is None:
            return {name: archive[name] for name in archive.files}
        if part not in archive.files:
            raise fail("G306", f"{path} holds no {part!r}", hint=f"it holds {', '.join(archive.files)}")
        return archive[part]


def _read_table(path: Path, part: str | None) -> Any:
    """Columns by name, or all numbers when there is no header and no columns are named."""
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(newline="", encoding="utf-8-sig") as stream:
        import csv  # here, as json below: most commands read no files

        rows = [row for row in csv.reader(stream, delimiter=delimiter) if row]
    if not rows:
        raise ValueError("the file is empty")
    header = not all(_is_number(cell) for cell in rows[0])
    names = [cell.strip() for cell in rows[0]] if header else [str(i) for i in range(len(rows[0]))]
    body = rows[1:] if header else rows
    wanted = names if part is None else [name.strip() for name in part.split(",")]
    columns = []
    for name in wanted:
        if name not in names:
            raise fail("G306", f"{path} has no column {name!r}", hint=f"it has {', '.join(names)}")
        columns.append(names.index(name))
    table = np.array([[_cell(path, row, i, c) for c in columns] for i, row in enumerate(body, 1 + header)])
    table = table.astype(default_float()).reshape(len(body), len(columns))
    return table[:, 0] if part is not None and len(columns) == 1 else table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _cell(path: Path, row: Sequence[str], line: int, column: int) -> float:
    text = row[column].strip() if column < len(row) else ""
    if text and not _is_number(text):
        raise fail("G306", f"{path}, line {line}, column {column + 1}: {text!r} is no number")
    return float(text) if text else np.nan


def _read_json(path: Path, part: str | None) -> Any:
    text = path.read_text(encoding="utf-8")
    try:
        import json

        tree = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    for key in part.split(".") if part else ():
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]
    return from_plain(tree)


_SPECIAL = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


def from_plain(tree: Any) -> Any:
    """Plain data (of JSON or YAML) as values: rectangular lists of numbers become arrays.

    >>> from_plain({"w": [[1, 2], [3, 4]], "b": "NaN"})
    {'w': array([[1, 2],
           [3, 4]]), 'b': nan}
    """
    if isinstance(tree, Mapping):
        return {key: from_plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return as_array([from_plain(item) for item in tree])
    return _SPECIAL.get(tree, tree) if isinstance(tree, str) else tree


_READERS: dict[str, Callable[[Path, str | None], Any]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".csv": _read_table,
    ".tsv": _read_table,
    ".json": _read_json,
}
