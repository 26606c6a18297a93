"""Options that commands share, as records; ``expanded`` turns a command that takes them into one typer can read."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_type_hints

import typer

from gradcli.engine.record import fields_of, is_record, record

Format = Literal["table", "plain", "json", "jsonl", "csv", "markdown"]
Dtype = Literal["float64", "float32"]
Kink = Literal["jax", "zero", "nan"]


@record
class TargetOptions:
    """What is differentiated, and in which precision."""

    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="file.py, file.py:function, package.module:function, spec.yaml:case, or - for standard input.",
        ),
    ] = None
    expression: Annotated[
        str | None,
        typer.Option("--expression", "-e", metavar="EXPR", help="An expression such as 'sin(x)*y'; never runs code."),
    ] = None
    function: Annotated[
        str | None, typer.Option("--function", "-f", metavar="NAME", help="The function of the file.")
    ] = None
    dtype: Annotated[
        Dtype | None, typer.Option(help="Precision; default float64, or what a file that imports jax would have.")
    ] = None
    kink: Annotated[
        Kink, typer.Option(help="The derivative at a kink such as abs at 0: JAX's choice, zero, or nan.")
    ] = "jax"
    no_exec: Annotated[bool, typer.Option("--no-exec", help="Refuse targets that run code (files, modules).")] = False


@record
class AtOptions:
    """Where it is evaluated."""

    at: Annotated[
        list[str] | None,
        typer.Option(
            "--at", metavar="NAME=VALUE",
            help="x=0.5, w=[1,2,3], x=@a.npy, X=@d.csv:a,b, p=@p.json, x=linspace(0,1,11), x=normal(3,4; seed=0); "
            "repeat, or x=3,y=4.",
        ),
    ] = None  # fmt: skip


@record
class WrtOptions:
    """What it is differentiated with respect to."""

    wrt: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Arguments or paths: x,y or params.w; default: all floats.")
    ] = None
    argnums: Annotated[str | None, typer.Option(metavar="NUMBERS", help="Arguments by position: 0,1.")] = None


@record
class OutputOptions:
    """Where the result goes and how it looks."""

    format: Annotated[
        Format | None, typer.Option("--format", help="Default: table on a terminal, plain in a pipe.")
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write here; .json .jsonl .csv .md .npy .npz or plain."),
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Bare numbers only, no notes.")] = False
    traceback: Annotated[bool, typer.Option("--traceback", help="Show Python's traceback of an error.")] = False


def expanded(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with every parameter that is an options class replaced by that class's fields."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        hint = hints[name]
        if isinstance(hint, type) and is_record(hint):
            groups[name] = hint
            inner = get_type_hints(hint, include_extras=True)
            parameters += [_keyword(n, inner[n], standard) for n, standard in fields_of(hint).items()]
        else:
            parameters.append(_keyword(name, hint, parameter.default))

    def run(**given: Any) -> Any:
        built = {name: cls(**{n: given.pop(n) for n in fields_of(cls)}) for name, cls in groups.items()}
        return command(**given, **built)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def split_names(text: str | None) -> tuple[str, ...] | None:
    """``x,params.w`` as a tuple; commas inside brackets belong to the name."""
    if text is None:
        return None
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text + ","):
        depth += (c in "[(") - (c in "])")
        if c == "," and depth <= 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return tuple(p for p in parts if p)
