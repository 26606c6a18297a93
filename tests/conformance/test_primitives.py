"""Every primitive of the engine is in the program of a row, or of its derivative, or is explained."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import gradcli.engine
import gradcli.experimental
from gradcli.conformance.exceptions import PRIMITIVES
from gradcli.conformance.row import Row
from gradcli.conformance.run import asked
from gradcli.conformance.table import rows
from gradcli.conformance.trial import Trial, primitives
from gradcli.engine.api import jvp, make_jaxpr
from gradcli.engine.ops.define import REGISTRY


def registered() -> set[str]:
    """The names of all primitives: those of modules that nothing has loaded yet, too."""
    for package in (gradcli.engine, gradcli.experimental):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return set(REGISTRY)


def in_order() -> list[Row]:
    """Rows that are traced, near to primitives first; of each name one, then the others."""
    near = sorted((row for row in rows() if row.traced), key=lambda row: not row.space.startswith("lax"))
    firsts = {row.full_name: i for i, row in reversed(list(enumerate(near)))}
    return [near[i] for i in sorted(range(len(near)), key=lambda i: firsts[near[i].full_name] != i)]


def found() -> Iterator[set[str]]:
    """The primitives of one program after the other: of values, of reverse mode, of forward mode."""
    for row in in_order():
        yield primitives(Trial(row, row.arrays).program)
    smooth = [Trial(row, row.arrays) for row in in_order() if "vjp" in asked(row)]
    for trial in smooth:
        assert trial.weights is not None  # before anything is traced
        yield primitives(trial.slope_program)
    for trial in smooth:
        yield primitives(make_jaxpr(lambda *xs, t=trial: jvp(t.smooth, xs, tuple(t.direction))[1])(*trial.args))


def test_every_primitive_is_in_a_row_or_explained() -> None:
    explained = {name for names in PRIMITIVES.values() for name in names.split()}
    missing = registered() - explained
    assert explained <= registered()
    for names in found():
        missing -= names
        if not missing:
            break
    assert sorted(missing) == []


def test_twin_that_must_fail() -> None:
    """What a row does not use is not found in it."""
    row = next(row for row in rows() if row.full_name == "lax.sin")
    assert primitives(Trial(row, row.arrays).program) == {"sin"}
