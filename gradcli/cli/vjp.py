"""``gradcli vjp``: what a cotangent of the output pulls back to, in reverse mode."""

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
    cotangent: Annotated[
        str | None, typer.Option(metavar="VALUE", help="A value as with --at, e.g. [1,0] or @ct.npy; default: ones.")
    ] = None,
) -> None:
    """Value and pulled-back cotangents (vector-Jacobian product)."""
    from gradcli.inspect.evaluate import vjp_of
    from gradcli.sources.values import parse_value

    with problem(ctx, target, at, wrt) as p:
        result = vjp_of(p, None if cotangent is None else parse_value(cotangent))
    emit(ctx, out, result)
