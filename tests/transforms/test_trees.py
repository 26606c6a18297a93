"""Paths, keys and registration of pytrees, against JAX; functions with arguments as arguments."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli import tree_util

Point = collections.namedtuple("Point", "x y")  # noqa: PYI024 - the plain one is what users pass


@dataclasses.dataclass
class Layer:
    w: Any
    b: Any = None
    name: str = dataclasses.field(default="", metadata={"static": True})


class Pair:
    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b


class Sparse:
    def __init__(self, a: Any) -> None:
        self.a = a


@dataclasses.dataclass(frozen=True)
class Mode:
    name: str


def registered(m: Any) -> Any:
    """The classes registered with a library; each library once."""
    if m not in _DONE:
        _DONE.append(m)
        m.register_dataclass(Layer)
        m.register_pytree_node(Sparse, lambda s: ((s.a,), None), lambda _, c: Sparse(*c))
        m.register_pytree_with_keys(
            Pair, lambda p: (((m.GetAttrKey("a"), p.a), (m.DictKey("second"), p.b)), None), lambda _, c: Pair(*c)
        )
        m.register_static(Mode)
    return m


_DONE: list[Any] = []
TREES: list[Any] = [
    {"b": [1.0, (2.0, 3.0)], "a": None, "c": {}},
    collections.OrderedDict([("z", 1.0), ("a", 2.0)]),
    collections.defaultdict(list, {"k": [1.0], "j": [2.0]}),
    Point(1.0, [2.0]),
    Layer(1.0, {"k": 2.0}, "first"),
    Pair(1.0, (2.0,)),
    Sparse([1.0, 2.0]),
    [Mode("train"), 3.0],
    7.0,
]


def described(m: Any, tree: Any) -> Any:
    pairs, structure = m.tree_flatten_with_path(tree)
    mapped = m.tree_map_with_path(lambda path, x, y: (len(path), x + y), tree, tree)
    return [(m.keystr(path), m.keystr(path, simple=True, separator="/"), leaf) for path, leaf in pairs], [
        leaf for leaf in m.tree_leaves(mapped)
    ], structure.num_leaves


@pytest.mark.parametrize("i", range(len(TREES)))
def test_paths_lead_to_leaves(i: int) -> None:
    m = registered(tree_util)
    pairs, structure = m.tree_flatten_with_path(TREES[i])
    assert [leaf for _, leaf in pairs] == m.tree_leaves(TREES[i])
    assert structure == m.tree_structure(TREES[i])
    assert len({m.keystr(path) for path, _ in pairs}) == len(pairs)
    assert [p for p, _ in m.tree_leaves_with_path(TREES[i])] == [p for p, _ in pairs]


@pytest.mark.oracle
@pytest.mark.parametrize("i", range(len(TREES)))
def test_paths_against_jax(i: int) -> None:
    theirs = pytest.importorskip("jax").tree_util
    assert described(registered(tree_util), TREES[i]) == described(registered(theirs), TREES[i])


def test_leaves_that_are_said_to_be() -> None:
    pairs, _ = tree_util.tree_flatten_with_path({"a": [1.0, 2.0]}, is_leaf=lambda x: isinstance(x, list))
    assert pairs == [((tree_util.DictKey("a"),), [1.0, 2.0])]


def test_partial_is_an_argument() -> None:
    f = tree_util.Partial(lambda a, x, *, b: gnp.sin(a) * x + b, 2.0, b=1.0)
    gradient = gradcli.jit(gradcli.grad(lambda g, x: g(x)))(f, 3.0)
    np.testing.assert_allclose(float(gradient.args[0]), 3.0 * np.cos(2.0))
    assert float(gradient.keywords["b"]) == 1.0 and gradient.func is f.func
    assert callable(f) and abs(float(f(3.0)) - (3 * np.sin(2.0) + 1)) < 1e-14


def test_class_decorator_and_small_functions() -> None:
    @tree_util.register_pytree_with_keys_class
    class Box:
        def __init__(self, x: Any) -> None:
            self.x = x

        def tree_flatten_with_keys(self) -> Any:
            return ((tree_util.GetAttrKey("x"), self.x),), None

        @classmethod
        def tree_unflatten(cls, _: Any, children: Any) -> Any:
            return cls(*children)

    assert tree_util.keystr(tree_util.tree_leaves_with_path(Box([1.0]))[0][0]) == ".x[0]"
    assert tree_util.all_leaves([1.0, "a"]) and not tree_util.all_leaves([[1.0]])
    assert tree_util.tree_reduce_associative(lambda a, b: a + b, [1, 2, 3, 4, 5]) == 15
    assert tree_util.tree_reduce_associative(max, (), identity=0) == 0
    structure = tree_util.tree_structure((1, [2, 3]))
    assert tree_util.treedef_tuple(tree_util.treedef_children(structure)) == structure
    assert not tree_util.treedef_is_leaf(structure)
    assert tree_util.tree_broadcast([1, 2], [{"a": 0, "b": 0}, 0]) == [{"a": 1, "b": 1}, 2]
    with pytest.raises(TypeError):
        tree_util.tree_reduce_associative(max, ())


@pytest.mark.oracle
def test_names_against_jax() -> None:
    theirs = pytest.importorskip("jax").tree_util
    public = {n for n in dir(theirs) if not n.startswith("_")}
    assert {n for n in public if not hasattr(tree_util, n)} <= {
        "KeyEntry", "default_registry", "flatten_one_level", "flatten_one_level_with_keys", "is_tree_node"
    }  # fmt: skip


class Container:
    def __init__(self, *params: Any, **config: Any) -> None:
        self.params, self.config = params, config


def test_static_data_need_not_have_a_hash() -> None:
    tree_util.register_pytree_node(Container, lambda c: (c.params, c.config), lambda config, p: Container(*p, **config))
    traced: list[str] = []

    @gradcli.jit
    def energy(c: Container) -> Any:
        traced.append(c.config["kind"])
        return c.params[0] ** (2 if c.config["kind"] == "square" else 3)

    for _ in range(2):
        assert float(energy(Container(3.0, kind="square"))) == 9.0
        assert float(energy(Container(3.0, kind="cube"))) == 27.0
    assert traced == ["square", "cube"]
    assert gradcli.grad(energy)(Container(3.0, kind="cube")).params == (27.0,)
    assert tree_util.tree_structure(Container(1.0)) != tree_util.tree_structure(Container(1.0, kind="cube"))
