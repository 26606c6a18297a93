"""How elementwise primitives are defined: type rules, and the factories :func:`unary` and :func:`nary`.

Operands have one dtype, and one shape up to scalars and dimensions of size 1, which broadcast without an equation of
their own. The derivative of an operand is written as a linear map ``(tangent, out, *operands) -> tangent``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Value, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType, array_type, broadcast_shapes
from gradcli.engine.ops.define import REGISTRY, JvpOperand, Primitive, operand_jvp, zero_jvp
from gradcli.engine.ops.shape import broadcast_to_type, expand_for_batch
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind

Operation = Callable[..., Any]
CACHE_SIZE = 4096


# --- types ----------------------------------------------------------------------------------------------------


def same_kind(name: str, types: Sequence[ArrayType], kinds: str) -> None:
    first = types[0]
    for t in types:
        if t.dtype.kind not in kinds:
            raise fail(
                "G206", f"{name} does not accept dtype {t.dtype.name}", location=user_location(), cls=TypeError,
                hint=f"it works on {', '.join(_KINDS[k] for k in kinds)}",
            )  # fmt: skip
        if t.dtype is not first.dtype and t.dtype != first.dtype:
            raise fail(
                "G206", f"{name} requires one dtype, got {', '.join(x.dtype.name for x in types)}",
                location=user_location(), cls=TypeError, hint="gradcli.numpy promotes; gradcli.lax does not",
            )  # fmt: skip


_KINDS = {
    "b": "bool", "i": "integers", "u": "unsigned integers", "f": "floats", "c": "complex numbers", "k": "random keys",
}  # fmt: skip


def same_type(name: str, kinds: str, result: Callable[[np.dtype[Any]], np.dtype[Any]] | None = None) -> Operation:
    """A type rule: operands of one dtype among ``kinds``, shapes that broadcast; ``result`` maps their dtype."""

    cache: dict[tuple[ArrayType, ...], ArrayType] = {}  # types are interned, so that this is a look-up by identity

    def rule(*types: ArrayType, **params: Any) -> ArrayType:
        first = types[0]
        if result is None and types[-1] is first and len(types) < 3 and first.dtype.kind in kinds:
            return first
        known = cache.get(types)
        if known is not None:
            return known
        same_kind(name, types, kinds)
        shape = broadcast_shapes(*[t.shape for t in types])
        weak = all(t.weak_type for t in types)
        dtype = first.dtype if result is None else result(first.dtype)
        found = array_type(shape, dtype, weak)
        if len(cache) >= CACHE_SIZE:
            cache.clear()
        cache[types] = found
        return found

    return rule


def batch_elementwise(
    name: Callable[..., Any], size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any
) -> Any:
    """The batching rule of every elementwise primitive: align ranks, batch axis first."""
    return name(*expand_for_batch(args, dims), **params), 0


# --- families -------------------------------------------------------------------------------------------------

ALL, NUMBERS, INEXACT, REAL, ORDERED = "biufc", "iufc", "fc", "f", "biuf"
MOVABLE = ALL + "k"  # what can be moved, chosen and compared: keys of random numbers too


def _scalar(x: Any, like: ArrayType) -> Any:
    """A Python scalar as an operand of the other operand's dtype."""
    return like.dtype.type(x) if not isinstance(x, (Value, np.ndarray, np.generic)) else x


def one_dtype(args: Sequence[Any]) -> Sequence[Any]:
    """Python scalars take the dtype of the first array among the operands."""
    like = next((type_of(a) for a in args if isinstance(a, (Value, np.ndarray, np.generic))), None)
    return args if like is None else [_scalar(a, like) for a in args]


def add_tangents(x: Any, y: Any) -> Any:
    """Adds tangents; looked up late, as ``add_any`` is itself one of the family."""
    return bind(REGISTRY["add_any"], x, y)


def unary(name: str, impl: Operation, derivative: JvpOperand, kinds: str = INEXACT, **rest: Any) -> Operation:
    """Defines a one-operand primitive. ``derivative(tangent, out, x)`` is its linear map; None: zero everywhere."""

    def apply(x: Any) -> Any:
        return bind(prim, x)

    jvp = zero_jvp(apply) if derivative is None else operand_jvp(apply, [derivative], add_tangents)
    prim = Primitive(
        name,
        type_rule=same_type(name, kinds, rest.pop("result", None)),
        impl=impl,
        jvp=jvp,
        batch=lambda size, args, dims: (apply(args[0]), dims[0]),
        family="elementwise",
        **rest,
    )
    apply.__name__ = apply.__qualname__ = name
    return apply


def nary(name: str, impl: Operation, derivatives: Sequence[JvpOperand], kinds: str = NUMBERS, **rest: Any) -> Operation:
    """Defines a primitive of several operands of one dtype; one linear map an operand, as for :func:`unary`."""

    def apply(*args: Any) -> Any:
        for a in args:
            if not isinstance(a, Value):
                return bind(prim, *one_dtype(args))
        return bind(prim, *args)

    def wrap(rule: JvpOperand) -> JvpOperand:
        if rule is None:
            return None

        def widened(tangent: Any, out: Any, *primals: Any) -> Any:
            return broadcast_to_type(rule(tangent, out, *primals), type_of(out))

        return widened

    jvp = operand_jvp(apply, [wrap(r) for r in derivatives], add_tangents) if any(derivatives) else zero_jvp(apply)
    prim = Primitive(
        name,
        type_rule=same_type(name, kinds, rest.pop("result", None)),
        impl=impl,
        jvp=jvp,
        batch=lambda size, args, dims: batch_elementwise(apply, size, args, dims),
        family="elementwise",
        **rest,
    )
    apply.__name__ = apply.__qualname__ = name
    return apply
