"""solve: linear systems of general matrices; slogdet: sign and logarithm of determinants.

JAX has both as programs of the triangular factors. Here they are primitives: LAPACK's solver and determinant are what
NumPy has, ten times as fast as factors found in Python, and a system is one line of a jaxpr.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.define import Primitive, is_linear
from gradcli.engine.ops.linalg.lu import lu_values
from gradcli.engine.ops.linalg.matrices import (
    batch_matrices,
    diagonal,
    matmul,
    matrix_type,
    mT,
    real,
    real_of,
)
from gradcli.engine.ops.linalg.triangular import beside, solve_left
from gradcli.engine.ops.shape import bad_shape, batch_to_front, reduce_sum
from gradcli.engine.trace.tracer import bind

# --- systems ----------------------------------------------------------------------------------------------------------


def solve(a: Any, b: Any) -> Any:
    """The ``x`` [..., n, m] with a x = b for square ``a`` [..., n, n]; infinities and nan where ``a`` is singular.

    Raises TypeError for other shapes and dtypes.

    >>> print(solve(np.array([[2.0, 0.0], [1.0, 4.0]]), np.array([[2.0], [9.0]])))
    [[1.]
     [2.]]
    """
    return bind(solve_p, a, b)


def _solve_type(a: ArrayType, b: ArrayType) -> ArrayType:
    lead, n, _ = matrix_type("solve", a, square=True)
    if a.dtype != b.dtype or b.ndim != a.ndim or b.shape[:-1] != (*lead, n):
        raise bad_shape(f"solve of {a} and {b}: shapes or dtypes do not fit")
    return b.strong()


def _solve_impl(a: Any, b: Any) -> Any:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:  # a pivot is zero: divide by it
        factors, _, order = lu_values(a)
        rows = np.take_along_axis(b, order[..., None], -2)
        return solve_left(factors, solve_left(factors, rows, True, True), False, False)


def _solve_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """x' = a^-1 (b' - a' x) (Giles 2008, section 2.2.3)."""
    (a, b), (a_dot, b_dot) = primals, tangents
    x = solve(a, b)
    if a_dot is None:
        return x, solve(a, b_dot)
    change = matmul(a_dot, x)
    return x, solve(a, e.neg(change) if b_dot is None else e.sub(b_dot, change))


def _solve_transpose(ct: Any, a: Any, b: Any) -> tuple[None, Any]:
    if is_linear(a):
        raise bad_shape("solve is not linear in its matrix")
    return None, solve(mT(a), ct)


def _solve_batch(size: int, args: Any, dims: Any) -> tuple[Any, int]:
    (a, b), (d_a, d_b) = args, dims
    if d_a is None:
        return beside(lambda right: solve(a, right), b, d_b)
    return solve(batch_to_front(size, a, d_a), batch_to_front(size, b, d_b)), 0


solve_p = Primitive(
    "solve", type_rule=_solve_type, impl=_solve_impl, jvp=_solve_jvp, transpose=_solve_transpose, batch=_solve_batch,
    family="linalg",
)  # fmt: skip


# --- determinants -----------------------------------------------------------------------------------------------------


def slogdet(a: Any) -> tuple[Any, Any]:
    """The sign (of absolute value 1, or 0) and the logarithm of the absolute value of determinants [...].

    Raises TypeError for matrices that are not square or not of floats.

    >>> [x.item() for x in slogdet(np.diag([1e-200, -1e-200]))]
    [-1.0, -921.0340371976183]
    """
    sign, size = bind(slogdet_p, a)
    return sign, size


def _slogdet_type(a: ArrayType) -> list[ArrayType]:
    lead, *_ = matrix_type("slogdet", a, square=True)
    return [a.strong().with_shape(lead), real_of(a, lead)]


def _slogdet_impl(a: Any) -> list[Any]:
    sign, size = np.linalg.slogdet(a)
    bad = np.isnan(a).any((-2, -1))  # LAPACK compares pivots, so that it may miss a nan
    return [np.where(bad, sign.dtype.type(np.nan), sign)[()], np.where(bad, size.dtype.type(np.nan), size)[()]]


def _slogdet_jvp(primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
    """d(log det) = trace(a^-1 a') (Giles 2008, section 2.2.4); its imaginary part turns a complex sign."""
    a = primals[0]
    sign, size = slogdet(a)
    places = diagonal(solve(a, tangents[0]))
    change = reduce_sum(places, (a.ndim - 2,))
    if a.dtype.kind != "c":
        return [sign, size], [None, change]
    turn = e.complex(e.mul(size, size.dtype.type(0)), e.imag(change))
    return [sign, size], [e.mul(sign, turn), real(change)]


slogdet_p = Primitive(
    "slogdet", type_rule=_slogdet_type, impl=_slogdet_impl, jvp=_slogdet_jvp, batch=batch_matrices("slogdet"),
    multiple=True, family="linalg",
)  # fmt: skip
