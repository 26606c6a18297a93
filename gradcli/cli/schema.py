"""``gradcli schema``: the JSON Schema of specs."""

from __future__ import annotations

from typing import Annotated

import typer

from gradcli.cli.options import OutputOptions
from gradcli.cli.output import emit_text

MODELINE = "# yaml-language-server: $schema="


def command(
    ctx: typer.Context,
    out: OutputOptions,
    modeline: Annotated[
        bool, typer.Option("--modeline", help="The line for the top of a spec that editors understand.")
    ] = False,
) -> None:
    """The JSON Schema (draft 7) of the spec format."""
    import json

    from gradcli.sources.spec import schema

    if modeline:
        emit_text(ctx, out, f"{MODELINE}{out.output or 'gradcli.schema.json'}\n")
        return
    emit_text(ctx, out, json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
