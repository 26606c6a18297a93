"""svd: singular values and vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.linalg.matrices import (
    as_column,
    as_row,
    batch_matrices,
    cast,
    diagonal,
    each_matrix,
    eye,
    matmul,
    matrix_type,
    mH,
    real,
    real_of,
    scaled,
    to_diagonal,
)
from gradcli.engine.ops.shape import bad_shape
from gradcli.engine.trace.tracer import bind

Subset = tuple[int, int] | None


def svd(
    x: Any, *, full_matrices: bool = True, compute_uv: bool = True, subset_by_index: Subset = None,
    algorithm: Any = None,
) -> Any:  # fmt: skip
    """``u``, ``s``, ``vh`` with ``x == u * s @ vh``, ``s`` descending and not negative; only ``s`` for not compute_uv.

    x: [..., n, m]. full_matrices: ``u`` and ``vh`` square; they have a derivative for square ``x`` only.
    subset_by_index: only the singular values from that place up to (not with) the other. ``algorithm`` is accepted.
    Raises TypeError for arrays that are no matrices of floats. The derivatives of singular vectors are infinite or nan
    where singular values are equal.

    >>> print(svd(np.array([[3.0, 0.0], [0.0, 4.0]]), compute_uv=False))
    [4. 3.]
    """
    out = bind(
        svd_p, x, full_matrices=full_matrices, compute_uv=compute_uv, subset_by_index=subset_by_index,
        algorithm=algorithm,
    )  # fmt: skip
    if not compute_uv:
        return out[0]
    s, u, vh = out
    return u, s, vh


def _type(x: ArrayType, *, full_matrices: bool, compute_uv: bool, subset_by_index: Subset, **_: Any) -> list[ArrayType]:
    lead, n, m = matrix_type("svd", x)
    k = min(n, m)
    first, last = subset_by_index or (0, k)
    if not 0 <= first <= last <= k or (full_matrices and compute_uv and (first, last) != (0, k)):
        raise bad_shape(f"subset_by_index {subset_by_index} of svd does not fit {x}",
                        "full_matrices=True needs all singular values")  # fmt: skip
    s = real_of(x, (*lead, last - first))
    if not compute_uv:
        return [s]
    rows, columns = (n, m) if full_matrices else (last - first, last - first)
    return [s, x.strong().with_shape((*lead, n, rows)), x.strong().with_shape((*lead, columns, m))]


def _impl(x: Any, *, full_matrices: bool, compute_uv: bool, subset_by_index: Subset, **_: Any) -> list[Any]:
    first, last = subset_by_index or (0, min(x.shape[-2:]))
    if not compute_uv:
        return [each_matrix(lambda a: (np.linalg.svd(a, compute_uv=False),), x)[0][..., first:last]]
    u, s, vh = each_matrix(lambda a: tuple(np.linalg.svd(a, full_matrices)), x)
    if full_matrices:
        return [s, u, vh]
    return [s[..., first:last], u[..., first:last], vh[..., first:last, :]]


def _jvp(
    primals: Any, tangents: Any, *, full_matrices: bool, compute_uv: bool, subset_by_index: Subset, **params: Any
) -> tuple[list[Any], list[Any]]:
    """s' = diag(u^H a' v); the vectors as for eigh of a^H a and a a^H (Giles 2008, 3.2; Walter & Lehmann 2010)."""
    a, a_dot = primals[0], tangents[0]
    n, m = type_of(a).shape[-2:]
    if subset_by_index not in (None, (0, min(n, m))):
        raise fail("G203", "svd with subset_by_index has no derivative", cls=NotImplementedError,
                   hint="the derivative needs all singular values: leave subset_by_index out")  # fmt: skip
    if compute_uv and full_matrices and n != m:
        raise fail("G203", "svd with full_matrices=True of matrices that are not square has no derivative",
                   hint="the additional vectors are not determined: use full_matrices=False",
                   cls=NotImplementedError)  # fmt: skip
    s, u, vh = bind(svd_p, a, full_matrices=False, compute_uv=True, subset_by_index=subset_by_index, **params)
    inner = matmul(matmul(mH(u), a_dot), mH(vh))
    s_dot = diagonal(real(inner))
    if not compute_uv:
        return [s], [s_dot]
    u_dot, v_dot = _vectors(s, u, vh, a_dot, inner)
    return [s, u, vh], [s_dot, u_dot, mH(v_dot)]


def _vectors(s: Any, u: Any, vh: Any, a_dot: Any, inner: Any) -> tuple[Any, Any]:
    """The tangents of the left and right singular vectors; ``inner`` is u^H a' v."""
    dtype = type_of(inner).dtype
    n, m = type_of(u).shape[-2], type_of(vh).shape[-1]
    one = eye(type_of(s).shape[-1], type_of(s).dtype, (1,) * (type_of(s).ndim - 1))
    row, column = as_row(s), as_column(s)
    gaps = e.mul(e.add(row, column), e.sub(row, column))
    weights = cast(e.sub(e.integer_pow(e.add(gaps, one), -1), one), dtype)
    right, left = e.mul(cast(row, dtype), inner), e.mul(cast(column, dtype), inner)
    u_dot = matmul(u, e.add(e.mul(weights, e.add(right, mH(right))), _phases(s, inner)))
    v_dot = matmul(mH(vh), e.mul(weights, e.add(left, mH(left))))
    if n > m:
        moved = matmul(a_dot, mH(vh))
        u_dot = e.add(u_dot, e.div(e.sub(moved, matmul(u, matmul(mH(u), moved))), cast(row, dtype)))
    if m > n:
        moved = matmul(mH(a_dot), u)
        v_dot = e.add(v_dot, e.div(e.sub(moved, matmul(mH(vh), matmul(vh, moved))), cast(row, dtype)))
    return u_dot, v_dot


def _phases(s: Any, inner: Any) -> Any:
    """What turns left vectors alone: the skew diagonal of u^H a' v over s; nothing where s is 0, or for real ones."""
    dtype = type_of(inner).dtype
    zero = e.convert_element_type(e.eq(s, type_of(s).dtype.type(0)), type_of(s).dtype)
    inverse = e.sub(e.integer_pow(e.add(s, zero), -1), zero)
    return e.mul(scaled(e.sub(inner, mH(inner)), 0.5), cast(to_diagonal(inverse), dtype))


svd_p = Primitive(
    "svd", type_rule=_type, impl=_impl, jvp=_jvp, batch=batch_matrices("svd"), multiple=True, family="linalg"
)
