"""Rules of one's own for ``vmap``, by the names of ``jax.custom_batching``."""

from __future__ import annotations

from gradcli.engine.batching import custom_vmap, sequential_vmap

__all__ = ["custom_vmap", "sequential_vmap"]
