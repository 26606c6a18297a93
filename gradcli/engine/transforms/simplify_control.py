"""Simplification of equations that hold programs: calls, branches and loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var
from gradcli.engine.transforms.prune import map_programs

if TYPE_CHECKING:
    from gradcli.engine.transforms.simplify import Simplifier

Handler = Callable[["Simplifier", Eqn], Sequence[Atom]]
Bound = list[tuple[int, Atom]]


def _with_params(eqn: Eqn, params: dict[str, Any], inputs: Sequence[Atom] | None = None) -> Eqn:
    if params is eqn.params and inputs is None:
        return eqn
    return Eqn(eqn.primitive, eqn.inputs if inputs is None else inputs, params, eqn.outputs, eqn.source)


def _other(s: Simplifier, eqn: Eqn) -> Sequence[Atom]:
    """Programs are simplified where they are, taking and returning what they did."""
    return s.emit(_with_params(eqn, map_programs(eqn.params, s.inside)))


def _custom(s: Simplifier, eqn: Eqn) -> Sequence[Atom]:
    """A call with a derivative rule of its own: the rule goes where no derivative will be taken."""
    if s.inline:
        return s.inlined(eqn.params["call_jaxpr"], eqn.inputs, [v.type for v in eqn.outputs])
    return _other(s, eqn)


def _known_inputs(atoms: Sequence[Atom], variables: Sequence[Var], start: int = 0) -> Bound:
    """Inputs of a program, from ``start`` on, that are literals, or the same as an earlier one."""
    found: Bound = []
    first: dict[Atom, Var] = {}
    for i, (atom, var) in enumerate(zip(atoms, variables, strict=True), start):
        if atom.type is not var.type:
            continue
        if isinstance(atom, Literal):
            found.append((i, atom))
        elif first.setdefault(atom, var) is not var:
            found.append((i, first[atom]))
    return found


def _passed_on(jaxpr: Jaxpr, eqn: Eqn, args: Sequence[Atom]) -> list[Atom | None]:
    """For each output the atom around that it is simply equal to: a literal, or an operand."""
    places = {v: i for i, v in enumerate(jaxpr.inputs)}
    found: list[Atom | None] = []
    for out, var in zip(jaxpr.outputs, eqn.outputs, strict=True):
        atom = out if isinstance(out, Literal) else args[places[out]] if out in places else None
        found.append(atom if atom is not None and atom.type.strong() is var.type.strong() else None)
    return found


def _replaced(s: Simplifier, eqn: Eqn, results: Sequence[Atom], found: Sequence[Atom | None]) -> list[Atom]:
    rows = zip(results, found, eqn.outputs, strict=True)
    return [r if f is None else s.as_type(f, var.type) for r, f, var in rows]


def _call(s: Simplifier, eqn: Eqn) -> Sequence[Atom]:
    jaxpr = eqn.params["jaxpr"]
    if s.inline:
        return s.inlined(jaxpr, eqn.inputs, [v.type for v in eqn.outputs])
    return _kept_call(s, eqn)


def _kept_call(s: Simplifier, eqn: Eqn) -> Sequence[Atom]:
    before = eqn.params["jaxpr"]
    jaxpr = s.inside(before, _known_inputs(eqn.inputs, before.inputs))
    new = eqn if jaxpr is before else _with_params(eqn, {**eqn.params, "jaxpr": jaxpr})
    return _replaced(s, eqn, s.emit(new), _passed_on(jaxpr, eqn, eqn.inputs))


def _cond(s: Simplifier, eqn: Eqn) -> Sequence[Atom]:
    """The branch itself where it is known which; else outputs that all branches agree on are taken out."""
    index, *args = eqn.inputs
    before = eqn.params["branches"]
    if isinstance(index, Literal):
        branch = before[max(0, min(int(index.value), len(before) - 1))]
        return s.inlined(branch, args, [v.type for v in eqn.outputs])
    branches = tuple(s.inside(b, _known_inputs(args, b.inputs)) for b in before)
    same = all(a is b for a, b in zip(branches, before, strict=True))
    results = s.emit(eqn if same else _with_params(eqn, {**eqn.params, "branches": branches}))
    rows = list(zip(*[_passed_on(b, eqn, args) for b in branches], strict=True))
    return _replaced(s, eqn, results, [row[0] if all(_equal(a, row[0]) for a in row) else None for row in rows])


def _equal(a: Atom | None, b: Atom | None) -> bool:
    if isinstance(a, Literal) and isinstance(b, Literal):
        return a.type is b.type and bool(a.value.tobytes() == b.value.tobytes())
    return a is b


# --- loops ------------------------------------------------------------------------------------------------------------


_STAYING = ("callback", "control", "linalg")  # may fail, where the loop might not have run at all


def _hoistable(body: Jaxpr, constant: Sequence[Var]) -> list[Eqn]:
    """Equations that give the same in every turn: they read constants of the loop, and nothing that changes."""
    still: set[Var] = {*constant, *body.constvars}
    fixed: set[Var] = set()  # of literals alone: cheap, so they come along but are no reason to move anything
    found = []
    for eqn in body.eqns:
        if eqn.primitive.multiple or eqn.primitive.effect or eqn.primitive.family in _STAYING:
            continue
        variables = [a for a in eqn.inputs if not isinstance(a, Literal)]
        if all(v in fixed for v in variables):
            fixed.update(eqn.outputs)
        elif not all(v in still or v in fixed for v in variables):
            continue
        else:
            still.update(eqn.outputs)
        found.append(eqn)
    return [] if all(v in fixed for eqn in found for v in eqn.outputs) else found


def _hoist(
    s: Simplifier, body: Jaxpr, constant: Sequence[Var], args: Sequence[Atom]
) -> tuple[Jaxpr, list[Atom], list[Var]]:
    """Writes what is constant in a loop before it.

    Returns the body without it, the atoms around for what it still needs of it, and its variables for those.
    """
    moved = _hoistable(body, constant)
    if not moved:
        return body, [], []
    env: dict[Var, Atom] = dict(zip(constant, args, strict=True))
    for var, const in zip(body.constvars, body.consts, strict=True):
        env[var] = s.constant(Var(var.type), const)
    s.walk(moved, env, fresh=True)
    gone = {id(eqn) for eqn in moved if not all(isinstance(a, Literal) for a in eqn.inputs)}
    rest = tuple(eqn for eqn in body.eqns if id(eqn) not in gone)
    needed = {a for eqn in rest for a in eqn.inputs if not isinstance(a, Literal)}
    needed |= {a for a in body.outputs if not isinstance(a, Literal)}
    new = [v for eqn in moved if id(eqn) in gone for v in eqn.outputs if v in needed]
    return replace(body, eqns=rest), [env.get(v, v) for v in new], new


def _scan(s: Simplifier, eqn: Eqn) -> Sequence[Atom]:
    """Carries that never change become constants, and what depends on constants alone moves before the loop."""
    params, before = eqn.params, eqn.params["jaxpr"]
    n, m = params["num_consts"], params["num_consts"] + params["num_carry"]
    args = list(eqn.inputs)
    bound = [*_known_inputs(args[:n], before.inputs[:n]), *_known_inputs(args[m:], before.inputs[m:], m)]
    bound = [(i, atom) for i, atom in bound if i < n or not isinstance(atom, Literal)]
    body = s.inside(before, bound)
    fixed = [
        body.outputs[i - n] is body.inputs[i] and args[i].type is body.inputs[i].type is eqn.outputs[i - n].type
        for i in range(n, m)
    ]
    constant = [*body.inputs[:n], *(v for v, f in zip(body.inputs[n:m], fixed, strict=True) if f)]
    values = [*args[:n], *(a for a, f in zip(args[n:m], fixed, strict=True) if f)]
    body, hoisted, new = _hoist(s, body, constant, values)
    results: list[Atom | None] = [
        *(a if f else None for a, f in zip(args[n:m], fixed, strict=True)), *[None] * (len(eqn.outputs) - m + n)
    ]  # fmt: skip
    if body is before and not any(fixed):
        return s.emit(eqn)
    changing = [not f for f in fixed]
    inputs = (*constant, *new, *_where(body.inputs[n:m], changing), *body.inputs[m:])
    outputs = (*_where(body.outputs[: m - n], changing), *body.outputs[m - n :])
    operands = [*values, *hoisted, *_where(args[n:m], changing), *args[m:]]
    changed = {
        **params, "jaxpr": replace(body, inputs=inputs, outputs=outputs),
        "num_consts": len(constant) + len(new), "num_carry": sum(changing),
    }  # fmt: skip
    kept = [v for v, r in zip(eqn.outputs, results, strict=True) if r is None]
    written = iter(s.emit(Eqn(eqn.primitive, operands, changed, kept, eqn.source)))
    return [next(written) if r is None else r for r in results]


def _where(xs: Sequence[Any], mask: Sequence[bool]) -> list[Any]:
    return [x for x, m in zip(xs, mask, strict=True) if m]


def _while(s: Simplifier, eqn: Eqn) -> Sequence[Atom]:
    """As for scan; carries that never change become constants of the condition and of the body."""
    params = eqn.params
    n, m = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    args = list(eqn.inputs)
    test_before, body_before = params["cond_jaxpr"], params["body_jaxpr"]
    test = s.inside(test_before, _known_inputs(args[:n], test_before.inputs[:n]))
    body = s.inside(body_before, _known_inputs(args[n:m], body_before.inputs[: m - n]))
    carry = body.inputs[m - n :]
    fixed = [
        out is var and arg.type is var.type is result.type
        for out, var, arg, result in zip(body.outputs, carry, args[m:], eqn.outputs, strict=True)
    ]
    constant = [*body.inputs[: m - n], *_where(carry, fixed)]
    values = [*args[n:m], *_where(args[m:], fixed)]
    body, hoisted, new = _hoist(s, body, constant, values)
    if test is test_before and body is body_before and not any(fixed):
        return s.emit(eqn)
    changing = [not f for f in fixed]
    test_inputs = (*test.inputs[:n], *_where(test.inputs[n:], fixed), *_where(test.inputs[n:], changing))
    inputs = (*constant, *new, *_where(carry, changing))
    changed = {
        "cond_jaxpr": replace(test, inputs=test_inputs), "cond_nconsts": n + sum(fixed),
        "body_jaxpr": replace(body, inputs=inputs, outputs=tuple(_where(body.outputs, changing))),
        "body_nconsts": len(constant) + len(new),
    }  # fmt: skip
    operands = [
        *args[:n], *_where(args[m:], fixed), *values, *hoisted, *_where(args[m:], changing)
    ]  # fmt: skip
    written = iter(s.emit(Eqn(eqn.primitive, operands, changed, _where(eqn.outputs, changing), eqn.source)))
    return [arg if f else next(written) for arg, f in zip(args[m:], fixed, strict=True)]


HANDLERS: dict[str, Handler] = {
    "": _other, "jit": _call, "remat2": _kept_call, "cond": _cond, "scan": _scan, "while": _while,
    "custom_jvp_call": _custom, "custom_vjp_call": _custom,
}  # fmt: skip
