"""What steers a routine: the numbers that traced values have in this run; and the derivatives of what they find."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

import numpy as np

from gradcli import numpy as gnp
from gradcli.engine.array import Value
from gradcli.engine.errors import ConcretizationTypeError, fail
from gradcli.engine.jacobian import jacfwd
from gradcli.engine.trace.source import user_location, user_source
from gradcli.engine.trace.tracer import STATE, Trace, Tracer, no_value, tracing, value_of

Function = Callable[..., Any]


class Result(dict[str, Any]):
    """Results by name, as attributes too, as SciPy's are."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def values(x: Any) -> Any:
    """What a function of the user's returned, as one value: of the engine where anything in it is traced."""
    return gnp.asarray(gnp.array(x) if isinstance(x, (list, tuple)) else x)


def number(x: Any) -> Any:
    """The NumPy value that anything has in this run. Raises ConcretizationTypeError where it has none."""
    if isinstance(x, (list, tuple)):
        return np.array([number(item) for item in x])
    if not isinstance(x, Value):
        return np.asarray(x)
    found = value_of(x)
    if found is None:
        raise no_value(cast(Tracer, x), "a number", ConcretizationTypeError)
    if STATE.trace is not None and isinstance(x, Tracer):
        STATE.trace.steer()
    return np.asarray(found)


def value_at(f: Function, *args: Any) -> Any:
    """The NumPy value of a function that may use traced values; nothing goes into the program being written."""
    if not tracing():
        return number(f(*args))
    with Trace():
        return number(f(*args))


def steered(text: str) -> None:
    """Notes that the program is that of this run alone."""
    if STATE.trace is not None:
        STATE.trace.steer()
        STATE.trace.remember(text, user_source(2))


def root_near(f: Function, x: Any) -> Any:
    """The root of ``f`` at the plain numbers ``x``, as a function of all that ``f`` uses.

    Newton's method from a root gives the root again, and its derivatives (implicit function theorem): each step doubles
    the order up to which they are exact, so three steps are enough for seven orders, and for roots nearby.
    """

    def vector(z: Any) -> Any:
        return values(f(z))

    found = gnp.asarray(np.asarray(x, float))
    for _ in range(3):
        slope, residual = jacfwd(vector)(found), vector(found)
        found = found - (gnp.linalg.solve(slope, residual) if found.ndim else residual / slope)
    return found


def scipys(full: str) -> Any:
    """A function of SciPy itself, which finds what is differentiated here. Raises ImportError where it is missing."""
    module, _, name = full.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except ImportError:
        raise fail(
            "G212", f"{full} is found by SciPy, which is not installed", hint="pip install scipy",
            location=user_location(), cls=ImportError,
        ) from None  # fmt: skip


def refuse(what: str, hint: str) -> Exception:
    """The error for something that a routine here does not do."""
    error: Exception = fail("G212", what, hint=hint, location=user_location(), cls=NotImplementedError)
    return error
