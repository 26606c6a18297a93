"""A program as readable Python statements: expressions folded into each other where a value is read once.

Equations are taken in order. What only one later equation reads stays *pending*, as an expression; it is written into
that equation's text, or to a variable of its own where the text would become long.
"""

from __future__ import annotations

import contextlib
import keyword
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from gradcli.engine.array import raw, type_of
from gradcli.engine.errors import GradcliError, fail
from gradcli.engine.execute import emit_arrays, emit_elementwise, emit_index
from gradcli.engine.execute.emit_control import STATEMENTS as CONTROL
from gradcli.engine.execute.emit_control import Statement
from gradcli.engine.execute.emit_library import Library
from gradcli.engine.execute.emit_text import ATOM, Term, array_text, call, number, typed_number, value_text
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var
from gradcli.engine.ops.define import Primitive

WIDTH = 92  # characters of an expression beyond which its parts get variables of their own
SHORT_ARRAY = 60  # characters of an array that is written where it is used
RULES = {**emit_elementwise.RULES, **emit_arrays.RULES, **emit_index.RULES}
STATEMENTS: dict[str, Statement] = {**CONTROL, **emit_index.STATEMENTS}
_RESERVED = {"np", "math", "functools", "bool", "complex", "range", "reversed", "slice", *keyword.kwlist}


class ProgramWriter:
    """Statements in the making, and what stands for each variable so far."""

    def __init__(self, taken: Sequence[str], comments: bool = True) -> None:
        self.lines: list[str] = []
        self.depth = 1
        self.taken = {*_RESERVED, *taken}
        self.library = Library(self.taken)
        self._bound: dict[Var, Term | Literal] = {}
        self._pending: dict[Var, tuple[Term, Eqn]] = {}
        self._choosing: set[Var] = set()
        self._views: dict[Any, Term] = {}
        self._conditions: dict[Var, Term | Literal] = {}
        self._uses: Counter[Var] = Counter()
        self._comments = comments
        self._source: Any = None

    # --- lines and names ----------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Writes a line."""
        self.lines.append("    " * self.depth + text)

    def extend(self, lines: Sequence[str]) -> None:
        """Writes lines that were written aside, one level further in."""
        self.lines.extend("    " + text for text in lines)

    @contextlib.contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Everything written within it belongs to a compound statement."""
        self.line(head)
        start = len(self.lines)
        self.depth += 1
        self._source = None
        yield
        if len(self.lines) == start:
            self.line("pass")
        self.depth -= 1
        self._source = None

    @contextlib.contextmanager
    def aside(self) -> Iterator[list[str]]:
        """Collects the lines written within it instead of writing them."""
        before, self.lines = self.lines, []
        collected = self.lines
        yield collected
        self.lines = before

    def fresh(self, stem: str, first: str = "1") -> str:
        """A new variable name."""
        name, count = stem + first, 1
        while name in self.taken:
            count += 1
            name = f"{stem}{count}"
        self.taken.add(name)
        return name

    def assign(self, name: str, value: Term) -> None:
        """Writes ``name = value``."""
        if name != value.text:
            self.line(f"{name} = {value.text}")

    def assign_all(self, names: Sequence[str], values: Sequence[Term]) -> None:
        """Writes one assignment of all: the new values may read the old ones."""
        pairs = [(n, v.text) for n, v in zip(names, values, strict=True) if n != v.text]
        if pairs:
            self.line(f"{', '.join(n for n, _ in pairs)} = {', '.join(v for _, v in pairs)}")

    # --- what stands for a variable -----------------------------------------------------------------------------------

    def resolve(self, atom: Atom | Term) -> Literal | Var | Term:
        """The literal that a variable is bound to, or the atom itself."""
        if isinstance(atom, Var):
            found = self._bound.get(atom)
            return found if isinstance(found, Literal) else atom
        return atom

    def term(self, atom: Atom | Term) -> Term:
        """The expression for an atom; a pending one is used up by this. Literals are bare numbers."""
        found = self.resolve(atom)
        if isinstance(found, Term):
            return found
        if isinstance(found, Literal):
            return number(found.value)
        if found in self._pending:
            return self._pending.pop(found)[0]
        bound = self._bound[found]
        assert isinstance(bound, Term)
        return bound

    def typed(self, atom: Atom | Term) -> Term:
        """As :meth:`term`, literals with their dtype."""
        found = self.resolve(atom)
        return typed_number(found.value) if isinstance(found, Literal) else self.term(found)

    def named(self, atom: Atom | Term) -> Term | Literal:
        """As :meth:`term`, but safe to be written any number of times: a name or a literal."""
        found = self.resolve(atom)
        if isinstance(found, Literal):
            return found
        if isinstance(found, Var) and found in self._pending:
            self.flush(found)
        term = self.term(found)
        return term if term.text.isidentifier() else self.temporary(term, "t")

    def condition(self, atom: Atom) -> Term | None:
        """The truth value that an integer scalar was made from; None where it was not."""
        found = self.resolve(atom)
        if isinstance(found, Literal):
            return Term(str(bool(found.value > 0)), ATOM)
        truth = self._conditions.get(found) if isinstance(found, Var) else None
        return None if truth is None else self.typed(truth)

    def bind(self, jaxpr: Jaxpr, given: Sequence[Any]) -> None:
        """Says what stands for the inputs of a program that is written out; what it reads once needs no name."""
        uses = _uses(jaxpr)
        for var, atom in zip(jaxpr.inputs, given, strict=True):
            found = self.resolve(atom)
            if isinstance(found, Term) and uses[var] == 1:
                self._bound[var] = found
            elif isinstance(found, Var) and found in self._pending and uses[var] == 1:
                self._pending[var] = self._pending.pop(found)
            elif uses[var]:
                self._bound[var] = self.named(atom)

    def deliver(self, outputs: Sequence[Var], values: Sequence[Any]) -> None:
        """Says what stands for the results of an equation."""
        self._bound.update(zip(outputs, values, strict=True))

    def temporary(self, term: Term, stem: str = "t") -> Term:
        """Writes an expression to a variable of its own."""
        name = self.fresh(stem)
        self.assign(name, term)
        return Term(name, ATOM)

    def flush(self, var: Var) -> None:
        """Gives a pending variable a name."""
        term, eqn = self._pending.pop(var)
        self._note(eqn)
        self._bound[var] = self.temporary(term, _stem(eqn))

    # --- programs -----------------------------------------------------------------------------------------------------

    def program(self, jaxpr: Jaxpr) -> list[Any]:
        """Writes a program whose inputs are bound; returns what stands for its outputs (terms and literals)."""
        for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
            self._bound[var] = self._constant(raw(const))
        outer, self._uses = self._uses, _uses(jaxpr)
        self._choosing |= _only_choosing(jaxpr)
        for eqn in jaxpr.eqns:
            if any(self._uses[v] for v in eqn.outputs) or eqn.primitive.effect:
                self.equation(eqn)
        outs = [self.typed(a) for a in jaxpr.outputs]
        self._uses = outer
        return outs

    def _constant(self, value: Any) -> Term | Literal:
        if not value.shape:
            return Literal(value, type_of(value))
        text = array_text(value)
        if len(text) <= SHORT_ARRAY:
            return Term(text, ATOM)
        return Term(self.library.constant("constant", value), ATOM)

    def equation(self, eqn: Eqn) -> None:
        """Writes one equation, or keeps it pending."""
        name = eqn.primitive.name
        if name in STATEMENTS:
            self._note(eqn)
            STATEMENTS[name](self, eqn)
            return
        if eqn.primitive.multiple:
            self._sequence(eqn)
            return
        if self._is_condition(eqn):
            return
        pending = [a for a in eqn.inputs if a in self._pending]
        if name in emit_elementwise.REPEATS:
            for var in pending:
                self.flush(var)
        elif sum(len(self._pending[a][0].text) for a in pending) > WIDTH:
            for var in pending[:-1] if len(pending) > 1 else pending:
                self.flush(var)
        self.keep(eqn, self.expression(eqn))

    def keep(self, eqn: Eqn, term: Term) -> None:
        """Says what the result of an equation is: pending where one equation reads it, in a variable otherwise."""
        (var,) = eqn.outputs
        cheap = eqn.primitive.name == "broadcast_in_dim" and eqn.inputs[0].is_literal
        if term.text.isidentifier() or cheap:
            self._bound[var] = term
        elif self._uses[var] == 1 and len(term.text) <= WIDTH:
            self._pending[var] = term, eqn
        else:
            self._note(eqn)
            self._bound[var] = self.temporary(term, _stem(eqn))

    def _is_condition(self, eqn: Eqn) -> bool:
        """Whether it makes a bool an integer that only chooses branches: the bool itself will be written there."""
        if eqn.primitive.name != "convert_element_type" or eqn.outputs[0] not in self._choosing:
            return False
        if eqn.inputs[0].type.dtype.kind == "b":
            once = self._uses[eqn.outputs[0]] == 1
            given = self.resolve(eqn.inputs[0])
            self._conditions[eqn.outputs[0]] = self.term(given) if once else self.named(given)
            return True
        return False

    def expression(self, eqn: Eqn) -> Term:
        """The text of an equation with one result."""
        inputs = [self.resolve(a) for a in eqn.inputs]
        seen = Eqn(eqn.primitive, inputs, eqn.params, eqn.outputs, eqn.source)  # type: ignore[arg-type]
        rule = RULES.get(eqn.primitive.name)
        if rule is None:
            return self.copied(seen)
        bare = eqn.primitive.family == "elementwise" and not emit_elementwise.needs_dtype(seen)
        views = self._broadcast_by_numpy(seen)
        bare = bare or eqn.primitive.name in ("pad", "broadcast_in_dim")
        peek = [views[a] if a in views else self._peek(a, bare) for a in inputs]
        found = rule(peek, seen)
        if found is None:
            return self.copied(seen)
        if eqn.primitive.name == "broadcast_in_dim" and not seen.inputs[0].is_literal:
            self._views[eqn.outputs[0]] = emit_arrays.aligned(peek[0], seen)
        for a in inputs:
            self._pending.pop(a, None)  # type: ignore[arg-type]
        return found

    def _broadcast_by_numpy(self, eqn: Eqn) -> dict[Any, Term]:
        """Operands as they were before a broadcast that NumPy makes by itself: another one has the shape already."""
        if eqn.primitive.family != "elementwise":
            return {}
        views = {a: self._views[a] for a in eqn.inputs if a in self._pending and a in self._views}
        whole = any(a not in views and a.type.shape == eqn.outputs[0].type.shape for a in eqn.inputs)
        return views if whole else {}

    def _peek(self, atom: Any, bare: bool) -> Term:
        """The expression of an operand, which stays pending: the rule may turn out not to cover the case."""
        if isinstance(atom, Var) and atom in self._pending:
            return self._pending[atom][0]
        return self.term(atom) if bare else self.typed(atom)

    def copied(self, eqn: Eqn) -> Term:
        """A call of the primitive's own evaluation, which is written out beside the function."""
        name = eqn.primitive.name
        try:
            function = self.library.function(eqn.primitive.impl, name)
            keywords = [f"{key}={self._parameter(value, key)}" for key, value in eqn.params.items()]
        except GradcliError as error:
            raise fail(
                "G203", f"the primitive {name!r} cannot be written as Python source: {error}", cls=GradcliError,
                hint="the program itself can be shown: --as text or json",
            ) from None  # fmt: skip
        return call(function, *[self.typed(a) for a in eqn.inputs], *keywords)

    def _parameter(self, value: Any, key: str) -> str:
        if isinstance(value, Primitive):
            return self.library.namespace({"name": value.name})
        if hasattr(value, "_fields"):
            return self.library.namespace(value._asdict())
        if callable(value) and not isinstance(value, type):
            return self.library.function(value, key)
        return value_text(value)

    def _sequence(self, eqn: Eqn) -> None:
        """An equation of several results, whose text is that of a sequence."""
        inputs = [self.resolve(a) for a in eqn.inputs]
        seen = Eqn(eqn.primitive, inputs, eqn.params, eqn.outputs, eqn.source)  # type: ignore[arg-type]
        rule = emit_index.SEQUENCES.get(eqn.primitive.name)
        found = rule([self._peek(a, False) for a in inputs], seen) if rule is not None else None
        if found is None:
            found = self.copied(seen)
        else:
            for a in inputs:
                self._pending.pop(a, None)  # type: ignore[arg-type]
        self._note(eqn)
        names = [self.fresh(_stem(eqn)) if self._uses[v] else "_" for v in eqn.outputs]
        self.line(f"{', '.join(names)}{',' if len(names) == 1 else ''} = {found.text}")
        self.deliver(eqn.outputs, [Term(name, ATOM) for name in names])

    def _note(self, eqn: Eqn) -> None:
        """A comment with the user's line, where it is another one than before."""
        if not self._comments or eqn.source is None or eqn.source is self._source:
            return
        where = eqn.source.full()
        if where.text and (self._source is None or where != self._source.full()):
            self.line(f"# {where}: {where.text}")
        self._source = eqn.source


def _uses(jaxpr: Jaxpr) -> Counter[Var]:
    """How often each variable is read."""
    uses = Counter(a for eqn in jaxpr.eqns for a in eqn.inputs if isinstance(a, Var))
    uses.update(a for a in jaxpr.outputs if isinstance(a, Var))
    return uses


def _only_choosing(jaxpr: Jaxpr) -> set[Var]:
    """The variables that are read as the number of one of two branches, and nowhere else."""
    chosen = Counter(
        eqn.inputs[0] for eqn in jaxpr.eqns if eqn.primitive.name == "cond" and len(eqn.params["branches"]) == 2
    )
    uses = _uses(jaxpr)
    return {v for v, n in chosen.items() if isinstance(v, Var) and uses[v] == n}


def _stem(eqn: Eqn) -> str:
    """The beginning of a name: what it is a result of."""
    name = eqn.primitive.name
    return _STEMS.get(name, name.replace("-", "_") if name.isalpha() and name not in _OPERATORS else "t")


_OPERATORS = frozenset("add sub mul div neg eq ne lt le gt ge and or xor not".split())
_STEMS = {
    "reduce_sum": "sum", "reduce_max": "max", "reduce_min": "min", "reduce_prod": "product", "dot_general": "product",
    "select_n": "chosen", "integer_pow": "power", "convert_element_type": "converted", "add_any": "t",
    "sort": "sorted", "split": "part", "unstack": "part", "gather": "taken", "scatter": "updated",
}  # fmt: skip
