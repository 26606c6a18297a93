"""The table has no hole that is not explained."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli.conformance.exceptions import EXCEPTIONS, REAL, SPACES
from gradcli.conformance.row import Row
from gradcli.conformance.run import outcome
from gradcli.conformance.table import coverage, names_of, rows
from gradcli.conformance.trial import Trial, inexact
from gradcli.inspect.conformance import conformance_of
from gradcli.render.sheets import sheet_of


def test_every_public_name_has_a_row_or_a_reason() -> None:
    assert {c.of: c.missing for c in coverage() if c.missing} == {}


@pytest.mark.parametrize("space", SPACES)
def test_rows_and_reasons_are_of_public_names_and_exclude_each_other(space: str) -> None:
    excepted = [name for names in EXCEPTIONS.get(space, {}).values() for name in names.split()]
    having = {row.name for row in rows() if row.space == space}
    assert len(excepted) == len(set(excepted)) and not having & set(excepted)
    assert having | set(excepted) == set(names_of(space))
    assert {row.space for row in rows()} == set(SPACES)


def test_rows_are_told_apart() -> None:
    names = [str(row) for row in rows()]
    assert len(names) > 600 and all(row.name in str(row) for row in rows())


def unexplained(row: Row) -> bool:
    """Whether a row could have derivatives but asks for fewer than two, without a reason."""
    if row.why:
        return False
    trial = Trial(row, row.arrays)
    return not row.traced or row.order < 2 and any(map(inexact, trial.args)) and bool(trial.smooth(*trial.args))


def test_fewer_derivatives_are_explained() -> None:
    assert [str(row) for row in rows() if unexplained(row)] == []


@pytest.mark.parametrize("space", REAL)
def test_functions_of_real_numbers_refuse_others(space: str) -> None:
    for name in REAL[space].split():
        row = next(row for row in rows() if row.full_name == f"{space}.{name}" and row.order > 0)
        with pytest.raises((TypeError, ValueError, NotImplementedError)) as info:
            row.of()(*[np.asarray(a) * (1 + 1j) if inexact(np.asarray(a)) else a for a in row.arrays])
        assert hasattr(info.value, "diagnostic"), name


def test_twin_that_must_fail() -> None:
    assert unexplained(Row("numpy", "sin", (np.array([0.5]),), order=1))
    assert not unexplained(Row("numpy", "isnan", (np.array([0.5]),), order=0))


STEP = Row("numpy", "floor", (np.array([1.0]),), complex=False)  # at a jump: its derivative is not 0


def test_a_row_that_does_not_hold_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    found = outcome(STEP).found
    assert "jvp against differences" in found["jvp"] and not found["value"] and not outcome(STEP).holds
    monkeypatch.setattr("gradcli.conformance.table.rows", lambda: (STEP,))
    checked = conformance_of("floor")
    assert checked.failed == 1 and checked.rows[0].wrong.startswith("jvp: ")
    assert sheet_of(checked, people=True).columns[-1] == "does not"
