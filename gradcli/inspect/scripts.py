"""Running a whole script as ``python script.py`` would, with the stand-ins for what it imports."""

from __future__ import annotations

import ast
import os
import sys
import traceback
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from gradcli.compat.imports import run_source
from gradcli.compat.jaxnames.config import first_settings
from gradcli.engine.errors import Location, diagnostic_of, fail
from gradcli.engine.settings import override
from gradcli.sources.target import imports

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def run_script(script: str, args: Sequence[str], stdin: TextIO, stderr: TextIO, whole: bool = False) -> int:
    """Runs the script and returns its exit status: that of ``sys.exit``, or 1 after an exception, whose traceback has
    the user's lines only unless ``whole``.

    Raises GradcliError where the file cannot be read (G301) or is not Python (G302).
    """
    source, filename = source_of(script, stdin)
    tree = parsed(source, filename)
    folder = Path(filename).resolve().parent if script != "-" else Path.cwd()
    first = first_settings() if imports(tree, "jax") else {"precision": "float64"}
    with _as_main([script, *args]), override(**first):
        try:
            run_source(source, filename, "__main__", folder)
        except SystemExit as stop:
            return _status(stop, stderr)
        except (KeyboardInterrupt, BrokenPipeError):
            raise
        except BaseException as error:
            sys.stdout.flush()
            stderr.write(_shown(error, whole))
            return 1
    return 0


def source_of(script: str, stdin: TextIO) -> tuple[str, str]:
    """The text of a file, or with ``-`` that of standard input, and the name it has in messages."""
    if script == "-":
        return stdin.read(), "<stdin>"
    try:
        return Path(script).read_text(encoding="utf-8"), script
    except FileNotFoundError:
        raise fail("G301", f"no such file: {script}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise fail("G301", f"cannot read {script}: {error}") from None


def parsed(source: str, filename: str) -> ast.Module:
    """The syntax tree. Raises GradcliError (G302) with the line that is wrong."""
    try:
        return ast.parse(source, filename)
    except SyntaxError as error:
        where = Location(filename, error.lineno or 1, (error.text or "").strip())
        raise fail("G302", f"{filename} is not valid Python: {error.msg}", location=where) from None


@contextmanager
def _as_main(argv: Sequence[str]) -> Iterator[None]:
    """``sys.argv`` and ``sys.modules['__main__']`` as the script may change them, put back afterwards."""
    before: tuple[list[str], types.ModuleType | None] = sys.argv, sys.modules.get("__main__")
    sys.argv = list(argv)
    try:
        yield
    finally:
        sys.argv = before[0]
        if before[1] is not None:
            sys.modules["__main__"] = before[1]


def _status(stop: SystemExit, stderr: TextIO) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    stderr.write(f"{stop.code}\n")
    return 1


def _shown(error: BaseException, whole: bool) -> str:
    """The traceback as Python writes it, without the frames of gradcli unless nothing else is left."""
    shown = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = shown
    while part is not None and not whole:
        users = [f for f in part.stack if not f.filename.startswith(_PACKAGE)]
        part.stack = traceback.StackSummary.from_list(users or list(part.stack))
        part = part.__cause__ or part.__context__
    text = "".join(shown.format())
    diagnostic = diagnostic_of(error)
    return text + (f"hint: {diagnostic.hint}\n" if diagnostic is not None and diagnostic.hint else "")
