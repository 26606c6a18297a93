"""``gradcli exec``: a whole script under the stand-ins for jax, autograd, numpy and math."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gradcli.cli.streams import Streams

# What follows the script is the script's own, whatever it looks like.
CONTEXT: dict[str, Any] = {"ignore_unknown_options": True, "allow_interspersed_args": False}


def command(
    ctx: typer.Context,
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="A Python file, or - for standard input.")],
    args: Annotated[list[str] | None, typer.Argument(metavar="ARGS", help="The script's own arguments.")] = None,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show all of Python's traceback of an error, before the script's name.")
    ] = False,
) -> int:
    """A script under the stand-ins, as python would run it."""
    from gradcli.inspect.scripts import run_script

    streams: Streams = ctx.obj
    return run_script(script, args or [], streams.stdin, streams.stderr, whole=traceback)
