"""Clusters, by the names of ``jax.scipy.cluster``."""

from __future__ import annotations

from gradcli.scipy.cluster import vq

__all__ = ["vq"]
