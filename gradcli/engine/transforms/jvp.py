"""Forward mode: a walk over the program with a tangent beside every value; a symbolic zero is None."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import Array
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.shape import zeros
from gradcli.engine.trace.tracer import STATE, bind, trace_closed

Tangents = list[Any]


def evaluate_jaxpr(jaxpr: Jaxpr, args: Sequence[Any]) -> list[Any]:
    """Applies a program to values, equation by equation through ``bind``: runs it, or writes it out again."""
    env = _start(jaxpr, args)
    saved = STATE.source
    try:
        for eqn in jaxpr.eqns:
            STATE.source = eqn.source or saved
            _store(env, eqn, bind(eqn.primitive, *_read(env, eqn), **eqn.params))
    finally:
        STATE.source = saved
    return [get(env, a) for a in jaxpr.outputs]


def jvp_walk(
    jaxpr: Jaxpr, primals: Sequence[Any], tangents: Sequence[Any], rule: Callable[[Primitive], Callable[..., Any]]
) -> tuple[list[Any], Tangents]:
    """Applies a program to primals and tangents, each equation by the rule that ``rule`` picks of its primitive."""
    env = _start(jaxpr, primals)
    dots: dict[Var, Any] = {v: t for v, t in zip(jaxpr.inputs, tangents, strict=True) if t is not None}
    saved = STATE.source
    try:
        for eqn in jaxpr.eqns:
            STATE.source = eqn.source or saved
            values = _read(env, eqn)
            ts = [dots.get(a) for a in eqn.inputs]  # type: ignore[arg-type]
            if all(t is None for t in ts):
                _store(env, eqn, bind(eqn.primitive, *values, **eqn.params))
                continue
            out, out_dots = rule(eqn.primitive)(values, ts, **eqn.params)
            _store(env, eqn, out)
            for var, dot in zip(eqn.outputs, out_dots if eqn.primitive.multiple else [out_dots], strict=True):
                if dot is not None:
                    dots[var] = dot
    finally:
        STATE.source = saved
    return [get(env, a) for a in jaxpr.outputs], [dots.get(a) for a in jaxpr.outputs]  # type: ignore[arg-type]


def jvp_values(jaxpr: Jaxpr, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[Any], Tangents]:
    """Outputs and their tangents (None: zero) of a program at ``primals`` along ``tangents``."""
    return jvp_walk(jaxpr, primals, tangents, lambda primitive: primitive.rule("jvp"))


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


def get(env: dict[Var, Any], atom: Atom) -> Any:
    """The value of an atom in an environment."""
    if isinstance(atom, Literal):
        return Array(atom.value, atom.type)
    return env[atom]


def _start(jaxpr: Jaxpr, args: Sequence[Any]) -> dict[Var, Any]:
    env: dict[Var, Any] = dict(zip(jaxpr.constvars, jaxpr.consts, strict=True))
    env.update(zip(jaxpr.inputs, args, strict=True))
    return env


def _read(env: dict[Var, Any], eqn: Eqn) -> list[Any]:
    return [get(env, a) for a in eqn.inputs]


def _store(env: dict[Var, Any], eqn: Eqn, out: Any) -> None:
    if eqn.primitive.multiple:
        env.update(zip(eqn.outputs, out, strict=True))
    else:
        env[eqn.outputs[0]] = out
