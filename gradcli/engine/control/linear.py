"""Linear functions with a transpose of the user's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.control.common import filled, mismatch, split_list, trace_tree
from gradcli.engine.control.solve import linear_change
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.elementwise import add_any
from gradcli.engine.ops.shape import batch_to_front, zeros
from gradcli.engine.trace.tracer import bind
from gradcli.engine.transforms.batch import batch_jaxpr
from gradcli.engine.transforms.jvp import jvp_values
from gradcli.engine.tree import TreeDef, tree_flatten, tree_unflatten


def linear_call(
    fun: Callable[[Any, Any], Any], fun_transpose: Callable[[Any, Any], Any], residual_args: Any, linear_args: Any
) -> Any:
    """``fun(residual_args, linear_args)``, linear in the latter, whose transpose is what ``fun_transpose`` says.

    fun_transpose(residual_args, ct): of a cotangent like the result, a cotangent like ``linear_args``. Derivatives
    with respect to ``residual_args`` are those of ``fun``. Raises TypeError (G209) where structures differ.

    >>> from gradcli import grad
    >>> third = lambda x: linear_call(lambda r, x: x / r, lambda r, ct: 100.0 * ct / r, 3.0, x)
    >>> print(third(6.0), round(float(grad(third)(6.0)), 4))
    2.0 33.3333
    """
    given, in_tree = tree_flatten((residual_args, linear_args))
    residuals, linear = tree_flatten(residual_args)[0], tree_flatten(linear_args)[0]
    callee, consts, out_tree = _traced(fun, in_tree, given, "fun")
    results = [zeros(t) for t in callee.out_types]
    back_in = tree_flatten((residual_args, tree_unflatten(out_tree, results)))[1]
    transpose, back_consts, back_tree = _traced(fun_transpose, back_in, [*residuals, *results], "fun_transpose")
    shapes = [t.shape for t in transpose.out_types]
    if back_tree != tree_flatten(linear_args)[1] or shapes != [type_of(x).shape for x in linear]:
        raise mismatch(f"fun_transpose must return the structure and shapes of linear_args, not {back_tree}")
    counts = len(consts), len(back_consts), len(residuals)
    args = [*consts, *back_consts, *residuals, *linear]
    return tree_unflatten(out_tree, bind(linear_call_p, *args, callee=callee, transpose=transpose, counts=counts))


def _traced(f: Any, tree: TreeDef, leaves: Sequence[Any], what: str) -> tuple[Jaxpr, tuple[Any, ...], TreeDef]:
    jaxpr, out_tree = trace_tree(f, tree, [type_of(x).strong() for x in leaves], what)
    return *jaxpr.closed(), out_tree


def _type(*types: ArrayType, callee: Jaxpr, transpose: Jaxpr, counts: tuple[int, int, int]) -> list[ArrayType]:
    return [t.strong() for t in callee.out_types]


def _of_callee(values: Sequence[Any], counts: tuple[int, int, int]) -> list[Any]:
    """What the function itself takes: all but what its transpose captured."""
    consts, _, rest = split_list(values, *counts[:2])
    return [*consts, *rest]


def _impl(*args: Any, callee: Jaxpr, transpose: Jaxpr, counts: tuple[int, int, int]) -> list[Any]:
    return interpret(callee, _of_callee(args, counts))


def _derivative(primals: Sequence[Any], tangents: Sequence[Any], linear: bool, **params: Any) -> Any:
    counts, callee = params["counts"], params["callee"]
    outs = bind(linear_call_p, *primals, **params)
    fixed, x = split_list(primals, sum(counts))
    moving, x_dot = split_list(tangents, sum(counts))
    dots: list[Any] = [None] * len(outs)
    if any(d is not None for d in x_dot):
        given = filled(x_dot, [True] * len(x), [type_of(v) for v in x])
        dots = list(bind(linear_call_p, *fixed, *given, **params))
    inner = _of_callee([*moving, *[None] * len(x)], counts)
    if any(d is not None for d in inner):
        at = _of_callee(primals, counts)
        change = linear_change(callee, at, inner) if linear else jvp_values(callee, at, inner)[1]
        dots = [d if c is None else c if d is None else add_any(d, c) for d, c in zip(dots, change, strict=True)]
    return outs, dots


def _transpose(cts: Sequence[Any], *args: Any, **params: Any) -> list[Any]:
    n, m, k = params["counts"]
    consts, back, residuals, _ = split_list(args, n, m, k)
    given = [zeros(t) if ct is None else ct for ct, t in zip(cts, params["callee"].out_types, strict=True)]
    swapped = {"callee": params["transpose"], "transpose": params["callee"], "counts": (m, n, k)}
    return [*[None] * (n + m + k), *bind(linear_call_p, *back, *consts, *residuals, *given, **swapped)]


def _batch(size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any) -> Any:
    n, m, k = params["counts"]
    moved = [d is not None for d in dims]
    linear = [True] * (len(args) - n - m - k)
    callee, transpose = params["callee"], params["transpose"]
    forward = batch_jaxpr(callee, size, [*moved[:n], *moved[n + m : n + m + k], *linear], [True] * len(callee.outputs))
    back = batch_jaxpr(
        transpose, size, [*moved[n : n + m + k], *[True] * len(callee.outputs)], [True] * len(linear)
    )  # fmt: skip
    rows = [
        x if d is None and i < n + m + k else batch_to_front(size, x, d)
        for i, (x, d) in enumerate(zip(args, dims, strict=True))
    ]
    out = bind(linear_call_p, *rows, callee=forward[0], transpose=back[0], counts=params["counts"])
    return out, [0] * len(out)


linear_call_p = Primitive(
    "linear_call",
    type_rule=_type,
    impl=_impl,
    jvp=lambda primals, tangents, **params: _derivative(primals, tangents, False, **params),
    linearize=lambda primals, tangents, **params: _derivative(primals, tangents, True, **params),
    transpose=_transpose,
    batch=_batch,
    multiple=True,
    family="control",
)
