"""Pytrees, by the names of ``jax.tree_util``."""

from __future__ import annotations

from gradcli.engine.tree import (
    TreeDef,
    register_dataclass,
    register_pytree_node,
    register_pytree_node_class,
    tree_all,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_map,
    tree_map_with_path,
    tree_reduce,
    tree_structure,
    tree_transpose,
    tree_unflatten,
)

PyTreeDef = TreeDef

__all__ = [
    "PyTreeDef", "register_dataclass", "register_pytree_node", "register_pytree_node_class", "tree_all", "tree_flatten",
    "tree_flatten_with_path", "tree_leaves", "tree_map", "tree_map_with_path", "tree_reduce", "tree_structure",
    "tree_transpose", "tree_unflatten",
]  # fmt: skip
