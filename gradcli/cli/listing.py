"""``gradcli list``: the functions of a file."""

from __future__ import annotations

from typing import Annotated

import typer

from gradcli.cli.options import OutputOptions
from gradcli.cli.output import emit
from gradcli.engine.errors import fail


def command(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A Python file; it is read, not run.")],
    out: OutputOptions,
) -> None:
    """The functions of a file, with signatures."""
    from gradcli.inspect.tables import list_of

    result = list_of(file)
    if not result.functions:
        raise fail("G501", f"{file} has no functions")
    emit(ctx, out, result)
