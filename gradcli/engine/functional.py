"""Transformations beside derivatives and batches: transposition, closure conversion, gradients given with a value."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.autodiff import Function, flat_values, name_of, of_chosen_args, picked_numbers, vjp_of
from gradcli.engine.control.common import trace_tree
from gradcli.engine.custom import as_value, custom_vjp
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType, array_type, canonical_dtype
from gradcli.engine.ops.define import Undefined
from gradcli.engine.ops.elementwise import convert_element_type
from gradcli.engine.ops.shape import zeros
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.transforms.transpose import backward_jaxpr
from gradcli.engine.tree import TreeDef, tree_flatten, tree_structure, tree_unflatten


def _type(x: Any) -> ArrayType:
    if hasattr(x, "shape") and hasattr(x, "dtype") and not hasattr(x, "__array__"):
        return array_type(tuple(x.shape), canonical_dtype(x.dtype))
    return type_of(x)


def linear_transpose(fun: Function, *primals: Any, reduce_axes: Any = ()) -> Function:
    """The transpose of a linear function: cotangents of its output to a tuple of cotangents of the arguments.

    primals: arguments, or what has their shape and dtype; their values are not used. Raises TypeError (G205) for
    arguments that are no floats, and where the function is called with another structure or type; RuleError where it
    is not linear.

    >>> print(linear_transpose(lambda x: 3.0 * x, 1.0)(2.0))
    (Array(6., dtype=float64),)
    """
    leaves, in_tree = tree_flatten(primals)
    types = [_type(x) for x in leaves]
    if any(not t.is_float for t in types):
        raise fail("G205", f"linear_transpose needs arguments that are floats, got {types}", location=user_location(),
                   hint="close over what is an integer", cls=TypeError)  # fmt: skip
    jaxpr, out_tree = trace_tree(fun, in_tree, types, name_of(fun))

    def transposed(ct: Any) -> Any:
        cts, tree = flat_values(ct)
        if tree != out_tree or [c.shape for c in cts] != [t.shape for t in jaxpr.out_types]:
            raise fail("G210", f"the cotangent of a transposed function must be {out_tree} of {list(jaxpr.out_types)}",
                       location=user_location(), cls=TypeError)  # fmt: skip
        cast = [convert_element_type(c, t.dtype) for c, t in zip(cts, jaxpr.out_types, strict=True)]
        found = backward_jaxpr(jaxpr, [Undefined(t) for t in types], cast)
        filled = [as_value(zeros(t.strong()) if x is None else x) for x, t in zip(found, types, strict=True)]
        return tree_unflatten(in_tree, filled)

    return transposed


def closure_convert(fun: Function, *example_args: Any) -> tuple[Function, list[Any]]:
    """``fun`` with the traced floats that it captured as further arguments: ``(converted, captured)``.

    ``converted(*args, *captured)`` is ``fun(*args)``; a custom rule can so be given for what a function captured.

    >>> converted, captured = closure_convert(lambda x: 2.0 * x, 1.0)
    >>> print(converted(3.0, *captured), captured)
    6.0 []
    """
    leaves, in_tree = flat_values(example_args)
    jaxpr, out_tree = trace_tree(fun, in_tree, [x.type for x in leaves], name_of(fun))
    hoisted = [isinstance(c, Tracer) and c.type.is_float for c in jaxpr.consts]
    captured = [c for c, h in zip(jaxpr.consts, hoisted, strict=True) if h]

    def converted(*args: Any) -> Any:
        own = args[: len(args) - len(captured)]
        given = iter(args[len(own) :])
        new, tree = flat_values(tuple(own))
        if tree != in_tree:
            raise fail("G210", f"a converted function needs arguments {in_tree}, got {tree}", cls=TypeError)
        consts = tuple(as_value(next(given)) if h else c for c, h in zip(jaxpr.consts, hoisted, strict=True))
        again = Jaxpr(jaxpr.inputs, jaxpr.eqns, jaxpr.outputs, jaxpr.constvars, consts, name=jaxpr.name)
        return tree_unflatten(out_tree, [as_value(x) for x in evaluate_jaxpr(again, new)])

    return converted, captured


class _Pullback:
    """A pull-back as a program; its captured values travel apart from it."""

    def __init__(self, jaxpr: Jaxpr, tree: TreeDef) -> None:
        self.jaxpr, self.tree = jaxpr, tree


def custom_gradient(fun: Function) -> Function:
    """``fun`` returns ``(value, pullback)``; the value is the result, and the pull-back its reverse derivative.

    pullback(ct) returns the cotangents of the arguments: one, or a tuple of them.

    >>> from gradcli import grad
    >>> print(grad(custom_gradient(lambda x: (x * x, lambda ct: (ct * 7.0,))))(3.0))
    7.0
    """

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        def value(*primals: Any) -> Any:
            return fun(*primals, **kwargs)[0]

        def fwd(*primals: Any) -> Any:
            out, pullback = fun(*primals, **kwargs)
            leaves, tree = flat_values(out)
            _, one = tree_flatten((tree_unflatten(tree, leaves),))
            jaxpr, cts_tree = trace_tree(pullback, one, [x.type.strong() for x in leaves], "pullback")
            return out, (list(jaxpr.consts), _Pullback(jaxpr, cts_tree))

        def bwd(residuals: Any, ct: Any) -> Any:
            consts, pullback = residuals
            jaxpr = pullback.jaxpr
            again = Jaxpr(jaxpr.inputs, jaxpr.eqns, jaxpr.outputs, jaxpr.constvars, tuple(consts), name=jaxpr.name)
            cts = tree_unflatten(pullback.tree, evaluate_jaxpr(again, flat_values(ct)[0]))
            several = isinstance(cts, (tuple, list))
            if len(args) == 1 and (not several or tree_structure(cts) == tree_structure(args[0])):
                return (cts,)
            return tuple(cts) if several else (cts,)

        custom = custom_vjp(value)
        custom.defvjp(fwd, bwd)
        return custom(*args)

    return run


def fwd_and_bwd(
    fun: Function, argnums: int | Sequence[int], has_aux: bool = False, jitted: bool = True
) -> tuple[Function, Function]:
    """``vjp`` in two functions: ``fwd(*args)`` returns the value and what ``bwd(residuals, ct)`` needs.

    bwd returns the cotangents of the arguments ``argnums``: one, or a tuple for a sequence. With ``has_aux`` ``fwd``
    returns ``(value, residuals, aux)``.

    >>> fwd, bwd = fwd_and_bwd(lambda x, y: x * y, argnums=0)
    >>> value, residuals = fwd(3.0, 4.0)
    >>> print(value, bwd(residuals, 1.0))
    12.0 4.0
    """

    def fwd(*args: Any, **kwargs: Any) -> Any:
        picked = picked_numbers(argnums, args, fun)
        return vjp_of(of_chosen_args(fun, args, kwargs, picked), tuple(args[i] for i in picked), has_aux)

    def bwd(residuals: Callable[[Any], Any], ct: Any) -> Any:
        found = residuals(ct)
        return found[0] if isinstance(argnums, int) else found

    return fwd, bwd


def named_call(fun: Function, *, name: str | None = None) -> Function:
    """``fun`` under another name in programs and profiles."""

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        with named_scope(name or name_of(fun)):
            return fun(*args, **kwargs)

    if name is not None:
        run.__name__ = name
    return run


@contextmanager
def named_scope(name: str) -> Iterator[str]:
    """A name for what is computed inside: a context or a decorator. Programs know the user's lines without it.

    Raises TypeError for a name that is no text.
    """
    if not isinstance(name, str):
        raise TypeError(f"named_scope needs a text, got {type(name).__name__}")
    yield name
