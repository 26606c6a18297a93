"""What ``autograd.numpy`` and its ``linalg`` have besides NumPy's names, or with a meaning of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.autogradnames.extend import notrace_primitive
from gradcli.compat.autogradnames.values import plain
from gradcli.compat.functions import TRACED, function, scan
from gradcli.engine.array import Value

_abs, _where, _std, _array, _concatenate = map(function, "abs where std array concatenate".split())


def absolute(x: Any, *args: Any, **kwargs: Any) -> Any:
    """The absolute value, whose derivative at 0 is 0."""
    if not args and not kwargs and scan(x) == TRACED:
        x = gnp.asarray(x)
        if x.dtype.kind == "f":
            return gnp.where(x == 0, 0.0, x) * gnp.sign(x)
    return _abs(x, *args, **kwargs)


def _of_numpy(x: Any) -> bool:
    """Whether an array, a number of NumPy's or a traced value is in it."""
    if isinstance(x, (list, tuple)):
        return any(map(_of_numpy, x))
    return isinstance(x, (Value, np.ndarray, np.generic))


def where(condition: Any, *choices: Any, **named: Any) -> Any:
    """``numpy.where``; of nothing but Python's numbers and lists the result is one of these too."""
    choices += tuple(named[k] for k in ("x", "y") if k in named)
    if len(choices) not in (0, 2):
        raise ValueError("where takes both x and y or neither")
    out = _where(condition, *choices)
    return out if not choices or any(map(_of_numpy, (condition, *choices))) else out.tolist()


def std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The standard deviation, whose derivative is 0 where there is only one number."""
    if scan(a) == TRACED and not ddof:
        a = gnp.asarray(a, dtype)
        mean = gnp.mean(a, axis, keepdims=keepdims)
        if mean.size == a.size:
            return gnp.real(mean) * 0.0
    return _std(a, axis, dtype, out, ddof, keepdims=keepdims)


def row_stack(tup: Sequence[Any]) -> Any:
    """``numpy.vstack`` by its old name."""
    return function("vstack")(tup)


def make_diagonal(D: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:  # noqa: N803 - autograd's names
    """Square matrices with the last axis of D on their diagonal.

    Raises NotImplementedError unless offset is 0, axis1 -1 and axis2 -2.
    """
    if (offset, axis1, axis2) != (0, -1, -2):
        raise NotImplementedError("make_diagonal takes offset=0, axis1=-1, axis2=-2 only")
    d = gnp.asarray(D, None if isinstance(D, Value) else np.result_type(D, np.float64))
    return plain(d[..., None] * np.eye(d.shape[-1], dtype=d.dtype))


def concatenate_args(axis: int, *args: Any) -> Any:
    """``numpy.concatenate`` of arguments."""
    return _concatenate(args, axis)


def array_from_args(array_args: Sequence[Any], array_kwargs: dict[str, Any], *args: Any) -> Any:
    """``numpy.array`` of arguments."""
    return _array(args, *array_args, **array_kwargs)


def transposed(x: Any) -> Any:
    """``linalg.T``: the last two axes change places."""
    return function("swapaxes")(x, -1, -2)


def dot(a: Any, b: Any) -> Any:
    """``linalg._dot``: products of stacks of matrices."""
    return function("matmul")(a, b)


@notrace_primitive
def metadata(A: Any) -> tuple[Any, ...]:  # noqa: N803 - autograd's name
    """Shape, number of axes, dtype, and whether it is complex."""
    return np.shape(A), np.ndim(A), np.result_type(A), np.iscomplexobj(A)


class _OfNumpy(type):
    """NumPy's own numbers are instances of the types that stand for theirs."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.__mro__[1])


def _integer(kind: type) -> type:
    """An integer type of NumPy's that traced values can be converted to."""

    class Integer(kind, metaclass=_OfNumpy):  # type: ignore[misc]
        def __new__(cls, x: Any = 0, *args: Any, **kwargs: Any) -> Any:
            if isinstance(x, Value):
                return x.astype(np.dtype(kind))
            return kind.__new__(kind, x, *args, **kwargs)

    Integer.__name__, Integer.__qualname__ = kind.__name__, kind.__qualname__
    return Integer


int8, int16, int32, int64 = (_integer(t) for t in (np.int8, np.int16, np.int32, np.int64))
numpy_version = __version__ = np.__version__
NAMES = (
    "__version__", "abs", "absolute", "array_from_args", "concatenate_args", "int16", "int32", "int64", "int8",
    "make_diagonal", "metadata", "numpy_version", "row_stack", "std", "where",
)  # fmt: skip
abs = absolute  # noqa: A001 - NumPy's name
