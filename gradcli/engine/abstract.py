"""Stands for arrays of which only the type counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import ArrayType, array_type, dtype_of


class ShapeDtypeStruct:
    """A shape and dtype that stand for an array."""

    sharding = None

    def __init__(self, shape: Sequence[int], dtype: Any, weak_type: bool = False, **_: Any) -> None:
        self.shape, self.dtype, self.weak_type = tuple(shape), dtype_of(dtype), weak_type

    @classmethod
    def like(cls, x: Any) -> ShapeDtypeStruct:
        """What stands for an array like ``x``."""
        t = type_of(x)
        return cls(t.shape, t.dtype, t.weak_type)

    @property
    def type(self) -> ArrayType:
        """The engine's type of the same."""
        return array_type(self.shape, self.dtype, self.weak_type)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    def __repr__(self) -> str:
        weak = ", weak_type=True" if self.weak_type else ""
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={self.dtype.name}{weak})"

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def update(self, **changes: Any) -> ShapeDtypeStruct:
        """The same with some of it replaced."""
        return ShapeDtypeStruct(**{"shape": self.shape, "dtype": self.dtype, "weak_type": self.weak_type, **changes})


    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShapeDtypeStruct) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))


def typed(x: Any) -> ArrayType:
    """The type of a value, or of what stands for one: a :class:`ShapeDtypeStruct` or a type."""
    if isinstance(x, ArrayType):
        return x
    return x.type if isinstance(x, ShapeDtypeStruct) else type_of(x)
