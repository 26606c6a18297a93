"""What the process returns, and the status that belongs to an error code."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit statuses that scripts may rely on."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CANNOT_LOAD = 3
    FUNCTION = 4
    NOTHING = 5
    INCOMPLETE = 6
    FAULT = 70
    INTERRUPTED = 130


_BY_FAMILY = {
    "1": ExitStatus.USAGE, "2": ExitStatus.FUNCTION, "3": ExitStatus.CANNOT_LOAD, "5": ExitStatus.NOTHING,
    "6": ExitStatus.INCOMPLETE, "9": ExitStatus.FAULT,
}  # fmt: skip


def status_of(code: str) -> ExitStatus:
    """The status of an error code, by its first digit.

    >>> status_of("G204")
    <ExitStatus.FUNCTION: 4>
    """
    return _BY_FAMILY.get(code[1:2], ExitStatus.FAULT)
