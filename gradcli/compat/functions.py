"""NumPy's functions and ufuncs as a plain file calls them: NumPy's own, or gradcli.numpy's where a value is traced."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat import protocols
from gradcli.compat.boxes import Boxed, Guard, Number, boxed, boxing, check_errstate, unboxed
from gradcli.compat.buffer import Buffer, laid_like
from gradcli.compat.indices import settled
from gradcli.compat.places import owner_of
from gradcli.engine.array import PROTOCOLS, Array, Value
from gradcli.engine.trace.tracer import Tracer, depends_on_input, value_of

NAMESPACES = {name: f"gradcli.{name}" for name in ("numpy", "numpy.fft", "numpy.linalg")}
SPECIAL: dict[str, Callable[..., Any]] = {}  # by full name: what runs instead where a value is traced
ALWAYS: dict[str, Callable[..., Any]] = {}  # by full name: what runs in place of NumPy's, traced or not
_SIMPLE = frozenset({float, int, bool, str, complex, type(None), np.ndarray})
_SEQUENCES = (list, tuple, deque)
_MEANINGLESS = frozenset({"order", "subok", "like", "casting", "device", "kind"})
VIEWS = frozenset(
    """
    reshape ravel transpose swapaxes moveaxis rollaxis squeeze expand_dims atleast_1d atleast_2d atleast_3d flip fliplr
    flipud rot90 split array_split hsplit vsplit dsplit permute_dims matrix_transpose unstack
    """.split()
)
PLAIN, HELD, BOXED, TRACED = 0, 1, 2, 3  # HELD: arrays of the engine that are no box and depend on nothing traced


def scan(x: Any) -> int:
    """What an argument holds, in nested lists and tuples too: nothing boxed, boxes, or something traced.

    A concrete array of the engine is to NumPy what it is in JAX: something that becomes one of NumPy's.
    """
    kind = type(x)
    if kind in _SIMPLE:
        return PLAIN
    if isinstance(x, Boxed):
        return TRACED if kind is Number or x.root.value is not None else BOXED  # type: ignore[attr-defined]
    if kind is Array:
        return TRACED if boxing() else HELD
    if isinstance(x, Value):
        return TRACED
    if kind is list or isinstance(x, _SEQUENCES):
        found = PLAIN
        for item in x:
            if type(item) not in _SIMPLE:
                found = max(found, scan(item))
                if found == TRACED:
                    break
        return found
    return PLAIN


def scan_all(args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """The most that any of the arguments holds."""
    found = PLAIN
    for x in args:
        if type(x) not in _SIMPLE:
            found = max(found, scan(x))
    for x in kwargs.values():
        found = max(found, scan(x))
    return found


def bare(x: Any) -> Any:
    """An argument for NumPy itself: of a box, the array that it stands for, not a copy."""
    kind = type(x)
    if kind in _SIMPLE:
        return x
    if kind is Buffer:
        return x.read()
    if kind is Array:
        return np.asarray(x)
    if isinstance(x, _SEQUENCES):
        return (list if kind is list else tuple)([bare(item) for item in x])
    return x


def _whole(x: Any) -> Any:
    """Where to split or how to lay out, in this run: whole numbers, of which the trace notes the traced ones."""
    if isinstance(x, (list, tuple)):
        return type(x)([_whole(item) for item in x])
    return np.asarray(x) if isinstance(x, Buffer) else int(x) if isinstance(x, Number) else x


def has_boxes(x: Any) -> bool:
    """Whether a box is among the arguments, in lists and tuples too."""
    if isinstance(x, (list, tuple)):
        return any(has_boxes(item) for item in x)
    return isinstance(x, Boxed)


def _has_array(x: Any) -> bool:
    """Whether it is of a class that says itself which array it stands for."""
    kind = type(x)
    arrays = (np.ndarray, np.generic, Boxed, Value)
    return kind not in _SIMPLE and hasattr(kind, "__array__") and not isinstance(x, arrays)


class Function:
    """One function of NumPy."""

    def __init__(self, real: Any, name: str, space: str = "numpy") -> None:
        self.real, self.name, self.full = real, name, f"{space}.{name}"
        self.space = space
        self.__name__, self.__doc__ = name, real.__doc__
        self.__wrapped__ = real
        self._ours: Any = None
        self._views = space == "numpy" and name in VIEWS

    def __repr__(self) -> str:
        return repr(self.real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["real"], name)

    @property
    def ours(self) -> Any:
        """The function of gradcli by that name. Raises G212 where there is none."""
        if self._ours is None:
            space = NAMESPACES.get(self.space)
            found = None if space is None else getattr(import_module(space), self.name, None)
            if found is None:
                raise protocols.unsupported(self.full)
            self._ours = found
        return self._ours

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.full in ALWAYS and boxing():
            return ALWAYS[self.full](*args, **kwargs)
        found = scan_all(args, kwargs)
        if found == PLAIN and boxing() and any(map(_has_array, args)):
            args = tuple(x.__array__() if _has_array(x) else x for x in args)
            found = scan_all(args, kwargs)
        if found == PLAIN:
            out = self.real(*args, **kwargs)
            return boxed(out) if boxing() else out
        if self._views and args and type(args[0]) is Buffer:
            out = self._view(args, kwargs)
            if out is not NotImplemented:
                return out
        if found == HELD:
            return self.real(*bare(args), **{k: bare(v) for k, v in kwargs.items()})
        if found == BOXED:
            return aliased(self.real(*bare(args), **{k: bare(v) for k, v in kwargs.items()}), args, kwargs)
        return self._traced(args, kwargs)

    def _view(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The result as views of the first argument, where NumPy would give views."""
        first = args[0]
        part = self.real(first.skeleton, *[_whole(a) for a in args[1:]], **{k: _whole(a) for k, a in kwargs.items()})
        owner = owner_of(first.root.skeleton)
        if isinstance(part, (list, tuple)):
            views = [Buffer(None, p, first.root) for p in part if owner_of(p) is owner]
            return type(part)(views) if len(views) == len(part) else NotImplemented
        return Buffer(None, part, first.root) if owner_of(part) is owner else NotImplemented

    def _traced(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        target = kwargs.pop("out", None)
        box = boxing() or has_boxes(args) or has_boxes(tuple(kwargs.values()))
        special = SPECIAL.get(self.full)
        if special is not None:
            out = special(*args, **kwargs)
            return out if target is None else delivered(out, target, self.name)
        options = {k: _option(k, unboxed(v)) for k, v in kwargs.items() if k not in _MEANINGLESS}
        values = [with_arrays(unboxed(a), self.name, i) for i, a in enumerate(args)]
        try:
            out = self.ours(*values, **options)
        except (NotImplementedError, AttributeError):
            if self._ours is not None:
                raise
            out = constant(self.real, values, options)
            if out is NotImplemented:
                raise
        if target is not None:
            return delivered(out, target, self.name)
        return boxed(out) if box else out


_BOTH = frozenset(
    """
    dot vdot inner outer cross kron convolve correlate matmul polyval polyadd polysub polymul polydiv interp append
    searchsorted trapezoid average isclose take compress digitize solve lstsq vecdot histogram clip copysign arctan2
    union1d intersect1d setdiff1d setxor1d isin
    """.split()
)


def with_arrays(x: Any, name: str, place: int = 0) -> Any:
    """A list is an array to most of NumPy's functions, and a list of arrays to some; axes and shapes stay lists."""
    if not isinstance(x, (list, tuple)):
        return x
    if name in protocols.TAKE_SEQUENCES:
        return x if name == "block" or place else type(x)([as_array(item) for item in x])
    return as_array(x) if place == 0 or name in _BOTH or protocols.holds_value(x) else x


def as_array(x: Any) -> Any:
    """A list as an array, where it is one of numbers."""
    if not isinstance(x, (list, tuple)):
        return x
    if protocols.holds_value(x):
        return gnp.array(x)
    found = np.asarray(x)
    return x if found.dtype == object else found


_ARRAYS = frozenset("a b x y v xp fp q weights fweights aweights where condition prepend to_begin to_end".split())


def _option(name: str, x: Any) -> Any:
    """An argument by name: a list that is an array, or holds traced values, as an array; axes and the like as it is."""
    return as_array(x) if isinstance(x, (list, tuple)) and (name in _ARRAYS or protocols.holds_value(x)) else x


def constant(real: Any, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """NumPy's own function where no derivative could flow through its arguments, with a note; else NotImplemented."""

    def settle(x: Any) -> Any:
        if isinstance(x, (list, tuple)):
            return type(x)([settle(item) for item in x])
        if type(x) is Array:
            return x.value
        if isinstance(x, Tracer):
            found = None if depends_on_input(x) else value_of(x)
            if found is None:
                raise _Flows
            x.trace.note(x, found)
            return np.asarray(found)
        return x

    try:
        return real(*[settle(a) for a in args], **{k: settle(v) for k, v in options.items()})
    except _Flows:
        return NotImplemented


class _Flows(Exception):
    """A derivative flows through a value."""


def aliased(out: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A result of NumPy's own, boxed: as the argument itself, or a view of it, where it shares its memory."""
    if isinstance(out, (list, tuple)) and type(out) in (list, tuple):
        return type(out)([aliased(item, args, kwargs) for item in out])
    if type(out) is not np.ndarray:
        return boxed(out)
    for x in (*args, *kwargs.values()):
        if type(x) is Buffer:
            if out is x.data:
                return x
            if owner_of(out) is owner_of(x.root.data):
                return Buffer(None, out, x.root)
    return boxed(out)


def delivered(out: Any, target: Any, name: str) -> Any:
    """Puts a result where ``out=`` says, and returns that."""
    if isinstance(target, tuple) and len(target) == 1:
        target = target[0]
    if isinstance(target, tuple):
        return tuple(delivered(o, t, name) if t is not None else boxed(o) for o, t in zip(out, target, strict=True))
    if not isinstance(target, Buffer):
        raise protocols.in_place(f"{name}(…, out=…)")
    target.assign(out.read() if isinstance(out, Boxed) else out)
    return target


def _traced_value(x: Any) -> Any:
    """The engine's value of a traced argument, else None."""
    kind = type(x)
    if kind is Number:
        return x.value
    if kind is Buffer:
        return x.read() if x.root.value is not None else None
    return x if kind is Tracer else None


def _frozen(x: Any) -> Any:
    return x.frozen() if type(x) is Buffer else as_array(unboxed(x))


_PRODUCTS = frozenset({"matmul", "matvec", "vecdot", "vecmat"})


class Ufunc(Function):
    """One ufunc of NumPy, with its ``reduce``, ``accumulate``, ``outer``, ``reduceat`` and ``at``."""

    def __init__(self, real: Any, name: str, space: str = "numpy") -> None:
        super().__init__(real, name, space)
        self.nin = real.nin

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if Guard.depth:
            check_errstate(self.real, args[: self.nin])
        if not kwargs and self._ours is not None and len(args) == self.nin <= 2:  # the quick way
            values = [_traced_value(x) for x in args]
            if any([v is not None for v in values]):
                out = self._ours(*[_frozen(x) if v is None else v for x, v in zip(args, values, strict=True)])
                if isinstance(out, Value) and (boxing() or has_boxes(args)):
                    return self._laid(out, args) if out.type.shape else Number(out)
                return boxed(out) if boxing() or has_boxes(args) else out
        if not kwargs and len(args) <= self.nin:
            traced = False
            for x in args:
                if type(x) not in _SIMPLE:
                    kind = scan(x)
                    if kind == TRACED:
                        traced = True
                    elif kind == BOXED and not traced:
                        traced = scan_all(args, kwargs) == TRACED
                    if traced:
                        break
            if traced:
                return self._applied(args)
            if boxing() and any(map(_has_array, args)):
                args = tuple(x.__array__() if _has_array(x) else x for x in args)
                if scan_all(args, kwargs) == TRACED:
                    return self._applied(args)
            out = self.real(*[bare(x) for x in args])
            return boxed(out) if boxing() else out
        return self.method("__call__", args, kwargs)

    def _applied(self, args: Sequence[Any]) -> Any:
        box = boxing() or has_boxes(args)
        if self.name in protocols.UNSUPPORTED:
            raise protocols.unsupported(self.full)
        out = self.ours(*[as_array(unboxed(x)) for x in args])
        return self._laid(out, args) if box else out

    def _laid(self, out: Any, args: Sequence[Any]) -> Any:
        return boxed(out) if self.name in _PRODUCTS else laid_like(out, args)

    def method(self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Any of its methods, ``__call__`` with options too."""
        if method == "at" and args and isinstance(args[0], Buffer):
            return add_at(self, *args)
        options = dict(kwargs)
        if method == "__call__" and len(args) > self.nin:
            args, options["out"] = args[: self.nin], tuple(args[self.nin :])
            kwargs = dict(options)
        target, where = options.pop("out", None), options.pop("where", True)
        if scan_all(args, kwargs) != TRACED:
            out = getattr(self.real, method)(*bare(args), **{k: bare(v) for k, v in kwargs.items()})
            boxes = [b for b in (target if isinstance(target, tuple) else (target,)) if isinstance(b, Buffer)]
            return boxes[0] if boxes else boxed(out) if boxing() else out
        if where is not True and method == "__call__":
            return self._masked(args, options, target, where)
        if where is not True:
            options["where"] = unboxed(where)
        values = [as_array(unboxed(a)) for a in args]
        out = self._by_method(method, values, options)
        if target is not None:
            return delivered(out, target, self.name)
        return boxed(out) if boxing() or has_boxes(args) else out

    def _by_method(self, method: str, values: Sequence[Any], options: dict[str, Any]) -> Any:
        own = getattr(getattr(gnp, self.name, None), method, None)
        if method == "__call__" or own is None or self.name in protocols.UNSUPPORTED:
            return protocols.on_ufunc(values[0], self.real, method, values, options)
        return own(*values, **{k: unboxed(v) for k, v in options.items()})

    def _masked(self, args: Sequence[Any], options: Mapping[str, Any], target: Any, where: Any) -> Any:
        """``ufunc(x, out=a, where=mask)``: where the mask is false, ``a`` stays; without ``out``, zero."""
        target = target[0] if isinstance(target, tuple) else target
        mask = unboxed(where)
        safe = [gnp.where(mask, unboxed(a), 1) for a in args]  # so that no derivative meets 1/0 where it is masked
        out = self.ours(*safe, **options)
        before = unboxed(target) if target is not None else 0
        out = gnp.where(mask, out, before)
        return boxed(out) if target is None else delivered(out, target, self.name)

    def reduce(self, *args: Any, **kwargs: Any) -> Any:
        """``ufunc.reduce``."""
        return self.method("reduce", args, kwargs)

    def accumulate(self, *args: Any, **kwargs: Any) -> Any:
        """``ufunc.accumulate``."""
        return self.method("accumulate", args, kwargs)

    def outer(self, *args: Any, **kwargs: Any) -> Any:
        """``ufunc.outer``."""
        return self.method("outer", args, kwargs)

    def reduceat(self, *args: Any, **kwargs: Any) -> Any:
        """``ufunc.reduceat``."""
        return self.method("reduceat", args, kwargs)

    def at(self, *args: Any, **kwargs: Any) -> Any:
        """``ufunc.at``."""
        return self.method("at", args, kwargs)


_AT = {
    "add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide", "true_divide": "divide",
    "maximum": "max", "minimum": "min", "power": "power",
}  # fmt: skip


def add_at(ufunc: Ufunc, a: Buffer, indices: Any, *operands: Any) -> None:
    """``ufunc.at``: in place, with every repetition of an index counting."""
    if scan_all((a, indices, *operands), {}) != TRACED:
        ufunc.real.at(a.data, bare(settled(indices)), *[bare(b) for b in operands])
        return
    if ufunc.name not in _AT:
        raise protocols.unsupported(f"numpy.{ufunc.name}.at")
    new = a.fitting(as_array(unboxed(operands[0])))
    value = gnp.asarray(a.frozen())
    a.assign(getattr(value.at[settled(indices)], _AT[ufunc.name])(new))


_cache: dict[str, Any] = {}


def function(name: str, space: str = "numpy") -> Any:
    """The stand-in for a function of NumPy, by its name."""
    full = f"{space}.{name}"
    found = _cache.get(full)
    if found is None:
        real = getattr(import_module(space), name)
        found = _cache[full] = (Ufunc if isinstance(real, np.ufunc) else Function)(real, name, space)
    return found


def _on_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A ufunc that is not the stand-in: an operator with a NumPy array at its left, or a library's."""
    if getattr(np, ufunc.__name__, None) is not ufunc:
        raise protocols.unsupported(ufunc.__name__)
    found = function(ufunc.__name__)
    return found(*inputs) if method == "__call__" and not kwargs else found.method(method, inputs, kwargs)


def _on_function(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    space = getattr(func, "__module__", "numpy") or "numpy"
    if space == "numpy.lib.stride_tricks":
        return function(func.__name__, space)(*args, **kwargs)
    if space not in NAMESPACES or not hasattr(import_module(space), func.__name__):
        raise protocols.unsupported(f"{space}.{func.__name__}")
    return function(func.__name__, space)(*args, **kwargs)


def _method(box: Boxed, name: str) -> Any:
    """A method of NumPy's arrays that boxes have not themselves: the function by that name."""
    if name == "astype":
        return lambda dtype, *_, **__: boxed(box.frozen().astype(np.dtype(dtype)))
    if name in ("copy", "flatten", "view", "tobytes", "tofile", "dump", "dumps"):
        if name == "copy" or name == "view":
            return lambda *_, **__: box
        if name == "flatten":
            return lambda *_, **__: function("reshape")(box, -1)
        return getattr(np.asarray(box), name)
    if not hasattr(np, name):
        raise protocols.unsupported(f"numpy.ndarray.{name}")
    found = function(name)
    return lambda *args, **kwargs: found(box, *(_shape(name, args)), **kwargs)


def _shape(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """``x.reshape(2, 3)`` as ``reshape(x, (2, 3))``."""
    return (args,) if name in ("reshape", "transpose") and len(args) > 1 else args


PROTOCOLS["boxed_ufunc"] = _on_ufunc
PROTOCOLS["boxed_function"] = _on_function
PROTOCOLS["boxed_method"] = _method
PROTOCOLS["boxed_call"] = lambda name, *args: function(name)(*args)
