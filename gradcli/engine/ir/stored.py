"""Dtypes that NumPy has not: their arrays are kept in one that it has, and only their types say what they are."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np


class Stored:
    """Such a dtype, with what the engine asks of NumPy's.

    storage: the dtype in which arrays are kept; type: makes a scalar, for which ``dtype`` is this one; seen: whether
    any array has had such a dtype.
    """

    __slots__ = ()
    seen: ClassVar[bool] = False
    name: str
    kind: str
    itemsize: int
    storage: np.dtype[Any]
    type: Any

    def __repr__(self) -> str:
        return f"dtype({self.name})"

    def __str__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return other is self or getattr(other, "dtype", other) is self or getattr(other, "name", other) == self.name

    def __hash__(self) -> int:
        return hash(self.name)
