"""Refusing values that are not numbers: what the setting ``debug_nans`` and ``check_nans`` share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import raw
from gradcli.engine.errors import fail
from gradcli.engine.trace.source import Source, user_source


def is_bad(value: Any, infs: bool) -> bool:
    """Whether there is a nan (or, if asked, an infinity) among some floats."""
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        return False
    return bool(np.isnan(array).any() or (infs and np.isinf(array).any()))


def bad_value(name: str, operands: Sequence[Any], value: Any, source: Source | None) -> Exception:
    """The error for an operation's result: with its operands where they are scalars, and the user's line."""
    found = source or user_source(3)
    location = found.full() if found is not None else None
    what = "nan" if np.isnan(np.asarray(value)).any() else "inf"
    shown = ", ".join(str(v) for v in operands) if operands and all(np.ndim(v) == 0 for v in operands) else ""
    where = f" at {location}" if location is not None else ""
    error: Exception = fail(
        "G200", f"invalid value ({what}) encountered in {name}{f' of {shown}' if shown else ''}{where}",
        location=location, cls=FloatingPointError,
        hint="guard the operand, e.g. where(x > 0, log(where(x > 0, x, 1)), 0)",
    )  # fmt: skip
    return error


def refuse(name: str, operands: Sequence[Any], results: Sequence[Any], infs: bool, source: Source | None) -> None:
    """Raises FloatingPointError for the first result that is bad."""
    for value in results:
        if is_bad(value, infs):
            raise bad_value(name, [raw(a) for a in operands], value, source)
