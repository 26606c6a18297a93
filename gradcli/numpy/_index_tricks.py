"""Grids (``mgrid``, ``r_`` and their like), indices of diagonals and triangles, flat and multiple indices; blocks."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, type_of
from gradcli.engine.ir.types import canonical_dtype, default_int
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.cuts import concatenate
from gradcli.engine.ops.operators import divmod, promoted, remainder, where
from gradcli.numpy._base import arr, kind, type_error, value_error
from gradcli.numpy._creation import arange, array, linspace, meshgrid, ones
from gradcli.numpy._dtypes import result_type
from gradcli.numpy._shapes import expand_dims, reshape, transpose
from gradcli.numpy._ufuncs import clip
from gradcli.numpy._where import nonzero

# --- grids by slices ------------------------------------------------------------------------------------------------


def _line(part: slice) -> Any:
    """``start:stop:step`` as an array; an imaginary step is a number of points, both ends included."""
    start, step = 0 if part.start is None else part.start, 1 if part.step is None else part.step
    if isinstance(step, complex):
        return linspace(start, part.stop, int(abs(step)))
    return arange(start, part.stop, step)


class _Grid:
    """Indexed by slices, ``start:stop:step``, gives the coordinates of the grid they span.

    >>> print(mgrid[0:2, 0:1:3j])
    [[[0.  0.  0. ]
      [1.  1.  1. ]]
    <BLANKLINE>
     [[0.  0.5 1. ]
      [0.  0.5 1. ]]]
    """

    def __init__(self, name: str, sparse: bool) -> None:
        self._name, self._sparse = name, sparse

    def __getitem__(self, key: slice | tuple[slice, ...]) -> Any:
        if isinstance(key, slice):
            return _line(key)
        lines = [_line(k) for k in key]
        grid = meshgrid(*promoted(*lines), indexing="ij", sparse=self._sparse) if lines else []
        if self._sparse:
            return grid
        return concatenate([expand_dims(g, 0) for g in grid], 0) if grid else arange(0)

    def __repr__(self) -> str:
        return self._name


class _Joiner:
    """Indexed by arrays, numbers and slices, joins them: along the first axis (``r_``) or as columns (``c_``).

    >>> print(r_[1:3, 0, np.array([5, 6])])
    [1 2 0 5 6]
    """

    def __init__(self, name: str, axis: int, ndmin: int, place: int) -> None:
        self._name, self._defaults = name, (axis, ndmin, place)

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        axis, ndmin, place = self._defaults
        matrix = -1
        if parts and isinstance(parts[0], str):
            directive, parts = parts[0], parts[1:]
            if directive in ("r", "c"):
                matrix = "rc".index(directive)
            else:
                axis, ndmin, place = _directive(directive, self._defaults)
        if any(isinstance(p, str) for p in parts):
            raise value_error(f"{self._name}: a directive must come first")
        placed = promoted(*[_placed(p, ndmin, place) for p in parts])
        joined = concatenate(placed, s.canonical_axis(axis, type_of(placed[0]).ndim))
        return expand_dims(joined, matrix) if matrix >= 0 and joined.ndim == 1 else joined

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return self._name


def _directive(text: str, defaults: tuple[int, int, int]) -> tuple[int, int, int]:
    """Axis, least number of dimensions and place of the old ones from such as ``"0,2,1"``."""
    try:
        given = tuple(int(v) for v in text.split(","))[:3]
    except ValueError:
        raise value_error(f"not a directive: {text!r}", "such as '0,2' or 'r'") from None
    axis, ndmin, place = (*given, *defaults[len(given) :])
    return axis, ndmin, place


def _placed(part: Any, ndmin: int, place: int) -> Any:
    """The part with at least ``ndmin`` dimensions, those it has at ``place`` among the new ones (-1: last)."""
    value = _line(part) if isinstance(part, slice) else array(part)
    own = 0 if isinstance(part, slice) else value.ndim
    wide = array(value, ndmin=ndmin)
    if place == -1 or ndmin <= own:
        return wide
    shift = ndmin - builtins.abs(ndmin + place + 1) % ndmin
    order = tuple(range(ndmin))
    return transpose(wide, order[shift:] + order[:shift])


class _Index:
    """Indexed by anything, gives the index itself (``index_exp``: always as a tuple)."""

    def __init__(self, name: str, always_tuple: bool) -> None:
        self._name, self._always = name, always_tuple

    def __getitem__(self, key: Any) -> Any:
        return (key,) if self._always and not isinstance(key, tuple) else key

    def __repr__(self) -> str:
        return self._name


mgrid, ogrid = _Grid("mgrid", False), _Grid("ogrid", True)
r_, c_ = _Joiner("r_", 0, 1, -1), _Joiner("c_", -1, 2, 0)
s_, index_exp = _Index("s_", False), _Index("index_exp", True)


def ix_(*args: Any) -> tuple[Any, ...]:
    """Vectors as indices of a grid: each along an axis of its own; bools stand for where they are true.

    Raises ValueError for other dimensions than one.
    """
    out = []
    for i, x in enumerate(args):
        x = arr(np.asarray(x, None if len(x) else default_int())) if isinstance(x, (list, tuple)) else arr(x)
        if x.ndim != 1:
            raise value_error(f"ix_ needs vectors, got {x.type}")
        x = nonzero(x)[0] if x.dtype.kind == "b" else x
        out.append(s.reshape(x, tuple(x.size if d == i else 1 for d in range(len(args)))))
    return tuple(out)


# --- diagonals and triangles ----------------------------------------------------------------------------------------


def diag_indices(n: int, ndim: int = 2) -> tuple[Any, ...]:
    """The indices of the main diagonal of ``ndim`` axes of size ``n``. Raises ValueError for negative numbers."""
    n, ndim = operator.index(n), operator.index(ndim)
    if n < 0 or ndim < 0:
        raise value_error(f"diag_indices needs sizes of at least 0, got {n} and {ndim}")
    return (s.iota(default_int(), (n,), 0),) * ndim


def diag_indices_from(arr: Any) -> tuple[Any, ...]:
    """The indices of the main diagonal of an array. Raises ValueError unless it has equal axes, at least two."""
    t = type_of(arr)
    if t.ndim < 2 or len(set(t.shape)) != 1:
        raise value_error(f"diag_indices_from needs at least two axes of one size, got {t}")
    return diag_indices(t.shape[0], t.ndim)


def _true(mask: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    rows, columns = np.nonzero(mask)
    return Array(rows.astype(default_int())), Array(columns.astype(default_int()))


def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Any, Any]:
    """The indices of the lower triangle of an ``n`` by ``m`` matrix, up to the ``k``-th diagonal."""
    return _true(np.tri(n, m, k, dtype=bool))


def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Any, Any]:
    """The indices of the upper triangle of an ``n`` by ``m`` matrix, from the ``k``-th diagonal."""
    return _true(~np.tri(n, m, k - 1, dtype=bool))


def tril_indices_from(arr: Any, k: int = 0) -> tuple[Any, Any]:
    """The indices of the lower triangle of a matrix. Raises ValueError unless it is one."""
    return tril_indices(*_matrix(arr, k))


def triu_indices_from(arr: Any, k: int = 0) -> tuple[Any, Any]:
    """The indices of the upper triangle of a matrix. Raises ValueError unless it is one."""
    return triu_indices(*_matrix(arr, k))


def _matrix(x: Any, k: int) -> tuple[int, int, int]:
    t = type_of(x)
    if t.ndim != 2:
        raise value_error(f"the triangle of {t}: only a matrix has one")
    return t.shape[0], k, t.shape[1]


def mask_indices(
    n: int, mask_func: Callable[[Any, int], Any], k: int = 0, *, size: int | None = None
) -> tuple[Any, Any]:
    """The indices where ``mask_func(ones((n, n)), k)`` is not 0; ``mask_func`` is such as ``triu``."""
    rows, columns = nonzero(mask_func(ones((n, n)), k), size=size)
    return rows, columns


# --- flat and multiple indices --------------------------------------------------------------------------------------


def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """Indices into the flattened array as indices into an array of that shape; those outside of it meet its ends.

    >>> print(*unravel_index(5, (2, 3)))
    1 2
    """
    sizes = [operator.index(n) for n in (shape if isinstance(shape, Sequence) else [shape])]
    rest = arr(indices)
    found = []
    for n in reversed(sizes):
        rest, place = divmod(rest, n)
        found.append(place)
    above = e.gt(*promoted(rest, 0))
    below = np.bool_(False) if kind(rest) == "u" else e.lt(*promoted(rest, -1))
    ends = zip(sizes, reversed(found), strict=True)
    return tuple(where(above, n - 1, where(below, 0, place)) for n, place in ends)


def ravel_multi_index(
    multi_index: Sequence[Any], dims: Sequence[int], mode: str = "raise", order: str = "C", *, dtype: Any = None
) -> Any:
    """Indices, one array an axis, as indices into the flattened array (row-major, or column-major with order "F").

    mode: outside of the array raise (values must be known), wrap, clip or ignore. Raises ValueError for indices
    outside, an unknown mode or order, and a dtype that is none of integers or too small; TypeError for other indices.
    """
    sizes = [operator.index(n) for n in dims]
    given = [arr(i) for i in multi_index]
    if len(given) != len(sizes):
        raise value_error(f"ravel_multi_index got {len(given)} indices for {len(sizes)} axes")
    wanted = result_type(int, *given) if dtype is None else canonical_dtype(dtype)
    if wanted.kind not in "iu" or math.prod(sizes) - 1 > np.iinfo(wanted).max:
        raise value_error(f"flat indices of an array of shape {tuple(sizes)} cannot have dtype {wanted}")
    if any(i.dtype.kind not in "iu" for i in given):
        raise type_error("ravel_multi_index needs integers")
    if order not in ("C", "F"):
        raise value_error(f"order must be 'C' or 'F', got {order!r}")
    given = [_within(i, n, mode) for i, n in zip(given, sizes, strict=True)]
    if order == "F":
        given, sizes = given[::-1], sizes[::-1]
    total: Any = Array(np.zeros((), wanted)[()])
    for i, n in zip(given, sizes, strict=True):
        total = total * n + e.convert_element_type(i, wanted)
    return total


def _within(i: Any, n: int, mode: str) -> Any:
    if mode == "raise":
        known = np.asarray(i.concrete() if isinstance(i, Value) else i)
        if ((known < 0) | (known >= n)).any():
            raise value_error(f"an index is outside of an axis of size {n}", "mode='wrap' or 'clip' allows that")
        return i
    if mode == "wrap":
        return remainder(i, n)
    if mode == "clip":
        return clip(i, 0, n - 1)
    if mode == "ignore":
        return i
    raise value_error(f"mode must be 'raise', 'wrap', 'clip' or 'ignore', got {mode!r}")


def block(arrays: Any) -> Any:
    """Nested lists of arrays joined: the innermost along the last axis, the lists around them along those before it.

    Raises ValueError where lists and arrays are mixed at one depth, or a list is empty.

    >>> print(block([[np.ones((1, 1)), np.zeros((1, 2))]]))
    [[1. 0. 0.]]
    """
    depth = _depth(arrays)
    leaves = _flat(arrays)
    ndim = builtins.max(depth, *(v.ndim for v in leaves))
    wide = iter(promoted(*[reshape(v, (1,) * (ndim - v.ndim) + v.shape) for v in leaves]))

    def joined(node: Any, level: int) -> Any:
        if level == depth:
            return next(wide)
        return concatenate([joined(child, level + 1) for child in node], ndim - depth + level)

    return joined(arrays, 0)


def _depth(node: Any) -> int:
    if isinstance(node, tuple):
        raise type_error("block needs lists, not tuples")
    if not isinstance(node, list):
        return 0
    if not node:
        raise value_error("block got an empty list")
    depths = {_depth(child) for child in node}
    if len(depths) > 1:
        raise value_error("block needs lists of one depth")
    return depths.pop() + 1


def _flat(node: Any) -> list[Any]:
    return [leaf for child in node for leaf in _flat(child)] if isinstance(node, list) else [arr(node)]


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that arrays of these shapes broadcast to. Raises ValueError where they do not."""
    given = [(n,) if isinstance(n, int) else tuple(n) for n in shapes]
    try:
        return np.broadcast_shapes(*given)
    except ValueError:
        raise value_error(f"shapes {', '.join(map(str, given))} do not broadcast together") from None
