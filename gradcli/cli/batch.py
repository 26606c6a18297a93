"""``gradcli batch``: one value and gradient a sample."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from gradcli.cli.options import AtOptions, OutputOptions, TargetOptions, WrtOptions, split_names
from gradcli.cli.output import ROW_FORMATS, emit, emit_parts, format_of, notes
from gradcli.cli.progress import progress
from gradcli.cli.session import problem
from gradcli.cli.streams import Streams
from gradcli.engine.errors import fail

if TYPE_CHECKING:
    from gradcli.inspect.problem import Problem
    from gradcli.inspect.samples import Progress


def command(
    ctx: typer.Context,
    target: TargetOptions,
    at: AtOptions,
    wrt: WrtOptions,
    out: OutputOptions,
    over: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="The arguments that hold one value a sample: x,y; x:1 for axis 1."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Their values: .csv (columns), .npz or .json (entries) by name, or .npy."),
    ] = None,
    chunk: Annotated[int | None, typer.Option(metavar="N", min=1, help="Samples at a time, to bound memory.")] = None,
    reduce: Annotated[
        Literal["none", "norm", "mean", "sum"], typer.Option(help="norm: one a sample; mean, sum: over samples.")
    ] = "none",
    top: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the samples with the largest gradients.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Discard an unfinished batch of this output instead of resuming it.")
    ] = False,
) -> None:
    """Per-sample values and gradients along an axis."""
    names = split_names(over) or ()
    extra = _from_data(data, names) if data is not None else None
    how = _delivery(ctx.obj, out, reduce, top)
    if restart and how != "arrays":
        raise fail("G101", "--restart needs -o FILE.npy or FILE.npz", hint="only these can be resumed")
    # Where rows appear on the terminal as they are computed, they show the progress themselves.
    hidden = out.quiet or (how == "rows" and out.output is None and ctx.obj.is_terminal(ctx.obj.stdout))
    with problem(ctx, target, at, wrt, extra) as p, progress(ctx.obj, "samples", hidden) as step:
        send = _DELIVERIES[how](ctx, out, p, Asked(names, chunk, reduce, top, restart), step)
    send()


class Asked(NamedTuple):
    """What the command's own options ask."""

    over: tuple[str, ...]
    chunk: int | None
    reduce: str
    top: int | None
    restart: bool


Send = Callable[[], None]  # what is left to do when the progress bar has gone


def _arrays(ctx: typer.Context, out: OutputOptions, p: Problem, asked: Asked, step: Progress) -> Send:
    from gradcli.inspect.batch_files import write_batch

    with stopped_by_signals():
        written = write_batch(p, asked.over, Path(str(out.output)), asked.chunk, asked.reduce, asked.restart, step)
    return lambda: None if out.quiet else notes(ctx.obj, written.notes)


def _rows(ctx: typer.Context, out: OutputOptions, p: Problem, asked: Asked, step: Progress) -> Send:
    from gradcli.inspect.batches import batch_parts

    emit_parts(ctx, out, batch_parts(p, asked.over, asked.chunk, asked.reduce, step))
    return lambda: None


def _whole(ctx: typer.Context, out: OutputOptions, p: Problem, asked: Asked, step: Progress) -> Send:
    from gradcli.inspect.batches import batch_of

    result = batch_of(p, asked.over, asked.chunk, asked.reduce, asked.top, step)
    return lambda: emit(ctx, out, result)


Delivery = Literal["arrays", "rows", "whole"]
_DELIVERIES = {"arrays": _arrays, "rows": _rows, "whole": _whole}


def _delivery(streams: Streams, out: OutputOptions, reduce: str, top: int | None) -> Delivery:
    """How the result goes out: as arrays into a file that grows, as rows while they are computed, or at the end."""
    format = format_of(streams, out)
    if top is not None:
        return "whole"
    if format in ("npy", "npz") and (os.path.isfile(str(out.output)) or not os.path.exists(str(out.output))):
        return "arrays"
    return "rows" if format in ROW_FORMATS and reduce in ("none", "norm") else "whole"


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP stop the work as Ctrl-C does, so that what is done can be recorded."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _from_data(file: str, over: tuple[str, ...]) -> dict[str, Any]:
    from gradcli.sources.values import parse_assignments

    names = [name.partition(":")[0] for name in over]
    if not names:
        raise fail("G101", "--data needs --over", hint="name the arguments that the file has values of: --over x,y")
    if Path(file).suffix.lower() in (".npy", ".json") and len(names) == 1:
        return dict(parse_assignments([f"{names[0]}=@{file}"]))
    return dict(parse_assignments([f"{name}=@{file}:{name}" for name in names]))
