"""Elementwise functions as objects with ``reduce``, ``accumulate``, ``at``, ``reduceat`` and ``outer``."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.control.scan import scan
from gradcli.engine.ir.types import canonical_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import operators as o
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.operators import where as select
from gradcli.engine.ops.shape import canonical_axis, concatenate, slice_in_dim
from gradcli.engine.ops.take import take
from gradcli.engine.staging import eval_shape
from gradcli.numpy import _reductions as r
from gradcli.numpy import _ufuncs as u
from gradcli.numpy._base import arr, to_dtype, unsupported, value_error
from gradcli.numpy._shapes import broadcast_to, moveaxis, ravel
from gradcli.numpy._vectorize import vectorize

Function = Callable[..., Any]


class ufunc:
    """An elementwise function with methods; called, it is the function itself.

    >>> print(add.reduce(np.array([1, 2, 3])), add.accumulate(np.array([1, 2, 3])), add.outer([1, 2], [0, 10]))
    6 [1 3 6] [[ 1 11]
     [ 2 12]]
    """

    def __init__(
        self, func: Function, /, nin: int, nout: int, *, name: str | None = None, identity: Any = None,
        call: Function | None = None, reduce: Function | None = None, accumulate: Function | None = None,
    ) -> None:  # fmt: skip
        self.__name__ = self.__qualname__ = name or getattr(func, "__name__", "ufunc")
        self.__doc__ = func.__doc__
        self.nin, self.nout, self.nargs, self.identity = operator.index(nin), operator.index(nout), nin, identity
        self._func, self._call, self._reduce, self._accumulate = func, call, reduce, accumulate

    def __call__(self, *args: Any, out: None = None, where: None = None) -> Any:
        if out is not None or where is not None:
            raise unsupported(f"{self.__name__} does not support out or where", "use the result; choose with where()")
        if self._call is not None:
            return self._call(*args)
        return vectorize(self._func)(*args)

    def __repr__(self) -> str:
        return f"<ufunc '{self.__name__}'>"

    def _binary(self, method: str) -> None:
        if self.nin != 2 or self.nout != 1:
            raise value_error(f"{method} needs a function of two operands with one result, not {self.__name__}")

    def _dtype(self, a: Any, dtype: Any) -> np.dtype[Any]:
        """The dtype of results: the one named, or that of the function of two elements of ``a``."""
        if dtype is not None:
            return canonical_dtype(dtype)
        one = np.ones((), type_of(a).dtype)
        found: np.dtype[Any] = eval_shape(self, *[one] * self.nin).dtype
        return found

    def reduce(
        self, a: Any, axis: int | None = 0, dtype: Any = None, out: None = None, keepdims: bool = False,
        initial: Any = None, where: Any = None,
    ) -> Any:  # fmt: skip
        """All elements along an axis (None: of the flattened array) combined to one.

        Raises ValueError for other than two operands, and for nothing to combine (with ``where``: perhaps nothing)
        where neither an ``initial`` value nor an identity is there.
        """
        self._binary("reduce")
        if out is not None:
            raise unsupported("the argument out is not supported")
        if where is not None:
            if self.identity is None and initial is None:
                raise value_error(f"{self.__name__} has no identity: reduce with where= needs initial=")
            if type_of(where).dtype.kind != "b":
                raise value_error(f"where must be of bools, not {type_of(where)}")
        if self._reduce is not None:
            return self._reduce(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)
        a = arr(a)
        initial = self.identity if initial is None else initial
        kept = broadcast_to(where, a.shape) if where is not None else None
        shape = tuple(1 for _ in a.shape) if axis is None else a.shape
        place = 0 if axis is None else canonical_axis(axis, a.ndim)
        a, kept = ((v if v is None else ravel(v) if axis is None else moveaxis(v, place, 0)) for v in (a, kept))
        found = self._over_rows(a, kept, self._dtype(a, dtype), initial)
        if keepdims:
            return s.reshape(found, tuple(1 if d == place else n for d, n in enumerate(shape)))
        return found

    def _over_rows(self, a: Any, kept: Any, dtype: np.dtype[Any], initial: Any) -> Any:
        """The rows of ``a`` combined from first to last, but for those that are not kept."""
        rows = e.convert_element_type(a, dtype)
        if initial is None and not a.shape[0]:
            raise value_error(f"{self.__name__} of no elements has no value, and no identity")
        if initial is None:
            start, rows = rows[0], slice_in_dim(rows, 1, a.shape[0], 0)
        else:
            start = broadcast_to(e.convert_element_type(arr(initial), dtype), a.shape[1:])
        if not rows.shape[0]:
            return start

        def step(total: Any, x: Any) -> tuple[Any, None]:
            row, keep = x
            found = e.convert_element_type(self(total, row), dtype)
            return found if keep is None else select(keep, found, total), None

        return scan(step, start, (rows, kept))[0]

    def accumulate(self, a: Any, axis: int = 0, dtype: Any = None, out: None = None) -> Any:
        """What :meth:`reduce` has after each element along the axis."""
        self._binary("accumulate")
        if out is not None:
            raise unsupported("the argument out is not supported")
        if axis is None or isinstance(axis, tuple):
            raise value_error("accumulate goes along one axis")
        if self._accumulate is not None:
            return self._accumulate(a, axis=axis, dtype=dtype)
        a = arr(a)
        place = canonical_axis(axis, a.ndim)
        kind = self._dtype(a, dtype)
        rows = moveaxis(e.convert_element_type(a, kind), place, 0)
        n = rows.shape[0]
        if n < 2:
            return moveaxis(rows, 0, place)

        def step(total: Any, row: Any) -> tuple[Any, Any]:
            found = e.convert_element_type(self(total, row), kind)
            return found, found

        rest = scan(step, rows[0], slice_in_dim(rows, 1, n, 0))[1]
        return moveaxis(concatenate([slice_in_dim(rows, 0, 1, 0), rest], 0), 0, place)

    def at(self, a: Any, indices: Any, b: Any = None, /, *, inplace: bool = True) -> Any:
        """A new array where the elements at indices are combined with ``b`` (or mapped), one after the other.

        Raises NotImplementedError unless ``inplace`` is False: arrays are not changed in place.
        """
        if inplace:
            raise unsupported(f"{self.__name__}.at cannot change an array in place", "give inplace=False")
        x = arr(a)
        kind = self._dtype(x, None)
        x = e.convert_element_type(x, kind)
        index = indices if isinstance(indices, tuple) else (indices,)
        places = _places(x.shape)[index]  # flat positions: of each one, how often it comes counts
        values = None if b is None else broadcast_to(e.convert_element_type(arr(b), kind), places.shape)
        flat = ravel(x)

        def step(line: Any, one: Any) -> tuple[Any, None]:
            place, value = one
            old = line[place]
            new = self(old) if value is None else self(old, value)
            return line.at[place].set(e.convert_element_type(new, kind)), None

        out = scan(step, flat, (ravel(places), None if values is None else ravel(values)))[0]
        return s.reshape(out, x.shape)

    def reduceat(self, a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: None = None) -> Any:
        """For each index the elements from there to the next index combined; the element alone where that is none."""
        self._binary("reduceat")
        if out is not None:
            raise unsupported("the argument out is not supported")
        if axis is None or isinstance(axis, (tuple, list)):
            raise value_error("reduceat goes along one axis")
        x, starts = to_dtype(arr(a), dtype), arr(np.asarray(indices) if isinstance(indices, list) else indices)
        if not x.ndim or starts.ndim != 1:
            raise value_error(f"reduceat needs an array and a vector of indices, got {x.type} and {starts.type}")
        place = canonical_axis(axis, x.ndim)
        x = moveaxis(x, place, 0)
        n, wide = x.shape[0], (starts.size,) + (1,) * (x.ndim - 1)
        ends = concatenate([slice_in_dim(starts, 1, starts.size, 0), np.full(1, n, starts.dtype)], 0)

        def step(total: Any, one: Any) -> tuple[Any, None]:
            i, row = one
            inside = e.bitwise_and(e.gt(i, starts), e.lt(i, ends))
            found = e.convert_element_type(self(total, row), total.dtype)
            return select(s.reshape(inside, wide), found, total), None

        total = scan(step, take(x, starts, 0), (s.iota(starts.dtype, (n,), 0), x))[0]
        return moveaxis(total, 0, place)

    def outer(self, A: Any, B: Any, /) -> Any:
        """The function of every element of ``A`` with every element of ``B``."""
        self._binary("outer")
        x, y = (arr(np.asarray(v)) if isinstance(v, (list, tuple)) else arr(v) for v in (A, B))
        found = self(s.reshape(x, (x.size, 1)), s.reshape(y, (1, y.size)))
        return s.reshape(found, x.shape + y.shape)


def _places(shape: tuple[int, ...]) -> Any:
    """The flat position of each element of an array of that shape."""
    return arr(np.arange(int(np.prod(shape))).reshape(shape))


def frompyfunc(func: Function, /, nin: int, nout: int, *, identity: Any = None) -> ufunc:
    """A Python function of numbers as a :class:`ufunc`.

    >>> clipped = frompyfunc(lambda x, y: o.minimum(x + y, 10), 2, 1)
    >>> print(clipped.accumulate(np.array([4, 5, 6])))
    [ 4  9 10]
    """
    return ufunc(func, nin, nout, identity=identity)


def _logical(name: str, function: Function, identity: bool, reduce: Function) -> ufunc:
    def reduced(a: Any, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Any:
        found = to_dtype(reduce(a, axis, keepdims=keepdims, where=where), dtype)
        return found if initial is None else to_dtype(function(initial, found), dtype)

    return ufunc(function, 2, 1, name=name, call=function, identity=identity, reduce=reduced)


def _extremum(name: str, function: Function, reduce: Function) -> ufunc:
    def reduced(a: Any, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Any:
        return to_dtype(reduce(to_dtype(arr(a), dtype), axis, None, keepdims, initial, where), dtype)

    return ufunc(function, 2, 1, name=name, call=function, reduce=reduced)


def _plain(name: str, function: Function, identity: Any = None, nin: int = 2, **methods: Function) -> ufunc:
    return ufunc(function, nin, 1, name=name, call=function, identity=identity, **methods)


add = _plain("add", o.add, 0, reduce=r.sum, accumulate=r.cumsum)
multiply = _plain("multiply", o.multiply, 1, reduce=r.prod, accumulate=r.cumprod)
subtract, negative = _plain("subtract", o.subtract), _plain("negative", o.negative, nin=1)
maximum, minimum = _extremum("maximum", o.maximum, r.max), _extremum("minimum", o.minimum, r.min)
bitwise_and, bitwise_or = _plain("bitwise_and", o.bitwise_and, -1), _plain("bitwise_or", o.bitwise_or, 0)
bitwise_xor = _plain("bitwise_xor", o.bitwise_xor, 0)
logical_and = _logical("logical_and", u.logical_and, True, r.all)
logical_or = _logical("logical_or", u.logical_or, False, r.any)
logical_xor = _plain("logical_xor", u.logical_xor, False)
logaddexp, logaddexp2 = (_plain(f.__name__, f, -np.inf) for f in (u.logaddexp, u.logaddexp2))

