"""``gradcli batch``: one value and gradient a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gradcli.cli.options import AtOptions, OutputOptions, TargetOptions, WrtOptions, split_names
from gradcli.cli.output import emit
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
    chunk: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Samples at a time, to bound memory.")
    ] = None,
    reduce: Annotated[
        Literal["none", "norm", "mean", "sum"], typer.Option(help="norm: one a sample; mean, sum: over samples.")
    ] = "none",
    top: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the samples with the largest gradients.")
    ] = None,
) -> None:
    """Per-sample values and gradients along an axis."""
    from gradcli.inspect.batches import batch_of

    names = split_names(over) or ()
    extra = _from_data(data, names) if data is not None else None
    with problem(ctx, target, at, wrt, extra) as p, progress(ctx.obj, "samples", out.quiet) as step:
        result = batch_of(p, names, chunk, reduce, top, step)
    emit(ctx, out, result)


def _from_data(file: str, over: tuple[str, ...]) -> dict[str, Any]:
    from gradcli.sources.values import parse_assignments

    names = [name.partition(":")[0] for name in over]
    if not names:
        raise fail("G101", "--data needs --over", hint="name the arguments that the file has values of: --over x,y")
    if Path(file).suffix.lower() in (".npy", ".json") and len(names) == 1:
        return dict(parse_assignments([f"{names[0]}=@{file}"]))
    return dict(parse_assignments([f"{name}=@{file}:{name}" for name in names]))
