"""The user's line of every operation, found cheaply: the nearest frame whose code is not gradcli's."""

from __future__ import annotations

import linecache
import os
import sys
from types import CodeType, FrameType

from gradcli.engine.errors import Location

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_LIBRARIES = ("functools.py", "contextlib.py", f"{os.sep}numpy{os.sep}")
_is_user: dict[CodeType, bool] = {}


class Source:
    """A code object and a line of it; the text is looked up only when it is shown."""

    __slots__ = ("code", "line")

    def __init__(self, code: CodeType, line: int) -> None:
        self.code, self.line = code, line

    def location(self) -> str:
        """``file.py:12``, the file as a user would name it."""
        return f"{short_path(self.code.co_filename)}:{self.line}"

    def full(self) -> Location:
        """The location with the line's text and the function's name."""
        text = linecache.getline(self.code.co_filename, self.line).strip()
        return Location(short_path(self.code.co_filename), self.line, text, self.code.co_name)


def short_path(path: str) -> str:
    """The path relative to the working directory where it lies below it."""
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith("..") else relative


def _classify(code: CodeType) -> bool:
    name = code.co_filename
    user = not name.startswith(_PACKAGE) and not name.endswith(_LIBRARIES[:2]) and _LIBRARIES[2] not in name
    _is_user[code] = user
    return user


def hide_callers() -> None:
    """Says that nothing on the stack so far is the user's code.

    For a program that runs the user's functions: without it, a function that has no frame of its own (an expression)
    would be said to come from whatever started that program.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        _is_user[frame.f_code] = False
        frame = frame.f_back


def user_source(depth: int = 2) -> Source | None:
    """The nearest user frame above the caller's caller, or None when there is none."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        code = frame.f_code
        user = _is_user.get(code)
        if user if user is not None else _classify(code):
            return Source(code, frame.f_lineno)
        frame = frame.f_back
    return None


def user_location() -> Location | None:
    """Like :func:`user_source`, in full."""
    source = user_source(3)
    return source.full() if source is not None else None
