"""Errors and notes in the one shape that all of them have."""

from __future__ import annotations

from gradcli.engine.errors import Diagnostic


def error_text(d: Diagnostic, color: bool = False) -> str:
    """The error as people read it.

    >>> print(error_text(Diagnostic("G102", "f() needs a value for x", hint="add --at x=1.0")), end="")
    error[G102]: f() needs a value for x
      hint: add --at x=1.0
    """
    head = f"error[{d.code}]:"
    lines = [f"\x1b[1;31m{head}\x1b[0m {d.message}" if color else f"{head} {d.message}"]
    if d.location is not None:
        text = f"  {d.location.text}" if d.location.text else ""
        lines.append(f"  --> {d.location}{text}")
    if d.hint:
        lines.append(f"  hint: {d.hint}")
    return "\n".join(lines) + "\n"


def error_json(d: Diagnostic) -> str:
    """The error as one line of JSON with the same fields."""
    where = None
    if d.location is not None:
        where = {
            "file": d.location.file, "line": d.location.line, "text": d.location.text,
            "function": d.location.function,
        }  # fmt: skip
    error = {"code": d.code, "message": d.message, "location": where, "hint": d.hint}
    import json  # only where it is asked for

    return json.dumps({"schema": "gradcli/1", "error": error}, ensure_ascii=False) + "\n"


def note_text(note: str, color: bool = False) -> str:
    """A note on one line."""
    return f"\x1b[2mnote: {note}\x1b[0m\n" if color else f"note: {note}\n"
