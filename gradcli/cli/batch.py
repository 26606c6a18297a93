"""``gradcli batch``: one value and gradient a sample."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gradcli.cli.options import AtOptions, OutputOptions, TargetOptions, WrtOptions, split_names
from gradcli.cli.output import emit, notes
from gradcli.cli.progress import progress
from gradcli.cli.session import problem
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
    file = _streamed(out, top)
    if restart and file is None:
        raise fail("G101", "--restart needs -o FILE.npy or FILE.npz", hint="only these can be resumed")
    with problem(ctx, target, at, wrt, extra) as p, progress(ctx.obj, "samples", out.quiet) as step:
        if file is not None:
            from gradcli.inspect.batch_files import write_batch

            with stopped_by_signals():
                written = write_batch(p, names, file, chunk, reduce, restart, step)
        else:
            from gradcli.inspect.batches import batch_of

            result = batch_of(p, names, chunk, reduce, top, step)
    if file is None:
        emit(ctx, out, result)
    elif not out.quiet:
        notes(ctx.obj, written.notes)


def _streamed(out: OutputOptions, top: int | None) -> Path | None:
    """The file that is written as the batch goes: arrays of all samples, in a file that can be replaced."""
    if out.output is None or out.json or out.format is not None or top is not None:
        return None
    file = Path(out.output)
    return file if file.suffix.lower() in (".npy", ".npz") and (file.is_file() or not file.exists()) else None


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
