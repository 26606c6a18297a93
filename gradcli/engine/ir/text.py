"""A jaxpr as text, in JAX's present style and in the classic one (untyped, ``in``), and as JSON data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gradcli.engine.ir.names import var_name

if TYPE_CHECKING:
    from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Var

Style = Literal["modern", "classic"]


class Names:
    """Hands out variable names in order of first appearance; a variable that nothing reads is ``_``."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self.used: set[int] = set()

    def mark(self, jaxpr: Jaxpr) -> None:
        """Notes which variables of this program are read."""
        for eqn in jaxpr.eqns:
            self.used.update(id(a) for a in eqn.inputs)
        self.used.update(id(a) for a in jaxpr.outputs)

    def __call__(self, atom: Atom) -> str:
        if atom.is_literal:
            return literal_text(atom)
        name = self._names.get(id(atom))
        if name is None:
            name = self._names[id(atom)] = var_name(len(self._names))
        return name

    def binder(self, var: Var) -> str:
        """The name where the variable is defined by an equation."""
        return self(var) if id(var) in self.used else "_"


def literal_text(atom: Any) -> str:
    """The number itself; floats by the shortest text that gives them back."""
    value = atom.value
    if isinstance(value, np.complexfloating):
        return repr(value.item())
    if isinstance(value, np.floating):
        return str(np.float64(value)) if value.dtype.itemsize < 4 else str(value)
    return str(value)


def jaxpr_text(jaxpr: Jaxpr, style: Style = "modern", source: bool = False) -> str:
    """The program as text.

    style: ``modern`` prints as JAX 0.10 does (``a:f64[]``), ``classic`` as JAX did in 2021 (no types, ``in`` alone);
    ``jaxstyle`` has JAX's text to the character, with the parameters that it has for several devices.
    source: adds the user's line behind every equation.
    """
    names = Names()
    names.mark(jaxpr)
    return "\n".join(_lines(jaxpr, names, style, source))


def _typed(names: Names, atom: Any, style: Style, binder: bool = False) -> str:
    name = names.binder(atom) if binder else names(atom)
    return name if style == "classic" else f"{name}:{atom.type}"


def _arg(names: Names, atom: Any, style: Style) -> str:
    return _typed(names, atom, style) if atom.is_literal else names(atom)


def _lines(jaxpr: Jaxpr, names: Names, style: Style, source: bool) -> list[str]:
    consts = " ".join(_typed(names, v, style) for v in jaxpr.constvars)
    inputs = " ".join(_typed(names, v, style) for v in jaxpr.inputs)
    head = f"{{ lambda {consts}; {inputs}."
    body = [line for eqn in jaxpr.eqns for line in _eqn_lines(eqn, names, style, source)]
    outs = ", ".join(_arg(names, a, style) for a in jaxpr.outputs)
    tail = f"({outs},)" if len(jaxpr.outputs) == 1 else f"({outs})"
    if style == "classic":
        lines = [head, *(f"  {'let' if i == 0 else '   '} {line}" for i, line in enumerate(body))]
        return [*lines, f"  in {tail} }}"] if body else [head, "  let ", f"  in {tail} }}"]
    if not body:
        return [f"{head} let  in {tail} }}"]
    if len(body) == 1 and not source and len(head) + len(body[0]) + len(tail) < 100:
        return [f"{head} let {body[0]} in {tail} }}"]
    return [f"{head} let", *(f"    {line}" for line in body), f"  in {tail} }}"]


def _eqn_lines(eqn: Eqn, names: Names, style: Style, source: bool) -> list[str]:
    args = "".join(" " + _arg(names, a, style) for a in eqn.inputs)
    outs = " ".join(_typed(names, v, style, binder=True) for v in eqn.outputs)
    where = f"  # {eqn.source.location()}" if source and eqn.source is not None else ""
    left = f"{outs} = {eqn.primitive.name}" if outs else eqn.primitive.name
    params = [
        (key, _param_lines(value, names, style, source)) for key, value in sorted(eqn.params.items(), key=_name_first)
    ]
    if not params:
        return [f"{left}{args}{where}"]
    flat = " ".join(f"{key}={lines[0]}" for key, lines in params)
    if all(len(lines) == 1 for _, lines in params) and len(left) + len(flat) < 100 and "{" not in flat:
        return [f"{left}[{flat}]{args}{where}"]
    out = [f"{left}["]
    for key, lines in params:
        out += [f"  {key}={lines[0]}", *(f"  {line}" for line in lines[1:])]
    return [*out, f"]{args}{where}"]


def _name_first(item: tuple[str, Any]) -> tuple[bool, str]:
    return item[0] != "name", item[0]


def _param_lines(value: Any, names: Names, style: Style, source: bool) -> list[str]:
    if hasattr(value, "eqns"):
        names.mark(value)
        return _lines(value, names, style, source)
    if isinstance(value, tuple) and value and hasattr(value[0], "eqns"):
        inner = [line for item in value for line in _param_lines(item, names, style, source)]
        return ["(", *("  " + line for line in inner), ")"]
    return [param_text(value)]


def param_text(value: Any) -> str:
    """A parameter on one line: dtypes and functions by name."""
    if isinstance(value, np.dtype):
        return value.name
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        inner = ", ".join(param_text(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return str(value)


def jaxpr_json(jaxpr: Jaxpr) -> dict[str, Any]:
    """The program as plain data: the keys ``inputs``, ``constants``, ``equations``, ``outputs``."""
    names = Names()
    names.mark(jaxpr)
    return _json(jaxpr, names)


def _json(jaxpr: Jaxpr, names: Names) -> dict[str, Any]:
    def typed(v: Any) -> dict[str, str]:
        return {"name": names(v), "type": str(v.type)}

    return {
        "inputs": [typed(v) for v in jaxpr.inputs],
        "constants": [typed(v) for v in jaxpr.constvars],
        "equations": [_eqn_json(eqn, names) for eqn in jaxpr.eqns],
        "outputs": [names(a) for a in jaxpr.outputs],
    }


def _eqn_json(eqn: Eqn, names: Names) -> dict[str, Any]:
    def param(value: Any) -> Any:
        if hasattr(value, "eqns"):
            names.mark(value)
            return _json(value, names)
        if isinstance(value, tuple):
            return [param(v) for v in value]
        return value if isinstance(value, (int, float, str, bool, type(None))) else param_text(value)

    return {
        "primitive": eqn.primitive.name,
        "inputs": [names(a) for a in eqn.inputs],
        "outputs": [names(v) for v in eqn.outputs],
        "types": [str(v.type) for v in eqn.outputs],
        "params": {key: param(value) for key, value in sorted(eqn.params.items())},
        "source": eqn.source.location() if eqn.source is not None else None,
    }
