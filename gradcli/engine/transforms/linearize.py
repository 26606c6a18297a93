"""Linearization: the forward walk, which keeps for every equation the linear map of its tangents.

What the jvp rules compute from primals alone goes to the surrounding trace (or is evaluated); what they do to tangents
is kept in a *linear* program. Transposing that is reverse mode, so there is one set of derivative rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, raw
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var
from gradcli.engine.ops.elementwise import add_any
from gradcli.engine.ops.shape import zeros
from gradcli.engine.record import record
from gradcli.engine.trace.collect import RareCollections
from gradcli.engine.trace.tracer import STATE, Trace, Tracer, trace_closed
from gradcli.engine.transforms.kept import kept
from gradcli.engine.transforms.narrow import walkable
from gradcli.engine.transforms.rules import evaluate_jaxpr, get, has_kinds, on_numbers, target, write_again
from gradcli.engine.transforms.split import SPLITS, OneLinear, Reading, Split, apply_rule
from gradcli.engine.transforms.transpose import Cotangents


class Linear:
    """The linear map of a whole program at a point: for every active equation, its own linear map.

    ``concrete`` says that residuals are NumPy values. A variable of the program stands for its tangent as well;
    ``out_active`` says which of the ``outputs`` have one that is not zero.
    """

    __slots__ = ("concrete", "inputs", "out_active", "outputs", "steps")

    def __init__(self, inputs: Sequence[Var], concrete: bool) -> None:
        self.inputs = inputs
        self.concrete = concrete
        self.steps: list[tuple[Eqn, Split | OneLinear | Reading, Sequence[Any]]] = []
        self.outputs: Sequence[Atom] = ()
        self.out_active: Sequence[bool] = ()

    def pull_back(self, cotangents: Sequence[Any]) -> list[Any]:
        """Cotangents of the inputs (None: zero) for those of the outputs."""
        rows = zip(self.outputs, self.out_active, cotangents, strict=True)
        pairs: list[tuple[Any, Any]] = [(v, ct) for v, active, ct in rows if active and ct is not None]
        if self.concrete and on_numbers([ct for _, ct in pairs]):
            with np.errstate(all="ignore"), RareCollections():
                return self._pull_values([(v, raw(ct)) for v, ct in pairs])
        return self._pull_traced(pairs)

    def _pull_values(self, pairs: Sequence[tuple[Var, Any]]) -> list[Any]:
        total: dict[Var, Any] = {}
        own: set[Var] = set()  # whose total is an array made here, which nothing else refers to
        for var, ct in pairs:
            total[var] = total[var] + ct if var in total else ct
        for eqn, one, residuals in reversed(self.steps):
            if type(one) is Split:
                ct = total.pop(eqn.outputs[0], None)
                if ct is None:
                    continue
                if one.transposed is None:
                    one.transpose()
                inputs = eqn.inputs
                for i, found in zip(one.targets, one.backward(*residuals, ct)):  # noqa: B905 - hot, and same by making
                    var = inputs[i]
                    before = total.get(var)
                    total[var] = found if before is None else before + found
            elif type(one) is Reading:
                ct = total.pop(eqn.outputs[0], None)
                if ct is not None:
                    one.add_into(ct, total, own)
            else:
                cts = [total.pop(v, None) for v in eqn.outputs]
                if any(ct is not None for ct in cts):
                    rows = zip(eqn.outputs, cts, strict=True)
                    arrays = [None if ct is None else Array(ct, v.type.strong()) for v, ct in rows]
                    for var, found in zip(residuals, one.pull_back(arrays), strict=True):
                        if found is not None:
                            value = raw(found)
                            total[var] = total[var] + value if var in total else value
        return [Array(total[v], v.type.strong()) if v in total else None for v in self.inputs]

    def _pull_traced(self, pairs: Sequence[tuple[Var, Any]]) -> list[Any]:
        total: dict[Var, Any] = {}
        saved = STATE.source
        for var, ct in pairs:
            total[var] = add_any(total[var], ct) if var in total else ct
        try:
            for eqn, one, residuals in reversed(self.steps):
                cts = [total.pop(v, None) for v in eqn.outputs]
                if all(ct is None for ct in cts):
                    continue
                STATE.source = eqn.source or saved
                self._pull_one(eqn, one, residuals, cts, total)
        finally:
            STATE.source = saved
        return [total.get(v) for v in self.inputs]

    def _pull_one(self, eqn: Eqn, one: Any, residuals: Sequence[Any], cts: Sequence[Any], total: Cotangents) -> None:
        """Adds the cotangents that one equation gives its operands; sums are written as soon as they can be."""

        def give(var: Any, new: Any) -> None:
            total[var] = add_any(total[var], new) if var in total else new

        if not isinstance(one, Split):
            for var, ct in zip(residuals, one.pull_back(cts), strict=True):
                if ct is not None:
                    give(var, ct)
            return
        program = one.transpose()
        values = [*self._values(one, residuals), cts[0]]
        operands = [eqn.inputs[i] for i in one.targets]
        trace = target(values)
        if not isinstance(trace, Trace):
            for var, ct in zip(operands, evaluate_jaxpr(program, values, eqn.source), strict=True):
                give(var, ct)
            return
        made = {v for e in program.eqns for v in e.outputs}
        env = dict(zip(program.inputs, values, strict=True))
        for var, out in zip(operands, program.outputs, strict=True):
            if out not in made:
                give(var, get(env, out))

        def written(made_var: Var, tracer: Tracer) -> None:
            for var, out in zip(operands, program.outputs, strict=True):
                if out is made_var:
                    give(var, tracer)

        write_again(trace, program, [trace.lift(v) for v in values], STATE.source, written)

    def _values(self, split: Split, residuals: Sequence[Any]) -> Sequence[Any]:
        if not self.concrete:
            return residuals
        assert split.linear is not None
        return [Array(r, v.type) for r, v in zip(residuals, split.linear.inputs, strict=False)]

    def program(self, wanted: Sequence[bool] | None = None) -> Jaxpr:
        """The map as a program of the inputs' tangents; residuals are its constants.

        Zero outputs are left out, but for the ``wanted`` ones.
        """
        trace = Trace()
        with trace:
            inputs = [trace.input(v.type.strong()) for v in self.inputs]
            dots: dict[Any, Any] = dict(zip(self.inputs, inputs, strict=True))
            for eqn, one, residuals in self.steps:
                if not isinstance(one, Split):
                    found = evaluate_jaxpr(one.program(), [_tangent(dots, v) for v in residuals], eqn.source)
                    alive = [v for v, o in zip(eqn.outputs, one.outputs, strict=True) if o is not None]
                    dots.update(zip(alive, found, strict=True))
                else:
                    tangents = [dots[a] for a in eqn.inputs if a in dots]
                    assert one.linear is not None
                    values = [*self._values(one, residuals), *tangents]
                    dots[eqn.outputs[0]] = evaluate_jaxpr(one.linear, values, eqn.source)[0]
            asked = wanted or [False] * len(self.outputs)
            outs = [v for v, on, want in zip(self.outputs, self.out_active, asked, strict=True) if on or want]
            return trace.close(inputs, [_tangent(dots, v) for v in outs])


def _tangent(dots: dict[Var, Any], var: Any) -> Any:
    found = dots.get(var)
    return zeros(var.type.strong()) if found is None else found


def linearize_values(jaxpr: Jaxpr, primals: Sequence[Any], active: Sequence[bool]) -> tuple[list[Any], Linear]:
    """Outputs at ``primals`` and the linear map from the active inputs' tangents to the outputs' tangents."""
    plain, types = walkable(jaxpr), jaxpr.out_types
    concrete = plain is not None and on_numbers([*primals, *jaxpr.consts])
    jaxpr = plain if concrete and plain is not None else jaxpr
    inputs = [v for v, a in zip(jaxpr.inputs, active, strict=True) if a]
    linear = Linear(inputs, concrete)
    live: set[Any] = set(inputs)
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, jaxpr.consts, strict=True))
    env.update(zip(jaxpr.inputs, primals, strict=True))
    if concrete:
        with np.errstate(all="ignore"), RareCollections():
            values = _walk_values(jaxpr, {v: raw(x) for v, x in env.items()}, live, linear)
            outs = list(map(Array, values, types))
    else:
        outs = _walk_traced(jaxpr, env, live, linear)
    linear.outputs, linear.out_active = jaxpr.outputs, tuple(o in live for o in jaxpr.outputs)
    return outs, linear


def _walk_values(jaxpr: Jaxpr, env: dict[Any, Any], live: set[Any], linear: Linear) -> list[Any]:
    """The walk on NumPy values."""
    table, find, keep = SPLITS.table(), SPLITS.find, linear.steps.append
    for eqn in jaxpr.eqns:
        inputs = eqn.inputs
        if len(inputs) == 2:  # spelled out: this is the inner loop of every gradient
            a, b = inputs
            values: Any = (a.value if type(a) is Literal else env[a], b.value if type(b) is Literal else env[b])
            active: tuple[bool, ...] = (a in live, b in live)
        else:
            values = [a.value if type(a) is Literal else env[a] for a in inputs]
            active = tuple([a in live for a in inputs])
        if eqn.primitive.add_into is not None:
            env[eqn.outputs[0]] = eqn.primitive.impl(*values, **eqn.params)
            if active[0]:
                live.add(eqn.outputs[0])
                keep((eqn, Reading(eqn), inputs))
            continue
        split = find(table, eqn, inputs, active) if has_kinds(eqn.primitive) else None
        if split is not None:
            var = eqn.outputs[0]
            env[var], residuals = split.forward(*values)
            if split.linear is not None:
                live.add(var)
                keep((eqn, split, residuals))
        elif True not in active:
            out = eqn.primitive.run(*values, **eqn.params)
            env.update(zip(eqn.outputs, out if eqn.primitive.multiple else (out,), strict=True))
        else:
            arrays = [Array(v, a.type) for v, a in zip(values, inputs, strict=True)]
            outs = _keep_rule(eqn, arrays, active, live, linear)
            env.update(zip(eqn.outputs, map(raw, outs), strict=True))
    return [a.value if type(a) is Literal else env[a] for a in jaxpr.outputs]


def _walk_traced(jaxpr: Jaxpr, env: dict[Any, Any], live: set[Any], linear: Linear) -> list[Any]:
    """The walk on values that an open trace records."""
    table, saved = SPLITS.table(), STATE.source
    try:
        for eqn in jaxpr.eqns:
            STATE.source = eqn.source or saved
            values = [get(env, a) for a in eqn.inputs]
            active = tuple([a in live for a in eqn.inputs])
            split = SPLITS.find(table, eqn, eqn.inputs, active) if has_kinds(eqn.primitive) else None
            if split is not None:
                found = evaluate_jaxpr(split.known, values, STATE.source)
                var = eqn.outputs[0]
                env[var] = found[0]
                if split.linear is not None:
                    live.add(var)
                    everything = [*values, *found]
                    linear.steps.append((eqn, split, [everything[i] for i in split.places]))  # type: ignore[index]
            else:
                env.update(zip(eqn.outputs, _keep_rule(eqn, values, active, live, linear), strict=True))
    finally:
        STATE.source = saved
    return [get(env, a) for a in jaxpr.outputs]


def _keep_rule(
    eqn: Eqn, values: Sequence[Any], active: Sequence[bool], live: set[Any], linear: Linear
) -> Sequence[Any]:
    """Uses the rule of an equation that falls into no kind, and keeps its linear map with the active operands."""
    outs, one = apply_rule(eqn.primitive, eqn.params, values, active)
    alive = [v for v, o in zip(eqn.outputs, one.outputs, strict=True) if o is not None]
    if alive:
        live.update(alive)
        linear.steps.append((eqn, one, [a for a, on in zip(eqn.inputs, active, strict=True) if on]))
    return outs


@record
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


@kept
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
    wanted = instantiate or [False] * len(jaxpr.outputs)
    kept: list[tuple[Jaxpr, tuple[int | None, ...], tuple[bool, ...]]] = []

    def run(*primals: Any) -> list[Any]:
        outs, linear = linearize_values(jaxpr, primals, active)
        program = linear.program(wanted)
        out_active = tuple(a or w for a, w in zip(linear.out_active, wanted, strict=True))
        places = {id(p): i for i, (p, may) in enumerate(zip(primals, may_forward, strict=True)) if may}
        positions = tuple(places.get(id(r)) for r in program.consts)
        kept.append((program, positions, out_active))
        return [*outs, *(r for r, p in zip(program.consts, positions, strict=True) if p is None)]

    known = trace_closed(run, jaxpr.in_types, jaxpr.name)
    program, positions, out_active = kept[0]
    closed = Jaxpr((*program.constvars, *program.inputs), program.eqns, program.outputs, name=jaxpr.name)
    return SplitJaxpr(known, closed, out_active, positions)
