"""A jaxpr as JAX 0.10 prints it: lines of 80 columns, programs that occur twice named first, every parameter of JAX.

Parameters that speak of several devices, which no equation here has, are printed with the values they have on one.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcli.engine.ir.jaxparams import shown_params
from gradcli.engine.ir.layout import Doc, cat, group, join, layout, line, nest, text
from gradcli.engine.ir.names import var_name

if TYPE_CHECKING:
    from gradcli.engine.ir.program import Atom, Eqn, Jaxpr

_LONG = 11  # a program inside another one of so many equations is named


def jax_text(jaxpr: Jaxpr, width: int = 80, *, types: bool = True, source: bool = False) -> str:
    """The program as JAX prints it.

    width: columns of a line. types: whether variables have their types. source: adds the user's line to equations.
    """
    return _Printer(jaxpr, types, source).text(jaxpr, width)


def jax_equation(eqn: Eqn) -> str:
    """One equation by itself, its variables named from ``a`` on: results first."""
    return layout(_Printer(None, True, False).equation(eqn)).rstrip()


def literal_text(atom: Any) -> str:
    """A literal as JAX prints it: the Python number nearest to it, and its type.

    >>> from gradcli.engine.ir.program import Literal
    >>> from gradcli.engine.ir.types import array_type
    >>> literal_text(Literal(0.1, array_type((), "float32")))
    '0.10000000149011612:f32[]'
    """
    return f"{np.asarray(atom.value).item()}:{atom.type!r}"


class _Printer:
    """The names given so far, and the programs that are named rather than printed where they are used."""

    def __init__(self, jaxpr: Jaxpr | None, types: bool, source: bool) -> None:
        self.types, self.source = types, source
        self.names: dict[int, str] = {} if jaxpr is None else _unread(jaxpr)
        self.shared: dict[int, str] = {}
        self.given = 0

    def text(self, jaxpr: Jaxpr, width: int) -> str:
        """A program with those it names before it."""
        parts = []
        for name, inner in self._named_programs(jaxpr):
            parts += [cat(f"let {name} = ", self.whole(inner), " in"), line()]
        return layout(cat(*parts, self.program(jaxpr)), width)

    def _named_programs(self, jaxpr: Jaxpr) -> list[tuple[str, Jaxpr]]:
        """The programs that several equations have, or that are long, with names that differ."""
        found, counts, names = _occurrences(jaxpr)
        used: Counter[str] = Counter()
        out = []
        for key, times in counts.items():
            if times == 1:
                continue
            name = names.get(key, "jaxpr")
            used[name] += 1
            if used[name] > 1:
                name += str(used[name] - 1)
                used[name] += 1
            self.shared[key] = name
            out.append((name, found[key]))
        return out

    def name(self, atom: Atom) -> str:
        """The name of a variable, a new one if it has none; a literal's text."""
        if atom.is_literal:
            return literal_text(atom)
        name = self.names.get(id(atom))
        while name is None:
            fresh = var_name(self.given)
            self.given += 1
            if fresh not in self.shared.values():
                name = self.names[id(atom)] = fresh
        return name

    def variables(self, atoms: Sequence[Atom], typed: bool = False, comma: str = "") -> Doc:
        typed = typed and self.types
        docs = [text(f"{self.name(a)}:{a.type!r}" if typed else self.name(a)) for a in atoms]
        return nest(2, group(join(cat(comma, group(line())), docs)))

    def program(self, jaxpr: Jaxpr) -> Doc:
        """A program, or its name where it has been printed under one."""
        name = self.shared.get(id(jaxpr))
        return self.whole(jaxpr) if name is None else text(name)

    def whole(self, jaxpr: Jaxpr) -> Doc:
        """A program, whether it has a name or not."""
        consts, inputs = self.variables(jaxpr.constvars, True), self.variables(jaxpr.inputs, True)
        eqns = join(line("; "), [self.equation(eqn) for eqn in jaxpr.eqns])
        outs = self.variables(jaxpr.outputs, comma=",")
        body = cat(
            "{ lambda ", consts, "; ", inputs, ". let", nest(2, cat(line(), eqns)), line(),
            "in (", outs, ",)" if len(jaxpr.outputs) == 1 else ")",
        )  # fmt: skip
        return group(cat(nest(2, body), " }"))

    def equation(self, eqn: Eqn) -> Doc:
        """One equation: results, primitive, parameters, operands."""
        if eqn.primitive.name == "jit" and id(eqn.params["jaxpr"]) not in self.shared:
            self._same_names(eqn.params["jaxpr"].inputs, eqn.inputs)
            self._same_names(eqn.params["jaxpr"].outputs, eqn.outputs)
        left = self.variables(eqn.outputs, True)
        params = [cat(f"{key}=", self.value(value)) for key, value in shown_params(eqn).items()]
        right = cat(eqn.primitive.name, _bracketed("[", params, "]") if params else "")
        right = cat(right, " ", self.variables(eqn.inputs))
        where = f" # {eqn.source.location()}" if self.source and eqn.source is not None else ""
        return cat(left, " = ", right, where) if eqn.outputs else cat(right, where)

    def _same_names(self, inner: Sequence[Atom], outer: Sequence[Atom]) -> None:
        """Gives variables of a program inside an equation the names of the equation's own."""
        seen: set[int] = set()
        for a, b in zip(inner, outer, strict=True):
            if not (a.is_literal or b.is_literal or id(b) in seen or id(a) in self.names):
                seen.add(id(b))
                self.names[id(a)] = self.name(b)

    def value(self, value: Any) -> Doc:
        """A parameter."""
        if _is_program(value):
            return self.program(value)
        if type(value) is tuple and all(map(_is_program, value)):
            return _bracketed("(", [self.program(v) for v in value], ")")
        return text(re.sub(r" at 0x([0-9a-fA-F]+)", lambda m: " at 0x" + "X" * len(m[1]), str(value)))


def _is_program(value: Any) -> bool:
    return hasattr(value, "eqns")


def _bracketed(left: str, parts: Sequence[Doc], right: str) -> Doc:
    return group(cat(nest(2, cat(left, line(""), join(line(), parts))), line(""), right))


def _inner(eqn: Eqn) -> list[Jaxpr]:
    """The programs among the parameters that are printed."""
    values = shown_params(eqn).values()
    return [v for value in values for v in (value if isinstance(value, tuple) else (value,)) if _is_program(v)]


def _unread(jaxpr: Jaxpr) -> dict[int, str]:
    """The results of equations that nothing reads, which are called ``_``."""
    used = {id(a) for a in jaxpr.outputs}
    for eqn in jaxpr.eqns:
        used.update(id(a) for a in eqn.inputs)
    return {id(v): "_" for eqn in jaxpr.eqns for v in eqn.outputs if id(v) not in used}


def _occurrences(top: Jaxpr) -> tuple[dict[int, Jaxpr], dict[int, int], dict[int, str]]:
    """Every program within, how often it occurs (a long one counts twice), and the name of the equation it is in."""
    found: dict[int, Jaxpr] = {}
    counts: dict[int, int] = {}
    names: dict[int, str] = {}
    todo = deque([top])
    while todo:
        jaxpr = todo.popleft()
        found[id(jaxpr)] = jaxpr
        counts[id(jaxpr)] = counts.get(id(jaxpr), 0) + 1 + (jaxpr is not top and len(jaxpr.eqns) >= _LONG)
        for eqn in jaxpr.eqns:
            inner = _inner(eqn)
            todo.extend(inner)
            if eqn.params.get("name") is not None:
                for program in inner:
                    names.setdefault(id(program), str(eqn.params["name"]).strip("<>"))
    return found, counts, names
