"""``gradcli run``: every case of specs."""

from __future__ import annotations

from typing import Annotated

import typer

from gradcli.cli.options import OutputOptions
from gradcli.cli.output import emit
from gradcli.cli.progress import progress
from gradcli.cli.status import ExitStatus
from gradcli.engine.errors import fail


def command(
    ctx: typer.Context,
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="Spec files, spec.yaml:case, or folders.")],
    out: OutputOptions,
    junit: Annotated[str | None, typer.Option(metavar="FILE", help="Also write JUnit XML.")] = None,
    no_exec: Annotated[bool, typer.Option("--no-exec", help="Refuse cases that run code (files, modules).")] = False,
) -> None:
    """Every case of specs against what it expects."""
    import contextlib

    from gradcli.engine.trace.source import hide_callers
    from gradcli.inspect.cases import run_specs

    hide_callers()
    with contextlib.redirect_stdout(ctx.obj.stderr), progress(ctx.obj, "cases", out.quiet) as step:
        result = run_specs(specs, allow_exec=not no_exec, progress=step)
    if not result.cases:
        raise fail("G501", "no cases in " + ", ".join(specs))
    if junit is not None:
        from gradcli.render.files import write_atomically
        from gradcli.render.junit import junit_text

        write_atomically(junit, junit_text(result))
    emit(ctx, out, result)
    if result.failed or result.errors:
        raise typer.Exit(ExitStatus.FAILED)
