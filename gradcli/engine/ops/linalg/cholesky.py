"""cholesky: the lower triangular factor of a Hermitian positive definite matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.linalg.matrices import (
    batch_matrices,
    diagonal,
    each_matrix,
    matmul,
    matrix_type,
    scaled,
    symmetrize,
    to_diagonal,
    tril,
)
from gradcli.engine.ops.linalg.triangular import triangular_solve
from gradcli.engine.trace.tracer import bind


def cholesky(x: Any, *, symmetrize_input: bool = True) -> Any:
    """The lower triangular ``l`` with ``l @ l.mH == x`` for positive definite ``x`` [..., n, n]; else nan.

    symmetrize_input: the Hermitian part of ``x`` is meant; else only the lower triangle is read.
    Raises TypeError for matrices that are not square or not of floats.

    >>> print(cholesky(np.array([[4.0, 2.0], [2.0, 5.0]])))
    [[2. 0.]
     [1. 2.]]
    """
    if symmetrize_input:
        x = symmetrize(x)
    return tril(bind(cholesky_p, x))


def _type(x: ArrayType) -> ArrayType:
    matrix_type("cholesky", x, square=True)
    return x.strong()


def _impl(x: Any) -> Any:
    return each_matrix(lambda a: (np.linalg.cholesky(a),), x)[0]


def _jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """l' = l phi(l^-1 x' l^-H), phi: the lower triangle with the diagonal halved (Murray 2016, arXiv:1602.07527)."""
    factor = tril(bind(cholesky_p, primals[0]))
    right = triangular_solve(factor, tangents[0], lower=True, transpose_a=True, conjugate_a=True)
    inner = triangular_solve(factor, right, left_side=True, lower=True)
    half = e.sub(tril(inner), to_diagonal(scaled(diagonal(inner), 0.5)))
    return factor, matmul(factor, half)


cholesky_p = Primitive(
    "cholesky", type_rule=_type, impl=_impl, jvp=_jvp, batch=batch_matrices("cholesky"), family="linalg"
)
