"""The types of values as JAX shows them: ``ShapedArray(float32[3])``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from gradcli.engine.ir.types import ArrayType, array_type, canonical_dtype


class _Meta(type):
    """Every type of a value is an instance of ``ShapedArray``."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, ArrayType)


class ShapedArray(ArrayType, metaclass=_Meta):
    """Shape, dtype and weakness. Equal to the engine's type of the same; :func:`plain` gives that.

    >>> ShapedArray((3,), "float32")
    ShapedArray(float32[3])
    """

    __slots__ = ()
    vma: frozenset[str] = frozenset()  # axes of a mesh that values vary over: there is none
    sharding: Any = None

    def __init__(self, shape: Sequence[int], dtype: Any, weak_type: bool = False, **_: Any) -> None:
        super().__init__(tuple(shape), canonical_dtype(dtype), weak_type)

    def __repr__(self) -> str:
        weak = ", weak_type=True" if self.weak_type else ""
        return f"ShapedArray({self.long().removeprefix('~')}{weak})"

    def __str__(self) -> str:
        return self.long()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArrayType):
            return NotImplemented
        return (self.shape, self.dtype, self.weak_type) == (other.shape, other.dtype, other.weak_type)

    def __hash__(self) -> int:
        return hash(plain(self))

    def update(self, shape: Any = None, dtype: Any = None, weak_type: bool | None = None, **_: Any) -> ShapedArray:
        """The type with some of it replaced."""
        return ShapedArray(
            self.shape if shape is None else shape, self.dtype if dtype is None else dtype,
            self.weak_type if weak_type is None else weak_type,
        )  # fmt: skip

    def str_short(self, short_dtypes: bool = False, **_: Any) -> str:
        """The text of the type, with short names of dtypes if so wished."""
        return repr(plain(self)) if short_dtypes else self.long()

    def strip_weak_type(self) -> ShapedArray:
        """The same type, not weak."""
        return self.update(weak_type=False)

    def to_tangent_aval(self) -> ShapedArray:
        """The type of tangents: the same."""
        return self


@functools.lru_cache(4096)
def shown(t: ArrayType) -> ShapedArray:
    """A type of the engine as JAX shows it."""
    return ShapedArray(t.shape, t.dtype, t.weak_type)


def plain(t: Any) -> Any:
    """The engine's type for one that is shown, or for anything with shape and dtype."""
    return array_type(tuple(t.shape), t.dtype, bool(getattr(t, "weak_type", False)))
