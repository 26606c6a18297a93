"""The table: the rows of all namespaces, the public names they belong to, and what is covered of them."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from gradcli.conformance.exceptions import EXCEPTIONS, SPACES
from gradcli.conformance.row import Row
from gradcli.conformance.run import asked
from gradcli.engine.record import record

FILES = ("numpy_functions", "numpy_more", "numpy_rest", "fft")


@record
class Coverage:
    """How many names of a namespace have rows, and how many of those have a row with each check.

    excepted: names without rows, for a reason that is written down; missing: names with neither.
    """

    space: str
    names: int
    rows: int
    checked: dict[str, int]
    excepted: int
    missing: tuple[str, ...]


@functools.cache
def rows() -> tuple[Row, ...]:
    """Every row."""
    return tuple(row for file in FILES for row in import_module(f"gradcli.conformance.rows.{file}").ROWS)


def rows_named(match: str) -> tuple[Row, ...]:
    """The rows whose full name contains a text: ``sin``, ``numpy.fft``, ``lax.scan``.

    >>> sorted({row.full_name for row in rows_named("numpy.fft.rfft")})
    ['numpy.fft.rfft', 'numpy.fft.rfft2', 'numpy.fft.rfftfreq', 'numpy.fft.rfftn']
    """
    return tuple(row for row in rows() if match in row.full_name)


def names_of(space: str) -> tuple[str, ...]:
    """The public names of a namespace, without the namespaces inside."""
    module = import_module(f"gradcli.{space}")
    return tuple(name for name in public(module) if not isinstance(getattr(module, name), ModuleType))


def public(module: object) -> list[str]:
    """What a module says is public, or the functions it defines."""
    names = getattr(module, "__all__", None)
    if names is not None:
        return sorted(names)
    home = getattr(module, "__name__", "")
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", "") == home
    )


def reason(space: str, name: str) -> str | None:
    """Why a name has no row, where that is written down."""
    return next((why for why, names in EXCEPTIONS.get(space, {}).items() if name in names.split()), None)


def coverage() -> Iterator[Coverage]:
    """What is covered of each namespace, counted from the rows."""
    by_name: dict[str, list[Row]] = defaultdict(list)
    for row in rows():
        by_name[row.full_name].append(row)
    for space in SPACES:
        names = names_of(space)
        having = [name for name in names if f"{space}.{name}" in by_name]
        checked: dict[str, int] = defaultdict(int)
        for name in having:
            for check in {check for row in by_name[f"{space}.{name}"] for check in asked(row)}:
                checked[check] += 1
        without = [name for name in names if name not in having]
        missing = tuple(name for name in without if reason(space, name) is None)
        count = sum(len(by_name[f"{space}.{name}"]) for name in having)
        yield Coverage(space, len(names), count, dict(checked), len(without) - len(missing), missing)
