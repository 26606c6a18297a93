"""Laying out text within a width: what stands in a group goes on one line if it fits, else on several.

Documents and their layout after C. Lindig, *Strictly Pretty* (2000); a group counts as fitting by its own length alone,
whatever follows it on the line.

>>> print(layout(group(cat("f(", nest(2, cat(line(""), "x,", line(), "y")), line(""), ")")), width=5))
f(
  x,
  y
)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Doc(NamedTuple):
    """A document: its kind, its content, and its length when on one line."""

    kind: str
    content: object
    length: int
    indent: int = 0


def text(content: str) -> Doc:
    """Text as it is."""
    return Doc("text", content, len(content))


def line(flat: str = " ") -> Doc:
    """A new line; ``flat`` where the group around it fits on one line."""
    return Doc("line", flat, len(flat))


def cat(*parts: Doc | str) -> Doc:
    """One after the other."""
    docs = [text(p) if isinstance(p, str) else p for p in parts]
    return Doc("cat", docs, sum(d.length for d in docs))


def join(between: Doc, parts: Iterable[Doc]) -> Doc:
    """One after the other with something between each two."""
    docs: list[Doc] = []
    for part in parts:
        docs += [between, part] if docs else [part]
    return cat(*docs)


def nest(indent: int, doc: Doc) -> Doc:
    """The lines that begin in it are indented further."""
    return Doc("nest", doc, doc.length, indent)


def group(doc: Doc) -> Doc:
    """What goes on one line if it fits."""
    return Doc("group", doc, doc.length)


def layout(doc: Doc, width: int = 80) -> str:
    """The text of a document, broken where it would be wider."""
    out: list[str] = []
    column = 0
    todo = [(0, False, doc)]
    while todo:
        indent, flat, item = todo.pop()
        content = item.content
        if isinstance(content, list):
            todo.extend((indent, flat, part) for part in reversed(content))
        elif isinstance(content, Doc):
            fits = flat or (item.kind == "group" and item.length <= width - column)
            todo.append((indent + item.indent, fits, content))
        elif item.kind == "line" and not flat:
            out.append("\n" + " " * indent)
            column = indent
        else:
            out.append(str(content))
            column += item.length
    return "".join(out)
