"""The settings: one frozen object, local to the context (thread or task), changed only for the length of a ``with``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Literal

from gradcli.engine.record import record, replaced

Precision = Literal["float64", "float32"]
KinkRule = Literal["jax", "zero", "nan"]


@record
class Settings:
    """What may differ from run to run.

    precision: ``float64``, or ``float32``, which caps every array at 32 bits as JAX does without x64.
    prng_partitionable: the layout of random bits; True is what JAX uses now, False what it used until 0.4.35.
    kink: the derivative where a function has a kink (abs at 0, equal operands of max): JAX's choice, zero, or nan.
    debug_nans: every operation that is evaluated raises where its result holds a nan.
    debug_infs: and where it holds an infinity.
    clamps_indices: an integer index out of bounds reads the nearest element, as in JAX, instead of raising IndexError.
    promotion: ``strict`` refuses operands whose dtypes differ, but for Python scalars beside arrays.
    rank_promotion: whether operands of unequal rank are broadcast silently (allow), with a warning, or refused (raise).
    jax_text: programs are printed as JAX prints them, to the character, under JAX's names.
    steps: functions under jit, loops and branches are run by Python step by step, as under JAX's ``disable_jit``.
    """

    precision: Precision = "float64"
    prng_partitionable: bool = True
    kink: KinkRule = "jax"
    debug_nans: bool = False
    debug_infs: bool = False
    clamps_indices: bool = False
    promotion: Literal["standard", "strict"] = "standard"
    rank_promotion: Literal["allow", "warn", "raise"] = "allow"
    jax_text: bool = False
    steps: bool = False

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """All of them as a tuple, quick to look up."""
        return (
            self.precision, self.prng_partitionable, self.kink, self.checks_values, self.clamps_indices,
            self.promotion, self.rank_promotion,
        )  # fmt: skip

    @cached_property
    def checks_values(self) -> bool:
        """Whether results are looked at."""
        return self.debug_nans or self.debug_infs


_current: ContextVar[Settings] = ContextVar("gradcli_settings", default=Settings())  # noqa: B039 - frozen


def settings() -> Settings:
    """The settings in force here.

    >>> settings().precision
    'float64'
    """
    return _current.get()


@contextmanager
def override(**changes: Any) -> Iterator[Settings]:
    """Changes settings for the length of a ``with`` block.

    >>> with override(precision="float32"):
    ...     settings().precision
    'float32'
    """
    token = _current.set(replaced(_current.get(), **changes))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def update(**changes: Any) -> None:
    """Changes settings from here on, for the rest of this context (what ``jax.config.update`` is to a user)."""
    _current.set(replaced(_current.get(), **changes))
