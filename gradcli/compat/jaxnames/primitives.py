"""Primitives of one's own, by the names of ``jax.extend.core`` and ``jax.interpreters``.

A primitive has an implementation on NumPy arrays and a rule for the type of its result; its derivative, its transpose
and its batching are entered into the tables ``ad.primitive_jvps``, ``ad.primitive_transposes`` and
``batching.primitive_batchers``, as under JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.compat.jaxnames.avals import plain, shown
from gradcli.engine.array import raw
from gradcli.engine.custom import as_value
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Eqn, Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops import define
from gradcli.engine.ops.elementwise import add
from gradcli.engine.ops.shape import batch_to_front, moveaxis, zeros
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import STATE, Tracer, bind
from gradcli.engine.tree import tree_leaves

Rule = Callable[..., Any]

primitive_jvps: dict[Any, Rule] = {}
primitive_transposes: dict[Any, Rule] = {}
primitive_batchers: dict[Any, Rule] = {}
not_mapped = None


class Zero:
    """A tangent or cotangent that is zero."""

    def __init__(self, aval: ArrayType) -> None:
        self.aval = aval

    def instantiate(self) -> Any:
        """The zeros as an array."""
        return as_value(zeros(self.aval))

    def __repr__(self) -> str:
        return f"Zero({self.aval})"


class UndefinedPrimal:
    """A linear argument in a transpose rule."""

    def __init__(self, aval: ArrayType) -> None:
        self.aval = aval


def is_undefined_primal(x: Any) -> bool:
    """Whether an argument of a transpose rule is one that the function is linear in."""
    return isinstance(x, UndefinedPrimal)


def instantiate_zeros(tangent: Any) -> Any:
    """The tangent, written out where it is zero."""
    return tangent.instantiate() if isinstance(tangent, Zero) else tangent


def _plain(x: Any) -> Any:
    return None if x is None or isinstance(x, Zero) else x


class Primitive(define.Primitive):
    """A primitive that a user defines step by step."""

    _impl: Rule | None = None
    _abstract: Rule | None = None
    lowered = False  # whether it has a rule for compiling: nothing here uses one, but jit asks for it, as JAX's does

    def __init__(self, name: str) -> None:
        # Not in the registry, which holds the engine's own: two files may define a primitive of the same name.
        self.name, self.family, self.multiple, self.effect = name, "user", False, False
        self.add_into = None
        self.type_rule, self.impl, self.run = self._type, self._values, self._values

    @property
    def multiple_results(self) -> bool:
        """Whether the result is a list."""
        return self.multiple

    @multiple_results.setter
    def multiple_results(self, several: bool) -> None:
        self.multiple = several

    def def_impl(self, impl: Rule) -> Rule:
        """Sets the implementation, on NumPy arrays. A decorator."""
        self._impl = impl
        return impl

    def def_abstract_eval(self, abstract_eval: Rule) -> Rule:
        """Sets the rule for the result's type. A decorator."""
        self._abstract = abstract_eval
        return abstract_eval

    def bind(self, *args: Any, **params: Any) -> Any:
        """Applies the primitive: to values without a program by the implementation alone, which knows its types."""
        values = [as_value(a) for a in args]
        if STATE.trace is not None or any(isinstance(v, Tracer) for v in values):
            return bind(self, *values, **params)
        out = self._values(*map(raw, values), **params)
        return [as_value(x) for x in out] if self.multiple else as_value(out)

    def _type(self, *types: Any, **params: Any) -> Any:
        if self._abstract is None:
            raise self._lacks("rule for the type of its result", "def_abstract_eval")
        out = self._abstract(*map(shown, types), **params)
        return [plain(t) for t in out] if self.multiple else plain(out)

    def _values(self, *args: Any, **params: Any) -> Any:
        if self._impl is None:
            raise self._lacks("implementation", "def_impl")
        out = self._impl(*args, **params)
        return [np.asarray(x)[()] for x in out] if self.multiple else np.asarray(out)[()]

    def _lacks(self, what: str, method: str) -> Exception:
        error: Exception = fail("G203", f"the primitive {self.name!r} has no {what}", hint=f"give it by {method}",
                                location=user_location(), cls=NotImplementedError)  # fmt: skip
        return error

    def rule(self, which: str) -> Rule:
        """The rule of that name. Raises NotImplementedError where there is none."""
        found: Rule | None = getattr(self, which)
        if found is None:
            raise self._lacks(f"{which} rule", _TABLES.get(which, f"def_{which}"))
        return found

    @property
    def jvp(self) -> Any:  # type: ignore[override]
        """The rule in ``ad.primitive_jvps``, for the engine."""
        rule = primitive_jvps.get(self)
        if rule is None:
            return None

        def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
            types = [as_value(p).type.strong() for p in primals]
            full = [Zero(t) if d is None else d for d, t in zip(tangents, types, strict=True)]
            out, dot = rule(tuple(primals), tuple(full), **params)
            return (list(out), [_plain(d) for d in dot]) if self.multiple else (out, _plain(dot))

        return jvp

    linearize = jvp

    @property
    def transpose(self) -> Any:  # type: ignore[override]
        """The rule in ``ad.primitive_transposes``, for the engine."""
        rule = primitive_transposes.get(self)
        if rule is None:
            return None

        def transpose(ct: Any, *args: Any, **params: Any) -> Any:
            given = [UndefinedPrimal(shown(a.type)) if define.is_linear(a) else a for a in args]
            found = rule(ct, *given, **params)
            return [_plain(x) for x in found]

        return transpose

    @property
    def batch(self) -> Any:  # type: ignore[override]
        """The rule in ``batching.primitive_batchers``, for the engine."""
        rule = primitive_batchers.get(self)
        if rule is None:
            return None
        return lambda size, args, dims, **params: rule(tuple(args), tuple(dims), **params)


_TABLES = {
    "jvp": "ad.primitive_jvps", "linearize": "ad.primitive_jvps", "transpose": "ad.primitive_transposes",
    "batch": "batching.primitive_batchers",
}  # fmt: skip


def defjvp(primitive: Primitive, *rules: Rule | None) -> None:
    """One linear map an argument: ``rules[i](tangent, *primals, **params)``."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        out, total = primitive.bind(*primals, **params), None
        for tangent, rule in zip(tangents, rules, strict=True):
            if rule is not None and not isinstance(tangent, Zero):
                term = rule(tangent, *primals, **params)
                total = term if total is None else add(total, term)
        return out, Zero(as_value(out).type.strong()) if total is None else total

    primitive_jvps[primitive] = jvp


def deflinear2(primitive: Primitive, transpose_rule: Rule) -> None:
    """Says that a primitive is linear in all arguments, and how it is transposed."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        return primitive.bind(*primals, **params), primitive.bind(*map(instantiate_zeros, tangents), **params)

    primitive_jvps[primitive] = jvp
    primitive_transposes[primitive] = transpose_rule


def deflinear(primitive: Primitive, transpose_rule: Rule) -> None:
    """As :func:`deflinear2`; the transpose rule gets the cotangent alone."""
    deflinear2(primitive, lambda ct, *args, **params: transpose_rule(ct, **params))


def bdim_at_front(x: Any, bdim: int | None, size: int) -> Any:
    """A batched (or, with None, a common) argument with its batch axis in front."""
    return batch_to_front(size, x, bdim)


def register_lowering(primitive: Any, rule: Rule, platform: str | None = None, **_: Any) -> Rule:
    """Notes that ``jit`` may use the primitive; programs are run by implementations. Returns the rule."""
    if isinstance(primitive, Primitive):
        primitive.lowered = True
    return rule


def check_lowered(jaxpr: Jaxpr) -> None:
    """Raises NotImplementedError for a primitive of the user's without a rule for compiling, as JAX does."""
    for eqn in jaxpr.eqns:
        if isinstance(eqn.primitive, Primitive) and not eqn.primitive.lowered:
            raise fail(
                "G203", f"MLIR translation rule for primitive '{eqn.primitive.name}' not found for platform cpu",
                hint="give it by mlir.register_lowering (mlir.lower_fun makes a rule of a function)",
                location=user_location(), cls=NotImplementedError,
            )  # fmt: skip
        for inner in inner_programs(eqn):
            check_lowered(inner)


def inner_programs(eqn: Eqn) -> list[Jaxpr]:
    """The programs among the parameters of an equation."""
    leaves = tree_leaves(list(eqn.params.values()))
    return [leaf for leaf in leaves if isinstance(leaf, Jaxpr)]


def lower_fun(fun: Rule, multiple_results: bool = True) -> Rule:
    """The function itself, to be given to :func:`register_lowering`."""
    return fun


# Calls that no program of gradcli's has; files for JAX give rules to them.
call_p = core_call_p = Primitive("core_call")
closed_call_p = Primitive("closed_call")

__all__ = [
    "Primitive", "UndefinedPrimal", "Zero", "bdim_at_front", "call_p", "closed_call_p", "core_call_p", "defjvp",
    "deflinear", "deflinear2", "instantiate_zeros", "is_undefined_primal", "lower_fun", "moveaxis", "not_mapped",
    "primitive_batchers", "primitive_jvps", "primitive_transposes", "register_lowering",
]  # fmt: skip
