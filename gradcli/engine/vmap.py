"""``vmap`` and ``pmap``: a per-sample function over a batch."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Value, type_of
from gradcli.engine.autodiff import Function, name_of
from gradcli.engine.control.common import trace_tree
from gradcli.engine.custom import as_value
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import INT32, ArrayType, array_type
from gradcli.engine.ops.collective import named_axis
from gradcli.engine.ops.shape import broadcast_in_dim, iota, moveaxis
from gradcli.engine.parallel import parallel_map
from gradcli.engine.refs import Opened, Ref, RefsWritten, on_values, opened, put_all, refs_in
from gradcli.engine.trace.source import user_location
from gradcli.engine.transforms.batch import batch_size, batch_values
from gradcli.engine.tree import TreeDef, broadcast_prefix, tree_flatten, tree_unflatten


def vmap(
    fun: Function,
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_name: Any = None,
    axis_size: int | None = None,
    spmd_axis_name: Any = None,
) -> Function:
    """``fun`` over a batch: ``in_axes`` and ``out_axes`` say, per argument or leaf, which axis runs over samples.

    ``axis_name`` lets the function use collectives of :mod:`gradcli.lax` (``psum`` …) between samples.

    Raises ValueError (G211) where axes do not exist or sizes disagree.

    >>> import numpy as np
    >>> print(vmap(lambda x, y: x * y, in_axes=(0, None))(np.arange(3.0), 2.0))
    [0. 2. 4.]
    """

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        axes = in_axes if not isinstance(in_axes, list) else tuple(in_axes)
        refs = refs_in((args, kwargs))
        if refs:
            return _of_refs(refs, args, kwargs)
        leaves, in_tree = tree_flatten((args, kwargs))
        if isinstance(axes, tuple) and len(axes) != len(args):
            raise fail(
                "G211",
                f"vmap in_axes {axes} has {len(axes)} entries for {len(args)} arguments",
                location=user_location(),
                cls=ValueError,
            )
        flat = broadcast_prefix(axes, args, "vmap in_axes") if args else []
        flat += [0] * (len(leaves) - len(flat))
        one, in_tree, leaves, flat = _without_objects(fun, in_tree, leaves, flat)
        dims = [_sample_axis(d, x, fun) for d, x in zip(flat, leaves, strict=True)]
        size = _sample_count(dims, leaves, axis_size, fun)
        types = [x.type if d is None else _without(x.type, d) for x, d in zip(leaves, dims, strict=True)]
        try:
            jaxpr, out_tree = _sample_program(one, in_tree, types, axis_name, size)
        except RefsWritten as told:
            raise _shared(told.refs[0]) from None
        if axis_name is not None:
            leaves, dims = [*leaves, iota(INT32, (size,), 0)], [*dims, 0]
        outs, out_dims = batch_values(jaxpr, size, leaves, dims)
        wanted = broadcast_prefix(out_axes, tree_unflatten(out_tree, outs), "vmap out_axes")
        placed = [_place(size, x, d, w) for x, d, w in zip(outs, out_dims, wanted, strict=True)]
        return tree_unflatten(out_tree, placed)

    def _of_refs(refs: Sequence[Ref], args: Any, kwargs: Any) -> Any:
        """Refs among the arguments are mapped as arrays are; what they hold in the end is put back in the same way."""
        axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes
        own = broadcast_prefix(axes, opened(args), "vmap in_axes") + [0] * len(tree_flatten(opened(kwargs))[0])
        marks = tree_flatten((opened(args), opened(kwargs)), lambda x: isinstance(x, Opened))[0]
        places = [d for d, x in zip(own, marks, strict=True) if isinstance(x, Opened)]
        mapped = vmap(on_values(fun), axes, (out_axes, places), axis_name, axis_size, spmd_axis_name)
        out, values = mapped(*opened(args), **opened(kwargs))
        put_all(refs, values)
        return out

    return run


def _without_objects(
    fun: Function, in_tree: TreeDef, leaves: list[Any], axes: list[Any]
) -> tuple[Function, TreeDef, list[Any], list[Any]]:
    """The function of the arrays alone: numbers and other objects that are not mapped reach it as they are."""
    fixed = {
        i: x for i, (x, d) in enumerate(zip(leaves, axes, strict=True))
        if d is None and not isinstance(x, (Value, np.ndarray, np.generic))
    }  # fmt: skip
    kept = [i for i in range(len(leaves)) if i not in fixed]
    values = [as_value(leaves[i]) for i in kept]
    if not fixed:
        return fun, in_tree, values, axes

    @functools.wraps(fun, updated=())
    def of_arrays(*arrays: Any) -> Any:
        found = fixed | dict(zip(kept, arrays, strict=True))
        args, kwargs = tree_unflatten(in_tree, [found[i] for i in range(len(leaves))])
        return fun(*args, **kwargs)

    return of_arrays, tree_flatten((tuple(values), {}))[1], values, [axes[i] for i in kept]


def _sample_program(
    fun: Function, in_tree: TreeDef, types: Sequence[ArrayType], axis_name: Any, size: int
) -> tuple[Jaxpr, TreeDef]:
    """The program of one sample; under an axis name with its number as one more input."""
    if axis_name is None:
        return trace_tree(lambda a, k: fun(*a, **k), in_tree, types, name_of(fun))

    def with_lane(both: Any, lane: Any) -> Any:
        with named_axis(axis_name, size, lane):
            return fun(*both[0], **both[1])

    _, tree = tree_flatten((tree_unflatten(in_tree, types), array_type((), INT32)))
    return trace_tree(with_lane, tree, [*types, array_type((), INT32)], name_of(fun))


def _shared(ref: Ref) -> Exception:
    error: Exception = fail(
        "G211", "performing a set/swap operation with vmapped value on an unbatched array reference of type "
        f"{ref.aval}",
        hint="make the ref an argument of the function, with an axis for the samples", location=user_location(),
        cls=Exception,
    )  # fmt: skip
    return error


def _sample_axis(axis: Any, x: Any, fun: Function) -> int | None:
    if axis is None:
        return None
    if not isinstance(axis, int) or not -x.ndim <= axis < x.ndim:
        raise fail(
            "G211",
            f"vmap of {name_of(fun)} was asked to map axis {axis} of an argument {x.type}",
            hint="in_axes=None leaves an argument as it is for every sample",
            location=user_location(),
            cls=ValueError,
        )
    return int(axis % x.ndim)


def _sample_count(dims: Sequence[int | None], leaves: Sequence[Any], axis_size: int | None, fun: Function) -> int:
    sizes = {x.shape[d] for x, d in zip(leaves, dims, strict=True) if d is not None}
    if axis_size is not None:
        sizes.add(axis_size)
    if len(sizes) != 1:
        what = f"got batches of different sizes: {sorted(sizes)}" if sizes else "needs at least one mapped argument"
        raise fail("G211", f"vmap of {name_of(fun)} {what}", location=user_location(), cls=ValueError)
    return int(sizes.pop()) if not any(d is not None for d in dims) else batch_size(leaves, dims)


def _without(t: ArrayType, axis: int) -> ArrayType:
    return t.with_shape(t.shape[:axis] + t.shape[axis + 1 :])


def _place(size: int, x: Any, d: int | None, wanted: int | None) -> Any:
    if wanted is None:
        if d is not None:
            raise fail(
                "G211", "vmap has out_axes=None for an output that differs from sample to sample", cls=ValueError
            )
        return as_value(x)
    if d is None:
        shape = type_of(x).shape
        x = broadcast_in_dim(x, (size, *shape), tuple(range(1, len(shape) + 1)))
        d = 0
    ndim = type_of(x).ndim
    if not -ndim <= wanted < ndim:
        raise fail("G211", f"vmap cannot put the batch at axis {wanted} of an output with {ndim} axes", cls=ValueError)
    return as_value(moveaxis(x, d, wanted % ndim))


def pmap(
    fun: Function, axis_name: Any = None, *, in_axes: Any = 0, out_axes: Any = 0,
    static_broadcasted_argnums: int | Sequence[int] = (), axis_size: int | None = None, **options: Any,
) -> Function:  # fmt: skip
    """The answers of :func:`vmap`, on local worker threads: the batch is cut into one part a worker.

    Inside another transformation, where there is nothing to run yet, it is ``vmap``; so it is under an axis name, as
    collectives need all samples together. Arguments ``static_broadcasted_argnums`` are passed on as they are.
    ``options`` (devices, backend, donated arguments) have no effect.
    """
    numbers = static_broadcasted_argnums
    static = (numbers,) if isinstance(numbers, int) else tuple(numbers)
    if static:
        return _with_static(fun, axis_name, in_axes, out_axes, static, axis_size)
    if axis_name is not None or axis_size is not None:
        return vmap(fun, in_axes, out_axes, axis_name, axis_size)
    return parallel_map(vmap(fun, in_axes, out_axes), in_axes, out_axes, fun)


def _with_static(
    fun: Function, axis_name: Any, in_axes: Any, out_axes: Any, static: Sequence[int], axis_size: int | None
) -> Function:
    """``pmap`` of the function of its other arguments."""

    @functools.wraps(fun, updated=())
    def run(*args: Any) -> Any:
        fixed = {i % len(args): args[i] for i in static}

        def of_others(*others: Any) -> Any:
            stream = iter(others)
            return fun(*(fixed[i] if i in fixed else next(stream) for i in range(len(args))))

        of_others.__name__ = name_of(fun)
        axes = in_axes
        if isinstance(in_axes, (tuple, list)):
            axes = tuple(a for i, a in enumerate(in_axes) if i not in fixed)
        mapped = pmap(of_others, axis_name, in_axes=axes, out_axes=out_axes, axis_size=axis_size)
        return mapped(*(a for i, a in enumerate(args) if i not in fixed))

    return run
