"""hessenberg: the unitary similarity to a matrix with zeros below the first subdiagonal."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.linalg.matrices import batch_matrices, matrix_type
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
