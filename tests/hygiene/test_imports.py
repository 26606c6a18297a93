"""Imports point one way: every import of every module, held against the layers of the design."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "gradcli"

# From the lowest to the highest; the first prefix that fits a module decides. A module may import lower layers, and
# its own as long as there is no cycle.
LAYERS = (
    ("gradcli.engine.record", 0), ("gradcli.engine.errors", 0), ("gradcli.engine.settings", 0),
    ("gradcli.engine.tree", 0),
    ("gradcli.engine.array", 0), ("gradcli.engine.ir", 0), ("gradcli.engine.trace", 0),
    ("gradcli.engine.ops", 1),
    ("gradcli.engine.transforms", 2), ("gradcli.engine.execute", 2),
    ("gradcli.engine", 3),
    ("gradcli.conformance", 6),
    ("gradcli.compat", 5), ("gradcli.sources", 6), ("gradcli.inspect", 7), ("gradcli.render", 8),
    ("gradcli.cli", 9), ("gradcli.__main__", 9),
    ("gradcli.", 4),  # the public namespaces: numpy, lax, random, nn, scipy, tree_util …
)  # fmt: skip
ENGINE_MAY_USE = {"numpy"}  # and the standard library
FORBIDDEN = {"jax", "jaxlib", "autograd", "torch", "click"}


@dataclass(frozen=True)
class Import:
    source: str
    target: str
    line: int
    inside_function: bool


def layer(module: str) -> int:
    if module == "gradcli":
        return -1  # the root holds a version and a lazy table: anyone may import it, and it imports nothing at once
    return next(rank for prefix, rank in LAYERS if module == prefix.rstrip(".") or module.startswith(prefix))


def imports_of(module: str, source: str, modules: set[str]) -> Iterator[Import]:
    """Every import of a module's source, blocks under ``if TYPE_CHECKING`` left out."""

    def walk(node: ast.AST, inside: bool) -> Iterator[Import]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for child in node.orelse:
                yield from walk(child, inside)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno, inside)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} is a relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield Import(module, full if full in modules else str(node.module), node.lineno, inside)
        inner = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inner)

    yield from walk(ast.parse(source), False)


def problems(sources: dict[str, str]) -> list[str]:
    """What breaks the rules among modules given as name -> source."""
    found = []
    edges: dict[str, set[str]] = {}
    for module, source in sources.items():
        for item in imports_of(module, source, set(sources)):
            where, top = f"{item.source}:{item.line} imports {item.target}", item.target.split(".")[0]
            if top in FORBIDDEN:
                found.append(f"{where}: never")
            if top != "gradcli":
                continue
            if item.inside_function and layer(module) != 9 and module != "gradcli":
                found.append(f"{where} inside a function")
            if layer(item.target) > layer(module):
                found.append(f"{where}: upwards")
            if not item.inside_function and item.target != module:
                edges.setdefault(module, set()).add(item.target)
    return found + cycles(edges)


def cycles(edges: dict[str, set[str]]) -> list[str]:
    """The cycles that a depth-first walk meets."""
    state: dict[str, int] = {}
    found: list[str] = []

    def visit(node: str, path: tuple[str, ...]) -> None:
        state[node] = 1
        for other in sorted(edges.get(node, ())):
            if state.get(other) == 1:
                found.append("cycle: " + " -> ".join((*path[path.index(other) :], other)))
            elif other not in state:
                visit(other, (*path, other))
        state[node] = 2

    for node in sorted(edges):
        if node not in state:
            visit(node, (node,))
    return found


def all_sources() -> dict[str, str]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text(encoding="utf-8")
    return found


def test_imports_point_downwards() -> None:
    assert problems(all_sources()) == []


def test_the_engine_needs_numpy_and_the_standard_library_only() -> None:
    import sys

    allowed = set(sys.stdlib_module_names) | ENGINE_MAY_USE | {"gradcli", "__future__"}
    sources = all_sources()
    used = {
        (module, item.target.split(".")[0])
        for module, source in sources.items()
        if module.startswith("gradcli.engine")
        for item in imports_of(module, source, set(sources))
    }
    assert {pair for pair in used if pair[1] not in allowed} == set()


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("from gradcli.inspect.results import Result", "upwards"),
        ("def f():\n    from gradcli.engine.ir.types import Shape", "inside a function"),
        ("import jax", "never"),
        ("from gradcli.engine.b import y", "cycle"),
    ],
)
def test_twin_that_must_fail(source: str, complaint: str) -> None:
    sources = {
        "gradcli.engine.a": source, "gradcli.engine.b": "from gradcli.engine.a import x", "gradcli.inspect.results": "",
        "gradcli.engine.ir.types": "",
    }  # fmt: skip
    assert any(complaint in problem for problem in problems(sources)), problems(sources)


def test_type_checking_blocks_do_not_count() -> None:
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gradcli.cli.main import main\n"
    assert problems({"gradcli.engine.a": source, "gradcli.cli.main": ""}) == []
