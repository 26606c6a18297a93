"""Values: what the engine computes with. ``Value`` is the common face of concrete arrays and of tracers.

Operators, methods and NumPy's protocols are the same for both and need operations that live above this module, so they
go through tables that those modules fill: ``OPERATORS`` and ``METHODS`` by ``ops/`` and ``gradcli.numpy``,
``PROTOCOLS`` by ``compat/protocols``. Indexing, methods and protocols are loaded when they are first used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcli.engine.errors import fail
from gradcli.engine.ir.bfloat16 import BFLOAT16, as_text, rounded
from gradcli.engine.ir.keys import KEY
from gradcli.engine.ir.types import ArrayType, Shape, array_type, canonical_dtype, scalar_type
from gradcli.engine.trace.source import user_location

OPERATORS: dict[str, Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}
PROPERTIES: dict[str, Callable[[Any], Any]] = {}
PROTOCOLS: dict[str, Callable[..., Any]] = {}


_INDEXING, _METHODS = "gradcli.engine.ops.indexing", "gradcli.numpy._methods"
_PROTOCOLS = "gradcli.compat.protocols"


def install_operator(name: str, function: Callable[..., Any], reflected: bool = False) -> None:
    """Makes a function Python's operator ``__name__`` on values, and on the right of it too where ``reflected``."""
    OPERATORS[name] = function
    setattr(Value, f"__{name}__", function)
    if reflected:
        setattr(Value, f"__r{name}__", lambda self, other: function(other, self))


_UFUNC_OPERATORS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv", "floor_divide": "floordiv",
    "remainder": "mod", "divmod": "divmod", "power": "pow", "matmul": "matmul", "bitwise_and": "and",
    "bitwise_or": "or", "bitwise_xor": "xor", "left_shift": "lshift", "right_shift": "rshift", "less": "lt",
    "less_equal": "le", "greater": "gt", "greater_equal": "ge", "equal": "eq", "not_equal": "ne",
}  # fmt: skip


class Value:
    """An array value, concrete or traced: typed, immutable, with NumPy's operators and methods."""

    __slots__ = ()
    __array_priority__ = 1000
    type: ArrayType

    @property
    def shape(self) -> Shape:
        """The shape."""
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.type.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.type.size

    @property
    def itemsize(self) -> int:
        """Bytes an element."""
        return self.type.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes in all."""
        return self.type.size * self.type.dtype.itemsize

    @property
    def aval(self) -> ArrayType:
        """The type, by JAX's name for it."""
        return self.type

    @property
    def weak_type(self) -> bool:
        """Whether the dtype gives way to that of other operands, as a Python scalar's does."""
        return self.type.weak_type

    if TYPE_CHECKING:  # given by install_operator, as are those on the right

        def __operator(self, other: Any) -> Any: ...

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __operator
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = __rdivmod__ = __operator
        __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __and__ = __rand__ = __or__ = __ror__ = __operator
        __xor__ = __rxor__ = __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = __operator
        __lt__ = __le__ = __gt__ = __ge__ = __operator

        def __neg__(self) -> Any: ...
        def __pos__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __invert__(self) -> Any: ...

    def __copy__(self) -> Any:
        return self  # no value is ever changed

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits is None and self.ndim == 0:
            return round(self.__float__())
        return OPERATORS["round"](self, ndigits or 0)

    def __getitem__(self, index: Any) -> Any:
        if "getitem" not in OPERATORS:
            import_module(_INDEXING)
        return OPERATORS["getitem"](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise fail(
            "G214",
            "arrays of gradcli cannot be changed in place",
            hint="write `x = x.at[index].set(value)`",
            location=user_location(),
            cls=TypeError,
        )

    def __len__(self) -> int:
        if not self.type.shape:
            raise TypeError("len() of unsized object")
        return self.type.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.type.shape:
            raise TypeError("iteration over a 0-d array")
        return iter([self[i] for i in range(self.type.shape[0])])

    def __getattr__(self, name: str) -> Any:
        prop = PROPERTIES.get(name)
        if prop is None and not name.startswith("_"):
            import_module(_INDEXING if name == "at" else _METHODS)
            prop = PROPERTIES.get(name)
        if prop is not None:
            return prop(self)
        method = METHODS.get(name)
        if method is None:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return lambda *args, **kwargs: method(self, *args, **kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        hook = PROTOCOLS.get("ufunc")
        if hook is not None:
            return hook(self, ufunc, method, inputs, kwargs)
        operator = _UFUNC_OPERATORS.get(ufunc.__name__)  # ndarray * tracer arrives here, not at __rmul__
        if operator is None or method != "__call__" or kwargs:
            import_module(_PROTOCOLS)
            return PROTOCOLS["ufunc"](self, ufunc, method, inputs, kwargs)
        return OPERATORS[operator](*inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if "function" not in PROTOCOLS:
            import_module(_PROTOCOLS)
        return PROTOCOLS["function"](self, func, types, args, kwargs)

    def concrete(self) -> Any:
        """The value as a NumPy array or scalar. Raises ConcretizationTypeError where none exists."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        return bool(self.concrete())

    def __int__(self) -> int:
        return int(self.concrete())

    def __float__(self) -> float:
        return float(self.concrete())

    def __complex__(self) -> complex:
        return complex(self.concrete())

    def __index__(self) -> int:
        if self.type.dtype.kind not in "iu" or self.type.shape:
            raise TypeError(f"only integer scalars can be an index, not {self.type}")
        return int(self.concrete())

    def item(self, *index: int) -> Any:
        """The single element as a Python scalar."""
        return self.concrete().item(*index)

    def tolist(self) -> Any:
        """Nested lists of Python scalars."""
        return np.asarray(self.concrete()).tolist()

    def __format__(self, spec: str) -> str:
        return format(self.concrete()[()], spec) if self.ndim == 0 and spec else str(self)


class Array(Value):
    """A concrete, immutable array.

    >>> Array(np.arange(3.0))
    Array([0., 1., 2.], dtype=float64)
    """

    __slots__ = ("type", "value")

    def __init__(self, value: Any, type_: ArrayType | None = None) -> None:
        self.value = value
        self.type = type_ if type_ is not None else array_type(value.shape, value.dtype)

    def concrete(self) -> Any:
        """The NumPy value. Raises TypeError for random keys, which have none."""
        self._no_key("number")
        return self.value

    def _no_key(self, what: str) -> None:
        if self.type.dtype is KEY:
            raise fail(
                "G207", f"random keys cannot become a {what}", location=user_location(), cls=TypeError,
                hint="random.key_data(key) gives their words",
            )  # fmt: skip

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self._no_key("NumPy array")
        view = np.asarray(self.value, dtype=dtype)
        if copy:
            return view.copy()
        if view.ndim and view.flags.writeable:
            view = view.view()
            view.flags.writeable = False
        return view

    def __repr__(self) -> str:
        if self.type.dtype is KEY:
            words = np.asarray(self.value)[..., None].view(np.uint32)
            return f"Array({self.shape}, dtype={KEY}) overlaying:\n{words}"
        text = np.array2string(np.asarray(self.value), separator=", ", prefix="Array(", formatter=self._format())
        weak = ", weak_type=True" if self.type.weak_type else ""
        shape = "" if self.size else f", shape={self.shape}"
        return f"Array({text}{shape}, dtype={self.dtype.name}{weak})"

    def __str__(self) -> str:
        if self.type.dtype is KEY:
            return repr(self)
        form = self._format()
        return str(self.value) if form is None else np.array2string(np.asarray(self.value), formatter=form)

    def __format__(self, spec: str) -> str:
        if self.ndim or self.type.dtype is KEY or (not spec and self.type.dtype is BFLOAT16):
            return str(self)
        return format(np.asarray(self.value)[()], spec)  # a float32 with all its digits, as JAX and NumPy do

    def _format(self) -> Any:
        """How bfloat16 is printed; None for dtypes that NumPy prints."""
        return {"float_kind": as_text} if self.type.dtype is BFLOAT16 else None

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return Array, (np.asarray(self.value), self.type)

    def block_until_ready(self) -> Array:
        """Returns itself: computation here is never asynchronous."""
        return self

    def unsafe_buffer_pointer(self) -> int:
        """The address of the data."""
        return int(np.asarray(self.value).ctypes.data)


_SCALARS = (bool, int, float, complex)


def type_of(x: Any) -> ArrayType:
    """The type of a value: Value, NumPy array or scalar, Python scalar. Raises TypeError for anything else."""
    if isinstance(x, Value):
        return x.type
    if isinstance(x, (np.ndarray, np.generic)):  # before Python's scalars: np.float64 is a float
        if x.dtype.kind in "OSUV":
            raise not_an_array(x)
        return array_type(x.shape, canonical_dtype(x.dtype))
    if isinstance(x, _SCALARS):
        return scalar_type(x)
    raise not_an_array(x)


def not_an_array(x: Any) -> Exception:
    """The error for a value that is no array."""
    what = f"a {type(x).__name__} of dtype {x.dtype}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
    error: Exception = fail(
        "G207",
        f"{what} is not a valid array: {str(x)[:60]}",
        hint="give numbers, NumPy arrays, or pytrees of them",
        location=user_location(),
        cls=TypeError,
    )
    return error


def raw(x: Any) -> Any:
    """The NumPy value of a concrete one, with the dtype of its type."""
    if type(x) is Array:
        return x.value
    type_ = type_of(x)
    if isinstance(x, (np.ndarray, np.generic)) and x.dtype == type_.dtype:
        return x
    return np.asarray(x, dtype=type_.dtype)[()]


def constant(x: Any, dtype: Any) -> Array:
    """Numbers as an array of that dtype, rounded for bfloat16."""
    found = rounded(x) if dtype is BFLOAT16 else np.asarray(x).astype(dtype)[()]
    return Array(found, array_type(found.shape, dtype))


def numbers(x: Any, dtype: Any) -> Any:
    """Numbers as NumPy has them in that dtype; those that NumPy has not as an array of ours."""
    return constant(x, dtype) if dtype is BFLOAT16 else np.asarray(x).astype(dtype)[()]


def is_value(x: Any) -> bool:
    """Whether ``type_of`` accepts it."""
    if isinstance(x, (Value, *_SCALARS)):
        return True
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind not in "OSUV"
