"""The first run of a program: equation by equation.

Simplifying, writing and compiling a program takes ten times as long as running it once, so a program is compiled when
it is called for the second time. Each step on plain numbers is the function of the very text that the compiled program
has for it, so both runs give the same digits. Programs with loops or large arrays are compiled at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import raw
from gradcli.engine.execute import plain
from gradcli.engine.ir.program import Eqn, Jaxpr, Literal
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.transforms.narrow import uses_stored

CALLS = {
    "jit": "jaxpr", "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr", "remat2": "jaxpr",
    "custom_vmap_call": "call",
}  # fmt: skip
LARGE = 1 << 12  # elements of an array from which a compiled program pays at once
_LOOPS = ("while", "scan")
_KEPT = 4096
_steps: dict[Any, Callable[..., Any] | None] = {}


def first_run(jaxpr: Jaxpr, args: Sequence[Any]) -> list[Any] | None:
    """The outputs for NumPy values or Python numbers, as NumPy's; None for a program that has to be compiled."""
    if uses_stored(jaxpr):
        return None
    try:
        with np.errstate(all="ignore"):
            given = [_taken(raw(x), t) for x, t in zip(args, jaxpr.in_types, strict=True)]
            outs = _run(jaxpr, given)
    except plain.RAISED:
        return None
    if outs is None:
        return None
    return [t.dtype.type(x) if plain.is_plain(t) else x for x, t in zip(outs, jaxpr.out_types, strict=True)]


def _taken(x: Any, t: ArrayType) -> Any:
    """A NumPy value as a run has it: a Python number where its type is plain."""
    return x.item() if plain.is_plain(t) and type(x) is not float else x


def _run(jaxpr: Jaxpr, args: Sequence[Any]) -> list[Any] | None:
    env: dict[Any, Any] = dict(zip(jaxpr.inputs, args, strict=True))
    for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
        env[var] = _taken(raw(const), var.type)
    for eqn in jaxpr.eqns:
        values = [_taken(a.value, a.type) if type(a) is Literal else env[a] for a in eqn.inputs]
        step = _step(eqn)
        if step is not None:
            env[eqn.outputs[0]] = step(*values)
            continue
        outs = _other(eqn, values)
        if outs is None:
            return None
        env.update(zip(eqn.outputs, outs, strict=True))
    return [_taken(a.value, a.type) if type(a) is Literal else env[a] for a in jaxpr.outputs]


def _other(eqn: Eqn, values: Sequence[Any]) -> Sequence[Any] | None:
    """The results of a call, a branch, or of what NumPy computes."""
    name = eqn.primitive.name
    if name in CALLS:
        return _run(eqn.params[CALLS[name]], values)
    if name == "cond":
        branches = eqn.params["branches"]
        return _run(branches[min(max(int(values[0]), 0), len(branches) - 1)], values[1:])
    compiled = name in _LOOPS or eqn.primitive.effect or eqn.primitive.family == "callback"
    if compiled or any(v.type.size >= LARGE for v in eqn.outputs):
        return None
    given = [a.type.dtype.type(x) if plain.is_plain(a.type) else x for x, a in zip(values, eqn.inputs, strict=True)]
    out = eqn.primitive.impl(*given, **eqn.params)
    outs = out if eqn.primitive.multiple else [out]
    return [_taken(x, v.type) for x, v in zip(outs, eqn.outputs, strict=True)]


def _step(eqn: Eqn) -> Callable[..., Any] | None:
    """An equation of plain numbers as a function; equations of one kind have the same one."""
    if len(eqn.outputs) != 1:
        return None
    out = eqn.outputs[0].type
    if out.shape:
        return None
    key = (eqn.primitive, eqn.params.get("y"), out, *[a.type for a in eqn.inputs])
    try:
        return _steps[key]
    except KeyError:
        pass
    if len(_steps) >= _KEPT:
        _steps.clear()
    return _steps.setdefault(key, None if eqn.primitive.multiple else _written(eqn))


def _written(eqn: Eqn) -> Callable[..., Any] | None:
    if not all(plain.is_plain(v.type) for v in (*eqn.inputs, *eqn.outputs)):
        return None
    names = [f"x{i}" for i in range(len(eqn.inputs))]
    lines: list[str] = []

    def temporary(text: str) -> str:
        lines.append(f"    t{len(lines)} = {text}")
        return f"t{len(lines) - 1}"

    text = plain.expression(eqn, names, temporary)
    if text is None:
        return None
    scope = dict(plain.SCOPE)
    exec("\n".join([f"def step({', '.join(names)}):", *lines, f"    return {text}"]), scope)
    step: Callable[..., Any] = scope["step"]
    return step
