"""Pytrees, by the short names of ``jax.tree``."""

from __future__ import annotations

from gradcli.engine import tree as _tree
from gradcli.engine import tree_keys as _keys

all = _tree.tree_all
broadcast = _keys.tree_broadcast
flatten = _tree.tree_flatten
flatten_with_path = _keys.tree_flatten_with_path
leaves = _tree.tree_leaves
leaves_with_path = _keys.tree_leaves_with_path
map = _tree.tree_map
map_with_path = _keys.tree_map_with_path
reduce = _tree.tree_reduce
reduce_associative = _keys.tree_reduce_associative
static = _keys.static
structure = _tree.tree_structure
transpose = _tree.tree_transpose
unflatten = _tree.tree_unflatten

__all__ = [
    "all", "broadcast", "flatten", "flatten_with_path", "leaves", "leaves_with_path", "map", "map_with_path", "reduce",
    "reduce_associative", "static", "structure", "transpose", "unflatten",
]  # fmt: skip
