"""``while_loop`` and ``fori_loop``. A loop of known length is a ``scan``, which reverse mode can go through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from gradcli.engine.array import is_value, type_of
from gradcli.engine.control.common import (
    filled,
    fixpoint,
    mismatch,
    pick,
    reordered,
    split_list,
    spread,
    trace_tree,
    with_ignored_inputs,
)
from gradcli.engine.control.run import LONG, run_compiled
from gradcli.engine.control.scan import as_array, becomes, scan, scan_p, weak_throughout
from gradcli.engine.errors import ConcretizationTypeError, fail
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.elementwise import add, convert_element_type, lt, select_n
from gradcli.engine.ops.reduce import reduce_or
from gradcli.engine.ops.shape import batch_to_front, moveaxis, reshape
from gradcli.engine.refs import RefsWritten, put_all, threaded, values_of
from gradcli.engine.settings import settings
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer, bind, trace_closed, value_of
from gradcli.engine.transforms.batch import batch_jaxpr
from gradcli.engine.transforms.jvp import jvp_jaxpr
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.tree import tree_flatten, tree_map, tree_unflatten


def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any) -> Any:
    """``while cond_fun(val): val = body_fun(val)`` on a pytree of arrays whose types stay the same.

    Forward mode always works; reverse mode needs the number of steps, and so concrete values (else G203).

    >>> print(while_loop(lambda x: x < 10, lambda x: 2 * x, 1))
    16
    """
    if settings().steps:
        with suppress(ConcretizationTypeError):  # there is no value to go by
            val = tree_map(as_array, init_val)
            while bool(cond_fun(val)):
                val = body_fun(val)
            return val
    try:
        return _while_loop(cond_fun, body_fun, init_val)
    except RefsWritten as told:
        refs = told.refs
    test, body = threaded(cond_fun, refs), threaded(body_fun, refs)
    values, out = while_loop(lambda c: test(*c)[1], lambda c: body(*c), (values_of(refs), init_val))
    put_all(refs, values)
    return out


def _while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any) -> Any:
    leaves, tree = tree_flatten(init_val)
    _, args_tree = tree_flatten((init_val,))
    types = [type_of(x) for x in leaves]
    body, out_tree = trace_tree(body_fun, args_tree, types, getattr(body_fun, "__name__", "body"))
    if out_tree != tree:
        raise mismatch(f"the body of while_loop changes the structure from {tree} to {out_tree}")
    if any(a.dtype != b.dtype and becomes(a, b) for a, b in zip(types, body.out_types, strict=True)):
        leaves = [convert_element_type(x, t.dtype) for x, t in zip(leaves, body.out_types, strict=True)]
        types = [type_of(x) for x in leaves]
        body, _ = trace_tree(body_fun, args_tree, types, body.name)
    for a, b in zip(types, body.out_types, strict=True):
        if a.strong() is not b.strong():
            raise mismatch(f"the body of while_loop changes a type from {a} to {b}", "convert the initial value")
    test, test_tree = trace_tree(cond_fun, args_tree, types, getattr(cond_fun, "__name__", "cond"))
    if len(test.outputs) != 1 or test.out_types[0].shape or test.out_types[0].dtype.kind != "b":
        raise mismatch(f"the condition of while_loop must return one bool scalar, got {list(test.out_types)}")
    test, test_consts = test.closed()
    body, body_consts = body.closed()
    out = bind(
        while_p, *test_consts, *body_consts, *leaves,
        cond_jaxpr=test, body_jaxpr=body, cond_nconsts=len(test_consts), body_nconsts=len(body_consts),
    )  # fmt: skip
    return tree_unflatten(tree, out)


def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any, *, unroll: Any = None) -> Any:
    """``for i in range(lower, upper): val = body_fun(i, val)``; with constant bounds a scan, else a while loop.

    >>> print(fori_loop(0, 5, lambda i, x: x + i, 0))
    10
    """
    if not isinstance(lower, Tracer) and not isinstance(upper, Tracer):
        first, last = int(lower), int(upper)
        start = lower if is_value(lower) and not isinstance(lower, int) else first

        def step(carry: Any, _: Any) -> Any:
            i, val = carry
            return (i + 1, body_fun(i, val)), None

        (_, out), _ = scan(step, (start, init_val), None, max(last - first, 0))
        return out
    dtype = type_of(upper if isinstance(upper, Tracer) else lower).dtype
    low, high = (x if type_of(x).dtype == dtype else convert_element_type(x, dtype) for x in (lower, upper))
    _, _, result = while_loop(
        lambda c: lt(c[0], c[1]),
        lambda c: (add(c[0], 1), c[1], body_fun(c[0], c[2])),
        (low, high, init_val),
    )
    return result


def _split(args: Sequence[Any], params: dict[str, Any]) -> list[list[Any]]:
    return split_list(args, params["cond_nconsts"], params["body_nconsts"])


def _type(*types: ArrayType, body_jaxpr: Jaxpr, cond_nconsts: int, body_nconsts: int, **_: Any) -> list[ArrayType]:
    return weak_throughout(types[cond_nconsts + body_nconsts :], body_jaxpr.out_types)


def _run(*args: Any, **params: Any) -> list[Any]:
    """Interprets the first steps; a loop that goes on is compiled from there."""
    test_consts, body_consts, carry = _split(args, params)
    for _ in range(LONG):
        if not bool(interpret(params["cond_jaxpr"], [*test_consts, *carry])[0]):
            return carry
        carry = interpret(params["body_jaxpr"], [*body_consts, *carry])
    return run_compiled(while_p, [*test_consts, *body_consts, *carry], params)


def _impl(*args: Any, cond_jaxpr: Jaxpr, body_jaxpr: Jaxpr, cond_nconsts: int, body_nconsts: int) -> list[Any]:
    test_consts, body_consts, carry = split_list(args, cond_nconsts, body_nconsts)
    while bool(interpret(cond_jaxpr, [*test_consts, *carry])[0]):
        carry = interpret(body_jaxpr, [*body_consts, *carry])
    return carry


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[list[Any], list[Any]]:
    test_consts, body_consts, carry = _split(primals, params)
    _, body_t, carry_t = _split(tangents, params)
    body = params["body_jaxpr"]
    const_on = [t is not None for t in body_t]
    n = len(carry)

    def step(mask: list[bool]) -> tuple[Jaxpr, list[bool]]:
        program, out = jvp_jaxpr(body, [*const_on, *mask], mask)
        return program, out

    program, carry_on = fixpoint(step, [t is not None for t in carry_t])
    c, k, cd, kd = split_list(program.inputs, len(body_consts), n, sum(const_on))
    new_body = reordered(program, [*c, *cd, *k, *kd], program.outputs)
    dots = filled(carry_t, carry_on, [type_of(v) for v in carry])
    consts = [*body_consts, *pick(body_t, const_on)]
    out = bind(
        while_p, *test_consts, *consts, *carry, *dots,
        cond_jaxpr=with_ignored_inputs(params["cond_jaxpr"], [type_of(d) for d in dots]),
        body_jaxpr=new_body, cond_nconsts=len(test_consts), body_nconsts=len(consts),
    )  # fmt: skip
    outs, out_dots = split_list(out, n)
    return outs, spread(out_dots, carry_on)


def _linearize(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[list[Any], list[Any]]:
    """Reverse mode: where the values are concrete the steps are counted, and the loop becomes a scan of that length.

    Elsewhere the tangents run in a loop of their own beside the primals; only transposing that one fails.
    """
    test_consts, body_consts, carry = _split(primals, params)
    if all(t is None for t in tangents[len(test_consts) :]):
        return bind(while_p, *primals, **params), [None] * len(carry)
    length = _count_steps(primals, params)
    if length is None:
        return bind(while_p, *primals, **params), _jvp(primals, tangents, **params)[1]
    scan_params = {"jaxpr": params["body_jaxpr"], "length": length, "reverse": False, "unroll": 1}
    counts = {"num_consts": len(body_consts), "num_carry": len(carry)}
    outs, dots = scan_p.rule("linearize")([*body_consts, *carry], tangents[len(test_consts) :], **scan_params, **counts)
    return outs, dots


def _transpose(cts: Sequence[Any], *args: Any, **params: Any) -> list[Any]:
    raise fail(
        "G203",
        "reverse-mode differentiation does not work through a while loop whose number of steps is unknown "
        "(under vmap, jit, or inside another loop)",
        hint="use scan, or fori_loop with constant bounds; forward mode (jvp, jacfwd) works",
        location=user_location(),
        cls=ValueError,
    )


def _count_steps(args: Sequence[Any], params: dict[str, Any]) -> int | None:
    values = [value_of(a) for a in args]
    if any(v is None for v in values):
        return None
    test_consts, body_consts, carry = _split(values, params)
    steps = 0
    with np.errstate(all="ignore"):
        while bool(interpret(params["cond_jaxpr"], [*test_consts, *carry])[0]):
            carry = interpret(params["body_jaxpr"], [*body_consts, *carry])
            steps += 1
    return steps


def _batch(
    size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any
) -> tuple[list[Any], list[int | None]]:
    test, body = params["cond_jaxpr"], params["body_jaxpr"]
    test_d, body_d, carry_d = _split(dims, params)
    test_b, body_b = [d is not None for d in test_d], [d is not None for d in body_d]

    def step(mask: list[bool]) -> tuple[None, list[bool]]:
        _, out = batch_jaxpr(body, size, [*body_b, *mask], mask)
        _, (test_out,) = batch_jaxpr(test, size, [*test_b, *mask])
        return None, [True] * len(out) if test_out else out

    _, carry_b = fixpoint(step, [d is not None for d in carry_d])
    new_body, _ = batch_jaxpr(body, size, [*body_b, *carry_b], carry_b)
    new_test, (pred_batched,) = batch_jaxpr(test, size, [*test_b, *carry_b])
    moved = [x if d is None else moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    test_consts, body_consts, _ = _split(moved, params)
    carry = [
        batch_to_front(size, x, d) if b else x
        for x, d, b in zip(_split(args, params)[2], carry_d, carry_b, strict=True)
    ]
    if pred_batched:
        n_test = len(test_consts)
        new_body = _masked_body(new_test, new_body, n_test)
        new_test = _any_test(new_test)
        body_consts = [*test_consts, *body_consts]
    out = bind(
        while_p, *test_consts, *body_consts, *carry,
        cond_jaxpr=new_test, body_jaxpr=new_body, cond_nconsts=len(test_consts), body_nconsts=len(body_consts),
    )  # fmt: skip
    return out, [0 if b else None for b in carry_b]


def _any_test(test: Jaxpr) -> Jaxpr:
    return trace_closed(lambda *args: [reduce_or(evaluate_jaxpr(test, args)[0], (0,))], test.in_types, test.name)


def _masked_body(test: Jaxpr, body: Jaxpr, n_test: int) -> Jaxpr:
    """The body that leaves the samples alone whose own condition has become false."""
    n_body = len(body.inputs) - len(body.outputs)

    def run(*args: Any) -> list[Any]:
        test_consts, body_consts, carry = split_list(args, n_test, n_body)
        going = evaluate_jaxpr(test, [*test_consts, *carry])[0]
        new = evaluate_jaxpr(body, [*body_consts, *carry])
        size = type_of(going).shape[0]
        return [
            select_n(reshape(going, (size,) + (1,) * (type_of(a).ndim - 1)), a, b)
            for a, b in zip(carry, new, strict=True)
        ]

    return trace_closed(run, [*test.in_types[:n_test], *body.in_types], body.name)


while_p = Primitive(
    "while",
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
