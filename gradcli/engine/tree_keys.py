"""Paths into pytrees as JAX has them (tuples of keys), and containers registered with keys."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from gradcli.engine.record import record
from gradcli.engine.tree import IsLeaf, TreeDef, register_pytree_node, tree_flatten, tree_unflatten


@record
class SequenceKey:
    """A place in a list or tuple."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx}]"


@record
class DictKey:
    """A key of a dict."""

    key: Hashable

    def __str__(self) -> str:
        return f"[{self.key!r}]"


@record
class GetAttrKey:
    """A field of a named tuple or dataclass."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@record
class FlattenedIndexKey:
    """A child of a container that says nothing of its keys."""

    key: int

    def __str__(self) -> str:
        return f"[<flat index {self.key}>]"


KeyPath = tuple[Any, ...]
_WITH_KEYS: dict[type, Callable[[Any], tuple[Any, Any]]] = {}


def _keys(tree: Any, structure: TreeDef) -> list[Any]:
    """The keys of a container's children, in order."""
    kind, n = structure.type, len(structure.parts)
    assert kind is not None
    if kind in _WITH_KEYS:
        return [key for key, _ in _WITH_KEYS[kind](tree)[0]]
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return [GetAttrKey(name) for name in kind._fields]
    if kind in (list, tuple):
        return [SequenceKey(i) for i in range(n)]
    if issubclass(kind, dict):
        data: Any = structure.data
        return [DictKey(k) for k in (data[1] if isinstance(data, tuple) and kind.__name__ == "defaultdict" else data)]
    if all(label.startswith(".") for label in structure.labels):
        return [GetAttrKey(label[1:]) for label in structure.labels]
    return [FlattenedIndexKey(i) for i in range(n)]


def _paths(tree: Any, structure: TreeDef, path: KeyPath, is_leaf: IsLeaf, out: list[tuple[KeyPath, Any]]) -> None:
    if structure.type is None:
        out.append((path, tree))
        return
    if structure.kind is None:  # None: a container without children
        return
    children, _, _ = structure.kind.flatten(tree)
    for key, child, part in zip(_keys(tree, structure), children, structure.parts, strict=True):
        _paths(child, part, (*path, key), is_leaf, out)


def tree_flatten_with_path(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[tuple[KeyPath, Any]], TreeDef]:
    """Pairs (path, leaf), and the structure; a path is a tuple of keys.

    >>> [(keystr(path), leaf) for path, leaf in tree_flatten_with_path({"a": [1.0], "b": (2.0,)})[0]]
    [("['a'][0]", 1.0), ("['b'][0]", 2.0)]
    """
    _, structure = tree_flatten(tree, is_leaf)
    out: list[tuple[KeyPath, Any]] = []
    _paths(tree, structure, (), is_leaf, out)
    return out, structure


def tree_leaves_with_path(tree: Any, is_leaf: IsLeaf = None) -> list[tuple[KeyPath, Any]]:
    """Pairs (path, leaf)."""
    return tree_flatten_with_path(tree, is_leaf)[0]


def tree_map_with_path(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: IsLeaf = None) -> Any:
    """``f(path, leaf, *leaves of the rest)`` in the place of every leaf."""
    pairs, structure = tree_flatten_with_path(tree, is_leaf)
    others = [structure.flatten_up_to(r) for r in rest]
    made = [f(path, leaf, *more) for (path, leaf), *more in zip(pairs, *others, strict=True)]
    return tree_unflatten(structure, made)


def keystr(keys: KeyPath, *, simple: bool = False, separator: str = "") -> str:
    """A path as text; ``simple``: keys alone, put together by ``separator``."""
    if not simple:
        return separator.join(map(str, keys))
    return separator.join(str(next(getattr(k, n) for n in ("idx", "key", "name") if hasattr(k, n))) for k in keys)


# --- registration -----------------------------------------------------------------------------------------------------


def register_pytree_with_keys(
    nodetype: type,
    flatten_with_keys: Callable[[Any], tuple[Iterable[tuple[Any, Any]], Hashable]],
    unflatten_func: Callable[[Any, Sequence[Any]], Any],
    flatten_func: Callable[[Any], tuple[Iterable[Any], Hashable]] | None = None,
) -> None:
    """Makes ``nodetype`` a container whose ``flatten_with_keys(obj)`` gives pairs (key, child), and static data."""

    def flatten(x: Any) -> tuple[list[Any], Hashable]:
        pairs, data = flatten_with_keys(x)
        return [child for _, child in pairs], data

    def with_keys(x: Any) -> tuple[list[Any], Any]:
        pairs, data = flatten_with_keys(x)
        return list(pairs), data

    register_pytree_node(nodetype, flatten_func or flatten, unflatten_func)
    _WITH_KEYS[nodetype] = with_keys


def register_pytree_with_keys_class(cls: type) -> type:
    """Class decorator: registers by ``tree_flatten_with_keys`` and (a class method) ``tree_unflatten``."""
    register_pytree_with_keys(cls, lambda x: x.tree_flatten_with_keys(), cls.tree_unflatten)  # type: ignore[attr-defined]
    return cls


def register_static(cls: type) -> type:
    """Makes objects of a hashable class containers without children: static data."""
    register_pytree_node(cls, lambda x: ((), x), lambda data, _: data)
    return cls


class Partial(functools.partial):  # type: ignore[type-arg]
    """A function with some arguments given, which are children: it can be an argument of transformed functions.

    >>> from gradcli import grad
    >>> print(grad(lambda f: f(3.0))(Partial(lambda a, x: a * x, 2.0)).args)
    (Array(3., dtype=float64, weak_type=True),)
    """


register_pytree_node(
    Partial, lambda p: ((p.args, p.keywords), p.func), lambda func, parts: Partial(func, *parts[0], **parts[1])
)


# --- small things -----------------------------------------------------------------------------------------------------


def all_leaves(iterable: Iterable[Any], is_leaf: IsLeaf = None) -> bool:
    """Whether all elements are leaves."""
    return all(tree_flatten(x, is_leaf)[1].type is None for x in iterable)


def tree_reduce_associative(
    operation: Callable[[Any, Any], Any], tree: Any, *, identity: Any = None, is_leaf: IsLeaf = None
) -> Any:
    """The leaves combined as a balanced tree of pairs. Raises TypeError for no leaves and no ``identity``."""
    values = tree_flatten(tree, is_leaf)[0]
    if not values:
        if identity is None:
            raise TypeError("tree_reduce_associative of no leaves needs an identity")
        return identity
    while len(values) > 1:
        joined = [operation(a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
        values = [*joined, values[-1]] if len(values) % 2 else joined
    return values[0]


def is_tree_node(x: Any) -> bool:
    """Whether a value is a container."""
    return tree_flatten(x, lambda child: child is not x)[1].type is not None


def flatten_one_level(tree: Any) -> tuple[list[Any], Any]:
    """The children of a container, and its static data. Raises ValueError for a leaf."""
    children, structure = tree_flatten(tree, lambda child: child is not tree)
    if structure.type is None:
        raise ValueError(f"can't flatten a leaf: {tree!r}")
    node = structure.node_data()
    # None is a container without children, and so are empty ones: a child that is None counts as one all the same.
    return (list(structure.kind.flatten(tree)[0]) if structure.kind else children), node[1] if node else None


def static(**options: Any) -> Any:
    """A field of a dataclass that is static data: for classes given to ``register_dataclass``."""
    return dataclasses.field(metadata={**options.pop("metadata", {}), "static": True}, **options)


def treedef_children(treedef: TreeDef) -> list[TreeDef]:
    """The structures of the children."""
    return list(treedef.parts)


def treedef_is_leaf(treedef: TreeDef) -> bool:
    """Whether the structure is that of one leaf."""
    return treedef.type is None


def treedef_tuple(treedefs: Iterable[TreeDef]) -> TreeDef:
    """The structure of a tuple of things of these structures."""
    parts = list(treedefs)
    return tree_flatten(tuple(tree_unflatten(t, [0] * t.num_leaves) for t in parts))[1]


def tree_broadcast(prefix_tree: Any, full_tree: Any, is_leaf: IsLeaf = None) -> Any:
    """The full tree with, in the place of its leaves, those of the prefix tree that they belong to."""
    structure = tree_flatten(prefix_tree, is_leaf)[1]
    leaves = tree_flatten(prefix_tree, is_leaf)[0]
    subtrees = structure.flatten_up_to(full_tree)
    inner = [tree_flatten(sub)[1] for sub in subtrees]
    filled = [tree_unflatten(t, [leaf] * t.num_leaves) for leaf, t in zip(leaves, inner, strict=True)]
    return tree_unflatten(structure, filled)
