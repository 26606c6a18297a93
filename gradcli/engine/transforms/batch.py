"""vmap: a walk over the program with a batch axis (or None) beside every value, one rule a primitive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ir.program import Jaxpr, Var
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.shape import batch_to_front
from gradcli.engine.trace.tracer import STATE, bind, trace_closed
from gradcli.engine.transforms.jvp import get

Dims = list[int | None]


def batch_values(jaxpr: Jaxpr, size: int, args: Sequence[Any], dims: Sequence[int | None]) -> tuple[list[Any], Dims]:
    """Applies a per-sample program to a whole batch: outputs and where their batch axis is (None: the same for all)."""
    env: dict[Var, Any] = dict(zip(jaxpr.constvars, jaxpr.consts, strict=True))
    env.update(zip(jaxpr.inputs, args, strict=True))
    where: dict[Var, int] = {v: d for v, d in zip(jaxpr.inputs, dims, strict=True) if d is not None}
    saved = STATE.source
    try:
        for eqn in jaxpr.eqns:
            STATE.source = eqn.source or saved
            values = [get(env, a) for a in eqn.inputs]
            axes = [where.get(a) for a in eqn.inputs]  # type: ignore[arg-type]
            multiple = eqn.primitive.multiple
            if all(d is None for d in axes):
                out = bind(eqn.primitive, *values, **eqn.params)
                out_dims: Any = [None] * len(eqn.outputs) if multiple else None
            else:
                out, out_dims = eqn.primitive.rule("batch")(size, values, axes, **eqn.params)
            for var, value, d in zip(
                eqn.outputs, out if multiple else [out], out_dims if multiple else [out_dims], strict=True
            ):
                env[var] = value
                if d is not None:
                    where[var] = d
    finally:
        STATE.source = saved
    return [get(env, a) for a in jaxpr.outputs], [where.get(a) for a in jaxpr.outputs]  # type: ignore[arg-type]


def batched_type(t: ArrayType, size: int) -> ArrayType:
    """The type with the batch axis in front."""
    return t.with_shape((size, *t.shape))


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
