"""The user's line of every operation, found cheaply: the nearest frame whose code is not gradcli's."""

from __future__ import annotations

import linecache
import os
import sys
from types import CodeType, FrameType

from gradcli.engine.errors import Location

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_LIBRARIES = ("functools.py", "contextlib.py", f"{os.sep}numpy{os.sep}")


class Source:
    """An instruction of a code object; its line and text are looked up only when they are shown."""

    __slots__ = ("at", "code", "known")

    def __init__(self, code: CodeType, at: int) -> None:
        self.code, self.at = code, at
        self.known: int | None = None

    @property
    def line(self) -> int:
        """The line number."""
        if self.known is None:
            found = (line for start, end, line in self.code.co_lines() if start <= self.at < end)
            self.known = next(found, None) or self.code.co_firstlineno
        return self.known

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


# What is known of a code object, by its id: None where it is not the user's, else the sources made so far by
# instruction. Asking for a frame's line number, or hashing its code, would cost more than the rest of tracing.
_known: dict[int, dict[int, Source] | None] = {}
_alive: list[CodeType] = []  # so that an id stays that of its code


def _classify(code: CodeType) -> dict[int, Source] | None:
    name = code.co_filename
    user = not name.startswith(_PACKAGE) and not name.endswith(_LIBRARIES[:2]) and _LIBRARIES[2] not in name
    _alive.append(code)
    found: dict[int, Source] | None = {} if user else None
    _known[id(code)] = found
    return found


def hide_callers() -> None:
    """Says that nothing on the stack so far is the user's code.

    For a program that runs the user's functions: without it, a function that has no frame of its own (an expression)
    would be said to come from whatever started that program.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        _classify(frame.f_code)
        _known[id(frame.f_code)] = None
        frame = frame.f_back


def user_source(depth: int = 2) -> Source | None:
    """The nearest user frame above the caller's caller, or None when there is none."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        code = frame.f_code
        try:
            sources = _known[id(code)]
        except KeyError:
            sources = _classify(code)
        if sources is not None:
            at = frame.f_lasti
            found = sources.get(at)
            if found is None:
                found = sources[at] = Source(code, at)
            return found
        frame = frame.f_back
    return None


def user_location() -> Location | None:
    """Like :func:`user_source`, in full."""
    source = user_source(3)
    return source.full() if source is not None else None
