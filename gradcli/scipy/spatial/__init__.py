"""Rotations in space, by the names of ``jax.scipy.spatial``."""

from __future__ import annotations

from gradcli.scipy.spatial import transform

__all__ = ["transform"]
