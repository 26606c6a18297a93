"""Primitives that are a program of other ones: kept as one equation, taken apart by every transformation."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.control.common import split_list, spread
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.settings import settings
from gradcli.engine.trace.tracer import trace_program
from gradcli.engine.transforms.batch import batch_values
from gradcli.engine.transforms.jvp import jvp_values
from gradcli.engine.transforms.linearize import linearize_jaxpr
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.transforms.transpose import backward_jaxpr

Body = Callable[..., Sequence[Any]]
CACHE_SIZE = 64  # programs that each such primitive remembers


def composite_primitive(name: str, body: Body, family: str) -> Primitive:
    """A primitive of several outputs whose meaning is ``body(*args, **params) -> list``, written in operations.

    ``body`` must not capture traced values: everything it works on is an argument.
    """

    known: OrderedDict[Any, Jaxpr] = OrderedDict()

    def program(types: Sequence[ArrayType], params: dict[str, Any]) -> Jaxpr:
        key = (tuple(types), tuple(params.items()), settings())
        try:
            found = known.get(key)
        except TypeError:  # parameters that cannot be keys
            return trace_program(lambda *args: body(*args, **params), types, name=name)
        if found is None:
            found = known[key] = trace_program(lambda *args: body(*args, **params), types, name=name)
            while len(known) > CACHE_SIZE:
                known.popitem(last=False)
        return found

    def types_of(args: Sequence[Any]) -> list[ArrayType]:
        return [type_of(a) for a in args]

    def linearize(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[list[Any], list[Any]]:
        jaxpr = program(types_of(primals), params)
        split = linearize_jaxpr(jaxpr, [t is not None for t in tangents])
        outs, computed = split_list(evaluate_jaxpr(split.known, primals), len(jaxpr.outputs))
        residuals = split.residuals(primals, computed)
        dots = evaluate_jaxpr(split.linear, [*residuals, *(t for t in tangents if t is not None)])
        return outs, spread(dots, split.out_active)

    return Primitive(
        name,
        type_rule=lambda *types, **params: list(program(types, params).out_types),
        impl=lambda *args, **params: interpret(program(types_of(args), params), args),
        jvp=lambda primals, tangents, **params: jvp_values(program(types_of(primals), params), primals, tangents),
        linearize=linearize,
        transpose=lambda cts, *args, **params: backward_jaxpr(
            program([a.type if hasattr(a, "type") else type_of(a) for a in args], params), args, cts
        ),
        batch=lambda size, args, dims, **params: batch_values(
            program(
                [
                    type_of(a) if d is None else type_of(a).with_shape(_without(type_of(a).shape, d))
                    for a, d in zip(args, dims, strict=True)
                ],
                params,
            ),
            size,
            args,
            dims,
        ),
        multiple=True,
        family=family,
    )


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]
