"""Every row of the table: what it asks for holds; values are NumPy's; values, dtypes and gradients are JAX's."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from gradcli.conformance.row import Row
from gradcli.conformance.run import asked, outcome
from gradcli.conformance.table import rows
from gradcli.conformance.trial import inexact, value_of
from gradcli.engine.api import vjp
from gradcli.engine.tree import tree_leaves

ROWS = rows()
NUMPYS = [row for row in ROWS if row.space.partition(".")[0] == "numpy" and row.numpy]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_the_row_asks_for_holds(row: Row) -> None:
    found = outcome(row).found
    assert list(found) == list(asked(row))
    assert {check: wrong for check, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("row", NUMPYS, ids=str)
def test_value_is_numpys(row: Row) -> None:
    with np.errstate(all="ignore"):
        expected = [np.asarray(y) for y in _leaves(row.of("")(*row.arrays))]
    for found, y in zip(map(value_of, tree_leaves(row.of()(*row.arrays))), expected, strict=True):
        assert found.shape == y.shape
        tol = 1e-6 if found.dtype == np.float32 else 1e-9  # the mean of bools: JAX's dtype
        np.testing.assert_allclose(found, y, rtol=tol, atol=tol)


def _leaves(out: Any) -> list[Any]:
    return [y for part in out for y in _leaves(part)] if isinstance(out, (tuple, list)) else [out]


def _close(found: Any, expected: Any, tol: float) -> None:
    found, expected = value_of(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    tol = 1e-5 if found.dtype in (np.float32, np.complex64) else tol
    np.testing.assert_allclose(found, expected, rtol=tol, atol=1e-2 * tol)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", [row for row in ROWS if row.jax], ids=str)
def test_value_dtype_and_gradient_are_jaxs(row: Row) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        importlib.import_module(f"jax.{row.space}")
        theirs, mine = row.of("jax"), row.of()
        arrays = [jax.numpy.asarray(a) for a in row.arrays]
        expected = jax.tree_util.tree_leaves(theirs(*arrays))
        found = tree_leaves(mine(*row.arrays))
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            _close(a, b, 1e-10)
        if "vjp" not in asked(row) or not all(inexact(a) for a in arrays):
            return
        floats = [inexact(y) for y in expected]

        def smooth(f: Any, leaves: Any) -> Any:
            return lambda *xs: [y for y, keep in zip(leaves(f(*xs)), floats, strict=True) if keep]

        ones = [np.ones(y.shape, y.dtype) for y, keep in zip(expected, floats, strict=True) if keep]
        pulled = jax.vjp(smooth(theirs, jax.tree_util.tree_leaves), *arrays)[1]([jax.numpy.asarray(y) for y in ones])
        for a, b in zip(vjp(smooth(mine, tree_leaves), *row.arrays)[1](ones), pulled, strict=True):
            _close(a, b, 1e-8)
