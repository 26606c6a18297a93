"""``cond`` and ``switch``: one primitive, ``cond``, with an index and a tuple of branch programs of one type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.control.common import mismatch, pick, split_list, spread, trace_tree
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr, Var
from gradcli.engine.ir.types import INT32, ArrayType
from gradcli.engine.ops.define import Primitive, is_linear
from gradcli.engine.ops.elementwise import clamp, convert_element_type, ne, select_n
from gradcli.engine.ops.shape import moveaxis, reshape, zeros
from gradcli.engine.refs import RefsWritten, put_all, threaded, values_of
from gradcli.engine.settings import settings
from gradcli.engine.trace.tracer import Tracer, bind, trace_closed
from gradcli.engine.transforms.batch import batch_jaxpr
from gradcli.engine.transforms.jvp import jvp_jaxpr
from gradcli.engine.transforms.linearize import SplitJaxpr, linearize_jaxpr
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.transforms.transpose import transpose_jaxpr
from gradcli.engine.tree import tree_flatten, tree_unflatten

Branches = tuple[Jaxpr, ...]
_NONE: Any = object()  # no operand given by keyword


def cond(
    pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any, operand: Any = _NONE
) -> Any:
    """``true_fun(*operands)`` if ``pred`` else ``false_fun(*operands)``, both traced, one run.

    ``pred`` is a scalar (bool or number), ``operands`` are pytrees. Raises TypeError (G209) where the branches' results
    differ in structure or type.

    >>> print(cond(True, lambda x: x + 1, lambda x: x - 1, 2.0))
    3.0
    """
    if not callable(true_fun) and len(operands) == 2 and callable(false_fun) and callable(operands[1]):
        return _with_operand_each(pred, true_fun, false_fun, *operands)
    if operand is not _NONE:
        operands = (operand,)
    t = type_of(pred)
    if t.shape:
        raise mismatch(
            f"the predicate of cond must be a scalar, got {t}", "reduce it with .any() or .all(), or use where"
        )
    if t.dtype.kind != "b":
        pred = ne(pred, t.dtype.type(0))
    return _branch(convert_element_type(pred, INT32), [false_fun, true_fun], operands, "cond")


def _with_operand_each(pred: Any, if_true: Any, true_fun: Any, if_false: Any, false_fun: Any) -> Any:
    """``cond`` as it was called once: ``cond(pred, operand, true_fun, operand, false_fun)``."""
    return cond(pred, lambda a, b: true_fun(a), lambda a, b: false_fun(b), if_true, if_false)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any, operand: Any = _NONE) -> Any:
    """``branches[index](*operands)``, the index clamped to the branches there are."""
    if operand is not _NONE:
        operands = (operand,)
    if not branches:
        raise mismatch("switch needs at least one branch")
    if len(branches) == 1:
        return branches[0](*operands)
    clamped = clamp(np.int32(0), convert_element_type(index, INT32), np.int32(len(branches) - 1))
    return _branch(clamped, branches, operands, "switch")


def _branch(index: Any, functions: Sequence[Callable[..., Any]], operands: Any, what: str) -> Any:
    if settings().steps and not isinstance(index, Tracer):
        return functions[int(index)](*operands)
    try:
        return _one_of(index, functions, operands, what)
    except RefsWritten as told:
        refs = told.refs
    values, out = _branch(index, [threaded(f, refs) for f in functions], (values_of(refs), *operands), what)
    put_all(refs, values)
    return out


def _one_of(index: Any, functions: Sequence[Callable[..., Any]], operands: Any, what: str) -> Any:
    leaves, in_tree = tree_flatten(tuple(operands))
    types = [type_of(x) for x in leaves]
    traced = [trace_tree(f, in_tree, types, getattr(f, "__name__", what)) for f in functions]
    trees = [tree for _, tree in traced]
    if any(tree != trees[0] for tree in trees):
        raise mismatch(f"the branches of {what} return different structures: {', '.join(map(str, trees))}")
    jaxprs = _same_types([jaxpr for jaxpr, _ in traced], what)
    consts: list[Any] = []
    for jaxpr in jaxprs:
        consts.extend(c for c in jaxpr.consts if all(c is not k for k in consts))
    branches = tuple(_over_consts(jaxpr, consts) for jaxpr in jaxprs)
    return tree_unflatten(trees[0], bind(cond_p, index, *consts, *leaves, branches=branches))


def _same_types(jaxprs: Sequence[Jaxpr], what: str) -> list[Jaxpr]:
    """The branches with weak results made strong where they differ; raises where dtypes or shapes do."""
    columns = list(zip(*[j.out_types for j in jaxprs], strict=True))
    for i, column in enumerate(columns):
        if len({(t.shape, t.dtype) for t in column}) > 1:
            raise mismatch(
                f"the branches of {what} return different types for output {i}: {', '.join(map(str, column))}",
                "convert them with .astype",
            )
    return list(jaxprs)


def _over_consts(jaxpr: Jaxpr, consts: Sequence[Any]) -> Jaxpr:
    """The branch with everything that any branch captured as leading inputs."""
    own = {id(c): v for v, c in zip(jaxpr.constvars, jaxpr.consts, strict=True)}
    leading = tuple(own[id(c)] if id(c) in own else Var(type_of(c)) for c in consts)
    return Jaxpr((*leading, *jaxpr.inputs), jaxpr.eqns, jaxpr.outputs, (), (), jaxpr.notes, jaxpr.name)


def _impl(index: Any, *args: Any, branches: Branches) -> list[Any]:
    return interpret(branches[max(0, min(int(index), len(branches) - 1))], args)


def _common(masks: Sequence[Sequence[bool]]) -> list[bool]:
    return [any(column) for column in zip(*masks, strict=True)]


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], branches: Branches) -> tuple[list[Any], list[Any]]:
    index, *args = primals
    active = [t is not None for t in tangents[1:]]
    wanted = _common([jvp_jaxpr(b, active)[1] for b in branches])
    programs = tuple(jvp_jaxpr(b, active, wanted)[0] for b in branches)
    out = bind(cond_p, index, *args, *pick(tangents[1:], active), branches=programs)
    outs, dots = split_list(out, len(wanted))
    return outs, spread(dots, wanted)


def _linearize(primals: Sequence[Any], tangents: Sequence[Any], branches: Branches) -> tuple[list[Any], list[Any]]:
    """Each branch splits by itself; residuals of one type share a slot across branches, others fill it with zeros."""
    index, *args = primals
    active = [t is not None for t in tangents[1:]]
    n_out = len(branches[0].outputs)
    wanted = _common([linearize_jaxpr(b, active).out_active for b in branches])
    nothing = [False] * len(args)
    splits = [linearize_jaxpr(b, active, wanted, nothing) for b in branches]
    slots, places = _assign_slots(splits, n_out)
    known = tuple(_known_branch(s, slots, p, n_out) for s, p in zip(splits, places, strict=True))
    outs, residuals = split_list(bind(cond_p, index, *args, branches=known), n_out)
    if not any(wanted):
        return outs, [None] * n_out
    linear = tuple(_linear_branch(s, slots, p) for s, p in zip(splits, places, strict=True))
    dots = bind(cond_p, index, *residuals, *pick(tangents[1:], active), branches=linear)
    return outs, spread(dots, wanted)


def _assign_slots(splits: Sequence[SplitJaxpr], n_out: int) -> tuple[list[ArrayType], list[list[int]]]:
    slots: list[ArrayType] = []
    places = []
    for split in splits:
        taken: set[int] = set()
        mine = []
        for var in split.known.outputs[n_out:]:
            free = (i for i, t in enumerate(slots) if t.strong() is var.type.strong() and i not in taken)
            place = next(free, None)
            if place is None:
                place = len(slots)
                slots.append(var.type.strong())
            taken.add(place)
            mine.append(place)
        places.append(mine)
    return slots, places


def _known_branch(split: SplitJaxpr, slots: Sequence[ArrayType], places: Sequence[int], n_out: int) -> Jaxpr:
    def run(*args: Any) -> list[Any]:
        outs, residuals = split_list(evaluate_jaxpr(split.known, args), n_out)
        held = dict(zip(places, residuals, strict=True))
        return [*outs, *(held[i] if i in held else zeros(t) for i, t in enumerate(slots))]

    return trace_closed(run, split.known.in_types, split.known.name)


def _linear_branch(split: SplitJaxpr, slots: Sequence[ArrayType], places: Sequence[int]) -> Jaxpr:
    n = len(places)
    residuals = {place: var for place, var in zip(places, split.linear.inputs[:n], strict=True)}
    leading = tuple(residuals[i] if i in residuals else Var(t) for i, t in enumerate(slots))
    linear = split.linear
    return Jaxpr(
        (*leading, *linear.inputs[n:]), linear.eqns, linear.outputs, linear.constvars, linear.consts, name=linear.name
    )


def _transpose(cts: Sequence[Any], index: Any, *args: Any, branches: Branches) -> list[Any]:
    linear = [is_linear(a) for a in args]
    has_ct = [ct is not None for ct in cts]
    programs = tuple(transpose_jaxpr(b, linear, has_ct, instantiate=True)[0] for b in branches)
    out = bind(cond_p, index, *(a for a in args if not is_linear(a)), *pick(cts, has_ct), branches=programs)
    return [None, *spread(out, linear)]


def _batch(size: int, args: Sequence[Any], dims: Sequence[int | None], branches: Branches) -> Any:
    index, *operands = args
    index_dim, *operand_dims = dims
    batched = [d is not None for d in operand_dims]
    moved = [x if d is None else moveaxis(x, d, 0) for x, d in zip(operands, operand_dims, strict=True)]
    if index_dim is not None:
        return _batch_select(size, index, moved, batched, branches)
    wanted = _common([batch_jaxpr(b, size, batched)[1] for b in branches])
    programs = tuple(batch_jaxpr(b, size, batched, wanted)[0] for b in branches)
    return bind(cond_p, index, *moved, branches=programs), [0 if w else None for w in wanted]


def _batch_select(size: int, index: Any, args: Sequence[Any], batched: Sequence[bool], branches: Branches) -> Any:
    """A different branch for each sample: all branches run, and the results are selected."""
    results = []
    for branch in branches:
        program, out_batched = batch_jaxpr(branch, size, batched, [True] * len(branch.outputs))
        results.append(evaluate_jaxpr(program, args))
    index = clamp(np.int32(0), index, np.int32(len(branches) - 1))
    outs = []
    for column in zip(*results, strict=True):
        which = reshape(index, (size,) + (1,) * (type_of(column[0]).ndim - 1))
        outs.append(select_n(which if len(column) > 2 else convert_element_type(which, bool), *column))
    return outs, [0] * len(outs)


def _type(index: ArrayType, *types: ArrayType, branches: Sequence[Jaxpr]) -> list[ArrayType]:
    """Weak where every branch's result is."""
    return [
        column[0] if all(t.weak_type for t in column) else column[0].strong()
        for column in zip(*(b.out_types for b in branches), strict=True)
    ]


cond_p = Primitive(
    "cond",
    type_rule=_type,
    impl=_impl,
    jvp=_jvp,
    linearize=_linearize,
    transpose=_transpose,
    batch=_batch,
    multiple=True,
    family="control",
)
