"""``grad``, ``value_and_grad``, ``vjp``, ``jvp`` and ``linearize``: each a few lines of trace, transform, run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.array import Array, Value, type_of
from gradcli.engine.control.common import trace_tree
from gradcli.engine.custom import FLOAT0, as_value
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.elementwise import convert_element_type, stop_gradient_value
from gradcli.engine.ops.shape import zeros
from gradcli.engine.pullback import VJP, Point, instantiated, linear_form
from gradcli.engine.refs import Ref, on_values, opened, put_all, put_held, refs_in, traced_with_refs
from gradcli.engine.trace.source import user_location
from gradcli.engine.transforms.jvp import jvp_values
from gradcli.engine.transforms.linearize import linearize_values
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.tree import TreeDef, tree_flatten, tree_map, tree_unflatten
from gradcli.engine.tree_keys import Partial

Function = Callable[..., Any]


def name_of(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)


def flat_values(tree: Any) -> tuple[list[Any], TreeDef]:
    leaves, structure = tree_flatten(tree)
    return [as_value(x) for x in leaves], structure


def program_of(f: Function, args: Sequence[Any]) -> tuple[Jaxpr, list[Any], TreeDef, TreeDef]:
    """Traces ``f(*args)``, values on demand: program, flat arguments, and the structures of arguments and result."""
    leaves, in_tree = flat_values(tuple(args))
    jaxpr, out_tree = trace_tree(f, in_tree, [type_of(x) for x in leaves], name_of(f), leaves)
    return jaxpr, leaves, in_tree, out_tree


def grad(
    fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False,
    allow_int: bool = False, reduce_axes: Sequence[Any] = (),
) -> Function:  # fmt: skip
    """The gradient of a scalar function with respect to the arguments ``argnums`` (pytrees of floats).

    Raises TypeError where the output is no real scalar (G204) or an argument holds no floats (G205).

    >>> print(grad(lambda x, y: x * y, argnums=1)(3.0, 4.0))
    3.0
    """
    with_value = value_and_grad(fun, argnums, has_aux, holomorphic, allow_int)

    @functools.wraps(fun, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = with_value(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def value_and_grad(
    fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False,
    allow_int: bool = False, reduce_axes: Sequence[Any] = (),
) -> Function:  # fmt: skip
    """Value and gradient in one pass: ``(value, gradient)``, or ``((value, aux), gradient)`` with ``has_aux``.

    >>> value, gradient = value_and_grad(lambda x: x * x)(3.0)
    >>> print(value, gradient)
    9.0 6.0
    """

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        picked = picked_numbers(argnums, args, fun)
        leaves, in_tree = flat_values(tuple([args[i] for i in picked]))
        for leaf in leaves:
            _check_input(leaf.type, holomorphic, allow_int)
        at = _Linearized(of_chosen_args(fun, args, kwargs, picked), leaves, in_tree, has_aux)
        out = at.value()
        _check_scalar(out, holomorphic)
        t = type_of(out)
        gradients = at.pulled([Array(t.dtype.type(1), t.strong())])
        gradient = gradients[0] if isinstance(argnums, int) else tuple(gradients)
        return ((out, at.aux()) if has_aux else out), gradient

    return run


def picked_numbers(argnums: int | Sequence[int], args: Sequence[Any], fun: Function) -> list[int]:
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    for i in numbers:
        if not -len(args) <= i < len(args):
            raise fail(
                "G205",
                f"argnums={argnums} asks for argument {i}, but {name_of(fun)} was called with {len(args)} of them",
                location=user_location(),
                cls=TypeError,
            )
    return [i % len(args) for i in numbers]


def of_chosen_args(fun: Function, args: Sequence[Any], kwargs: dict[str, Any], picked: Sequence[int]) -> Function:
    def of_chosen(*new: Any) -> Any:
        full = list(args)
        for i, x in zip(picked, new, strict=True):
            full[i] = x
        return fun(*full, **kwargs)

    of_chosen.__name__ = name_of(fun)
    return of_chosen


def _check_input(t: ArrayType, holomorphic: bool, allow_int: bool) -> None:
    kind = t.dtype.kind
    if holomorphic and kind != "c":
        raise fail("G205", f"grad with holomorphic=True requires complex inputs, got {t.dtype.name}.", cls=TypeError)
    if kind in "fc" or (allow_int and kind in "iub"):
        return
    raise fail(
        "G205",
        "grad requires real- or complex-valued inputs (input dtype that is a sub-dtype of np.inexact), "
        f"but got {t.dtype.name}.",
        hint="give a float, e.g. 3.0 instead of 3, or pass allow_int=True",
        location=user_location(),
        cls=TypeError,
    )


def _check_scalar(out: Any, holomorphic: bool) -> None:
    if not isinstance(out, Value):
        raise fail(
            "G204",
            f"Gradient only defined for scalar-output functions. Output was {out}.",
            hint="return one number, or use jacrev; with an auxiliary output, has_aux=True",
            cls=TypeError,
        )
    t = out.type
    if t.shape:
        raise fail(
            "G204",
            f"Gradient only defined for scalar-output functions. Output had shape: {t.shape}.",
            hint="use vmap(grad(f)) for one gradient a sample, or jacrev for the whole Jacobian",
            cls=TypeError,
        )
    if t.dtype.kind == "c" and not holomorphic or t.dtype.kind not in "fc":
        raise fail(
            "G205",
            "grad requires real-valued outputs (output dtype that is a sub-dtype of np.floating), "
            f"but got {t.dtype.name}.",
            hint="for a holomorphic function pass holomorphic=True" if t.dtype.kind == "c" else "return a float",
            cls=TypeError,
        )


def vjp(fun: Function, *primals: Any, has_aux: bool = False, reduce_axes: Any = ()) -> Any:
    """``fun(*primals)`` and the function that maps a cotangent of its output to cotangents of the primals.

    >>> out, pull = vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> print(out, [float(g) for g in pull(1.0)])
    12.0 [4.0, 3.0]
    """
    return vjp_of(fun, primals, has_aux)


def vjp_of(fun: Function, primals: Sequence[Any], has_aux: bool) -> Any:
    refs = refs_in(primals)
    if refs:
        return _vjp_of_refs(refs, fun, primals, has_aux)
    leaves, in_tree = flat_values(tuple(primals))
    at = _Linearized(fun, leaves, in_tree, has_aux)
    pull = VJP(at.point, (at.linear, leaves))
    return (at.value(), pull, at.aux()) if has_aux else (at.value(), pull)


def _vjp_of_refs(refs: Sequence[Ref], fun: Function, primals: Sequence[Any], has_aux: bool) -> Any:
    """``vjp`` with refs among the arguments: of what they hold before, for ``with_refs`` of the pull-back."""

    def values(*args: Any) -> Any:
        out, held = on_values(fun)(*args)
        return (out[0], (out[1], held)) if has_aux else (out, (None, held))

    values.__name__ = name_of(fun)
    out, pull, (aux, held) = vjp_of(values, opened(primals), True)
    put_all(refs, held)
    return (out, pull, aux) if has_aux else (out, pull)


class _Linearized:
    """A function at a point: its outputs, the ``count`` first of them those of the result, and its linear map."""

    def __init__(self, fun: Function, leaves: Sequence[Any], in_tree: TreeDef, has_aux: bool) -> None:
        types = [x.type for x in leaves]
        jaxpr, out_tree, self.refs = traced_with_refs(fun, in_tree, types, name_of(fun), leaves)
        self.out_tree, self.aux_tree = _split_aux(out_tree, has_aux)
        self.count = self.out_tree.num_leaves
        self.outs, self.linear = linearize_values(jaxpr, leaves, [t.is_float for t in types])
        self.outs = put_held(self.refs, self.outs, self.linear.out_active)
        outputs = [type_of(o) for o in self.outs[: self.count]]
        self.point = Point(in_tree, types, self.out_tree, outputs, len(self.linear.outputs))

    def value(self) -> Any:
        """The result."""
        return tree_unflatten(self.out_tree, self.outs[: self.count])

    def aux(self) -> Any:
        """The auxiliary result."""
        assert self.aux_tree is not None
        return tree_unflatten(self.aux_tree, self.outs[self.count :])

    def pulled(self, cotangents: Sequence[Any]) -> Any:
        """The cotangents of the arguments for those of the result."""
        rest = [None] * (len(self.linear.outputs) - self.count)
        return self.point.tree_of(self.linear.pull_back([*cotangents, *rest]))


def _split_aux(tree: TreeDef, has_aux: bool) -> tuple[TreeDef, TreeDef | None]:
    if not has_aux:
        return tree, None
    if tree.type is not tuple or len(tree.parts) != 2:
        raise fail("G208", f"with has_aux the function must return a pair (value, aux), not {tree}", cls=TypeError)
    return tree.parts[0], tree.parts[1]


def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """``(fun(*primals), derivative along tangents)``.

    >>> out, dot = jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> print(out, dot)
    9.0 6.0
    """
    leaves, in_tree = flat_values(tuple(primals))
    jaxpr, out_tree, refs = traced_with_refs(fun, in_tree, [x.type for x in leaves], name_of(fun), leaves)
    flat_dots = _tangent_leaves(tangents, in_tree, [x.type for x in leaves])
    outs, dots = jvp_values(jaxpr, leaves, flat_dots)
    outs = put_held(refs, outs, [d is not None for d in dots])
    out_tree, aux_tree = _split_aux(out_tree, has_aux)
    n = out_tree.num_leaves
    filled = [instantiated(d, type_of(o)) for d, o in zip(dots[:n], outs[:n], strict=True)]
    result = tree_unflatten(out_tree, [as_value(o) for o in outs[:n]]), tree_unflatten(out_tree, filled)
    return (*result, tree_unflatten(aux_tree, outs[n:])) if aux_tree is not None else result


def _tangent_leaves(tangents: Sequence[Any], in_tree: TreeDef, types: Sequence[ArrayType]) -> list[Any]:
    leaves, tree = tree_flatten(tuple(tangents))
    if tree != in_tree:
        raise fail("G210", f"the tangents' structure {tree} is not that of the primals, {in_tree}", cls=TypeError)
    out: list[Any] = []
    for p, t in zip(types, leaves, strict=True):
        if getattr(t, "dtype", None) == FLOAT0 or not p.is_float:
            out.append(None)
            continue
        value = as_value(t)
        if value.shape != p.shape:
            raise fail(
                "G206", f"primal and tangent must have the same shape, got {p} and {value.type}",
                location=user_location(), cls=ValueError,
            )  # fmt: skip
        if value.dtype != p.dtype and not value.type.weak_type:
            raise fail(
                "G206",
                f"primal and tangent must have the same dtype, got {p} and {value.type}",
                location=user_location(),
                cls=TypeError,
            )
        out.append(convert_element_type(value, p.dtype) if value.dtype != p.dtype else value)
    return out


def linearize(fun: Function, *primals: Any, has_aux: bool = False) -> Any:
    """``fun(*primals)`` and the linear map of its tangents at that point, which can be applied many times."""
    leaves, in_tree = flat_values(tuple(primals))
    types = [x.type for x in leaves]
    jaxpr, out_tree, refs = traced_with_refs(fun, in_tree, types, name_of(fun), leaves)
    outs, linear = linearize_values(jaxpr, leaves, [t.is_float for t in types])
    outs = put_held(refs, outs, linear.out_active)
    out_tree, aux_tree = _split_aux(out_tree, has_aux)
    n = out_tree.num_leaves
    program, residuals = linear_form(linear)
    values = [r if isinstance(r, Value) else Array(r, v.type) for r, v in zip(residuals, program.inputs, strict=False)]
    point = Point(in_tree, types, out_tree, [type_of(o) for o in outs[:n]], len(linear.outputs))
    push = Partial(_Pushed(program, point, linear.out_active), values)
    out = tree_unflatten(out_tree, [as_value(o) for o in outs[:n]])
    return (out, push, tree_unflatten(aux_tree, outs[n:])) if aux_tree is not None else (out, push)


class _Pushed:
    """The linear map of ``linearize``: a function of its residuals and of the tangents."""

    def __init__(self, program: Jaxpr, point: Point, out_active: Sequence[bool]) -> None:
        self.program, self.point, self.out_active = program, point, out_active
        self.__name__ = "push"

    def __call__(self, residuals: Sequence[Any], *tangents: Any) -> Any:
        point = self.point
        dots = _tangent_leaves(tangents, point.in_tree, point.types)
        filled = [zeros(t.strong()) if d is None else d for d, t in zip(dots, point.types, strict=True) if t.is_float]
        found = evaluate_jaxpr(self.program, [*residuals, *filled])
        outs = zip(found, self.out_active, point.outputs, strict=False)
        return tree_unflatten(point.out_tree, [instantiated(d if on else None, t) for d, on, t in outs])

    def __repr__(self) -> str:
        return str(self.program)


def stop_gradient(x: Any) -> Any:
    """The identity, with derivative zero, on any pytree.

    >>> print(grad(lambda x: x * stop_gradient(x))(3.0))
    3.0
    """
    return tree_map(lambda v: stop_gradient_value(v) if type_of(v).is_float else v, x)
