"""``composite``: a function kept as one equation under a name; every transformation looks inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.control.common import trace_tree
from gradcli.engine.control.composite import composite_primitive
from gradcli.engine.trace.tracer import bind
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.tree import tree_flatten, tree_unflatten

composite_p = composite_primitive("composite", lambda *args, jaxpr, **params: evaluate_jaxpr(jaxpr, args), "control")


def composite(decomposition: Callable[..., Any], name: str, version: int = 0) -> Callable[..., Any]:
    """``decomposition`` as one equation ``composite`` with this name and version; keywords are its attributes.

    >>> print(composite(lambda x, *, scale: x * scale, "my.scale")(2.0, scale=3.0))
    6.0
    """

    def run(*args: Any, **attributes: Any) -> Any:
        leaves, tree = tree_flatten(args)
        jaxpr, out_tree = trace_tree(
            lambda *xs: decomposition(*xs, **attributes), tree, [type_of(x) for x in leaves],
            getattr(decomposition, "__name__", name),
        )  # fmt: skip
        closed, consts = jaxpr.closed()
        out = bind(
            composite_p, *consts, *leaves, attributes=tuple(sorted(attributes.items())), jaxpr=closed, name=name,
            version=int(version),
        )  # fmt: skip
        return tree_unflatten(out_tree, out)

    return run
