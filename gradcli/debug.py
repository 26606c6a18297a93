"""Looking into programs while they run, by the names of ``jax.debug``; and :func:`check_nans`."""

from __future__ import annotations

from gradcli.engine.callbacks import debug_breakpoint as breakpoint
from gradcli.engine.callbacks import debug_callback as callback
from gradcli.engine.callbacks import debug_print as print
from gradcli.engine.debug import check_nans

__all__ = ["breakpoint", "callback", "check_nans", "print"]
