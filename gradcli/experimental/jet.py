"""Taylor mode, by the name of ``jax.experimental.jet``."""

from __future__ import annotations

from gradcli.engine.taylor import jet, taylor

__all__ = ["jet", "taylor"]
