"""hessenberg: the unitary similarity to a matrix with zeros below the first subdiagonal; tridiagonal, where it is
symmetric."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import slice_in_dim
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.linalg.matrices import batch_matrices, diagonal, matrix_type, mH, to_diagonal, tril
from gradcli.engine.ops.shape import rev
from gradcli.engine.trace.tracer import bind


def hessenberg(a: Any) -> tuple[Any, Any]:
    """``h`` in the upper triangle and the first subdiagonal, Householder reflectors below it, and taus [..., n - 1].

    ``householder_product`` of the reflectors gives the unitary matrix without its first row and column.
    Raises TypeError for matrices that are not square or not of floats. It has no derivative.
    """
    packed, taus = bind(hessenberg_p, a)
    return packed, taus


def _type(x: ArrayType) -> list[ArrayType]:
    lead, n, _m = matrix_type("hessenberg", x, square=True)
    return [x.strong(), x.strong().with_shape((*lead, max(n - 1, 0)))]


def _impl(x: Any) -> list[Any]:
    n = x.shape[-1]
    a = x.copy()
    taus = np.zeros((*x.shape[:-2], max(n - 1, 0)), x.dtype)
    for j in range(n - 1):
        v, tau, beta = reflector(a[..., j + 1 :, j])
        rest = a[..., j + 1 :, j + 1 :]
        rest -= np.conj(tau)[..., None, None] * v[..., :, None] * (v.conj()[..., None, :] @ rest)
        right = a[..., :, j + 1 :]
        right -= tau[..., None, None] * (right @ v[..., :, None]) * v.conj()[..., None, :]
        a[..., j + 1, j] = beta
        a[..., j + 2 :, j] = v[..., 1:]
        taus[..., j] = tau
    return [a, taus]


def reflector(x: Any) -> tuple[Any, Any, Any]:
    """``v`` (first component 1), ``tau`` and real ``beta`` with (1 - conj(tau) v v^H) x = beta e_1 (LAPACK's larfg)."""
    alpha, rest = x[..., 0], np.sum(np.abs(x[..., 1:]) ** 2, -1)
    size = np.sqrt(np.abs(alpha) ** 2 + rest)
    beta = np.where(alpha.real >= 0, -size, size)
    still = (rest == 0) & (alpha.imag == 0)
    beta = np.where(still, alpha.real, beta)
    safe = np.where(still, 1, beta)
    tau = np.where(still, 0, (beta - alpha) / safe).astype(x.dtype)
    v = x / np.where(still, 1, alpha - beta)[..., None].astype(x.dtype)
    v[..., 0] = 1
    v[..., 1:] = np.where(still[..., None], 0, v[..., 1:])
    return v.astype(x.dtype), tau, beta.astype(x.dtype)


hessenberg_p = Primitive(
    "hessenberg", type_rule=_type, impl=_impl, batch=batch_matrices("hessenberg"), multiple=True, family="linalg"
)


def tridiagonal(a: Any, *, lower: bool = True) -> tuple[Any, Any, Any, Any]:
    """A symmetric or Hermitian matrix reduced to tridiagonal form, of which one triangle alone is read.

    The packed matrix (the tridiagonal part, Householder reflectors beyond it, the other triangle as it was), the
    diagonal [..., n] and the subdiagonal [..., n - 1], both real, and the factors taus [..., n - 1] of the reflectors.
    Raises TypeError for matrices that are not square or not of floats. It has no derivative.
    """
    lead, n, _m = matrix_type("tridiagonal", type_of(a), square=True)
    axes = (len(lead), len(lead) + 1)
    if not lower:  # the last row and column come first
        packed, d, off, taus = tridiagonal(rev(a, axes))
        return rev(packed, axes), rev(d, axes[:1]), rev(off, axes[:1]), rev(taus, axes[:1])
    below = tril(a, -1)
    whole = e.add(e.add(below, mH(below)), to_diagonal(_real_part(diagonal(a))))
    packed, taus = hessenberg(whole)
    d, off = (e.real(x) if type_of(x).dtype.kind == "c" else x for x in _bands(packed, n, axes[1]))
    return e.add(tril(packed), e.sub(a, tril(a))), d, off, taus


def _real_part(x: Any) -> Any:
    return e.convert_element_type(e.real(x), type_of(x).dtype) if type_of(x).dtype.kind == "c" else x


def _bands(x: Any, n: int, axis: int) -> tuple[Any, Any]:
    """The diagonal and the first subdiagonal of square matrices."""
    below = slice_in_dim(slice_in_dim(x, min(n, 1), n, axis - 1), 0, max(n - 1, 0), axis)
    return diagonal(x), diagonal(below)
