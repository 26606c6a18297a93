"""Programs by JAX's names: ``closed.jaxpr.eqns``, ``eqn.invars``, ``var.aval``; and running one again.

The names are given to gradcli's own classes, so that every program a user's file meets has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.compat.jaxnames.avals import ShapedArray, shown
from gradcli.compat.jaxnames.primitives import inner_programs
from gradcli.engine.errors import fail
from gradcli.engine.ir.jaxstyle import jax_equation, jax_text
from gradcli.engine.ir.program import Eqn, Jaxpr, Literal, Var
from gradcli.engine.ir.text import jaxpr_text
from gradcli.engine.ops.define import Primitive
from gradcli.engine.settings import settings
from gradcli.engine.trace.tracer import bind, tracing

_VIEWS: dict[type, dict[str, Callable[[Any], Any]]] = {
    Jaxpr: {
        "jaxpr": lambda self: self,
        "invars": lambda self: list(self.inputs),
        "outvars": lambda self: list(self.outputs),
        "literals": lambda self: list(self.consts),
        "in_avals": lambda self: [shown(t) for t in self.in_types],
        "out_avals": lambda self: [shown(t) for t in self.out_types],
        "effects": lambda self: {e.primitive for e in self.eqns if e.primitive.effect},
    },
    Eqn: {
        "invars": lambda self: list(self.inputs),
        "outvars": lambda self: list(self.outputs),
        "source_info": lambda self: self.source,
        "effects": lambda self: {self.primitive} if self.primitive.effect else set(),
    },
    Var: {"aval": lambda self: shown(self.type)},
    Literal: {"aval": lambda self: shown(self.type), "val": lambda self: self.value},
    Primitive: {"multiple_results": lambda self: self.multiple},
}


def _bind(self: Primitive, *args: Any, **params: Any) -> Any:
    return bind(self, *args, **params)


def _bind_params(self: Primitive, params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    return [], dict(params)


def _replaced(self: Eqn, **changes: Any) -> Eqn:
    """The equation with some of its parts replaced."""
    names = {"invars": "inputs", "outvars": "outputs", "source_info": "source"}
    parts = {n: getattr(self, n) for n in ("primitive", "inputs", "params", "outputs", "source")}
    return Eqn(**{**parts, **{names.get(n, n): value for n, value in changes.items() if n not in ("effects", "ctx")}})


def _pretty(self: Jaxpr, *, source_info: bool = False, print_shapes: bool = True, width: int = 80, **_: Any) -> str:
    """The program as text: with the user's lines, without types, in lines of so many columns."""
    return jax_text(self, width, types=print_shapes, source=source_info)


def _literal_text(self: Literal) -> str:
    return f"Literal({self.value})"


def _var_text(self: Var) -> str:
    return f"Var(id={id(self)}):{self.type.long().removeprefix('~')}"


_TEXTS: list[tuple[Any, Callable[[Any], str], Callable[[Any], str]]] = [
    (Eqn, Eqn.__repr__, jax_equation), (Literal, Literal.__repr__, _literal_text), (Var, Var.__repr__, _var_text),
    (Jaxpr, jaxpr_text, _pretty),
]  # fmt: skip


def _either_text(own: Callable[[Any], str], jaxs: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda self: jaxs(self) if settings().jax_text else own(self)


def install_names() -> None:
    """Gives the classes of programs JAX's names; what they have already stays."""
    for cls, views in _VIEWS.items():
        for name, read in views.items():
            if not hasattr(cls, name):
                setattr(cls, name, property(read))
    for name, method in {"bind": _bind, "get_bind_params": _bind_params}.items():
        if not hasattr(Primitive, name):
            setattr(Primitive, name, method)
    Eqn.replace, Jaxpr.pretty_print = _replaced, _pretty  # type: ignore[attr-defined]
    for cls, own, jaxs in _TEXTS:
        cls.__repr__ = cls.__str__ = _either_text(own, jaxs)


__all__ = [
    "ShapedArray", "concrete_or_error", "eval_jaxpr", "install_names", "jaxpr_as_fun", "subjaxprs", "trace_state_clean",
]  # fmt: skip


def eval_jaxpr(jaxpr: Jaxpr, consts: Sequence[Any], *args: Any, **_: Any) -> list[Any]:
    """The outputs of a program for these constants and arguments, equation by equation."""
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    if len(args) != len(jaxpr.inputs):
        raise fail("G206", f"the program takes {len(jaxpr.inputs)} arguments, got {len(args)}", cls=TypeError)
    env.update(zip(jaxpr.inputs, args, strict=True))

    def read(atom: Any) -> Any:
        return atom.value if atom.is_literal else env[atom]

    for eqn in jaxpr.eqns:
        out = bind(eqn.primitive, *map(read, eqn.inputs), **eqn.params)
        env.update(zip(eqn.outputs, out if eqn.primitive.multiple else [out], strict=True))
    return [read(a) for a in jaxpr.outputs]


def jaxpr_as_fun(closed: Jaxpr) -> Callable[..., list[Any]]:
    """A program as a function of its flat arguments."""
    return lambda *args: eval_jaxpr(closed, closed.consts, *args)


def concrete_or_error(force: Any, val: Any, context: str = "") -> Any:
    """The value made concrete by ``force``. Raises ConcretizationTypeError for a traced one without value."""
    return force(val) if force is not None else val


def trace_state_clean() -> bool:
    """Whether nothing is being traced here."""
    return not tracing()


def subjaxprs(jaxpr: Jaxpr) -> list[Jaxpr]:
    """The programs inside the equations of a program."""
    return [inner for eqn in jaxpr.eqns for inner in inner_programs(eqn)]
