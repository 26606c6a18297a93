"""Short programs as Python functions of NumPy values: how what a rule makes of one equation is run.

Arithmetic is written as Python's operators, which cost less than ufuncs on NumPy scalars and mean the same; all else
calls the primitive's own ``impl``. Callers silence floating-point warnings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gradcli.engine.array import raw
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var

_INFIX = {
    "add": "{} + {}", "add_any": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}",
    "lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}", "ge": "{} >= {}", "eq": "{} == {}", "ne": "{} != {}",
}  # fmt: skip


class _Writer:
    """Names for the variables of one program, and what its text refers to."""

    def __init__(self, jaxpr: Jaxpr) -> None:
        self.scope: dict[str, Any] = {}
        self.names: dict[Var, str] = {v: f"x{i}" for i, v in enumerate(jaxpr.inputs)}
        self.parameters = list(self.names.values())
        for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
            self.names[var] = self.constant(raw(const))
        self.lines = [self.statement(eqn) for eqn in jaxpr.eqns]

    def constant(self, value: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name

    def atom(self, atom: Atom) -> str:
        return self.constant(atom.value) if isinstance(atom, Literal) else self.names[atom]

    def statement(self, eqn: Eqn) -> str:
        args = [self.atom(a) for a in eqn.inputs]
        for var in eqn.outputs:
            self.names[var] = f"v{len(self.names)}"
        targets = [self.names[v] for v in eqn.outputs]
        left = f"[{', '.join(targets)}]" if eqn.primitive.multiple else targets[0]
        return f"    {left} = {self.expression(eqn, args)}"

    def expression(self, eqn: Eqn, args: Sequence[str]) -> str:
        name, types = eqn.primitive.name, [a.type for a in eqn.inputs]
        if name in _INFIX and types[0].dtype.kind in "fc":
            return _INFIX[name].format(*args)
        if name == "integer_pow" and eqn.params["y"] == 2:
            return f"{args[0]} * {args[0]}"
        if name == "select_n" and len(args) == 3 and types[0].dtype.kind == "b" and not any(t.shape for t in types):
            return f"{args[2]} if {args[0]} else {args[1]}"
        impl = partial(eqn.primitive.impl, **eqn.params) if eqn.params else eqn.primitive.impl
        return f"{self.constant(impl)}({', '.join(args)})"


def compile_kernel(jaxpr: Jaxpr, result: Callable[[list[str], list[str]], str]) -> Callable[..., Any]:
    """A function of the program's inputs. ``result`` writes what is returned, from the texts of inputs and outputs."""
    writer = _Writer(jaxpr)
    returned = result(writer.parameters, [writer.atom(a) for a in jaxpr.outputs])
    lines = [f"def kernel({', '.join(writer.parameters)}):", *writer.lines, f"    return {returned}"]
    exec("\n".join(lines), writer.scope)
    kernel: Callable[..., Any] = writer.scope["kernel"]
    return kernel


def tuple_text(parts: Sequence[str]) -> str:
    """The text of a tuple."""
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
