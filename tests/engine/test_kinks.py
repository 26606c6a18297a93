"""Kinks and singular points: the table of the README, held against the engine, and against JAX."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import grad, jacfwd, vmap
from gradcli.engine.array import raw
from gradcli.engine.settings import override
from gradcli.sources.expression import compile_expression

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
ROWS = re.findall(r"^\| `(.+)` \| `x=(.+)` \| (.+) \| (.+) \| (.+) \|$", README, re.M)


def test_the_table_is_there() -> None:
    assert len(ROWS) > 15


@pytest.mark.parametrize("kink", ["jax", "zero", "nan"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_derivatives_are_those_of_the_table(row: tuple[str, ...], kink: Any) -> None:
    text, point, *expected = row
    f, _ = compile_expression(text, ["x"])
    wanted = float(dict(zip(("jax", "zero", "nan"), expected, strict=True))[kink])
    with override(kink=kink):
        found = float(grad(f)(float(point)))
        forward = float(jacfwd(f)(float(point)))
        batched = raw(vmap(grad(f))(np.full(2, float(point))))
    assert found == wanted or (math.isnan(found) and math.isnan(wanted))
    np.testing.assert_array_equal([forward, *batched], [wanted] * 3)


@pytest.mark.parametrize("text", sorted({row[0] for row in ROWS if "norm" not in row[0]}))
def test_the_setting_changes_nothing_elsewhere(text: str) -> None:
    f, _ = compile_expression(text, ["x"])
    slopes = []
    for kink in ("jax", "zero", "nan"):
        with override(kink=kink):
            slopes.append(float(grad(f)(0.37)))
    assert slopes[0] == slopes[1] == slopes[2]


@pytest.mark.oracle
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_table_is_jaxs(row: tuple[str, ...]) -> None:
    jax = pytest.importorskip("jax")
    text = re.sub(r"\[([^\]]+,[^\]]+)\]", r"array([\1])", row[0])
    names = {**vars(jax.numpy), "norm": jax.numpy.linalg.norm}
    names.update(relu=jax.nn.relu, relu6=jax.nn.relu6, leaky_relu=jax.nn.leaky_relu)
    text = re.sub(r"\b0\b(?!\])", "0.0", text)
    with jax.enable_x64(True):
        theirs = float(jax.grad(eval(f"lambda x: {text}", names))(float(row[1])))
    assert theirs == float(row[2]) or (math.isnan(theirs) and row[2] == "nan")
