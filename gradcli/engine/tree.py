"""Pytrees: nested containers of leaves, flattened to lists and built again, with a readable path for every leaf.

Dictionaries flatten in sorted key order, ``None`` is an empty tree, and named tuples, dataclasses registered with
:func:`register_dataclass` and any class given to :func:`register_pytree_node` are containers; all else is a leaf.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, cast

from gradcli.engine.errors import fail

Leaf = Any
IsLeaf = Callable[[Any], bool] | None


class NodeKind(NamedTuple):
    """How a container type comes apart: ``flatten`` gives children, path labels, static data; ``build`` reverses it."""

    name: str
    flatten: Callable[[Any], tuple[Sequence[Any], Sequence[str], Hashable]]
    build: Callable[[Any, Sequence[Any]], Any]


class TreeDef:
    """The structure of a pytree: hashable, comparable, printable; ``*`` stands for a leaf.

    >>> tree_structure({"b": 1, "a": (2, None)})
    PyTreeDef({'a': (*, None), 'b': *})
    """

    __slots__ = ("_hash", "data", "kind", "labels", "num_leaves", "parts", "type")

    def __init__(
        self,
        type_: type | None,
        kind: NodeKind | None,
        data: Hashable,
        children: tuple[TreeDef, ...],
        labels: Sequence[str],
    ) -> None:
        self.type, self.kind, self.data, self.parts, self.labels = type_, kind, data, children, tuple(labels)
        self.num_leaves: int = 1 if type_ is None else sum(c.num_leaves for c in children)
        try:
            self._hash = hash((type_, data, children))
        except TypeError:  # static data of a class of the user's, a dict say, that can be compared alone
            self._hash = hash((type_, children))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, TreeDef)
            and self._hash == other._hash
            and (self.type, self.data, self.parts) == (other.type, other.data, other.parts)
        )

    def __repr__(self) -> str:
        return f"PyTreeDef({self.text()})"

    def text(self) -> str:
        """The structure without the word around it."""
        if self.kind is None:
            return "None" if self.type is _NoneType else "*"
        inner = [child.text() for child in self.parts]
        if self.type is dict:
            keys = cast(tuple[Any, ...], self.data)
            return "{" + ", ".join(f"{k!r}: {s}" for k, s in zip(keys, inner, strict=True)) + "}"
        if self.type is tuple:
            return "(" + ", ".join(inner) + ("," if len(inner) == 1 else "") + ")"
        if self.type is list:
            return "[" + ", ".join(inner) + "]"
        name = "namedtuple" if self.kind is _NAMEDTUPLE else self.type.__name__  # type: ignore[union-attr]
        data = self.type.__name__ if self.kind is _NAMEDTUPLE else repr(self.data)  # type: ignore[union-attr]
        return f"CustomNode({name}[{data}], [{', '.join(inner)}])"

    @property
    def num_nodes(self) -> int:
        """Containers and leaves together."""
        return 1 + sum(c.num_nodes for c in self.parts)

    def children(self) -> list[TreeDef]:
        """The structures of the children."""
        return list(self.parts)

    def node_data(self) -> tuple[type, Any] | None:
        """The type of the container and its static data (a list of keys for a dict), or None for a leaf."""
        if self.type is None:
            return None
        return self.type, list(cast(tuple[Any, ...], self.data)) if self.type is dict else self.data

    def compose(self, inner: TreeDef) -> TreeDef:
        """The structure with ``inner`` in the place of every leaf."""
        if self.type is None:
            return inner
        return TreeDef(self.type, self.kind, self.data, tuple(c.compose(inner) for c in self.parts), self.labels)

    def unflatten(self, leaves: Iterable[Leaf]) -> Any:
        """Builds the tree from its leaves."""
        return tree_unflatten(self, leaves)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """Takes ``tree`` apart only as deep as this structure goes, so that whole subtrees stand for leaves."""
        out: list[Any] = []
        _flatten_up_to(self, tree, out, "")
        return out


_NoneType = type(None)
LEAF = TreeDef(None, None, None, (), ())
_NONE = TreeDef(_NoneType, None, None, (), ())
_REGISTRY: dict[type, NodeKind] = {}
_LEAF_TYPES: set[type] = {float, int, bool, complex}  # seen as leaves; forgotten when a class is registered
_FLAT: dict[tuple[type, int], TreeDef] = {}  # structures of tuples and lists that hold leaves alone


def _sorted_keys(tree: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(tree)
    except TypeError:
        raise fail(
            "G210",
            f"the keys of a dictionary in a pytree cannot be sorted: {list(tree)!r}",
            hint="use keys of one type",
            cls=ValueError,
        ) from None


def _flatten_dict(tree: dict[Any, Any]) -> tuple[Sequence[Any], Sequence[str], Hashable]:
    keys = _sorted_keys(tree)
    return [tree[k] for k in keys], [f"[{k!r}]" for k in keys], tuple(keys)


def _flatten_sequence(tree: Sequence[Any]) -> tuple[Sequence[Any], Sequence[str], Hashable]:
    return tree, [f"[{i}]" for i in range(len(tree))], None


def _flatten_defaultdict(tree: defaultdict[Any, Any]) -> tuple[Sequence[Any], Sequence[str], Hashable]:
    children, labels, keys = _flatten_dict(tree)
    return children, labels, (tree.default_factory, keys)


def _flatten_ordereddict(tree: OrderedDict[Any, Any]) -> tuple[Sequence[Any], Sequence[str], Hashable]:
    return list(tree.values()), [f"[{k!r}]" for k in tree], tuple(tree)


def _flatten_namedtuple(tree: Any) -> tuple[Sequence[Any], Sequence[str], Hashable]:
    return tree, [f".{name}" for name in tree._fields], cast(Hashable, type(tree))


_REGISTRY[tuple] = NodeKind("tuple", _flatten_sequence, lambda data, xs: tuple(xs))
_REGISTRY[list] = NodeKind("list", _flatten_sequence, lambda data, xs: list(xs))
_REGISTRY[dict] = NodeKind("dict", _flatten_dict, lambda keys, xs: dict(zip(keys, xs, strict=True)))
_REGISTRY[OrderedDict] = NodeKind(
    "OrderedDict", _flatten_ordereddict, lambda keys, xs: OrderedDict(zip(keys, xs, strict=True))
)
_REGISTRY[defaultdict] = NodeKind(
    "defaultdict", _flatten_defaultdict, lambda data, xs: defaultdict(data[0], zip(data[1], xs, strict=True))
)
_NAMEDTUPLE = NodeKind("namedtuple", _flatten_namedtuple, lambda cls, xs: cls(*xs))


def _kind_of(tree: Any) -> NodeKind | None:
    kind = _REGISTRY.get(type(tree))
    if kind is None and isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return _NAMEDTUPLE
    return kind


def register_pytree_node(
    cls: type,
    flatten: Callable[[Any], tuple[Iterable[Any], Hashable]],
    unflatten: Callable[[Any, Sequence[Any]], Any],
) -> None:
    """Makes ``cls`` a container: ``flatten(obj) -> (children, static)``, ``unflatten(static, children) -> obj``."""

    def flatten_node(tree: Any) -> tuple[Sequence[Any], Sequence[str], Hashable]:
        children, data = flatten(tree)
        children = list(children)
        return children, [f"[{i}]" for i in range(len(children))], data

    if cls in _REGISTRY:
        raise fail("G210", f"{cls.__name__} is a pytree node already", cls=ValueError)
    _register(cls, NodeKind(cls.__name__, flatten_node, unflatten))


def _register(cls: type, kind: NodeKind) -> None:
    _REGISTRY[cls] = kind
    _LEAF_TYPES.discard(cls)


def register_pytree_node_class(cls: type) -> type:
    """Class decorator: registers by the methods ``tree_flatten`` and (a class method) ``tree_unflatten``."""
    register_pytree_node(cls, lambda x: x.tree_flatten(), cls.tree_unflatten)  # type: ignore[attr-defined]
    return cls


def register_dataclass(cls: type, data_fields: Sequence[str] | None = None, meta_fields: Sequence[str] = ()) -> type:
    """Makes a dataclass a container of its ``data_fields`` (default: every field); ``meta_fields`` are static."""
    data = [
        f.name for f in dataclasses.fields(cls) if f.name not in meta_fields and not f.metadata.get("static", False)
    ]
    data = list(data_fields) if data_fields is not None else data
    meta = [f.name for f in dataclasses.fields(cls) if f.name not in data]

    def flatten(tree: Any) -> tuple[Sequence[Any], Sequence[str], Hashable]:
        return [getattr(tree, n) for n in data], [f".{n}" for n in data], tuple(getattr(tree, n) for n in meta)

    def build(static: Any, children: Sequence[Any]) -> Any:
        return cls(**dict(zip(data, children, strict=True)), **dict(zip(meta, static, strict=True)))

    _register(cls, NodeKind(cls.__name__, flatten, build))
    return cls


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Leaf], TreeDef]:
    """Leaves, left to right, and structure.

    >>> tree_flatten({"w": [1.0, 2.0], "b": 3.0})
    ([3.0, 1.0, 2.0], PyTreeDef({'b': *, 'w': [*, *]}))
    """
    leaves: list[Leaf] = []
    return leaves, _flatten(tree, leaves, None, "", is_leaf)


def _flatten(tree: Any, leaves: list[Leaf], paths: list[str] | None, path: str, is_leaf: IsLeaf) -> TreeDef:
    if is_leaf is None or not is_leaf(tree):
        if tree is None:
            return _NONE
        cls = type(tree)
        quick = is_leaf is None and paths is None and (cls is tuple or cls is list)
        if quick and _LEAF_TYPES.issuperset(map(type, tree)):
            leaves.extend(tree)
            return _flat(cls, tree)
        kind = _kind_of(tree)
        if kind is not None:
            children, labels, data = kind.flatten(tree)
            defs = tuple(
                _flatten(c, leaves, paths, path + label if paths is not None else path, is_leaf)
                for c, label in zip(children, labels, strict=True)
            )
            return TreeDef(cls, kind, data, defs, labels)
        _LEAF_TYPES.add(cls)
    leaves.append(tree)
    if paths is not None:
        paths.append(path)
    return LEAF


def _flat(cls: type, tree: Sequence[Any]) -> TreeDef:
    """The structure of a tuple or list of leaves: one object for each length."""
    found = _FLAT.get((cls, len(tree)))
    if found is None:
        kind = _REGISTRY[cls]
        _, labels, data = kind.flatten(tree)
        found = _FLAT[cls, len(tree)] = TreeDef(cls, kind, data, (LEAF,) * len(tree), labels)
    return found


def tree_flatten_with_path(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[tuple[str, Leaf]], TreeDef]:
    """Like :func:`tree_flatten`, each leaf with its path.

    >>> tree_flatten_with_path({"w": [1.0, 2.0]})[0]
    [("['w'][0]", 1.0), ("['w'][1]", 2.0)]
    """
    leaves: list[Leaf] = []
    paths: list[str] = []
    structure = _flatten(tree, leaves, paths, "", is_leaf)
    return list(zip(paths, leaves, strict=True)), structure


def tree_unflatten(structure: TreeDef, leaves: Iterable[Leaf]) -> Any:
    """The tree of that structure with these leaves."""
    stream = iter(leaves)
    tree = _unflatten(structure, stream)
    if next(stream, stream) is not stream:
        raise fail("G210", f"too many leaves for {structure!r}", cls=ValueError)
    return tree


def _unflatten(structure: TreeDef, leaves: Any) -> Any:
    if structure is LEAF or structure.type is None:
        try:
            return next(leaves)
        except StopIteration:
            raise fail("G210", "too few leaves for the tree's structure", cls=ValueError) from None
    if structure.kind is None:
        return None
    children = [_unflatten(child, leaves) for child in structure.parts]
    return structure.kind.build(structure.data, children)


def _flatten_up_to(structure: TreeDef, tree: Any, out: list[Any], path: str) -> None:
    if structure.type is None:
        out.append(tree)
        return
    if structure.kind is None and tree is None:
        return
    kind = _kind_of(tree)
    if kind is None or type(tree) is not structure.type:
        raise fail(
            "G210",
            f"pytrees disagree{' at ' + path if path else ''}: expected {structure.text()}, got {type(tree).__name__}",
            cls=ValueError,
        )
    children, labels, data = kind.flatten(tree)
    if data != structure.data or len(children) != len(structure.parts):
        keys = f"Dict key mismatch: {data} instead of {structure.data}; " if structure.type is dict else ""
        raise fail(
            "G210",
            f"pytrees disagree{' at ' + path if path else ''}: {keys}expected {structure.text()}, got {tree!r}",
            cls=ValueError,
        )
    for child_structure, child, label in zip(structure.parts, children, labels, strict=True):
        _flatten_up_to(child_structure, child, out, path + label)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Leaf]:
    """The leaves, left to right."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> TreeDef:
    """The structure alone."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: IsLeaf = None) -> Any:
    """Applies ``f`` to the leaves of one or several trees of the same structure.

    >>> tree_map(lambda x, y: x + y, (1, [2]), (10, [20]))
    (11, [22])
    """
    leaves, structure = tree_flatten(tree, is_leaf)
    others = [structure.flatten_up_to(other) for other in rest]
    return tree_unflatten(structure, [f(*xs) for xs in zip(leaves, *others, strict=True)])


def tree_map_with_path(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: IsLeaf = None) -> Any:
    """Like :func:`tree_map`; ``f`` gets the leaf's path first."""
    pairs, structure = tree_flatten_with_path(tree, is_leaf)
    others = [structure.flatten_up_to(other) for other in rest]
    return tree_unflatten(structure, [f(*pair, *xs) for pair, *xs in zip(pairs, *others, strict=True)])


_NOTHING: Any = object()


def tree_reduce(
    f: Callable[[Any, Any], Any], tree: Any, initializer: Any = _NOTHING, is_leaf: IsLeaf = None
) -> Any:
    """Folds the leaves from the left, after the ``initializer`` if there is one."""
    leaves = tree_leaves(tree, is_leaf)
    return functools.reduce(f, leaves) if initializer is _NOTHING else functools.reduce(f, leaves, initializer)


def tree_all(tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether every leaf is true."""
    return all(tree_leaves(tree, is_leaf))


def tree_transpose(outer_treedef: TreeDef, inner_treedef: TreeDef | None, pytree_to_transpose: Any) -> Any:
    """Turns a tree of structure ``outer_treedef`` of trees ``inner_treedef`` (None: that of the first) inside out."""
    outer, inner = outer_treedef, inner_treedef
    subtrees = outer.flatten_up_to(pytree_to_transpose)
    if inner is None:
        if not subtrees:
            raise fail("G210", "tree_transpose of no leaves needs the inner structure", cls=ValueError)
        inner = tree_structure(subtrees[0])
    columns = [inner.flatten_up_to(sub) for sub in subtrees]
    return tree_unflatten(inner, [tree_unflatten(outer, column) for column in zip(*columns, strict=True)])


def broadcast_prefix(prefix: Any, tree: Any, what: str) -> list[Any]:
    """One entry of ``prefix`` for each leaf of ``tree``: a leaf of it (None too) stands for a whole subtree."""
    out: list[Any] = []

    def walk(entry: Any, subtree: Any) -> None:
        kind = _kind_of(entry)
        if kind is None:
            out.extend([entry] * len(tree_leaves(subtree)))
            return
        entries, _, data = kind.flatten(entry)
        other = _kind_of(subtree)
        children, _, its = other.flatten(subtree) if other is not None else ((), (), None)
        same = other is not None and isinstance(subtree, type(entry) if type(entry) is not list else (list, tuple))
        if not same or len(entries) != len(children) or (type(subtree) is type(entry) and data != its):
            raise fail("G211", f"{what} {prefix!r} does not fit the structure {tree_structure(tree)}", cls=ValueError)
        for e, c in zip(entries, children, strict=True):
            walk(e, c)

    walk(prefix, tree)
    return out
