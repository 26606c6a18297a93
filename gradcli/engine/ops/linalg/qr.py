"""qr: an orthonormal basis of the columns and a triangular matrix; geqrf and householder_product, its two halves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import INT32, ArrayType, array_type
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.linalg.lu import lu, lu_solve
from gradcli.engine.ops.linalg.matrices import (
    as_column,
    batch_matrices,
    diagonal,
    eye,
    matmul,
    matrix_type,
    mH,
    mT,
    take_rows,
    to_diagonal,
    tril,
)
from gradcli.engine.ops.linalg.triangular import triangular_solve
from gradcli.engine.ops.shape import bad_shape, zeros
from gradcli.engine.trace.tracer import bind


def qr(x: Any, *, pivoting: bool = False, full_matrices: bool = True, use_magma: bool | None = None) -> Any:
    """``q`` with orthonormal columns and upper triangular ``r`` with ``x == q @ r``, for ``x`` [..., n, m].

    full_matrices: ``q`` is [..., n, n] and ``r`` [..., n, m]; else both are cut to min(n, m). pivoting: also the
    places [..., m] (int32) of the columns in the order that makes the diagonal of ``r`` fall: x[:, p] == q @ r.
    ``use_magma`` has no effect. Raises TypeError for arrays that are no matrices of floats.

    >>> q, r = qr(np.array([[3.0], [4.0]]), full_matrices=False)
    >>> print(abs(r))
    [[5.]]
    """
    q, r, *p = bind(qr_p, x, pivoting=bool(pivoting), full_matrices=bool(full_matrices), use_magma=use_magma)
    return (q, r, p[0]) if pivoting else (q, r)


def _type(x: ArrayType, *, pivoting: bool, full_matrices: bool, use_magma: bool | None) -> list[ArrayType]:
    lead, n, m = matrix_type("qr", x)
    k = n if full_matrices else min(n, m)
    out = [x.strong().with_shape((*lead, n, k)), x.strong().with_shape((*lead, k, m))]
    return [*out, array_type((*lead, m), INT32)] if pivoting else out


def _impl(x: Any, *, pivoting: bool, full_matrices: bool, use_magma: bool | None) -> list[Any]:
    mode: Any = "complete" if full_matrices else "reduced"
    if not pivoting:
        return [*np.linalg.qr(x, mode)]
    flat = x.reshape(math.prod(x.shape[:-2]), *x.shape[-2:])
    order = np.stack([_falling(a) for a in flat]) if len(flat) else np.zeros((0, x.shape[-1]), INT32)
    order = order.reshape(*x.shape[:-2], x.shape[-1])
    return [*np.linalg.qr(np.take_along_axis(x, order[..., None, :], -1), mode), order]


def _falling(a: Any) -> Any:
    """The order in which each next column is the one with the most left after projection (Businger & Golub 1965)."""
    a = a.copy()
    order = np.arange(a.shape[1], dtype=INT32)
    for j in range(min(a.shape)):
        left = np.linalg.norm(a[:, j:], axis=0)
        k = j + int(left.argmax())
        a[:, [j, k]], order[[j, k]] = a[:, [k, j]], order[[k, j]]
        size = np.linalg.norm(a[:, j])
        if size == 0 or not np.isfinite(size):
            break
        unit = a[:, j] / size
        for _ in range(2):  # once more removes what rounding left
            a[:, j + 1 :] -= np.outer(unit, unit.conj() @ a[:, j + 1 :])
    return order


def _jvp(primals: Any, tangents: Any, *, pivoting: bool, full_matrices: bool, use_magma: bool | None) -> Any:
    x, change = primals[0], tangents[0]
    q, r, *p = bind(qr_p, x, pivoting=pivoting, full_matrices=full_matrices, use_magma=use_magma)
    n, m = type_of(x).shape[-2:]
    if pivoting:
        x, change = (mT(take_rows(mT(v), p[0])) for v in (x, change))
    if n < m:
        q_dot, r_dot = _wide(q, r, x, change)
    elif n == m or not full_matrices:
        q_dot, r_dot = _thin(q, r, change)
    else:
        q_dot, r_dot = _complete(q, r, change)
    return [q, r, *p], [q_dot, r_dot, *[None] * len(p)]


def _columns(x: Any, first: int, last: int) -> Any:
    return slice_in_dim(x, first, last, type_of(x).ndim - 1)


def _row_range(x: Any, first: int, last: int) -> Any:
    return slice_in_dim(x, first, last, type_of(x).ndim - 2)


def _thin(q: Any, r: Any, change: Any) -> tuple[Any, Any]:
    """With c = q^H x' r^-1: q' = q (k - c) + x' r^-1 and r' = (c - k) r (Walter & Lehmann 2010, section 3).

    k is skew-Hermitian and makes r' upper triangular with a real diagonal: its lower triangle is that of c, its
    diagonal i Im c.
    """
    solved = triangular_solve(r, change)
    inner = matmul(mH(q), solved)
    below = tril(inner, -1)
    skew = e.sub(below, mH(below))
    if type_of(skew).dtype.kind == "c":
        phases = e.imag(diagonal(inner))
        skew = e.add(skew, to_diagonal(e.complex(e.mul(phases, type_of(phases).dtype.type(0)), phases)))
    rest = e.sub(inner, skew)
    return e.sub(solved, matmul(q, rest)), matmul(rest, r)


def _wide(q: Any, r: Any, x: Any, change: Any) -> tuple[Any, Any]:
    """More columns than rows: q and the square part of r belong to the first columns, the others are q^H x."""
    n, m = type_of(x).shape[-2:]
    q_dot, r_dot = _thin(q, _columns(r, 0, n), _columns(change, 0, n))
    rest = e.add(matmul(mH(q_dot), _columns(x, n, m)), matmul(mH(q), _columns(change, n, m)))
    return q_dot, concatenate((r_dot, rest), type_of(r_dot).ndim - 1)


def _complete(q: Any, r: Any, change: Any) -> tuple[Any, Any]:
    """More rows than columns, q square: its other columns move as Householder reflectors make them.

    The first columns [a; b] determine them, through z = b (a - 1)^-1 (arXiv:2409.13374, equations 32 and 33).
    """
    n = type_of(q).shape[-1]
    m = type_of(r).shape[-1]
    q1, q2 = _columns(q, 0, m), _columns(q, m, n)
    q_dot, r_dot = _thin(q1, _row_range(r, 0, m), change)
    top, bottom = _row_range(q1, 0, m), _row_range(q1, m, n)
    one = eye(m, type_of(q).dtype, type_of(q).shape[:-2])
    factors, _, permutation = lu(e.sub(top, one))
    z_h = lu_solve(factors, permutation, mH(bottom), trans=2)
    moved = e.sub(_row_range(q_dot, m, n), matmul(mH(z_h), _row_range(q_dot, 0, m)))
    other = e.sub(matmul(q_dot, z_h), matmul(e.add(q1, matmul(q2, mH(z_h))), mH(moved)))
    t = type_of(r_dot)
    below = zeros(t.with_shape((*t.shape[:-2], n - m, m)))
    return concatenate((q_dot, other), t.ndim - 1), concatenate((r_dot, below), t.ndim - 2)


qr_p = Primitive(
    "qr", type_rule=_type, impl=_impl, jvp=_jvp, batch=batch_matrices("qr"), multiple=True, family="linalg"
)


# --- the two halves ---------------------------------------------------------------------------------------------------


def geqrf(a: Any) -> tuple[Any, Any]:
    """The QR factorisation as LAPACK leaves it: ``r`` above reflectors in [..., n, m], and taus [..., min(n, m)]."""
    packed, taus = bind(geqrf_p, a)
    return packed, taus


def _geqrf_type(x: ArrayType) -> list[ArrayType]:
    lead, n, m = matrix_type("geqrf", x)
    return [x.strong(), x.strong().with_shape((*lead, min(n, m)))]


def _geqrf_impl(x: Any) -> list[Any]:
    packed, taus = np.linalg.qr(x, "raw")
    return [packed.swapaxes(-1, -2).astype(x.dtype), taus.astype(x.dtype)]


geqrf_p = Primitive(
    "geqrf", type_rule=_geqrf_type, impl=_geqrf_impl, batch=batch_matrices("geqrf"), multiple=True, family="linalg"
)


def householder_product(a: Any, taus: Any) -> Any:
    """The first m columns of the product of reflectors 1 - tau v v^H, as geqrf and hessenberg store them.

    a: [..., n, m] with ``v`` below the diagonal (and 1 on it), taus: [..., k], k <= m <= n.
    Raises TypeError for shapes that do not fit.
    """
    return bind(householder_product_p, a, taus)


def _householder_type(a: ArrayType, taus: ArrayType) -> ArrayType:
    lead, n, m = matrix_type("householder_product", a)
    if taus.dtype != a.dtype or taus.shape[:-1] != lead or not taus.ndim or not taus.shape[-1] <= m <= n:
        raise bad_shape(f"householder_product of {a} and {taus}: shapes or dtypes do not fit",
                        "it needs a [..., n, m] and taus [..., k] with k <= m <= n")  # fmt: skip
    return a.strong()


def _householder_impl(a: Any, taus: Any) -> Any:
    out = np.broadcast_to(np.eye(*a.shape[-2:], dtype=a.dtype), a.shape).copy()
    for j in reversed(range(taus.shape[-1])):
        v = a[..., j:, j].copy()
        v[..., 0] = 1
        part = out[..., j:, j:]
        part -= taus[..., j, None, None] * v[..., :, None] * (v.conj()[..., None, :] @ part)
    return out


def _householder_batch(size: int, args: Any, dims: Any) -> Any:
    return batch_matrices("householder_product")(size, args, dims)


def _householder_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The product rule, reflector by reflector: out - tau v (v^H out), where the ones in v do not move."""
    (a, taus), (a_dot, taus_dot) = primals, tangents
    t, k = type_of(a), type_of(taus).shape[-1]
    axis = t.ndim - 1
    ones = np.broadcast_to(np.eye(*t.shape[-2:], dtype=t.dtype), t.shape)
    vectors = e.add(tril(a, -1), ones)
    turns = None if a_dot is None else tril(a_dot, -1)
    out, tangent = ones, zeros(t.strong())
    for i in reversed(range(k)):
        v, tau = slice_in_dim(vectors, i, i + 1, axis), as_column(slice_in_dim(taus, i, i + 1, axis - 1))
        seen = matmul(mH(v), out)
        terms = [matmul(v, e.mul(tau, matmul(mH(v), tangent)))]
        if turns is not None:
            dv = slice_in_dim(turns, i, i + 1, axis)
            terms += [matmul(dv, e.mul(tau, seen)), matmul(v, e.mul(tau, matmul(mH(dv), out)))]
        if taus_dot is not None:
            terms.append(matmul(v, e.mul(as_column(slice_in_dim(taus_dot, i, i + 1, axis - 1)), seen)))
        out = e.sub(out, matmul(v, e.mul(tau, seen)))
        for term in terms:
            tangent = e.sub(tangent, term)
    return householder_product(a, taus), tangent


householder_product_p = Primitive(
    "householder_product", type_rule=_householder_type, impl=_householder_impl, jvp=_householder_jvp,
    batch=_householder_batch, family="linalg",
)  # fmt: skip
