"""Functions by the names of ``jax.scipy``."""

from __future__ import annotations

from gradcli.scipy import special

__all__ = ["special"]
