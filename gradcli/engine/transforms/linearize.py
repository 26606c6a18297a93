"""Linearization: the forward walk, with everything that depends on tangents kept in a linear program of its own.

What the jvp rules compute from primals alone goes to the surrounding trace (or is evaluated); what they do to tangents
is recorded by a *linear* trace. Transposing that record is reverse mode, so there is one set of derivative rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ir.program import Atom, Jaxpr, Literal, Var
from gradcli.engine.ops.shape import broadcast_in_dim_p
from gradcli.engine.trace.tracer import Trace, Tracer, trace_closed
from gradcli.engine.transforms.jvp import jvp_walk
from gradcli.engine.transforms.transpose import backward


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear map that is being kept: its trace, its tangent inputs, and its outputs (None: zero).

    ``outputs`` are atoms of the trace; what the trace captured (residuals) are values of the context around it.
    """

    trace: Trace
    inputs: tuple[Tracer, ...]
    outputs: tuple[Atom | None, ...]

    def pull_back(self, cotangents: Sequence[Any]) -> list[Any]:
        """Cotangents of the inputs (None: zero) for those of the outputs."""
        known: dict[Var, Any] = dict(zip(self.trace.constvars, self.trace.consts, strict=True))
        pairs = [(o, ct) for o, ct in zip(self.outputs, cotangents, strict=True) if o is not None]
        return backward(self.trace.eqns, known, [o for o, _ in pairs], [ct for _, ct in pairs], self.inputs)

    def program(self) -> Jaxpr:
        """The map as a program; zero outputs are left out."""
        outs = [o for o in self.outputs if o is not None]
        return Jaxpr(
            self.inputs, tuple(self.trace.eqns), tuple(outs), tuple(self.trace.constvars), tuple(self.trace.consts)
        )


def linearize_values(jaxpr: Jaxpr, primals: Sequence[Any], active: Sequence[bool]) -> tuple[list[Any], Linear]:
    """Outputs at ``primals`` and the linear map from the active inputs' tangents to the outputs' tangents."""
    trace = Trace(linear=True)
    with trace:
        tangents = [trace.input(type_of(p).strong()) if a else None for p, a in zip(primals, active, strict=True)]
        outs, dots = jvp_walk(jaxpr, primals, tangents, lambda primitive: primitive.rule("linearize"))
        out_dots = tuple(None if d is None else trace.lift(d) for d in dots)
    return outs, Linear(trace, tuple(t for t in tangents if t is not None), out_dots)


@dataclass(frozen=True, slots=True)
class SplitJaxpr:
    """A program split for reverse mode.

    known: inputs -> outputs, then the residuals that are not simply inputs.
    linear: all residuals, then active tangents -> tangents of the active outputs.
    residual_inputs: for each residual the input that it is, or None.
    """

    known: Jaxpr
    linear: Jaxpr
    out_active: tuple[bool, ...]
    residual_inputs: tuple[int | None, ...]

    def residuals(self, inputs: Sequence[Any], computed: Sequence[Any]) -> list[Any]:
        """All residuals, from the inputs and what ``known`` computed behind its outputs."""
        stream = iter(computed)
        return [next(stream) if i is None else inputs[i] for i in self.residual_inputs]


def linearize_jaxpr(
    jaxpr: Jaxpr,
    active: Sequence[bool],
    instantiate: Sequence[bool] | None = None,
    forward: Sequence[bool] | None = None,
) -> SplitJaxpr:
    """Splits a closed program.

    instantiate: outputs whose tangent is wanted even where it is zero.
    forward: inputs that, as residuals, need not be outputs of ``known`` (default: all).
    """
    may_forward = forward or [True] * len(jaxpr.inputs)
    kept: list[tuple[Linear, tuple[int | None, ...]]] = []

    def run(*primals: Any) -> list[Any]:
        outs, linear = linearize_values(jaxpr, primals, active)
        places = {id(p): i for i, (p, may) in enumerate(zip(primals, may_forward, strict=True)) if may}
        positions = tuple(places.get(id(r)) for r in linear.trace.consts)
        kept.append((linear, positions))
        return [*outs, *(r for r, p in zip(linear.trace.consts, positions, strict=True) if p is None)]

    known = trace_closed(run, jaxpr.in_types, jaxpr.name)
    linear, positions = kept[0]
    wanted = instantiate or [False] * len(jaxpr.outputs)
    outs = [
        _zero(linear.trace, out) if atom is None and want else atom
        for atom, out, want in zip(linear.outputs, jaxpr.outputs, wanted, strict=True)
    ]
    program = Jaxpr(
        (*linear.trace.constvars, *linear.inputs),
        tuple(linear.trace.eqns),
        tuple(o for o in outs if o is not None),
        name=jaxpr.name,
    )
    return SplitJaxpr(known, program, tuple(o is not None for o in outs), positions)


def _zero(trace: Trace, out: Atom) -> Atom:
    """A zero tangent, written into a linear trace by hand: nothing it depends on would bring it there."""
    zero = Literal(0, out.type.with_shape(()).strong())
    if not out.type.shape:
        return zero
    made: Atom = trace.record(broadcast_in_dim_p, [zero], {"shape": out.type.shape, "broadcast_dimensions": ()})
    return made
