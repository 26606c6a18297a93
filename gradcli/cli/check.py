"""``gradcli check``: automatic derivatives beside difference quotients."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from gradcli.cli.options import AtOptions, OutputOptions, TargetOptions, WrtOptions, split_names
from gradcli.cli.output import emit
from gradcli.cli.progress import progress
from gradcli.cli.session import problem
from gradcli.cli.status import ExitStatus


def command(
    ctx: typer.Context,
    target: TargetOptions,
    at: AtOptions,
    wrt: WrtOptions,
    out: OutputOptions,
    order: Annotated[int, typer.Option(metavar="N", min=1, help="Check derivatives up to this order.")] = 1,
    modes: Annotated[str, typer.Option("--modes", metavar="LIST", help="fwd, rev, or both.")] = "fwd,rev",
    method: Annotated[
        Literal["fd", "complex"], typer.Option(help="Central differences, or the complex step (analytic functions).")
    ] = "fd",
    eps: Annotated[float | None, typer.Option(help="One fixed step; default: the best of several.")] = None,
    atol: Annotated[float | None, typer.Option(help="Absolute tolerance.")] = None,
    rtol: Annotated[float | None, typer.Option(help="Relative tolerance.")] = None,
    sample: Annotated[int, typer.Option(metavar="N", min=0, help="At most so many derivatives an order; 0: all.")] = 64,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the random sample.")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Kinks and unclear quotients fail too.")] = False,
) -> None:
    """Derivatives against finite differences."""
    from gradcli.inspect.check import CheckOptions, check_of

    options = CheckOptions(order, split_names(modes) or (), method, eps, atol, rtol, sample, seed, strict)
    with problem(ctx, target, at, wrt) as p, progress(ctx.obj, "derivatives", out.quiet) as step:
        result = check_of(p, options, step)
    emit(ctx, out, result)
    if result.verdict == "fail":
        raise typer.Exit(ExitStatus.FAILED)
