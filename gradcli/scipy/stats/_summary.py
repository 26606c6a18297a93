"""Statistics of samples: the most frequent value, ranks, the standard error of the mean."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from gradcli.engine.ir.types import default_float
from gradcli.engine.ops.shape import canonical_axis
from gradcli.engine.vmap import vmap
from gradcli.numpy import (
    any,
    argmax,
    argsort,
    asarray,
    concatenate,
    cumsum,
    full,
    isnan,
    max,
    moveaxis,
    nanstd,
    ones,
    searchsorted,
    sort,
    sqrt,
    std,
    sum,
    where,
)
from gradcli.numpy._base import value_error
from gradcli.scipy.stats._base import NAN, floats

METHODS = ("average", "min", "max", "dense", "ordinal")


class ModeResult(NamedTuple):
    """The most frequent values, and how often they come."""

    mode: Any
    count: Any


def _check_policy(name: str, policy: str, known: tuple[str, ...]) -> None:
    if policy not in ("propagate", "omit", "raise"):
        raise value_error(f"nan_policy of {name} is 'propagate', 'omit' or 'raise', not {policy!r}")
    if policy not in known:
        raise NotImplementedError(f"{name} has no nan_policy {policy!r}")


def mode(a: Any, axis: int | None = 0, nan_policy: str = "propagate", keepdims: bool = False) -> ModeResult:
    """The most frequent value along an axis, the smallest of several, and how often it comes."""
    _check_policy("mode", nan_policy, ("propagate",))
    a = asarray(a)
    a = a.reshape(1) if not a.ndim else a
    shape = a.shape
    place = 0 if axis is None else canonical_axis(axis, a.ndim)
    a = a.reshape(-1) if axis is None else a
    kept = [() if axis is None else tuple(n for i, n in enumerate(shape) if i != place)]
    kept += [tuple(1 if axis is None or i == place else n for i, n in enumerate(shape))]
    rows = moveaxis(a, place, a.ndim - 1).reshape(-1, a.shape[place])
    if not a.shape[place]:
        values, counts = full(rows.shape[0], NAN), full(rows.shape[0], 0.0)
    else:
        values, counts = vmap(_most_frequent)(rows)
    return ModeResult(values.reshape(kept[keepdims]), counts.reshape(kept[keepdims]))


def _most_frequent(row: Any) -> tuple[Any, Any]:
    ordered = sort(row)
    counts = searchsorted(ordered, ordered, side="right") - searchsorted(ordered, ordered, side="left")
    return ordered[argmax(counts)], max(counts).astype(int)


def rankdata(a: Any, method: str = "average", *, axis: int | None = None, nan_policy: str = "propagate") -> Any:
    """Ranks from 1 on, of all elements or along an axis; nan everywhere where there is a nan.

    method: how equal elements are ranked: ``average``, ``min``, ``max``, ``dense`` or ``ordinal``.
    """
    _check_policy("rankdata", nan_policy, ("propagate",))
    if method not in METHODS:
        raise value_error(f"method of rankdata is one of {', '.join(METHODS)}, not {method!r}")
    a = asarray(a)
    if axis is None:
        return _ranks(a.reshape(-1), method)
    place = canonical_axis(axis, a.ndim)
    front = moveaxis(a, place, a.ndim - 1)
    ranked = vmap(lambda row: _ranks(row, method))(front.reshape(-1, a.shape[place]))
    return moveaxis(ranked.reshape(front.shape), a.ndim - 1, place)


def _ranks(row: Any, method: str) -> Any:
    ordered = sort(row)
    if method == "ordinal":
        found = argsort(argsort(row)) + 1
    elif method == "dense":
        new = concatenate([ones(1, bool), ordered[1:] != ordered[:-1]])
        found = cumsum(new)[searchsorted(ordered, row, side="left")]
    else:
        low = searchsorted(ordered, row, side="left") + 1
        high = searchsorted(ordered, row, side="right")
        found = {"min": low, "max": high}.get(method, (low + high) / 2)
    found = found.astype(default_float())
    return where(any(isnan(row)), NAN, found) if row.dtype.kind in "fc" else found


def sem(a: Any, axis: int | None = 0, ddof: int = 1, nan_policy: str = "propagate", *, keepdims: bool = False) -> Any:
    """The standard error of the mean; ``nan_policy`` omit leaves nan out."""
    _check_policy("sem", nan_policy, ("propagate", "omit"))
    (a,) = floats(a)
    if nan_policy == "propagate":
        count = a.size if axis is None else a.shape[axis]
        return std(a, axis, ddof=ddof, keepdims=keepdims) / a.dtype.type(math.sqrt(count))
    counts = sum(~isnan(a), axis, keepdims=keepdims).astype(a.dtype)
    return nanstd(a, axis, ddof=ddof, keepdims=keepdims) / sqrt(counts)
