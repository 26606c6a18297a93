"""NumPy's own functions on traced values, by ``__array_ufunc__`` and ``__array_function__``.

Each public ufunc has one of three verdicts: it is differentiable, or constant only (comparisons, rounding: allowed,
with derivative zero or none), or unsupported. What has the same name in ``gradcli.numpy`` is what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.engine.array import PROTOCOLS, Array, Value
from gradcli.engine.errors import fail
from gradcli.engine.trace.source import user_location

DIFFERENTIABLE = frozenset(
    """
    abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh cbrt
    conj conjugate copysign cos cosh deg2rad degrees divide divmod exp exp2 expm1 fabs float_power fmax fmin fmod frexp
    hypot ldexp log log10 log1p log2 logaddexp logaddexp2 matmul matvec maximum minimum mod modf multiply negative
    positive pow power rad2deg radians reciprocal remainder sin sinh sqrt square subtract tan tanh true_divide vecdot
    vecmat
    """.split()
)
CONSTANT_ONLY = frozenset(
    """
    bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor
    ceil equal floor floor_divide gcd greater greater_equal heaviside invert isfinite isinf isnan lcm left_shift less
    less_equal logical_and logical_not logical_or logical_xor nextafter not_equal right_shift rint sign signbit trunc
    """.split()
)
UNSUPPORTED = frozenset({"isnat", "spacing"})


def public_ufuncs() -> frozenset[str]:
    """The names of NumPy's ufuncs."""
    return frozenset(name for name in np.__all__ if isinstance(getattr(np, name), np.ufunc))


_REDUCE = {
    "add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all", "logical_or": "any",
}  # fmt: skip
_ACCUMULATE = {"add": "cumsum", "multiply": "cumprod"}
_TABLES = {"reduce": _REDUCE, "accumulate": _ACCUMULATE}


def unsupported(name: str) -> Exception:
    """The error for a function of NumPy that gradcli has not."""
    last = name.rpartition(".")[2]
    close = get_close_matches(last, [known for known in gnp.__all__ if known != last], 1)
    error: Exception = fail(
        "G212",
        f"{name} is not supported on traced values",
        hint=f"the nearest that is: {close[0]}" if close else "write it with functions that gradcli.numpy has",
        location=user_location(),
        cls=NotImplementedError,
    )
    return error


def on_ufunc(self: Value, ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """``__array_ufunc__``: a ufunc, or its reduce, accumulate or outer, with a value among the operands."""
    options = dict(kwargs)
    out = options.pop("out", None)
    name = ufunc.__name__
    if not _traced((*inputs, *kwargs.values())) and _is_numpys(name, method, kwargs):
        return getattr(ufunc, method)(*map(_known, inputs), **{k: _known(v) for k, v in kwargs.items()})
    if out is not None and any(o is not None for o in out):
        raise in_place(f"{ufunc.__name__}(…, out=…)")
    if method == "__call__":
        if name in UNSUPPORTED or not hasattr(gnp, name):
            raise unsupported(f"numpy.{name}")
        function = getattr(gnp, name)
        where = options.pop("where", True)
        if where is not True:
            raise unsupported(f"numpy.{name} with where=")
        dtype = options.pop("dtype", None)
        options.pop("casting", None)
        result = function(*map(_operand, inputs), **options)
        return result if dtype is None else result.astype(dtype)
    if method == "outer":
        x, y = (gnp.asarray(i) for i in inputs)
        return on_ufunc(self, ufunc, "__call__", (x.reshape(x.shape + (1,) * y.ndim), y), options)
    table = _TABLES.get(method, {})
    if name not in table:
        raise in_place(f"{name}.at") if method == "at" else unsupported(f"numpy.{name}.{method}")
    options.setdefault("axis", 0)
    return getattr(gnp, table[name])(_operand(inputs[0]), **options)


def _is_numpys(name: str, method: str, kwargs: Mapping[str, Any]) -> bool:
    """Whether only NumPy itself can do it: what writes into its arrays, and what ``gradcli.numpy`` has not."""
    if kwargs.get("where", True) is not True or any(o is not None for o in kwargs.get("out") or ()):
        return True
    if method in ("__call__", "outer"):
        return name in UNSUPPORTED or not hasattr(gnp, name)
    return name not in _TABLES.get(method, {})


def _operand(x: Any) -> Any:
    """NumPy takes lists where arrays are meant; gradcli.numpy wants arrays."""
    return gnp.asarray(x) if isinstance(x, (list, tuple)) else x


def in_place(what: str) -> Exception:
    """The error for a result that is to be put where only NumPy's own can be."""
    error: Exception = fail(
        "G214",
        f"{what} would write a traced value into an array that exists already",
        hint="use the result instead: y = np.add(a, b), or x.at[i].add(v)",
        location=user_location(),
        cls=TypeError,
    )
    return error


_NAMESPACES = {name: f"gradcli.{name}" for name in ("numpy", "numpy.fft", "numpy.linalg")}
_DIRECT: dict[str, Callable[..., Any]] = {
    "shape": lambda a: a.shape,
    "ndim": lambda a: a.ndim,
    "size": lambda a, axis=None: a.size if axis is None else a.shape[axis],
    "copy": lambda a, order="K", subok=False: gnp.asarray(a),
    "iscomplexobj": lambda x: x.dtype.kind == "c",
    "isrealobj": lambda x: x.dtype.kind != "c",
    "result_type": lambda *args: gnp.result_type(*args),
}


def on_function(self: Value, func: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """``__array_function__``: a function of NumPy with a value somewhere in its arguments."""
    name, module = func.__name__, getattr(func, "__module__", "numpy") or "numpy"
    if module == "numpy" and name in _DIRECT:
        return _DIRECT[name](*args, **kwargs)
    function = getattr(import_module(_NAMESPACES[module]), name, None) if module in _NAMESPACES else None
    if (function is None or kwargs.get("out") is not None) and not _traced((*args, *kwargs.values())):
        return func(*map(_known, args), **{k: _known(v) for k, v in kwargs.items()})
    if function is None:
        raise unsupported(f"{module}.{name}")
    options = {k: v for k, v in kwargs.items() if not (k in ("out", "like", "subok") and v is None)}
    if options.get("out") is not None:
        raise in_place(f"{name}(…, out=…)")
    return function(*(_with_arrays(a, name) for a in args), **options)


TAKE_SEQUENCES = frozenset(
    "stack concatenate hstack vstack dstack column_stack block meshgrid select choose multi_dot".split()
)


def _with_arrays(x: Any, name: str) -> Any:
    """A list with values in it is an array to most of NumPy's functions, and a list of arrays to some."""
    if name not in TAKE_SEQUENCES and isinstance(x, (list, tuple)) and holds_value(x):
        return gnp.array(x)
    return x


def holds_value(x: Any) -> bool:
    """Whether a traced or concrete value of the engine is somewhere in nested lists and tuples."""
    if isinstance(x, (list, tuple)):
        return any(holds_value(item) for item in x)
    return isinstance(x, Value)


def _traced(x: Any) -> bool:
    """Whether a value that is not known is somewhere in nested lists and tuples."""
    if isinstance(x, (list, tuple)):
        return any(map(_traced, x))
    return isinstance(x, Value) and not isinstance(x, Array)


def _known(x: Any) -> Any:
    """What NumPy itself takes: concrete values as its arrays, in lists and tuples too."""
    if type(x) in (list, tuple):
        return type(x)(map(_known, x))
    return np.asarray(x) if isinstance(x, Array) else x


def install() -> None:
    """Fills the table that values consult."""
    PROTOCOLS["ufunc"] = on_ufunc
    PROTOCOLS["function"] = on_function


install()
