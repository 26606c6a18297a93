"""``gradcli grad``: value and gradient, or derivatives of higher order."""

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
    order: Annotated[
        int, typer.Option(metavar="N", min=0, help="The N-th derivative by one scalar argument, with every lower one.")
    ] = 0,
    vary: Annotated[
        str | None, typer.Option(metavar="NAME=START:STOP:COUNT", help="Evaluate along one argument: x=-3:3:61.")
    ] = None,
    no_value: Annotated[bool, typer.Option("--no-value", help="Leave the value out.")] = False,
) -> None:
    """Value and gradient of a scalar function."""
    from gradcli.inspect.evaluate import grad_of, vary_of
    from gradcli.sources.values import parse_vary

    line = parse_vary(vary) if vary is not None else None
    start = {line[0]: float(line[1][0])} if line is not None else None
    with problem(ctx, target, at, wrt, start) as p:
        if line is not None:
            result = vary_of(p, line[0], line[1], order, not no_value)
        else:
            result = grad_of(p, order, not no_value)
    emit(ctx, out, result)
