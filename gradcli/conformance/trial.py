"""A row's function made ready to be checked: lists of arrays in and out, directions to move along, its programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gradcli.conformance.row import Array, Row
from gradcli.engine.array import raw
from gradcli.engine.autodiff import jvp, vjp
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr, sub_jaxprs
from gradcli.engine.numeric import Estimate, Mover, difference
from gradcli.engine.staging import make_jaxpr
from gradcli.engine.tree import tree_leaves
from gradcli.random import PRNGKeyArray, key_data

Arrays = list[Any]


def value_of(x: Any) -> Any:
    """A value of the engine as NumPy's; keys of random numbers as their words."""
    x = key_data(x) if isinstance(x, PRNGKeyArray) else x
    return np.asarray(raw(x))


def inexact(x: Any) -> bool:
    """Whether something has a derivative: floats and complex numbers."""
    return getattr(getattr(x, "dtype", None), "kind", "") in ("f", "c")


class Trial:
    """One function at one point. ``f`` returns a list of all results, ``smooth`` of those that are inexact."""

    def __init__(self, row: Row, arrays: Sequence[Any]) -> None:
        function = row.of()
        self.row, self.args = row, [np.asarray(a) for a in arrays]
        self.rng = np.random.default_rng(1)
        self.f: Callable[..., Arrays] = lambda *xs: list(tree_leaves(function(*xs)))
        self.smooth: Callable[..., Arrays] = lambda *xs: [y for y in self.f(*xs) if inexact(y)]

    @cached_property
    def direction(self) -> Arrays:
        """A tangent of the arguments."""
        return [self.like(a) if inexact(a) else np.zeros(a.shape, a.dtype) for a in self.args]

    @cached_property
    def weights(self) -> Arrays:
        """A cotangent of the inexact results."""
        return [self.like(value_of(y)) for y in self.smooth(*self.args)]

    def like(self, x: Array) -> Array:
        """Random numbers of absolute value about 1."""

        def draw() -> Array:
            return np.asarray(self.rng.uniform(0.5, 1.5, x.shape) * self.rng.choice([-1, 1], x.shape))

        return np.asarray(draw() + 1j * draw() if x.dtype.kind == "c" else draw()).astype(x.dtype)

    @cached_property
    def program(self) -> Jaxpr:
        """What is traced of the function."""
        program: Jaxpr = make_jaxpr(self.f)(*self.args)
        return program

    @cached_property
    def smooth_program(self) -> Jaxpr:
        """What is traced of its inexact results."""
        program: Jaxpr = make_jaxpr(self.smooth)(*self.args)
        return program

    @cached_property
    def slope_program(self) -> Jaxpr:
        """What is traced of the cotangents of its inexact arguments."""
        program: Jaxpr = make_jaxpr(self.slope)(*self.args)
        return program

    def slope(self, *args: Any) -> Arrays:
        """The cotangents of inexact arguments."""
        found = vjp(self.smooth, *args)[1](self.weights)
        return [g for g, a in zip(found, self.args, strict=True) if inexact(a)]

    def forward(self, f: Callable[..., Arrays]) -> Arrays:
        """The tangents of a function's results along the direction."""
        found = jvp(f, tuple(self.args), tuple(self.direction))[1]
        return [value_of(x) for x in found]

    def quotient(self, program: Jaxpr) -> Estimate:
        """The difference quotient of a program along the direction."""

        def run(new: Sequence[Any]) -> Array:
            return joined(interpret(program, list(new)))

        floats = [np.abs(a) for a in self.args if inexact(a)]
        scale = max([1e-3, *(float(np.max(a, initial=0.0, where=np.isfinite(a))) for a in floats)])
        return difference(Mover(run, self.args, self.direction), min(scale, 1.0), np.float64)


def joined(values: Sequence[Any]) -> Array:
    """All values in one vector."""
    flat = [np.asarray(v).ravel() for v in values]
    return np.concatenate(flat) if flat else np.zeros(0)


def inner(left: Sequence[Any], right: Sequence[Any]) -> float:
    """The real part of the sum of products: what forward and reverse mode have to agree on."""
    return float(sum(np.sum(np.asarray(value_of(a)) * value_of(b)).real for a, b in zip(left, right, strict=True)))


def primitives(program: Jaxpr) -> set[str]:
    """The names of a program's primitives, and of those inside of it."""
    found: set[str] = set()
    for eqn in program.eqns:
        found.add(eqn.primitive.name)
        for _, inside in sub_jaxprs(eqn.params):
            found |= primitives(inside)
    return found
