"""schur: the unitary similarity to a triangular matrix, in blocks of two for real matrices. It has no derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.linalg.matrices import batch_matrices, matrix_type
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind


def schur(
    x: Any, *, compute_schur_vectors: bool = True, sort_eig_vals: bool = False,
    select_callable: Callable[..., Any] | None = None,
) -> list[Any]:  # fmt: skip
    """``t`` and, if asked for, unitary ``z`` with ``x == z @ t @ z.mH``.

    For complex matrices ``t`` is upper triangular; for real ones pairs of complex eigenvalues make blocks of two on the
    diagonal. The order of the eigenvalues is not specified, and the blocks of two are not put in a standard form.
    Raises TypeError for matrices that are not square or not of floats, NotImplementedError for sorting.
    """
    if sort_eig_vals:
        raise fail("G212", "schur cannot sort eigenvalues", location=user_location(), cls=NotImplementedError,
                   hint="sort_eig_vals=False")  # fmt: skip
    out: list[Any] = bind(
        schur_p, x, compute_schur_vectors=compute_schur_vectors, sort_eig_vals=False, select_callable=select_callable
    )
    return out


def _type(x: ArrayType, *, compute_schur_vectors: bool, **_: Any) -> list[ArrayType]:
    matrix_type("schur", x, square=True)
    return [x.strong()] * (1 + compute_schur_vectors)


def _impl(x: Any, *, compute_schur_vectors: bool, **_: Any) -> list[Any]:
    t, z = np.empty_like(x), np.empty_like(x)
    for place in np.ndindex(x.shape[:-2]):
        t[place], z[place] = triangularised(x[place])
    return [t, z][: 1 + compute_schur_vectors]


def triangularised(a: Any) -> tuple[Any, Any]:
    """The Schur form of one NumPy matrix: from all eigenvectors at once, or, where they are no basis, one by one."""
    n = a.shape[0]
    if not np.all(np.isfinite(a)):
        return np.full_like(a, np.nan), np.full_like(a, np.nan)
    z = np.linalg.qr(_invariant(a))[0]
    t = z.conj().T @ a @ z
    kept = np.tri(n, k=-1, dtype=bool)
    if a.dtype.kind == "f":
        kept &= ~_blocks(a)
    small = 8 * n * np.finfo(a.dtype).eps * np.linalg.norm(a)
    if np.linalg.norm(t[kept]) > small:
        t, z = _one_by_one(a)
    else:
        t[kept] = 0
    return t, z


def _invariant(a: Any) -> Any:
    """Columns of which the first k, for every k between blocks, span an invariant space."""
    values, vectors = np.linalg.eig(a)
    if a.dtype.kind == "c" or values.dtype.kind == "f":
        return vectors.astype(a.dtype)
    second = np.flatnonzero(values.imag > 0) + 1  # LAPACK puts conjugate ones next to each other, the upper one first
    out = vectors.real.copy()
    out[:, second] = vectors[:, second - 1].imag
    return out


def _blocks(a: Any) -> Any:
    """Where the blocks of two have their element below the diagonal."""
    values = np.linalg.eig(a)[0]
    out = np.zeros(a.shape, bool)
    first = np.flatnonzero(values.imag > 0)
    out[first + 1, first] = True
    return out


def _one_by_one(a: Any) -> tuple[Any, Any]:
    """An invariant space of one or two dimensions is brought to the front, then the same with what is left."""
    n = a.shape[0]
    t, z = a.copy(), np.eye(n, dtype=a.dtype)
    i = 0
    while i < n - 1:
        values, vectors = np.linalg.eig(t[i:, i:])
        k = int(np.abs(values.imag).argmin()) if a.dtype.kind == "f" else 0
        if a.dtype.kind == "f" and values[k].imag != 0:
            basis = np.stack([vectors[:, k].real, vectors[:, k].imag], 1)
        else:
            basis = vectors[:, [k]].astype(a.dtype) if a.dtype.kind == "c" else vectors[:, [k]].real
        q = np.linalg.qr(basis, "complete")[0].astype(a.dtype)
        t[i:] = q.conj().T @ t[i:]
        t[:, i:] = t[:, i:] @ q
        z[:, i:] = z[:, i:] @ q
        width = basis.shape[1]
        t[i + width :, i : i + width] = 0
        i += width
    return t, z


schur_p = Primitive("schur", type_rule=_type, impl=_impl, batch=batch_matrices("schur"), multiple=True, family="linalg")
