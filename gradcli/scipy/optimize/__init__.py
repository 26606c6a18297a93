"""Minimisation, by the names of ``jax.scipy.optimize``."""

from __future__ import annotations

from gradcli.scipy.optimize._minimize import OptimizeResults, minimize

__all__ = ["OptimizeResults", "minimize"]
