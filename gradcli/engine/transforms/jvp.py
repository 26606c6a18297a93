"""Forward mode: a walk over the program with a tangent beside every value; a symbolic zero is None."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, raw
from gradcli.engine.execute.kernel import compile_kernel, tuple_text
from gradcli.engine.ir.program import Eqn, Jaxpr, Literal
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.shape import zeros
from gradcli.engine.trace.tracer import STATE, bind, trace_closed
from gradcli.engine.transforms.kept import kept
from gradcli.engine.transforms.narrow import walkable
from gradcli.engine.transforms.rules import RuleCache, evaluate_jaxpr, get, has_kinds, on_numbers, trace_rule

Tangents = list[Any]


class Jvp:
    """The jvp of one kind of equation: a program of operands, then tangents of the active ones, to output and tangent.

    ``moves`` says whether there is a tangent.
    """

    __slots__ = ("kernel", "moves", "program")

    def __init__(
        self, primitive: Primitive, params: dict[str, Any], types: Sequence[ArrayType], active: Sequence[bool]
    ) -> None:
        n = len(types)
        self.moves = False

        def run(*values: Any) -> list[Any]:
            stream = iter(values[n:])
            tangents = [next(stream) if a else None for a in active]
            out, dot = _by_rule(primitive, params, values[:n], tangents)
            self.moves = dot is not None
            return [out, dot] if self.moves else [out]

        dots = [t.strong() for t, a in zip(types, active, strict=True) if a]
        self.program = trace_rule(run, [*types, *dots])
        self.kernel = compile_kernel(self.program, lambda inputs, outputs: tuple_text(outputs))


JVPS = RuleCache(Jvp)


def _by_rule(primitive: Primitive, params: dict[str, Any], values: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Output and tangent (lists of them, from primitives with several) by the rule itself."""
    if all(t is None for t in tangents):
        out = bind(primitive, *values, **params)
        return out, [None] * len(out) if primitive.multiple else None
    return primitive.rule("jvp")(list(values), list(tangents), **params)


def jvp_values(jaxpr: Jaxpr, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[Any], Tangents]:
    """Outputs and their tangents (None: zero) of a program at ``primals`` along ``tangents``."""
    given = [t for t in tangents if t is not None]
    plain, types = walkable(jaxpr), jaxpr.out_types
    if plain is not None and on_numbers([*primals, *jaxpr.consts, *given]):
        with np.errstate(all="ignore"):
            outs, found = _walk_values(plain, primals, tangents)
        return list(map(Array, outs, types)), found
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, jaxpr.consts, strict=True))
    env.update(zip(jaxpr.inputs, primals, strict=True))
    dots: dict[Any, Any] = {v: t for v, t in zip(jaxpr.inputs, tangents, strict=True) if t is not None}
    return _walk_traced(jaxpr, env, dots)


def _walk_values(jaxpr: Jaxpr, primals: Sequence[Any], along: Sequence[Any]) -> tuple[list[Any], Tangents]:
    """The walk on NumPy values: outputs are NumPy's."""
    table = JVPS.table()
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, map(raw, jaxpr.consts), strict=True))
    env.update(zip(jaxpr.inputs, map(raw, primals), strict=True))
    dots: dict[Any, Any] = {v: raw(t) for v, t in zip(jaxpr.inputs, along, strict=True) if t is not None}
    for eqn in jaxpr.eqns:
        values = [a.value if type(a) is Literal else env[a] for a in eqn.inputs]
        tangents = [dots.get(a) for a in eqn.inputs]
        rule = _rule(table, eqn, tangents)
        if rule is not None:
            found = rule.kernel(*values, *[t for t in tangents if t is not None])
            var = eqn.outputs[0]
            env[var] = found[0]
            if rule.moves:
                dots[var] = found[1]
            continue
        arrays = [Array(v, a.type) for v, a in zip(values, eqn.inputs, strict=True)]
        moving = [None if t is None else Array(t, a.type.strong()) for t, a in zip(tangents, eqn.inputs, strict=True)]
        for var, out, dot in _rows(eqn, _by_rule(eqn.primitive, eqn.params, arrays, moving)):
            env[var] = raw(out)
            if dot is not None:
                dots[var] = raw(dot)
    outs: list[Any] = [a.value if type(a) is Literal else env[a] for a in jaxpr.outputs]
    return outs, [Array(dots[a], a.type.strong()) if a in dots else None for a in jaxpr.outputs]


def _walk_traced(jaxpr: Jaxpr, env: dict[Any, Any], dots: dict[Any, Any]) -> tuple[list[Any], Tangents]:
    """The walk on values that an open trace records."""
    table, saved = JVPS.table(), STATE.source
    try:
        for eqn in jaxpr.eqns:
            STATE.source = eqn.source or saved
            values = [get(env, a) for a in eqn.inputs]
            tangents = [dots.get(a) for a in eqn.inputs]
            rule = _rule(table, eqn, tangents)
            if rule is not None:
                given = [t for t in tangents if t is not None]
                found: Any = evaluate_jaxpr(rule.program, [*values, *given], STATE.source)
                result = found if rule.moves else (found[0], None)
            else:
                result = _by_rule(eqn.primitive, eqn.params, values, tangents)
            for var, out, dot in _rows(eqn, result):
                env[var] = out
                if dot is not None:
                    dots[var] = dot
    finally:
        STATE.source = saved
    return [get(env, a) for a in jaxpr.outputs], [dots.get(a) for a in jaxpr.outputs]


def _rule(table: dict[Any, Jvp], eqn: Eqn, tangents: Tangents) -> Jvp | None:
    active = tuple([t is not None for t in tangents])
    return JVPS.find(table, eqn, eqn.inputs, active) if has_kinds(eqn.primitive) else None


def _rows(eqn: Eqn, result: Any) -> Any:
    """(variable, output, tangent) for every output of an equation."""
    out, dot = result
    if not eqn.primitive.multiple:
        return ((eqn.outputs[0], out, dot),)
    return zip(eqn.outputs, out, dot, strict=True)


@kept
def jvp_jaxpr(
    jaxpr: Jaxpr, active: Sequence[bool], instantiate: Sequence[bool] | None = None
) -> tuple[Jaxpr, list[bool]]:
    """The program of primals then active tangents to outputs then active tangents of outputs, and which those are.

    ``instantiate`` names outputs whose tangent is wanted even where it is zero.
    """
    tangent_types = [t for t, a in zip(jaxpr.in_types, active, strict=True) if a]
    out_active: list[bool] = []

    def run(*args: Any) -> list[Any]:
        stream = iter(args[len(active) :])
        tangents = [next(stream) if a else None for a in active]
        outs, dots = jvp_values(jaxpr, args[: len(active)], tangents)
        wanted = instantiate or [False] * len(outs)
        dots = [zeros(v.type) if d is None and w else d for d, w, v in zip(dots, wanted, jaxpr.outputs, strict=True)]
        out_active.extend(d is not None for d in dots)
        return [*outs, *(d for d in dots if d is not None)]

    return trace_closed(run, [*jaxpr.in_types, *tangent_types], jaxpr.name), out_active
