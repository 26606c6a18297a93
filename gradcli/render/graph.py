"""A program as a graph: DOT for Graphviz and Mermaid for Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Node = tuple[str, str, str]  # id, label, kind: input, constant, equation, output
Edge = tuple[str, str, str]  # from, to, label


def _graph(data: dict[str, Any]) -> tuple[list[Node], list[Edge]]:
    nodes: list[Node] = []
    edges: list[Edge] = []
    maker: dict[str, str] = {}
    types: dict[str, str] = {}
    for kind in ("constants", "inputs"):
        for v in data[kind]:
            node = f"v_{v['name']}"
            nodes.append((node, f"{v['name']}:{v['type']}", kind[:-1]))
            maker[v["name"]], types[v["name"]] = node, v["type"]
    for i, e in enumerate(data["equations"]):
        node = f"e{i}"
        nodes.append((node, e["primitive"], "equation"))
        edges += list(_into(node, e["inputs"], maker, types, nodes))
        for name, kind in zip(e["outputs"], e["types"], strict=True):
            maker[name], types[name] = node, kind
    for i, name in enumerate(data["outputs"]):
        node = f"o{i}"
        nodes.append((node, f"output {i}" if len(data["outputs"]) > 1 else "output", "output"))
        edges += list(_into(node, [name], maker, types, nodes))
    return nodes, edges


def _into(
    node: str, names: list[str], maker: dict[str, str], types: dict[str, str], nodes: list[Node]
) -> Iterator[Edge]:
    for j, name in enumerate(names):
        if name in maker:
            yield maker[name], node, f"{name}:{types[name]}"
        else:  # a literal
            literal = f"{node}_l{j}"
            nodes.append((literal, str(name), "constant"))
            yield literal, node, ""


_SHAPES = {
    "input": "shape=box, style=rounded", "constant": "shape=plaintext", "equation": "shape=box",
    "output": "shape=doublecircle",
}  # fmt: skip


def dot_text(data: dict[str, Any]) -> str:
    """DOT, data flowing downwards."""
    nodes, edges = _graph(data)
    lines = ["digraph jaxpr {", "  node [fontname=monospace, fontsize=11];", "  edge [fontname=monospace, fontsize=9];"]
    lines += [f'  {node} [label="{_quoted(label)}", {_SHAPES[kind]}];' for node, label, kind in nodes]
    lines += [
        f'  {a} -> {b} [label="{_quoted(label)}"];' if label else f"  {a} -> {b};" for a, b, label in edges
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


_MERMAID = {"input": ("([", "])"), "constant": ("(", ")"), "equation": ("[", "]"), "output": ("((", "))")}


def mermaid_text(data: dict[str, Any]) -> str:
    """A Mermaid flowchart, data flowing downwards."""
    nodes, edges = _graph(data)

    def drawn(node: str, label: str, kind: str) -> str:
        left, right = _MERMAID[kind]
        return f'  {node}{left}"{_entity(label)}"{right}'

    lines = ["flowchart TD", *(drawn(*node) for node in nodes)]
    lines += [f'  {a} -- "{_entity(label)}" --> {b}' if label else f"  {a} --> {b}" for a, b, label in edges]
    return "\n".join(lines) + "\n"


def _entity(text: str) -> str:
    return text.replace('"', "#quot;")
