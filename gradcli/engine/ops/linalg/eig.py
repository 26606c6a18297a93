"""eig: eigenvalues and eigenvectors of general square matrices, always complex."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import INT32, ArrayType, complex_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.linalg.lu import lu, lu_solve
from gradcli.engine.ops.linalg.matrices import (
    as_row,
    batch_matrices,
    cast,
    complex_of,
    conj,
    diagonal,
    each_matrix,
    matmul,
    matrix_type,
    mH,
    mT,
    reciprocal_differences,
)
from gradcli.engine.ops.reduce import argmax
from gradcli.engine.ops.shape import iota, reduce_sum
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind


def eig(
    x: Any, *, compute_left_eigenvectors: bool = True, compute_right_eigenvectors: bool = True,
    enable_eigvec_derivs: bool = False, implementation: Any = None, use_magma: bool | None = None,
) -> list[Any]:  # fmt: skip
    """Eigenvalues [..., n], then left and right eigenvectors (columns) [..., n, n] as asked for.

    Eigenvectors have norm 1 and a largest component that is real; left ones satisfy ``mH(vl) @ x == w * mH(vl)``, and
    are nan where there is no basis of eigenvectors. ``enable_eigvec_derivs``: eigenvectors have a derivative (that of
    this choice of scale, for distinct eigenvalues); without it only eigenvalues have one.
    Raises TypeError for matrices that are not square or not of floats. The last two arguments have no effect.

    >>> print(eig(np.array([[0.0, 1.0], [-1.0, 0.0]]))[0])
    [0.+1.j 0.-1.j]
    """
    out: list[Any] = bind(
        eig_p, x, compute_left_eigenvectors=compute_left_eigenvectors,
        compute_right_eigenvectors=compute_right_eigenvectors, enable_eigvec_derivs=enable_eigvec_derivs,
        implementation=implementation,
    )  # fmt: skip
    return out


def _type(
    x: ArrayType, *, compute_left_eigenvectors: bool, compute_right_eigenvectors: bool, **_: Any
) -> list[ArrayType]:
    lead, n, _m = matrix_type("eig", x, square=True)
    vectors = complex_of(x, (*lead, n, n))
    return [complex_of(x, (*lead, n)), *[vectors] * (compute_left_eigenvectors + compute_right_eigenvectors)]


def _impl(x: Any, *, compute_left_eigenvectors: bool, compute_right_eigenvectors: bool, **_: Any) -> list[Any]:
    dtype = complex_dtype(x.dtype)
    if not (compute_left_eigenvectors or compute_right_eigenvectors):
        return [each_matrix(lambda a: (np.linalg.eigvals(a).astype(dtype),), x)[0]]

    def run(a: Any) -> tuple[Any, ...]:
        values, right = np.linalg.eig(a)
        return values.astype(dtype), right.astype(dtype)

    values, right = each_matrix(run, x)
    out = [values]
    if compute_left_eigenvectors:
        out.append(_left_vectors(right))
    return [*out, right] if compute_right_eigenvectors else out


def _left_vectors(right: Any) -> Any:
    """The rows of the inverse of the right ones, conjugated and scaled: NumPy has no left eigenvectors."""
    (inverse,) = each_matrix(lambda v: (np.linalg.inv(v),), right)
    left = np.conj(inverse.swapaxes(-1, -2))
    left = left / np.linalg.norm(left, axis=-2, keepdims=True)
    if not left.size:
        return left
    largest = np.take_along_axis(left, np.abs(left).argmax(-2)[..., None, :], -2)
    return (left * (np.conj(largest) / np.abs(largest))).astype(right.dtype)


def _jvp(
    primals: Any, tangents: Any, *, compute_left_eigenvectors: bool, compute_right_eigenvectors: bool,
    enable_eigvec_derivs: bool, **params: Any,
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """w' = diag(v^-1 a' v) (Giles 2008, 3.1), and the vectors from the same product."""
    vectors = compute_left_eigenvectors or compute_right_eigenvectors
    if vectors and not enable_eigvec_derivs:
        raise fail(
            "G203", "the eigenvectors of eig have no derivative unless enable_eigvec_derivs=True",
            hint="their scale is a choice: functions that depend on it have no derivative; eigvals has one, eigh too",
            location=user_location(), cls=NotImplementedError,
        )  # fmt: skip
    # Their derivatives are meant here: the derivative of eigenvalues does not depend on the scale of eigenvectors.
    values, *left, right = bind(
        eig_p, primals[0], compute_left_eigenvectors=compute_left_eigenvectors, compute_right_eigenvectors=True,
        enable_eigvec_derivs=True, **params,
    )  # fmt: skip
    change = cast(tangents[0], type_of(right).dtype)
    if not vectors:
        product = e.mul(_inverse_times(right, change), mT(right))
        return [values], [reduce_sum(product, (type_of(product).ndim - 1,))]
    value_dot, right_dot = _vectors(values, right, change)
    outs, dots = [values], [value_dot]
    if compute_left_eigenvectors:
        outs.append(left[0])
        dots.append(_vectors(e.conj(values), left[0], mH(change))[1])
    return ([*outs, right], [*dots, right_dot]) if compute_right_eigenvectors else (outs, dots)


def _inverse_times(v: Any, x: Any) -> Any:
    factors, _, permutation = lu(v)
    return lu_solve(factors, permutation, x)


def _vectors(w: Any, v: Any, change: Any) -> tuple[Any, Any]:
    """w' and v' for the scale that LAPACK chooses: unit norm, and the largest component real.

    A v = v w gives v'_j up to a multiple c_j of v_j: v'_j = u_j + c_j v_j, u = v (f * v^-1 a' v). Unit norm asks for
    Re c_j = -Re(v_j^H u_j), and the real component k of v_j for Im c_j = -Im(u_kj) / v_kj.
    """
    t = type_of(v)
    rows = t.ndim - 2
    inner = matmul(_inverse_times(v, change), v)
    u = matmul(v, e.mul(reciprocal_differences(w, t.dtype), inner))
    largest = argmax(e.abs(v), rows, INT32)
    picked = e.eq(iota(INT32, t.shape, rows), as_row(largest))
    zero = t.dtype.type(0)
    u_largest, v_largest = (reduce_sum(e.select_n(picked, zero, x), (rows,)) for x in (u, v))
    norm_part = e.neg(e.real(reduce_sum(e.mul(conj(v), u), (rows,))))
    phase_part = e.neg(e.div(e.imag(u_largest), e.real(v_largest)))
    return diagonal(inner), e.add(u, e.mul(v, as_row(e.complex(norm_part, phase_part))))


eig_p = Primitive(
    "eig", type_rule=_type, impl=_impl, jvp=_jvp, batch=batch_matrices("eig"), multiple=True, family="linalg"
)
