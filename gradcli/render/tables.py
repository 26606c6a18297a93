"""Tables for people, drawn by rich: at a given width, with or without colour, returned as text."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradcli.inspect import results as r
from gradcli.render.numbers import shown
from gradcli.render.sheets import Sheet, sheet_of

STYLES = {"pass": "green", "fail": "bold red", "kink": "yellow", "unclear": "yellow"}
WORDS = ("message", "about", "function", "spec", "case", "of", "values")  # columns of text, which may fold
FOLD = 20
ROWS = 200  # a table of more rows shows its first and last ones; the machine formats have them all


def table_text(result: r.Result, width: int, color: bool) -> str:
    """The result as a table. ``width`` in columns; ``color``: with ANSI codes."""
    if isinstance(result, r.JaxprResult):
        return _program(result, width, color)
    return draw(sheet_of(result, people=True), width, color)


def draw(sheet: Sheet, width: int, color: bool) -> str:
    """A sheet as text."""
    console, out = _console(width, color)
    rows, dropped = _visible(sheet.rows)
    cells = [[shown(value) for value in row] for _, row in rows]
    cut = any(shortened for row in cells for _, shortened in row)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    least = 0
    for i, column in enumerate(sheet.columns):
        right = bool(sheet.rows) and all(_is_number(row[i]) for row in sheet.rows)
        words = i == 0 or column in WORDS
        longest = max([len(column), *(len(line) for row in cells for line in row[i][0].splitlines())])
        least += 2 + (min(longest, FOLD) if words else longest)
        table.add_column(Text(column), justify="right" if right else "left", overflow="fold", no_wrap=not words)
    for (number, _), row in zip(rows, cells, strict=True):
        texts = [Text(text) for text, _ in row]
        if sheet.marks:
            place = 0 if sheet.columns[0] == "status" else -1
            texts[place].stylize(STYLES.get(sheet.marks[number], ""))
        table.add_row(*texts)
    if sheet.title:
        console.print(Text(sheet.title, style="bold"), soft_wrap=True)
    if sheet.rows:
        console.width = max(width, least)  # text folds, numbers never: the terminal may wrap their line
        console.print(table)
    footer = list(sheet.footer)
    if dropped:
        footer.insert(0, f"{dropped} rows left out; --format plain shows all")
    if cut:
        footer.append("arrays are shortened; --format json shows every number")
    for line in footer:
        console.print(Text(line, style="dim"), soft_wrap=True)
    return _stripped(out.getvalue())


def _stripped(text: str) -> str:
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def _console(width: int, color: bool) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, no_color=not color, color_system="standard" if color else None,
        highlight=False, legacy_windows=False, markup=False, emoji=False,
    )  # fmt: skip
    return console, out


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float, complex, np.number)) and not isinstance(x, bool)


def _visible(rows: Sequence[Any]) -> tuple[list[tuple[int, Any]], int]:
    numbered = list(enumerate(rows))
    if len(rows) <= ROWS:
        return numbered, 0
    half = ROWS // 2
    return numbered[:half] + numbered[-half:], len(rows) - 2 * half


def _program(result: r.JaxprResult, width: int, color: bool) -> str:
    console, out = _console(width, color)
    console.print(Text(f"{result.of} of {result.target}  {result.dtype}", style="bold"), soft_wrap=True)
    console.print(Text(result.text), soft_wrap=True)
    if result.values is not None:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        for column in ("variable", "primitive", "value"):
            table.add_column(column, overflow="fold")
        for e, values in zip(result.data["equations"], result.values, strict=True):
            table.add_row(Text(" ".join(e["outputs"])), Text(e["primitive"]), Text(" ".join(values)))
        console.print()
        console.print(table)
    return _stripped(out.getvalue())
