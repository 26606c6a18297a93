"""What is kept for reverse mode, by the names of ``jax.ad_checkpoint``."""

from __future__ import annotations

from gradcli.engine.checkpoint import (
    Offloadable,
    Recompute,
    Saveable,
    checkpoint,
    checkpoint_name,
    checkpoint_policies,
    print_saved_residuals,
    saved_residuals,
)

__all__ = [
    "Offloadable", "Recompute", "Saveable", "checkpoint", "checkpoint_name", "checkpoint_policies",
    "print_saved_residuals", "saved_residuals",
]  # fmt: skip
