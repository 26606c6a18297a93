"""``gradcli time``: how long each stage takes."""

from __future__ import annotations

from typing import Annotated

import typer

from gradcli.cli.options import AtOptions, OutputOptions, TargetOptions, WrtOptions, split_names
from gradcli.cli.output import emit
from gradcli.cli.session import problem


def command(
    ctx: typer.Context,
    target: TargetOptions,
    at: AtOptions,
    wrt: WrtOptions,
    out: OutputOptions,
    of: Annotated[str, typer.Option(metavar="WHAT", help="What to run, as in `gradcli jaxpr --of`.")] = "grad",
    over: Annotated[
        str | None, typer.Option(metavar="NAMES", help="With batch: the arguments that hold one value a sample.")
    ] = None,
    runs: Annotated[int, typer.Option(metavar="N", min=1, help="Runs after the first.")] = 3,
) -> None:
    """How long each stage and run takes."""
    from gradcli.inspect.jaxprs import parse_of
    from gradcli.inspect.timing import time_of

    derivative = bool(set(parse_of(of)) - {"batch"})
    with problem(ctx, target, at, wrt, derivative=derivative) as p:
        result = time_of(p, of, split_names(over) or (), runs)
    emit(ctx, out, result)
