"""``vspace(x)``: the vector space that an array, a number or a container of them is an element of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from gradcli.engine.array import is_value, type_of
from gradcli.engine.tree import tree_flatten, tree_leaves, tree_map, tree_unflatten


class VSpace:
    """A real vector space. ``size`` counts real dimensions: a complex number has two."""

    size: int
    iscomplex = False

    mappings: ClassVar[dict[type, Any]] = {}  # by class of objects: what makes the space of one

    def __init__(self, value: Any) -> None:
        """The space of a value. Subclasses keep what they need of it."""

    @classmethod
    def register(cls, value_type: type, vspace_maker: Any = None) -> None:
        """Says that objects of ``value_type`` are elements of this kind of space."""
        VSpace.mappings[value_type] = vspace_maker or cls

    def zeros(self) -> Any:
        """The neutral element."""
        raise NotImplementedError

    def add(self, x: Any, y: Any) -> Any:
        """The sum of two elements."""
        return self._add(x, y)

    def mut_add(self, x: Any, y: Any) -> Any:
        """The sum, where the first may be changed in place; None is zero."""
        return self._mut_add(self.zeros() if x is None else x, y)

    def scalar_mul(self, x: Any, a: Any) -> Any:
        """An element times a number."""
        return self._scalar_mul(x, a)

    def inner_prod(self, x: Any, y: Any) -> Any:
        """The inner product, real."""
        return self._inner_prod(x, y)

    def covector(self, x: Any) -> Any:
        """The element of the dual space: the conjugate, where it is complex."""
        return self._covector(x)

    def _add(self, x: Any, y: Any) -> Any:
        return tree_map(lambda a, b: a + b, x, y)

    def _mut_add(self, x: Any, y: Any) -> Any:
        return self._add(x, y)

    def _scalar_mul(self, x: Any, a: Any) -> Any:
        return tree_map(lambda leaf: leaf * a, x)

    def _inner_prod(self, x: Any, y: Any) -> Any:
        pairs = zip(tree_leaves(x), tree_leaves(y), strict=True)
        return sum(np.real(np.dot(np.conj(np.ravel(a)), np.ravel(b))) for a, b in pairs)

    def _covector(self, x: Any) -> Any:
        return tree_map(lambda leaf: np.conj(leaf) if type_of(leaf).dtype.kind == "c" else leaf, x)

    def __repr__(self) -> str:
        return f"{type(self).__name__}_{vars(self)}"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self.size))


class ArrayVSpace(VSpace):
    """Arrays of one shape and dtype."""

    def __init__(self, value: Any) -> None:
        t = type_of(value)
        self.shape, self.dtype = t.shape, t.dtype
        self.iscomplex = t.dtype.kind == "c"

    @property
    def size(self) -> int:  # type: ignore[override]
        """The number of real dimensions."""
        return int(np.prod(self.shape)) * (2 if self.iscomplex else 1)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def _units(self) -> tuple[Any, ...]:
        return (1.0, 1.0j) if self.iscomplex else (1.0,)

    def zeros(self) -> Any:
        """The neutral element."""
        return np.zeros(self.shape, self.dtype)

    def ones(self) -> Any:
        """The sum of the standard basis."""
        return np.full(self.shape, sum(self._units()), self.dtype)

    def standard_basis(self) -> Iterator[Any]:
        """One array for each real dimension."""
        for index in np.ndindex(*self.shape):
            for unit in self._units():
                vector = self.zeros()
                vector[index] = unit
                yield vector

    def randn(self) -> Any:
        """An element of normal random numbers."""
        parts = [np.asarray(np.random.randn(*self.shape)) * unit for unit in self._units()]
        return sum(parts[1:], parts[0]).astype(self.dtype)


class ContainerVSpace(VSpace):
    """Containers of one structure."""

    def __init__(self, value: Any) -> None:
        leaves, self.tree = tree_flatten(value)
        self.spaces = [vspace(x) for x in leaves]

    @property
    def size(self) -> int:  # type: ignore[override]
        """The number of real dimensions."""
        return sum(s.size for s in self.spaces)

    def zeros(self) -> Any:
        """The neutral element."""
        return tree_unflatten(self.tree, [s.zeros() for s in self.spaces])

    def ones(self) -> Any:
        """The sum of the standard basis."""
        return tree_unflatten(self.tree, [s.ones() for s in self.spaces])

    def standard_basis(self) -> Iterator[Any]:
        """One container for each real dimension."""
        zeros = [s.zeros() for s in self.spaces]
        for i, space in enumerate(self.spaces):
            for vector in space.standard_basis():
                yield tree_unflatten(self.tree, [*zeros[:i], vector, *zeros[i + 1 :]])

    def randn(self) -> Any:
        """An element of normal random numbers."""
        return tree_unflatten(self.tree, [s.randn() for s in self.spaces])


def vspace(value: Any) -> Any:
    """The vector space of a value. Raises TypeError for one that is in none."""
    if type(value) in VSpace.mappings:
        return VSpace.mappings[type(value)](value)
    if is_value(value):
        return ArrayVSpace(value)
    if isinstance(value, (list, tuple, dict)):
        return ContainerVSpace(value)
    raise TypeError(f"Can't find vector space for value {value} of type {type(value)}")
