"""Linear systems given by functions, by the names of ``jax.scipy.sparse``."""

from __future__ import annotations

from gradcli.scipy.sparse import linalg

__all__ = ["linalg"]
