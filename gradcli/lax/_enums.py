"""The options that ``jax.lax`` has as types. Precision and algorithm of products have no effect here: NumPy decides."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple


class Precision(enum.Enum):
    """How exactly products are computed on accelerators; on a processor they are always exact to the dtype."""

    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2


class RoundingMethod(enum.IntEnum):
    """What ``round`` does with halves."""

    AWAY_FROM_ZERO = 0
    TO_NEAREST_EVEN = 1


class RandomAlgorithm(enum.IntEnum):
    """The generators of ``rng_bit_generator``."""

    RNG_DEFAULT = 0
    RNG_THREE_FRY = 1
    RNG_PHILOX = 2

    def __str__(self) -> str:
        return self.name


class AccuracyMode(enum.Enum):
    """How exactly elementary functions are computed; without effect."""

    HIGHEST = 0
    DEFAULT = 1


class Tolerance(NamedTuple):
    """The error that an elementary function may have; without effect."""

    atol: float = 0.0
    rtol: float = 0.0
    ulps: int = 0


PrecisionLike = Precision | str | tuple[Any, Any] | None
DotDimensionNumbers = tuple[tuple[Any, Any], tuple[Any, Any]]
ConvGeneralDilatedDimensionNumbers = Any
