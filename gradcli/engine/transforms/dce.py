"""Dead-code elimination: equations that no output needs go, unless they have an effect."""

from __future__ import annotations

from collections.abc import Sequence

from gradcli.engine.ir.program import Eqn, Jaxpr, Literal, Var, sub_jaxprs


def has_effect(eqn: Eqn) -> bool:
    """Whether the equation, or one of a program inside it, does something beside computing its outputs."""
    if eqn.primitive.effect or not eqn.params:
        return eqn.primitive.effect
    return any(has_effect(inner) for _, jaxpr in sub_jaxprs(eqn.params) for inner in jaxpr.eqns)


def dce_jaxpr(jaxpr: Jaxpr, used: Sequence[bool] | None = None) -> Jaxpr:
    """The program without dead equations and unused constants; inputs stay. ``used`` picks among the outputs."""
    outputs = tuple(o for i, o in enumerate(jaxpr.outputs) if used is None or used[i])
    live: set[Var] = {o for o in outputs if isinstance(o, Var)}
    kept = []
    for eqn in reversed(jaxpr.eqns):
        for var in eqn.outputs:
            if var in live:
                break
        else:
            if not has_effect(eqn):
                continue
        kept.append(eqn)
        for atom in eqn.inputs:
            if type(atom) is not Literal:
                live.add(atom)  # type: ignore[arg-type]
    pairs = [(v, c) for v, c in zip(jaxpr.constvars, jaxpr.consts, strict=True) if v in live]
    if len(kept) == len(jaxpr.eqns) and len(pairs) == len(jaxpr.constvars) and len(outputs) == len(jaxpr.outputs):
        return jaxpr
    return Jaxpr(
        jaxpr.inputs,
        tuple(reversed(kept)),
        outputs,
        tuple(v for v, _ in pairs),
        tuple(c for _, c in pairs),
        jaxpr.notes,
        jaxpr.name,
    )
