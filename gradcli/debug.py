"""Looking into programs while they run, by the names of ``jax.debug``."""

from __future__ import annotations

from gradcli.engine.callbacks import debug_callback as callback
from gradcli.engine.callbacks import debug_print as print

__all__ = ["callback", "print"]
