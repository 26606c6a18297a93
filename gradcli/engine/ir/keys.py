"""The dtype of typed random keys: two words of uint32, kept as one of uint64."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.ir.stored import Stored


class KeyScalar(np.uint64):
    """One key."""

    @property
    def dtype(self) -> Any:
        """That of keys."""
        return KEY


class KeyType(Stored):
    """Keys are moved, chosen and compared; there is no arithmetic."""

    __slots__ = ()
    name, kind, itemsize, storage, type = "key<fry>", "k", 8, np.dtype(np.uint64), KeyScalar

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return "KEY"


KEY: Any = KeyType()
