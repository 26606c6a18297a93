"""``make_jaxpr`` and ``eval_shape``: the program of a function, and the types of its result, without running it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from gradcli.engine.abstract import ShapeDtypeStruct as ShapeDtypeStruct
from gradcli.engine.abstract import typed
from gradcli.engine.autodiff import Function, name_of
from gradcli.engine.refs import traced_with_refs
from gradcli.engine.tree import tree_flatten, tree_unflatten


def make_jaxpr(
    fun: Function, static_argnums: int | Sequence[int] = (), return_shape: bool = False, **_: Any
) -> Function:
    """A function that returns the program of ``fun`` for arguments (arrays or shapes) instead of running it.

    >>> print(make_jaxpr(lambda x: x * 2.0)(1.0))
    { lambda ; a:f64[]. let b:f64[] = mul a 2.0:f64[] in (b,) }
    """
    static = {static_argnums} if isinstance(static_argnums, int) else set(static_argnums)

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        fixed = {i % len(args) for i in static}
        dynamic = [a for i, a in enumerate(args) if i not in fixed]
        leaves, tree = tree_flatten((dynamic, kwargs))

        def f(new: list[Any], keywords: dict[str, Any]) -> Any:
            stream = iter(new)
            return fun(*(a if i in fixed else next(stream) for i, a in enumerate(args)), **keywords)

        jaxpr, out_tree, _ = traced_with_refs(f, tree, [typed(x) for x in leaves], name_of(fun), None)
        if return_shape:
            types = [ShapeDtypeStruct(t.shape, t.dtype, t.weak_type) for t in jaxpr.out_types]
            return jaxpr, tree_unflatten(out_tree, types)
        return jaxpr

    return run


def eval_shape(fun: Function, *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes of ``fun``'s result, without running it."""
    return make_jaxpr(fun, return_shape=True)(*args, **kwargs)[1]
