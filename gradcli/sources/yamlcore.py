"""YAML as people mean it, safely, with the position of every key and value.

PyYAML's safe loader follows YAML 1.1: ``1e-6`` is a string to it, ``on`` a truth, ``012`` ten, and repeated keys
overwrite each other in silence. The loader here resolves plain scalars by the core schema of YAML 1.2 (§ 10.3.2), and
refuses what is too large, too deep, repeated, recursive or explosive before any object is built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from gradcli.engine.errors import GradcliError, Location, fail
from gradcli.engine.record import record

MAX_BYTES = 10_000_000
MAX_DEPTH = 50
MAX_NODES = 2_000_000
MAX_ALIASES = 1_000

Path = tuple[str | int, ...]
Position = tuple[int, int]

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"


class CoreLoader(_Base):  # type: ignore[misc]  # the base is chosen at run time
    """The safe loader with the implicit types of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}


_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
for _tag, _pattern, _first in (
    ("null", r"(null|Null|NULL|~|)", ["n", "N", "~", ""]),
    ("bool", r"(true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)", list("-+0123456789")),
    ("float", rf"({_FLOAT}|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN)", list("-+.0123456789")),
):
    CoreLoader.add_implicit_resolver(_TAG + _tag, re.compile(f"^{_pattern}$"), _first)


@record
class Document:
    """Plain data (dict, list, str, int, float, bool, None) and where each part of it stands: line and column from 1."""

    file: str
    data: Any
    positions: Mapping[Path, Position]
    lines: Sequence[str]

    def location(self, path: Path) -> Location:
        """The place of a key's value, or of the nearest thing around it."""
        while path and path not in self.positions:
            path = path[:-1]
        line, column = self.positions.get(path, (1, 1))
        return located(self.file, self.lines, line, column)


def located(file: str, lines: Sequence[str], line: int, column: int) -> Location:
    """A position as an error shows it: file, line, column, and the line's text."""
    text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return Location(file, line, text, f"column {column}")


def load_yaml(text: str, filename: str) -> Document:
    """Reads one YAML document. Raises GradcliError (G303) with file, line and column.

    >>> load_yaml("{rate: 1e-6, on: no, n: [1, 0x10]}", "a.yaml").data
    {'rate': 1e-06, 'on': 'no', 'n': [1, 16]}
    """
    if len(text) > MAX_BYTES:
        raise fail("G303", f"{filename} is larger than {MAX_BYTES // 1_000_000} MB")
    lines = text.splitlines()
    try:
        _scan(text, filename, lines)
        root = _compose(text)
    except yaml.MarkedYAMLError as error:
        raise _bad(filename, lines, error.problem_mark, error.problem or str(error)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise fail("G303", f"{filename} is not valid YAML: {error}") from None
    builder = _Builder(filename, lines)
    data = None if root is None else builder.build(root, (), ())
    return Document(filename, data, builder.positions, lines)


def _bad(file: str, lines: Sequence[str], mark: Any, message: str, hint: str | None = None) -> GradcliError:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    where = located(file, lines, line, column)
    error: GradcliError = fail("G303", f"{file}:{line}:{column}: {message}", location=where, hint=hint)
    return error


def _scan(text: str, file: str, lines: Sequence[str]) -> None:
    """Walks the events: depth, number of nodes and of aliases, one document only."""
    depth = nodes = aliases = documents = 0
    for event in yaml.parse(text, Loader=CoreLoader):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _bad(
                    file, lines, event.start_mark, "a second document starts here", "one file holds one document"
                )
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > MAX_DEPTH:
                raise _bad(file, lines, event.start_mark, f"nested deeper than {MAX_DEPTH}")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        nodes += 1
        if nodes > MAX_NODES or aliases > MAX_ALIASES:
            raise _bad(file, lines, event.start_mark, "too many nodes or aliases")


def _compose(text: str) -> Any:
    loader = CoreLoader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


class _Builder:
    """Turns nodes into plain data and remembers positions. Aliases are followed, neither in circles nor too often."""

    def __init__(self, file: str, lines: Sequence[str]) -> None:
        self.file, self.lines = file, lines
        self.positions: dict[Path, Position] = {}
        self.count = 0

    def build(self, node: Any, path: Path, around: tuple[int, ...]) -> Any:
        """The data of a node."""
        self.count += 1
        if id(node) in around:
            raise _bad(self.file, self.lines, node.start_mark, "an alias contains itself")
        if self.count > MAX_NODES or len(path) > MAX_DEPTH:
            raise _bad(self.file, self.lines, node.start_mark, "aliases make the document too large")
        self.positions[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, (*around, id(node)))
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, "seq")
            return [self.build(child, (*path, i), (*around, id(node))) for i, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: Any, path: Path, around: tuple[int, ...]) -> dict[str, Any]:
        self._check_tag(node, "map")
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _bad(self.file, self.lines, key_node.start_mark, "a key must be a word, not a list or mapping")
            key = str(key_node.value)
            if key in out:
                raise _bad(self.file, self.lines, key_node.start_mark, f"the key {key!r} is given twice")
            out[key] = self.build(value_node, (*path, key), around)
        return out

    def _check_tag(self, node: Any, expected: str) -> None:
        if node.tag != _TAG + expected:
            raise _bad(self.file, self.lines, node.start_mark, f"the tag {node.tag!r} is not allowed")

    def _scalar(self, node: Any) -> Any:
        tag, text = node.tag.removeprefix(_TAG), node.value
        if tag == "str":
            return text
        try:
            if tag == "null":
                return None
            if tag == "bool":
                return text.lower() == "true"
            if tag == "int":
                return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
            if tag == "float":
                return float(
                    text.replace(".inf", "inf")
                    .replace(".Inf", "inf")
                    .replace(".INF", "inf")
                    .lower()
                    .replace(".nan", "nan")
                )
        except ValueError as error:
            raise _bad(self.file, self.lines, node.start_mark, f"cannot read {text[:40]!r}: {error}") from None
        raise _bad(self.file, self.lines, node.start_mark, f"the tag {node.tag!r} is not allowed")
