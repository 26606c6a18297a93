"""The reference interpreter: a program's meaning, equation by equation, on NumPy values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import raw
from gradcli.engine.ir.program import Eqn, Jaxpr, Var
from gradcli.engine.transforms.narrow import computed, widened

Observer = Callable[[Eqn, Sequence[Any]], None]


def interpret(jaxpr: Jaxpr, args: Sequence[Any], observe: Observer | None = None) -> list[Any]:
    """Runs a program on NumPy values and returns NumPy values; ``observe`` sees every equation's results."""
    if observe is None:
        jaxpr = widened(jaxpr)
    env: dict[Var, Any] = {}
    for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
        env[var] = raw(const)
    for var, arg in zip(jaxpr.inputs, args, strict=True):
        env[var] = arg
    last = _last_uses(jaxpr) if observe is None else {}
    with np.errstate(all="ignore"):
        for i, eqn in enumerate(jaxpr.eqns):
            values = [a.value if a.is_literal else env[a] for a in eqn.inputs]  # type: ignore[union-attr,index]
            out = eqn.primitive.impl(*values, **eqn.params) if observe is None else computed(eqn, values)
            if eqn.primitive.multiple:
                env.update(zip(eqn.outputs, out, strict=True))
            else:
                env[eqn.outputs[0]] = out
            if observe is not None:
                observe(eqn, out if eqn.primitive.multiple else [out])
            for var in last.get(i, ()):
                del env[var]
    return [a.value if a.is_literal else env[a] for a in jaxpr.outputs]  # type: ignore[union-attr,index]


def _last_uses(jaxpr: Jaxpr) -> dict[int, list[Var]]:
    """For each equation, the variables that nothing reads after it: their memory can go."""
    uses: dict[Var, int] = {}
    for i, eqn in enumerate(jaxpr.eqns):
        for var in eqn.outputs:
            uses[var] = i
        for atom in eqn.inputs:
            if not atom.is_literal:
                uses[atom] = i  # type: ignore[index]
    for atom in jaxpr.outputs:
        uses.pop(atom, None)  # type: ignore[arg-type]
    last: dict[int, list[Var]] = {}
    for var, i in uses.items():
        last.setdefault(i, []).append(var)
    return last
