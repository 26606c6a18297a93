"""Elementwise functions as objects with ``reduce``, ``accumulate``, ``at``, ``reduceat`` and ``outer``."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from importlib import import_module
from typing import Any

from gradcli.engine.ops import operators as o
from gradcli.numpy import _ufuncs as u
from gradcli.numpy._base import unsupported, value_error

Function = Callable[..., Any]


class ufunc:
    """An elementwise function with methods; called, it is the function itself.

    >>> import numpy as np
    >>> print(add.reduce(np.array([1, 2, 3])), add.accumulate(np.array([1, 2, 3])), add.outer([1, 2], [0, 10]))
    6 [1 3 6] [[ 1 11]
     [ 2 12]]
    """

    def __init__(
        self, func: Function, /, nin: int, nout: int, *, name: str | None = None, identity: Any = None,
        elementwise: bool = False,
    ) -> None:  # fmt: skip
        self.__name__ = self.__qualname__ = name or getattr(func, "__name__", "ufunc")
        self.__doc__ = func.__doc__
        self.nin, self.nout, self.nargs, self.identity = operator.index(nin), operator.index(nout), nin, identity
        self._func, self._elementwise = func, elementwise

    def __call__(self, *args: Any, out: None = None, where: None = None) -> Any:
        if out is not None or where is not None:
            raise unsupported(f"{self.__name__} does not support out or where", "use the result; choose with where()")
        if self._elementwise:
            return self._func(*args)
        return import_module("gradcli.numpy._vectorize").vectorize(self._func)(*args)

    def __repr__(self) -> str:
        return f"<ufunc '{self.__name__}'>"

    def _combining(self, method: str, out: None = None) -> Any:
        """The module of the methods, loaded when the first is used, if this is a function that combines two numbers."""
        if self.nin != 2 or self.nout != 1:
            raise value_error(f"{method} needs a function of two operands with one result, not {self.__name__}")
        if out is not None:
            raise unsupported("the argument out is not supported")
        return import_module(_METHODS)

    def reduce(
        self, a: Any, axis: int | None = 0, dtype: Any = None, out: None = None, keepdims: bool = False,
        initial: Any = None, where: Any = None,
    ) -> Any:  # fmt: skip
        """All elements along an axis (None: of the flattened array) combined to one.

        Raises ValueError for other than two operands, and for nothing to combine (with ``where``: perhaps nothing)
        where neither an ``initial`` value nor an identity is there.
        """
        return self._combining("reduce", out).reduce(self, a, axis, dtype, keepdims, initial, where)

    def accumulate(self, a: Any, axis: int = 0, dtype: Any = None, out: None = None) -> Any:
        """What :meth:`reduce` has after each element along the axis."""
        return self._combining("accumulate", out).accumulate(self, a, axis, dtype)

    def reduceat(self, a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: None = None) -> Any:
        """For each index the elements from there to the next index combined; the element alone where that is none."""
        return self._combining("reduceat", out).reduceat(self, a, indices, axis, dtype)

    def outer(self, A: Any, B: Any, /) -> Any:
        """The function of every element of ``A`` with every element of ``B``."""
        return self._combining("outer").outer(self, A, B)

    def at(self, a: Any, indices: Any, b: Any = None, /, *, inplace: bool = True) -> Any:
        """A new array where the elements at indices are combined with ``b`` (or mapped), one after the other.

        Raises NotImplementedError unless ``inplace`` is False: arrays are not changed in place.
        """
        if inplace:
            raise unsupported(f"{self.__name__}.at cannot change an array in place", "give inplace=False")
        return import_module(_METHODS).at(self, a, indices, b)


_METHODS = "gradcli.numpy._ufunc_methods"


def frompyfunc(func: Function, /, nin: int, nout: int, *, identity: Any = None) -> ufunc:
    """A Python function of numbers as a :class:`ufunc`.

    >>> import numpy as np
    >>> print(frompyfunc(lambda x, y: x + y / 2, 2, 1).accumulate(np.array([4.0, 2.0, 6.0])))
    [4. 5. 8.]
    """
    return ufunc(func, nin, nout, identity=identity)


def _plain(name: str, function: Function, identity: Any = None, nin: int = 2) -> ufunc:
    return ufunc(function, nin, 1, name=name, identity=identity, elementwise=True)


add, multiply = _plain("add", o.add, 0), _plain("multiply", o.multiply, 1)
subtract, negative = _plain("subtract", o.subtract), _plain("negative", o.negative, nin=1)
maximum, minimum = _plain("maximum", o.maximum), _plain("minimum", o.minimum)
bitwise_and, bitwise_or = _plain("bitwise_and", o.bitwise_and, -1), _plain("bitwise_or", o.bitwise_or, 0)
bitwise_xor = _plain("bitwise_xor", o.bitwise_xor, 0)
logical_and, logical_or = _plain("logical_and", u.logical_and, True), _plain("logical_or", u.logical_or, False)
logical_xor = _plain("logical_xor", u.logical_xor, False)
logaddexp, logaddexp2 = (_plain(f.__name__, f, -math.inf) for f in (u.logaddexp, u.logaddexp2))
