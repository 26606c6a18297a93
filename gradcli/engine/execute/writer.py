"""A program as Python source: plain numbers for scalars, NumPy for arrays, loops and branches as such."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradcli.engine.array import raw
from gradcli.engine.execute import direct, plain
from gradcli.engine.execute.blocks import compile_cluster
from gradcli.engine.execute.first import CALLS
from gradcli.engine.execute.fuse import LEAST_SHORT, Cluster, clustered
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var
from gradcli.engine.ir.types import ArrayType

_INFIX = {
    "add": "{} + {}", "add_any": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}",
    "lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}", "ge": "{} >= {}", "eq": "{} == {}", "ne": "{} != {}",
}  # fmt: skip
LONG = 120  # characters of an expression from which it gets a name
LARGE = 4096  # elements from which an array is let go as soon as nothing reads it


class Writer:
    """Source text in the making. ``plain`` says whether scalars are Python numbers."""

    def __init__(self, is_plain: bool) -> None:
        self.is_plain = is_plain
        self.scope: dict[str, Any] = {"np": np, **(plain.SCOPE if is_plain else {})}
        self.lines: list[str] = []
        self.depth = 1
        self._names: dict[Var, str] = {}
        self._pending: dict[Var, str] = {}  # texts of values that are read once, and not written yet
        self._count = 0
        self._shared: set[str] = set()  # names that stand for several variables

    # --- names ----------------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def fresh(self, letter: str = "v") -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def constant(self, value: Any) -> str:
        name = self.fresh("k")
        self.scope[name] = value
        return name

    def temporary(self, text: str) -> str:
        """Writes a text to a variable of its own."""
        name = self.fresh("t")
        self.line(f"{name} = {text}")
        return name

    def plain(self, t: ArrayType) -> bool:
        """Whether values of this type are Python numbers here."""
        return self.is_plain and plain.is_plain(t)

    def atom(self, a: Atom) -> str:
        if not isinstance(a, Literal):
            if a in self._pending:
                self._names[a] = self.temporary(self._pending.pop(a))
            return self._names[a]
        if not self.plain(a.type):
            return self.constant(a.value)
        value = a.value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return self.constant(value)
        return repr(value) if not isinstance(value, float) or math.copysign(1.0, value) > 0 else f"({value!r})"

    def given(self, value: Any, t: ArrayType) -> str:
        """A captured value."""
        return self.constant(value.item() if self.plain(t) else value)

    # --- programs -------------------------------------------------------------------------------------------------

    def program(self, jaxpr: Jaxpr, args: Sequence[str], whole: bool = False) -> list[str]:
        """Writes a program for these arguments, and returns the texts of its outputs.

        ``whole``: nothing stands around it, so that arrays can be let go when nothing reads them any more.
        """
        for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
            self._names[var] = self.given(raw(const), var.type)
        self._names.update(zip(jaxpr.inputs, args, strict=True))
        has_arrays = any(v.type.size >= LEAST_SHORT for eqn in jaxpr.eqns for v in (*eqn.inputs, *eqn.outputs))
        parts = clustered(jaxpr.eqns, jaxpr.outputs) if has_arrays else jaxpr.eqns
        ends = _ends(parts, jaxpr) if whole and has_arrays else {}
        once = self._read_once(jaxpr) if self.is_plain else set()
        for i, part in enumerate(parts):
            if isinstance(part, Cluster):
                self._cluster(part)
            elif part.outputs and part.outputs[0] in once:
                self._later(part)
            else:
                self.equation(part)
            if not ends:
                continue
            gone = [self._names[v] for v in ends.get(i, ()) if v.type.size >= LARGE]
            gone = [name for name in gone if name not in self._shared]
            if gone:
                self.line(f"{' = '.join(dict.fromkeys(gone))} = None")
        return [self.atom(a) for a in jaxpr.outputs]

    def _read_once(self, jaxpr: Jaxpr) -> set[Var]:
        """Plain values that one equation reads once, which can be written where it reads them."""
        reads: dict[Any, int] = {}
        for eqn in jaxpr.eqns:
            step = 1 if eqn.primitive.name in plain.READ_ONCE and self.plain(eqn.outputs[0].type) else 2
            for a in eqn.inputs:
                reads[a] = reads.get(a, 0) + step
        for a in jaxpr.outputs:
            reads[a] = 2
        return {
            v for eqn in jaxpr.eqns if eqn.primitive.name in plain.READ_ONCE
            for v in eqn.outputs if reads.get(v) == 1 and self.plain(v.type)
        }  # fmt: skip

    def _later(self, eqn: Eqn) -> None:
        """Keeps the text of an equation for the one that reads it, unless it has grown long."""
        var, text = eqn.outputs[0], self._expression(eqn)
        if len(text) > LONG:
            self._names[var] = self.temporary(text)
        elif text.isidentifier():
            self._names[var] = text
            self._shared.add(text)
        else:
            self._pending[var] = text

    def _inlined(self, a: Atom) -> str:
        """An operand of an equation that reads it once."""
        found = self._pending.pop(a, None) if not isinstance(a, Literal) else None
        return self.atom(a) if found is None else f"({found})"

    def _cluster(self, cluster: Cluster) -> None:
        function = self.constant(compile_cluster(cluster))
        args = [self.numpy(v) for v in cluster.inputs]
        reduced = [eqn.outputs[0] for eqn in cluster.finals]
        self.line(f"{self.targets([*cluster.outputs, *reduced])} = {function}({', '.join(args)})")
        for var in reduced:
            if self.plain(var.type):
                self.line(f"{self._names[var]} = {plain.as_plain(self._names[var], var.type)}")

    def targets(self, variables: Sequence[Var]) -> str:
        """New names for some variables, as the left side of an assignment from a sequence."""
        for var in variables:
            self._names[var] = self.fresh()
        return f"[{', '.join(self._names[v] for v in variables)}]"

    def numpy(self, a: Atom) -> str:
        """An atom as NumPy has it."""
        text = self.atom(a)
        return plain.as_numpy(text, a.type) if self.plain(a.type) else text

    def equation(self, eqn: Eqn) -> None:
        """Writes one equation."""
        name = eqn.primitive.name
        if name in CALLS:
            outs = self.program(eqn.params[CALLS[name]], [self.atom(a) for a in eqn.inputs])
            self._names.update(zip(eqn.outputs, outs, strict=True))
            self._shared.update(outs)
        elif name in CONTROL:
            CONTROL[name](self, eqn)
        elif eqn.primitive.multiple:
            self._names_of_call(eqn)
        else:
            text = self._expression(eqn)
            var = eqn.outputs[0]
            if text.isidentifier():
                self._names[var] = text  # the value of another variable, which never changes
                self._shared.add(text)
                return
            target = self._names[var] = self.fresh()
            self.line(f"{target} = {text}")

    def _names_of_call(self, eqn: Eqn) -> None:
        text = f"{self._impl(eqn)}({', '.join(self.numpy(a) for a in eqn.inputs)})"
        if not eqn.outputs:
            self.line(text)
            return
        self.line(f"{self.targets(eqn.outputs)} = {text}")
        for var in eqn.outputs:
            if self.plain(var.type):
                self.line(f"{self._names[var]} = {plain.as_plain(self._names[var], var.type)}")

    def _impl(self, eqn: Eqn) -> str:
        impl = eqn.primitive.impl
        return self.constant(partial(impl, **eqn.params) if eqn.params else impl)

    def _expression(self, eqn: Eqn) -> str:
        name, out = eqn.primitive.name, eqn.outputs[0].type
        if self.plain(out) and all(self.plain(a.type) for a in eqn.inputs):
            read = self._inlined if name in plain.READ_ONCE else self.atom
            texts = [read(a) for a in eqn.inputs]
            found = plain.expression(eqn, texts, self.temporary)
            if found is not None:
                return found
            for a, text in zip(eqn.inputs, texts, strict=True):
                if not isinstance(a, Literal) and a not in self._names:
                    self._names[a] = self.temporary(text)
        elif name in _INFIX and eqn.inputs[0].type.dtype.kind in "fc":
            return _INFIX[name].format(*[self.atom(a) for a in eqn.inputs])
        args = [self.numpy(a) for a in eqn.inputs]
        text = direct.expression(eqn, args) or f"{self._impl(eqn)}({', '.join(args)})"
        return plain.as_plain(text, out) if self.plain(out) else text


def _ends(parts: Sequence[Eqn | Cluster], jaxpr: Jaxpr) -> dict[int, list[Var]]:
    """For every part of a program, the variables that nothing reads after it."""
    last: dict[Any, int] = {}
    for i, part in enumerate(parts):
        for v in (*part.outputs, *part.inputs):
            if not isinstance(v, Literal):
                last[v] = i
    for v in (*jaxpr.outputs, *jaxpr.constvars):
        last.pop(v, None)
    ends: dict[int, list[Var]] = {}
    for v, i in last.items():
        ends.setdefault(i, []).append(v)
    return ends


# --- control flow -----------------------------------------------------------------------------------------------------


def _cond(writer: Writer, eqn: Eqn) -> None:
    branches, args = eqn.params["branches"], [writer.atom(a) for a in eqn.inputs[1:]]
    index = writer.temporary(f"int({writer.atom(eqn.inputs[0])})")
    names = [writer.fresh() for _ in eqn.outputs]
    for i, branch in enumerate(branches):
        last = i == len(branches) - 1
        writer.line("else:" if last and i else f"{'elif' if i else 'if'} {index} <= {i}:" if not last else "if True:")
        writer.depth += 1
        _assign(writer, names, writer.program(branch, args))
        writer.depth -= 1
    writer._names.update(zip(eqn.outputs, names, strict=True))


def _assign(writer: Writer, names: Sequence[str], texts: Sequence[str]) -> None:
    """All at once, as the new values may read the old ones."""
    writer.line(f"{', '.join(names)} = {', '.join(texts)}" if names else "pass")


def _while(writer: Writer, eqn: Eqn) -> None:
    p, args = eqn.params, [writer.atom(a) for a in eqn.inputs]
    n_test, n_body = p["cond_nconsts"], p["body_nconsts"]
    test_consts, body_consts, start = args[:n_test], args[n_test : n_test + n_body], args[n_test + n_body :]
    names = [writer.fresh() for _ in eqn.outputs]
    _assign(writer, names, start)
    writer.line("while True:")
    writer.depth += 1
    (test,) = writer.program(p["cond_jaxpr"], [*test_consts, *names])
    writer.line(f"if not ({test}):")
    writer.line("    break")
    _assign(writer, names, writer.program(p["body_jaxpr"], [*body_consts, *names]))
    writer.depth -= 1
    writer._names.update(zip(eqn.outputs, names, strict=True))


def _scan(writer: Writer, eqn: Eqn) -> None:
    """A for loop: slices of scalars are read from lists, and stacked by way of lists."""
    p, args = eqn.params, [writer.atom(a) for a in eqn.inputs]
    jaxpr, n_consts, n_carry, length = p["jaxpr"], p["num_consts"], p["num_carry"], p["length"]
    consts, start, xs = args[:n_consts], args[n_consts : n_consts + n_carry], args[n_consts + n_carry :]
    x_types, y_types = jaxpr.in_types[n_consts + n_carry :], jaxpr.out_types[n_carry:]
    sources = [writer.temporary(f"{x}.tolist()" if writer.plain(t) else x) for x, t in zip(xs, x_types, strict=True)]
    names = [writer.fresh() for _ in range(n_carry)]
    _assign(writer, names, start)
    ys = [_stack(writer, t, length) for t in y_types]
    i = writer.fresh("i")
    writer.line(f"for {i} in range({f'{length - 1}, -1, -1' if p['reverse'] else length}):")
    writer.depth += 1
    slices = [writer.temporary(f"{x}[{i}]") for x in sources]
    outs = writer.program(jaxpr, [*consts, *names, *slices])
    for y, text in zip(ys, outs[n_carry:], strict=True):
        writer.line(f"{y}[{i}] = {text}")
    _assign(writer, names, outs[:n_carry])
    writer.depth -= 1
    for y, t in zip(ys, y_types, strict=True):
        if writer.plain(t):
            writer.line(f"{y} = {writer.constant(np.array)}({y}, {writer.constant(t.dtype)})")
    writer._names.update(zip(eqn.outputs, [*names, *ys], strict=True))


def _stack(writer: Writer, t: ArrayType, length: int) -> str:
    if writer.plain(t):
        return writer.temporary(f"[None] * {length}")
    return writer.temporary(f"{writer.constant(np.empty)}({(length, *t.shape)}, {writer.constant(t.dtype)})")


CONTROL: dict[str, Callable[[Writer, Eqn], None]] = {"cond": _cond, "while": _while, "scan": _scan}
