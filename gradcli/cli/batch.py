"""``gradcli batch``: one value and gradient a sample."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gradcli.cli.options import AtOptions, OutputOptions, TargetOptions, WrtOptions, split_names
from gradcli.cli.output import ROW_FORMATS, emit, emit_parts, format_of, notes
from gradcli.cli.progress import progress
from gradcli.cli.session import problem
from gradcli.cli.streams import Streams
from gradcli.engine.errors import fail


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
        if how == "arrays":
            from gradcli.inspect.batch_files import write_batch

            with stopped_by_signals():
                written = write_batch(p, names, Path(str(out.output)), chunk, reduce, restart, step)
        elif how == "rows":
            from gradcli.inspect.batches import batch_parts

            emit_parts(ctx, out, batch_parts(p, names, chunk, reduce, step))
        else:
            from gradcli.inspect.batches import batch_of

            result = batch_of(p, names, chunk, reduce, top, step)
    if how == "whole":
        emit(ctx, out, result)
    elif how == "arrays" and not out.quiet:
        notes(ctx.obj, written.notes)


def _delivery(streams: Streams, out: OutputOptions, reduce: str, top: int | None) -> Literal["arrays", "rows", "whole"]:
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
