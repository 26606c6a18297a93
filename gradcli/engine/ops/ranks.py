"""Operands of unequal rank, which the setting ``rank_promotion`` may refuse."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.settings import settings
from gradcli.engine.trace.source import user_location


def look_at_ranks(types: Sequence[ArrayType]) -> None:
    """Does what the setting says of operands of unequal rank. Raises ValueError if it is ``raise``."""
    wish = settings().rank_promotion
    if wish == "allow":
        return
    shapes = " ".join(str(t.shape) for t in types)
    if wish == "raise":
        raise fail(
            "G206", f"Operands could not be broadcast together on shapes {shapes} and with the config option "
            "jax_numpy_rank_promotion='raise'.", hint="reshape the one of lower rank", location=user_location(),
            cls=ValueError,
        )  # fmt: skip
    warnings.warn(
        f"Following NumPy automatic rank promotion on shapes {shapes}. Set the jax_numpy_rank_promotion config option "
        "to 'allow' to disable this warning.", stacklevel=2,
    )  # fmt: skip
