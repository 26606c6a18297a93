"""What a plain NumPy file sees of traced values: numbers that stay traced, and arrays that can be changed in place.

The engine's values are immutable, and NumPy's arrays are not. While a function of such a file is traced, its arguments
and all that NumPy's stand-in makes are therefore *boxed*: 0-d values as :class:`Number`, arrays as
:class:`gradcli.compat.buffer.Buffer`. Boxes never reach the engine: whatever calls it takes them off first.
"""

from __future__ import annotations

import contextlib
import linecache
import numbers
import operator
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Any

import numpy as np

from gradcli.engine.array import OPERATORS, PROTOCOLS, Array, Value
from gradcli.engine.errors import Location, diagnostic_of
from gradcli.engine.ops import operators as _operators  # noqa: F401 - fills the table of operators
from gradcli.engine.record import replaced
from gradcli.engine.trace.source import short_path
from gradcli.engine.trace.tracer import STATE, Tracer, tracing, value_of


class _State(threading.local):
    """Whether the function that runs in this thread is one whose values are boxed."""

    def __init__(self) -> None:
        self.on = False
        self.written: deque[tuple[str, Number, bool]] = deque(maxlen=8)  # the numbers last made into text


_STATE = _State()
MARK = "__gradcli_call__"  # a builtin that only modules of the user's have
LIBRARY = "__gradcli_library__"  # one that libraries have whose source is run as a user's would be
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_CONTEXTS = str(contextlib.__file__)
MAKERS: dict[str, Callable[..., Any]] = {}  # filled by compat.buffer: "buffer" boxes an array, "like" a result


def _protocol(name: str) -> Callable[..., Any]:
    """What NumPy's functions do with boxes, loaded when first asked for: a file in plain Python may need none of it."""
    found = PROTOCOLS.get(name)
    if found is None:
        import_module("gradcli.compat.special")
        found = PROTOCOLS[name]
    return found


def boxing() -> bool:
    """Whether what NumPy's stand-in makes now is to be boxed: a plain file's function is being traced."""
    return _STATE.on and tracing()


@contextmanager
def boxes(on: bool) -> Iterator[None]:
    """Switches boxing on or off for what runs within."""
    before, _STATE.on = _STATE.on, on
    depth, Guard.depth = Guard.depth, 0
    try:
        yield
    finally:
        _STATE.on, Guard.depth = before, depth
        _STATE.written.clear()


def is_users(frame: FrameType) -> bool:
    """Whether a frame runs code of the user's."""
    return MARK in frame.f_builtins and LIBRARY not in frame.f_builtins


@contextmanager
def located() -> Iterator[None]:
    """Gives an error the line of the user's, where a library has asked a traced value to be a number or array."""
    try:
        yield
    except TypeError as error:
        found, frame = diagnostic_of(error), sys._getframe(2)
        asked: Any = frame
        while asked is not None and asked.f_code.co_filename.startswith((_PACKAGE, _CONTEXTS)):
            asked = asked.f_back
        users = asked
        while users is not None and not is_users(users):
            users = users.f_back
        if found is not None and users is not None and users is not asked:
            code, line = users.f_code, users.f_lineno
            text = linecache.getline(code.co_filename, line).strip()
            where = Location(short_path(code.co_filename), line, text, code.co_name)
            library = str(asked.f_globals.get("__name__", "")).partition(".")[0] or "a library"
            hint = (
                f"{library} has no derivatives: use what gradcli.numpy and gradcli.scipy have, or, where the library "
                "is plain Python, put its folder beside your file"
            )
            error.diagnostic = replaced(found, location=where, hint=hint)  # type: ignore[attr-defined]
        raise


class Guard:
    """Stands around the body of a ``try`` that may catch what arithmetic raises: only there is asked what does.

    ``depth``: how many of them the code that runs is in.
    """

    depth = 0

    def __enter__(self) -> None:
        Guard.depth += 1

    def __exit__(self, *_: Any) -> None:
        Guard.depth -= 1


def present(x: Any) -> Any:
    """The NumPy value that anything has in this run. Raises ConcretizationTypeError where there is none, in a batch."""
    x = unboxed(x)
    return x.concrete() if isinstance(x, Value) else x


class Boxed:
    """A number or array of a function that is being traced; behaves as NumPy's would."""

    __slots__ = ()
    __array_priority__ = 2000
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    ndim: int

    def read(self) -> Any:
        """The present value: one of the engine, or NumPy's own array while nothing traced is in it."""
        raise NotImplementedError

    def frozen(self) -> Any:
        """The present value for the engine, which must not see later changes."""
        raise NotImplementedError

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _protocol("boxed_ufunc")(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _protocol("boxed_function")(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        value = self.read()
        if not isinstance(value, Value):
            return np.array(value, dtype, copy=copy)
        if isinstance(value, Tracer) and value.dtype.kind in "biu":  # a mask or index for an array of NumPy's own
            found = value_of(value)
            if found is not None:
                value.trace.note(value, found)
                return np.asarray(found, dtype)
        with located():
            return value.__array__(dtype)

    def __bool__(self) -> bool:
        return bool(self.read())

    def __int__(self) -> int:
        return int(self.read())

    def __float__(self) -> float:
        if sys._getframe(1).f_globals.get("__name__") == "logging":  # "%f" in a message: for showing only
            value = self.read()
            return float(value.concrete() if isinstance(value, Value) else value)
        with located():
            return float(self.read())

    def __complex__(self) -> complex:
        with located():
            return complex(self.read())

    def __index__(self) -> int:
        return operator.index(self.read())

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits is None and not self.ndim:
            return round(known(self.read()))
        return _protocol("boxed_call")("round", self, ndigits or 0)

    def __format__(self, spec: str) -> str:
        value = value_of(self.read()) if isinstance(self.read(), Value) else self.read()
        if value is None:
            return str(self)
        text = format(value[()], spec)
        return written(self, text, text != format(value[()] * (1 + 1e-11), spec))

    def __repr__(self) -> str:
        value = self.read()
        found = value_of(value) if isinstance(value, Value) else value
        if found is None:
            return repr(value)
        return written(self, repr(np.asarray(found)[()] if self.ndim else found.item()))

    def __str__(self) -> str:
        value = self.read()
        found = value_of(value) if isinstance(value, Value) else value
        return str(value) if found is None else written(self, str(found))

    def __copy__(self) -> Any:
        return boxed(self.frozen())

    def __deepcopy__(self, memo: Any) -> Any:
        return boxed(self.frozen())


def known(x: Any) -> Any:
    """The number that a traced 0-d value is in this run, with a note that tracing followed it."""
    if x.dtype.kind == "f":
        whole = x.astype(np.int64)
        whole_value = int(whole)  # writes the note
        value = value_of(x)
        return float(value) if value is not None else whole_value
    return int(x)


class Number(Boxed):
    """A traced number, which is immutable. ``python``: one of Python's, whose division by zero raises; else NumPy's."""

    __slots__ = ("python", "value")

    def __init__(self, value: Value, python: bool = False) -> None:
        self.value, self.python = value, python

    def read(self) -> Any:
        """The value of the engine."""
        return self.value

    frozen = read

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """Always ()."""
        return ()

    @property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]
        """The NumPy dtype."""
        return self.value.type.dtype

    @property
    def ndim(self) -> int:  # type: ignore[override]
        """Always 0."""
        return 0

    @property
    def size(self) -> int:
        """Always 1."""
        return 1

    def __hash__(self) -> int:
        return hash(self.value.concrete()[()])  # a set or a dict that went by anything else would hold equal numbers

    def __getitem__(self, index: Any) -> Any:
        if self.python or isinstance(index, int):  # asked for when it is iterated over, too
            raise TypeError(f"'{'float' if self.python else 'numpy.float64'}' object is not subscriptable")
        return MAKERS["buffer"](self.value)[index]

    def item(self) -> Number:
        """Python's number, which stays traced."""
        return Number(self.value, True)

    tolist = item

    def is_integer(self) -> bool:
        """Whether the value is whole, as ``float.is_integer``."""
        return bool(self.value == _protocol("boxed_call")("floor", self).value)

    def __getattr__(self, name: str) -> Any:
        return attribute(self, name)


def written(x: Any, text: str, whole: bool = True) -> str:
    """The text, which may be read again as the number that it was made of. ``whole``: no digit of it is missing."""
    if type(x) is Number:
        _STATE.written.append((text, x, whole))
    return text


def read_again(text: str, kind: Callable[[str], Any] = float) -> Any:
    """The number that text says: the traced one that it was made of, where it has all digits of that."""
    for before, x, whole in reversed(_STATE.written):
        if before == text:
            if whole and x.value.trace.open:
                return Number(x.value, True)
            say_cut(text)
            break
    return kind(text)


def say_cut(text: str) -> None:
    """Notes that text made of a traced number is read as a plain one."""
    for before, x, _ in _STATE.written:
        if before == text and isinstance(x.value, Tracer) and x.value.trace.open:
            x.value.trace.note(x.value, value_of(x.value))
            return


def attribute(box: Boxed, name: str) -> Any:
    """An attribute that the class has not: NumPy's function of that name with the box as first argument."""
    if name in ("real", "imag"):
        return _protocol("boxed_call")(name, box)
    if name in ("T", "mT"):
        return _protocol("boxed_call")("transpose" if name == "T" else "matrix_transpose", box)
    if name.startswith("__") or not hasattr(np.ndarray, name):
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
    if name in ("nbytes", "itemsize", "strides", "flags", "ctypes", "base", "data"):
        return getattr(np.empty((), box.dtype) if isinstance(box, Number) else box.skeleton, name)  # type: ignore[attr-defined]
    return _protocol("boxed_method")(box, name)


def boxed(x: Any) -> Any:
    """A result for a plain file: values of the engine and NumPy arrays, in tuples and lists too, get boxes."""
    if isinstance(x, Value):
        return MAKERS["buffer"](x) if x.type.shape else Number(x)
    if type(x) is np.ndarray:
        return MAKERS["buffer"](x) if x.dtype.kind in "fciub" else x
    if isinstance(x, tuple):
        items = [boxed(item) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items) if type(x) is tuple else rebuilt(x, items)
    if type(x) is list:
        return [boxed(item) for item in x]
    return x


def rebuilt(x: tuple[Any, ...], items: Sequence[Any]) -> Any:
    """A struct sequence (as ``np.linalg`` returns them) with other items."""
    return type(x)(*items)


def unboxed(x: Any) -> Any:
    """The value for the engine or for NumPy of anything, in lists, tuples and dicts too."""
    if isinstance(x, Boxed):
        return x.frozen()
    kind = type(x)
    if kind is list or kind is tuple:
        return kind([unboxed(item) for item in x])
    if kind is dict:
        return {key: unboxed(value) for key, value in x.items()}
    if kind is slice:
        return slice(unboxed(x.start), unboxed(x.stop), unboxed(x.step))
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*[unboxed(item) for item in x])
    if kind is deque or isinstance(x, list):
        return [unboxed(item) for item in x]
    return x


_NUMBERS = frozenset({float, int, complex, bool})


def operand(x: Any) -> Any:
    """What stands at the other side of an operator, ready for it; NotImplemented where it is nothing of NumPy's."""
    if isinstance(x, Boxed):
        return x.read()
    if type(x) in _NUMBERS or isinstance(x, (np.ndarray, np.generic, Value)):
        return x
    if isinstance(x, (list, tuple)):
        return _protocol("boxed_call")("asarray", x).frozen()
    if isinstance(x, (float, int, complex)):
        return x
    return float(x) if isinstance(x, numbers.Number) and hasattr(x, "__float__") else NotImplemented


_RAISING = frozenset({"truediv", "floordiv", "mod", "divmod", "pow"})


def _as_python(name: str, a: Any, b: Any) -> Any:
    """An operation of Python's floats, which raises where theirs does, and of which a root may be complex."""
    root = name == "pow" and not isinstance(b, int) and not (isinstance(b, float) and b.is_integer())
    if not (Guard.depth or root):
        return OPERATORS[name](a, b)
    values = [present(x) if Guard.depth else value_of(x) if isinstance(x, Value) else x for x in (a, b)]
    if values[0] is not None and values[1] is not None and (name == "pow" or values[1] == 0):
        real: Any = divmod if name == "divmod" else getattr(operator, f"__{name}__")
        with noted(ArithmeticError, a, b):
            found = real(*[x.item() if isinstance(x, (np.generic, np.ndarray)) else x for x in values])
        if isinstance(found, complex) and isinstance(a, Value):
            a = a.astype(np.complex128)
    elif root:
        STATE.doubts += 1
    return OPERATORS[name](a, b)


@contextmanager
def noted(kind: type[Exception] | tuple[type[Exception], ...], *operands: Any) -> Iterator[None]:
    """Notes the values of operands where an error of that kind is raised within: tracing goes on from there."""
    try:
        yield
    except kind:
        for x in operands:
            if isinstance(x, Tracer):
                x.trace.note(x, value_of(x))
        raise


def check_errstate(real: Callable[..., Any], operands: Sequence[Any]) -> None:
    """Raises FloatingPointError where ``np.errstate`` or ``np.seterr`` says so for the values of this run."""
    if "raise" in np.geterr().values():
        values = [unboxed(x) for x in operands]
        with noted(FloatingPointError, *values):
            real(*map(present, values))


def _binary(name: str, reflected: bool) -> Callable[[Any, Any], Any]:
    ours, real = OPERATORS[name], getattr(operator, f"__{name}__", None) or divmod
    raising, elementwise = name in _RAISING, name != "matmul"

    def method(self: Any, other: Any) -> Any:
        kind = type(other)
        if Guard.depth and raising:
            check_errstate(real, (other, self) if reflected else (self, other))
        if type(self) is Number and (kind is Number or kind in _NUMBERS):  # the quick way
            b = other.value if kind is Number else other
            python = self.python and (kind is not Number or other.python)
            if python and raising and (Guard.depth or name == "pow"):
                out = _as_python(name, b, self.value) if reflected else _as_python(name, self.value, b)
            else:
                out = ours(b, self.value) if reflected else ours(self.value, b)
            return Number(out, python) if isinstance(out, Value) else boxed(out)
        a, b = self.read(), operand(other)
        if b is NotImplemented:
            return NotImplemented
        if isinstance(a, Value):
            if type(b) is np.ndarray and isinstance(other, Boxed):
                b = other.frozen()
        elif isinstance(b, Value):
            a = self.frozen()
        else:
            return boxed(real(b, a) if reflected else real(a, b))
        out = ours(b, a) if reflected else ours(a, b)
        if isinstance(out, Value):
            axes = len(out.type.shape)
            if axes > 1 and elementwise:
                return MAKERS["like"](out, (other, self) if reflected else (self, other))
            return MAKERS["buffer"](out) if axes else Number(out)
        return boxed(out)

    return method


def _unary(name: str) -> Callable[[Any], Any]:
    ours, real = OPERATORS[name], getattr(operator, f"__{name}__")

    def method(self: Any) -> Any:
        value = self.read()
        if type(self) is Number:
            return Number(ours(value), self.python)
        return MAKERS["like"](ours(value), (self,)) if isinstance(value, Value) else boxed(real(value))

    return method


def _install() -> None:
    for name in "add sub mul truediv floordiv mod divmod pow matmul and or xor lshift rshift".split():
        if name in OPERATORS:
            setattr(Boxed, f"__{name}__", _binary(name, False))
            setattr(Boxed, f"__r{name}__", _binary(name, True))
    for name in "lt le gt ge eq ne".split():
        setattr(Boxed, f"__{name}__", _binary(name, False))
    for name in "neg pos abs invert".split():
        setattr(Boxed, f"__{name}__", _unary(name))


_install()


def as_plain(x: Any) -> Any:
    """An argument as a plain function gets it when nothing is traced: NumPy's arrays and numbers, its own to change."""
    if isinstance(x, Array):
        value = x.value
        if np.ndim(value):
            return np.array(value)
        value = value[()] if isinstance(value, np.ndarray) else value
        return value.item() if isinstance(value, np.float64) else value
    return np.array(x) if isinstance(x, np.ndarray) else x
