"""``custom_vmap``: a function with its own way of working on a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

from gradcli.engine.autodiff import Function, flat_values, name_of
from gradcli.engine.closures import captured, rebuilt
from gradcli.engine.control.common import split_list, trace_tree
from gradcli.engine.control.composite import composite_primitive
from gradcli.engine.control.custom import with_inputs_between
from gradcli.engine.control.scan import scan
from gradcli.engine.custom import as_value, resolve_kwargs
from gradcli.engine.errors import fail
from gradcli.engine.ops.shape import moveaxis
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind
from gradcli.engine.transforms.batch import batch_jaxpr
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.tree import broadcast_prefix, tree_flatten, tree_unflatten

custom_vmap_call_p = composite_primitive(
    "custom_vmap_call", lambda *args, call, **params: evaluate_jaxpr(call, args), "custom"
)


def _batch(size: int, args: Sequence[Any], dims: Sequence[int | None], call: Any, rule: Any, num_around: int) -> Any:
    moved = [x if d is None else moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    flags = [d is not None for d in dims]
    if any(flags[:num_around]):  # the rule knows nothing of batches of what was captured
        program, out = batch_jaxpr(call, size, flags)
        return evaluate_jaxpr(program, moved), [0 if b else None for b in out]
    around, own = split_list(moved, num_around)
    return rule(size, flags[num_around:], around, own)


custom_vmap_call_p.batch = _batch


class custom_vmap:  # noqa: N801 - JAX's name
    """A function whose ``vmap`` is given by a rule; derivatives are those of the function.

    >>> import numpy as np
    >>> from gradcli import vmap
    >>> @custom_vmap
    ... def f(x):
    ...     return x + 1.0
    >>> @f.def_vmap
    ... def rule(axis_size, in_batched, x):
    ...     return x + 10.0, in_batched[0]
    >>> print(f(1.0), vmap(f)(np.zeros(2)))
    2.0 [10. 10.]
    """

    def __init__(self, fun: Function) -> None:
        functools.update_wrapper(cast(Any, self), fun)
        self.fun = fun
        self.rule: Callable[..., Any] | None = None

    def def_vmap(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Sets ``rule(axis_size, in_batched, *args) -> (out, out_batched)``; batches are along the first axis."""
        self.rule = rule
        return rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.rule is None:
            raise fail("G208", f"no vmap rule was defined for {name_of(self.fun)}", location=user_location(),
                       hint=f"define it with @{name_of(self.fun)}.def_vmap", cls=AttributeError)  # fmt: skip
        leaves, in_tree = flat_values(resolve_kwargs(self.fun, args, kwargs))
        jaxpr, out_tree = trace_tree(self.fun, in_tree, [x.type for x in leaves], name_of(self.fun), leaves)
        closed, consts = jaxpr.closed()
        user_rule = self.rule
        tracers = captured([user_rule])
        call = with_inputs_between(closed, len(consts), [t.type for t in tracers])

        def rule(size: int, flags: list[bool], around: list[Any], own: list[Any]) -> Any:
            known = rebuilt(user_rule, tracers, around[len(consts) :])
            out, batched = known(size, list(tree_unflatten(in_tree, flags)), *tree_unflatten(in_tree, own))
            found, tree = tree_flatten(out)
            if tree != out_tree:
                raise fail("G208", f"the vmap rule of {name_of(self.fun)} returned {tree}, expected {out_tree}",
                           location=user_location(), cls=TypeError)  # fmt: skip
            marks = broadcast_prefix(batched, out, "out_batched")
            return [as_value(x) for x in found], [0 if b else None for b in marks]

        out = bind(
            custom_vmap_call_p, *consts, *tracers, *leaves, call=call, rule=rule, num_around=len(consts) + len(tracers)
        )
        return tree_unflatten(out_tree, out)


def sequential_vmap(fun: Function) -> custom_vmap:
    """``fun``, of which ``vmap`` is a loop over the samples, one after the other."""
    custom = custom_vmap(fun)

    def rule(axis_size: int, in_batched: Sequence[Any], *args: Any) -> Any:
        leaves, tree = tree_flatten(args)
        flags = [bool(b) for b in tree_flatten(tuple(in_batched))[0]]

        def step(_: Any, rows: Sequence[Any]) -> Any:
            stream = iter(rows)
            sample = [next(stream) if b else x for x, b in zip(leaves, flags, strict=True)]
            return (), fun(*tree_unflatten(tree, sample))

        _, out = scan(step, (), [x for x, b in zip(leaves, flags, strict=True) if b], axis_size)
        return out, tree_unflatten(tree_flatten(out)[1], [True] * len(tree_flatten(out)[0]))

    custom.def_vmap(rule)
    return custom


