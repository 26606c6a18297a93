"""The table: the rows of all namespaces, the public names they belong to, and what is covered of them."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from gradcli.conformance.exceptions import EXCEPTIONS, SPACES
from gradcli.conformance.row import Row
from gradcli.conformance.run import CHECKS, asked
from gradcli.engine.record import record

FILES = (
    "numpy_functions", "numpy_more", "numpy_rest", "fft", "lax_elementwise", "lax_arrays", "lax_control",
    "lax_linalg", "nn", "random", "special", "linalg",
    "scipy_linalg", "scipy_more", "stats",
)  # fmt: skip


@record
class Coverage:
    """What is covered of some names: of a namespace, or of one name.

    names: how many; covered: those with rows; checked: for each check, those with a row that asks for it;
    excepted: those without rows, for a reason that is written down (``why``); missing: those with neither.
    """

    of: str
    names: int
    covered: int
    rows: int
    checked: dict[str, int]
    excepted: int
    missing: tuple[str, ...]
    why: str = ""


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
    by_name = _rows_by_name()
    for space in SPACES:
        yield _covered(space, space, names_of(space), by_name)


def coverage_named(match: str) -> Iterator[Coverage]:
    """What is covered of each public name whose full name contains a text.

    >>> [(c.of, c.covered, c.excepted) for c in coverage_named("numpy.fft.fftshift")]
    [('numpy.fft.fftshift', 1, 0)]
    """
    by_name = _rows_by_name()
    for space in SPACES:
        for name in names_of(space):
            if match in f"{space}.{name}":
                yield _covered(f"{space}.{name}", space, (name,), by_name)


def _rows_by_name() -> dict[str, list[Row]]:
    by_name: dict[str, list[Row]] = defaultdict(list)
    for row in rows():
        by_name[row.full_name].append(row)
    return by_name


def _covered(of: str, space: str, names: tuple[str, ...], by_name: dict[str, list[Row]]) -> Coverage:
    mine = {name: by_name.get(f"{space}.{name}", []) for name in names}
    asked_of = {name: {check for row in rows for check in asked(row)} for name, rows in mine.items()}
    reasons = {name: reason(space, name) for name, rows in mine.items() if not rows}
    return Coverage(
        of=of, names=len(names), covered=sum(map(bool, mine.values())), rows=sum(map(len, mine.values())),
        checked={check: sum(check in asked for asked in asked_of.values()) for check in CHECKS},
        excepted=sum(why is not None for why in reasons.values()),
        missing=tuple(name for name, why in reasons.items() if why is None),
        why=(reasons.get(names[0]) or "") if len(names) == 1 else "",
    )  # fmt: skip
