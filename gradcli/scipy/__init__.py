"""Functions by the names of ``jax.scipy``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gradcli.scipy import special

__all__ = ["linalg", "special"]


def __getattr__(name: str) -> Any:
    if name == "linalg":
        return import_module("gradcli.scipy.linalg")
    raise AttributeError(f"module 'gradcli.scipy' has no attribute {name!r}")
