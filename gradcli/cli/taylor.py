"""``gradcli taylor``: derivatives of high order by Taylor mode."""

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
    order: Annotated[int, typer.Option(metavar="N", min=0, help="The highest derivative.")] = 5,
) -> None:
    """Derivatives 0 to N of a scalar argument."""
    from gradcli.inspect.evaluate import taylor_of

    with problem(ctx, target, at, wrt) as p:
        result = taylor_of(p, order)
    emit(ctx, out, result)
