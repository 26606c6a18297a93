"""``gradcli doctor``: whether what a file uses of other libraries is there."""

from __future__ import annotations

from typing import Annotated

import typer

from gradcli.cli.options import OutputOptions
from gradcli.cli.output import emit
from gradcli.cli.status import ExitStatus
from gradcli.cli.streams import Streams
from gradcli.engine.errors import fail


def command(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A Python file, or - for standard input; it is read, not run.")
    ],
    out: OutputOptions,
) -> int:
    """Which names that a file imports are supported."""
    from gradcli.inspect.doctor import doctor_of

    streams: Streams = ctx.obj
    result = doctor_of(file, streams.stdin)
    if not result.names:
        raise fail("G501", f"{file} imports nothing that could be missing")
    emit(ctx, out, result)
    return ExitStatus.FAILED if result.missing else ExitStatus.OK
