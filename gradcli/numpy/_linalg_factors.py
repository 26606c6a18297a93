"""Factorisations, by the names of ``jax.numpy.linalg``; loaded when the first of them is used."""

from __future__ import annotations

import builtins
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import INT32
from gradcli.engine.jit import jit
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.linalg import cholesky as _cholesky
from gradcli.engine.ops.linalg import eig as _eig
from gradcli.engine.ops.linalg import eigh as _eigh
from gradcli.engine.ops.linalg import qr as _qr
from gradcli.engine.ops.linalg import svd as _svd
from gradcli.engine.ops.linalg.matrices import as_row, floats, mH, mT, scaled
from gradcli.engine.ops.operators import absolute, like
from gradcli.engine.ops.shape import expand_dims, rev
from gradcli.engine.ops.sort import sort
from gradcli.engine.ops.take import take_along_axis
from gradcli.numpy._base import arr, value_error
from gradcli.numpy._reductions import any, max, sum

# The derivatives of factors are dozens of equations: as calls they are traced and linearized once for each shape.
_call_cholesky = jit(_cholesky.cholesky, static_argnames=("symmetrize_input",))
_call_eigh = jit(_eigh.eigh, static_argnames=("lower", "symmetrize_input"))
_call_qr = jit(_qr.qr, static_argnames=("pivoting", "full_matrices"))
_call_svd = jit(_svd.svd, static_argnames=("full_matrices", "compute_uv", "subset_by_index"))


class EigResult(NamedTuple):
    """What :func:`eig` returns."""

    eigenvalues: Any
    eigenvectors: Any


class EighResult(NamedTuple):
    """What :func:`eigh` returns."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """What :func:`qr` returns."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """What :func:`svd` returns."""

    U: Any
    S: Any
    Vh: Any


def cholesky(a: Any, *, upper: bool = False, symmetrize_input: bool = True) -> Any:
    """The triangular ``l`` with ``l @ l.mH == a``, or ``u`` with ``u.mH @ u == a`` (upper).

    symmetrize_input: the Hermitian part of ``a`` is meant. Where it is not positive definite the result is nan.
    Raises TypeError for matrices that are not square.

    >>> print(cholesky(np.array([[4.0, 2.0], [2.0, 5.0]])))
    [[2. 0.]
     [1. 2.]]
    """
    (a,) = floats(a)
    factor = _call_cholesky(mH(a) if upper else a, symmetrize_input=symmetrize_input)
    return mH(factor) if upper else factor


def eig(a: Any) -> EigResult:
    """Eigenvalues [..., n] and eigenvectors (columns) [..., n, n], complex. Eigenvectors have no derivative."""
    values, vectors = _eig.eig(floats(a)[0], compute_left_eigenvectors=False)
    return EigResult(values, vectors)


def eigvals(a: Any) -> Any:
    """The eigenvalues of square matrices, complex."""
    return _eig.eig(floats(a)[0], compute_left_eigenvectors=False, compute_right_eigenvectors=False)[0]


def eigh(a: Any, UPLO: str | None = None, symmetrize_input: bool = True) -> EighResult:  # noqa: N803 - NumPy's name
    """Eigenvalues, ascending, and eigenvectors (columns) of Hermitian matrices.

    symmetrize_input: the Hermitian part of ``a`` is meant; else the triangle that UPLO ("L" or "U") names is read.
    Raises ValueError for another UPLO.

    >>> print(eigh(np.array([[2.0, 1.0], [1.0, 2.0]])).eigenvalues)
    [1. 3.]
    """
    if UPLO not in (None, "L", "U"):
        raise value_error(f"UPLO is 'L' or 'U', not {UPLO!r}")
    vectors, values = _call_eigh(floats(a)[0], lower=UPLO != "U", symmetrize_input=symmetrize_input)
    return EighResult(values, vectors)


def eigvalsh(a: Any, UPLO: str | None = "L", *, symmetrize_input: bool = True) -> Any:  # noqa: N803 - NumPy's name
    """The eigenvalues of Hermitian matrices, ascending. Raises ValueError for another UPLO than "L" and "U"."""
    return eigh(a, UPLO, symmetrize_input).eigenvalues


def qr(a: Any, mode: str = "reduced") -> Any:
    """``Q`` with orthonormal columns and upper triangular ``R`` with ``a == Q @ R``.

    mode: reduced, complete (``Q`` square), r (``R`` alone), or raw (reflectors, transposed, and their factors).
    Raises ValueError for another mode.
    """
    (a,) = floats(a)
    if mode == "raw":
        packed, taus = _qr.geqrf(a)
        return QRResult(mT(packed), taus)
    if mode not in ("reduced", "r", "full", "complete"):
        raise value_error(f"the mode of qr is reduced, complete, r or raw, not {mode!r}")
    q, r = _call_qr(a, pivoting=False, full_matrices=mode == "complete")
    return r if mode == "r" else QRResult(q, r)


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False,
    subset_by_index: tuple[int, int] | None = None,
) -> Any:  # fmt: skip
    """``U``, ``S``, ``Vh`` with ``a == U * S @ Vh``; ``S`` alone, descending, for not compute_uv.

    full_matrices: ``U`` and ``Vh`` square. hermitian: by the eigenvalues of ``a``. subset_by_index: only some of the
    singular values. Raises ValueError for both of the last two together.

    >>> print(svd(np.array([[3.0, 0.0], [0.0, 4.0]]), compute_uv=False))
    [4. 3.]
    """
    (a,) = floats(a)
    if hermitian:
        if subset_by_index is not None:
            raise value_error("svd: subset_by_index does not go together with hermitian=True")
        return _hermitian_svd(a, compute_uv)
    out = _call_svd(a, full_matrices=full_matrices, compute_uv=compute_uv, subset_by_index=subset_by_index)
    return SVDResult(*out) if compute_uv else out


def _hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """Singular values are the absolute eigenvalues; the signs go to the right vectors."""
    values, vectors = eigh(a)
    size = absolute(values)
    last = type_of(size).ndim - 1
    if not compute_uv:
        return rev(sort(size), (last,))
    places = np.broadcast_to(np.arange(type_of(size).shape[-1], dtype=INT32), type_of(size).shape)
    size, places, sign = (rev(x, (last,)) for x in sort((size, places, e.sign(values))))
    u = take_along_axis(vectors, as_row(places), -1)
    return SVDResult(u, size, mH(e.mul(u, as_row(e.convert_element_type(sign, u.dtype)))))


def svdvals(x: Any, /) -> Any:
    """The singular values, descending."""
    return svd(x, compute_uv=False)


def matrix_rank(M: Any, rtol: Any = None, *, hermitian: bool = False, tol: Any = None) -> Any:  # noqa: N803
    """How many singular values are greater than ``rtol`` (default: the greatest, times size, times epsilon).

    Raises ValueError where both ``rtol`` and its other name ``tol`` are given.
    """
    if tol is not None and rtol is not None:
        raise value_error("matrix_rank takes rtol or tol, not both")
    rtol = tol if rtol is None else rtol
    (m,) = floats(M)
    if m.ndim < 2:
        return e.convert_element_type(any(e.ne(m, like(m, 0))), INT32)
    s = svd(m, full_matrices=False, compute_uv=False, hermitian=hermitian)
    if rtol is None:
        rtol = scaled(max(s, -1), builtins.max(m.shape[-2:]) * float(np.finfo(s.dtype).eps))
    rtol = arr(rtol)
    return sum(s > expand_dims(rtol, (rtol.ndim,)), -1)
