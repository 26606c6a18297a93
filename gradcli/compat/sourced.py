"""Modules of NumPy's and Python's that are written in Python: run anew, so that the stand-ins reach what they do.

Polynomials, ``numpy.emath`` and ``statistics`` are plain code like a user's. Their source is loaded a second time, as a
module of a user's would be; the modules themselves stay what they are for everyone else.
"""

from __future__ import annotations

import functools
import os
import types
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from gradcli.compat.boxes import LIBRARY
from gradcli.compat.functions import TRACED, scan_all
from gradcli.compat.imports import Workspace

_NUMPY = Path(os.path.dirname(np.__file__))
_INNER = ("numpy._core", "numpy.lib._")  # where NumPy's own code takes its functions from


class _Library(Workspace):
    """A workspace whose only code is one module of a library's."""

    def __init__(self, folder: Path, root: str) -> None:
        super().__init__(folder, root)
        self.builtins[LIBRARY] = True

    def _import(self, name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if name == "numpy._core.overrides":
            return _overrides()
        if name == "_statistics":
            raise ImportError(name)  # what is written in C does not know traced values
        if name.startswith(_INNER):
            return _inner()
        return super()._import(name, globals_, locals_, fromlist, level)


@functools.cache
def _overrides() -> types.ModuleType:
    """NumPy's decorators of functions, without the dispatch that is no longer needed."""
    module = types.ModuleType("numpy._core.overrides")

    def undecorated(*_: Any, **__: Any) -> Callable[..., Any]:
        return lambda f: f

    module.array_function_dispatch = undecorated  # type: ignore[attr-defined]
    module.set_module = undecorated  # type: ignore[attr-defined]
    return module


class _Inner(types.ModuleType):
    """NumPy and its inner modules as NumPy's own code finds them: all of them hold the stand-ins for its functions."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("gradcli.compat.plain").numpy_module(), name)


@functools.cache
def _inner() -> types.ModuleType:
    module = _Inner("numpy")
    module.__dict__.update(overrides=_overrides(), _core=module, numeric=module, numerictypes=module)
    return module


@functools.cache
def _loaded(folder: Path, name: str) -> types.ModuleType:
    return _Library(folder, name).load(name)


def polynomial_modules() -> dict[str, types.ModuleType]:
    """``numpy.polynomial`` and its modules, by their full names."""
    package = _loaded(_NUMPY, "polynomial")
    return {
        f"numpy.{name}": value
        for name, value in [("polynomial", package), *((f"polynomial.{n}", getattr(package, n)) for n in dir(package))]
        if isinstance(value, types.ModuleType)
    }


def classic_polynomials() -> types.ModuleType:
    """The module with ``np.poly1d``, and with the functions that take such objects."""
    return _loaded(_NUMPY / "lib", "_polynomial_impl")


def scimath() -> types.ModuleType:
    """``np.emath``: functions that turn complex where the values of this run ask for it."""
    return _loaded(_NUMPY / "lib", "_scimath_impl")


@functools.cache
def statistics_module() -> types.ModuleType:
    """``statistics``, with the formulas themselves for traced numbers where Python counts in fractions."""
    real = import_module("statistics")
    module = _loaded(Path(os.path.dirname(str(real.__file__))), "statistics")
    for formula in _FORMULAS:
        setattr(module, formula.__name__, _either(getattr(real, formula.__name__), formula))
    return module


def _either(real: Callable[..., Any], formula: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple(list(a) if hasattr(a, "__iter__") else a for a in args)
        traced = scan_all(args, kwargs) == TRACED
        return (formula if traced else real)(*args, **kwargs)

    return call


def mean(data: Any) -> Any:
    """The mean of numbers."""
    return sum(data) / len(data)


def _deviations(data: Any, center: Any) -> Any:
    center = mean(data) if center is None else center
    return sum([(x - center) ** 2 for x in data])


def _enough(data: Any, least: int, what: str) -> None:
    if len(data) < least:
        raise import_module("statistics").StatisticsError(f"{what} requires at least {least} data points")


def variance(data: Any, xbar: Any = None) -> Any:
    """The variance of a sample."""
    _enough(data, 2, "variance")
    return _deviations(data, xbar) / (len(data) - 1)


def pvariance(data: Any, mu: Any = None) -> Any:
    """The variance of a population."""
    return _deviations(data, mu) / len(data)


def stdev(data: Any, xbar: Any = None) -> Any:
    """The square root of :func:`variance`."""
    return variance(data, xbar) ** 0.5


def pstdev(data: Any, mu: Any = None) -> Any:
    """The square root of :func:`pvariance`."""
    return pvariance(data, mu) ** 0.5


def geometric_mean(data: Any) -> Any:
    """The root of the product, by logarithms."""
    math = import_module("gradcli.compat.plain").math_module()
    return math.exp(mean([math.log(x) for x in data]))


def harmonic_mean(data: Any, weights: Any = None) -> Any:
    """The reciprocal of the mean of the reciprocals."""
    weights = [1] * len(data) if weights is None else weights
    return sum(weights) / sum([w / x for w, x in zip(weights, data, strict=True)])


def covariance(x: Any, y: Any, /) -> Any:
    """The covariance of two samples."""
    _enough(x, 2, "covariance")
    a, b = mean(x), mean(y)
    return sum([(p - a) * (q - b) for p, q in zip(x, y, strict=True)]) / (len(x) - 1)


def correlation(x: Any, y: Any, /) -> Any:
    """Pearson's correlation of two samples."""
    return covariance(x, y) / (covariance(x, x) * covariance(y, y)) ** 0.5


def linear_regression(x: Any, y: Any, /, *, proportional: bool = False) -> Any:
    """Slope and intercept of the line with the least squares."""
    if proportional:
        slope, intercept = sum([p * q for p, q in zip(x, y, strict=True)]) / sum([p * p for p in x]), 0.0
    else:
        slope = covariance(x, y) / covariance(x, x)
        intercept = mean(y) - slope * mean(x)
    return import_module("statistics").LinearRegression(slope=slope, intercept=intercept)


_FORMULAS = (
    mean, variance, pvariance, stdev, pstdev, geometric_mean, harmonic_mean, covariance, correlation, linear_regression,
)  # fmt: skip
