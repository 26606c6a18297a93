"""Sending a result where it belongs: standard output or a file, in the format that fits."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gradcli.cli.options import OutputOptions
from gradcli.cli.streams import Streams
from gradcli.render.diagnostics import note_text

if TYPE_CHECKING:
    from gradcli.inspect.results import Result

_SUFFIXES = {
    ".json": "json", ".jsonl": "jsonl", ".csv": "csv", ".md": "markdown", ".npy": "npy", ".npz": "npz",
}  # fmt: skip


ROW_FORMATS = ("plain", "csv", "jsonl")  # a line a row, below at most one line of headings


def format_of(streams: Streams, out: OutputOptions) -> str:
    """The format asked for, else that of the file's suffix, else what suits whoever reads standard output."""
    if out.json or out.format is not None:
        return "json" if out.json else str(out.format)
    if out.output is not None:
        return _SUFFIXES.get(Path(out.output).suffix.lower(), "plain")
    if out.quiet:
        return "quiet"
    return "table" if streams.is_terminal(streams.stdout) else "plain"


def emit(ctx: typer.Context, out: OutputOptions, result: Result) -> None:
    """Writes a result; its notes go to standard error."""
    streams: Streams = ctx.obj
    if not out.quiet:
        notes(streams, result.notes)
    format = format_of(streams, out)
    if out.output is not None:
        _write(out.output, format, result)
        _summary(streams, out, result, "")
        return
    streams.stdout.write(text_of(result, format, streams.width(streams.stdout), streams.color(streams.stdout)))
    _summary(streams, out, result, format)


def emit_parts(ctx: typer.Context, out: OutputOptions, parts: Iterator[Result]) -> None:
    """Writes a result that comes in parts, in one of the formats of rows; the headings once."""
    from gradcli.render.files import write_atomically

    streams: Streams = ctx.obj
    first = next(parts)
    if not out.quiet:
        notes(streams, first.notes)
    texts = _texts(itertools.chain([first], parts), format_of(streams, out))
    if out.output is not None:
        write_atomically(out.output, texts)
    else:
        for text in texts:
            streams.stdout.write(text)


def _texts(parts: Iterable[Result], format: str) -> Iterator[str]:
    for i, part in enumerate(parts):
        text = text_of(part, format, 120, False)
        yield text if i == 0 or format == "jsonl" else text.partition("\n")[2]


def _summary(streams: Streams, out: OutputOptions, result: Result, format: str) -> None:
    """The verdict in a line on standard error, where the output does not hold it."""
    summary = getattr(result, "summary", None)
    if summary and not out.quiet and format not in ("table", "json"):
        streams.stdout.flush()
        streams.stderr.write(summary + "\n")


def notes(streams: Streams, lines: tuple[str, ...]) -> None:
    """Notes on standard error."""
    for line in lines:
        streams.stderr.write(note_text(line, streams.color(streams.stderr)))


def emit_text(ctx: typer.Context, out: OutputOptions, text: str, lines: tuple[str, ...] = ()) -> None:
    """Writes a result that is text already (a graph, a schema)."""
    from gradcli.render.files import write_atomically

    streams: Streams = ctx.obj
    if not out.quiet:
        notes(streams, lines)
    if out.output is not None:
        write_atomically(out.output, text)
    else:
        streams.stdout.write(text)


def text_of(result: Result, format: str, width: int, color: bool) -> str:
    """The result in a text format. Only what the format needs is imported: JSON never waits for rich."""
    if format == "table":
        from gradcli.render.tables import table_text

        return table_text(result, width, color)
    if format in ("json", "jsonl"):
        from gradcli.render.records import json_text, jsonl_text

        return json_text(result) if format == "json" else jsonl_text(result)
    from gradcli.render import machine

    render = {
        "plain": machine.plain_text, "csv": machine.csv_text, "markdown": machine.markdown_text,
        "quiet": machine.quiet_text,
    }[format]  # fmt: skip
    return render(result)


def _write(path: str, format: str, result: Result) -> None:
    from gradcli.render.files import npy_bytes, npz_bytes, write_atomically

    content: str | bytes
    if format in ("npy", "npz"):
        from gradcli.render.machine import arrays_of

        content = (npy_bytes if format == "npy" else npz_bytes)(arrays_of(result), path)
    else:
        content = text_of(result, format, 120, False)
    write_atomically(path, content)
