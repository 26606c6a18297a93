"""``scipy.sparse`` of traced values: they are dense, which is all that can be asked of them."""

from __future__ import annotations

from typing import Any


def issparse(x: Any) -> bool:
    """False: no value of gradcli's is one of SciPy's sparse arrays."""
    return False


isspmatrix = issparse

__all__ = ["isspmatrix", "issparse"]
