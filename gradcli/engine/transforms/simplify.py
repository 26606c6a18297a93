"""Simplification: the same values from fewer equations, in one walk forwards and one back.

Forwards: constants are folded, the rules of the table are applied until none fits, and an equation that was there
before (the same primitive, parameters and operands) is not written again. Backwards: what no output needs goes. Both
look into the programs inside equations. The time is linear in the number of equations.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, raw
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var, sub_jaxprs
from gradcli.engine.ir.stored import Stored
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.trace.collect import RareCollections
from gradcli.engine.transforms import simplify_arithmetic, simplify_shapes
from gradcli.engine.transforms.dce import has_effect
from gradcli.engine.transforms.prune import prune_jaxpr
from gradcli.engine.transforms.simplify_control import HANDLERS
from gradcli.engine.transforms.simplify_table import RULES, Change, Rule, View, rules_by_primitive

MAX_FOLDED = 1024  # elements of a constant that is computed here
_MAX_STEPS = 50  # rules applied to one equation, one after the other
_MAX_ROUNDS = 4
_FOLDED = frozenset({"elementwise", "shape", "reduce", "index", "sort", "cumulative", "dot"})
_CHEAP = frozenset({"broadcast_in_dim", "iota"})  # kept as they are: shorter than the constant that they make
_ONCE_EACH = frozenset({"optimization_barrier", "random_gamma_grad"})
_COMMUTATIVE = frozenset({"add", "add_any", "mul", "and", "or", "xor", "eq", "ne"})
_TABLES = simplify_arithmetic, simplify_shapes  # imported for the rules that they enter


def simplify(jaxpr: Jaxpr, inline: bool = False) -> Jaxpr:
    """An equal program with fewer equations: the same inputs, output types and values, bit for bit.

    inline: calls are written out (``jit``, custom derivative rules) and ``stop_gradient`` goes, for a program that is
    to be run or shown; without it the result may still be differentiated and batched.

    >>> from gradcli.engine.api import grad, make_jaxpr
    >>> print(simplify(make_jaxpr(grad(lambda x: x * x * 1.0))(2.0), inline=True))
    { lambda ; a:f64[]. let b:f64[] = add_any a a in (b,) }
    """
    with RareCollections():
        for _ in range(_MAX_ROUNDS):
            before = jaxpr
            jaxpr = prune_jaxpr(Simplifier(inline).program(jaxpr))
            if not any(eqn.params and sub_jaxprs(eqn.params) for eqn in jaxpr.eqns):
                break  # else what has become of a loop may be simplified with what is around it
            if jaxpr is before or _size(jaxpr) == _size(before):
                break
    return jaxpr


def _size(jaxpr: Jaxpr) -> int:
    """Equations and operands, those of programs inside included."""
    inner = sum(_size(sub) for eqn in jaxpr.eqns for _, sub in sub_jaxprs(eqn.params))
    return inner + sum(1 + len(eqn.inputs) + len(eqn.outputs) for eqn in jaxpr.eqns)


class Simplifier(View):
    """The forward walk over one program. ``work`` counts equations seen, rules asked and rules applied."""

    __slots__ = ("consts", "constvars", "eqns", "inline", "rules", "seen", "shared", "work")

    def __init__(
        self, inline: bool, shared: dict[Any, Jaxpr] | None = None, rules: Iterable[Rule] | None = None
    ) -> None:
        super().__init__()
        self.inline = inline
        self.shared: dict[Any, Jaxpr] = {} if shared is None else shared  # programs inside, simplified once each
        self.rules = rules_by_primitive(RULES.values() if rules is None else rules, final=inline)
        self.seen: dict[Any, Any] = {}
        self.eqns: list[Eqn] = []
        self.constvars: list[Var] = []
        self.consts: list[Any] = []
        self.work = 0

    def program(self, jaxpr: Jaxpr, bound: Sequence[tuple[int, Atom]] = (), exact: bool = True) -> Jaxpr:
        """The simplified program; ``bound`` gives inputs that are known to be a literal or another input.

        exact: the outputs keep their weakness.
        """
        env: dict[Var, Atom] = {jaxpr.inputs[i]: atom for i, atom in bound}
        for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
            atom = self.constant(var, const)
            if atom is not var:
                env[var] = atom
        self.walk(jaxpr.eqns, env, fresh=False)
        found = self.resolve(jaxpr.outputs, env)
        if exact:
            found = [self.as_type(a, old.type) for a, old in zip(found, jaxpr.outputs, strict=True)]
        outputs = tuple(found)
        if _all_same(self.eqns, jaxpr.eqns) and _all_same(outputs, jaxpr.outputs):
            return jaxpr
        return Jaxpr(
            jaxpr.inputs, tuple(self.eqns), outputs, tuple(self.constvars), tuple(self.consts), jaxpr.notes, jaxpr.name
        )

    def inside(self, jaxpr: Jaxpr, bound: Sequence[tuple[int, Atom]] = ()) -> Jaxpr:
        """A program of an equation, simplified; the same one for the same one."""
        key = (jaxpr, *bound)
        found = self.shared.get(key)
        if found is None:
            child = Simplifier(self.inline, self.shared)
            found = self.shared[key] = prune_jaxpr(child.program(jaxpr, bound, exact=not self.inline))
            self.work += child.work
        return found

    # --- the walk -----------------------------------------------------------------------------------------------------

    def walk(self, eqns: Iterable[Eqn], env: dict[Var, Atom], fresh: bool) -> None:
        """Writes equations, simplified; ``env`` says what stands for variables. ``fresh``: with new variables."""
        for eqn in eqns:
            self.work += 1
            inputs = self.resolve(eqn.inputs, env)
            if fresh:
                new = Eqn(eqn.primitive, inputs, eqn.params, [Var(v.type) for v in eqn.outputs], eqn.source)
            elif _all_same(inputs, eqn.inputs):
                new = eqn
            else:
                new = Eqn(eqn.primitive, inputs, eqn.params, eqn.outputs, eqn.source)
            if not eqn.primitive.multiple:
                atom = self.single(new)
                if atom is not eqn.outputs[0]:
                    env[eqn.outputs[0]] = atom
                continue
            handler = HANDLERS.get(eqn.primitive.name) or HANDLERS[""]
            for var, result in zip(eqn.outputs, handler(self, new), strict=True):
                if result is not var:
                    env[var] = result

    def resolve(self, atoms: Sequence[Atom], env: dict[Var, Atom]) -> list[Atom]:
        """What stands for these atoms; equal literals become one object."""
        return [self._literal(a) if type(a) is Literal else env.get(a, a) for a in atoms]  # type: ignore[arg-type]

    def _literal(self, atom: Literal) -> Atom:
        found: Atom = self.seen.setdefault((atom.type, atom.value.tobytes()), atom)
        return found

    def inlined(self, jaxpr: Jaxpr, args: Sequence[Atom], types: Sequence[ArrayType]) -> list[Atom]:
        """Writes out the equations of a program; its results, of the types asked for."""
        env: dict[Var, Atom] = {v: self.as_type(a, v.type) for v, a in zip(jaxpr.inputs, args, strict=True)}
        for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
            env[var] = self.constant(Var(var.type), const)
        self.walk(jaxpr.eqns, env, fresh=True)
        return [self.as_type(a, t) for a, t in zip(self.resolve(jaxpr.outputs, env), types, strict=True)]

    def fits(self, new: ArrayType, old: ArrayType) -> bool:
        """Whether a value may take the place of another; weakness matters only where more will be derived from it."""
        return new is old or (self.inline and new.strong() is old.strong())

    def as_type(self, atom: Atom, type_: ArrayType) -> Atom:
        """The atom, converted where only its weakness is another."""
        if atom.type is type_:
            return atom
        params = {"new_dtype": type_.dtype, "weak_type": type_.weak_type}
        return self.emit(Eqn(REGISTRY["convert_element_type"], [atom], params, (Var(type_),), None))[0]

    def single(self, eqn: Eqn) -> Atom:
        """The atom of an equation with one output, which is written if it has to be."""
        if eqn.primitive.effect:
            self.eqns.append(eqn)
            return eqn.outputs[0]
        value = self._folded(eqn)
        if value is not None:
            return self._known(eqn, value)
        for _ in range(_MAX_STEPS):
            change = self._change(eqn)
            if change is None:
                break
            if not isinstance(change, tuple):
                return change
            name, inputs, params = change
            eqn = Eqn(REGISTRY[name], inputs, params, eqn.outputs, eqn.source)
        return self.emit(eqn)[0]

    def _change(self, eqn: Eqn) -> Change:
        for rule in self.rules.get(eqn.primitive.name, ()):
            self.work += 1
            change = rule.function(eqn, self)
            if change is None:
                continue
            if isinstance(change, tuple):
                name, inputs, params = change
                type_ = REGISTRY[name].type_rule(*[a.type for a in inputs], **params)
            else:
                type_ = change.type
            if self.fits(type_, eqn.outputs[0].type):
                return change
        return None

    def emit(self, eqn: Eqn) -> Sequence[Atom]:
        """Writes an equation, unless the same one is there; the atoms of its outputs."""
        name = eqn.primitive.name
        key = None if name in _ONCE_EACH or has_effect(eqn) else _key(eqn)
        if key is not None:
            before: Eqn = self.seen.setdefault(key, eqn)
            if before is not eqn:
                rows = zip(before.outputs, eqn.outputs, strict=True)
                if all([self.fits(a.type, b.type) for a, b in rows]):
                    return before.outputs
        self.eqns.append(eqn)
        for var in eqn.outputs:
            self.defined_by[var] = eqn
        if name == "broadcast_in_dim" and type(eqn.inputs[0]) is Literal:
            self.scalars[eqn.outputs[0]] = eqn.inputs[0].value
        return eqn.outputs

    # --- constants ----------------------------------------------------------------------------------------------------

    def constant(self, var: Var, const: Any) -> Var:
        """The variable for a captured value: one for each value."""
        small = type(const) is Array and const.size <= MAX_FOLDED
        key = (var.type, raw(const).tobytes(), "constant") if small else (id(const), var.type, "captured")
        found: Var = self.seen.setdefault(key, var)
        if found is var:
            self.constvars.append(var)
            self.consts.append(const)
            if small:
                self._remember(var, raw(const))
        return found

    def _remember(self, var: Var, value: Any) -> None:
        self.values[var] = value
        first = _uniform(value)
        if first is not None:
            self.scalars[var] = first

    def _folded(self, eqn: Eqn) -> Any:
        """The value of an equation whose operands are known and which is small; None otherwise."""
        for atom in eqn.inputs:
            if type(atom) is not Literal and atom not in self.values:
                return None
        values = [a.value if type(a) is Literal else self.values[a] for a in eqn.inputs]  # type: ignore[index]
        type_ = eqn.outputs[0].type
        if type_.size > MAX_FOLDED or eqn.primitive.family not in _FOLDED or eqn.primitive.name in _ONCE_EACH:
            return None
        if isinstance(type_.dtype, Stored):
            return None
        with np.errstate(all="ignore"):
            value = eqn.primitive.impl(*values, **eqn.params)
        if eqn.primitive.name in _CHEAP and type_.shape:
            self.values[eqn.outputs[0]] = value
            return None
        return value

    def _known(self, eqn: Eqn, value: Any) -> Atom:
        """The atom for a value: a literal, a literal repeated, or a constant of the program."""
        var = eqn.outputs[0]
        if not var.type.shape:
            return self._literal(Literal(np.asarray(value)[()], var.type))
        first = _uniform(value)
        if first is None:
            return self.constant(var, Array(value, var.type))
        literal = self._literal(Literal(first, var.type.with_shape(())))
        params = {"shape": var.type.shape, "broadcast_dimensions": ()}
        self.values[var] = value
        return self.emit(Eqn(REGISTRY["broadcast_in_dim"], [literal], params, (var,), eqn.source))[0]


def _uniform(value: Any) -> Any:
    """The scalar that every element is, bit for bit; None where they differ, or where there is no element."""
    flat = np.ascontiguousarray(value).reshape(-1)
    if not flat.size:
        return None
    bits = flat.view(np.uint8).reshape(flat.size, -1)
    return flat[0] if bool((bits == bits[0]).all()) else None


def _all_same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    if len(a) != len(b):
        return False
    for x, y in zip(a, b):  # noqa: B905 - hot, and of one length
        if x is not y:
            return False
    return True


def _key(eqn: Eqn) -> Any:
    """Equal for equations that compute the same; None where a parameter cannot be compared."""
    inputs = eqn.inputs
    name = eqn.primitive.name
    if len(inputs) == 2 and name in _COMMUTATIVE and inputs[0].type.dtype.kind != "c":
        a, b = inputs
        inputs = (a, b) if id(a) <= id(b) else (b, a)
    if not eqn.params:
        return (name, *inputs)
    key = (name, *inputs, *[(k, _frozen(v)) for k, v in eqn.params.items()])
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(value: Any) -> Any:
    """A parameter as a key: 1, 1.0 and True apart, and every float by its bits."""
    if isinstance(value, float):
        return struct.pack("d", value)
    if type(value) is tuple:
        return tuple([_frozen(v) for v in value])
    return type(value), value
