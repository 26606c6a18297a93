"""The first run of a program: equation by equation, on plain numbers.

Simplifying, writing and compiling a program takes ten times as long as running it once, so a program is compiled when
it is called for the second time. Each step is the function of the very text that the compiled program has for it, so
both runs give the same digits. Only programs of scalars without loops are run so; others are compiled at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import raw
from gradcli.engine.execute import plain
from gradcli.engine.ir.program import Eqn, Jaxpr, Literal

CALLS = {
    "jit": "jaxpr", "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr", "remat2": "jaxpr",
    "custom_vmap_call": "call",
}  # fmt: skip
_KEPT = 4096
_steps: dict[Any, Callable[..., Any] | None] = {}


def first_run(jaxpr: Jaxpr, args: Sequence[Any]) -> list[Any] | None:
    """The outputs for NumPy values or Python numbers, as NumPy's; None for a program that has to be compiled."""
    if not all(plain.is_plain(t) for t in (*jaxpr.in_types, *jaxpr.out_types)):
        return None
    try:
        outs = _run(jaxpr, [x if type(x) is float else raw(x).item() for x in args])
    except plain.RAISED:
        return None
    return None if outs is None else [t.dtype.type(x) for x, t in zip(outs, jaxpr.out_types, strict=True)]


def _run(jaxpr: Jaxpr, args: Sequence[Any]) -> list[Any] | None:
    env: dict[Any, Any] = dict(zip(jaxpr.inputs, args, strict=True))
    for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
        if not plain.is_plain(var.type):
            return None
        env[var] = raw(const).item()
    for eqn in jaxpr.eqns:
        values = [a.value.item() if type(a) is Literal else env[a] for a in eqn.inputs]
        name = eqn.primitive.name
        if name in CALLS:
            outs = _run(eqn.params[CALLS[name]], values)
            if outs is None:
                return None
            env.update(zip(eqn.outputs, outs, strict=True))
            continue
        step = _step(eqn)
        if step is None:
            return None
        env[eqn.outputs[0]] = step(*values)
    return [a.value.item() if type(a) is Literal else env[a] for a in jaxpr.outputs]


def _step(eqn: Eqn) -> Callable[..., Any] | None:
    """An equation as a function; equations of one kind have the same one."""
    inputs, out = eqn.inputs, eqn.outputs[0].type if len(eqn.outputs) == 1 else None
    key = (eqn.primitive, eqn.params.get("y"), out, *[a.type for a in inputs])
    try:
        return _steps[key]
    except KeyError:
        pass
    if len(_steps) >= _KEPT:
        _steps.clear()
    step = None if out is None or eqn.primitive.multiple else _written(eqn)
    return _steps.setdefault(key, step)


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
