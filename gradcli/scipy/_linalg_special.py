"""Matrices of a special form, by the names of ``jax.scipy.linalg``; those made of arguments are linear in them."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from gradcli.engine.array import Array, type_of
from gradcli.engine.ir.types import canonical_dtype, default_complex, default_float, default_int
from gradcli.engine.ops.cuts import concatenate, pad
from gradcli.engine.ops.linalg.matrices import conj
from gradcli.engine.ops.operators import absolute, promoted
from gradcli.engine.ops.shape import rev
from gradcli.engine.ops.take import take
from gradcli.numpy._base import arr, value_error
from gradcli.numpy._shapes import atleast_1d, atleast_2d, broadcast_to

Index = np.ndarray[Any, Any]


def block_diag(*arrs: Any) -> Any:
    """The matrix with these matrices along its diagonal and zeros elsewhere; vectors count as rows.

    Raises ValueError for arrays of more than two dimensions.

    >>> print(block_diag(np.eye(1), np.array([[2.0, 3.0]])))
    [[1. 0. 0.]
     [0. 2. 3.]]
    """
    if any(arr(a).ndim > 2 for a in arrs):
        raise value_error(f"block_diag needs matrices, got shapes {[arr(a).shape for a in arrs]}")
    blocks = promoted(*[atleast_2d(arr(a)) for a in arrs or (np.zeros((1, 0)),)])
    widths = [b.shape[1] for b in (arr(b) for b in blocks)]
    rows = []
    for i, block in enumerate(blocks):
        before, after = builtins.sum(widths[:i]), builtins.sum(widths[i + 1 :])
        rows.append(pad(block, type_of(block).dtype.type(0), [(0, 0, 0), (before, after, 0)]))
    return concatenate(rows, 0)


def _last(x: Any, places: Index) -> Any:
    """The elements of the last axis at the places of a matrix."""
    return take(x, places, axis=-1, mode="clip")


def _joined(*parts: Any) -> Any:
    """Vectors, one after the other along the last axis; batch axes broadcast."""
    values = [arr(p) for p in promoted(*parts)]
    lead = np.broadcast_shapes(*[v.shape[:-1] for v in values])
    return concatenate([broadcast_to(v, (*lead, v.shape[-1])) for v in values], len(lead))


def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix with the first column ``c`` and the first row ``r`` (default: conj(c)), constant along diagonals.

    >>> print(toeplitz(np.array([1, 2, 3]), np.array([1, 4])))
    [[1 4]
     [2 1]
     [3 2]]
    """
    c = atleast_1d(arr(c))
    r = conj(c) if r is None else atleast_1d(arr(r))
    n, m = c.shape[-1], r.shape[-1]
    if not n or not m:
        return Array(np.zeros((*c.shape[:-1], n, m), c.dtype))
    places = np.arange(n - 1, -1, -1)[:, None] + np.arange(m)
    return _last(_joined(rev(c, (c.ndim - 1,)), r[..., 1:]), places)


def hankel(c: Any, r: Any = None) -> Any:
    """The matrix with the first column ``c`` and the last row ``r`` (default: zeros), constant along antidiagonals."""
    c = atleast_1d(arr(c))
    r = c * 0 if r is None else atleast_1d(arr(r))
    n, m = c.shape[-1], r.shape[-1]
    if not n or not m:
        return Array(np.zeros((*c.shape[:-1], n, m), c.dtype))
    return _last(_joined(c, r[..., 1:]), np.arange(n)[:, None] + np.arange(m))


def circulant(c: Any) -> Any:
    """The square matrix with the first column ``c``, each next column moved down by one around the end."""
    c = atleast_1d(arr(c))
    n = c.shape[-1]
    return _last(c, (np.arange(n)[:, None] - np.arange(n)) % n) if n else Array(np.zeros((0, 0), c.dtype))


def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """The matrix whose product with a vector of size ``n`` is its convolution with ``a``; mode full, valid or same.

    Raises ValueError for another mode and for empty arguments.
    """
    a = arr(a)
    if n <= 0 or not a.ndim or not a.shape[-1]:
        raise value_error(f"convolution_matrix of {a.type} and n={n}: there is nothing to convolve")
    if mode not in ("full", "valid", "same"):
        raise value_error(f"the mode of convolution_matrix is full, valid or same, not {mode!r}")
    size = a.shape[-1]
    if mode == "full":
        first, count = 0, n + size - 1
    elif mode == "same":
        count = builtins.max(n, size)
        first = (builtins.min(n, size) - 1) // 2
    else:
        first, count = builtins.min(n, size) - 1, builtins.max(n, size) - builtins.min(n, size) + 1
    places = np.arange(first, first + count)[:, None] - np.arange(n)
    padded = pad(a, a.dtype.type(0), [*[(0, 0, 0)] * (a.ndim - 1), (0, 1, 0)])
    return _last(padded, np.where((places < 0) | (places >= size), size, places))


def leslie(f: Any, s: Any) -> Any:
    """The population matrix: fecundities ``f`` [n] in the first row, survival rates ``s`` [n - 1] below the diagonal.

    Raises ValueError for other sizes.
    """
    f, s = (arr(x) for x in promoted(f, s))
    n = f.shape[-1]
    if s.shape[-1] != n - 1 or n < 2:
        raise value_error(f"leslie needs n and n - 1 rates, n at least 2, got {f.type} and {s.type}")
    values = _joined(f, s, Array(np.zeros(1, f.dtype)))
    places = np.full((n, n), 2 * n - 1)
    places[0] = np.arange(n)
    places[np.arange(1, n), np.arange(n - 1)] = np.arange(n, 2 * n - 1)
    return _last(values, places)


def companion(a: Any) -> Any:
    """The matrix whose eigenvalues are the roots of the polynomial with coefficients ``a``, highest first.

    Raises ValueError for fewer than two coefficients.
    """
    a = arr(a)
    n = a.shape[-1] - 1 if a.ndim else 0
    if n < 1:
        raise value_error(f"companion needs at least two coefficients, got {a.type}")
    top = -a[..., 1:] / a[..., :1]
    places = np.full((n, n), n)
    places[0] = np.arange(n)
    places[np.arange(1, n), np.arange(n - 1)] = n + 1
    return _last(_joined(top, Array(np.array([0.0, 1.0], top.dtype))), places)


def fiedler(a: Any) -> Any:
    """The matrix of all absolute differences of the elements."""
    a = atleast_1d(arr(a))
    return absolute(a[..., :, None] - a[..., None, :])


def fiedler_companion(a: Any) -> Any:
    """The companion matrix with five diagonals of the polynomial with coefficients ``a``, highest first (Fiedler 2003).

    Coefficients stand beside the diagonal, those of even place above it and the others below, but for the first.
    Raises ValueError for fewer than two coefficients.
    """
    a = arr(a)
    n = a.shape[-1] - 1 if a.ndim else 0
    if n < 1:
        raise value_error(f"fiedler_companion needs at least two coefficients, got {a.type}")
    scaled = -a[..., 1:] / a[..., :1]
    zero, one = n, n + 1
    places = np.full((n, n), zero)
    places[0, 0] = 0
    row = np.arange(n)
    above, below = row[: n - 1 : 2], row[2::2]
    places[above, above + 1] = above + 1
    places[above[: len(row[2::2])], below] = one
    places[below, below - 1] = below
    if n > 1:
        places[1, 0] = one
    places[row[3::2], row[3::2] - 2] = one
    return _last(_joined(scaled, Array(np.array([0.0, 1.0], scaled.dtype))), places)


# --- constant matrices ------------------------------------------------------------------------------------------------


def _floats(values: Any) -> Any:
    return Array(np.asarray(values, default_float()))


def hilbert(n: int) -> Any:
    """The Hilbert matrix 1 / (i + j + 1).

    >>> print(hilbert(2)[0])
    [1.  0.5]
    """
    return _floats(1 / (np.arange(n)[:, None] + np.arange(n) + 1.0))


def invhilbert(n: int) -> Any:
    """The inverse of the Hilbert matrix, whose elements are integers."""

    def element(i: int, j: int) -> int:
        sign = 1 - 2 * ((i + j) % 2)
        return sign * (i + j + 1) * math.comb(n + i, n - j - 1) * math.comb(n + j, n - i - 1) * math.comb(i + j, i) ** 2

    return _floats([[float(element(i, j)) for j in range(n)] for i in range(n)])


def pascal(n: int, kind: str | None = None) -> Any:
    """Pascal's triangle: kind symmetric (default), lower or upper. Raises ValueError for another kind."""
    lower = [[float(math.comb(i, j)) for j in range(n)] for i in range(n)]
    return _floats(_pascal(np.array(lower).reshape(n, n), kind, False))


def invpascal(n: int, kind: str | None = None) -> Any:
    """The inverse of :func:`pascal` of that size and kind."""
    lower = [[float((-1) ** (i + j) * math.comb(i, j)) for j in range(n)] for i in range(n)]
    return _floats(_pascal(np.array(lower).reshape(n, n), kind, True))


def _pascal(lower: Any, kind: str | None, inverse: bool) -> Any:
    if kind in (None, "symmetric"):
        return lower.T @ lower if inverse else lower @ lower.T
    if kind not in ("lower", "upper"):
        raise value_error(f"the kind of a Pascal matrix is symmetric, lower or upper, not {kind!r}")
    return lower if kind == "lower" else lower.T


def helmert(n: int, full: bool = False) -> Any:
    """The Helmert matrix [n - 1, n]: orthonormal contrasts of each element to those before; full: [n, n]."""
    rows = np.tri(n, k=-1) - np.diag(np.arange(n, dtype=float))
    rows[0] = 1
    scale = np.sqrt(np.arange(n) * (np.arange(n) + 1.0))
    scale[:1] = np.sqrt(n)
    out = rows / scale[:, None]
    return _floats(out if full else out[1:])


def hadamard(n: int, dtype: Any = int) -> Any:
    """The Hadamard matrix of a size that is a power of two (Sylvester's). Raises ValueError for other sizes."""
    if n < 1 or n & (n - 1):
        raise value_error(f"hadamard needs a power of two, got {n}")
    places = np.arange(n)
    parity = np.bitwise_count(places[:, None] & places) & 1
    return Array((1 - 2 * parity.astype(np.int64)).astype(default_int() if dtype is int else canonical_dtype(dtype)))


def dft(n: int, scale: str | None = None) -> Any:
    """The matrix of the discrete Fourier transform; scale None, sqrtn or n. Raises ValueError for another scale."""
    if scale not in (None, "sqrtn", "n"):
        raise value_error(f"the scale of dft is None, 'sqrtn' or 'n', not {scale!r}")
    turns = np.outer(np.arange(n), np.arange(n)) % builtins.max(n, 1) / builtins.max(n, 1)
    factor = {None: 1.0, "sqrtn": math.sqrt(n), "n": float(n)}[scale]
    return Array((np.exp(-2j * np.pi * turns) / (factor or 1.0)).astype(default_complex()))


__all__ = [
    "block_diag", "circulant", "companion", "convolution_matrix", "dft", "fiedler", "fiedler_companion", "hadamard",
    "hankel", "helmert", "hilbert", "invhilbert", "invpascal", "leslie", "pascal", "toeplitz",
]  # fmt: skip
