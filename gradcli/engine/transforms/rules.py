"""The programs of rules: what a rule makes of one kind of equation, traced once and then written out again or run.

A rule never looks at values, so what it does to an equation depends on the primitive, its parameters, the operands'
types and which of them are active. Programs repeat few such kinds many times: a Python loop of 10,000 products has one.
Equations that hold programs or functions of their own, or have effects, are left to the rules themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from gradcli.engine.array import Array, raw
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.settings import settings
from gradcli.engine.trace.source import Source
from gradcli.engine.trace.tracer import STATE, Trace, Tracer, bind, trace_closed

T = TypeVar("T")
CACHE_SIZE = 4096
SIGHTINGS = 3


def has_kinds(primitive: Primitive) -> bool:
    """Whether the equations of a primitive fall into kinds that are worth keeping."""
    return not primitive.multiple and not primitive.effect


def types_of(atoms: Sequence[Any]) -> tuple[ArrayType, ...]:
    """The types of some atoms or values."""
    return tuple([a.type for a in atoms])


class RuleCache(Generic[T]):
    """What ``make`` derives from each kind of equation; bounded."""

    def __init__(self, make: Callable[..., T]) -> None:
        self.make = make
        self._tables: dict[tuple[str, str], dict[Any, T]] = {}
        self._seen: dict[Any, int] = {}

    def table(self) -> dict[Any, T]:
        """What is known under the settings in force that rules may ask for. For one walk, which asks for it once."""
        now = settings()
        return self._tables.setdefault((now.precision, now.kink), {})

    def find(self, table: dict[Any, T], eqn: Eqn, inputs: Sequence[Any], how: Hashable) -> T | None:
        """The derived thing for an equation, where ``how`` says which operands take part, and in what way.

        ``inputs`` have the types that its operands are to have. None where the rule itself has to be used: where the
        equation's parameters cannot be keys, or belong to a kind of one operand that has hardly been seen (``x[i]`` is
        of another kind for every ``i``).
        """
        params = eqn.params
        if len(inputs) == 2:
            key: Any = (eqn.primitive, inputs[0].type, inputs[1].type, how)
        else:
            key = (eqn.primitive, *types_of(inputs), how)
        if params:
            key = (key, *params.items())
        try:
            found = table.get(key)
        except TypeError:
            return None
        if found is None:
            if params and len(inputs) == 1 and not self._familiar(key):
                return None
            if len(table) >= CACHE_SIZE:
                table.clear()
            found = table[key] = self.make(eqn.primitive, eqn.params, types_of(inputs), how)
        return found


    def _familiar(self, key: Any) -> bool:
        if len(self._seen) >= CACHE_SIZE:
            self._seen.clear()
        count = self._seen[key] = self._seen.get(key, 0) + 1
        return count >= SIGHTINGS


def target(values: Sequence[Any]) -> Trace | None | bool:
    """Where operations on these values go: the trace that records them, None where they are evaluated.

    False: the values belong to a linear trace, so that ``bind`` has to look at each operation.
    """
    trace = STATE.trace
    while trace is not None and trace.linear:
        if any(type(v) is Tracer and v.trace is trace for v in values):
            return False
        trace = trace.parent
    return trace


def on_numbers(values: Sequence[Any]) -> bool:
    """Whether a walk may compute with NumPy values, past ``bind``: nothing is traced, no result to be looked at."""
    return target(values) is None and not settings().checks_values


def evaluate_jaxpr(jaxpr: Jaxpr, args: Sequence[Any], source: Source | None = None) -> list[Any]:
    """Applies a program to values: runs it, or writes its equations out again without asking for types anew.

    ``source`` is the line that equations are said to come from; None: their own.
    """
    trace = target([*args, *jaxpr.consts])
    if isinstance(trace, Trace):
        written = write_again(trace, jaxpr, [trace.lift(a) for a in args], source)
        return [Array(a.value, a.type) if isinstance(a, Literal) else a for a in written]
    if trace is None and not any(type(a) is Tracer for a in args) and not settings().checks_values:
        return [Array(v, a.type) for v, a in zip(interpret(jaxpr, list(map(raw, args))), jaxpr.outputs, strict=True)]
    return _bind_each(jaxpr, args, source)


def write_again(
    trace: Trace,
    jaxpr: Jaxpr,
    args: Sequence[Atom],
    source: Source | None,
    written: Callable[[Var, Tracer], None] | None = None,
) -> Sequence[Atom]:
    """Writes a program's equations into a trace, for atoms of it in the place of the inputs.

    ``written`` is told of every variable of the program as soon as there is a tracer for it.
    """
    env: dict[Any, Atom] = dict(zip(jaxpr.inputs, args, strict=True))
    for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
        env[var] = trace.lift(const)
    for eqn in jaxpr.eqns:
        inputs = [a if type(a) is Literal else env[a] for a in eqn.inputs]
        where = source if source is not None else eqn.source
        if len(eqn.outputs) == 1:
            var = eqn.outputs[0]
            env[var] = tracer = Tracer(trace, var.type)
            trace.eqns.append(Eqn(eqn.primitive, inputs, eqn.params, (tracer,), where))
            if written is not None:
                written(var, tracer)
            continue
        made = trace.write(eqn.primitive, inputs, eqn.params, [v.type for v in eqn.outputs], where)
        env.update(zip(eqn.outputs, made, strict=True))
        if written is not None:
            for var, tracer in zip(eqn.outputs, made, strict=True):
                written(var, tracer)
    return [a if type(a) is Literal else env[a] for a in jaxpr.outputs]


def _bind_each(jaxpr: Jaxpr, args: Sequence[Any], source: Source | None) -> list[Any]:
    env: dict[Var, Any] = dict(zip(jaxpr.constvars, jaxpr.consts, strict=True))
    env.update(zip(jaxpr.inputs, args, strict=True))
    saved = STATE.source
    try:
        for eqn in jaxpr.eqns:
            STATE.source = source or eqn.source or saved
            out = bind(eqn.primitive, *[get(env, a) for a in eqn.inputs], **eqn.params)
            env.update(zip(eqn.outputs, out if eqn.primitive.multiple else (out,), strict=True))
    finally:
        STATE.source = saved
    return [get(env, a) for a in jaxpr.outputs]


def get(env: dict[Var, Any], atom: Atom) -> Any:
    """The value of an atom in an environment."""
    if isinstance(atom, Literal):
        return Array(atom.value, atom.type)
    return env[atom]


def trace_rule(f: Callable[..., Sequence[Any]], types: Sequence[ArrayType]) -> Jaxpr:
    """The program of what a rule does; its equations get their source lines where they are written out."""
    program = trace_closed(f, types)
    for eqn in program.eqns:
        eqn.source = None
    return program
