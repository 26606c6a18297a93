"""Linear algebra, by the names of ``jax.scipy.linalg``.

Arguments that only say how to save memory or what to check (``overwrite_a``, ``check_finite``, ``lapack_driver``) are
accepted and have no effect.

>>> from gradcli.scipy import linalg
>>> print(linalg.solve_triangular(np.array([[2.0, 0.0], [1.0, 4.0]]), np.array([2.0, 9.0]), lower=True))
[1. 2.]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.array import Array, type_of
from gradcli.engine.autodiff import stop_gradient
from gradcli.engine.control.solve import custom_linear_solve
from gradcli.engine.ir.types import complex_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import pad, slice_in_dim
from gradcli.engine.ops.linalg import cholesky as _cholesky
from gradcli.engine.ops.linalg import eigh as _eigh
from gradcli.engine.ops.linalg import hessenberg as _hessenberg
from gradcli.engine.ops.linalg import lu as _lu
from gradcli.engine.ops.linalg import qr as _qr
from gradcli.engine.ops.linalg import schur as _schur
from gradcli.engine.ops.linalg.matrices import cast, conj, eye, floats, mask, matmul, mH, tril, triu
from gradcli.engine.ops.linalg.triangular import triangular_solve
from gradcli.engine.ops.shape import expand_dims, reshape
from gradcli.numpy import _linalg_factors, _linalg_solve
from gradcli.numpy._base import type_error, unsupported, value_error
from gradcli.numpy._shapes import broadcast_to
from gradcli.scipy._linalg_any import funm as funm
from gradcli.scipy._linalg_functions import expm as expm
from gradcli.scipy._linalg_functions import expm_frechet as expm_frechet
from gradcli.scipy._linalg_functions import polar as polar
from gradcli.scipy._linalg_functions import solve_sylvester as solve_sylvester
from gradcli.scipy._linalg_functions import sqrtm as sqrtm
from gradcli.scipy._linalg_functions import square
from gradcli.scipy._linalg_special import block_diag as block_diag
from gradcli.scipy._linalg_special import circulant as circulant
from gradcli.scipy._linalg_special import companion as companion
from gradcli.scipy._linalg_special import convolution_matrix as convolution_matrix
from gradcli.scipy._linalg_special import dft as dft
from gradcli.scipy._linalg_special import fiedler as fiedler
from gradcli.scipy._linalg_special import fiedler_companion as fiedler_companion
from gradcli.scipy._linalg_special import hadamard as hadamard
from gradcli.scipy._linalg_special import hankel as hankel
from gradcli.scipy._linalg_special import helmert as helmert
from gradcli.scipy._linalg_special import hilbert as hilbert
from gradcli.scipy._linalg_special import invhilbert as invhilbert
from gradcli.scipy._linalg_special import invpascal as invpascal
from gradcli.scipy._linalg_special import leslie as leslie
from gradcli.scipy._linalg_special import pascal as pascal
from gradcli.scipy._linalg_special import toeplitz as toeplitz

# --- Cholesky ---------------------------------------------------------------------------------------------------------


def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The upper (lower: lower) triangular factor of positive definite matrices, of which that triangle is read."""
    (a,) = floats(a)
    factor = _cholesky.cholesky(a if lower else mH(a), symmetrize_input=False)
    return factor if lower else mH(factor)


def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, bool]:
    """The factor that :func:`cholesky` gives, and ``lower``, for :func:`cho_solve`."""
    return cholesky(a, lower), lower


def cho_solve(c_and_lower: tuple[Any, bool], b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """The ``x`` with a x = b from what :func:`cho_factor` made of ``a``."""
    c, lower = c_and_lower
    turned = solve_triangular(c, b, 0 if lower else 2, lower)
    return solve_triangular(c, turned, 2 if lower else 0, lower)


# --- systems ----------------------------------------------------------------------------------------------------------


def solve(
    a: Any, b: Any, lower: bool = False, overwrite_a: bool = False, overwrite_b: bool = False, debug: bool = False,
    check_finite: bool = True, assume_a: str = "gen",
) -> Any:  # fmt: skip
    """The ``x`` with a x = b. assume_a: gen, sym, her, or pos (positive definite: by the Cholesky factor).

    lower: for pos, the triangle that is read. Raises ValueError for another assume_a and for shapes that do not fit.
    """
    if assume_a not in ("gen", "sym", "her", "pos"):
        raise value_error(f"assume_a of solve is gen, sym, her or pos, not {assume_a!r}")
    a, b = floats(a, b)
    if assume_a != "pos":
        return _linalg_solve.solve(a, b)
    square("solve", a)
    vector = b.ndim == 1
    right = expand_dims(b, (1,)) if vector else b
    lead = np.broadcast_shapes(a.shape[:-2], right.shape[:-2])
    a = broadcast_to(a, (*lead, *a.shape[-2:]))
    right = broadcast_to(right, (*lead, *right.shape[-2:]))
    factors = cho_factor(stop_gradient(a), lower)
    x = custom_linear_solve(
        lambda x: matmul(a, x),
        right,
        lambda _, y: cho_solve(factors, y),
        lambda _, y: conj(cho_solve(factors, conj(y))),
    )
    return reshape(x, x.shape[:-1]) if vector else x


_TRANSPOSES = {0: (False, False), "N": (False, False), 1: (True, False), "T": (True, False), 2: (True, True),
               "C": (True, True)}  # fmt: skip


def solve_triangular(
    a: Any, b: Any, trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False, overwrite_b: bool = False,
    debug: Any = None, check_finite: bool = True,
) -> Any:  # fmt: skip
    """The ``x`` with a x = b for triangular ``a`` [..., n, n]; ``b`` is a vector [n] or [..., n, m].

    trans: 0 or "N": ``a``; 1 or "T": its transpose; 2 or "C": its conjugate transpose. Batch axes broadcast.
    Raises ValueError for another trans and for shapes that do not fit.
    """
    if trans not in _TRANSPOSES:
        raise value_error(f"trans of solve_triangular is 0, 1, 2, 'N', 'T' or 'C', not {trans!r}")
    a, b = floats(a, b)
    square("solve_triangular", a)
    vector = b.ndim == 1
    right = expand_dims(b, (1,)) if vector else b
    lead = np.broadcast_shapes(a.shape[:-2], right.shape[:-2])
    transpose_a, conjugate_a = _TRANSPOSES[trans]
    x = triangular_solve(
        broadcast_to(a, (*lead, *a.shape[-2:])), broadcast_to(right, (*lead, *right.shape[-2:])), left_side=True,
        lower=lower, transpose_a=transpose_a, conjugate_a=conjugate_a, unit_diagonal=unit_diagonal,
    )  # fmt: skip
    return reshape(x, x.shape[:-1]) if vector else x


def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The inverse of square matrices."""
    return _linalg_solve.inv(a)


def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The determinant of square matrices."""
    return _linalg_solve.det(a)


# --- triangular factors -----------------------------------------------------------------------------------------------


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    """Both factors in one matrix, and the row swaps, for :func:`lu_solve`."""
    factors, pivots, _ = _lu.lu(floats(a)[0])
    return factors, pivots


def lu_solve(
    lu_and_piv: tuple[Any, Any], b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """The ``x`` with a x = b from what :func:`lu_factor` made of ``a``; trans: 1 transposed, 2 conjugated as well."""
    factors, right = floats(lu_and_piv[0], b)
    order = _lu.lu_pivots_to_permutation(lu_and_piv[1], factors.shape[-1])
    return _lu.lu_solve(factors, order, right, trans)


def lu(a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """``p``, ``l``, ``u`` with ``a == p @ l @ u``: a permutation, unit lower, upper triangular; permute_l: p l, u."""
    (a,) = floats(a)
    factors, _, order = _lu.lu(a)
    n, m = a.shape[-2:]
    k = min(n, m)
    rank = a.ndim - 2
    p = cast(e.eq(expand_dims(order, (rank,)), Array(np.arange(n, dtype=np.int32).reshape((1,) * rank + (n, 1)))),
             a.dtype)  # fmt: skip
    lower = tril(slice_in_dim(factors, 0, k, rank + 1), -1)
    lower = e.add(lower, mask(broadcast_to(np.ones((n, k), a.dtype), lower.shape), np.eye(n, k, dtype=bool)))
    upper = triu(slice_in_dim(factors, 0, k, rank))
    return (matmul(p, lower), upper) if permute_l else (p, lower, upper)


def qr(
    a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full", pivoting: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """``q`` and ``r``, and the order of the columns if pivoting; mode full, economic, or r (without ``q``).

    Raises ValueError for another mode.
    """
    if mode not in ("full", "economic", "r"):
        raise value_error(f"the mode of qr is full, economic or r, not {mode!r}")
    out = _qr.qr(floats(a)[0], pivoting=pivoting, full_matrices=mode != "economic")
    return tuple(out[1:]) if mode == "r" else tuple(out)


# --- eigenvalues and singular values ----------------------------------------------------------------------------------


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False, check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:  # fmt: skip
    """``u``, ``s``, ``vh``, or ``s`` alone."""
    out = _linalg_factors.svd(a, full_matrices, compute_uv)
    return tuple(out) if compute_uv else out


def eigh(
    a: Any, b: Any = None, lower: bool = True, eigvals_only: bool = False, overwrite_a: bool = False,
    overwrite_b: bool = False, turbo: bool = True, eigvals: None = None, type: int = 1, check_finite: bool = True,
) -> Any:  # fmt: skip
    """Eigenvalues, ascending, and eigenvectors of a v = w v, or with positive definite ``b`` of a v = w b v.

    Raises NotImplementedError for another type than 1 and for eigvals.
    """
    if type != 1 or eigvals is not None:
        raise unsupported("scipy.linalg.eigh: only type=1 and eigvals=None are supported")
    if b is None:
        vectors, values = _eigh.eigh(floats(a)[0], lower=lower)
        return values if eigvals_only else (values, vectors)
    a, b = floats(a, b)
    factor = _cholesky.cholesky(b)
    half = triangular_solve(factor, a, left_side=True, lower=True)
    reduced = triangular_solve(factor, half, lower=True, transpose_a=True, conjugate_a=True)
    vectors, values = _eigh.eigh(reduced, lower=lower)
    if eigvals_only:
        return values
    turned = triangular_solve(factor, vectors, left_side=True, lower=True, transpose_a=True, conjugate_a=True)
    return values, turned


def eigh_tridiagonal(
    d: Any, e: Any, *, eigvals_only: bool = False, select: str = "a", select_range: tuple[int, int] | None = None,
    tol: float | None = None,
) -> Any:  # fmt: skip
    """Eigenvalues, ascending, and eigenvectors of the Hermitian matrix with diagonal ``d`` and off-diagonal ``e``.

    select: a (all) or i (those from the first to the last place of select_range, both included).
    Raises NotImplementedError for another select, ValueError for shapes that do not fit.
    """
    d, off = floats(d, e)
    n = d.shape[-1] if d.ndim == 1 else 0
    if not n or off.shape != (n - 1,):
        raise value_error(f"eigh_tridiagonal needs vectors of sizes n and n - 1, got {type_of(d)} and {type_of(off)}")
    if select not in ("a", "i"):
        raise unsupported(f"eigh_tridiagonal with select={select!r}: only 'a' and 'i' are supported")
    first, last = (0, n - 1) if select == "a" or select_range is None else select_range
    below = mask(broadcast_to(expand_dims(pad(off, d.dtype.type(0), [(0, 1, 0)]), (0,)), (n, n)), np.eye(n, k=-1) > 0)
    middle = mask(broadcast_to(expand_dims(d, (0,)), (n, n)), np.eye(n, dtype=bool))
    vectors, values = _eigh.eigh(middle + below + mH(below), lower=True)
    values = slice_in_dim(values, first, last + 1, 0)
    return values if eigvals_only else (values, slice_in_dim(vectors, first, last + 1, 1))


def schur(a: Any, output: str = "real") -> tuple[Any, Any]:
    """``t`` and unitary ``z`` with ``a == z @ t @ z.mH``; output complex: ``t`` is triangular for real matrices, too.

    Raises ValueError for another output. It has no derivative.
    """
    if output not in ("real", "complex"):
        raise value_error(f"the output of schur is real or complex, not {output!r}")
    (a,) = floats(a)
    t, z = _schur.schur(cast(a, complex_dtype(a.dtype)) if output == "complex" else a)
    return t, z


def rsf2csf(T: Any, Z: Any, check_finite: bool = True) -> tuple[Any, Any]:  # noqa: N803 - SciPy's names
    """The complex Schur form from a real one. Raises ValueError for shapes that differ."""
    t, z = square("rsf2csf", T, Z)
    if t.shape != z.shape:
        raise value_error(f"rsf2csf needs two matrices of one shape, got {type_of(t)} and {type_of(z)}")
    dtype = complex_dtype(t.dtype)
    upper, turn = _schur.schur(cast(t, dtype))
    return upper, matmul(cast(z, dtype), turn)


def hessenberg(a: Any, *, calc_q: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """``h`` with zeros below the first subdiagonal, and for calc_q unitary ``q`` with ``a == q @ h @ q.mH``.

    It has no derivative.
    """
    (a,) = square("hessenberg", a)
    packed, taus = _hessenberg.hessenberg(a)
    h = triu(packed, -1)
    if not calc_q:
        return h
    n = a.shape[-1]
    if n < 2:
        return h, Array(np.array(eye(n, a.dtype, a.shape[:-2])))
    q = _qr.householder_product(packed[..., 1:, :-1], taus)
    config = [*[(0, 0, 0)] * (a.ndim - 2), (1, 0, 0), (1, 0, 0)]
    corner = np.zeros((n, n), a.dtype)
    corner[0, 0] = 1
    return h, pad(q, a.dtype.type(0), config) + corner


def qr_multiply(
    a: Any, c: Any, mode: str = "right", pivoting: bool = False, conjugate: bool = False, overwrite_a: bool = False,
    overwrite_c: bool = False,
) -> Any:  # fmt: skip
    """``c @ q`` (mode right) or ``q @ c`` (left), and ``r``, of the economic :func:`qr` of ``a``.

    pivoting: the order of the columns, too. conjugate: with conj(q). A vector ``c`` is a row or a column.
    Raises ValueError for another mode.
    """
    if mode not in ("left", "right"):
        raise value_error(f"the mode of qr_multiply is left or right, not {mode!r}")
    a, c = floats(a, c)
    if not c.ndim:
        raise type_error("qr_multiply needs a vector or matrices")
    q, r, *order = _qr.qr(a, pivoting=pivoting, full_matrices=False)
    q = conj(q) if conjugate else q
    vector = c.ndim == 1
    wide = expand_dims(c, (0 if mode == "right" else 1,)) if vector else c
    out = matmul(wide, q) if mode == "right" else matmul(q, wide)
    return (reshape(out, (out.size,)) if vector else out, r, *order)


__all__ = [
    "block_diag", "cho_factor", "cho_solve", "cholesky", "circulant", "companion", "convolution_matrix", "det", "dft",
    "eigh", "eigh_tridiagonal", "expm", "expm_frechet", "fiedler", "fiedler_companion", "funm", "hadamard", "hankel",
    "helmert", "hessenberg", "hilbert", "inv", "invhilbert", "invpascal", "leslie", "lu", "lu_factor", "lu_solve",
    "pascal", "polar", "qr", "qr_multiply", "rsf2csf", "schur", "solve", "solve_sylvester", "solve_triangular", "sqrtm",
    "svd", "toeplitz",
]  # fmt: skip
