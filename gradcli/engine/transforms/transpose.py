"""Transposition: runs a program that is linear in some of its inputs backwards, summing cotangents with ``add_any``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var
from gradcli.engine.ops.define import Undefined
from gradcli.engine.ops.elementwise import add_any
from gradcli.engine.ops.shape import zeros
from gradcli.engine.trace.tracer import STATE, bind, trace_closed
from gradcli.engine.transforms.kept import kept
from gradcli.engine.transforms.rules import get

Cotangents = dict[Var, Any]


def backward(
    eqns: Sequence[Eqn],
    known: dict[Var, Any],
    outputs: Sequence[Atom],
    cotangents: Sequence[Any],
    inputs: Sequence[Var],
) -> list[Any]:
    """Cotangents of ``inputs`` (None: zero), given those of ``outputs``.

    ``known`` holds the values of everything that is not linear; equations must depend on ``inputs`` linearly.
    """
    total: Cotangents = {}
    for atom, ct in zip(outputs, cotangents, strict=True):
        if ct is not None and not isinstance(atom, Literal):
            _accumulate(total, atom, ct)
    saved = STATE.source
    try:
        for eqn in reversed(eqns):
            STATE.source = eqn.source or saved
            _backward_eqn(eqn, known, total)
    finally:
        STATE.source = saved
    return [total.get(v) for v in inputs]


def _backward_eqn(eqn: Eqn, known: dict[Var, Any], total: Cotangents) -> None:
    cts = [total.pop(v, None) for v in eqn.outputs]
    if all(ct is None for ct in cts):
        return
    args = [get(known, a) if isinstance(a, Literal) or a in known else Undefined(a.type) for a in eqn.inputs]
    rule = eqn.primitive.rule("transpose")
    results = rule(cts if eqn.primitive.multiple else cts[0], *args, **eqn.params)
    for atom, arg, ct in zip(eqn.inputs, args, results, strict=True):
        if ct is not None and type(arg) is Undefined:
            _accumulate(total, atom, ct)  # type: ignore[arg-type]


def _accumulate(total: Cotangents, var: Var, ct: Any) -> None:
    before = total.get(var)
    total[var] = ct if before is None else add_any(before, ct)


def backward_jaxpr(jaxpr: Jaxpr, args: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
    """Transposes a whole program whose ``Undefined`` args are linear; what does not depend on them is run first."""
    known: dict[Var, Any] = dict(zip(jaxpr.constvars, jaxpr.consts, strict=True))
    known.update((v, a) for v, a in zip(jaxpr.inputs, args, strict=True) if type(a) is not Undefined)
    linear = []
    for eqn in jaxpr.eqns:
        if all(isinstance(a, Literal) or a in known for a in eqn.inputs):
            out = bind(eqn.primitive, *[get(known, a) for a in eqn.inputs], **eqn.params)
            known.update(zip(eqn.outputs, out if eqn.primitive.multiple else [out], strict=True))
        else:
            linear.append(eqn)
    return backward(linear, known, jaxpr.outputs, cotangents, jaxpr.inputs)


@kept
def transpose_jaxpr(
    jaxpr: Jaxpr, linear: Sequence[bool], has_cotangent: Sequence[bool], instantiate: bool = False
) -> tuple[Jaxpr, list[bool]]:
    """The program (known inputs, cotangents of outputs that have one) -> cotangents of the linear inputs that have one.

    Also says which linear inputs those are; ``instantiate`` writes zeros for the others.
    """
    known_types = [t for t, is_lin in zip(jaxpr.in_types, linear, strict=True) if not is_lin]
    ct_types = [t for t, has in zip(jaxpr.out_types, has_cotangent, strict=True) if has]
    nonzero: list[bool] = []

    def run(*args: Any) -> list[Any]:
        known, cts = iter(args[: len(known_types)]), iter(args[len(known_types) :])
        full_args = [Undefined(t) if is_lin else next(known) for t, is_lin in zip(jaxpr.in_types, linear, strict=True)]
        full_cts = [next(cts) if has else None for has in has_cotangent]
        pairs = zip(backward_jaxpr(jaxpr, full_args, full_cts), jaxpr.inputs, linear, strict=True)
        out = [zeros(v.type) if ct is None and instantiate else ct for ct, v, is_lin in pairs if is_lin]
        nonzero.extend(ct is not None for ct in out)
        return [ct for ct in out if ct is not None]

    return trace_closed(run, [*known_types, *ct_types], jaxpr.name), nonzero
