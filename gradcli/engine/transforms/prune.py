"""Dead code inside calls, branches and loops: what they take and return shrinks to what is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var, sub_jaxprs
from gradcli.engine.transforms.dce import dce_jaxpr, has_effect

Memo = dict[tuple[Jaxpr, tuple[bool, ...]], Jaxpr]
Pruner = Callable[[Eqn, Sequence[bool], Memo], Eqn]


def prune_jaxpr(jaxpr: Jaxpr, used: Sequence[bool] | None = None, memo: Memo | None = None) -> Jaxpr:
    """The program without equations, and without outputs and operands of programs inside, that nothing needs.

    The inputs stay; ``used`` picks among the outputs. The same object where there is nothing to remove.
    """
    memo = {} if memo is None else memo
    key = (jaxpr, tuple(used) if used is not None else (True,) * len(jaxpr.outputs))
    found = memo.get(key)
    if found is None:
        found = memo[key] = _pruned(dce_jaxpr(jaxpr, used), memo)
    return found


def _pruned(jaxpr: Jaxpr, memo: Memo) -> Jaxpr:
    if not any(eqn.params and sub_jaxprs(eqn.params) for eqn in jaxpr.eqns):
        return jaxpr
    live = _variables(jaxpr.outputs)
    kept = []
    for eqn in reversed(jaxpr.eqns):
        mask = [v in live for v in eqn.outputs]
        if any(mask) or has_effect(eqn):
            prune = _PRUNERS.get(eqn.primitive.name, _inside) if eqn.params else None
            new = eqn if prune is None else prune(eqn, mask, memo)
            kept.append(new)
            live.update(_variables(new.inputs))
    kept.reverse()
    if len(kept) == len(jaxpr.eqns) and all(a is b for a, b in zip(kept, jaxpr.eqns, strict=True)):
        return jaxpr
    return dce_jaxpr(replace(jaxpr, eqns=tuple(kept)))


def _variables(atoms: Iterable[Atom]) -> set[Var]:
    return {a for a in atoms if not isinstance(a, Literal)}


def live_inputs(jaxpr: Jaxpr, used: Sequence[bool]) -> list[bool]:
    """Which inputs the outputs picked by ``used``, or effects, depend on."""
    live = _variables(o for o, u in zip(jaxpr.outputs, used, strict=True) if u)
    for eqn in reversed(jaxpr.eqns):
        if any(v in live for v in eqn.outputs) or has_effect(eqn):
            live.update(_variables(eqn.inputs))
    return [v in live for v in jaxpr.inputs]


def with_inputs(jaxpr: Jaxpr, keep: Sequence[bool]) -> Jaxpr:
    """The program with some of its inputs only."""
    return jaxpr if all(keep) else replace(jaxpr, inputs=tuple(_pick(jaxpr.inputs, keep)))


def _pick(xs: Sequence[Any], mask: Sequence[bool]) -> list[Any]:
    return [x for x, m in zip(xs, mask, strict=True) if m]


def _changed(eqn: Eqn, inputs: Sequence[Atom], params: dict[str, Any], outputs: Sequence[Var]) -> Eqn:
    same = len(inputs) == len(eqn.inputs) and len(outputs) == len(eqn.outputs)
    if same and all(params[k] is v or params[k] == v for k, v in eqn.params.items()):
        return eqn
    return Eqn(eqn.primitive, inputs, params, outputs, eqn.source)


def _inside(eqn: Eqn, mask: Sequence[bool], memo: Memo) -> Eqn:
    """Programs with a meaning of their own keep what they take and return."""
    new = map_programs(eqn.params, lambda sub: prune_jaxpr(sub, None, memo))
    return eqn if new is eqn.params else Eqn(eqn.primitive, eqn.inputs, new, eqn.outputs, eqn.source)


def map_programs(params: dict[str, Any], f: Callable[[Jaxpr], Jaxpr]) -> dict[str, Any]:
    """The parameters with ``f`` of each program in them; the same object where nothing changes."""
    new = {}
    for key, value in params.items():
        if isinstance(value, Jaxpr):
            changed: Any = f(value)
        elif type(value) is tuple and value and isinstance(value[0], Jaxpr):
            programs = tuple(map(f, value))
            changed = value if all(a is b for a, b in zip(programs, value, strict=True)) else programs
        else:
            continue
        if changed is not value:
            new[key] = changed
    return {**params, **new} if new else params


def _call(eqn: Eqn, mask: Sequence[bool], memo: Memo) -> Eqn:
    sub = prune_jaxpr(eqn.params["jaxpr"], mask, memo)
    keep = live_inputs(sub, [True] * len(sub.outputs))
    key = (sub, (*keep, True))
    program = memo.setdefault(key, with_inputs(sub, keep))
    return _changed(eqn, _pick(eqn.inputs, keep), {**eqn.params, "jaxpr": program}, _pick(eqn.outputs, mask))


def _cond(eqn: Eqn, mask: Sequence[bool], memo: Memo) -> Eqn:
    branches = [prune_jaxpr(b, mask, memo) for b in eqn.params["branches"]]
    reads = [live_inputs(b, [True] * len(b.outputs)) for b in branches]
    keep = [any(column) for column in zip(*reads, strict=True)]
    programs = tuple(with_inputs(b, keep) for b in branches)
    inputs = [eqn.inputs[0], *_pick(eqn.inputs[1:], keep)]
    return _changed(eqn, inputs, {**eqn.params, "branches": programs}, _pick(eqn.outputs, mask))


def _scan(eqn: Eqn, mask: Sequence[bool], memo: Memo) -> Eqn:
    """A carry is needed where its final value is, or where something that is needed reads it."""
    params, body = eqn.params, eqn.params["jaxpr"]
    n_consts, n_carry = params["num_consts"], params["num_carry"]
    used = list(mask)
    while True:
        reads = live_inputs(body, used)
        carry = [a or b for a, b in zip(used[:n_carry], reads[n_consts : n_consts + n_carry], strict=True)]
        if carry == used[:n_carry]:
            break
        used[:n_carry] = carry
    keep = [*reads[:n_consts], *carry, *reads[n_consts + n_carry :]]
    program = with_inputs(prune_jaxpr(body, used, memo), keep)
    new = {**params, "jaxpr": program, "num_consts": sum(keep[:n_consts]), "num_carry": sum(carry)}
    return _changed(eqn, _pick(eqn.inputs, keep), new, _pick(eqn.outputs, used))


def _while(eqn: Eqn, mask: Sequence[bool], memo: Memo) -> Eqn:
    params, test, body = eqn.params, eqn.params["cond_jaxpr"], eqn.params["body_jaxpr"]
    n_test, n_body = params["cond_nconsts"], params["body_nconsts"]
    test = prune_jaxpr(test, None, memo)
    asked = live_inputs(test, [True])
    used = [a or b for a, b in zip(mask, asked[n_test:], strict=True)]
    while True:
        reads = live_inputs(body, used)
        carry = [a or b for a, b in zip(used, reads[n_body:], strict=True)]
        if carry == used:
            break
        used = carry
    program = with_inputs(prune_jaxpr(body, used, memo), [*reads[:n_body], *used])
    keep = [*asked[:n_test], *reads[:n_body], *used]
    new = {
        "cond_jaxpr": with_inputs(test, [*asked[:n_test], *used]), "body_jaxpr": program,
        "cond_nconsts": sum(asked[:n_test]), "body_nconsts": sum(reads[:n_body]),
    }  # fmt: skip
    return _changed(eqn, _pick(eqn.inputs, keep), {**params, **new}, _pick(eqn.outputs, used))


_PRUNERS: dict[str, Pruner] = {"jit": _call, "remat2": _call, "cond": _cond, "scan": _scan, "while": _while}
