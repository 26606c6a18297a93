"""``gradcli jvp``: the derivative along a direction, in forward mode."""

from __future__ import annotations

from typing import Annotated

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
    tangent: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="x=1.0, values as with --at; unnamed ones are 0; default: all ones."),
    ] = None,
) -> None:
    """Value and directional derivative (Jacobian-vector product)."""
    from gradcli.inspect.evaluate import jvp_of
    from gradcli.sources.values import parse_assignments

    with problem(ctx, target, at, wrt) as p:
        result = jvp_of(p, parse_assignments(tangent or []))
    emit(ctx, out, result)
