"""Choosing by conditions, and the positions of what is true: without ``size``, a result's shape depends on values."""

from __future__ import annotations

import builtins
import operator
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, type_of
from gradcli.engine.ir.types import default_int
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.operators import like
from gradcli.engine.ops.operators import where as choose
from gradcli.engine.ops.shape import iota
from gradcli.numpy._base import arr, kind, value_error


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """For each element the choice of the first condition that holds, else the default.

    Raises ValueError where there are not as many choices as conditions.
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise value_error(f"select needs one choice a condition, got {len(choicelist)} for {len(condlist)}")
    out = default
    for condition, choice in list(zip(condlist, choicelist, strict=True))[::-1]:
        out = choose(condition, choice, out)
    return out


def _known(x: Any) -> np.ndarray[Any, Any]:
    """The values. Raises ConcretizationTypeError where there are none (under vmap or jit)."""
    return np.asarray(x.concrete() if isinstance(x, Value) else x)


def nonzero(a: Any, *, size: int | None = None, fill_value: Any = None) -> tuple[Any, ...]:
    """The indices of the elements that are not 0, one array an axis; with ``size`` cut or filled to that many.

    Without ``size`` the values must be known; raises ConcretizationTypeError where they are not.
    """
    a = arr(a)
    if size is None:
        return tuple(Array(f.astype(default_int())) for f in np.nonzero(np.atleast_1d(_known(a))))
    a = a if a.ndim else s.reshape(a, (1,))
    truth = _flat(a if kind(a) == "b" else e.ne(a, like(a, 0)))
    n, size = truth.size, operator.index(size)
    sorting = import_module("gradcli.engine.ops.sort")
    order = sorting.argsort(e.bitwise_not(truth), 0)  # stable: what is true comes first, in its order
    order = cuts.pad(cuts.slice_in_dim(order, 0, builtins.min(n, size), 0), order.dtype.type(0),
                  [(0, builtins.max(size - n, 0), 0)])  # fmt: skip
    count = s.reduce_sum(e.convert_element_type(truth, default_int()), (0,))
    there = e.lt(iota(default_int(), (size,), 0), count)
    fills = fill_value if isinstance(fill_value, tuple) else (0 if fill_value is None else fill_value,) * a.ndim
    if len(fills) != a.ndim:
        raise value_error(f"nonzero of {a.type} needs {a.ndim} fill values, got {len(fills)}")
    return tuple(choose(there, i, fill) for i, fill in zip(_unravelled(order, a.shape), fills, strict=True))


def _flat(a: Any) -> Any:
    return s.reshape(a, (a.size,))


def _unravelled(flat: Any, shape: tuple[int, ...]) -> list[Any]:
    """Places in the flattened array as indices, one an axis."""
    out = []
    for n in shape[::-1]:
        n = builtins.max(n, 1)
        out.append(e.rem(flat, like(flat, n)))
        flat = e.div(flat, like(flat, n))
    return out[::-1]


def where(condition: Any, x: Any = None, y: Any = None, /, *, size: int | None = None, fill_value: Any = None) -> Any:
    """``x`` where the condition holds, else ``y``; without them the indices where it holds, as :func:`nonzero` has it.

    Raises ValueError where only one of both is given.
    """
    if x is None and y is None:
        return nonzero(condition, size=size, fill_value=fill_value)
    if x is None or y is None:
        raise value_error("where needs both x and y, or neither")
    return choose(condition, x, y)


def flatnonzero(a: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The indices of the elements of the flattened array that are not 0."""
    return nonzero(_flat(arr(a)), size=size, fill_value=fill_value)[0]


def argwhere(a: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The indices of the elements that are not 0, one row each."""
    found = nonzero(a, size=size, fill_value=fill_value)
    if not type_of(a).ndim:
        return cuts.slice_in_dim(s.reshape(found[0], (found[0].size, 1)), 0, 0, 1)
    return cuts.concatenate([s.reshape(f, (f.size, 1)) for f in found], 1)
