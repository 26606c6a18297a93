"""What the control-flow primitives share: programs with inputs and outputs in another order, and activity fixpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Jaxpr, Var
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops import operators as _operators  # gives values their operators
from gradcli.engine.ops.shape import zeros
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import trace_program
from gradcli.engine.tree import TreeDef, tree_flatten, tree_unflatten

T = TypeVar("T")
_ = _operators


def split_list(xs: Sequence[Any], *sizes: int) -> list[list[Any]]:
    """Cuts a list into parts of these sizes and the rest."""
    out, start = [], 0
    for n in sizes:
        out.append(list(xs[start : start + n]))
        start += n
    out.append(list(xs[start:]))
    return out


def pick(xs: Sequence[Any], mask: Sequence[bool]) -> list[Any]:
    """The entries where the mask is True."""
    return [x for x, m in zip(xs, mask, strict=True) if m]


def spread(xs: Sequence[Any], mask: Sequence[bool]) -> list[Any]:
    """The reverse of :func:`pick`: None where the mask is False."""
    stream = iter(xs)
    return [next(stream) if m else None for m in mask]


def reordered(jaxpr: Jaxpr, inputs: Sequence[Var], outputs: Sequence[Any]) -> Jaxpr:
    """The same program with its inputs and outputs in another order."""
    assert len(inputs) == len(jaxpr.inputs)
    return Jaxpr(tuple(inputs), jaxpr.eqns, tuple(outputs), jaxpr.constvars, jaxpr.consts, jaxpr.notes, jaxpr.name)


def with_ignored_inputs(jaxpr: Jaxpr, types: Sequence[ArrayType]) -> Jaxpr:
    """The same program with further inputs that it does not read."""
    extra = tuple(Var(t) for t in types)
    return Jaxpr((*jaxpr.inputs, *extra), jaxpr.eqns, jaxpr.outputs, jaxpr.constvars, jaxpr.consts, name=jaxpr.name)


def filled(tangents: Sequence[Any], mask: Sequence[bool], types: Sequence[ArrayType]) -> list[Any]:
    """The tangents where the mask is True, zeros written out."""
    return [zeros(t.strong()) if d is None else d for d, m, t in zip(tangents, mask, types, strict=True) if m]


def fixpoint(step: Callable[[list[bool]], tuple[T, list[bool]]], start: Sequence[bool]) -> tuple[T, list[bool]]:
    """Repeats ``step(mask) -> (result, larger mask)`` until the mask of a loop's carry no longer grows."""
    mask = list(start)
    while True:
        result, out = step(mask)
        larger = [a or b for a, b in zip(mask, out, strict=True)]
        if larger == mask:
            return result, mask
        mask = larger


def trace_tree(
    f: Callable[..., Any],
    in_tree: TreeDef,
    types: Sequence[ArrayType],
    name: str = "",
    origins: Sequence[Any] | None = None,
) -> tuple[Jaxpr, TreeDef]:
    """Traces a function of a pytree (a tuple of arguments); also the structure of its result."""
    trees: list[TreeDef] = []

    def flat(*leaves: Any) -> list[Any]:
        out, tree = tree_flatten(f(*tree_unflatten(in_tree, leaves)))
        trees.append(tree)
        return out

    jaxpr = trace_program(flat, types, origins, name or getattr(f, "__name__", "f"))
    return jaxpr, trees[0]


def mismatch(message: str, hint: str | None = None) -> Exception:
    """The error for branches or loop bodies that disagree."""
    error: Exception = fail("G209", message, hint=hint, location=user_location(), cls=TypeError)
    return error
