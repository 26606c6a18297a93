"""NumPy's functions that need more than the same function of gradcli's: those that make arrays, change them in place,
ask for their form, or call a function of the user's."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat import protocols
from gradcli.compat.boxes import Boxed, Number, boxed, boxing, operand, unboxed
from gradcli.compat.buffer import Buffer, laid_like
from gradcli.compat.functions import ALWAYS, SPECIAL, TRACED, bare, function, scan, scan_all
from gradcli.compat.indices import numpy_index, settled
from gradcli.compat.iteration import nditer
from gradcli.compat.places import owner_of
from gradcli.engine.array import Value
from gradcli.engine.trace.tracer import value_of

Args = Sequence[Any]


def _answer(value: Any) -> Any:
    """A result, boxed where a plain file is being traced."""
    return boxed(value) if boxing() else value


def _array(value: Any) -> Any:
    """An array, of no dimensions too, where :func:`_answer` gives a number."""
    return Buffer(value) if boxing() and isinstance(value, Value) else _answer(value)


# --- making arrays ----------------------------------------------------------------------------------------------------


def array(obj: Any, dtype: Any = None, *, copy: Any = True, order: Any = "K", ndmin: int = 0, **_: Any) -> Any:
    """``np.array`` of something with traced values in it."""
    if dtype is object:
        return _of_objects(obj)
    if not copy and order == "K" and ndmin == 0:
        return asarray(obj, dtype)
    out = gnp.array(unboxed(obj), dtype=dtype, ndmin=ndmin)
    return laid_like(out, (obj,), order) if boxing() and out.ndim > 1 else _array(out)


def _of_objects(obj: Any) -> Any:
    """An array of Python objects: of numbers, as they are, and of None and the like."""
    form = shape(obj) if not isinstance(obj, (list, tuple)) else (len(obj),)
    out = np.empty(form, object)
    for place in np.ndindex(*form):
        out[place] = obj[place[0]] if isinstance(obj, (list, tuple)) else obj[place]
    return out


def fromiter(iter: Any, dtype: Any = None, count: int = -1, **_: Any) -> Any:  # noqa: A002 - NumPy's name
    """``np.fromiter``."""
    items = list(iter)
    return function("array")(items if count < 0 else items[:count], dtype)


def asarray(obj: Any, dtype: Any = None, *_: Any, **__: Any) -> Any:
    """``np.asarray`` and its kin: an array stays the one that it is where its dtype fits."""
    if isinstance(obj, Buffer) and (dtype is None or np.dtype(dtype) == obj.dtype):
        return obj
    return _array(gnp.array(unboxed(obj), dtype=dtype))


def asfortranarray(a: Any, dtype: Any = None, **_: Any) -> Any:
    """``np.asfortranarray``: a copy where it does not lie in that order yet."""
    a = asarray(a, dtype)
    return a if a.ndim < 2 or a.skeleton.flags.f_contiguous else a.copy("F")


def ascontiguousarray(a: Any, dtype: Any = None, **_: Any) -> Any:
    """``np.ascontiguousarray``, likewise."""
    a = asarray(a, dtype)
    return a if a.skeleton.flags.c_contiguous else a.copy("C")


def arange(*args: Any, dtype: Any = None, step: Any = None, **_: Any) -> Any:
    """``np.arange`` with traced bounds: how many there are is decided by their values in this run."""
    start, stop, size = (0, args[0], 1) if len(args) == 1 else (args[0], args[1], args[2] if len(args) > 2 else 1)
    start, stop, size = unboxed(start), unboxed(stop), unboxed(step if step is not None else size)
    count = gnp.ceil((stop - start) / size)
    known = value_of(count) if isinstance(count, Value) else count
    n = max(int(known), 0) if known is not None else int(count.astype(int))
    if isinstance(count, Value):
        int(count.astype(int))  # the trace notes the decision
    out = start + size * np.arange(n)
    return _answer(out if dtype is None else out.astype(dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None, **_: Any) -> Any:
    """``np.full`` of a traced number."""
    return _answer(gnp.full(unboxed(shape), unboxed(fill_value), dtype))


def _of_form(name: str) -> Callable[..., Any]:
    """``zeros_like`` and its kin: arrays of NumPy's, as only the form of their argument counts."""

    def make(a: Any, *args: Any, **kwargs: Any) -> Any:
        form = a if not isinstance(a, (Boxed, Value)) else np.broadcast_to(np.empty((), a.dtype), a.shape)
        form = a.skeleton if isinstance(a, Buffer) and a.skeleton.dtype == a.dtype else form
        form = gnp.asarray(unboxed(a)) if isinstance(form, (list, tuple)) and scan(form) == TRACED else form
        if isinstance(form, Value):
            form = np.broadcast_to(np.empty((), form.dtype), form.shape)
        return _answer(getattr(np, name)(form, *unboxed(args), **{k: v for k, v in kwargs.items() if k != "subok"}))

    return make


def full_like(a: Any, fill_value: Any, dtype: Any = None, *_: Any, shape: Any = None, **__: Any) -> Any:
    """``np.full_like`` where anything is traced."""
    form = unboxed(shape) if shape is not None else np.shape(a) if not isinstance(a, (Boxed, Value)) else a.shape
    kind = dtype if dtype is not None else getattr(a, "dtype", None)
    return _answer(gnp.full(form, unboxed(fill_value), kind))


def copy(a: Any, order: Any = "K", *_: Any, **__: Any) -> Any:
    """``np.copy``."""
    return a.copy(order) if isinstance(a, Buffer) else _array(gnp.array(unboxed(a)))


def einsum(*args: Any, **kwargs: Any) -> Any:
    """``np.einsum``: of one array, a view where nothing is summed."""
    if len(args) == 2 and isinstance(args[0], str) and isinstance(args[1], Buffer):
        x = args[1]
        part = np.einsum(args[0], x.skeleton)
        if isinstance(part, np.ndarray) and owner_of(part) is owner_of(x.root.skeleton):
            return Buffer(None, part, x.root)
    return _answer(gnp.einsum(*unboxed(args), **{k: v for k, v in kwargs.items() if k == "optimize"}))


def as_strided(x: Any, shape: Any = None, strides: Any = None, *_: Any, **__: Any) -> Any:
    """``np.lib.stride_tricks.as_strided``: a view, whose elements may overlap."""
    x = function("asarray")(x)
    return Buffer(None, np.lib.stride_tricks.as_strided(x.skeleton, bare(shape), bare(strides)), x.root)


def sliding_window_view(x: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.lib.stride_tricks.sliding_window_view``, a view too."""
    x = function("asarray")(x)
    return Buffer(None, np.lib.stride_tricks.sliding_window_view(x.skeleton, *bare(args), **kwargs), x.root)


# --- asking -----------------------------------------------------------------------------------------------------------


def shape(a: Any) -> Any:
    """``np.shape``."""
    return a.shape if isinstance(a, (Boxed, Value)) else gnp.array(unboxed(a)).shape


def size(a: Any, axis: Any = None) -> int:
    """``np.size``."""
    found = shape(a)
    return math.prod(found) if axis is None else int(found[axis])


def common_type(*arrays: Any) -> Any:
    """``np.common_type``."""
    return np.common_type(*[np.empty(0, a.dtype) for a in arrays])


def where(condition: Any, *choices: Any, **named: Any) -> Any:
    """``np.where``; of a condition alone, the places where it holds in this run."""
    choices += tuple(named[k] for k in ("x", "y") if k in named)
    if choices:
        return _array(gnp.where(*[gnp.array(unboxed(x)) if isinstance(x, (list, tuple)) else unboxed(x) for x in
                                   (condition, *choices)]))  # fmt: skip
    return nonzero(condition)


def _mask(a: Any) -> Any:
    """Where an array is not zero in this run, with a note of the trace's."""
    a = gnp.asarray(unboxed(a))
    found = settled(a != 0)
    return np.asarray(found) if not isinstance(found, Value) else found


def nonzero(a: Any) -> Any:
    """``np.nonzero``: decided by the values of this run."""
    mask = _mask(a)
    return _answer(gnp.nonzero(mask) if isinstance(mask, Value) else np.nonzero(mask))


def flatnonzero(a: Any) -> Any:
    """``np.flatnonzero``, likewise."""
    return nonzero(function("ravel")(a))[0]


def argwhere(a: Any) -> Any:
    """``np.argwhere``, likewise."""
    return _answer(np.argwhere(np.asarray(_mask(a))))


def extract(condition: Any, arr: Any) -> Any:
    """``np.extract``."""
    return function("ravel")(arr)[nonzero(function("ravel")(condition))[0]]


def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    """``np.compress``."""
    places = nonzero(condition)[0]
    return function("take")(a, places, axis=axis)


# --- changing in place ------------------------------------------------------------------------------------------------


def _buffer(a: Any, what: str) -> Buffer:
    if not isinstance(a, Buffer):
        raise protocols.in_place(what)
    return a


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """``np.copyto``."""
    a = _buffer(dst, "copyto")
    if where is True:
        a.assign(operand(src))
    else:
        a.assign(gnp.where(unboxed(where), a.fitting(operand(src)), a.frozen()))


def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """``np.fill_diagonal``."""
    a = _buffer(a, "fill_diagonal")
    n = min(a.shape)
    a[(np.arange(n),) * a.ndim] = val


def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """``np.put``."""
    _buffer(a, "put").put(ind, v, mode)


def putmask(a: Any, mask: Any, values: Any) -> None:
    """``np.putmask``: ``a[i] = values[i]``, repeated, where the mask holds."""
    a, new = _buffer(a, "putmask"), gnp.ravel(gnp.asarray(unboxed(values)))
    a.assign(gnp.where(unboxed(mask), a.fitting(gnp.reshape(_repeated(new, a.size), a.shape)), a.frozen()))


def place(arr: Any, mask: Any, vals: Any) -> None:
    """``np.place``: the values in turn, where the mask holds."""
    a = _buffer(arr, "place")
    places = np.nonzero(np.asarray(_mask(mask)))
    a[places] = boxed(_repeated(gnp.ravel(gnp.asarray(unboxed(vals))), len(places[0])))


def _repeated(x: Any, n: int) -> Any:
    return x[np.arange(n) % x.shape[0]]


def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    """``np.put_along_axis``."""
    a = _buffer(arr, "put_along_axis")
    chosen = numpy_index(settled(indices))
    full_index = list(np.ogrid[tuple(slice(n) for n in chosen.shape)])
    full_index[axis] = chosen
    a[tuple(full_index)] = values


# --- calling the user's functions -------------------------------------------------------------------------------------


class Vectorize:
    """``np.vectorize``: a loop over the elements, as NumPy's is."""

    def __init__(self, pyfunc: Any = None, otypes: Any = None, doc: Any = None, excluded: Any = None,
                 cache: bool = False, signature: Any = None) -> None:  # fmt: skip
        self.pyfunc, self.excluded, self.signature = pyfunc, set(excluded or ()), signature
        self._real = np.vectorize(pyfunc, otypes, doc, excluded, cache, signature)
        self.__doc__ = doc or getattr(pyfunc, "__doc__", None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if scan_all(args, kwargs) != TRACED and not boxing():
            return self._real(*args, **kwargs)
        if self.signature is not None:
            return self._by_signature(args)
        names = [*range(len(args)), *kwargs]
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        loop = [name for name in names if name not in self.excluded]
        arrays = function("broadcast_arrays")(*[function("asarray")(given[name]) for name in loop])
        form = shape(arrays[0]) if arrays else ()
        results = []
        for place in np.ndindex(*form):
            each = given | {name: a[place] if form else a for name, a in zip(loop, arrays, strict=True)}
            results.append(self.pyfunc(*[each[i] for i in range(len(args))], **{k: each[k] for k in kwargs}))
        if results and isinstance(results[0], tuple):
            return tuple(_shaped(list(part), form) for part in zip(*results, strict=True))
        return _shaped(results, form)

    def _by_signature(self, args: Sequence[Any]) -> Any:
        """A loop over the leading axes; the trailing ones that the signature names go to the function."""
        given, _, returned = self.signature.replace(" ", "").partition("->")
        cores = [len(re.findall(r"\w+", part)) for part in re.findall(r"\(([^)]*)\)", given)]
        arrays = [function("asarray")(a) for a in args]
        leads = [a.shape[: a.ndim - core] for a, core in zip(arrays, cores, strict=True)]
        form = np.broadcast_shapes(*leads)
        spread = [
            function("broadcast_to")(a, form + a.shape[len(lead) :]) for a, lead in zip(arrays, leads, strict=True)
        ]
        results = [self.pyfunc(*[a[place] for a in spread]) for place in np.ndindex(*form)]
        if returned.count("(") > 1:
            return tuple(_stacked(list(part), form) for part in zip(*results, strict=True))
        return _stacked(results, form)


def _stacked(results: list[Any], form: tuple[int, ...]) -> Any:
    whole = function("stack")([function("asarray")(r) for r in results])
    return function("reshape")(whole, form + whole.shape[1:]) if form else results[0]


class FromPyfunc:
    """What ``np.frompyfunc`` makes: a loop over the elements; arrays of objects hold nothing that is traced."""

    def __init__(self, func: Callable[..., Any], nin: int, nout: int, **options: Any) -> None:
        self.func, self.nin, self.nout = func, nin, nout
        self._real, self._loop = np.frompyfunc(func, nin, nout, **options), Vectorize(func)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return (self._loop if scan_all(args, kwargs) == TRACED else self._real)(*args, **kwargs)

    def reduce(self, a: Any, *args: Any, **kwargs: Any) -> Any:
        """``ufunc.reduce``, of one axis where the values are traced."""
        if scan(a) != TRACED or args or kwargs:
            return self._real.reduce(a, *args, **kwargs)
        return functools.reduce(self.func, a)

    def accumulate(self, a: Any, *args: Any, **kwargs: Any) -> Any:
        """``ufunc.accumulate``, likewise."""
        if scan(a) != TRACED or args or kwargs:
            return self._real.accumulate(a, *args, **kwargs)
        return function("array")(list(itertools.accumulate(a, self.func)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_real"], name)


def _shaped(results: list[Any], form: tuple[int, ...]) -> Any:
    return function("reshape")(function("array")(results), form) if form else results[0]


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.apply_along_axis``: a loop over the lines of an array."""
    moved = function("moveaxis")(arr, axis, -1)
    lead = moved.shape[:-1]
    results = [func1d(moved[place], *args, **kwargs) for place in np.ndindex(*lead)]
    stacked = function("stack")([function("asarray")(r) for r in results])
    inner = stacked.shape[1:]
    stacked = function("reshape")(stacked, lead + inner)
    for i in range(len(inner)):
        stacked = function("moveaxis")(stacked, len(lead) + i, axis + i)
    return stacked


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """``np.apply_over_axes``: one axis after the other, which stay with length 1 where ``func`` takes them away."""
    found = function("asarray")(a)
    for axis in np.atleast_1d(axes):
        axis = int(axis) % len(found.shape)
        part = func(found, axis)
        found = part if len(shape(part)) == len(found.shape) else function("expand_dims")(part, axis)
    return found


def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """``np.choose``."""
    picked = [gnp.asarray(unboxed(function("asarray")(c))) for c in choices]
    index = gnp.asarray(unboxed(function("asarray")(a)))
    return _array(gnp.choose(index.astype(int) if index.dtype == bool else index, picked, mode=mode))


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """``np.piecewise``: every function gets the elements of its part."""
    x = function("atleast_1d")(x) if not shape(x) else x
    conditions = [np.asarray(_mask(c)) for c in (condlist if isinstance(condlist, (list, tuple)) else [condlist])]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.logical_or.reduce(conditions))
    out = boxed(np.zeros(shape(x)))
    for condition, f in zip(conditions, funclist, strict=True):
        out[condition] = f(x[condition], *args, **kw) if callable(f) else f
    return out


def ndenumerate(arr: Any) -> Iterator[Any]:
    """``np.ndenumerate``."""
    a = function("asarray")(arr)
    return ((place, a[place]) for place in np.ndindex(*a.shape))


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """``np.allclose``: a plain truth, which the trace notes."""
    return bool(gnp.allclose(unboxed(a), unboxed(b), rtol, atol, equal_nan))


def array_equal(a: Any, b: Any, equal_nan: bool = False) -> bool:
    """``np.array_equal``, likewise."""
    return shape(a) == shape(b) and bool(gnp.all(gnp.asarray(unboxed(a)) == gnp.asarray(unboxed(b))))


def shares_memory(a: Any, b: Any, *_: Any, **__: Any) -> bool:
    """``np.shares_memory``."""
    both = isinstance(a, Buffer) and isinstance(b, Buffer)
    return both and a.root is b.root and bool(np.shares_memory(a.skeleton, b.skeleton))


SPECIAL.update({f"numpy.{f.__name__}": f for f in (
    array, arange, common_type, einsum, full, full_like, copy, shape, size, where, nonzero, flatnonzero, argwhere,
    extract, compress, copyto, fill_diagonal, put, putmask, place, put_along_axis, apply_along_axis, apply_over_axes,
    choose, piecewise, allclose, array_equal, shares_memory, asfortranarray, ascontiguousarray,
)})  # fmt: skip
SPECIAL.update({f"numpy.{name}": asarray for name in "asarray asanyarray".split()})
SPECIAL.update({f"numpy.{name}": _of_form(name) for name in ("zeros_like", "ones_like", "empty_like")})
SPECIAL.update({
    "numpy.may_share_memory": shares_memory,
    "numpy.ndim": lambda a: len(shape(a)),
    "numpy.isscalar": lambda a: isinstance(a, Number),
    "numpy.iscomplexobj": lambda a: a.dtype.kind == "c",
    "numpy.isrealobj": lambda a: a.dtype.kind != "c",
    "numpy.iterable": lambda a: bool(shape(a)),
    "numpy.asarray_chkfinite": asarray,
})  # fmt: skip
ALWAYS.update({
    "numpy.empty": lambda shape, dtype=float, **_: boxed(np.zeros(unboxed(shape), dtype)),
    "numpy.empty_like": lambda a, *args, **kwargs: _of_form("zeros_like")(a, *args, **kwargs),
    "numpy.fromiter": fromiter,
    "numpy.lib.stride_tricks.as_strided": as_strided,
    "numpy.lib.stride_tricks.sliding_window_view": sliding_window_view,
    "numpy.apply_along_axis": apply_along_axis,
    "numpy.apply_over_axes": apply_over_axes,
    "numpy.piecewise": piecewise,
})  # fmt: skip


def shown(name: str, space: str = "numpy") -> Callable[..., Any]:
    """A function of NumPy's that only looks at values, as those that make texts do: it gets those of this run."""
    real = getattr(import_module(space), name)

    def look(*args: Any, **kwargs: Any) -> Any:
        return real(*[_present(a) for a in args], **{k: _present(v) for k, v in kwargs.items()})

    return look


def _present(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        items = [_present(item) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if type(x) is dict:
        return {key: _present(value) for key, value in x.items()}
    if not isinstance(x, Boxed):
        return x
    value = x.read()
    return np.asarray(value.concrete() if isinstance(value, Value) else value)[()]


class Indexer:
    """``np.r_`` and its kin."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, key: Any) -> Any:
        if scan(key) == TRACED:
            return _answer(getattr(gnp, self.name)[unboxed(key)])
        return _answer(getattr(np, self.name)[bare(key)])


def objects() -> dict[str, Any]:
    """What of NumPy is no function and yet takes arrays."""
    return {
        "vectorize": Vectorize, "frompyfunc": FromPyfunc, "ndenumerate": ndenumerate, "nditer": nditer,
        **{name: Indexer(name) for name in ("r_", "c_", "mgrid", "ogrid")},
    }  # fmt: skip


SPECIAL.update(
    {f"numpy.{name}": shown(name) for name in "array2string array_repr array_str save savetxt savez".split()}
)
