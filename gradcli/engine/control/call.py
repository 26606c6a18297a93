"""The call primitive ``jit``: a program inside a program, under a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

from gradcli.engine.control.common import pick, split_list, spread
from gradcli.engine.control.run import run_compiled
from gradcli.engine.execute.first import first_run
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive, is_linear
from gradcli.engine.ops.shape import moveaxis
from gradcli.engine.trace.tracer import bind
from gradcli.engine.transforms.batch import batch_jaxpr
from gradcli.engine.transforms.jvp import jvp_jaxpr
from gradcli.engine.transforms.linearize import linearize_jaxpr
from gradcli.engine.transforms.transpose import transpose_jaxpr


def call(jaxpr: Jaxpr, args: Sequence[Any], name: str) -> list[Any]:
    """One equation that runs a closed program."""
    out: list[Any] = bind(jit_p, *args, jaxpr=jaxpr, name=name)
    return out


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], jaxpr: Jaxpr, name: str) -> tuple[list[Any], list[Any]]:
    active = [t is not None for t in tangents]
    program, out_active = jvp_jaxpr(jaxpr, active)
    out = call(program, [*primals, *pick(tangents, active)], name)
    outs, dots = split_list(out, len(jaxpr.outputs))
    return outs, spread(dots, out_active)


def _linearize(primals: Sequence[Any], tangents: Sequence[Any], jaxpr: Jaxpr, name: str) -> tuple[list[Any], list[Any]]:
    active = [t is not None for t in tangents]
    split = linearize_jaxpr(jaxpr, active)
    outs, computed = split_list(call(split.known, primals, name), len(jaxpr.outputs))
    if not any(split.out_active):
        return outs, [None] * len(outs)
    dots = call(split.linear, [*split.residuals(primals, computed), *pick(tangents, active)], name)
    return outs, spread(dots, split.out_active)


def transpose_call(cts: Sequence[Any], *args: Any, jaxpr: Jaxpr, name: str) -> list[Any]:
    """The transpose of a call: a call of the transposed program."""
    linear = [is_linear(a) for a in args]
    has_ct = [ct is not None for ct in cts]
    program, nonzero = transpose_jaxpr(jaxpr, linear, has_ct)
    out = call(program, [*(a for a in args if not is_linear(a)), *pick(cts, has_ct)], name)
    return spread(spread(out, nonzero), linear)


def _batch(size: int, args: Sequence[Any], dims: Sequence[int | None], jaxpr: Jaxpr, name: str) -> Any:
    program, out_batched = batch_jaxpr(jaxpr, size, [d is not None for d in dims])
    moved = [x if d is None else moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    return call(program, moved, name), [0 if b else None for b in out_batched]


def call_types(*types: ArrayType, jaxpr: Jaxpr, **_: Any) -> list[ArrayType]:
    """The output types of the program inside."""
    return list(jaxpr.out_types)


def _run(*args: Any, jaxpr: Jaxpr, name: str) -> list[Any]:
    if jaxpr not in _has_run:
        _has_run.add(jaxpr)
        outs = first_run(jaxpr, args)
        if outs is not None:
            return outs
    return run_compiled(jit_p, args, {"jaxpr": jaxpr, "name": name})


_has_run: WeakSet[Jaxpr] = WeakSet()


jit_p: Primitive = Primitive(
    "jit",
    type_rule=call_types,
    impl=lambda *args, jaxpr, name: interpret(jaxpr, args),
    run=_run,
    jvp=_jvp,
    linearize=_linearize,
    transpose=transpose_call,
    batch=_batch,
    multiple=True,
    family="control",
)
