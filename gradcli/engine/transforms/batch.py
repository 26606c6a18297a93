"""vmap: a walk over the program with a batch axis (or None) beside every value, one rule a primitive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.shape import batch_to_front
from gradcli.engine.trace.tracer import STATE, bind, trace_closed
from gradcli.engine.transforms.kept import kept
from gradcli.engine.transforms.rules import RuleCache, evaluate_jaxpr, get, has_kinds, trace_rule

Dims = list[int | None]


class Batch:
    """The batching of one kind of equation: a program of operands, some batched, and the output's batch axis."""

    __slots__ = ("axis", "program")

    def __init__(self, primitive: Primitive, params: dict[str, Any], types: Sequence[ArrayType], how: Any) -> None:
        size, *dims = how
        self.axis: int | None = None

        def run(*values: Any) -> list[Any]:
            out, self.axis = _by_rule(primitive, params, size, values, dims)
            return [out]

        self.program = trace_rule(run, types)


BATCHES = RuleCache(Batch)


def _by_rule(
    primitive: Primitive, params: dict[str, Any], size: int, values: Sequence[Any], dims: Sequence[int | None]
) -> Any:
    """Output and its batch axis (lists of them, from primitives with several) by the rule itself."""
    if all(d is None for d in dims):
        out = bind(primitive, *values, **params)
        return out, [None] * len(out) if primitive.multiple else None
    return primitive.rule("batch")(size, list(values), list(dims), **params)


def batch_values(jaxpr: Jaxpr, size: int, args: Sequence[Any], dims: Sequence[int | None]) -> tuple[list[Any], Dims]:
    """Applies a per-sample program to a whole batch: outputs and where their batch axis is (None: the same for all)."""
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, jaxpr.consts, strict=True))
    env.update(zip(jaxpr.inputs, args, strict=True))
    where: dict[Any, int | None] = dict(zip(jaxpr.inputs, dims, strict=True))
    table, saved = BATCHES.table(), STATE.source
    try:
        for eqn in jaxpr.eqns:
            STATE.source = eqn.source or saved
            values = [get(env, a) for a in eqn.inputs]
            axes = [where.get(a) for a in eqn.inputs]
            rule = BATCHES.find(table, eqn, values, (size, *axes)) if has_kinds(eqn.primitive) else None
            if rule is not None:
                env[eqn.outputs[0]] = evaluate_jaxpr(rule.program, values, STATE.source)[0]
                where[eqn.outputs[0]] = rule.axis
                continue
            out, out_dims = _by_rule(eqn.primitive, eqn.params, size, values, axes)
            if not eqn.primitive.multiple:
                out, out_dims = [out], [out_dims]
            env.update(zip(eqn.outputs, out, strict=True))
            where.update(zip(eqn.outputs, out_dims, strict=True))
    finally:
        STATE.source = saved
    return [get(env, a) for a in jaxpr.outputs], [where.get(a) for a in jaxpr.outputs]


def batched_type(t: ArrayType, size: int) -> ArrayType:
    """The type with the batch axis in front."""
    return t.with_shape((size, *t.shape))


@kept
def batch_jaxpr(
    jaxpr: Jaxpr, size: int, batched: Sequence[bool], force: Sequence[bool] | None = None
) -> tuple[Jaxpr, list[bool]]:
    """The batched program (batch axes in front), and which outputs are batched; ``force`` makes outputs so."""
    out_batched: list[bool] = []

    def run(*args: Any) -> list[Any]:
        outs, dims = batch_values(jaxpr, size, args, [0 if b else None for b in batched])
        wanted = force or [False] * len(outs)
        out_batched.extend(d is not None or f for d, f in zip(dims, wanted, strict=True))
        return [batch_to_front(size, x, d) if b else x for x, d, b in zip(outs, dims, out_batched, strict=True)]

    types = [batched_type(t, size) if b else t for t, b in zip(jaxpr.in_types, batched, strict=True)]
    return trace_closed(run, types, jaxpr.name), out_batched


def batch_size(args: Sequence[Any], dims: Sequence[int | None]) -> int:
    """The common size of the batch axes."""
    return next(type_of(a).shape[d] for a, d in zip(args, dims, strict=True) if d is not None)
