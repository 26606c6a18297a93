"""Structures of pytrees: how they print, what they answer, where trees disagree."""

import collections
import dataclasses

import jax
import jax.numpy as jnp
from jax import tree_util

Point = collections.namedtuple("Point", "x y")


@tree_util.register_dataclass
@dataclasses.dataclass
class Layer:
    weights: jax.Array
    kind: str = jax.tree.static(default="dense")


def raised(function):
    try:
        function()
    except Exception as error:
        return [kind.__name__ for kind in type(error).__mro__ if kind in (TypeError, ValueError)]
    return "nothing"


trees = [
    Point(1, (2, None)), Layer(1.0), collections.OrderedDict(b=1, a=2), collections.defaultdict(int, b=1, a=[]),
    {"k": {}, "a": (3,)}, tree_util.Partial(max, 1, key=abs), None,
]
structures = [jax.tree.structure(t) for t in trees]
pair = jax.tree.structure((0, [0]))
ones = jnp.ones(3)
result = {
    "shown": [repr(s) == str(s) for s in structures],
    "printed": [str(s) for s in structures[:5]],
    "nodes": [s.num_nodes for s in structures],
    "children": [str(s.children()) for s in structures],
    "data": [str(s.node_data()[1]) for s in (structures[1], structures[2], structures[4])],
    "composed": str(pair.compose(jax.tree.structure({"a": 0}))),
    "reduced": [
        jax.tree.reduce(lambda a, b: a + b, [1, 2], initializer=5),
        jax.tree.reduce(lambda a, b: a + (b or 7), [1, None], 5, is_leaf=lambda x: x is None),
        jax.tree.all([1, (0, 1)], is_leaf=lambda x: isinstance(x, tuple)),
    ],
    "turned": jax.tree.transpose(jax.tree.structure([0, 0]), None, [(1, 2), (3, 4)]),
    "raised": [
        raised(lambda: jax.vmap(lambda x, y: x, in_axes=(0, {"a": 0}))(ones, {"b": ones})),
        raised(lambda: jax.tree.map(lambda a, b: a, {"a": 1}, {"b": 1})),
        raised(lambda: jax.grad(lambda x: x, argnums=2)(3.0)),
        raised(lambda: jax.lax.scan(lambda c, x: (c.astype(int), x), 1.0, ones)),
        raised(lambda: jax.lax.fori_loop(0, 3, lambda i, x: x > 0, 1.0)),
        raised(lambda: jax.lax.while_loop(lambda x: x < 3, lambda x: x.astype(int) + 1, 1.0)),
        raised(lambda: jax.tree.reduce(lambda a, b: a, [])),
    ],
    "promoted": jax.lax.fori_loop(0, 3, lambda i, x: x + 0.5, 1),
}
