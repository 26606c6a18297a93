"""Taylor mode: a walk over the program with a truncated power series in place of every value.

:mod:`gradcli.engine.transforms.series` has the rules of elementary functions. Linear primitives act on each coefficient
by itself, bilinear ones convolve, programs inside are walked, and any other smooth primitive follows from its jvp rule:
y' = rule(x, x'), integrated. The cost of n derivatives grows like n², where nested differentiation grows exponentially.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import Array, type_of
from gradcli.engine.errors import RuleError, fail
from gradcli.engine.ir.program import Eqn, Jaxpr, Literal, Var
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.ops.shape import zeros
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind, trace_closed, trace_program, value_of
from gradcli.engine.transforms.series import RULES, Series, bilinear, constant, moves, scale, slope

_BILINEAR = {"mul", "dot_general", "conv_general_dilated"}
_LINEAR = _BILINEAR | {
    "add", "add_any", "all_gather", "broadcast_in_dim", "complex", "concatenate", "conj", "convert_element_type",
    "copy", "cumsum", "dynamic_slice", "dynamic_update_slice", "gather", "imag", "neg", "pad", "psum", "real",
    "reduce_scatter", "reduce_sum", "reduce_window_sum", "reshape", "rev", "scatter-add", "scatter-sub", "select_n",
    "slice", "squeeze", "stack", "sub", "tile", "transpose",
}  # fmt: skip


def jet_values(jaxpr: Jaxpr, inputs: Sequence[Series], order: int) -> list[Series]:
    """The output series, to ``order``, of a program at input series (each of order + 1 coefficients)."""
    env: dict[Var, Series] = {v: constant(c, order) for v, c in zip(jaxpr.constvars, jaxpr.consts, strict=True)}
    env.update(zip(jaxpr.inputs, inputs, strict=True))

    def read(atom: Any) -> Series:
        return constant(Array(atom.value, atom.type), order) if isinstance(atom, Literal) else env[atom]

    for eqn in jaxpr.eqns:
        outs = _jet_eqn(eqn, [read(a) for a in eqn.inputs], order)
        env.update(zip(eqn.outputs, outs, strict=True))
    return [read(a) for a in jaxpr.outputs]


def _jet_eqn(eqn: Eqn, args: list[Series], order: int) -> list[Series]:
    primitive, params = eqn.primitive, eqn.params
    if not any(map(moves, args)) or not any(v.type.is_float for v in eqn.outputs):
        out = bind(primitive, *[s[0] for s in args], **params)
        return [constant(o, order) for o in (out if primitive.multiple else [out])]
    nested = _NESTED.get(primitive.name)
    if nested is not None:
        return nested(args, order, params)
    if primitive.name in _BILINEAR and all(map(moves, args)):
        return [bilinear(primitive, *args, **params)]
    rule = RULES.get(primitive.name)
    if rule is not None:
        return [rule(*args, **params)]
    if primitive.name in _LINEAR:
        return [_linear_map(eqn, args, order)]
    return _by_derivative(eqn, args, order)


def _linear_map(eqn: Eqn, args: list[Series], order: int) -> Series:
    """Primitives that are linear in all operands that vary: each coefficient by itself."""
    primitive = eqn.primitive
    varying = [moves(s) for s in args]
    floats = [type_of(s[0]).is_float for s in args]
    out = [bind(primitive, *[s[0] for s in args], **eqn.params)]
    for k in range(1, order + 1):
        if all(s[k] is None for s in args):
            out.append(None)
            continue
        operands = [
            s[0]
            if not is_float or (not v and primitive.name in _BILINEAR)
            else (zeros(type_of(s[0])) if s[k] is None else s[k])
            for s, v, is_float in zip(args, varying, floats, strict=True)
        ]
        out.append(bind(primitive, *operands, **eqn.params))
    return out


def _by_derivative(eqn: Eqn, args: list[Series], order: int) -> list[Series]:
    """y' = jvp(x, x'): the series of the derivative to one order less, integrated term by term."""
    primitive = eqn.primitive
    heads = [s[0] for s in args]
    out = bind(primitive, *heads, **eqn.params)
    outs = list(out) if primitive.multiple else [out]
    if order == 0:
        return [[o] for o in outs]
    active = [moves(s) and type_of(s[0]).is_float for s in args]
    types = [type_of(h) for h in heads]
    slots: list[int] = []

    def derivative(*flat: Any) -> list[Any]:
        stream = iter(flat[len(heads) :])
        tangents = [next(stream) if a else None for a in active]
        _, dots = primitive.rule("jvp")(list(flat[: len(heads)]), tangents, **eqn.params)
        found = list(dots) if primitive.multiple else [dots]
        slots.extend(i for i, d in enumerate(found) if d is not None)
        return [d for d in found if d is not None]

    program = trace_program(derivative, [*types, *(t.strong() for t, a in zip(types, active, strict=True) if a)])
    slopes = [slope(s) for s, a in zip(args, active, strict=True) if a]
    found = jet_values(program, [*[s[:order] for s in args], *slopes], order - 1)
    result = [constant(o, order) for o in outs]
    for slot, series in zip(slots, found, strict=True):
        result[slot] = [outs[slot], *[None if c is None else scale(c, 1 / (k + 1)) for k, c in enumerate(series)]]
    return result


# --- programs inside --------------------------------------------------------------------------------------------------


def _flattened(series: Sequence[Series], mask: Sequence[bool]) -> list[Any]:
    """The heads, then all other coefficients (zeros written out) of the series that the mask names."""
    rest = [
        zeros(type_of(s[0]).strong()) if c is None else c for s, m in zip(series, mask, strict=True) if m for c in s[1:]
    ]
    return [*(s[0] for s in series), *rest]


def _unflattened(flat: Sequence[Any], mask: Sequence[bool], order: int) -> list[Series]:
    heads, rest = flat[: len(mask)], iter(flat[len(mask) :])
    out = []
    for head, moving in zip(heads, mask, strict=True):
        out.append([head, *(next(rest) if moving else None for _ in range(order))])
    return out


def _jet_program(
    jaxpr: Jaxpr, mask: Sequence[bool], order: int, wanted: Sequence[bool] | None = None
) -> tuple[Jaxpr, list[bool]]:
    """The program of flat series to flat series, and which outputs move; ``wanted``: do so in any case."""
    out_mask: list[bool] = []

    def run(*flat: Any) -> list[Any]:
        outs = jet_values(jaxpr, _unflattened(flat, mask, order), order)
        out_mask.extend(moves(s) or w for s, w in zip(outs, wanted or [False] * len(outs), strict=True))
        return _flattened(outs, out_mask)

    extra = [t.strong() for t, m in zip(jaxpr.in_types, mask, strict=True) if m for _ in range(order)]
    return trace_closed(run, [*jaxpr.in_types, *extra], jaxpr.name), out_mask


def _grouped(flat: Sequence[Any], counts: Sequence[int], mask: Sequence[bool], order: int) -> list[list[Any]]:
    """Flat series of several groups, one list a group: its heads, then its coefficients."""
    heads, rest = list(flat[: len(mask)]), list(flat[len(mask) :])
    groups, at, used = [], 0, 0
    for n in counts:
        size = order * sum(mask[at : at + n])
        groups.append([*heads[at : at + n], *rest[used : used + size]])
        at, used = at + n, used + size
    return groups


def _reordered(
    jaxpr: Jaxpr, counts: Sequence[int], mask: Sequence[bool], out_counts: Sequence[int], out_mask: Sequence[bool],
    order: int,
) -> Jaxpr:  # fmt: skip
    """The flat program with inputs and outputs group by group."""
    inputs = [v for group in _grouped(jaxpr.inputs, counts, mask, order) for v in group]
    outputs = [v for group in _grouped(jaxpr.outputs, out_counts, out_mask, order) for v in group]
    return Jaxpr(tuple(inputs), jaxpr.eqns, tuple(outputs), jaxpr.constvars, jaxpr.consts, name=jaxpr.name)


def _jet_scan(args: list[Series], order: int, params: dict[str, Any]) -> list[Series]:
    """One loop, whose carry holds the coefficients too."""
    jaxpr, n_consts, n_carry = params["jaxpr"], params["num_consts"], params["num_carry"]
    mask = [moves(s) for s in args]
    n_ys = len(jaxpr.outputs) - n_carry
    while True:
        carry_mask = mask[n_consts : n_consts + n_carry]
        program, out_mask = _jet_program(jaxpr, mask, order, [*carry_mask, *[False] * n_ys])
        if out_mask[:n_carry] == carry_mask:
            break
        mask[n_consts : n_consts + n_carry] = out_mask[:n_carry]
    counts = (n_consts, n_carry, len(args) - n_consts - n_carry)
    body = _reordered(program, counts, mask, (n_carry, n_ys), out_mask, order)
    consts, carry, xs = _grouped(_flattened(args, mask), counts, mask, order)
    out = bind(
        REGISTRY["scan"], *consts, *carry, *xs,
        **{**params, "jaxpr": body, "num_consts": len(consts), "num_carry": len(carry)},
    )  # fmt: skip
    first = _unflattened(out[: len(carry)], out_mask[:n_carry], order)
    return [*first, *_unflattened(out[len(carry) :], out_mask[n_carry:], order)]


def _jet_while(args: list[Series], order: int, params: dict[str, Any]) -> list[Series]:
    """One loop, whose carry holds the coefficients too; the condition looks at values only."""
    test, body = params["cond_jaxpr"], params["body_jaxpr"]
    n_test, n_body = params["cond_nconsts"], params["body_nconsts"]
    moving = args[n_test:]
    mask = [moves(s) for s in moving]
    n_carry = len(body.outputs)
    while True:
        program, out_mask = _jet_program(body, mask, order, mask[n_body:])
        if out_mask == mask[n_body:]:
            break
        mask[n_body:] = out_mask
    counts = (n_body, n_carry)
    new_body = _reordered(program, counts, mask, (n_carry,), out_mask, order)
    consts, carry = _grouped(_flattened(moving, mask), counts, mask, order)
    ignored = tuple(Var(type_of(c)) for c in carry[n_carry:])
    new_test = Jaxpr((*test.inputs, *ignored), test.eqns, test.outputs, test.constvars, test.consts, name=test.name)
    out = bind(
        REGISTRY["while"], *(s[0] for s in args[:n_test]), *consts, *carry,
        cond_jaxpr=new_test, body_jaxpr=new_body, cond_nconsts=n_test, body_nconsts=len(consts),
    )  # fmt: skip
    return _unflattened(out, out_mask, order)


def _jet_cond(args: list[Series], order: int, params: dict[str, Any]) -> list[Series]:
    """The branch that is taken where that is known, else one equation with all of them."""
    branches, operands = params["branches"], args[1:]
    index = value_of(args[0][0])
    if index is not None:
        return jet_values(branches[max(0, min(int(index), len(branches) - 1))], operands, order)
    mask = [moves(s) for s in operands]
    masks = [_jet_program(b, mask, order)[1] for b in branches]
    wanted = [any(column) for column in zip(*masks, strict=True)]
    programs = tuple(_jet_program(b, mask, order, wanted)[0] for b in branches)
    out = bind(REGISTRY["cond"], args[0][0], *_flattened(operands, mask), branches=programs)
    return _unflattened(out, wanted, order)


def _jet_call(args: list[Series], order: int, params: dict[str, Any]) -> list[Series]:
    return jet_values(params["jaxpr"] if "jaxpr" in params else params["call_jaxpr"], args, order)


def _jet_callback(args: list[Series], order: int, params: dict[str, Any]) -> list[Series]:
    raise fail("G203", "Taylor mode cannot go through a Python callback", location=user_location(),
               hint="write the function with gradcli.numpy", cls=RuleError)  # fmt: skip


_NESTED: dict[str, Callable[[list[Series], int, dict[str, Any]], list[Series]]] = {
    "jit": _jet_call,
    "remat2": _jet_call,
    "custom_jvp_call": _jet_call,
    "custom_vjp_call": _jet_call,
    "cond": _jet_cond,
    "while": _jet_while,
    "scan": _jet_scan,
    "pure_callback": _jet_callback,
    "io_callback": _jet_callback,
}


def derivatives(jaxpr: Jaxpr, inputs: Sequence[Any], direction: Sequence[Any], order: int) -> list[list[Any]]:
    """Derivatives 0 … order of a program along a direction (None: that input stands still), for each output."""
    series = [[x, d, *[None] * (order - 1)] if order else [x] for x, d in zip(inputs, direction, strict=True)]
    found = jet_values(jaxpr, series, order)
    return [
        [zeros(type_of(out[0])) if c is None else scale(c, float(math.factorial(k))) for k, c in enumerate(out)]
        for out in found
    ]
