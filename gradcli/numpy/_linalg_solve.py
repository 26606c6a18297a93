"""Linear systems, determinants and inverses, by the names of ``jax.numpy.linalg``; loaded when first used."""

from __future__ import annotations

import builtins
import math
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine.array import Array, Value, type_of
from gradcli.engine.autodiff import stop_gradient
from gradcli.engine.custom import custom_jvp
from gradcli.engine.ir.bfloat16 import finfo
from gradcli.engine.ir.types import broadcast_shapes
from gradcli.engine.jit import jit
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate
from gradcli.engine.ops.linalg.lu import lu
from gradcli.engine.ops.linalg.matrices import cast, eye, floats, mask, mH, symmetrize, take_rows
from gradcli.engine.ops.linalg.qr import geqrf
from gradcli.engine.ops.linalg.solve import slogdet as slogdet_matrices
from gradcli.engine.ops.linalg.solve import solve as solve_matrices
from gradcli.engine.ops.linalg.triangular import triangular_solve
from gradcli.engine.ops.operators import absolute, like, matmul, where
from gradcli.engine.ops.shape import broadcast_in_dim, expand_dims, moveaxis, reshape
from gradcli.numpy._base import arr, type_error, value_error
from gradcli.numpy._linalg_factors import svd, svdvals
from gradcli.numpy._linear import diagonal, trace
from gradcli.numpy._reductions import any, count_nonzero, cumprod, prod, sum
from gradcli.numpy._shapes import broadcast_to, transpose
from gradcli.numpy.linalg import norm


class SlogdetResult(NamedTuple):
    """What :func:`slogdet` returns."""

    sign: Any
    logabsdet: Any


def _square(name: str, a: Any) -> Any:
    """The argument as floats. Raises ValueError unless it holds square matrices."""
    (a,) = floats(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise value_error(f"{name} needs square matrices [..., n, n], got {type_of(a)}")
    return a


# --- systems ----------------------------------------------------------------------------------------------------------


def solve(a: Any, b: Any) -> Any:
    """The ``x`` with ``a @ x == b`` for square ``a`` [..., n, n]; ``b``: a vector [n], or [..., n, m].

    Batch axes broadcast. A singular matrix gives infinities and nan. Derivatives are solves with the same factors
    (Giles 2008, section 2.2). Raises ValueError for shapes that do not fit.

    >>> print(solve(np.array([[2.0, 0.0], [1.0, 4.0]]), np.array([2.0, 9.0])))
    [1. 2.]
    """
    a, b = floats(a, b)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise value_error(f"solve needs square matrices [..., n, n], got {type_of(a)}")
    n = a.shape[-1]
    if not b.ndim or b.shape[b.ndim - (1 if b.ndim == 1 else 2)] != n:
        raise value_error(f"solve of {type_of(a)} and {type_of(b)}: shapes do not fit",
                          "b is a vector [n] or matrices [..., n, m]; a batch of vectors is b[..., None]")  # fmt: skip
    vector = b.ndim == 1
    b = expand_dims(b, (1,)) if vector else b
    x = _solve_wide(a, b) if a.ndim == 2 and b.ndim > 2 else _solve_each(a, b)
    return reshape(x, x.shape[:-1]) if vector else x


def _solve_wide(a: Any, b: Any) -> Any:
    """One matrix, many right sides: side by side."""
    *lead, n, m = b.shape
    last = len(lead)
    side = reshape(moveaxis(b, last, 0), (n, math.prod(lead) * m))
    return moveaxis(reshape(solve_matrices(a, side), (n, *lead, m)), 0, last)


def _solve_each(a: Any, b: Any) -> Any:
    n, m = b.shape[-2:]
    lead = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return solve_matrices(broadcast_to(a, (*lead, n, n)), broadcast_to(b, (*lead, n, m)))


def inv(a: Any) -> Any:
    """The inverse of square matrices; infinities and nan for singular ones. Raises ValueError for other shapes.

    >>> print(inv(np.array([[2.0, 0.0], [0.0, 4.0]])))
    [[0.5  0.  ]
     [0.   0.25]]
    """
    a = _square("inv", a)
    n = a.shape[-1]
    return solve(a, Array(np.array(eye(n, a.dtype, a.shape[:-2]))))


def tensorsolve(a: Any, b: Any, axes: tuple[int, ...] | None = None) -> Any:
    """The ``x`` with ``tensordot(a, x, x.ndim) == b``; ``axes`` of ``a`` are moved to the end first.

    Raises ValueError where ``a``, read as a matrix, is not square.
    """
    a, b = floats(a, b)
    if axes is not None:
        axes = tuple(axis % a.ndim for axis in axes)
        a = transpose(a, [*(i for i in range(a.ndim) if i not in axes), *axes])
    shape = a.shape[b.ndim :]
    if math.prod(shape) != b.size or math.prod(a.shape) != b.size**2:
        raise value_error(f"tensorsolve of {type_of(a)} and {type_of(b)}: not a square system")
    return reshape(solve(reshape(a, (b.size, b.size)), reshape(b, (b.size,))), shape)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of ``a`` read as a matrix from its axes after the first ``ind`` to those.

    Raises ValueError where ``ind`` is not positive or that matrix is not square.
    """
    (a,) = floats(a)
    if ind <= 0:
        raise value_error(f"ind of tensorinv must be positive, got {ind}")
    rows, columns = a.shape[:ind], a.shape[ind:]
    if math.prod(rows) != math.prod(columns):
        raise value_error(f"tensorinv of {type_of(a)} with ind={ind}: {math.prod(rows)} rows, "
                          f"{math.prod(columns)} columns")  # fmt: skip
    return reshape(inv(reshape(a, (math.prod(rows), math.prod(columns)))), (*columns, *rows))


# --- determinants -----------------------------------------------------------------------------------------------------


def det(a: Any) -> Any:
    """The determinant of square matrices; its derivative is finite for singular ones, too.

    That derivative is the adjugate applied to the tangent (Giles 2008, section 2.2.4), from the triangular factors; it
    is taken as zero where a diagonal element before the last is zero. Raises ValueError for other shapes.

    >>> print(det(np.array([[1.0, 2.0], [3.0, 4.0]])))
    -2.0
    """
    a = _square("det", a)
    if a.shape[-1] == 2:
        return _minor(a, 0, 1)
    if a.shape[-1] == 3:
        return sum(e.mul(a[..., 0, :], _first_cofactors(a)), -1)
    return _compiled_det(a)


def _minor(a: Any, i: int, j: int) -> Any:
    """The determinant of columns ``i`` and ``j`` of the last two rows."""
    return e.sub(e.mul(a[..., -2, i], a[..., -1, j]), e.mul(a[..., -2, j], a[..., -1, i]))


def _first_cofactors(a: Any) -> Any:
    minors = [_minor(a, 1, 2), _minor(a, 2, 0), _minor(a, 0, 1)]
    return concatenate([expand_dims(m, (a.ndim - 2,)) for m in minors], a.ndim - 2)


@custom_jvp
def _det(a: Any) -> Any:
    sign, logabsdet = slogdet(a)
    return e.mul(sign, cast(e.exp(logabsdet), sign.dtype))


@_det.defjvp
def _det_rule(primals: Any, tangents: Any) -> Any:
    value, product = _adjugate_times(primals[0], tangents[0])
    return value, trace(product, axis1=-1, axis2=-2)


_compiled_det = jit(_det)


def _swaps(pivots: Any, dtype: Any) -> Any:
    """1 or -1: the parity of the row swaps."""
    n = pivots.shape[-1]
    own = np.broadcast_to(np.arange(n, dtype=pivots.dtype), pivots.shape)
    return arr(1 - 2 * (count_nonzero(e.ne(pivots, own), -1) % 2)).astype(dtype)


def _adjugate_times(a: Any, b: Any) -> tuple[Any, Any]:
    """det(a) and adj(a) @ b, without dividing by the last diagonal element of ``u`` in p a = l u.

    adj(a) b = det(a) u^-1 y with y = l^-1 p b. There the last row is y_n times the product of the other diagonal
    elements: with the reciprocal of that product in place of u_nn, and y_i det(a) in place of the other y_i, the
    triangular solve gives all rows.
    """
    n = a.shape[-1]
    if n < 2:
        return (a[..., 0, 0], b) if n else (prod(diagonal(a, 0, -2, -1), -1), b)
    factors, pivots, permutation = lu(a)
    pivot = diagonal(factors, 0, -2, -1)
    partial = cumprod(pivot, -1) * expand_dims(_swaps(pivots, a.dtype), (a.ndim - 2,))
    value, others = partial[..., -1], partial[..., -2]
    lost = any(e.eq(pivot[..., :-1], like(pivot, 0)), -1)
    others = where(lost, like(others, 1), others)
    corner = np.zeros((n, n), bool)
    corner[-1, -1] = True
    last = mask(broadcast_to((1 / others)[..., None, None], a.shape), corner)
    solvable = e.add(where(corner, like(a, 0), factors), last)
    solvable = where(lost[..., None, None], Array(np.eye(n, dtype=a.dtype)), solvable)
    y = triangular_solve(factors, take_rows(b, permutation), left_side=True, lower=True, unit_diagonal=True)
    y = concatenate([y[..., :-1, :] * value[..., None, None], y[..., -1:, :]], a.ndim - 2)
    x = triangular_solve(solvable, y, left_side=True)
    return value, where(lost[..., None, None], like(x, 0), x)


def slogdet(a: Any, *, method: str | None = None) -> SlogdetResult:
    """The sign of the determinant and the logarithm of its absolute value; 0 and -inf for singular matrices.

    method: by lu (default) or qr. The derivative is the trace of ``a^-1 a'`` (Giles 2008, section 2.2.4).
    Raises ValueError for another method and for other shapes, TypeError for qr of complex matrices.

    >>> sign, logabsdet = slogdet(np.diag([1e-200, -1e-200]))
    >>> print(sign, logabsdet)
    -1.0 -921.0340371976183
    """
    a = _square("slogdet", a)
    if method not in (None, "lu", "qr"):
        raise value_error(f"the method of slogdet is lu or qr, not {method!r}")
    if method == "qr":
        if a.dtype.kind == "c":
            raise type_error("slogdet with method='qr' does not accept complex matrices", "use method='lu'")
        return SlogdetResult(*_slogdet_qr(a))
    return SlogdetResult(*slogdet_matrices(a))


@custom_jvp
def _slogdet_qr(a: Any) -> tuple[Any, Any]:
    packed, taus = geqrf(a)
    pivot = diagonal(packed, 0, -2, -1)
    flips = where(e.ne(taus, like(taus, 0)), like(taus, -1), like(taus, 1))
    return prod(e.sign(pivot), -1) * prod(flips, -1), sum(e.log(absolute(pivot)), -1)


@_slogdet_qr.defjvp
def _slogdet_qr_rule(primals: Any, tangents: Any) -> Any:
    sign, size = _slogdet_qr(primals[0])
    change = trace(solve(primals[0], tangents[0]), axis1=-2, axis2=-1)
    return (sign, size), (broadcast_in_dim(like(sign, 0), sign.shape), change)


# --- pseudo-inverse, least squares, condition -------------------------------------------------------------------------


def pinv(a: Any, rtol: Any = None, hermitian: bool = False, *, rcond: Any = None) -> Any:
    """The pseudo-inverse (Moore-Penrose), without singular values at or below ``rtol`` times the greatest.

    rtol: default 10 times the greater size times epsilon; ``rcond`` is its other name. hermitian: ``a`` is.
    The derivative is that for constant rank (Golub & Pereyra 1973, theorem 4.3). Raises ValueError where both names are
    used, or for arrays that are no matrices.

    >>> print(pinv(np.array([[2.0, 0.0], [0.0, 0.0]])))
    [[0.5 0. ]
     [0.  0. ]]
    """
    if rcond is not None and rtol is not None:
        raise value_error("pinv takes rtol or rcond, not both")
    rtol = rcond if rtol is None else rtol
    (a,) = floats(a)
    if a.ndim < 2:
        raise value_error(f"pinv needs matrices, got {type_of(a)}")
    *lead, n, m = a.shape
    if not n or not m:
        return Array(np.zeros((*lead, m, n), a.dtype))
    if rtol is None:
        rtol = 10.0 * builtins.max(n, m) * float(finfo(a.dtype).eps)
    rtol = cast(stop_gradient(rtol), svd_dtype(a)) if isinstance(rtol, Value) else Array(np.asarray(rtol, svd_dtype(a)))
    return (_pinv_hermitian if hermitian else _pinv)(symmetrize(a) if hermitian else a, rtol)


def svd_dtype(a: Any) -> Any:
    """The real dtype of the singular values."""
    return finfo(a.dtype).dtype


def _pinv_value(a: Any, rtol: Any, hermitian: bool) -> Any:
    u, s, vh = svd(a, full_matrices=False, hermitian=hermitian)
    cutoff = expand_dims(rtol, (rtol.ndim,)) * s[..., 0:1]
    s = where(s > cutoff, s, like(s, np.inf))
    return matmul(e.div(mH(vh), cast(broadcast_to(s[..., None, :], mH(vh).shape), a.dtype)), mH(u))


def _pinv_rule(f: Any, primals: Any, tangents: Any) -> Any:
    """p' = -p a' p + p p^H a'^H (1 - a p) + (1 - p a) a'^H p^H p."""
    (a, rtol), t = primals, tangents[0]
    p = f(a, rtol)
    t_h, p_h = mH(t), mH(p)
    first, second = matmul(matmul(p, p_h), t_h), matmul(t_h, matmul(p_h, p))
    out = e.sub(first, matmul(matmul(p, t), p))
    out = e.sub(out, matmul(matmul(first, a), p))
    return p, e.add(out, e.sub(second, matmul(p, matmul(a, second))))


@custom_jvp
def _pinv(a: Any, rtol: Any) -> Any:
    return _pinv_value(a, rtol, False)


@custom_jvp
def _pinv_hermitian(a: Any, rtol: Any) -> Any:
    return _pinv_value(a, rtol, True)


@_pinv.defjvp
def _pinv_general_rule(primals: Any, tangents: Any) -> Any:
    return _pinv_rule(_pinv, primals, tangents)


@_pinv_hermitian.defjvp
def _pinv_hermitian_rule(primals: Any, tangents: Any) -> Any:
    return _pinv_rule(_pinv_hermitian, primals, tangents)


def lstsq(a: Any, b: Any, rcond: Any = None, *, numpy_resid: bool = False) -> tuple[Any, Any, Any, Any]:
    """The shortest ``x`` with the least ``norm(b - a @ x)``: (x, squares of the residuals, rank, singular values).

    a: [n, m], b: [n] or [n, k]. rcond: singular values below it times the greatest count as zero (default: the greater
    size times epsilon). numpy_resid: no residuals where NumPy gives none, which needs to know the rank.
    Raises ValueError and TypeError for shapes that do not fit.
    """
    a, b = floats(a, b)
    if a.ndim != 2 or b.ndim not in (1, 2):
        raise type_error(f"lstsq needs a matrix and a vector or matrix, got {type_of(a)} and {type_of(b)}")
    if a.shape[0] != b.shape[0]:
        raise value_error(f"lstsq of {type_of(a)} and {type_of(b)}: numbers of rows differ")
    n, m = a.shape
    wide = expand_dims(b, (1,)) if b.ndim == 1 else b
    x, rank, s = _least_squares(a, wide, rcond) if n and m else _no_equations(a, wide)
    if numpy_resid and (m >= n or int(rank) < m):
        residuals = Array(np.zeros(0, svd_dtype(a)))
    else:
        residuals = e.square(norm(e.sub(wide, matmul(a, x)), axis=0))
    return (reshape(x, (m,)) if b.ndim == 1 else x), residuals, rank, s


def _least_squares(a: Any, b: Any, rcond: Any) -> tuple[Any, Any, Any]:
    eps = float(finfo(a.dtype).eps)
    if rcond is None:
        rcond = eps * builtins.max(a.shape)
    rcond = where(arr(rcond) < 0, eps, rcond)
    u, s, vh = svd(a, full_matrices=False)
    kept = (s > 0) & (s >= cast(rcond, s.dtype) * s[0])
    inverse = where(kept, 1 / where(kept, s, like(s, 1)), like(s, 0))
    return matmul(mH(vh), cast(inverse, a.dtype)[:, None] * matmul(mH(u), b)), sum(kept), s


def _no_equations(a: Any, b: Any) -> tuple[Any, Any, Any]:
    x = Array(np.zeros((a.shape[1], b.shape[1]), a.dtype))
    return x, Array(np.int32(0)), Array(np.zeros(0, svd_dtype(a)))


def cond(x: Any, p: Any = None) -> Any:
    """The condition number: the norm of order ``p`` times that of the inverse; p None or 2: by singular values.

    Raises ValueError for empty matrices, and for ones that are not square where ``p`` is not None, 2 or -2.
    """
    (x,) = floats(x)
    if x.ndim < 2 or not x.shape[-1] or not x.shape[-2]:
        raise value_error(f"cond needs matrices that are not empty, got {type_of(x)}")
    if p in (None, 2):
        s = svdvals(x)
        return s[..., 0] / s[..., -1]
    if p == -2:
        s = svdvals(x)
        out = s[..., -1] / s[..., 0]
    else:
        x = _square("cond", x)
        out = norm(x, p, (-2, -1)) * norm(inv(x), p, (-2, -1))
    whole = e.bitwise_not(any(e.ne(x, x), (-2, -1)))
    return where(e.bitwise_and(e.ne(out, out), whole), like(out, np.inf), out)


__all__ = [
    "SlogdetResult", "cond", "det", "inv", "lstsq", "pinv", "slogdet", "solve", "tensorinv", "tensorsolve",
]  # fmt: skip
