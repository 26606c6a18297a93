"""``scipy.linalg``: what numpy.linalg has as well, and systems whose matrices are stored by bands or diagonals.

Such a system is solved with the full matrix: it costs more than SciPy's own, and has derivatives of every order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.scipynames.steering import number
from gradcli.engine.ops.linalg import eig as _eig
from gradcli.scipy import linalg as _linalg


def _matrix(a: Any) -> Any:
    a = gnp.atleast_2d(gnp.asarray(gnp.array(a) if isinstance(a, list) else a))
    return a if a.dtype.kind in "fc" else a.astype(float)


def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The triangular factor."""
    return _linalg.cholesky(_matrix(a), lower=lower)


def pinv(a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, check_finite: bool = True) -> Any:
    """The pseudo-inverse; singular values up to ``max(atol, rtol * the largest)`` in this run count as zero."""
    a = _matrix(a)
    u, s, vh = gnp.linalg.svd(a, full_matrices=False)
    values = number(s)
    largest = values.max(initial=0.0)
    rtol = (max(a.shape) * np.finfo(values.dtype).eps if atol is None else 0.0) if rtol is None else rtol
    rank = int(np.sum(values > max(atol or 0.0, rtol * largest)))
    found = gnp.matmul(gnp.conj(vh[:rank].T) / s[:rank], gnp.conj(u[:, :rank].T)) if rank < len(values) else None
    found = gnp.linalg.pinv(a) if found is None else found
    return (found, rank) if return_rank else found


def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True) -> Any:  # noqa: A002
    """The norm of a vector or matrix."""
    return gnp.linalg.norm(gnp.asarray(a), ord, axis, keepdims)


def lstsq(a: Any, b: Any, cond: Any = None, *_: Any, **__: Any) -> Any:
    """The least-squares solution, the squared residuals, the rank and the singular values."""
    return gnp.linalg.lstsq(_matrix(a), gnp.asarray(b), rcond=cond)


def eigvalsh(a: Any, b: Any = None, *, lower: bool = True, **_: Any) -> Any:
    """The eigenvalues of a Hermitian matrix, or of the problem with ``b``."""
    return _linalg.eigh(_matrix(a), b, lower=lower, eigvals_only=True)


def eigvals(a: Any, *_: Any, **__: Any) -> Any:
    """The eigenvalues, complex."""
    return gnp.linalg.eigvals(_matrix(a)) + 0j


def eig(a: Any, *_: Any, **__: Any) -> Any:
    """The eigenvalues, complex, and the eigenvectors: real numbers where all are real in this run."""
    a = _matrix(a)
    values, vectors = _eig.eig(a, compute_left_eigenvectors=False, enable_eigvec_derivs=True)
    real = a.dtype.kind != "c" and not np.any(number(values).imag)
    return values, gnp.real(vectors) if real else vectors


def svdvals(a: Any, *_: Any, **__: Any) -> Any:
    """The singular values."""
    return gnp.linalg.svd(_matrix(a), compute_uv=False)


def _banded(bands: tuple[int, int], ab: Any) -> Any:
    """The matrix A with ``ab[u + i - j, j] = A[i, j]``, for l diagonals below and u above the main one."""
    n = ab.shape[1]
    rows = np.arange(sum(bands) + 1)[:, None] - bands[1] + np.arange(n)
    inside = (rows >= 0) & (rows < n)
    columns = np.broadcast_to(np.arange(n), rows.shape)
    return gnp.zeros((n, n), ab.dtype).at[rows[inside], columns[inside]].set(ab[inside])


def solve_banded(l_and_u: Sequence[int], ab: Any, b: Any, *_: Any, **__: Any) -> Any:
    """The solution of a system whose matrix is stored by its bands."""
    lower, upper = l_and_u
    return gnp.linalg.solve(_banded((int(lower), int(upper)), _matrix(ab)), gnp.asarray(b))


def solveh_banded(ab: Any, b: Any, overwrite_ab: Any = False, overwrite_b: Any = False, lower: bool = False) -> Any:
    """The solution of a system with a symmetric matrix, of which one half of the bands is stored."""
    ab = _matrix(ab)
    width = ab.shape[0] - 1
    half = _banded((width, 0) if lower else (0, width), ab)
    diagonal = gnp.diag(gnp.diagonal(half))
    return gnp.linalg.solve(half + gnp.conj(half.T) - diagonal, gnp.asarray(b))


def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """The solution of a system with a Toeplitz matrix, given by its first column, or column and row."""
    parts = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr,)
    return gnp.linalg.solve(_linalg.toeplitz(*[gnp.asarray(p) for p in parts]), gnp.asarray(b))
