"""The program: variables, literals, equations and the jaxpr that holds them.

A jaxpr is typed and in single-assignment form. ``inputs`` are its parameters, ``constvars`` stand for the values in
``consts`` that it captured from around it. The jaxprs inside an equation's parameters capture no tracer: what they use
of the program around them is passed to the equation (:meth:`Jaxpr.closed`); they may hold arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from gradcli.engine.ir.text import jaxpr_text
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.record import record

if TYPE_CHECKING:
    from gradcli.engine.ops.define import Primitive


class Var:
    """A variable: nothing but its type; identity is its name."""

    __slots__ = ("type",)
    is_literal: ClassVar[bool] = False

    def __init__(self, type_: ArrayType) -> None:
        self.type = type_

    def __repr__(self) -> str:
        return f"Var:{self.type}"


class Literal:
    """A scalar constant written into an equation; ``value`` is a NumPy scalar of the type's dtype."""

    __slots__ = ("type", "value")
    is_literal: ClassVar[bool] = True

    def __init__(self, value: Any, type_: ArrayType) -> None:
        self.value = type_.dtype.type(value)
        self.type = type_

    def __repr__(self) -> str:
        return f"{self.value.item()!r}:{self.type}"


Atom = Var | Literal


class Eqn:
    """One equation: ``outputs = primitive[params] inputs``, and the user's line (``Source`` or None) it came from."""

    __slots__ = ("inputs", "outputs", "params", "primitive", "source")

    def __init__(
        self, primitive: Primitive, inputs: Sequence[Atom], params: dict[str, Any], outputs: Sequence[Var], source: Any
    ) -> None:
        self.primitive = primitive
        self.inputs = inputs
        self.params = params
        self.outputs = outputs
        self.source = source

    def __repr__(self) -> str:
        return f"<{self.primitive.name} {[i.type for i in self.inputs]} -> {[o.type for o in self.outputs]}>"


@record
class Note:
    """A decision that tracing took for the values at hand: ``text`` (``x > 0 is True``) and where."""

    text: str
    source: Any

    def __str__(self) -> str:
        return f"specialised: {self.text}" + (f", {self.source.location()}" if self.source is not None else "")


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Jaxpr:
    """A program. Identity, not content, is equality, so that it can be a parameter and a cache key."""

    inputs: tuple[Var, ...]
    eqns: tuple[Eqn, ...]
    outputs: tuple[Atom, ...]
    constvars: tuple[Var, ...] = ()
    consts: tuple[Any, ...] = ()
    notes: tuple[Note, ...] = ()
    name: str = ""

    @property
    def in_types(self) -> tuple[ArrayType, ...]:
        """Types of the inputs."""
        return tuple(v.type for v in self.inputs)

    @property
    def out_types(self) -> tuple[ArrayType, ...]:
        """Types of the outputs."""
        return tuple(v.type for v in self.outputs)

    def closed(self) -> tuple[Jaxpr, tuple[Any, ...]]:
        """The same program with its captured constants as leading inputs, and those constants."""
        if not self.constvars:
            return self, ()
        inputs = (*self.constvars, *self.inputs)
        return Jaxpr(inputs, self.eqns, self.outputs, (), (), self.notes, self.name), self.consts

    def __str__(self) -> str:
        return jaxpr_text(self)

    __repr__ = __str__


def sub_jaxprs(params: dict[str, Any]) -> list[tuple[str, Jaxpr]]:
    """The jaxprs among an equation's parameters, with the parameter's name."""
    found: list[tuple[str, Jaxpr]] = []
    for key, value in params.items():
        if isinstance(value, Jaxpr):
            found.append((key, value))
        elif isinstance(value, tuple) and value and isinstance(value[0], Jaxpr):
            found.extend((f"{key}[{i}]", v) for i, v in enumerate(value) if isinstance(v, Jaxpr))
    return found
