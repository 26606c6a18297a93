"""What ``jax.experimental`` has that is here too: ``io_callback``, and Taylor mode as ``experimental.jet``."""

from __future__ import annotations

from gradcli.engine.callbacks import io_callback

__all__ = ["io_callback"]
