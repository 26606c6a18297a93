"""The Primitive record and the registry.

A primitive is defined once, with all its rules:

type_rule(*types, **params) -> ArrayType, or a list of them when ``multiple`` outputs
impl(*values, **params) -> NumPy value(s): the reference meaning, on NumPy arrays and scalars
run, as impl: what is used outside of any program, where there is something quicker that means the same
jvp(primals, tangents, **params) -> (out(s), tangent(s)): a tangent None is a symbolic zero
linearize, as jvp: where tangents must be kept apart from primals (primitives with sub-jaxprs); default: jvp
transpose(ct, *args, **params) -> one cotangent (or None) an argument: linear arguments are ``Undefined``
batch(size, args, dims, **params) -> (out(s), dim(s)): ``dims`` holds an axis or None for each argument
add_into(total, ct, **params): the transpose of a primitive that reads a part of its operand, added in place to a NumPy
    array, so that reading n parts costs n parts and not n arrays

Rules call the public functions of ``ops/``, so what a rule computes can be traced, differentiated and batched again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.errors import RuleError, fail
from gradcli.engine.ir.types import ArrayType

Rule = Callable[..., Any]

REGISTRY: dict[str, Primitive] = {}


class Undefined:
    """Stands for a linear argument in a transpose rule: there is no value, only a type."""

    __slots__ = ("type",)

    def __init__(self, type_: ArrayType) -> None:
        self.type = type_


def is_linear(x: Any) -> bool:
    """Whether an argument of a transpose rule is one that the function is linear in."""
    return type(x) is Undefined


class Primitive:
    """One operation and its rules. ``effect`` keeps equations that nothing reads."""

    __slots__ = (
        "add_into", "batch", "effect", "family", "impl", "jvp", "linearize", "multiple", "name", "run", "transpose",
        "type_rule",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        type_rule: Rule,
        impl: Rule,
        run: Rule | None = None,
        jvp: Rule | None = None,
        linearize: Rule | None = None,
        transpose: Rule | None = None,
        batch: Rule | None = None,
        add_into: Rule | None = None,
        multiple: bool = False,
        effect: bool = False,
        family: str = "",
    ) -> None:
        if name in REGISTRY:
            raise ValueError(f"primitive {name} is defined twice")
        self.name, self.type_rule, self.impl = name, type_rule, impl
        self.run = run if run is not None else impl
        self.jvp, self.transpose, self.batch, self.add_into = jvp, transpose, batch, add_into
        self.linearize = linearize if linearize is not None else jvp
        self.multiple, self.effect, self.family = multiple, effect, family
        REGISTRY[name] = self

    def __repr__(self) -> str:
        return self.name

    def rule(self, which: str) -> Rule:
        """The rule of that name. Raises RuleError naming primitive and rule where there is none."""
        found: Rule | None = getattr(self, which)
        if found is None:
            raise fail(
                "G203",
                f"the primitive {self.name!r} has no {which} rule",
                hint=_MISSING.get(which),
                cls=RuleError,
            )
        return found


_MISSING = {
    "jvp": "its derivative is not defined; stop_gradient, or a custom_jvp around it, says what is meant",
    "transpose": "it is not linear in the argument that a tangent reaches",
    "batch": "it cannot be used under vmap",
}

JvpOperand = Callable[..., Any] | None


def operand_jvp(bind: Rule, rules: Sequence[JvpOperand], add: Rule) -> Rule:
    """A jvp rule from one linear map an operand: ``rules[i](tangent, out, *primals, **params)``; None: no tangent."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        out = bind(*primals, **params)
        total = None
        for tangent, rule in zip(tangents, rules, strict=True):
            if tangent is not None and rule is not None:
                term = rule(tangent, out, *primals, **params)
                total = term if total is None else add(total, term)
        return out, total

    return jvp


def zero_jvp(bind: Rule) -> Rule:
    """The jvp rule of a primitive whose derivative is zero wherever it exists."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, None]:
        return bind(*primals, **params), None

    return jvp


def linear_jvp(bind: Rule) -> Rule:
    """The jvp rule of a primitive that is linear in its single operand."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        return bind(*primals, **params), bind(*tangents, **params)

    return jvp
