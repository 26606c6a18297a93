"""Custom derivative rules: the primitives ``custom_jvp_call`` and ``custom_vjp_call``, on flat lists of values.

A rule is a Python function that is called when a transformation reaches the call, so it can itself be traced,
differentiated and batched. :mod:`gradcli.engine.custom` dresses these primitives for users.

The operands of a call are what the function captured, what its rules captured, and its arguments. Rules get all three
(the first two as ``around``), so that they can be rebuilt with the values that captured variables have by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.control.call import call_types, transpose_call
from gradcli.engine.control.common import split_list, spread
from gradcli.engine.errors import RuleError, fail
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr, Var
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive, Undefined, is_linear
from gradcli.engine.ops.shape import batch_to_front, moveaxis, reduce_sum, zeros
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind, trace_program
from gradcli.engine.transforms.batch import batch_jaxpr, batch_values
from gradcli.engine.transforms.transpose import backward_jaxpr

FlatRule = Callable[..., Any]


class Rule:
    """A flat rule with the counts of what comes before the arguments.

    num_consts: what the function itself captured, where no rule says how a derivative would flow.
    num_around: that, and what the rules captured.
    """

    __slots__ = ("__name__", "function", "num_around", "num_consts")

    def __init__(self, function: FlatRule, name: str, num_consts: int = 0, num_around: int = 0) -> None:
        self.function, self.__name__ = function, name
        self.num_consts, self.num_around = num_consts, num_around

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)

    def with_function(self, function: FlatRule) -> Rule:
        """Another function under the same name and counts."""
        return Rule(function, self.__name__, self.num_consts, self.num_around)


def with_inputs_between(jaxpr: Jaxpr, start: int, types: Sequence[ArrayType]) -> Jaxpr:
    """The same program with further inputs, which it does not read, behind the first ``start``."""
    extra = tuple(Var(t) for t in types)
    inputs = (*jaxpr.inputs[:start], *extra, *jaxpr.inputs[start:])
    return Jaxpr(inputs, jaxpr.eqns, jaxpr.outputs, jaxpr.constvars, jaxpr.consts, jaxpr.notes, jaxpr.name)


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


def filled_cotangents(cts: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    """Cotangents with zeros written out."""
    return [zeros(t) if ct is None else ct for ct, t in zip(cts, types, strict=True)]


def _sample_type(t: ArrayType, batched: bool) -> ArrayType:
    return t.with_shape(t.shape[1:]) if batched else t


def _axes(flags: Sequence[bool]) -> list[int | None]:
    return [0 if b else None for b in flags]


# --- custom_jvp_call ------------------------------------------------------------------------------------------


def _custom_jvp_rule(
    primals: Sequence[Any], tangents: Sequence[Any], jvp: Rule, name: str, **_: Any
) -> tuple[list[Any], list[Any]]:
    check_closed_over(name, jvp.num_consts, tangents)
    n = jvp.num_around
    outs, out_dots = jvp(list(primals[:n]), list(primals[n:]), list(tangents[n:]))
    for out, dot in zip(outs, out_dots, strict=True):
        if dot is not None and type_of(dot).shape != type_of(out).shape:
            raise _wrong_rule(name, f"returned a tangent {type_of(dot)} for an output {type_of(out)}")
    return outs, [None if d is None or not type_of(o).is_float else d for o, d in zip(outs, out_dots, strict=True)]


def _custom_jvp_batch(size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any) -> Any:
    """The rule is traced for one sample and batched; which tangents are zero is known only when it is called."""
    jaxpr, jvp = params["call_jaxpr"], params["jvp"]
    flags = [d is not None for d in dims]
    n = jvp.num_around
    program, _ = batch_jaxpr(jaxpr, size, flags, [True] * len(jaxpr.outputs))

    def batched_jvp(around: list[Any], primals: list[Any], tangents: list[Any]) -> tuple[list[Any], list[Any]]:
        active = [t is not None for t in tangents]

        def rule(*flat: Any) -> list[Any]:
            own, mine, moving = split_list(flat, len(around), len(primals))
            outs, dots = jvp(own, mine, spread(moving, active))
            return [*outs, *filled_tangents(outs, dots)]

        given = [*around, *primals]
        types = [_sample_type(type_of(p), b) for p, b in zip(given, flags, strict=True)]
        moving_flags = [b for b, a in zip(flags[n:], active, strict=True) if a]
        dot_types = [t.strong() for t, a in zip(types[n:], active, strict=True) if a]
        moving = [t for t in tangents if t is not None]
        outs, out_dims = batch_values(
            trace_program(rule, [*types, *dot_types]), size, [*given, *moving], _axes([*flags, *moving_flags])
        )
        front = [batch_to_front(size, x, d) for x, d in zip(outs, out_dims, strict=True)]
        half = len(front) // 2
        return front[:half], front[half:]

    moved = [x if d is None else moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    out = bind(custom_jvp_call_p, *moved, **{**params, "call_jaxpr": program, "jvp": jvp.with_function(batched_jvp)})
    return out, [0] * len(out)


def _transpose(cts: Sequence[Any], *args: Any, call_jaxpr: Jaxpr, name: str, **params: Any) -> list[Any]:
    return transpose_call(cts, *args, jaxpr=call_jaxpr, name=name)


custom_jvp_call_p = Primitive(
    "custom_jvp_call",
    type_rule=lambda *types, call_jaxpr, **params: call_types(*types, jaxpr=call_jaxpr),
    impl=lambda *args, call_jaxpr, **params: interpret(call_jaxpr, args),
    jvp=_custom_jvp_rule,
    transpose=_transpose,
    batch=_custom_jvp_batch,
    multiple=True,
    family="custom",
)


# --- custom_vjp_call ------------------------------------------------------------------------------------------


def _run_forward(primals: Sequence[Any], tangents: Sequence[Any], n_out: int, fwd: Rule) -> tuple[list[Any], list[Any]]:
    n = fwd.num_around
    perturbed = [t is not None for t in tangents[n:]]
    outs, residuals = split_list(fwd(list(primals[:n]), list(primals[n:]), perturbed), n_out)
    return outs, residuals


def _custom_vjp_linearize(
    primals: Sequence[Any], tangents: Sequence[Any], call_jaxpr: Jaxpr, fwd: Rule, bwd: Rule, name: str, **_: Any
) -> tuple[list[Any], list[Any]]:
    check_closed_over(name, fwd.num_consts, tangents)
    n = fwd.num_around
    outs, residuals = _run_forward(primals, tangents, len(call_jaxpr.outputs), fwd)
    out_types = tuple(type_of(o).strong() for o in outs)
    around = primals[:n]
    out_dots = bind(
        custom_vjp_linear_p, *around, *residuals, *filled_tangents(primals[n:], tangents[n:]),
        bwd=bwd, num_res=n + len(residuals), out_types=out_types, name=name,
    )  # fmt: skip
    return outs, [d if t.is_float else None for d, t in zip(out_dots, out_types, strict=True)]


def _custom_vjp_jvp(
    primals: Sequence[Any], tangents: Sequence[Any], call_jaxpr: Jaxpr, fwd: Rule, bwd: Rule, name: str, **_: Any
) -> tuple[list[Any], list[Any]]:
    """Forward mode through a reverse rule: the rule is linear in the cotangents, so its transpose is the jvp."""
    check_closed_over(name, fwd.num_consts, tangents)
    n = fwd.num_around
    around, args, dots = primals[:n], primals[n:], tangents[n:]
    outs, residuals = _run_forward(primals, tangents, len(call_jaxpr.outputs), fwd)
    out_types = [type_of(o).strong() for o in outs]
    in_types = [type_of(a).strong() for a in args]
    known = [*around, *residuals]
    m = len(known)
    program = trace_program(
        lambda *flat: filled_cotangents(bwd(list(flat[:n]), list(flat[n:m]), list(flat[m:])), in_types),
        [*(type_of(r) for r in known), *out_types],
    )
    try:
        found = backward_jaxpr(program, [*known, *map(Undefined, out_types)], dots)
    except RuleError as error:
        raise fail(
            "G203", "can't apply forward-mode autodiff (jvp) to a custom_vjp function.", location=user_location(),
            hint=f"the reverse rule of {name} is not linear in the cotangents; define the rule with custom_jvp",
            cls=TypeError,
        ) from error  # fmt: skip
    return outs, found[m:]


def _custom_vjp_batch(size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any) -> Any:
    """The rules are traced for one sample and batched; all residuals and outputs carry the batch axis in front."""
    jaxpr, fwd, bwd = params["call_jaxpr"], params["fwd"], params["bwd"]
    n = fwd.num_around
    flags = [d is not None for d in dims]
    program, _ = batch_jaxpr(jaxpr, size, flags, [True] * len(jaxpr.outputs))
    in_types = [t.strong() for t in jaxpr.in_types[n:]]

    def batched_fwd(around: list[Any], primals: list[Any], perturbed: list[bool]) -> list[Any]:
        given = [*around, *primals]
        types = [_sample_type(type_of(p), b) for p, b in zip(given, flags, strict=True)]
        traced = trace_program(lambda *flat: fwd(list(flat[:n]), list(flat[n:]), perturbed), types)
        outs, out_dims = batch_values(traced, size, given, _axes(flags))
        return [batch_to_front(size, x, d) for x, d in zip(outs, out_dims, strict=True)]

    def batched_bwd(around: list[Any], residuals: list[Any], cts: list[Any]) -> list[Any]:
        m = n + len(residuals)
        active = [ct is not None for ct in cts]
        given = [*around, *residuals, *(ct for ct in cts if ct is not None)]
        own = [*flags[:n], *[True] * (len(given) - n)]
        types = [_sample_type(type_of(x), b) for x, b in zip(given, own, strict=True)]

        def rule(*flat: Any) -> list[Any]:
            found = bwd(list(flat[:n]), list(flat[n:m]), spread(flat[m:], active))
            return filled_cotangents(found, in_types)

        outs, out_dims = batch_values(trace_program(rule, types), size, given, _axes(own))
        front = [batch_to_front(size, x, d) for x, d in zip(outs, out_dims, strict=True)]
        return [x if b else reduce_sum(x, (0,)) for x, b in zip(front, flags[n:], strict=True)]

    moved = [x if d is None else moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    rules = {"fwd": fwd.with_function(batched_fwd), "bwd": bwd.with_function(batched_bwd)}
    out = bind(custom_vjp_call_p, *moved, **{**params, "call_jaxpr": program, **rules})
    return out, [0] * len(out)


custom_vjp_call_p = Primitive(
    "custom_vjp_call",
    type_rule=lambda *types, call_jaxpr, **params: call_types(*types, jaxpr=call_jaxpr),
    impl=lambda *args, call_jaxpr, **params: interpret(call_jaxpr, args),
    jvp=_custom_vjp_jvp,
    linearize=_custom_vjp_linearize,
    transpose=_transpose,
    batch=_custom_vjp_batch,
    multiple=True,
    family="custom",
)


def _linear_transpose(
    cts: Sequence[Any], *args: Any, bwd: Rule, num_res: int, out_types: tuple[ArrayType, ...], name: str
) -> list[Any]:
    around, residuals, tangents = split_list(args, bwd.num_around, num_res - bwd.num_around)
    found = bwd(around, residuals, list(cts))
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
