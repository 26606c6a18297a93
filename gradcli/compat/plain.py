"""``math`` and ``numpy`` as a user's file sees them: the real ones, with engine-backed functions where values come in.

NumPy's protocols reach most functions, but not ``np.array([x, y])``, ``np.zeros(n)`` that is filled later, ``np.sum``
of a list, or ``math.sin(x)``. The stand-ins look at their arguments: where nothing traced is among them, the real
function runs. What a function of a plain file gets and makes while it is traced are boxes (see
:mod:`gradcli.compat.boxes`).
"""

from __future__ import annotations

import cmath
import functools
import math
import types
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat import decompositions as _decompositions  # noqa: F401 - fills the table of special functions
from gradcli.compat.boxes import Boxed, Guard, Number, boxed, noted, present, unboxed
from gradcli.compat.functions import Ufunc, function
from gradcli.compat.special import objects, shown
from gradcli.engine.array import Value
from gradcli.engine.errors import fail
from gradcli.engine.ops import special
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import value_of

_MATH_NAMES = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2",
    "atanh": "arctanh", "ceil": "ceil", "copysign": "copysign", "cos": "cos", "cosh": "cosh", "degrees": "degrees",
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "fabs": "abs", "floor": "floor", "fmod": "fmod", "hypot": "hypot",
    "isclose": "isclose", "isfinite": "isfinite", "isinf": "isinf", "isnan": "isnan", "log10": "log10",
    "log1p": "log1p", "log2": "log2", "pow": "power", "radians": "radians", "sin": "sin", "sinh": "sinh",
    "sqrt": "sqrt", "tan": "tan", "tanh": "tanh", "trunc": "trunc", "cbrt": "cbrt",
}  # fmt: skip
_RAISING = frozenset(
    "acos acosh asin atanh cosh exp exp2 expm1 fmod gamma lgamma log log10 log1p log2 pow remainder sinh sqrt".split()
)
_TO_INT = frozenset({"ceil", "floor", "trunc"})
_TO_BOOL = frozenset({"isclose", "isfinite", "isinf", "isnan"})


def _either(real: Callable[..., Any], ours: Callable[..., Any], convert: type | None) -> Callable[..., Any]:
    """``ours`` where a traced value is among the arguments, else ``real``.

    ``convert``: the results that ``real`` gives as a Python int or bool are such of traced values too.
    """

    raising = real.__name__ in _RAISING and real.__module__ == "math"

    @functools.wraps(real)
    def call(*args: Any, **kwargs: Any) -> Any:
        box = traced = False
        for a in args:
            if isinstance(a, Boxed):
                box = traced = True
            elif isinstance(a, Value):
                traced = True
            elif type(a) is not float and convert is not int and _says_float(a):
                return call(*map(_number, args), **kwargs)
        if not traced:
            return real(*args, **kwargs)
        values = [unboxed(a) for a in args]
        if raising:
            _raise_as(real, values)
        out = ours(*values, **kwargs)
        if convert is not None and box:
            return convert(out)
        if not box:
            return out
        return Number(out, True) if isinstance(out, Value) and not out.type.shape else boxed(out)

    return call


def _says_float(x: Any) -> bool:
    """Whether it is of a class of the user's that can become a float."""
    return type(getattr(type(x), "__float__", None)) is types.FunctionType and not isinstance(x, (Boxed, Value))


def _number(x: Any) -> Any:
    return type(x).__float__(x) if _says_float(x) else x


def _raise_as(real: Callable[..., Any], values: list[Any]) -> None:
    """Raises what Python's own function raises for the values of this run: code may count on a ``ValueError``."""
    known = []
    for x in values:
        found = present(x) if Guard.depth else value_of(x) if isinstance(x, Value) else x
        if found is None or np.ndim(found):
            return
        known.append(found)
    with noted((ArithmeticError, ValueError), *values):
        real(*known)


def _log(x: Any, base: Any = None) -> Any:
    return gnp.log(x) if base is None else gnp.log(x) / gnp.log(base)


def _traced(xs: list[Any]) -> bool:
    return any(isinstance(x, (Boxed, Value)) for x in xs)


def _hypot(*xs: Any) -> Any:
    return gnp.hypot(*xs) if len(xs) == 2 else gnp.sqrt(sum((x * x for x in xs), 0.0))


def _fsum(xs: Any) -> Any:
    items = list(xs)
    return sum(items[1:], items[0]) if _traced(items) else math.fsum(items)


def _dist(p: Any, q: Any) -> Any:
    pairs = list(zip(p, q, strict=True))
    if not _traced([*p, *q]):
        return math.dist(p, q)
    return boxed_sqrt(sum(((a - b) ** 2 for a, b in pairs), 0.0))


def boxed_sqrt(x: Any) -> Any:
    """The root, boxed if its argument is."""
    out = gnp.sqrt(unboxed(x))
    return boxed(out) if isinstance(x, Boxed) else out


def _prod(xs: Any, *, start: Any = 1) -> Any:
    return functools.reduce(lambda a, b: a * b, xs, start)


def _sumprod(p: Any, q: Any) -> Any:
    return sum(a * b for a, b in zip(p, q, strict=True))


def _refused(name: str, module: str = "math") -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        raise fail(
            "G212", f"{module}.{name} is not supported on traced values", location=user_location(),
            hint="write it with the functions of numpy", cls=NotImplementedError,
        )  # fmt: skip

    return call


def _isclose(a: Any, b: Any, *, rel_tol: Any = 1e-9, abs_tol: Any = 0.0) -> Any:
    return gnp.abs(a - b) <= gnp.maximum(rel_tol * gnp.maximum(gnp.abs(a), gnp.abs(b)), abs_tol)


def _math_functions() -> dict[str, Callable[..., Any]]:
    ours: dict[str, Callable[..., Any]] = {name: getattr(gnp, target) for name, target in _MATH_NAMES.items()}
    of_special = {"erf": special.erf, "erfc": special.erfc, "lgamma": special.lgamma}
    ours.update({name: lambda x, f=f: f(gnp.asarray(x, float)) for name, f in of_special.items()})
    ours.update(log=_log, hypot=_hypot, fma=lambda x, y, z: x * y + z)
    ours.update(modf=lambda x: gnp.modf(x), remainder=lambda x, y: x - y * gnp.rint(x / y))
    ours["isclose"] = _isclose
    ours["gamma"] = lambda x: import_module("gradcli.scipy.special").gamma(gnp.asarray(x, float))
    return ours


@functools.cache
def math_module() -> types.ModuleType:
    """A ``math`` whose functions also take traced values."""
    module = types.ModuleType("math", math.__doc__)
    ours = _math_functions()
    for name, value in vars(math).items():
        if callable(value) and not name.startswith("_"):
            convert = int if name in _TO_INT else bool if name in _TO_BOOL else None
            value = _either(value, ours.get(name) or _refused(name), convert)
        setattr(module, name, value)
    module.fsum, module.dist, module.prod = _fsum, _dist, _prod  # type: ignore[attr-defined]
    if hasattr(math, "sumprod"):
        module.sumprod = _sumprod  # type: ignore[attr-defined]
    return module


@functools.cache
def cmath_module() -> types.ModuleType:
    """A ``cmath`` whose functions also take traced values."""
    module = types.ModuleType("cmath", cmath.__doc__)
    names = _MATH_NAMES | {"phase": "angle", "log": "log"}
    for name, value in vars(cmath).items():
        if callable(value) and not name.startswith("_"):
            target = getattr(gnp, names[name]) if name in names else None
            value = _either(value, _complex(name, target), bool if name in _TO_BOOL else None)
        setattr(module, name, value)
    return module


def _complex(name: str, ours: Callable[..., Any] | None) -> Callable[..., Any]:
    if name == "polar":
        return lambda z: (gnp.abs(z), gnp.angle(z))
    if name == "rect":
        return lambda r, phi: r * (gnp.cos(phi) + 1j * gnp.sin(phi))
    if ours is None:
        return _refused(name, "cmath")
    if name == "log":
        return lambda z, base=None: _log(gnp.asarray(z, complex), base)
    return lambda *zs: ours(*[gnp.asarray(z, complex) for z in zs])


class Namespace(types.ModuleType):
    """A module of NumPy's whose functions take boxes; each is looked up when it is first used."""

    def __init__(self, name: str) -> None:
        real = import_module(name)
        super().__init__(name, real.__doc__)
        self.__dict__["_real"] = real
        for attribute in ("__path__", "__version__", "__file__", "__all__"):
            if hasattr(real, attribute):
                self.__dict__[attribute] = getattr(real, attribute)

    def __getattr__(self, name: str) -> Any:
        space = self.__name__
        found: Any = None if name[0] == "_" else numpy_modules().get(f"{space}.{name}")
        if found is not None:
            self.__dict__[name] = found
            return found
        real = getattr(self.__dict__["_real"], name)
        if space == "numpy" and name in _OBJECTS:
            found = _OBJECTS[name]
        elif space == "numpy" and name in _POLYNOMIALS:
            found = _polynomial(name)
        elif isinstance(real, np.ufunc) or (callable(real) and not isinstance(real, type) and name[0] != "_"):
            found = function(name, space)
        else:
            found = real
        self.__dict__[name] = found
        return found

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_real"])


class _Random(types.ModuleType):
    """``numpy.random``, loaded when a name of it is used."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module("gradcli.compat.randomness").random_module(), name)
        self.__dict__[name] = found
        return found

    def __dir__(self) -> list[str]:
        return dir(import_module("gradcli.compat.randomness").random_module())


class _Testing(types.ModuleType):
    """``numpy.testing``, whose functions look at the values of this run; loaded when a name of it is used."""

    def __getattr__(self, name: str) -> Any:
        real = getattr(import_module("numpy.testing"), name)
        found = shown(name, "numpy.testing") if callable(real) and not isinstance(real, type) else real
        self.__dict__[name] = found
        return found

    def __dir__(self) -> list[str]:
        return dir(import_module("numpy.testing"))


_SPACES = ("numpy", "numpy.linalg", "numpy.fft", "numpy.lib", "numpy.lib.stride_tricks")
_OBJECTS = objects()
_POLYNOMIALS = frozenset("poly1d poly polyadd polyder polydiv polyfit polyint polymul polysub polyval roots".split())


def _polynomial(name: str) -> Any:
    """``np.poly1d``; or a function that is NumPy's own Python code where such an object is among the arguments."""
    if name == "poly1d":
        return _sourced().classic_polynomials().poly1d
    usual = function(name)

    @functools.wraps(usual.real)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = any(hasattr(a, "coeffs") for a in (*args, *kwargs.values()))
        return (getattr(_sourced().classic_polynomials(), name) if given else usual)(*args, **kwargs)

    return call


def _sourced() -> Any:
    return import_module("gradcli.compat.sourced")


class _Modules(dict[str, types.ModuleType]):
    """The stand-ins; those that are run from their source are loaded when they are asked for."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and self._made(name) is not None)

    def __getitem__(self, name: str) -> types.ModuleType:
        found = self._made(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """The module, or ``default``."""
        return self._made(name) or default

    def _made(self, name: str) -> types.ModuleType | None:
        if super().__contains__(name):
            return super().__getitem__(name)
        if name in ("numpy.emath", "numpy.lib.scimath"):
            self[name] = _sourced().scimath()
        elif name == "numpy.polynomial" or name.startswith("numpy.polynomial."):
            self.update(_sourced().polynomial_modules())
        return super().get(name)


@functools.cache
def numpy_modules() -> Mapping[str, types.ModuleType]:
    """The stand-ins for ``numpy`` and its modules whose functions take traced values."""
    spaces = {name: Namespace(name) for name in _SPACES}
    return _Modules(**spaces, **{"numpy.testing": _Testing("numpy.testing"), "numpy.random": _Random("numpy.random")})


def numpy_module() -> types.ModuleType:
    """A ``numpy`` that also computes with traced values, and builds arrays out of them."""
    return numpy_modules()["numpy"]


__all__ = ["Namespace", "Ufunc", "math_module", "numpy_module", "numpy_modules"]
