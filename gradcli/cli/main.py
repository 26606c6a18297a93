"""The program: finds the command, runs it, turns every way it can end into an exit status.

A command's module is imported when the command is used; what it needs of numpy, rich and the engine only when it runs.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gradcli import __version__
from gradcli.cli.options import expanded
from gradcli.cli.status import ExitStatus, status_of
from gradcli.cli.streams import Streams
from gradcli.engine.errors import Diagnostic
from gradcli.render.diagnostics import error_json, error_text

# Name and summary, in the order of the help: known here, so that the help loads no command.
COMMANDS = {
    "grad": "Value and gradient of a scalar function.",
    "jvp": "Value and directional derivative (Jacobian-vector product).",
    "vjp": "Value and pulled-back cotangents (vector-Jacobian product).",
    "jacobian": "The Jacobian: every output by every input.",
    "hessian": "The Hessian: second derivatives of a scalar function.",
    "taylor": "Derivatives 0 to N of a scalar argument.",
    "batch": "Per-sample values and gradients along an axis.",
    "jaxpr": "The typed program of a function or derivative.",
    "check": "Derivatives against finite differences.",
    "time": "How long each stage and run takes.",
    "run": "Every case of specs against what it expects.",
    "exec": "A script under the stand-ins, as python would run it.",
    "doctor": "Which names that a file imports are supported.",
    "list": "The functions of a file, with signatures.",
    "ops": "Every primitive and which rules it has.",
    "schema": "The JSON Schema (draft 7) of the spec format.",
}
_MODULES = {"list": "gradcli.cli.listing"}  # where the module cannot have the command's name
COMPLETION = "_GRADCLI_COMPLETE"
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

# typer brings click under a private name, so its exceptions are reached through the public ones.
_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
_CLICK_ERROR: Any = typer.BadParameter.__mro__[2]


class Commands(TyperGroup):
    """The commands by name, each imported when asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the help."""
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(_MODULES.get(cmd_name, f"gradcli.cli.{cmd_name}"))
        app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        app.command(cmd_name, context_settings=CONTEXT | getattr(module, "CONTEXT", {}))(expanded(module.command))
        return typer.main.get_command(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gradcli {__version__}")
        raise typer.Exit()


def _application() -> Any:
    app = typer.Typer(
        cls=Commands, rich_markup_mode=None, pretty_exceptions_enable=False,
        no_args_is_help=True, context_settings=CONTEXT,
    )  # fmt: skip

    @app.callback()
    def gradcli(
        version: Annotated[
            bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
        ] = False,
    ) -> None:
        """Gradients of functions in files, specs and expressions: values, derivatives, batches, programs, checks."""

    return typer.main.get_command(app)


def main(argv: Sequence[str] | None = None, streams: Streams | None = None) -> int:
    """Runs the program and returns its exit status; never raises."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    streams = streams or Streams.real()
    try:
        status = _run(arguments, streams)
        streams.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever reads has seen enough. Python would complain once more when it flushes at exit.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), streams.stdout.fileno())
        return ExitStatus.OK


def _run(arguments: list[str], streams: Streams) -> int:
    try:
        with contextlib.redirect_stdout(streams.stdout), contextlib.redirect_stderr(streams.stderr):
            result = _application().main(arguments, prog_name="gradcli", standalone_mode=False, obj=streams)
        status = int(result) if isinstance(result, int) else ExitStatus.OK
        if status == ExitStatus.INTERRUPTED:  # typer has caught it and returns the status
            streams.stderr.write("interrupted\n")
        return status
    except _CLICK_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            streams.stderr.write(error.format_message().rstrip("\n") + "\n")
            return ExitStatus.USAGE
        return _report(_usage(error), error, arguments, streams)
    except (KeyboardInterrupt, typer.Abort):
        streams.stderr.write("interrupted\n")
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        raise
    except SystemExit as stop:
        if COMPLETION in os.environ:  # typer ends so when it has answered the shell
            return stop.code if isinstance(stop.code, int) else ExitStatus.OK
        if isinstance(stop.__context__, BrokenPipeError):  # typer has caught it and exits
            raise stop.__context__ from None
        # The user's code called sys.exit().
        problem = Diagnostic("G200", f"the code called sys.exit({stop.code!r})")
        return _report(problem, stop, arguments, streams)
    except BaseException as error:
        from gradcli.cli.failures import diagnose

        return _report(diagnose(error), error, arguments, streams)


def _usage(error: Any) -> Diagnostic:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "gradcli"
    message = error.format_message().strip().splitlines()
    return Diagnostic("G101", " ".join(message), None, f"see `{path} --help`")


def _report(problem: Diagnostic, error: BaseException, arguments: list[str], streams: Streams) -> ExitStatus:
    if "--traceback" in arguments and not isinstance(error, _CLICK_ERROR):
        streams.stderr.write("".join(traceback.format_exception(error)))
    if _wants_json(arguments):
        streams.stderr.write(error_json(problem))
    else:
        streams.stderr.write(error_text(problem, streams.color(streams.stderr)))
    return status_of(problem.code)


def _wants_json(arguments: list[str]) -> bool:
    formats = [b for a, b in zip(arguments, arguments[1:], strict=False) if a == "--format"]
    formats += [a.partition("=")[2] for a in arguments if a.startswith("--format=")]
    return "--json" in arguments or any(f in ("json", "jsonl") for f in formats)
