"""The linearization of one equation: by its kind, traced once (``Split``), or by the rule itself (``OneLinear``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.execute.kernel import compile_kernel, tuple_text
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Var
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive, Undefined
from gradcli.engine.record import record
from gradcli.engine.trace.tracer import Trace, Tracer, bind
from gradcli.engine.transforms.rules import RuleCache, trace_rule
from gradcli.engine.transforms.transpose import backward


class Split:
    """The linearization of one kind of equation.

    known: operands -> output, then the residuals that are neither operands nor the output.
    places: each residual's index among operands, output and those.
    linear: residuals, active tangents -> tangent of the output; None where that is zero.
    transposed: residuals, cotangent -> cotangents of the operands ``targets``, in the order in which they are made.
    """

    __slots__ = ("backward", "forward", "known", "linear", "places", "targets", "transposed")

    def __init__(
        self, primitive: Primitive, params: dict[str, Any], types: Sequence[ArrayType], active: Sequence[bool]
    ) -> None:
        kept: list[OneLinear] = []

        def run(*values: Any) -> list[Any]:
            out, one = apply_rule(primitive, params, values, active)
            kept.append(one)
            self.places = _places(one.consts, [*values, out[0]])
            return [*out, *(r for r, i in zip(one.consts, self.places, strict=True) if i is None)]

        self.known = trace_rule(run, types)
        one = kept[0]
        n = len(types) + 1
        extra = iter(range(n, n + len(self.known.outputs)))
        self.places = [next(extra) if i is None else i for i in self.places]
        self.linear: Jaxpr | None = None
        if one.outputs[0] is not None:
            for eqn in one.eqns:
                eqn.source = None
            inputs = (*one.constvars, *one.inputs)
            self.linear = Jaxpr(inputs, tuple(one.eqns), (one.outputs[0],))
        self.forward = compile_kernel(self.known, self._returned)
        self.transposed: Jaxpr | None = None
        self.targets: tuple[int, ...] = tuple(i for i, a in enumerate(active) if a)
        self.backward: Any = None

    def _returned(self, inputs: list[str], outputs: list[str]) -> str:
        everything = [*inputs, *outputs]
        return f"{outputs[0]}, {tuple_text([everything[i] for i in self.places])}"  # type: ignore[index]

    def transpose(self) -> Jaxpr:
        """The transposed program, made when first asked for, and with it ``backward`` and ``targets``."""
        if self.transposed is not None:
            return self.transposed
        linear = self.linear
        assert linear is not None
        count = len(self.places)
        residuals, tangents = linear.inputs[:count], linear.inputs[count:]
        found: list[bool] = []

        def run(*values: Any) -> list[Any]:
            known = dict(zip(residuals, values[:count], strict=True))
            cts = backward(linear.eqns, known, linear.outputs, values[count:], tangents)
            found.extend(ct is not None for ct in cts)
            return [ct for ct in cts if ct is not None]

        program = trace_rule(run, [*(v.type for v in residuals), linear.outputs[0].type])
        made = {v: i for i, eqn in enumerate(program.eqns) for v in eqn.outputs}
        targets = [i for i, has in zip(self.targets, found, strict=True) if has]
        rows = sorted(zip(targets, program.outputs, strict=True), key=lambda row: made.get(row[1], -1))  # type: ignore[arg-type]
        self.targets = tuple(i for i, _ in rows)
        self.transposed = program = replace(program, outputs=tuple(o for _, o in rows))
        self.backward = compile_kernel(program, lambda inputs, outputs: tuple_text(outputs))
        return program


SPLITS = RuleCache(Split)


@record
class OneLinear:
    """The linear map of one equation as its rule recorded it; ``outputs``: tangents of the outputs (None: zero)."""

    eqns: Sequence[Eqn]
    constvars: Sequence[Var]
    consts: Sequence[Any]
    inputs: tuple[Tracer, ...]
    outputs: tuple[Atom | None, ...]

    def pull_back(self, cotangents: Sequence[Any]) -> list[Any]:
        """Cotangents of the inputs (None: zero) for those of the outputs."""
        known: dict[Var, Any] = dict(zip(self.constvars, self.consts, strict=True))
        pairs = [(o, ct) for o, ct in zip(self.outputs, cotangents, strict=True) if o is not None]
        return backward(self.eqns, known, [o for o, _ in pairs], [ct for _, ct in pairs], self.inputs)

    def program(self) -> Jaxpr:
        """The map as a program; zero outputs are left out."""
        outs = tuple(o for o in self.outputs if o is not None)
        return Jaxpr(self.inputs, tuple(self.eqns), outs, tuple(self.constvars), tuple(self.consts))


class Reading:
    """An equation that reads a part of its one operand: it is its own linear map, and adds in place when transposed."""

    __slots__ = ("eqn", "outputs")

    def __init__(self, eqn: Eqn) -> None:
        self.eqn = eqn
        self.outputs = eqn.outputs

    def pull_back(self, cotangents: Sequence[Any]) -> Sequence[Any]:
        """The cotangent of the operand, written out."""
        eqn = self.eqn
        found: Sequence[Any] = eqn.primitive.rule("transpose")(
            cotangents[0], Undefined(eqn.inputs[0].type.strong()), **eqn.params
        )
        return found

    def program(self) -> Jaxpr:
        """The map as a program."""
        eqn = self.eqn
        dot, out = Var(eqn.inputs[0].type.strong()), Var(eqn.outputs[0].type.strong())
        return Jaxpr((dot,), (Eqn(eqn.primitive, (dot,), eqn.params, (out,), eqn.source),), (out,))

    def add_into(self, ct: Any, total: dict[Any, Any], own: set[Any]) -> None:
        """Adds the cotangent to that of the operand in place; ``own``: whose total nothing else refers to."""
        var = self.eqn.inputs[0]
        if var not in own:
            before = total.get(var)
            total[var] = np.zeros(var.type.shape, var.type.dtype) if before is None else np.array(before)
            own.add(var)
        self.eqn.primitive.rule("add_into")(total[var], ct, **self.eqn.params)


def apply_rule(
    primitive: Primitive, params: dict[str, Any], values: Sequence[Any], active: Sequence[bool]
) -> tuple[list[Any], OneLinear]:
    """Uses the rule itself: the outputs, and what it did to the tangents of the active operands."""
    if not any(active):
        out = bind(primitive, *values, **params)
        outs = out if primitive.multiple else [out]
        return outs, OneLinear((), (), (), (), (None,) * len(outs))
    with Trace(linear=True) as trace:
        tangents = [trace.input(type_of(v).strong()) if a else None for v, a in zip(values, active, strict=True)]
        outs, dots = primitive.rule("linearize")(list(values), tangents, **params)
        if not primitive.multiple:
            outs, dots = [outs], [dots]
        lifted = tuple(None if d is None else trace.lift(d) for d in dots)
        moved = tuple(t for t in tangents if t is not None)
        return outs, OneLinear(trace.eqns, trace.constvars, trace.consts, moved, lifted)


def _places(residuals: Sequence[Any], values: Sequence[Any]) -> list[int | None]:
    where = {id(v): i for i, v in reversed(list(enumerate(values)))}
    return [where.get(id(r)) for r in residuals]
