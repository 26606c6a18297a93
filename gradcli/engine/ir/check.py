"""The checker: every variable defined before use and once, every equation of the type that its primitive gives it."""

from __future__ import annotations

from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.errors import GradcliError, fail
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Var, sub_jaxprs
from gradcli.engine.ir.types import ArrayType


def check_jaxpr(jaxpr: Jaxpr) -> None:
    """Verifies scoping and types of a program and of those inside it.

    Raises GradcliError (G213) that names the equation and the user's line.
    """
    scope: set[Var] = set()
    for var in (*jaxpr.constvars, *jaxpr.inputs):
        _define(scope, var, None)
    if len(jaxpr.constvars) != len(jaxpr.consts):
        raise _bad("a program has constants without values", None)
    for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
        if type_of(const).strong() is not var.type.strong():
            raise _bad(f"constant {type_of(const)} does not fit its variable {var.type}", None)
    for eqn in jaxpr.eqns:
        _check_eqn(eqn, scope)
    for atom in jaxpr.outputs:
        _use(scope, atom, None)


def _check_eqn(eqn: Eqn, scope: set[Var]) -> None:
    for atom in eqn.inputs:
        _use(scope, atom, eqn)
    for key, sub in sub_jaxprs(eqn.params):
        if any(isinstance(const, Var) for const in sub.consts):
            raise _bad(f"the program in {key} captures a tracer", eqn)
        check_jaxpr(sub)
    out: Any = eqn.primitive.type_rule(*[a.type for a in eqn.inputs], **eqn.params)
    types: list[ArrayType] = list(out) if eqn.primitive.multiple else [out]
    if [t.strong() for t in types] != [v.type.strong() for v in eqn.outputs]:
        raise _bad(f"types {[v.type for v in eqn.outputs]} should be {types}", eqn)
    for var in eqn.outputs:
        _define(scope, var, eqn)


def _use(scope: set[Var], atom: Atom, eqn: Eqn | None) -> None:
    if isinstance(atom, Var) and atom not in scope:
        raise _bad("a variable is used before it is defined", eqn)


def _define(scope: set[Var], var: Var, eqn: Eqn | None) -> None:
    if var in scope:
        raise _bad("a variable is defined twice", eqn)
    scope.add(var)


def _bad(message: str, eqn: Eqn | None) -> GradcliError:
    location = eqn.source.full() if eqn is not None and eqn.source is not None else None
    error: GradcliError = fail("G213", message + (f" in {eqn!r}" if eqn is not None else ""), location=location)
    return error
