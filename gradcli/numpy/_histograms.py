"""Counting: how often integers occur, and how many values fall into each bin.

Counts of weights are differentiable in the weights; in the values they are constant but for jumps.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Value, type_of
from gradcli.engine.ir.types import default_int
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.cuts import slice_in_dim
from gradcli.engine.ops.operators import inexact, like, to_inexact, where
from gradcli.numpy._base import arr, type_error, unsupported, value_error
from gradcli.numpy._creation import array, linspace, ones_like, zeros
from gradcli.numpy._reductions import diff, max, min, sum
from gradcli.numpy._sorting import searchsorted


def bincount(
    x: Any, weights: Any = None, minlength: int = 0, *, length: int | None = None, out_sharding: Any = None
) -> Any:
    """How often 0, 1, 2, … occur among non-negative integers, or the sums of their weights.

    The result has ``length`` elements (more are left out), or as many as are needed, for which values must be known.
    Raises TypeError for values that are no integers, ValueError unless they, and the weights, are vectors of one size.

    >>> print(bincount(np.array([1, 3, 1])))
    [0 2 0 1]
    """
    x = arr(x)
    x = e.convert_element_type(x, np.int32) if x.dtype.kind == "b" else x
    if x.dtype.kind not in "iu":
        raise type_error(f"bincount needs integers, got {x.type}")
    if x.ndim != 1 or (weights is not None and type_of(weights).shape != x.shape):
        raise value_error(f"bincount needs a vector, and weights of its size; got {x.type}")
    if length is None:
        known = np.asarray(x.concrete())
        needed = np.max(known, initial=0).item() + 1 if known.size else 0
        length = needed if needed > operator.index(minlength) else operator.index(minlength)
    count = arr(np.asarray(1, default_int())[()] if weights is None else weights)
    places = where(x < 0, like(x, 0), x)
    return zeros((length,), count.dtype).at[places].add(count, mode="drop")


# --- bins -----------------------------------------------------------------------------------------------------------


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """The edges of ``bins`` bins of equal width over the range (default: from least to greatest value).

    Edges given as a vector are returned. Raises NotImplementedError for a rule by name, ValueError for a range that
    is no pair.
    """
    if isinstance(bins, str):
        raise unsupported(f"the rule {bins!r} for bins is not supported", "give their number, or their edges")
    a = arr(a)
    dtype = to_inexact(a.dtype)
    edges = array(bins, dtype) if isinstance(bins, (list, tuple, Value, np.ndarray)) else None
    if edges is not None and edges.ndim == 1:
        return edges
    number = operator.index(bins.concrete().item() if isinstance(bins, Value) else bins)
    if range is None:
        low, high = (min(a), max(a)) if a.size else (0, 1)
    elif type_of(array(range)).shape != (2,):
        raise value_error(f"a range is a pair, got {range!r}")
    else:
        low, high = array(range)
    low, high = (e.convert_element_type(arr(v), dtype) for v in (low, high))
    flat = e.eq(low, high)
    half = like(low, 0.5)
    return linspace(where(flat, e.sub(low, half), low), where(flat, e.add(high, half), high), number + 1, dtype=dtype)


def _bins(edges: Any, x: Any) -> Any:
    """The number of the bin of each value, 0 for what is below the first edge; the last edge is in the last bin."""
    found = searchsorted(edges, x, "right")
    return where(e.eq(x, edges[-1]), like(found, edges.size - 1), found)


def histogram(
    a: Any, bins: Any = 10, range: Any = None, weights: Any = None, density: bool | None = None
) -> tuple[Any, Any]:
    """How many values (or weights of them) fall into each bin, as floats, and the edges of the bins.

    density: the counts divided by their sum and by the widths of the bins. Raises ValueError where the weights do not
    fit.

    >>> counts, edges = histogram(np.array([0.0, 1.0, 1.5, 4.0]), 2)
    >>> print(counts, edges)
    [3. 1.] [0. 2. 4.]
    """
    given = arr(a) if not isinstance(a, (list, tuple)) else array(a)
    weighted = ones_like(inexact(given)[0]) if weights is None else arr(weights)
    if weighted.shape != given.shape:
        raise value_error(f"histogram of {given.type} with weights of {weighted.type}: shapes differ")
    x, w = (arr(v) for v in inexact(given, weighted))
    edges = histogram_bin_edges(given, bins, range)
    x, w = s.reshape(e.convert_element_type(x, edges.dtype), (x.size,)), s.reshape(w, (w.size,))
    counts = slice_in_dim(zeros((edges.size,), w.dtype).at[_bins(edges, x)].add(w, mode="drop"), 1, edges.size, 0)
    return (counts / diff(edges) / sum(counts) if density else counts), edges


def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, weights: Any = None, density: bool | None = None
) -> tuple[Any, Any, Any]:
    """The histogram of points in the plane, and the edges along both axes."""
    x, y = (arr(v) for v in inexact(x, y))
    sample = cuts.concatenate([s.reshape(v, (v.size, 1)) for v in (x, y)], 1)
    single = not isinstance(bins, (list, tuple, Value, np.ndarray)) or len(bins) in (1, 2)
    counts, edges = histogramdd(sample, bins if single else [array(bins)] * 2, range, weights, density)
    return counts, edges[0], edges[1]


def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, weights: Any = None, density: bool | None = None
) -> tuple[Any, list[Any]]:
    """The histogram of points, one a row: an array with an axis for each coordinate, and the edges along each.

    bins: for all coordinates, or a list with those for each. Raises ValueError where bins, range or weights do not fit.
    """
    x = arr(sample)
    if x.ndim != 2:
        raise value_error(f"histogramdd needs points as rows of a matrix, got {x.type}")
    n, d = x.shape
    if weights is not None and type_of(weights).shape != (n,):
        raise value_error(f"histogramdd needs one weight a point, got {type_of(weights)} for {n}")
    x = arr(inexact(x)[0]) if weights is None else arr(inexact(x, weights)[0])
    if range is not None and len(range) != d:
        raise value_error(f"histogramdd needs a range for each of {d} coordinates, got {len(range)}")
    several = isinstance(bins, (list, tuple, Value, np.ndarray))
    if several and len(bins) != d:
        raise value_error(f"histogramdd needs bins for each of {d} coordinates, got {len(bins)}")
    columns = [s.reshape(slice_in_dim(x, i, i + 1, 1), (n,)) for i in np.arange(d).tolist()]
    each = list(bins) if several else [bins] * d
    ranges = [None] * d if range is None else list(range)
    edges = [histogram_bin_edges(c, b, r) for c, b, r in zip(columns, each, ranges, strict=True)]
    counts = _count_cells([_bins(b, c) for b, c in zip(edges, columns, strict=True)], edges, weights, x.dtype)
    if density:
        counts = e.convert_element_type(counts, x.dtype)
        counts = counts / sum(counts)
        for i, b in enumerate(edges):
            counts = counts / s.reshape(diff(b), tuple(-1 + b.size if j == i else 1 for j in np.arange(d).tolist()))
    return counts, edges


def _count_cells(places: Sequence[Any], edges: Sequence[Any], weights: Any, dtype: np.dtype[Any]) -> Any:
    """Counts with a bin more at both ends of each axis, for what is outside; these are cut away."""
    sizes = [b.size + 1 for b in edges]
    flat: Any = None
    for place, n in zip(places, sizes, strict=True):
        place = e.convert_element_type(place, default_int())
        flat = place if flat is None else flat * n + place
    w = None if weights is None else e.convert_element_type(arr(weights), dtype)
    counts = s.reshape(bincount(flat, w, length=math.prod(sizes)), tuple(sizes))
    return cuts.slice(counts, (1,) * len(sizes), [n - 1 for n in sizes])
