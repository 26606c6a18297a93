"""``gradcli jaxpr``: the program of a function or of a transformation of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gradcli.cli.options import AtOptions, OutputOptions, TargetOptions, WrtOptions, split_names
from gradcli.cli.output import emit, emit_text
from gradcli.cli.session import problem

if TYPE_CHECKING:
    from gradcli.inspect.results import JaxprResult


def command(
    ctx: typer.Context,
    target: TargetOptions,
    at: AtOptions,
    wrt: WrtOptions,
    out: OutputOptions,
    of: Annotated[
        str,
        typer.Option(metavar="WHAT", help="f, grad, value_and_grad, jvp, vjp, hessian, batch, or e.g. batch(grad(f))."),
    ] = "f",
    over: Annotated[
        str | None, typer.Option(metavar="NAMES", help="With batch: the arguments that hold one value a sample.")
    ] = None,
    style: Annotated[
        Literal["modern", "classic"], typer.Option(help="As JAX prints now, or as it did without types.")
    ] = "modern",
    source: Annotated[bool, typer.Option("--source", help="The line that each equation came from.")] = False,
    values: Annotated[bool, typer.Option("--values", help="What each equation computes.")] = False,
    simplify: Annotated[bool, typer.Option("--simplify", help="Fewer equations, the same values bit for bit.")] = False,
    as_: Annotated[
        Literal["text", "json", "python", "dot", "mermaid"], typer.Option("--as", help="Another form of the program.")
    ] = "text",
) -> None:
    """The typed program of a function or derivative."""
    from gradcli.inspect.jaxprs import jaxpr_of, parse_of, python_of

    derivative = bool(set(parse_of(of)) - {"batch"})
    names = split_names(over) or ()
    with problem(ctx, target, at, wrt, derivative=derivative) as p:
        if as_ == "python":
            emit_text(ctx, out, python_of(p, of, names), p.notes)
            return
        result = jaxpr_of(p, of, names, style, source, values, simplify)
    if as_ == "text":
        emit(ctx, out, result)
    else:
        emit_text(ctx, out, _form(result, as_), result.notes)


def _form(result: JaxprResult, form: str) -> str:
    from gradcli.render.graph import dot_text, mermaid_text
    from gradcli.render.records import json_text

    if form == "json":
        return json_text(result)
    return dot_text(result.data) if form == "dot" else mermaid_text(result.data)
