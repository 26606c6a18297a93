"""One row of the table: a public function with arguments, and what is checked of it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from typing import Any

import numpy as np

from gradcli.engine.record import default, record

Array = np.ndarray[Any, np.dtype[Any]]
WIDE, POSITIVE, UNIT, ABOVE = (-2.0, 2.0), (0.3, 2.0), (-0.8, 0.8), (1.2, 3.0)


@record
class Row:
    """``name(*arrays, **options)`` of a namespace, or as ``call`` says.

    name: within ``space``; call: takes the function, then arrays and options.
    order: up to which derivatives are checked; traced: whether it works on unknown values; why: the reason where not.
    single: how far float32 may be off (None: it is not compared).
    complex: whether it is also checked with complex arrays (None: where ``exceptions.REAL`` does not name it).
    jax: whether JAX has the same, for its values, dtypes and gradients; numpy: the same for NumPy's values.
    """

    space: str
    name: str
    arrays: tuple[Any, ...]
    options: dict[str, Any] = default(factory=dict)
    call: Callable[..., Any] | None = None
    order: int = 2
    id: str = ""
    traced: bool = True
    why: str = ""
    single: float | None = 1e-4
    complex: bool | None = None
    tolerance: float = 1e-6
    jax: bool = True
    numpy: bool = True

    @property
    def full_name(self) -> str:
        """``numpy.fft.rfft``."""
        return f"{self.space}.{self.name}"

    def function(self, module: Any) -> Callable[..., Any]:
        """The function of a module's that the row is about, of the row's arrays alone."""
        f = attrgetter(self.name)(module)
        call, options = self.call, self.options
        if call is not None:
            return lambda *xs: call(f, *xs, **options)
        return lambda *xs: f(*xs, **options)

    def of(self, library: str = "gradcli") -> Callable[..., Any]:
        """The function of ``gradcli``, of ``jax`` or, with an empty name, of NumPy or SciPy themselves."""
        return self.function(import_module(f"{library}.{self.space}" if library else self.space))

    def __str__(self) -> str:
        given = [_brief(a) for a in self.arrays] + [f"{name}={_brief(x)}" for name, x in self.options.items()]
        if not given:
            return f"{self.full_name}({self.id})"
        return f"{self.full_name}({', '.join(given)})" + (f" {self.id}" if self.id and not self.options else "")


def _brief(x: Any) -> str:
    if isinstance(x, (np.ndarray, np.generic)):
        return f"{x.dtype}[{','.join(map(str, x.shape))}]"
    return f"<{type(x).__name__}>" if len(text := repr(x)) > 30 else text


class Draw:
    """Random arrays of given shapes, the same ones every time."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def __call__(self, shape: tuple[int, ...], domain: tuple[float, float] = WIDE) -> Array:
        return self.rng.uniform(*domain, shape)


def home(f: Any, space: str = "") -> Any:
    """The library that a function is of, or a namespace of it, for rows that need more of it than the function."""
    library = str(f.__module__).partition(".")[0]
    return import_module(f"{library}.{space}" if space else library)


def rows_of(space: str) -> Callable[..., Row]:
    """Rows of one namespace: ``Row`` without its first field."""
    return lambda *args, **rest: Row(space, *args, **rest)
