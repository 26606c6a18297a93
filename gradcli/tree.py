"""Pytrees, by the short names of ``jax.tree``."""

from __future__ import annotations

from gradcli.engine import tree as _tree

all = _tree.tree_all
flatten = _tree.tree_flatten
flatten_with_path = _tree.tree_flatten_with_path
leaves = _tree.tree_leaves
map = _tree.tree_map
map_with_path = _tree.tree_map_with_path
reduce = _tree.tree_reduce
structure = _tree.tree_structure
transpose = _tree.tree_transpose
unflatten = _tree.tree_unflatten

__all__ = [
    "all", "flatten", "flatten_with_path", "leaves", "map", "map_with_path", "reduce", "structure", "transpose",
    "unflatten",
]  # fmt: skip
