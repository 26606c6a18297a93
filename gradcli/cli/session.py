"""From options to a problem: loads the target, reads the values, sets the precision, keeps standard output clean."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from gradcli.cli.options import AtOptions, TargetOptions, WrtOptions, split_names
from gradcli.cli.streams import Streams
from gradcli.engine.errors import fail

if TYPE_CHECKING:
    from gradcli.inspect.problem import Problem
    from gradcli.sources.target import Target


@contextlib.contextmanager
def loaded(ctx: typer.Context, options: TargetOptions) -> Iterator[Target]:
    """The target, with its precision in force. What the user's code prints goes to standard error."""
    from gradcli.engine.settings import override
    from gradcli.engine.trace.source import hide_callers
    from gradcli.sources.target import load_target

    hide_callers()
    streams: Streams = ctx.obj
    if options.target is None and options.expression is None:
        raise fail("G101", "there is no target", hint="name a file, or give an expression: -e 'sin(x)*y'")
    if options.target is not None and options.expression is not None:
        raise fail("G101", f"both a target ({options.target}) and an expression", hint="give one of them")
    with contextlib.redirect_stdout(streams.stderr):
        with override(**({"precision": options.dtype} if options.dtype else {})):
            target = load_target(
                options.target, expression=options.expression, function=options.function, stdin=streams.stdin,
                allow_exec=not options.no_exec,
            )  # fmt: skip
            with override(precision=options.dtype or target.precision or "float64", kink=options.kink):
                yield target


@contextlib.contextmanager
def problem(
    ctx: typer.Context, options: TargetOptions, at: AtOptions, wrt: WrtOptions | None = None,
    extra: dict[str, Any] | None = None, derivative: bool = True,
) -> Iterator[Problem]:  # fmt: skip
    """The target at its values. ``extra``: values by name that other options gave."""
    from gradcli.inspect.problem import Request, problem_of
    from gradcli.sources.values import parse_assignments

    with loaded(ctx, options) as target:
        given = {**parse_assignments(at.at or []), **(extra or {})}
        wrt = wrt or WrtOptions()
        request = Request(given, split_names(wrt.wrt), numbers(wrt.argnums))
        yield problem_of(target, request, derivative)


def numbers(text: str | None) -> tuple[int, ...] | None:
    """``0,1`` as integers. Raises G101."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise fail("G101", f"--argnums {text!r}: write positions such as 0,1") from None
