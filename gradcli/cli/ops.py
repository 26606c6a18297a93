"""``gradcli ops``: every primitive and which rules it has."""

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
) -> None:
    """Every primitive and which rules it has."""
    from gradcli.inspect.tables import ops_of

    result = ops_of(match or "")
    if not result.ops:
        raise fail("G501", f"no primitive has {match!r} in its name", hint="see `gradcli ops`")
    emit(ctx, out, result)
