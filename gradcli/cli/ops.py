"""``gradcli ops``: every primitive and its rules; what is checked of the public names; another library's names."""

from __future__ import annotations

from typing import Annotated

import typer

from gradcli.cli.options import OutputOptions
from gradcli.cli.output import emit
from gradcli.cli.status import ExitStatus
from gradcli.engine.errors import fail


def command(
    ctx: typer.Context,
    out: OutputOptions,
    match: Annotated[str | None, typer.Argument(metavar="TEXT", help="Only names that contain this.")] = None,
    names: Annotated[
        str | None,
        typer.Option(metavar="LIBRARY", help="The public names of jax, autograd or numpy, and which are here."),
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="What the conformance table checks: by namespace, or by name with TEXT.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compute these checks now, for names with TEXT; exit status 1 if one fails.")
    ] = False,
) -> int:
    """Every primitive and which rules it has."""
    if sum((names is not None, coverage, check)) > 1:
        raise fail("G101", "--names, --coverage and --check exclude each other", hint="give one of them")
    if names is not None:
        from gradcli.inspect.doctor import names_result

        breadth = names_result(names, match or "")
        if not breadth.names:
            raise fail("G501", f"no name of {names} has {match!r} in it", hint=f"see `gradcli ops --names {names}`")
        emit(ctx, out, breadth)
        return ExitStatus.OK
    return _conformance(ctx, out, match or "", check) if coverage or check else _primitives(ctx, out, match or "")


def _primitives(ctx: typer.Context, out: OutputOptions, match: str) -> int:
    from gradcli.inspect.tables import ops_of

    result = ops_of(match)
    if not result.ops:
        raise fail("G501", f"no primitive has {match!r} in its name", hint="see `gradcli ops`")
    emit(ctx, out, result)
    return ExitStatus.OK


def _conformance(ctx: typer.Context, out: OutputOptions, match: str, check: bool) -> int:
    from gradcli.inspect.conformance import conformance_of, coverage_of

    nothing = fail("G501", f"no public name has {match!r} in it", hint="see `gradcli ops --coverage`")
    if check:
        checked = conformance_of(match)
        if not checked.rows:
            raise nothing
        emit(ctx, out, checked)
        return ExitStatus.FAILED if checked.failed else ExitStatus.OK
    covered = coverage_of(match)
    if not covered.coverage:
        raise nothing
    emit(ctx, out, covered)
    return ExitStatus.OK
