"""Rules of one's own for derivatives, by the names of ``jax.custom_derivatives``."""

from __future__ import annotations

from gradcli.engine.control.linear import linear_call
from gradcli.engine.custom import (
    CustomVJPPrimal,
    SymbolicZero,
    custom_jvp,
    custom_vjp,
    custom_vjp_primal_tree_values,
    zero_from_primal,
)
from gradcli.engine.functional import closure_convert, custom_gradient

__all__ = [
    "CustomVJPPrimal", "SymbolicZero", "closure_convert", "custom_gradient", "custom_jvp", "custom_vjp",
    "custom_vjp_primal_tree_values", "linear_call", "zero_from_primal",
]  # fmt: skip
