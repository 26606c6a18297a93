"""tridiagonal_solve: linear systems with three diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import pad, slice_in_dim
from gradcli.engine.ops.define import Primitive, is_linear
from gradcli.engine.ops.linalg.matrices import as_column, batch_matrices
from gradcli.engine.ops.shape import bad_shape
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind


def tridiagonal_solve(dl: Any, d: Any, du: Any, b: Any, *, perturb_singular: bool = False) -> Any:
    """The ``x`` with a x = b, where ``a`` has the diagonal ``d``, ``dl`` below and ``du`` above it.

    dl, d, du: [..., n]; ``dl[..., 0]`` and ``du[..., -1]`` are not read. b: [..., n, m]. Elimination is with partial
    pivoting; a singular matrix gives infinities and nan. Raises TypeError for shapes and dtypes that do not fit,
    NotImplementedError for perturb_singular.

    >>> one = np.ones(2)
    >>> print(tridiagonal_solve(one, 3 * one, one, np.array([[4.0], [4.0]])))
    [[1.]
     [1.]]
    """
    if perturb_singular:
        raise fail("G212", "tridiagonal_solve cannot perturb singular matrices", cls=NotImplementedError,
                   location=user_location(), hint="perturb_singular=False")  # fmt: skip
    return bind(tridiagonal_solve_p, dl, d, du, b, perturb_singular=False)


def _type(dl: ArrayType, d: ArrayType, du: ArrayType, b: ArrayType, perturb_singular: bool) -> ArrayType:
    if d.dtype.kind not in "fc" or any(t.dtype != d.dtype for t in (dl, du, b)):
        raise bad_shape(f"tridiagonal_solve requires one floating dtype, got {dl}, {d}, {du} and {b}")
    if not d.ndim or dl.shape != d.shape or du.shape != d.shape or b.shape[:-1] != d.shape:
        raise bad_shape(f"tridiagonal_solve needs diagonals [..., n] and b [..., n, m], got {dl}, {d}, {du} and {b}")
    return b.strong()


def _impl(dl: Any, d: Any, du: Any, b: Any, perturb_singular: bool) -> Any:
    """Gaussian elimination with swaps of neighbouring rows, all matrices of a batch at once."""
    n = d.shape[-1]
    lower, pivot, upper, x = (v.copy() for v in (dl, d, du, b))
    second = np.zeros_like(d)
    for i in range(n - 1):
        swap = np.abs(lower[..., i + 1]) > np.abs(pivot[..., i])
        first = np.where(swap, lower[..., i + 1], pivot[..., i])
        factor = np.where(swap, pivot[..., i], lower[..., i + 1]) / np.where(first == 0, 1, first)
        here, below = upper[..., i].copy(), pivot[..., i + 1].copy()
        beyond = upper[..., i + 1] if i + 2 < n else np.zeros_like(here)
        pivot[..., i] = first
        upper[..., i] = np.where(swap, below, here)
        second[..., i] = np.where(swap, beyond, 0)
        pivot[..., i + 1] = np.where(swap, here - factor * below, below - factor * here)
        upper[..., i + 1] = np.where(swap, -factor * beyond, beyond)
        top, bottom, wide = x[..., i, :].copy(), x[..., i + 1, :].copy(), swap[..., None]
        x[..., i, :] = np.where(wide, bottom, top)
        x[..., i + 1, :] = np.where(wide, top - factor[..., None] * bottom, bottom - factor[..., None] * top)
    for i in reversed(range(n)):
        if i + 1 < n:
            x[..., i, :] -= upper[..., i, None] * x[..., i + 1, :]
        if i + 2 < n:
            x[..., i, :] -= second[..., i, None] * x[..., i + 2, :]
        x[..., i, :] /= pivot[..., i, None]
    return x


def _shifted(x: Any, by: int, axis: int = -1) -> Any:
    """Moved along an axis by one place on (1) or back (-1); what falls out is replaced by zeros."""
    t = type_of(x)
    axis %= t.ndim
    n = t.shape[axis]
    if not n:
        return x
    kept = slice_in_dim(x, 0, n - 1, axis) if by > 0 else slice_in_dim(x, 1, n, axis)
    config = [(0, 0, 0)] * t.ndim
    config[axis] = (1, 0, 0) if by > 0 else (0, 1, 0)
    return pad(kept, t.dtype.type(0), config)


def _jvp(primals: Any, tangents: Any, perturb_singular: bool) -> tuple[Any, Any]:
    """x' = a^-1 (b' - a' x)."""
    *matrix, b = primals
    *moved, right = tangents
    x = bind(tridiagonal_solve_p, *matrix, b, perturb_singular=perturb_singular)
    for tangent, by in zip(moved, (1, 0, -1), strict=True):
        if tangent is not None:
            term = e.mul(as_column(tangent), _shifted(x, by, -2) if by else x)
            right = e.neg(term) if right is None else e.sub(right, term)
    return x, bind(tridiagonal_solve_p, *matrix, right, perturb_singular=perturb_singular)


def _transpose(ct: Any, dl: Any, d: Any, du: Any, b: Any, perturb_singular: bool) -> list[Any]:
    if not is_linear(b) or is_linear(d):
        raise bad_shape("tridiagonal_solve is not linear in its matrix")
    out = bind(tridiagonal_solve_p, _shifted(du, 1), d, _shifted(dl, -1), ct, perturb_singular=perturb_singular)
    return [None, None, None, out]


tridiagonal_solve_p = Primitive(
    "tridiagonal_solve",
    type_rule=_type,
    impl=_impl,
    jvp=_jvp,
    transpose=_transpose,
    batch=batch_matrices("tridiagonal_solve"),
    family="linalg",
)
