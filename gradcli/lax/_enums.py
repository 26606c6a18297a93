"""The options that ``jax.lax`` has as types. Precision and algorithm of products have no effect here: NumPy decides."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple


class Precision(enum.Enum):
    """How exactly products are computed on accelerators; on a processor they are always exact to the dtype."""

    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2


class DotAlgorithm(NamedTuple):
    """The dtypes of a product's operands and of its sums; without effect."""

    lhs_precision_type: Any
    rhs_precision_type: Any
    accumulation_type: Any
    lhs_component_count: int = 1
    rhs_component_count: int = 1
    num_primitive_operations: int = 1
    allow_imprecise_accumulation: bool = False


DotAlgorithmPreset = enum.Enum(
    "DotAlgorithmPreset",
    "DEFAULT ANY_F8_ANY_F8_F32 ANY_F8_ANY_F8_F32_FAST_ACCUM ANY_F8_ANY_F8_ANY ANY_F8_ANY_F8_ANY_FAST_ACCUM F16_F16_F16 "
    "F16_F16_F32 BF16_BF16_BF16 BF16_BF16_F32 BF16_BF16_F32_X3 BF16_BF16_F32_X6 BF16_BF16_F32_X9 TF32_TF32_F32 "
    "TF32_TF32_F32_X3 F32_F32_F32 F64_F64_F64",
    module=__name__,
)
DotAlgorithmPreset.__doc__ = "Algorithms of products by name; without effect."


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
