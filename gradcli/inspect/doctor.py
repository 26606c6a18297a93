"""``gradcli doctor``: what a file uses of other libraries, found by reading it, and whether it is there."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TextIO

from gradcli.engine.errors import fail
from gradcli.engine.settings import settings
from gradcli.inspect.names import LISTS, ROOTS, Status, public_names, support, table_of
from gradcli.inspect.results import DoctorResult, NameRow, NamesResult
from gradcli.inspect.scripts import parsed, source_of

_WORDS: dict[Status, Literal["yes", "plain values only", "no"]] = {
    "yes": "yes", "plain": "plain values only", "no": "no",
}  # fmt: skip


def doctor_of(file: str, stdin: TextIO) -> DoctorResult:
    """Every imported name and attribute of a file, in the order of their first line. The file is read, not run.

    Raises GradcliError where the file cannot be read (G301) or is not Python (G302).
    """
    used: dict[str, list[int]] = defaultdict(list)
    missing: dict[str, list[int]] = defaultdict(list)
    tree = parsed(*source_of(file, stdin))
    for name, line in _uses(tree):
        root = name.partition(".")[0]
        if root in ROOTS:
            used[name].append(line)
        elif not _importable(root, Path(file).resolve().parent):
            missing[root].append(line)
    rows = [_row(name, lines) for name, lines in used.items()]
    rows += [NameRow(name=n, lines=tuple(sorted(set(ls))), status="not installed") for n, ls in missing.items()]
    rows.sort(key=lambda row: (row.lines[0], row.name))
    return DoctorResult(target=file, dtype=settings().precision, names=tuple(rows))


def _row(name: str, lines: list[int]) -> NameRow:
    found = support(name)
    return NameRow(
        name=name, lines=tuple(sorted(set(lines))), status=_WORDS[found.status], nearest=found.nearest or ""
    )  # fmt: skip


def _importable(root: str, folder: Path) -> bool:
    if root in sys.stdlib_module_names or root == "gradcli":
        return True
    if (folder / f"{root}.py").is_file() or (folder / root).is_dir():
        return True
    try:
        return importlib.util.find_spec(root) is not None
    except (ImportError, ValueError):
        return False


def _uses(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Full names and lines: what is imported, and the attributes of what is imported."""
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for a in node.names:
                aliases[a.asname or a.name.partition(".")[0]] = a.name if a.asname else a.name.partition(".")[0]
                yield a.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module, node.lineno
            for a in node.names:
                if a.name != "*":
                    aliases[a.asname or a.name] = f"{node.module}.{a.name}"
                    yield f"{node.module}.{a.name}", node.lineno
    rebound = _rebound(tree)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            yield from _chain(node, {k: v for k, v in aliases.items() if k not in rebound})


def _chain(node: ast.Attribute, aliases: dict[str, str]) -> Iterator[tuple[str, int]]:
    """``jnp.linalg.norm`` as its full name, as far as modules reach: an attribute of a function is no name of jax."""
    parts: list[str] = []
    at: ast.expr = node
    while isinstance(at, ast.Attribute):
        parts.append(at.attr)
        at = at.value
    if not isinstance(at, ast.Name) or at.id not in aliases:
        return
    name = aliases[at.id]
    for part in reversed(parts):
        if not _is_module(name):
            break
        name = f"{name}.{part}"
    if name != aliases[at.id]:
        yield name, node.lineno


def _is_module(name: str) -> bool:
    root = name.partition(".")[0]
    if name == root:
        return True
    if root in ("numpy", "math"):
        return name in ("numpy.linalg", "numpy.fft", "numpy.random", "numpy.testing", "numpy.ma", "numpy.polynomial")
    return name != "jax.config" and root in ROOTS and name in table_of(root)


def _rebound(tree: ast.Module) -> set[str]:
    """Names that the file also gives to something else: what their attributes are is not known."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return found | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def names_result(library: str, match: str = "") -> NamesResult:
    """Each public name of a library whose name contains ``match``. Raises G105 for an unknown library."""
    if library not in LISTS:
        raise fail("G105", f"there is no list of the names of {library!r}", hint=f"there is one of {', '.join(LISTS)}")
    version, names = public_names(library)
    rows = tuple(_row(name, [0]) for name in names if match in name)
    return NamesResult(target=version, dtype=settings().precision, names=rows)
