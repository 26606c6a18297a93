"""Products with the factors of other families: ormqr, symmetric_product, cholesky_update; no new primitives."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.linalg.matrices import (
    as_column,
    conj,
    diagonal,
    matmul,
    matrix_type,
    mH,
    mT,
    scaled,
    tril,
)
from gradcli.engine.ops.linalg.qr import qr
from gradcli.engine.ops.shape import bad_shape, expand_dims


def ormqr(a: Any, taus: Any, c: Any, *, left: bool = True, transpose: bool = False) -> Any:
    """``q @ c``, or ``c @ q`` (not left), for the square ``q`` whose reflectors geqrf stored in ``a`` and ``taus``.

    a: [..., n, m], taus: [..., k], c: [..., n, p] (left) or [..., p, n]. transpose: ``q.mH`` in place of ``q``.
    Raises TypeError for shapes that do not fit.
    """
    lead, n, m = matrix_type("ormqr", type_of(a))
    k = type_of(taus).shape[-1]
    shape = type_of(c).shape
    if shape[:-2] != lead or len(shape) < 2 or shape[-2 if left else -1] != n or k > min(n, m):
        raise bad_shape(f"ormqr of {type_of(a)}, {type_of(taus)} and {type_of(c)}: shapes do not fit")
    columns = slice_in_dim(a, 0, k, len(lead) + 1)
    vectors = e.add(tril(columns, -1), _diagonal_of_ones(type_of(columns)))
    factors = conj(taus) if transpose else taus
    for i in reversed(range(k)) if left != transpose else range(k):
        v = slice_in_dim(vectors, i, i + 1, len(lead) + 1)
        tau = as_column(slice_in_dim(factors, i, i + 1, len(lead)))
        reflected = matmul(v, matmul(mH(v), c)) if left else matmul(matmul(c, v), mH(v))
        c = e.sub(c, e.mul(tau, reflected))
    return c


def _diagonal_of_ones(t: Any) -> Any:
    """Ones on the diagonals of matrices of a type, zeros elsewhere."""
    return np.broadcast_to(np.eye(*t.shape[-2:], dtype=t.dtype), t.shape)


def symmetric_product(
    a_matrix: Any, c_matrix: Any, *, alpha: float = 1.0, beta: float = 0.0, symmetrize_output: bool = False
) -> Any:
    """``alpha * a @ a.mT + beta * c`` for ``a`` [..., n, m] and symmetric ``c`` [..., n, n].

    symmetrize_output: the lower triangle is repeated above, which here is what is computed anyway up to rounding.
    """
    out = e.add(scaled(matmul(a_matrix, mT(a_matrix)), alpha), scaled(c_matrix, beta))
    return e.add(tril(out), mT(tril(out, -1))) if symmetrize_output else out


def cholesky_update(r_matrix: Any, w_vector: Any) -> Any:
    """The upper triangular ``u`` with ``u.mT @ u == r.mT @ r + outer(w, w)``, for real upper triangular ``r`` [n, n].

    It is the triangular factor of ``r`` with ``w`` as one more row (Golub & Van Loan 2013, section 6.5.4).
    Raises TypeError for shapes that do not fit.
    """
    t = type_of(r_matrix)
    matrix_type("cholesky_update", t, square=True)
    if t.ndim != 2 or type_of(w_vector).shape != t.shape[:1] or t.dtype.kind == "c":
        raise bad_shape(f"cholesky_update needs a real matrix [n, n] and a vector [n], got {t} and {type_of(w_vector)}")
    factor = qr(concatenate((r_matrix, expand_dims(w_vector, (0,))), 0), full_matrices=False)[1]
    return e.mul(as_column(e.sign(diagonal(factor))), factor)
