"""Custom derivative rules: the primitives ``custom_jvp_call`` and ``custom_vjp_call``, on flat lists of values.

A rule is a Python function that is called when a transformation reaches the call, so it can itself be traced,
differentiated and batched. :mod:`gradcli.engine.custom` dresses these primitives for users.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.control.call import call_types, transpose_call
from gradcli.engine.control.common import split_list
from gradcli.engine.errors import fail
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive, Undefined, is_linear
from gradcli.engine.ops.shape import batch_to_front, moveaxis, reduce_sum, zeros
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind, trace_program
from gradcli.engine.transforms.batch import batch_jaxpr, batch_values
from gradcli.engine.transforms.transpose import backward_jaxpr

FlatRule = Callable[..., Any]


def check_closed_over(name: str, num_consts: int, tangents: Sequence[Any]) -> None:
    """Raises where a derivative would flow to a value that a custom-rule function closed over: no rule says how."""
    if any(t is not None for t in tangents[:num_consts]):
        raise fail(
            "G208",
            f"{name} has a custom derivative rule, and closes over a value that is being differentiated",
            hint="pass the value as an argument of the function",
            location=user_location(),
            cls=TypeError,
        )


def _wrong_rule(name: str, message: str) -> Exception:
    error: Exception = fail("G208", f"the custom rule of {name} {message}", location=user_location(), cls=TypeError)
    return error


def filled_tangents(primals: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """Tangents with zeros written out."""
    return [zeros(type_of(p).strong()) if t is None else t for p, t in zip(primals, tangents, strict=True)]


# --- custom_jvp_call ------------------------------------------------------------------------------------------


def _custom_jvp_rule(
    primals: Sequence[Any], tangents: Sequence[Any], jvp: FlatRule, name: str, num_consts: int, **_: Any
) -> tuple[list[Any], list[Any]]:
    check_closed_over(name, num_consts, tangents)
    args, dots = list(primals[num_consts:]), list(tangents[num_consts:])
    outs, out_dots = jvp(args, filled_tangents(args, dots))
    for out, dot in zip(outs, out_dots, strict=True):
        if dot is not None and type_of(dot).shape != type_of(out).shape:
            raise _wrong_rule(name, f"returned a tangent {type_of(dot)} for an output {type_of(out)}")
    return outs, [None if d is None or not type_of(o).is_float else d for o, d in zip(outs, out_dots, strict=True)]


def _custom_jvp_batch(size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any) -> Any:
    jaxpr, jvp, n = params["call_jaxpr"], params["jvp"], params["num_consts"]
    batched = [d is not None for d in dims]
    program, out_batched = batch_jaxpr(jaxpr, size, batched, [True] * len(jaxpr.outputs))

    def batched_jvp(primals: list[Any], tangents: list[Any]) -> tuple[list[Any], list[Any]]:
        count = len(primals)
        flags = batched[n:]

        def rule(*flat: Any) -> list[Any]:
            outs, dots = jvp(list(flat[:count]), list(flat[count:]))
            return [*outs, *filled_tangents(outs, dots)]

        types = [_sample_type(type_of(p), b) for p, b in zip(primals, flags, strict=True)]
        traced = trace_program(rule, [*types, *(t.strong() for t in types)])
        axes = [0 if b else None for b in flags]
        outs, out_dims = batch_values(traced, size, [*primals, *tangents], [*axes, *axes])
        front = [batch_to_front(size, x, d) for x, d in zip(outs, out_dims, strict=True)]
        half = len(front) // 2
        return front[:half], front[half:]

    moved = [x if d is None else moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    out = bind(custom_jvp_call_p, *moved, **{**params, "call_jaxpr": program, "jvp": batched_jvp})
    return out, [0] * len(out)


def _sample_type(t: ArrayType, batched: bool) -> ArrayType:
    return t.with_shape(t.shape[1:]) if batched else t


custom_jvp_call_p = Primitive(
    "custom_jvp_call",
    type_rule=lambda *types, call_jaxpr, **params: call_types(*types, jaxpr=call_jaxpr),
    impl=lambda *args, call_jaxpr, **params: interpret(call_jaxpr, args),
    jvp=_custom_jvp_rule,
    transpose=lambda cts, *args, call_jaxpr, name, **params: transpose_call(cts, *args, jaxpr=call_jaxpr, name=name),
    batch=_custom_jvp_batch,
    multiple=True,
    family="custom",
)


# --- custom_vjp_call ------------------------------------------------------------------------------------------


def _run_forward(primals: Sequence[Any], fwd: FlatRule, n_out: int) -> tuple[list[Any], list[Any]]:
    outs, residuals = split_list(fwd(list(primals)), n_out)
    return outs, residuals


def _custom_vjp_linearize(
    primals: Sequence[Any],
    tangents: Sequence[Any],
    call_jaxpr: Jaxpr,
    fwd: FlatRule,
    bwd: FlatRule,
    name: str,
    num_consts: int,
) -> tuple[list[Any], list[Any]]:
    check_closed_over(name, num_consts, tangents)
    args, dots = primals[num_consts:], tangents[num_consts:]
    outs, residuals = _run_forward(args, fwd, len(call_jaxpr.outputs))
    out_types = tuple(type_of(o).strong() for o in outs)
    out_dots = bind(
        custom_vjp_linear_p, *residuals, *filled_tangents(args, dots),
        bwd=bwd, num_res=len(residuals), out_types=out_types, name=name,
    )  # fmt: skip
    return outs, [d if t.is_float else None for d, t in zip(out_dots, out_types, strict=True)]


def _custom_vjp_jvp(
    primals: Sequence[Any],
    tangents: Sequence[Any],
    call_jaxpr: Jaxpr,
    fwd: FlatRule,
    bwd: FlatRule,
    name: str,
    num_consts: int,
) -> tuple[list[Any], list[Any]]:
    """Forward mode through a reverse rule: the rule is linear in the cotangents, so its transpose is the jvp."""
    check_closed_over(name, num_consts, tangents)
    args, dots = primals[num_consts:], tangents[num_consts:]
    outs, residuals = _run_forward(args, fwd, len(call_jaxpr.outputs))
    out_types = [type_of(o).strong() for o in outs]
    in_types = [type_of(a).strong() for a in args]
    n = len(residuals)
    program = trace_program(
        lambda *flat: filled_cotangents(bwd(list(flat[:n]), list(flat[n:])), in_types),
        [*(type_of(r) for r in residuals), *out_types],
    )
    found = backward_jaxpr(program, [*residuals, *map(Undefined, out_types)], dots)
    return outs, found[n:]


def filled_cotangents(cts: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    """Cotangents with zeros written out."""
    return [zeros(t) if ct is None else ct for ct, t in zip(cts, types, strict=True)]


def _custom_vjp_batch(size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any) -> Any:
    """The rules are traced for one sample and batched; all residuals and outputs carry the batch axis in front."""
    jaxpr, fwd, bwd, n_consts = params["call_jaxpr"], params["fwd"], params["bwd"], params["num_consts"]
    batched = [d is not None for d in dims]
    program, _ = batch_jaxpr(jaxpr, size, batched, [True] * len(jaxpr.outputs))
    flags = batched[n_consts:]
    in_types = [t.strong() for t in jaxpr.in_types[n_consts:]]

    def batched_fwd(primals: list[Any]) -> list[Any]:
        types = [_sample_type(type_of(p), b) for p, b in zip(primals, flags, strict=True)]
        traced = trace_program(lambda *flat: fwd(list(flat)), types)
        outs, out_dims = batch_values(traced, size, primals, [0 if b else None for b in flags])
        return [batch_to_front(size, x, d) for x, d in zip(outs, out_dims, strict=True)]

    def batched_bwd(residuals: list[Any], cts: list[Any]) -> list[Any]:
        n = len(residuals)
        types = [_sample_type(type_of(x), True) for x in (*residuals, *cts)]
        traced = trace_program(lambda *flat: filled_cotangents(bwd(list(flat[:n]), list(flat[n:])), in_types), types)
        outs, out_dims = batch_values(traced, size, [*residuals, *cts], [0] * len(types))
        front = [batch_to_front(size, x, d) for x, d in zip(outs, out_dims, strict=True)]
        return [x if b else reduce_sum(x, (0,)) for x, b in zip(front, flags, strict=True)]

    moved = [x if d is None else moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    out = bind(custom_vjp_call_p, *moved, **{**params, "call_jaxpr": program, "fwd": batched_fwd, "bwd": batched_bwd})
    return out, [0] * len(out)


custom_vjp_call_p = Primitive(
    "custom_vjp_call",
    type_rule=lambda *types, call_jaxpr, **params: call_types(*types, jaxpr=call_jaxpr),
    impl=lambda *args, call_jaxpr, **params: interpret(call_jaxpr, args),
    jvp=_custom_vjp_jvp,
    linearize=_custom_vjp_linearize,
    transpose=lambda cts, *args, call_jaxpr, name, **params: transpose_call(cts, *args, jaxpr=call_jaxpr, name=name),
    batch=_custom_vjp_batch,
    multiple=True,
    family="custom",
)


def _linear_transpose(
    cts: Sequence[Any], *args: Any, bwd: FlatRule, num_res: int, out_types: tuple[ArrayType, ...], name: str
) -> list[Any]:
    residuals, tangents = split_list(args, num_res)
    found = bwd(residuals, filled_cotangents(cts, out_types))
    if len(found) != len(tangents):
        raise _wrong_rule(name, f"returned {len(found)} cotangents for {len(tangents)} arguments")
    for t, ct in zip(tangents, found, strict=True):
        if ct is not None and is_linear(t) and type_of(ct).shape != t.type.shape:
            raise _wrong_rule(name, f"returned a cotangent {type_of(ct)} for an argument {t.type}")
    return [None] * num_res + [ct if is_linear(t) else None for t, ct in zip(tangents, found, strict=True)]


def _linear_forward(*args: Any, name: str, **_: Any) -> Any:
    raise fail(
        "G203",
        f"the linear map of {name}, which has a custom reverse rule only, cannot be applied forwards here",
        hint="define the rule with custom_jvp, or use vjp",
        cls=TypeError,
    )


custom_vjp_linear_p = Primitive(
    "custom_vjp_linear",
    type_rule=lambda *types, out_types, **params: list(out_types),
    impl=_linear_forward,
    transpose=_linear_transpose,
    multiple=True,
    family="custom",
)
