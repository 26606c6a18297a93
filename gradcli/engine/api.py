"""The public transformations, with JAX's names and signatures: each a few lines of trace, transform, run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, type_of
from gradcli.engine.control.common import trace_tree
from gradcli.engine.custom import as_value, custom_jvp, custom_vjp
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType, array_type
from gradcli.engine.jit import jit
from gradcli.engine.ops.elementwise import convert_element_type, stop_gradient_value
from gradcli.engine.ops.shape import broadcast_in_dim, moveaxis, reshape, slice_in_dim, zeros
from gradcli.engine.parallel import parallel_map
from gradcli.engine.trace.source import user_location
from gradcli.engine.transforms.batch import batch_size, batch_values
from gradcli.engine.transforms.jvp import evaluate_jaxpr, jvp_values
from gradcli.engine.transforms.linearize import Linear, linearize_values
from gradcli.engine.tree import (
    TreeDef,
    broadcast_prefix,
    tree_flatten,
    tree_map,
    tree_structure,
    tree_unflatten,
)

__all__ = [
    "custom_jvp", "custom_vjp", "eval_shape", "grad", "hessian", "jacfwd", "jacobian", "jacrev", "jit", "jvp", "linearize",
    "make_jaxpr", "pmap", "stop_gradient", "value_and_grad", "vjp", "vmap",
]  # fmt: skip

Function = Callable[..., Any]


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _flat_values(tree: Any) -> tuple[list[Any], TreeDef]:
    leaves, structure = tree_flatten(tree)
    return [as_value(x) for x in leaves], structure


def _program(f: Function, args: Sequence[Any]) -> tuple[Jaxpr, list[Any], TreeDef, TreeDef]:
    """Traces ``f(*args)``, values on demand: program, flat arguments, and the structures of arguments and result."""
    leaves, in_tree = _flat_values(tuple(args))
    jaxpr, out_tree = trace_tree(f, in_tree, [type_of(x) for x in leaves], _name(f), leaves)
    return jaxpr, leaves, in_tree, out_tree


# --- reverse mode ------------------------------------------------------------------------------------------------------


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
        picked = _picked(argnums, args, fun)
        chosen = tuple(args[i] for i in picked)
        for leaf in tree_flatten(chosen)[0]:
            _check_input(type_of(as_value(leaf)), holomorphic, allow_int)

        result = _vjp(_of_chosen(fun, args, kwargs, picked), chosen, has_aux)
        out, pull = result[0], result[1]
        _check_scalar(out, holomorphic)
        gradients = pull(_one_like(out))
        gradient = gradients[0] if isinstance(argnums, int) else tuple(gradients)
        return ((out, result[2]) if has_aux else out), gradient

    return run


def _picked(argnums: int | Sequence[int], args: Sequence[Any], fun: Function) -> list[int]:
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    for i in numbers:
        if not -len(args) <= i < len(args):
            raise fail(
                "G205",
                f"argnums={argnums} asks for argument {i}, and {_name(fun)} was called with {len(args)} positional ones",
                location=user_location(),
                cls=ValueError,
            )
    return [i % len(args) for i in numbers]


def _check_input(t: ArrayType, holomorphic: bool, allow_int: bool) -> None:
    kind = t.dtype.kind
    if holomorphic and kind != "c":
        raise fail("G205", f"grad with holomorphic=True requires complex inputs, got {t.dtype.name}.", cls=TypeError)
    if kind == "f" or (kind == "c" and holomorphic) or (allow_int and kind in "iub"):
        return
    if kind == "c":
        hint = "pass holomorphic=True, or differentiate the real and imaginary parts"
    else:
        hint = "give a float, e.g. 3.0 instead of 3, or pass allow_int=True"
    raise fail(
        "G205",
        f"grad requires real- or complex-valued inputs (input dtype that is a sub-dtype of np.inexact), but got {t.dtype.name}."
        if kind != "c"
        else f"grad requires real-valued inputs (got {t.dtype.name}).",
        hint=hint,
        location=user_location(),
        cls=TypeError,
    )


def _check_scalar(out: Any, holomorphic: bool) -> None:
    leaves = tree_flatten(out)[0]
    if len(leaves) != 1 or tree_structure(out).num_leaves != 1 or not isinstance(out, Value):
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
            f"grad requires real-valued outputs (output dtype that is a sub-dtype of np.floating), but got {t.dtype.name}.",
            hint="for a holomorphic function pass holomorphic=True" if t.dtype.kind == "c" else "return a float",
            cls=TypeError,
        )


def _one_like(out: Any) -> Any:
    return type_of(out).dtype.type(1)


def vjp(fun: Function, *primals: Any, has_aux: bool = False, reduce_axes: Any = ()) -> Any:
    """``fun(*primals)`` and the function that maps a cotangent of its output to cotangents of the primals.

    >>> out, pull = vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> print(out, [float(g) for g in pull(1.0)])
    12.0 [4.0, 3.0]
    """
    return _vjp(fun, primals, has_aux)


def _vjp(fun: Function, primals: Sequence[Any], has_aux: bool) -> Any:
    jaxpr, leaves, in_tree, out_tree = _program(fun, primals)
    out_tree, aux_tree = _split_aux(out_tree, has_aux)
    active = [x.type.is_float for x in leaves]
    outs, linear = linearize_values(jaxpr, leaves, active)
    n = out_tree.num_leaves
    types = [type_of(o) for o in outs[:n]]

    def pull(cotangent: Any) -> Any:
        cts, ct_tree = _flat_values(cotangent)
        if ct_tree != out_tree:
            raise fail("G210", f"the cotangent's structure {ct_tree} is not the output's {out_tree}", cls=ValueError)
        for ct, t in zip(cts, types, strict=True):
            if ct.shape != t.shape:
                raise fail("G206", f"a cotangent of shape {ct.shape} was given for an output {t}", cls=ValueError)
        cast = [convert_element_type(c, t.dtype) if c.dtype != t.dtype else c for c, t in zip(cts, types, strict=True)]
        found = linear.pull_back([*cast, *[None] * (len(outs) - n)])
        stream = iter(found)
        flat = [next(stream) if a else None for a in active]
        return tree_unflatten(in_tree, [_instantiated(ct, x.type) for ct, x in zip(flat, leaves, strict=True)])

    out = tree_unflatten(out_tree, outs[:n])
    if has_aux:
        assert aux_tree is not None
        return out, pull, tree_unflatten(aux_tree, outs[n:])
    return out, pull


def _split_aux(tree: TreeDef, has_aux: bool) -> tuple[TreeDef, TreeDef | None]:
    if not has_aux:
        return tree, None
    if tree.type is not tuple or len(tree.children) != 2:
        raise fail("G208", f"with has_aux the function must return a pair (value, aux), not {tree}", cls=TypeError)
    return tree.children[0], tree.children[1]


FLOAT0 = np.dtype([("float0", np.void, 0)])


def _instantiated(x: Any, t: ArrayType) -> Any:
    """A (co)tangent written out: zeros for None, and JAX's float0 zeros for types that have no tangents."""
    if x is not None:
        return as_value(x)
    return as_value(zeros(t.strong())) if t.is_float else np.zeros(t.shape, FLOAT0)


# --- forward mode ------------------------------------------------------------------------------------------------------


def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """``(fun(*primals), derivative along tangents)``.

    >>> out, dot = jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> print(out, dot)
    9.0 6.0
    """
    jaxpr, leaves, in_tree, out_tree = _program(fun, primals)
    flat_dots = _tangent_leaves(tangents, in_tree, leaves)
    outs, dots = jvp_values(jaxpr, leaves, flat_dots)
    out_tree, aux_tree = _split_aux(out_tree, has_aux)
    n = out_tree.num_leaves
    filled = [_instantiated(d, type_of(o)) for d, o in zip(dots[:n], outs[:n], strict=True)]
    result = tree_unflatten(out_tree, [as_value(o) for o in outs[:n]]), tree_unflatten(out_tree, filled)
    return (*result, tree_unflatten(aux_tree, outs[n:])) if aux_tree is not None else result


def _tangent_leaves(tangents: Sequence[Any], in_tree: TreeDef, primals: Sequence[Any]) -> list[Any]:
    leaves, tree = tree_flatten(tuple(tangents))
    if tree != in_tree:
        raise fail("G210", f"the tangents' structure {tree} is not that of the primals, {in_tree}", cls=TypeError)
    out: list[Any] = []
    for p, t in zip(primals, leaves, strict=True):
        if getattr(t, "dtype", None) == FLOAT0 or not p.type.is_float:
            out.append(None)
            continue
        value = as_value(t)
        if value.shape != p.shape or (value.dtype != p.dtype and not value.type.weak_type):
            raise fail(
                "G206",
                f"primal and tangent must have the same shape and dtype, got {p.type} and {value.type}",
                location=user_location(),
                cls=TypeError,
            )
        out.append(convert_element_type(value, p.dtype) if value.dtype != p.dtype else value)
    return out


def linearize(fun: Function, *primals: Any, has_aux: bool = False) -> Any:
    """``fun(*primals)`` and the linear map of its tangents at that point, which can be applied many times."""
    jaxpr, leaves, in_tree, out_tree = _program(fun, primals)
    active = [x.type.is_float for x in leaves]
    outs, linear = linearize_values(jaxpr, leaves, active)
    out_tree, aux_tree = _split_aux(out_tree, has_aux)
    n = out_tree.num_leaves
    push = _push_forward(linear, leaves, in_tree, out_tree, outs[:n])
    out = tree_unflatten(out_tree, [as_value(o) for o in outs[:n]])
    return (out, push, tree_unflatten(aux_tree, outs[n:])) if aux_tree is not None else (out, push)


def _push_forward(linear: Linear, leaves: Any, in_tree: TreeDef, out_tree: TreeDef, outs: Sequence[Any]) -> Function:
    program = linear.program()

    def push(*tangents: Any) -> Any:
        dots = _tangent_leaves(tangents, in_tree, leaves)
        filled = [
            zeros(x.type.strong()) if d is None else d for d, x in zip(dots, leaves, strict=True) if x.type.is_float
        ]
        stream = iter(evaluate_jaxpr(program, filled))
        found = [None if o is None else next(stream) for o in linear.outputs]
        return tree_unflatten(out_tree, [_instantiated(d, type_of(o)) for d, o in zip(found, outs, strict=False)])

    return push


# --- Jacobians ---------------------------------------------------------------------------------------------------------


def _basis(leaves: Sequence[Any]) -> list[Any]:
    """One standard basis vector of the whole flattened space a row, cut back into leaves of shape (n, *shape)."""
    total = sum(x.size for x in leaves)
    out, start = [], 0
    for x in leaves:
        block = np.zeros((total, x.size), x.dtype)
        block[start : start + x.size] = np.eye(x.size, dtype=x.dtype)
        out.append(Array(block.reshape((total, *x.shape))))
        start += x.size
    return out


def _unstack(rows: Any, leaves: Sequence[Any], axis: int, tree: TreeDef) -> Any:
    """Cuts the axis that enumerates a flattened tree back into leaves, each with its own shape in place of the axis."""
    t = type_of(rows)
    out, start = [], 0
    for x in leaves:
        part = slice_in_dim(rows, start, start + x.size, axis)
        out.append(as_value(reshape(part, (*t.shape[:axis], *x.shape, *t.shape[axis + 1 :]))))
        start += x.size
    return tree_unflatten(tree, out)


def jacfwd(fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False) -> Function:
    """The Jacobian, column by column in forward mode: for each output leaf a tree like the argument.

    >>> print(jacfwd(lambda x: x * x)(np.array([1.0, 2.0])))
    [[2. 0.]
     [0. 4.]]
    """

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        picked = _picked(argnums, args, fun)
        of_chosen = _of_chosen(fun, args, kwargs, picked)
        chosen = tuple(args[i] for i in picked)
        leaves, in_tree = _flat_values(chosen)
        for x in leaves:
            _check_jacobian_input(x.type, holomorphic)
        aux_box: list[Any] = []

        def push(*dots: Any) -> Any:
            result = jvp(of_chosen, chosen, tree_unflatten(in_tree, dots), has_aux=has_aux)
            if has_aux:
                aux_box.append(None)
                return result[1], result[2]
            return result[1]

        columns = vmap(push, out_axes=(-1, None) if has_aux else -1)(*_basis(leaves))
        columns, aux = columns if has_aux else (columns, None)
        arg_tree = in_tree.children[0] if isinstance(argnums, int) else in_tree
        jac = tree_map(lambda c: _unstack(c, leaves, type_of(c).ndim - 1, arg_tree), columns)
        return (jac, aux) if has_aux else jac

    return run


def jacrev(
    fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False, allow_int: bool = False
) -> Function:
    """The Jacobian, row by row in reverse mode: for each output leaf a tree like the argument."""

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        picked = _picked(argnums, args, fun)
        chosen = tuple(args[i] for i in picked)
        for x in _flat_values(chosen)[0]:
            _check_jacobian_input(x.type, holomorphic)
        result = _vjp(_of_chosen(fun, args, kwargs, picked), chosen, has_aux)
        out, pull = result[0], result[1]
        out_leaves, out_tree = tree_flatten(out)
        rows = vmap(lambda *cts: pull(tree_unflatten(out_tree, cts)))(*_basis(out_leaves))
        row_leaves, row_tree = tree_flatten(rows)
        cut = [tree_flatten(_unstack(r, out_leaves, 0, out_tree))[0] for r in row_leaves]
        arg_tree = row_tree.children[0] if isinstance(argnums, int) else row_tree
        jac = tree_unflatten(
            out_tree, [tree_unflatten(arg_tree, [c[i] for c in cut]) for i in range(len(out_leaves))]
        )
        return (jac, result[2]) if has_aux else jac

    return run


def _of_chosen(fun: Function, args: Sequence[Any], kwargs: dict[str, Any], picked: Sequence[int]) -> Function:
    def of_chosen(*new: Any) -> Any:
        full = list(args)
        for i, x in zip(picked, new, strict=True):
            full[i] = x
        return fun(*full, **kwargs)

    of_chosen.__name__ = _name(fun)
    return of_chosen


def _check_jacobian_input(t: ArrayType, holomorphic: bool) -> None:
    if t.dtype.kind == "f" or (holomorphic and t.dtype.kind == "c"):
        return
    raise fail(
        "G205",
        f"a Jacobian requires real-valued inputs, got {t.dtype.name}",
        hint="give floats" if t.dtype.kind != "c" else "pass holomorphic=True",
        location=user_location(),
        cls=TypeError,
    )


jacobian = jacrev


def hessian(fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False) -> Function:
    """The Hessian, forward over reverse.

    >>> print(hessian(lambda x: x * x * x)(2.0))
    12.0
    """
    return jacfwd(jacrev(fun, argnums, has_aux, holomorphic), argnums, has_aux, holomorphic)


# --- batches -----------------------------------------------------------------------------------------------------------


def vmap(
    fun: Function, in_axes: Any = 0, out_axes: Any = 0, axis_name: Any = None, axis_size: int | None = None, spmd_axis_name: Any = None
) -> Function:
    """``fun`` over a batch: ``in_axes`` and ``out_axes`` say, per argument or leaf, which axis runs over samples.

    Raises ValueError (G211) where axes do not exist or sizes disagree.

    >>> print(vmap(lambda x, y: x * y, in_axes=(0, None))(np.arange(3.0), 2.0))
    [0. 2. 4.]
    """

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        axes = in_axes if not isinstance(in_axes, list) else tuple(in_axes)
        leaves, in_tree = _flat_values((args, kwargs))
        if isinstance(axes, tuple) and len(axes) != len(args):
            raise fail(
                "G211", f"vmap in_axes {axes} has {len(axes)} entries for {len(args)} arguments", location=user_location(), cls=ValueError
            )
        flat = broadcast_prefix(axes, args, "vmap in_axes") if args else []
        flat += [0] * (len(leaves) - len(flat))
        dims = [_sample_axis(d, x, fun) for d, x in zip(flat, leaves, strict=True)]
        size = _sample_count(dims, leaves, axis_size, fun)
        types = [x.type if d is None else _without(x.type, d) for x, d in zip(leaves, dims, strict=True)]
        jaxpr, out_tree = trace_tree(lambda a, k: fun(*a, **k), in_tree, types, _name(fun))
        outs, out_dims = batch_values(jaxpr, size, leaves, dims)
        wanted = broadcast_prefix(out_axes, tree_unflatten(out_tree, outs), "vmap out_axes")
        placed = [_place(size, x, d, w) for x, d, w in zip(outs, out_dims, wanted, strict=True)]
        return tree_unflatten(out_tree, placed)

    return run


def _sample_axis(axis: Any, x: Any, fun: Function) -> int | None:
    if axis is None:
        return None
    if not isinstance(axis, int) or not -x.ndim <= axis < x.ndim:
        raise fail(
            "G211",
            f"vmap of {_name(fun)} was asked to map axis {axis} of an argument {x.type}",
            hint="in_axes=None leaves an argument as it is for every sample",
            location=user_location(),
            cls=ValueError,
        )
    return axis % x.ndim


def _sample_count(dims: Sequence[int | None], leaves: Sequence[Any], axis_size: int | None, fun: Function) -> int:
    sizes = {x.shape[d] for x, d in zip(leaves, dims, strict=True) if d is not None}
    if axis_size is not None:
        sizes.add(axis_size)
    if len(sizes) != 1:
        what = f"got batches of different sizes: {sorted(sizes)}" if sizes else "needs at least one mapped argument"
        raise fail("G211", f"vmap of {_name(fun)} {what}", location=user_location(), cls=ValueError)
    return int(sizes.pop()) if not any(d is not None for d in dims) else batch_size(leaves, dims)


def _without(t: ArrayType, axis: int) -> ArrayType:
    return t.with_shape(t.shape[:axis] + t.shape[axis + 1 :])


def _place(size: int, x: Any, d: int | None, wanted: int | None) -> Any:
    if wanted is None:
        if d is not None:
            raise fail("G211", "vmap has out_axes=None for an output that differs from sample to sample", cls=ValueError)
        return as_value(x)
    if d is None:
        shape = type_of(x).shape
        x = broadcast_in_dim(x, (size, *shape), tuple(range(1, len(shape) + 1)))
        d = 0
    ndim = type_of(x).ndim
    if not -ndim <= wanted < ndim:
        raise fail("G211", f"vmap cannot put the batch at axis {wanted} of an output with {ndim} axes", cls=ValueError)
    return as_value(moveaxis(x, d, wanted % ndim))


# --- looking at programs -----------------------------------------------------------------------------------------------


class ShapeDtypeStruct:
    """A shape and dtype that stand for an array."""

    def __init__(self, shape: Sequence[int], dtype: Any, weak_type: bool = False, **_: Any) -> None:
        self.shape, self.dtype, self.weak_type = tuple(shape), np.dtype(dtype), weak_type

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    def __repr__(self) -> str:
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={self.dtype.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShapeDtypeStruct) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))


def _abstract(x: Any) -> ArrayType:
    if isinstance(x, ArrayType):
        return x
    if isinstance(x, ShapeDtypeStruct):
        return array_type(x.shape, x.dtype, x.weak_type)
    return type_of(x)


def make_jaxpr(fun: Function, static_argnums: int | Sequence[int] = (), return_shape: bool = False, **_: Any) -> Function:
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

        jaxpr, out_tree = trace_tree(f, tree, [_abstract(x) for x in leaves], _name(fun))
        if return_shape:
            return jaxpr, tree_unflatten(out_tree, [ShapeDtypeStruct(t.shape, t.dtype) for t in jaxpr.out_types])
        return jaxpr

    return run


def eval_shape(fun: Function, *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes of ``fun``'s result, without running it."""
    return make_jaxpr(fun, return_shape=True)(*args, **kwargs)[1]


def stop_gradient(x: Any) -> Any:
    """The identity, with derivative zero, on any pytree.

    >>> print(grad(lambda x: x * stop_gradient(x))(3.0))
    3.0
    """
    return tree_map(lambda v: stop_gradient_value(v) if type_of(v).is_float else v, x)


def pmap(fun: Function, axis_name: Any = None, *, in_axes: Any = 0, out_axes: Any = 0, **options: Any) -> Function:
    """The answers of :func:`vmap`, on local worker threads: the batch is cut into one part a worker.

    Inside another transformation, where there is nothing to run yet, it is ``vmap``.
    """
    return parallel_map(vmap(fun, in_axes, out_axes), in_axes, out_axes, fun)

