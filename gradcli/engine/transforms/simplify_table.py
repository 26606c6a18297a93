"""Rules of simplification: what a rule is, what it sees, and the helpers that rules share.

A rule looks at one equation and at the equations that define its operands. It may give an atom that is the result, or
another equation of the same type and value: the same in every bit, a nan being a nan (IEEE 754 leaves sign and payload
of a nan that an operation returns open).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from gradcli.engine.ir.program import Atom, Eqn, Literal, Var
from gradcli.engine.record import record

Operation = tuple[str, tuple[Atom, ...], dict[str, Any]]
Change = Atom | Operation | None


class View:
    """What a rule may ask of the program that is being written: which equation defines an atom, and its value."""

    __slots__ = ("defined_by", "scalars", "values")

    def __init__(self) -> None:
        self.defined_by: dict[Var, Eqn] = {}
        self.values: dict[Var, Any] = {}  # of small constants
        self.scalars: dict[Var, Any] = {}  # what all elements of an array are, where they are known to be equal

    def find(self, atom: Atom, name: str) -> Eqn | None:
        """The equation that defines an atom, if it is one of that primitive."""
        eqn = self.defined_by.get(atom)  # type: ignore[arg-type]
        return eqn if eqn is not None and eqn.primitive.name == name else None

    def scalar(self, atom: Atom) -> Any:
        """The value of a literal, or the one that all elements are; None for anything else."""
        if type(atom) is Literal:
            return atom.value
        return self.scalars.get(atom)  # type: ignore[arg-type]

    def is_number(self, atom: Atom, number: int) -> bool:
        """Whether every element is this number."""
        value = self.scalar(atom)
        return value is not None and bool(value == number)

    def is_zero(self, atom: Atom, negative: bool = False) -> bool:
        """Whether every element is 0.0 (or -0.0) or, where there is only one zero, 0."""
        value = self.scalar(atom)
        if value is None or value != 0:
            return False
        if value.dtype.kind == "c":
            return all((math.copysign(1, part) < 0) == negative for part in (value.real, value.imag))
        return value.dtype.kind != "f" or (math.copysign(1, value) < 0) == negative


@record
class Rule:
    """A simplification: its name, the primitives it is asked about, the function, what it does in words.

    final: only for programs that will not be transformed any more, as it forgets what derivatives are to be.
    """

    name: str
    primitives: tuple[str, ...]
    function: Callable[[Eqn, View], Change]
    doc: str
    final: bool = False


RULES: dict[str, Rule] = {}


def rule(
    name: str, *primitives: str, final: bool = False
) -> Callable[[Callable[[Eqn, View], Change]], Callable[[Eqn, View], Change]]:
    """Enters a function into the table of rules; its docstring says what it does."""

    def enter(function: Callable[[Eqn, View], Change]) -> Callable[[Eqn, View], Change]:
        if name in RULES:
            raise ValueError(f"rule {name} is defined twice")
        RULES[name] = Rule(name, primitives, function, function.__doc__ or "", final)
        return function

    return enter


def rules_by_primitive(rules: Iterable[Rule], final: bool) -> dict[str, list[Rule]]:
    """The rules to ask about each primitive."""
    found: dict[str, list[Rule]] = {}
    for one in rules:
        for name in one.primitives if final or not one.final else ():
            found.setdefault(name, []).append(one)
    return found
