"""``scan``: a loop of known length with a carry, inputs read slice by slice and outputs stacked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, raw, type_of
from gradcli.engine.control.common import filled, fixpoint, mismatch, pick, reordered, split_list, spread, trace_tree
from gradcli.engine.control.run import LONG, run_compiled
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType, promote_types
from gradcli.engine.ops.cuts import concatenate
from gradcli.engine.ops.define import Primitive, Undefined, is_linear
from gradcli.engine.ops.elementwise import add_any, convert_element_type
from gradcli.engine.ops.shape import batch_to_front, expand_dims, moveaxis, zeros
from gradcli.engine.refs import RefsWritten, put_all, threaded, values_of
from gradcli.engine.settings import settings
from gradcli.engine.trace.tracer import bind, trace_closed
from gradcli.engine.transforms.batch import batch_jaxpr
from gradcli.engine.transforms.jvp import jvp_jaxpr
from gradcli.engine.transforms.linearize import linearize_jaxpr
from gradcli.engine.transforms.transpose import backward_jaxpr
from gradcli.engine.tree import tree_flatten, tree_unflatten


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """``carry, y = f(carry, x)`` for every slice ``x`` of ``xs`` along its first axis; returns the last carry, all ys.

    ``init``, ``xs`` and the ys are pytrees; ``length`` is needed when ``xs`` is None. ``reverse`` goes from the end.
    Raises TypeError (G209) where the carry changes its structure or type.

    >>> carry, ys = scan(lambda c, x: (c + x, c), 0.0, np.arange(4.0))
    >>> print(carry, ys)
    6.0 [0. 0. 1. 3.]
    """
    if settings().steps:
        return _by_python(f, init, xs, length, reverse)
    try:
        return _scan(f, init, xs, length, reverse, unroll)
    except RefsWritten as told:
        refs, one = told.refs, threaded(f, told.refs)

    def body(both: Any, x: Any) -> Any:
        values, (carry, y) = one(both[0], both[1], x)
        return (values, carry), y

    body.__name__ = one.__name__
    (values, carry), ys = scan(body, (values_of(refs), init), xs, length, reverse, unroll)
    put_all(refs, values)
    return carry, ys


def _scan(f: Any, init: Any, xs: Any, length: int | None, reverse: bool, unroll: int | bool) -> tuple[Any, Any]:
    carry_leaves, carry_tree = tree_flatten(init)
    x_leaves, x_tree = tree_flatten(xs)
    n = _length(x_leaves, length)
    x_types = [type_of(x).with_shape(type_of(x).shape[1:]) for x in x_leaves]
    jaxpr, carry_leaves, out_tree = _trace_body(f, carry_leaves, carry_tree, x_types, x_tree)
    closed, consts = jaxpr.closed()
    out = bind(
        scan_p, *consts, *carry_leaves, *x_leaves, jaxpr=closed, length=n, reverse=bool(reverse), unroll=int(unroll),
        num_consts=len(consts), num_carry=len(carry_leaves),
    )  # fmt: skip
    carry, ys = tree_unflatten(out_tree, out)
    return carry, ys


def as_array(x: Any) -> Any:
    """A leaf as a value."""
    return x if isinstance(x, Value) else Array(raw(x), type_of(x))


def _by_python(f: Any, init: Any, xs: Any, length: int | None, reverse: bool) -> tuple[Any, Any]:
    """One call of the body after the other."""
    leaves, tree = tree_flatten(xs)
    n = _length(leaves, length)
    carry, rows = init, []
    for i in reversed(range(n)) if reverse else range(n):
        carry, y = f(carry, tree_unflatten(tree, [as_array(x)[i] for x in leaves]))
        rows.append(y)
    if not n:
        return _scan(f, init, xs, length, reverse, 1)
    rows = rows[::-1] if reverse else rows
    _, y_tree = tree_flatten(rows[0])
    columns = zip(*[y_tree.flatten_up_to(row) for row in rows], strict=True)
    ys = [concatenate([expand_dims(x, (0,)) for x in column], 0) for column in columns]
    return carry, tree_unflatten(y_tree, ys)


def _length(xs: Sequence[Any], length: int | None) -> int:
    sizes = set()
    for x in xs:
        if not type_of(x).shape:
            raise mismatch("scan got a scalar among xs", "every leaf of xs needs a leading axis")
        sizes.add(type_of(x).shape[0])
    if length is not None:
        sizes.add(int(length))
    if len(sizes) != 1:
        what = "needs xs or a length" if not sizes else f"got leading axes of different lengths: {sorted(sizes)}"
        raise mismatch(f"scan {what}")
    return int(sizes.pop())


def _trace_body(f: Any, carry: list[Any], carry_tree: Any, x_types: Any, x_tree: Any) -> tuple[Jaxpr, list[Any], Any]:
    """The body's program; carries that are weak where the body makes them strong are converted first, as JAX does."""
    _, both = tree_flatten((tree_unflatten(carry_tree, carry), tree_unflatten(x_tree, x_types)))
    types = [type_of(c) for c in carry]
    jaxpr, out_tree = trace_tree(f, both, [*types, *x_types], getattr(f, "__name__", "body"))
    if out_tree.type is not tuple or len(out_tree.parts) != 2:
        raise mismatch(f"the body of scan must return (carry, y), got {out_tree}")
    if out_tree.parts[0] != carry_tree:
        raise mismatch(f"the carry of scan changes its structure from {carry_tree} to {out_tree.parts[0]}")
    out = jaxpr.out_types[: len(types)]
    if all(a.strong() is b.strong() for a, b in zip(types, out, strict=True)):
        return jaxpr, carry, out_tree
    if all(a.shape == b.shape and becomes(a, b) for a, b in zip(types, out, strict=True)):
        carry = [convert_element_type(c, b.dtype) for c, b in zip(carry, out, strict=True)]
        jaxpr, out_tree = trace_tree(f, both, [*(type_of(c) for c in carry), *x_types], jaxpr.name)
        if all(type_of(a).strong() is b.strong() for a, b in zip(carry, jaxpr.out_types, strict=False)):
            return jaxpr, carry, out_tree
    raise mismatch(
        f"the carry of a loop changes its type: in {', '.join(map(str, types))}, out {', '.join(map(str, out))}",
        "give the initial carry the dtype and shape that the body returns",
    )


def becomes(a: ArrayType, b: ArrayType) -> bool:
    """Whether a carry of type ``a`` may be converted to ``b``: it is weak, and both promote to ``b``."""
    return a.dtype == b.dtype or (a.weak_type and promote_types(a, b)[0] == b.dtype)


def _type(*types: ArrayType, jaxpr: Jaxpr, length: int, num_consts: int, num_carry: int, **_: Any) -> list[ArrayType]:
    carry, ys = split_list(jaxpr.out_types, num_carry)
    return [*weak_throughout(types[num_consts:], carry), *(t.with_shape((length, *t.shape)) for t in ys)]


def weak_throughout(first: Sequence[ArrayType], last: Sequence[ArrayType]) -> list[ArrayType]:
    """The types of what a loop carries in the end: weak where they were at first and the body left them so."""
    return [b if a.weak_type else b.strong() for a, b in zip(first, last, strict=False)]


def _impl(
    *args: Any, jaxpr: Jaxpr, length: int, reverse: bool, num_consts: int, num_carry: int, unroll: int
) -> list[Any]:
    consts, carry, xs = split_list(args, num_consts, num_carry)
    y_types = jaxpr.out_types[num_carry:]
    ys = [np.empty((length, *t.shape), t.dtype) for t in y_types]
    for i in reversed(range(length)) if reverse else range(length):
        out = interpret(jaxpr, [*consts, *carry, *(x[i] for x in xs)])
        carry = out[:num_carry]
        for y, value in zip(ys, out[num_carry:], strict=True):
            y[i] = value
    return [*carry, *ys]


def _run(*args: Any, **params: Any) -> list[Any]:
    return run_compiled(scan_p, args, params) if params["length"] >= LONG else _impl(*args, **params)


def _bind(
    consts: Sequence[Any], carry: Sequence[Any], xs: Sequence[Any], jaxpr: Jaxpr, params: dict[str, Any]
) -> list[Any]:
    new = {**params, "num_consts": len(consts), "num_carry": len(carry)}
    out: list[Any] = bind(scan_p, *consts, *carry, *xs, jaxpr=jaxpr, **new)
    return out


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], jaxpr: Jaxpr, **params: Any) -> tuple[list[Any], list[Any]]:
    n_consts, n_carry = params["num_consts"], params["num_carry"]
    active = [t is not None for t in tangents]
    const_on, carry_on, x_on = split_list(active, n_consts, n_carry)
    n_ys = len(jaxpr.outputs) - n_carry

    def step(mask: list[bool]) -> tuple[tuple[Jaxpr, list[bool]], list[bool]]:
        program, out = jvp_jaxpr(jaxpr, [*const_on, *mask, *x_on], [*mask, *[False] * n_ys])
        return (program, out), out[:n_carry]

    (program, out_on), carry_on = fixpoint(step, carry_on)
    sizes = (n_consts, n_carry, len(x_on), sum(const_on), sum(carry_on))
    c, k, x, cd, kd, xd = split_list(program.inputs, *sizes)
    ko, yo, kdo, ydo = split_list(program.outputs, n_carry, n_ys, sum(carry_on))
    body = reordered(program, [*c, *cd, *k, *kd, *x, *xd], [*ko, *kdo, *yo, *ydo])
    consts, carry, xs = split_list(primals, n_consts, n_carry)
    consts_t, carry_t, xs_t = split_list(tangents, n_consts, n_carry)
    carry_dots = filled(carry_t, carry_on, [type_of(v) for v in carry])
    out = _bind([*consts, *pick(consts_t, const_on)], [*carry, *carry_dots], [*xs, *pick(xs_t, x_on)], body, params)
    k_out, kd_out, ys, yd_out = split_list(out, n_carry, sum(carry_on), n_ys)
    return [*k_out, *ys], [*spread(kd_out, carry_on), *spread(yd_out, out_on[n_carry:])]


def _linearize(
    primals: Sequence[Any], tangents: Sequence[Any], jaxpr: Jaxpr, **params: Any
) -> tuple[list[Any], list[Any]]:
    """The known loop also stacks what the linear loop needs; constants and xs are passed on, not stacked."""
    n_consts, n_carry = params["num_consts"], params["num_carry"]
    const_on, carry_on, x_on = split_list([t is not None for t in tangents], n_consts, n_carry)
    n_xs, n_ys = len(x_on), len(jaxpr.outputs) - n_carry
    forward = [True] * n_consts + [False] * n_carry + [True] * n_xs

    def step(mask: list[bool]) -> tuple[Any, list[bool]]:
        split = linearize_jaxpr(jaxpr, [*const_on, *mask, *x_on], [*mask, *[False] * n_ys], forward)
        return split, list(split.out_active[:n_carry])

    split, carry_on = fixpoint(step, carry_on)
    consts, carry, xs = split_list(primals, n_consts, n_carry)
    out = _bind(consts, carry, xs, split.known, params)
    outs, computed = split_list(out, n_carry + n_ys)
    if not any(split.out_active):
        return outs, [None] * len(outs)
    residuals = split.residuals(primals, computed)
    constant = [i is not None and i < n_consts for i in split.residual_inputs]
    res_vars, dot_vars = split_list(split.linear.inputs, len(residuals))
    cd, kd, xd = split_list(dot_vars, sum(const_on), sum(carry_on))
    res_const, res_x = pick(res_vars, constant), pick(res_vars, [not b for b in constant])
    body = reordered(split.linear, [*res_const, *cd, *kd, *res_x, *xd], split.linear.outputs)
    consts_t, carry_t, xs_t = split_list(tangents, n_consts, n_carry)
    dots = _bind(
        [*pick(residuals, constant), *pick(consts_t, const_on)],
        filled(carry_t, carry_on, [type_of(v) for v in carry]),
        [*pick(residuals, [not b for b in constant]), *pick(xs_t, x_on)],
        body,
        params,
    )
    kd_out, yd_out = split_list(dots, sum(carry_on))
    return outs, [*spread(kd_out, carry_on), *spread(yd_out, split.out_active[n_carry:])]


def _transpose(cts: Sequence[Any], *args: Any, jaxpr: Jaxpr, **params: Any) -> list[Any]:
    """The loop run the other way: its carry holds the cotangents of the carry and the sums for the constants.

    An initial carry that is known (a zero tangent, say) only adds a constant to a linear loop: it has no part in this.
    """
    n_consts, n_carry = params["num_consts"], params["num_carry"]
    consts, carry, xs = split_list(args, n_consts, n_carry)
    const_lin, x_lin = [is_linear(c) for c in consts], [is_linear(x) for x in xs]
    carry_types = jaxpr.in_types[n_consts : n_consts + n_carry]
    ct_carry, ct_ys = split_list(cts, n_carry)
    has_y = [ct is not None for ct in ct_ys]
    const_types, x_types = jaxpr.in_types[:n_consts], jaxpr.in_types[n_consts + n_carry :]
    lin_const_types, lin_x_types = pick(const_types, const_lin), pick(x_types, x_lin)
    sizes = (const_lin.count(False), len(lin_const_types), n_carry, x_lin.count(False))

    def body(*inputs: Any) -> list[Any]:
        known_consts, sums, ct_out, known_xs, ct_y = split_list(inputs, *sizes)
        stream_c, stream_x = iter(known_consts), iter(known_xs)
        full = [
            *(Undefined(t) if lin else next(stream_c) for t, lin in zip(const_types, const_lin, strict=True)),
            *(Undefined(t) for t in carry_types),
            *(Undefined(t) if lin else next(stream_x) for t, lin in zip(x_types, x_lin, strict=True)),
        ]
        found = backward_jaxpr(jaxpr, full, [*ct_out, *spread(ct_y, has_y)])
        c, k, x = split_list(found, n_consts, n_carry)
        new_sums = [s if ct is None else add_any(s, ct) for s, ct in zip(sums, pick(c, const_lin), strict=True)]
        return [*new_sums, *_zero_filled(k, carry_types), *_zero_filled(pick(x, x_lin), lin_x_types)]

    y_types = pick(jaxpr.out_types[n_carry:], has_y)
    types = [
        *pick(const_types, [not b for b in const_lin]), *lin_const_types, *carry_types,
        *pick(x_types, [not b for b in x_lin]), *y_types,
    ]  # fmt: skip
    program = trace_closed(body, [t.strong() for t in types], jaxpr.name)
    out = _bind(
        [c for c in consts if not is_linear(c)],
        [*(zeros(t.strong()) for t in lin_const_types), *_zero_filled(ct_carry, carry_types)],
        [*(x for x in xs if not is_linear(x)), *pick(ct_ys, has_y)],
        program,
        {**params, "reverse": not params["reverse"]},
    )
    ct_consts, ct_init, ct_xs = split_list(out, len(lin_const_types), n_carry)
    ct_linear = [ct if is_linear(c) else None for ct, c in zip(ct_init, carry, strict=True)]
    return [*spread(ct_consts, const_lin), *ct_linear, *spread(ct_xs, x_lin)]


def _zero_filled(cts: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    return [zeros(t.strong()) if ct is None else ct for ct, t in zip(cts, types, strict=True)]


def _batch(size: int, args: Sequence[Any], dims: Sequence[int | None], jaxpr: Jaxpr, **params: Any) -> Any:
    n_consts, n_carry = params["num_consts"], params["num_carry"]
    const_b, carry_b, x_b = split_list([d is not None for d in dims], n_consts, n_carry)
    n_ys = len(jaxpr.outputs) - n_carry

    def step(mask: list[bool]) -> tuple[tuple[Jaxpr, list[bool]], list[bool]]:
        program, out = batch_jaxpr(jaxpr, size, [*const_b, *mask, *x_b], [*mask, *[False] * n_ys])
        return (program, out), out[:n_carry]

    (program, out_b), carry_b = fixpoint(step, carry_b)
    consts, carry, xs = split_list(args, n_consts, n_carry)
    const_d, carry_d, x_d = split_list(dims, n_consts, n_carry)
    moved_consts = [x if d is None else moveaxis(x, d, 0) for x, d in zip(consts, const_d, strict=True)]
    moved_carry = [batch_to_front(size, x, d) if b else x for x, d, b in zip(carry, carry_d, carry_b, strict=True)]
    moved_xs = [x if d is None else moveaxis(x, d, 1) for x, d in zip(xs, x_d, strict=True)]
    out = _bind(moved_consts, moved_carry, moved_xs, program, params)
    out_dims = [0 if b else None for b in carry_b] + [1 if b else None for b in out_b[n_carry:]]
    return out, out_dims


scan_p = Primitive(
    "scan",
    type_rule=_type,
    impl=_impl,
    run=_run,
    jvp=_jvp,
    linearize=_linearize,
    transpose=_transpose,
    batch=_batch,
    multiple=True,
    family="control",
)


def loop_map(f: Callable[[Any], Any], xs: Any) -> Any:
    """``f`` of every slice along the first axis, one after the other, results stacked."""
    return scan(lambda _, x: ((), f(x)), (), xs)[1]
