"""What to write instead, where a plain NumPy file did with a traced value what only NumPy's own arrays can do."""

from __future__ import annotations

import linecache
import re
from types import FrameType
from typing import Any

from gradcli.compat.boxes import is_users
from gradcli.engine.errors import Location, diagnostic_of, fail
from gradcli.engine.record import replaced
from gradcli.engine.trace.source import short_path

_PLAIN = "hold plain numbers only"
_INSTEAD = (
    (r"\b(matrix|asmatrix|mat|bmat)\(", f"objects of np.matrix {_PLAIN}: use np.array, and @ for products"),
    (r"\bma\.", f"masked arrays {_PLAIN}: use np.where(mask, 0.0, x)"),
    (r"\.view\(|__new__|ndarray\.", f"subclasses of ndarray {_PLAIN}: let a class of yours keep an array"),
    (r"\[\s*(['\"])\w+\1\s*\]\s*(\[.*\]\s*)?[-+*/]?=", f"arrays of records {_PLAIN}: use one array a field"),
)
_ARRAYS = f"use arrays made with np.array, np.zeros or np.stack: matrices, records and what libraries make {_PLAIN}"
_BOXES = re.compile(r"(<class ')?'?(gradcli\.compat\.\w+\.)?\b(Buffer|Number)\b('>|'?)")
_OPERANDS = re.compile(
    r"unsupported operand|not supported between|can only concatenate|bad operand|has no len|is not iterable"
)
_KINDS = {"Buffer": "numpy.ndarray", "Number": "float"}
_CUT = "a library takes the plain number out: write this step with numpy's functions in this file"


def explained(error: Exception) -> Exception:
    """The error to raise: the same one, its hint fit for plain files, or one that names the user's line."""
    cause: BaseException | None = error
    while cause is not None and diagnostic_of(cause) is None:
        cause = cause.__cause__  # NumPy wraps what a conversion raises
    found = diagnostic_of(cause) if cause is not None else None
    if found is not None:
        if found.code in ("G201", "G212", "G214") and found.location is not None:
            hint = _hint(found.location.text, found.message, found.hint)
            cause.diagnostic = replaced(found, hint=hint)  # type: ignore[union-attr]
        return error
    where = _where(error)
    if not isinstance(error, TypeError) or where is None or not _BOXES.search(str(error)):
        return error
    if _OPERANDS.search(str(error)):  # wrong without any tracing too: only the names are not the user's
        error.args = (re.sub(r"\b(Buffer|Number)\b", lambda name: _KINDS[name[0]], str(error)),)
        return error
    message = _BOXES.sub("a traced value", str(error))
    better: Exception = fail("G212", message, hint=_hint(where.text, message, _ARRAYS), location=where, cls=TypeError)
    return better


def _hint(text: str, message: str, hint: str | None) -> str | None:
    for pattern, instead in _INSTEAD:
        if re.search(pattern, text):
            return instead
    if "cannot become a NumPy array" in message or "into a NumPy array" in message:
        return hint if hint is not None and "has no derivatives" in hint and not hint.startswith("numpy ") else _ARRAYS
    return _CUT if "would cut the derivative" in message else hint


def _where(error: Exception) -> Location | None:
    """The innermost line of the user's that the error came through."""
    trace: Any = error.__traceback__
    found: tuple[FrameType, int] | None = None
    while trace is not None:
        if is_users(trace.tb_frame):
            found = trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next
    if found is None:
        return None
    code = found[0].f_code
    text = linecache.getline(code.co_filename, found[1]).strip()
    return Location(short_path(code.co_filename), found[1], text, code.co_name)
