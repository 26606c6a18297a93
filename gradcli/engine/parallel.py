"""``pmap``'s worker threads: the batch in one part a worker, each part by the vmapped function, parts joined."""

from __future__ import annotations

import contextvars
import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.array import Array
from gradcli.engine.custom import as_value
from gradcli.engine.trace.tracer import Tracer, tracing
from gradcli.engine.tree import broadcast_prefix, tree_flatten, tree_unflatten


def workers() -> int:
    """How many worker threads there are: one a processor."""
    return os.cpu_count() or 1


def parallel_map(
    mapped: Callable[..., Any], in_axes: Any, out_axes: Any, fun: Callable[..., Any]
) -> Callable[..., Any]:
    """``mapped`` (a vmapped function), run part by part on threads when it is called with arrays."""

    @functools.wraps(fun, updated=())
    def run(*args: Any) -> Any:
        leaves, tree = tree_flatten(args)
        values = [as_value(x) for x in leaves]
        if tracing() or not values or any(isinstance(x, Tracer) for x in values):
            return mapped(*args)
        axes = broadcast_prefix(in_axes if not isinstance(in_axes, list) else tuple(in_axes), args, "pmap in_axes")
        sizes = {x.shape[d] for x, d in zip(values, axes, strict=True) if d is not None and x.ndim > d >= -x.ndim}
        count = min(workers(), *sizes) if len(sizes) == 1 else 1
        if count < 2:
            return mapped(*args)
        parts = [
            np.array_split(x.value, count, axis=d) if d is not None else [x.value] * count
            for x, d in zip(values, axes, strict=True)
        ]
        calls = [tree_unflatten(tree, column) for column in zip(*parts, strict=True)]
        from concurrent.futures import ThreadPoolExecutor  # here: it takes longer to load than gradcli's engine does

        with ThreadPoolExecutor(count) as pool:
            contexts = [contextvars.copy_context() for _ in calls]
            results = list(pool.map(lambda pair: pair[0].run(mapped, *pair[1]), zip(contexts, calls, strict=True)))
        return _joined(results, out_axes)

    return run


def _joined(results: list[Any], out_axes: Any) -> Any:
    flat = [tree_flatten(r) for r in results]
    axes = broadcast_prefix(out_axes, results[0], "pmap out_axes")
    columns = zip(*[leaves for leaves, _ in flat], strict=True)
    joined = [
        c[0] if d is None else Array(np.concatenate([np.asarray(x) for x in c], axis=d))
        for c, d in zip(columns, axes, strict=True)
    ]
    return tree_unflatten(flat[0][1], joined)
