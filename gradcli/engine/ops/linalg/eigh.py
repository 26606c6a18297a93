"""eigh: eigenvalues and eigenvectors of Hermitian matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.linalg.matrices import (
    batch_matrices,
    diagonal,
    each_matrix,
    matmul,
    matrix_type,
    mH,
    real,
    real_of,
    reciprocal_differences,
    symmetrize,
)
from gradcli.engine.ops.shape import bad_shape
from gradcli.engine.trace.tracer import bind

Subset = tuple[int, int] | None


def eigh(
    x: Any, *, lower: bool = True, symmetrize_input: bool = True, sort_eigenvalues: bool = True,
    subset_by_index: Subset = None, implementation: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Eigenvectors (columns) [..., n, n] and eigenvalues [..., n], ascending, of Hermitian matrices.

    symmetrize_input: the Hermitian part of ``x`` is meant; else only one triangle is read, as ``lower`` says.
    subset_by_index: only the eigenvalues from that place up to (not with) the other. ``sort_eigenvalues=False`` allows
    another order, ``implementation`` another method; neither changes anything here.
    Raises TypeError for matrices that are not square or not of floats. The derivative of an eigenvector is infinite
    or nan where eigenvalues are equal.

    >>> vectors, values = eigh(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> print(values)
    [1. 3.]
    """
    if symmetrize_input:
        x = symmetrize(x)
    vectors, values = bind(
        eigh_p, x, lower=lower, sort_eigenvalues=sort_eigenvalues, subset_by_index=subset_by_index,
        algorithm=implementation,
    )  # fmt: skip
    return vectors, values


def _type(x: ArrayType, *, subset_by_index: Subset, **_: Any) -> list[ArrayType]:
    lead, n, _m = matrix_type("eigh", x, square=True)
    first, last = subset_by_index or (0, n)
    if not 0 <= first <= last <= n:
        raise bad_shape(f"subset_by_index {subset_by_index} of eigh does not fit {x}")
    return [x.strong().with_shape((*lead, n, last - first)), real_of(x, (*lead, last - first))]


def _impl(x: Any, *, lower: bool, subset_by_index: Subset, **_: Any) -> list[Any]:
    def run(a: Any) -> tuple[Any, ...]:
        return np.linalg.eigh(a, "L" if lower else "U")[::-1]

    read = np.tril(x) if lower else np.triu(x)
    lost = ~np.all(np.isfinite(read), (-2, -1))[..., None]  # LAPACK returns anything for these
    if lost.any():
        vectors, values = each_matrix(run, np.where(lost[..., None], x.dtype.type(0), x))
        values = np.where(lost, values.dtype.type(np.nan), values)
        vectors = np.where(lost[..., None], x.dtype.type(np.nan), vectors)
    else:
        vectors, values = each_matrix(run, x)
    first, last = subset_by_index or (0, x.shape[-1])
    return [vectors[..., first:last], values[..., first:last]]


def _jvp(primals: Any, tangents: Any, *, subset_by_index: Subset, **params: Any) -> tuple[list[Any], list[Any]]:
    """w' = diag(v^H a' v), v' = v (f * v^H a' v) with f_ij = 1 / (w_j - w_i) off the diagonal (Giles 2008, 3.1)."""
    if subset_by_index not in (None, (0, type_of(primals[0]).shape[-1])):
        raise fail("G203", "eigh with subset_by_index has no derivative", cls=NotImplementedError,
                   hint="the derivative needs all eigenvalues: leave subset_by_index out")  # fmt: skip
    vectors, values = bind(eigh_p, symmetrize(primals[0]), subset_by_index=subset_by_index, **params)
    inner = matmul(matmul(mH(vectors), tangents[0]), vectors)
    turn = e.mul(reciprocal_differences(values, type_of(inner).dtype), inner)
    return [vectors, values], [matmul(vectors, turn), diagonal(real(inner))]


eigh_p = Primitive(
    "eigh", type_rule=_type, impl=_impl, jvp=_jvp, batch=batch_matrices("eigh"), multiple=True, family="linalg"
)
