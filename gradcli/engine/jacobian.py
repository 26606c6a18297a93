"""``jacfwd``, ``jacrev`` and ``hessian``: a Jacobian is a vmap of jvp or vjp over a standard basis.

Where many columns are known to be zero it is less: see :mod:`gradcli.engine.structured`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import constant, type_of
from gradcli.engine.autodiff import Function, flat_values, jvp, of_chosen_args, picked_numbers, vjp_of
from gradcli.engine.custom import as_value
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.cuts import slice_in_dim
from gradcli.engine.ops.shape import reshape
from gradcli.engine.structured import Traced, worth_tracing
from gradcli.engine.trace.source import user_location
from gradcli.engine.tree import TreeDef, tree_flatten, tree_map, tree_unflatten
from gradcli.engine.vmap import vmap


def _basis(leaves: Sequence[Any]) -> list[Any]:
    """One standard basis vector of the whole flattened space a row, cut back into leaves of shape (n, *shape)."""
    total = sum(x.size for x in leaves)
    out, start = [], 0
    for x in leaves:
        out.append(constant(np.eye(total, x.size, -start).reshape((total, *x.shape)), x.dtype))
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


def jacfwd(
    fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False
) -> Function:
    """The Jacobian, column by column in forward mode: for each output leaf a tree like the argument.

    >>> print(jacfwd(lambda x: x * x)(np.array([1.0, 2.0])))
    [[2. 0.]
     [0. 4.]]
    """

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        picked = picked_numbers(argnums, args, fun)
        of_chosen = of_chosen_args(fun, args, kwargs, picked)
        chosen = tuple(args[i] for i in picked)
        leaves, in_tree = flat_values(chosen)
        for x in leaves:
            _check_jacobian_input(x.type, holomorphic)
        arg_tree = in_tree.parts[0] if isinstance(argnums, int) else in_tree
        if not has_aux and worth_tracing(leaves):
            of_chosen = Traced(of_chosen, chosen)
            found = of_chosen.jacobian(arg_tree)
            found = of_chosen.dense_jacobian(arg_tree) if found is None else found
            if found is not None:
                return found

        def push(*dots: Any) -> Any:
            result = jvp(of_chosen, chosen, tree_unflatten(in_tree, dots), has_aux=has_aux)
            return (result[1], result[2]) if has_aux else result[1]

        columns = vmap(push, out_axes=(-1, None) if has_aux else -1)(*_basis(leaves))
        columns, aux = columns if has_aux else (columns, None)
        jac = tree_map(lambda c: _unstack(c, leaves, type_of(c).ndim - 1, arg_tree), columns)
        return (jac, aux) if has_aux else jac

    return run


def jacrev(
    fun: Function,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Function:
    """The Jacobian, row by row in reverse mode: for each output leaf a tree like the argument."""

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        picked = picked_numbers(argnums, args, fun)
        chosen = tuple(args[i] for i in picked)
        leaves, in_tree = flat_values(chosen)
        for x in leaves:
            _check_jacobian_input(x.type, holomorphic)
        of_chosen: Any = of_chosen_args(fun, args, kwargs, picked)
        if not has_aux and worth_tracing(leaves):
            of_chosen = Traced(of_chosen, chosen)
            found = of_chosen.jacobian(in_tree.parts[0] if isinstance(argnums, int) else in_tree)
            if found is not None:
                return found
        known = isinstance(of_chosen, Traced) and of_chosen.has_one_dtype()
        result: Any = of_chosen.vjp() if known else vjp_of(of_chosen, chosen, has_aux)
        out, pull = result[0], result[1]
        out_leaves, out_tree = tree_flatten(out)
        rows = vmap(lambda *cts: pull(tree_unflatten(out_tree, cts)))(*_basis(out_leaves))
        row_leaves, row_tree = tree_flatten(rows)
        cut = [tree_flatten(_unstack(r, out_leaves, 0, out_tree))[0] for r in row_leaves]
        arg_tree = row_tree.parts[0] if isinstance(argnums, int) else row_tree
        jac = tree_unflatten(out_tree, [tree_unflatten(arg_tree, [c[i] for c in cut]) for i in range(len(out_leaves))])
        return (jac, result[2]) if has_aux else jac

    return run


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


def hessian(
    fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False
) -> Function:
    """The Hessian, forward over reverse.

    >>> print(hessian(lambda x: x * x * x)(2.0))
    12.0
    """
    dense = jacfwd(jacrev(fun, argnums, has_aux, holomorphic), argnums, has_aux, holomorphic)

    @functools.wraps(fun, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        picked = picked_numbers(argnums, args, fun)
        chosen = tuple(args[i] for i in picked)
        leaves, in_tree = flat_values(chosen)
        if has_aux or not worth_tracing(leaves):
            return dense(*args, **kwargs)
        of_chosen = Traced(of_chosen_args(fun, args, kwargs, picked), chosen)
        single = isinstance(argnums, int)
        if of_chosen.gives_scalar():
            arg_tree = in_tree.parts[0] if single else in_tree
            gradient = Traced(_gradient_of(of_chosen, single), chosen)
            found = gradient.jacobian(arg_tree)
            found = gradient.dense_jacobian(arg_tree) if found is None else found
            if found is not None:
                return found
        numbers: Any = 0 if single else tuple(range(len(chosen)))
        return jacfwd(jacrev(of_chosen, numbers, False, holomorphic), numbers, False, holomorphic)(*chosen)

    return run


def _gradient_of(fun: Function, single: bool) -> Function:
    """The gradient of a scalar function, with respect to all arguments or its only one."""

    def gradient(*args: Any) -> Any:
        out, pull = vjp_of(fun, args, False)
        found = pull(type_of(out).dtype.type(1))
        return found[0] if single else found

    return gradient
