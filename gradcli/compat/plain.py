"""``math`` and ``numpy`` as a user's file sees them: the real ones, with engine-backed functions where values come in.

NumPy's protocols reach most functions; what they cannot reach (``np.array([x, y])``, ``math.sin(x)``) is replaced here
by a function that looks at its arguments: no traced value among them, and the real function runs.
"""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.protocols import holds_value
from gradcli.engine.array import Value
from gradcli.engine.errors import fail
from gradcli.engine.ops import special
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer

_MATH_NAMES = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2",
    "atanh": "arctanh", "ceil": "ceil", "copysign": "copysign", "cos": "cos", "cosh": "cosh", "degrees": "degrees",
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "fabs": "abs", "floor": "floor", "fmod": "fmod", "hypot": "hypot",
    "isfinite": "isfinite", "isinf": "isinf", "isnan": "isnan", "log10": "log10", "log1p": "log1p", "log2": "log2",
    "pow": "power", "radians": "radians", "sin": "sin", "sinh": "sinh", "sqrt": "sqrt", "tan": "tan", "tanh": "tanh",
    "trunc": "trunc", "cbrt": "cbrt",
}  # fmt: skip


def _either(real: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    """``ours`` where a traced value is among the arguments, else ``real``."""

    @functools.wraps(real)
    def function(*args: Any, **kwargs: Any) -> Any:
        for a in args:
            if isinstance(a, Value):
                return ours(*args, **kwargs)
        return real(*args, **kwargs)

    return function


def _log(x: Any, base: Any = None) -> Any:
    return gnp.log(x) if base is None else gnp.log(x) / gnp.log(base)


def _fsum(xs: Any) -> Any:
    items = list(xs)
    return sum(items[1:], items[0]) if any(isinstance(x, Value) for x in items) else math.fsum(items)


def _dist(p: Any, q: Any) -> Any:
    pairs = list(zip(p, q, strict=True))
    return gnp.sqrt(sum(((a - b) ** 2 for a, b in pairs), 0.0)) if holds_value([*p, *q]) else math.dist(p, q)


def _prod(xs: Any, *, start: Any = 1) -> Any:
    return functools.reduce(lambda a, b: a * b, xs, start)


def _refused(name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise fail(
            "G212", f"math.{name} is not supported on traced values", location=user_location(), cls=NotImplementedError,
            hint="write it with the functions of numpy",
        )  # fmt: skip

    return function


@functools.cache
def math_module() -> types.ModuleType:
    """A ``math`` whose functions also take traced values."""
    module = types.ModuleType("math", math.__doc__)
    special_functions = {"erf": special.erf, "erfc": special.erfc, "lgamma": special.lgamma}
    ours: dict[str, Callable[..., Any]] = {name: getattr(gnp, target) for name, target in _MATH_NAMES.items()}
    ours.update({name: lambda x, f=f: f(gnp.asarray(x, float)) for name, f in special_functions.items()})
    ours["log"] = _log
    for name, value in vars(math).items():
        if name in ("fsum", "dist", "prod"):
            continue
        if callable(value) and not name.startswith("_"):
            value = _either(value, ours.get(name) or _refused(name))
        setattr(module, name, value)
    module.fsum, module.dist, module.prod = _fsum, _dist, _prod  # type: ignore[attr-defined]
    return module


def _array(real: Callable[..., Any]) -> Callable[..., Any]:
    """``np.array`` and its kin: an array of the engine when a value is inside, NumPy's own otherwise."""

    @functools.wraps(real)
    def function(obj: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        if holds_value(obj):
            return gnp.array(obj, dtype=dtype if dtype is not float else None)
        return real(obj, dtype, *args, **kwargs)

    return function


def _full_like_constructors() -> dict[str, Callable[..., Any]]:
    def full(shape: Any, fill_value: Any, dtype: Any = None, **kwargs: Any) -> Any:
        if isinstance(fill_value, Value):
            return gnp.full(shape, fill_value, dtype)
        return np.full(shape, fill_value, dtype, **kwargs)

    def arange(*args: Any, **kwargs: Any) -> Any:
        plain = [a.concrete().item() if isinstance(a, Tracer) else a for a in args]
        return np.arange(*plain, **kwargs)

    return {"full": full, "arange": arange}


class _NumpyModule(types.ModuleType):
    """NumPy with some functions replaced; whatever is not replaced is looked up when it is used."""

    def __init__(self) -> None:
        super().__init__("numpy", np.__doc__)
        self.__dict__.update(_full_like_constructors())
        for name in ("array", "asarray", "asanyarray", "ascontiguousarray"):
            self.__dict__[name] = _array(getattr(np, name))
        self.__dict__["__path__"] = np.__path__
        self.__dict__["__version__"] = np.__version__

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def __dir__(self) -> list[str]:
        return dir(np)


@functools.cache
def numpy_module() -> types.ModuleType:
    """A ``numpy`` that also builds arrays out of traced values."""
    return _NumpyModule()
