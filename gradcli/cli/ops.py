"""``gradcli ops``: every primitive and which rules it has; or how much of another library's names there is."""

from __future__ import annotations

from typing import Annotated

import typer

from gradcli.cli.options import OutputOptions
from gradcli.cli.output import emit
from gradcli.engine.errors import fail


def command(
    ctx: typer.Context,
    out: OutputOptions,
    match: Annotated[str | None, typer.Argument(metavar="TEXT", help="Only names that contain this.")] = None,
    names: Annotated[
        str | None,
        typer.Option(metavar="LIBRARY", help="The public names of jax, autograd or numpy, and which are here."),
    ] = None,
) -> None:
    """Every primitive and which rules it has."""
    if names is not None:
        from gradcli.inspect.doctor import names_result

        breadth = names_result(names, match or "")
        if not breadth.names:
            raise fail("G501", f"no name of {names} has {match!r} in it", hint=f"see `gradcli ops --names {names}`")
        emit(ctx, out, breadth)
        return
    from gradcli.inspect.tables import ops_of

    result = ops_of(match or "")
    if not result.ops:
        raise fail("G501", f"no primitive has {match!r} in its name", hint="see `gradcli ops`")
    emit(ctx, out, result)
