"""Jacobians with many zeros from few products: columns that share no row are computed as one.

At concrete points only: where something is being traced, Jacobians stay the plain programs that they are in JAX.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from gradcli.engine.array import Array, raw, type_of
from gradcli.engine.autodiff import Function, flat_values, name_of, program_of
from gradcli.engine.ir.program import Jaxpr, sub_jaxprs
from gradcli.engine.ir.types import array_type
from gradcli.engine.ops.shape import zeros
from gradcli.engine.transforms.coloring import color_columns, seeds, spread_columns
from gradcli.engine.transforms.dce import dce_jaxpr
from gradcli.engine.transforms.jvp import jvp_values
from gradcli.engine.transforms.linearize import linearize_values
from gradcli.engine.transforms.rules import evaluate_jaxpr, target
from gradcli.engine.transforms.structure import output_patterns
from gradcli.engine.tree import TreeDef, tree_unflatten
from gradcli.engine.vmap import vmap

MIN_COLUMNS = 16  # below, looking for zeros costs more than it saves
MAX_SHARE = 0.5  # of the columns that may be left to compute


class Traced:
    """A function that has run once, as a program; to call it is to apply the program."""

    def __init__(self, fun: Function, chosen: Sequence[Any]) -> None:
        self.__name__ = name_of(fun)
        jaxpr, self.leaves, self.in_tree, self.out_tree = program_of(fun, chosen)
        self.jaxpr = dce_jaxpr(jaxpr)
        self.starts = [0, *accumulate(x.size for x in self.leaves)]
        self.weak: list[bool] = []

    def __call__(self, *args: Any) -> Any:
        return tree_unflatten(self.out_tree, evaluate_jaxpr(self.jaxpr, flat_values(args)[0]))

    def vjp(self) -> tuple[Any, Function]:
        """The result, and the function that maps a cotangent of it to cotangents of the arguments."""
        outs, linear = linearize_values(self.jaxpr, self.leaves, [True] * len(self.leaves))

        def pull(cotangent: Any) -> Any:
            found = linear.pull_back(flat_values(cotangent)[0])
            rows = zip(found, self.leaves, strict=True)
            return tree_unflatten(self.in_tree, [zeros(x.type.strong()) if ct is None else ct for ct, x in rows])

        return tree_unflatten(self.out_tree, outs), pull

    def gives_scalar(self) -> bool:
        """Whether the result is one number, and nothing around it."""
        return self.out_tree.num_leaves == 1 and not self.out_tree.parts and not self.jaxpr.out_types[0].shape

    def jacobian(self, arg_tree: TreeDef) -> Any:
        """For each leaf of the result a tree of blocks like ``arg_tree``; None where no column can be saved."""
        jaxpr, dtype = self.jaxpr, self.leaves[0].dtype
        if not self.has_one_dtype() or _has_reverse_rule(jaxpr):
            return None
        patterns = output_patterns(jaxpr, [x.size for x in self.leaves])
        colors, count = color_columns(patterns, self.starts)
        if count > MAX_SHARE * self.starts[-1]:
            return None
        products = self._products(seeds(colors, count, dtype))
        if not all(np.isfinite(p).all() for p in products):
            return None  # zeros times inf are not zero: the plain way shows where
        rows = zip(patterns, products, strict=True)
        return self._blocks([spread_columns(p, values, colors, self.starts) for p, values in rows], arg_tree)

    def dense_jacobian(self, arg_tree: TreeDef) -> Any:
        """The same from one product a column; None where dtypes are mixed."""
        if not self.has_one_dtype():
            return None
        return self._blocks(self._products(np.eye(self.starts[-1], dtype=self.leaves[0].dtype)), arg_tree)

    def has_one_dtype(self) -> bool:
        """Whether arguments and results have one dtype."""
        return all(t.dtype == self.leaves[0].dtype for t in self.jaxpr.out_types)

    def _blocks(self, matrices: Sequence[Any], arg_tree: TreeDef) -> Any:
        """For each output the tree of the blocks that its [elements, columns] is cut into."""
        blocks = []
        for t, matrix, weak in zip(self.jaxpr.out_types, matrices, self.weak, strict=True):
            types = [array_type((*t.shape, *x.shape), matrix.dtype, weak) for x in self.leaves]
            cut = [
                Array(np.ascontiguousarray(matrix[:, a:b]).reshape(of.shape)[()], of)
                for a, b, of in zip(self.starts, self.starts[1:], types, strict=False)
            ]
            blocks.append(tree_unflatten(arg_tree, cut))
        return tree_unflatten(self.out_tree, blocks)

    def _products(self, rows: Any) -> list[Any]:
        """The Jacobian times each row of seeds: for each output an array [elements, seeds]."""
        bounds = list(zip(self.starts, self.starts[1:], self.leaves, strict=False))
        types = self.jaxpr.out_types

        def push(*dots: Any) -> list[Any]:
            found = jvp_values(self.jaxpr, self.leaves, dots)[1]
            return [zeros(t.strong()) if d is None else d for d, t in zip(found, types, strict=True)]

        if len(rows) == 1:
            outs = push(*(Array(rows[0, a:b].reshape(x.shape)) for a, b, x in bounds))
        elif len(rows):
            outs = vmap(push)(*(Array(rows[:, a:b].reshape(-1, *x.shape)) for a, b, x in bounds))
        else:
            outs = [np.zeros((0, *t.shape), t.dtype) for t in types]
        self.weak = [type_of(x).weak_type for x in outs]
        return [np.reshape(raw(x), (len(rows), t.size)).T for x, t in zip(outs, types, strict=True)]


def _has_reverse_rule(jaxpr: Jaxpr) -> bool:
    """Whether there is a function with a reverse rule only, which may not go forwards."""
    return any(
        eqn.primitive.name == "custom_vjp_call" or any(_has_reverse_rule(sub) for _, sub in sub_jaxprs(eqn.params))
        for eqn in jaxpr.eqns
    )


def worth_tracing(leaves: Sequence[Any]) -> bool:
    """Whether these are enough columns, at a concrete point, of one real dtype."""
    if sum(x.size for x in leaves) < MIN_COLUMNS or target(leaves) is not None:
        return False
    return leaves[0].dtype.kind == "f" and all(x.dtype == leaves[0].dtype for x in leaves)
