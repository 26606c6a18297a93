"""Functions of matrices: exponential, square root, polar factors, the Sylvester equation, each with its derivative."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from gradcli.engine.array import Array, type_of
from gradcli.engine.autodiff import jvp, stop_gradient
from gradcli.engine.control.branch import cond, switch
from gradcli.engine.control.scan import scan
from gradcli.engine.control.solve import custom_linear_solve
from gradcli.engine.custom import custom_jvp
from gradcli.engine.ir.types import complex_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate, pad
from gradcli.engine.ops.linalg.matrices import (
    cast,
    diagonal,
    eye,
    floats,
    matmul,
    mH,
    mT,
    scaled,
    symmetrize,
)
from gradcli.engine.ops.linalg.schur import schur
from gradcli.engine.ops.linalg.triangular import triangular_solve
from gradcli.engine.ops.operators import absolute, like, where
from gradcli.engine.ops.shape import broadcast_in_dim, zeros
from gradcli.numpy._base import type_error, value_error
from gradcli.numpy._linalg_factors import svd
from gradcli.numpy._linalg_solve import solve
from gradcli.numpy._reductions import max, sum
from gradcli.numpy._vectorize import vectorize

# Up to these 1-norms the Pade approximant of that degree is exact to the unit roundoff (Higham 2005, table 2.3).
_DEGREES = {
    np.dtype(np.float32): {3: 4.258730016922831e-1, 5: 1.880152677804762, 7: 3.925724783138660},
    np.dtype(np.float64): {
        3: 1.495585217958292e-2, 5: 2.539398330063230e-1, 7: 9.504178996162932e-1, 9: 2.097847961257068,
        13: 5.371920351148152,
    },
}  # fmt: skip


def square(name: str, *args: Any) -> list[Any]:
    """The arguments as floats of one dtype. Raises ValueError unless they hold square matrices."""
    values = floats(*args)
    for a in values:
        if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
            raise value_error(f"{name} needs square matrices [..., n, n], got {type_of(a)}")
    return values


# --- exponential ------------------------------------------------------------------------------------------------------


def expm(A: Any, *, upper_triangular: bool = False, max_squarings: int = 16) -> Any:  # noqa: N803 - SciPy's name
    """The exponential of square matrices, by Pade approximation, scaling and squaring (Higham 2005, algorithm 2.3).

    upper_triangular: only the upper triangle is meant to be other than zero. Norms that need more than max_squarings
    give nan. Raises ValueError for matrices that are not square, TypeError for float16.

    >>> print(expm(np.zeros((2, 2))))
    [[1. 0.]
     [0. 1.]]
    """
    (a,) = square("expm", A)
    degrees = _DEGREES.get(np.finfo(a.dtype).dtype)
    if degrees is None:
        raise type_error(f"expm does not accept dtype {a.dtype.name}", "it works on float32, float64 and complex")
    run = functools.partial(_expm, degrees=degrees, upper=upper_triangular, most=int(max_squarings))
    return run(a) if a.ndim == 2 else vectorize(run, signature="(n,n)->(n,n)")(a)


def _expm(a: Any, degrees: dict[int, float], upper: bool, most: int) -> Any:
    if not a.size:
        return a
    size = stop_gradient(max(sum(absolute(a), 0), 0))
    limit = list(degrees.values())[-1]
    halvings = e.max(e.ceil(e.log(size / limit) / math.log(2)), like(size, 0))
    small = e.mul(a, cast(broadcast_in_dim(e.exp2(e.neg(halvings)), a.shape), a.dtype))
    kind = sum(size > np.array(list(degrees.values())[:-1], size.dtype))
    branches = [functools.partial(_pade, degree=m) for m in degrees]
    odd, even = switch(kind, branches, small)
    top, bottom = e.add(even, odd), e.sub(even, odd)
    out = triangular_solve(bottom, top, left_side=True) if upper else solve(bottom, top)

    def step(x: Any, i: Any) -> tuple[Any, None]:
        return cond(i < halvings, lambda y: matmul(y, y), lambda y: y, x), None

    out, _ = scan(step, out, np.arange(most, dtype=size.dtype))
    return where(halvings > most, like(out, np.nan), out)


def _pade(a: Any, degree: int) -> tuple[Any, Any]:
    """Odd and even part of the numerator of the approximant of exp, whose coefficients are integers."""
    f = math.factorial
    b = [float(f(2 * degree - j) // (f(degree - j) * f(j))) for j in range(degree + 1)]
    one = Array(np.array(eye(a.shape[-1], a.dtype)))
    powers = [one, matmul(a, a)]
    while 2 * len(powers) <= (degree if degree < 13 else 7):
        powers.append(matmul(powers[-1], powers[1]))

    def combined(coefficients: list[float]) -> Any:
        terms = [scaled(p, c) for p, c in zip(powers, coefficients, strict=False)]
        return functools.reduce(e.add, terms)

    odd, even = b[1::2], b[0::2]
    if degree < 13:
        return matmul(a, combined(odd)), combined(even)
    high = powers[3]
    high_odd, high_even = (matmul(high, combined([0.0, *c[4:]])) for c in (odd, even))
    return matmul(a, e.add(high_odd, combined(odd[:4]))), e.add(high_even, combined(even[:4]))


def expm_frechet(A: Any, E: Any, *, method: str | None = None, compute_expm: bool = True) -> Any:  # noqa: N803
    """The exponential of ``A`` and its derivative in the direction ``E``; not compute_expm: the derivative alone.

    ``method`` has no effect. Raises ValueError for shapes that differ or are not square.
    """
    a, direction = square("expm_frechet", A, E)
    if a.shape != direction.shape:
        raise value_error(f"expm_frechet needs two matrices of one shape, got {type_of(a)} and {type_of(direction)}")
    value, change = jvp(expm, (a,), (direction,))
    return (value, change) if compute_expm else change


# --- Sylvester equation, square root, polar decomposition -------------------------------------------------------------


def solve_sylvester(A: Any, B: Any, C: Any, *, method: str = "schur", tol: float = 1e-8) -> Any:  # noqa: N803
    """The ``x`` with ``A @ x + x @ B == C`` for square ``A`` [n, n] and ``B`` [m, m]; batch axes broadcast.

    By Schur forms and back substitution (Bartels & Stewart 1972). Where an eigenvalue of ``A`` is the negative of one
    of ``B`` the result is infinite or nan. ``method`` and ``tol`` have no effect.
    Raises ValueError for shapes that do not fit.
    """
    a, b, c = floats(A, B, C)
    square("solve_sylvester", a, b)
    if c.ndim < 2 or c.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise value_error(f"solve_sylvester of {type_of(a)}, {type_of(b)} and {type_of(c)}: shapes do not fit")
    if a.ndim == b.ndim == c.ndim == 2:
        return _sylvester(a, b, c)
    return vectorize(_sylvester, signature="(n,n),(m,m),(n,m)->(n,m)")(a, b, c)


def _sylvester(a: Any, b: Any, c: Any) -> Any:
    fixed_a, fixed_b = stop_gradient(a), stop_gradient(b)
    return custom_linear_solve(
        lambda x: e.add(matmul(a, x), matmul(x, b)),
        c,
        lambda _, right: _bartels_stewart(fixed_a, fixed_b, right),
        lambda _, right: _bartels_stewart(mT(fixed_a), mT(fixed_b), right),
    )


def _bartels_stewart(a: Any, b: Any, c: Any) -> Any:
    dtype = complex_dtype(c.dtype)
    (s, u), (t, v) = schur(cast(a, dtype)), schur(cast(b, dtype))
    right = matmul(matmul(mH(u), cast(c, dtype)), v)
    one = eye(s.shape[-1], dtype)
    columns: list[Any] = []
    for k in range(t.shape[-1]):
        column = right[:, k : k + 1]
        if columns:
            column = e.sub(column, matmul(concatenate(columns, 1), t[:k, k : k + 1]))
        shifted = e.add(s, e.mul(t[k, k], one))
        columns.append(triangular_solve(shifted, column, left_side=True))
    if not columns:
        return c
    out = matmul(matmul(u, concatenate(columns, 1)), mH(v))
    return out if c.dtype.kind == "c" else e.real(out)


def sqrtm(A: Any, blocksize: int = 1) -> Any:  # noqa: N803 - SciPy's name
    """The principal square root of square matrices, complex (Bjorck & Hammarling 1983).

    Its derivative solves x x' + x' x = a' (Higham 2008, section 6.1). ``blocksize`` must be 1. Raises ValueError for
    matrices that are not square, NotImplementedError for another blocksize.

    >>> print(sqrtm(np.array([[4.0, 0.0], [0.0, 9.0]])).real)
    [[2. 0.]
     [0. 3.]]
    """
    if blocksize != 1:
        raise NotImplementedError("sqrtm works with blocksize=1 only")
    (a,) = square("sqrtm", A)
    a = cast(a, complex_dtype(a.dtype))
    return _sqrtm(a) if a.ndim == 2 else vectorize(_sqrtm, signature="(n,n)->(n,n)")(a)


@custom_jvp
def _sqrtm(a: Any) -> Any:
    t, z = schur(a)
    roots = e.sqrt(diagonal(t))
    n = a.shape[-1]
    out = zeros(type_of(a).strong().with_shape((0, 0)))
    zero = a.dtype.type(0)
    for k in range(n):
        out = pad(out, zero, [(0, 1, 0), (0, 1, 0)])
        corner = pad(e.mul(eye(1, a.dtype), roots[k]), zero, [(k, 0, 0), (k, 0, 0)])
        if k:
            shifted = e.add(out[:k, :k], e.mul(roots[k], eye(k, a.dtype)))
            column = triangular_solve(shifted, t[:k, k : k + 1], left_side=True)
            corner = e.add(corner, pad(column, zero, [(0, 1, 0), (k, 0, 0)]))
        out = e.add(out, corner)
    return matmul(matmul(z, out), mH(z))


@_sqrtm.defjvp
def _sqrtm_rule(primals: Any, tangents: Any) -> Any:
    root = _sqrtm(primals[0])
    return root, _sylvester(root, root, tangents[0])


def polar(
    a: Any, side: str = "right", *, method: str = "qdwh", eps: float | None = None, max_iterations: int | None = None
) -> tuple[Any, Any]:
    """``u`` with orthonormal columns (or rows) and Hermitian ``p``, not negative: a == u @ p, or p @ u for side left.

    By singular values, whatever ``method`` (qdwh or svd) says; ``eps`` and ``max_iterations`` have no effect. The
    derivative of ``u`` comes from that of ``u^H a = p``, so that equal singular values do no harm (Higham 2008,
    section 8.2). Raises ValueError for another side or method, and for arrays that are no matrices.
    """
    (a,) = floats(a)
    if side not in ("left", "right") or method not in ("qdwh", "svd"):
        raise value_error(f"polar: side is left or right, method qdwh or svd; got {side!r} and {method!r}")
    if a.ndim < 2:
        raise value_error(f"polar needs matrices, got {type_of(a)}")
    u = _unitary(a) if a.shape[-2] >= a.shape[-1] else mH(_unitary(mH(a)))
    return u, symmetrize(matmul(mH(u), a) if side == "right" else matmul(a, mH(u)))


@custom_jvp
def _unitary(a: Any) -> Any:
    u, _, vh = svd(a, full_matrices=False)
    return matmul(u, vh)


@_unitary.defjvp
def _unitary_rule(primals: Any, tangents: Any) -> Any:
    """u' = u w + (1 - u u^H) a' p^-1, where w is skew and solves p w + w p = u^H a' - a'^H u."""
    (a,), (t,) = primals, tangents
    u = _unitary(a)
    p = symmetrize(matmul(mH(u), a))
    inner = matmul(mH(u), t)
    turn = solve_sylvester(p, p, e.sub(inner, mH(inner)))
    out = matmul(u, turn)
    if a.shape[-2] > a.shape[-1]:
        rest = e.sub(t, matmul(u, inner))
        out = e.add(out, mH(solve(p, mH(rest))))
    return u, out
