"""Functions of ``autograd.scipy`` whose values SciPy computes, with derivatives by recurrences that repeat them.

Derivatives of the Bessel functions: NIST DLMF 10.6.1 and 10.29.1; of the error function of complex numbers: 7.2.1.
Each can be differentiated in both modes, any number of times, with respect to its last argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.autogradnames.values import isbox, plain
from gradcli.engine.array import Value, is_value
from gradcli.engine.callbacks import pure_callback
from gradcli.engine.custom import custom_jvp
from gradcli.engine.errors import fail
from gradcli.engine.staging import ShapeDtypeStruct
from gradcli.engine.trace.source import user_location
from gradcli.scipy import special as ours

Function = Callable[..., Any]


def _of_scipy(module: str, name: str) -> Function:
    """SciPy's function. Raises ImportError where SciPy is not installed."""
    try:
        return getattr(import_module(module), name)  # type: ignore[no-any-return]
    except ImportError:
        raise fail(
            "G212", f"the values of {name} are those of SciPy, which is not installed", hint="pip install scipy",
            location=user_location(), cls=ImportError,
        ) from None  # fmt: skip


def _evaluated(name: str, *args: Any) -> Any:
    """SciPy's ufunc of that name on arrays, one of which is traced."""
    real = _of_scipy("scipy.special", name)
    dtype = gnp.result_type(*[a for a in args if isinstance(a, Value)])
    kind = np.dtype(dtype) if np.dtype(dtype).kind in "fc" else np.dtype(np.float64)
    shape = np.broadcast_shapes(*map(np.shape, args))
    return pure_callback(real, ShapeDtypeStruct(shape, kind), *args, vmap_method="broadcast_all")


def by_recurrence(name: str, derivative: Function) -> Function:
    """A ufunc of SciPy's: ``derivative(*orders, x)`` is its derivative by x. Orders are plain numbers."""

    def function(*args: Any) -> Any:
        *orders, x = args
        if not isbox(x):
            return _of_scipy("scipy.special", name)(*map(plain, args))
        if any(map(isbox, orders)):
            raise NotImplementedError(f"{name} has no derivative by its order")
        rule = custom_jvp(lambda z: _evaluated(name, *orders, z))
        rule.defjvp(lambda zs, dots: (function(*orders, zs[0]), derivative(*orders, zs[0]) * dots[0]))
        return rule(gnp.asarray(x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"SciPy's ``{name}``, which can be differentiated by its last argument."
    return function


j0: Function = by_recurrence("j0", lambda x: -j1(x))
j1: Function = by_recurrence("j1", lambda x: 0.5 * (j0(x) - jv(2, x)))
y0: Function = by_recurrence("y0", lambda x: -y1(x))
y1: Function = by_recurrence("y1", lambda x: 0.5 * (y0(x) - yn(2, x)))
jv: Function = by_recurrence("jv", lambda n, x: 0.5 * (jv(n - 1, x) - jv(n + 1, x)))
jn: Function = by_recurrence("jv", lambda n, x: 0.5 * (jv(n - 1, x) - jv(n + 1, x)))
yn: Function = by_recurrence("yv", lambda n, x: 0.5 * (yn(n - 1, x) - yn(n + 1, x)))
iv: Function = by_recurrence("iv", lambda n, x: 0.5 * (iv(n - 1, x) + iv(n + 1, x)))
ive: Function = by_recurrence("ive", lambda n, x: 0.5 * (ive(n - 1, x) + ive(n + 1, x)) - ive(n, x) * gnp.sign(x))

_ROOT_PI = math.sqrt(math.pi)
_complex_erf = by_recurrence("erf", lambda z: 2 / _ROOT_PI * gnp.exp(-z * z))
_complex_erfc = by_recurrence("erfc", lambda z: -2 / _ROOT_PI * gnp.exp(-z * z))


def _is_complex(x: Any) -> bool:
    return bool(is_value(x)) and np.dtype(gnp.result_type(x)).kind == "c"


def erf(x: Any) -> Any:
    """The error function, of complex numbers too."""
    return _complex_erf(x) if _is_complex(x) else plain(ours.erf(x))


def erfc(x: Any) -> Any:
    """``1 - erf(x)``, of complex numbers too."""
    return _complex_erfc(x) if _is_complex(x) else plain(ours.erfc(x))


def erfcinv(x: Any) -> Any:
    """The inverse of ``erfc``, precise for small numbers."""
    return plain(ours.ndtri(gnp.asarray(x) / 2) / -math.sqrt(2))


def rgamma(x: Any) -> Any:
    """``1 / gamma(x)``, with its zeros."""
    return plain(ours.gammasgn(x) * gnp.exp(-ours.gammaln(x)))
