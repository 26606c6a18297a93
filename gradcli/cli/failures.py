"""Any exception as a diagnostic: what went wrong, the user's line, what to do."""

from __future__ import annotations

import linecache
import os
import sysconfig
from types import TracebackType

from gradcli.engine.errors import Diagnostic, Location, diagnostic_of
from gradcli.engine.record import replaced

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_ENTRY = tuple(_PACKAGE + folder + os.sep for folder in ("inspect", "sources"))
_STDLIB = sysconfig.get_paths()["stdlib"] + os.sep
_NUMPY = f"{os.sep}site-packages{os.sep}numpy{os.sep}"


def diagnose(error: BaseException) -> Diagnostic:
    """The diagnostic of an exception: its own, or G200 where the user's code raised it, or G900."""
    location = user_frame(error.__traceback__)
    found = diagnostic_of(error) or (diagnostic_of(error.__cause__) if error.__cause__ is not None else None)
    if found is not None:
        return found if found.location is not None or location is None else replaced(found, location=location)
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if location is not None:
        where = f"{location.function}()" if location.function.isidentifier() else "the code"
        return Diagnostic("G200", f"{where} raised {text}", location, "--traceback shows where it came from")
    if isinstance(error, MemoryError):
        return Diagnostic("G200", "not enough memory", None, "use --chunk, or smaller arrays")
    return Diagnostic(
        "G900", f"a fault of gradcli itself: {text}", None,
        "please report it, with the command, its input, and what --traceback adds",
    )  # fmt: skip


def user_frame(traceback: TracebackType | None) -> Location | None:
    """The innermost line of the user's own code, if the traceback passes through any."""
    entered, found = False, None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        name = code.co_filename
        if name.startswith(_PACKAGE):
            entered = entered or name.startswith(_ENTRY)
        elif entered and _is_user(name):
            line = traceback.tb_lineno
            found = Location(_short(name), line, linecache.getline(name, line).strip(), code.co_name)
        traceback = traceback.tb_next
    return found


def _is_user(name: str) -> bool:
    if name.startswith("<frozen") or _NUMPY in name:
        return False
    return not name.startswith(_STDLIB) or "site-packages" in name


def _short(path: str) -> str:
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith("..") else relative
