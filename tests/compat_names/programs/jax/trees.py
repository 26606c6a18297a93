"""Pytrees: flattening, mapping, paths, containers of one's own, vectors."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import tree_util
from jax.flatten_util import ravel_pytree


class Point(NamedTuple):
    x: float
    y: float


@tree_util.register_pytree_node_class
class Special:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def tree_flatten(self):
        return (self.x, self.y), None

    @classmethod
    def tree_unflatten(cls, aux, children):
        return cls(*children)


@partial(jax.tree_util.register_dataclass, data_fields=["w"], meta_fields=["name"])
@dataclass
class Layer:
    w: jax.Array
    name: str


example = [[1, "a", object()], (1, (2, 3), ()), {"a": 1, "b": (2, 3)}, None, jnp.array([1, 2, 3])]
layer = Layer(jnp.arange(3.0), "first")
params = {"dense": [jnp.ones((2, 2)), jnp.zeros(2)], "point": Point(1.0, 2.0)}
flat, unravel = ravel_pytree(params)
leaves, treedef = jax.tree.flatten(params)
total = jax.tree.reduce(lambda a, b: a + jnp.sum(b), params, 0.0)
result = {
    "counts": [len(jax.tree.leaves(t)) for t in example],
    "map": jax.tree.map(lambda x: x * 2, params),
    "two": jax.tree_util.tree_map(lambda x, y: x + y, params, params),
    "paths": [jax.tree_util.keystr(k) for k, _ in jax.tree_util.tree_flatten_with_path(params)[0]],
    "flat": flat,
    "again": unravel(flat * 3),
    "same": jax.tree.structure(params) == treedef,
    "total": total,
    "special": jax.grad(lambda s: s.x * s.y**2)(Special(2.0, 3.0)).y,
    "layer": jax.grad(lambda layer: jnp.sum(layer.w**2))(layer).w,
    "name": jax.tree.map(lambda x: x + 1, layer).name,
    "transpose": jax.tree.transpose(jax.tree.structure([0, 0]), jax.tree.structure({"a": 0}), [{"a": 1}, {"a": 2}]),
    "partial": tree_util.Partial(jnp.multiply, 2.0)(3.0),
}
