"""``gradcli jacobian``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from gradcli.cli.options import AtOptions, OutputOptions, TargetOptions, WrtOptions
from gradcli.cli.output import emit
from gradcli.cli.session import problem


def command(
    ctx: typer.Context,
    target: TargetOptions,
    at: AtOptions,
    wrt: WrtOptions,
    out: OutputOptions,
    mode: Annotated[Literal["auto", "fwd", "rev"], typer.Option(help="auto takes the cheaper one.")] = "auto",
) -> None:
    """The Jacobian: every output by every input."""
    from gradcli.inspect.evaluate import jacobian_of

    with problem(ctx, target, at, wrt) as p:
        result = jacobian_of(p, mode)
    emit(ctx, out, result)
