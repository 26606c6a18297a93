"""Functions by the names of ``jax.scipy``; each module is loaded when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = [
    "cluster", "fft", "integrate", "interpolate", "linalg", "ndimage", "optimize", "signal", "sparse", "spatial",
    "special", "stats",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in __all__:
        return import_module(f"gradcli.scipy.{name}")
    raise AttributeError(f"module 'gradcli.scipy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
