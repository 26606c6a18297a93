"""``funm``: any function of a matrix, by its Schur form, with the derivative by divided differences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gradcli.engine.autodiff import jvp
from gradcli.engine.custom import custom_jvp
from gradcli.engine.ir.types import complex_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.linalg.eig import eig
from gradcli.engine.ops.linalg.matrices import cast, diagonal, matmul, mH
from gradcli.engine.ops.linalg.schur import schur
from gradcli.engine.ops.operators import where
from gradcli.engine.ops.shape import reshape
from gradcli.numpy import abs, any, diag, inf, isinf, maximum, min, minimum, triu
from gradcli.numpy import finfo as limits
from gradcli.numpy._base import type_error
from gradcli.numpy._linalg_solve import solve
from gradcli.numpy.linalg import norm
from gradcli.scipy._linalg_functions import square


def funm(A: Any, func: Callable[[Any], Any], disp: bool = True) -> Any:  # noqa: N803 - SciPy's name
    """A function of a square matrix, complex: ``func`` maps an array of eigenvalues to an array.

    disp: True gives the matrix alone, False an estimate of its relative error, too. By the Schur form and Parlett's
    recurrence (Golub and Van Loan 2013, algorithm 9.1.1), the derivative by the theorem of Daleckii and Krein (Higham
    2008, section 3.2): both need distinct eigenvalues. Raises ValueError for what is no square matrix.

    >>> print(funm(np.diag([1.0, 4.0]), np.sqrt).real)
    [[1. 0.]
     [0. 2.]]
    """
    (a,) = square("funm", A)
    if a.ndim != 2:
        raise type_error(f"funm takes one matrix, got {a.type}")
    a = cast(a, complex_dtype(a.dtype))
    out, error = _funm(func, a)
    return out if disp else (out, error)


@partial(custom_jvp, nondiff_argnums=(0,))
def _funm(func: Callable[[Any], Any], a: Any) -> Any:
    t, z = schur(a)
    n = a.shape[0]
    values = diagonal(t)
    found = diag(func(values)).astype(a.dtype)
    places = np.arange(n)
    gap = reshape(values, (1, n)) - reshape(values, (n, 1))
    for k in range(1, n):  # one diagonal after the other: each follows from t f(t) = f(t) t and those below it
        here = places[None, :] - places[:, None] == k
        right = matmul(t, found) - matmul(found, t)
        safe = where(e.eq(gap, gap.dtype.type(0)), 1.0, gap)
        found = where(here, right / safe, found)
    return matmul(matmul(z, found), mH(z)), _error(t, found, gap)


def _error(t: Any, found: Any, gap: Any) -> Any:
    """The error that SciPy states: rounding over the smallest distance of two eigenvalues."""
    tol = float(limits(gap.real.dtype).eps)
    n = gap.shape[0]
    distances = where(np.triu(np.ones((n, n), bool), 1), abs(gap), inf)
    least = min(distances, initial=1.0)
    least = where(least == 0, tol, least)
    estimate = minimum(1, maximum(tol, tol / least * norm(triu(t, 1), 1)))
    return where(any(isinf(abs(found))), inf, estimate)


@_funm.defjvp
def _funm_rule(func: Callable[[Any], Any], primals: Any, tangents: Any) -> Any:
    (a,), (change,) = primals, tangents
    out, error = _funm(func, a)
    n = a.shape[0]
    values, vectors = eig(a, compute_left_eigenvectors=False, enable_eigvec_derivs=True)
    image, slope = jvp(lambda w: func(w).astype(a.dtype), (values,), (values * 0 + 1,))
    gap = reshape(values, (n, 1)) - reshape(values, (1, n))
    same = e.eq(gap, gap.dtype.type(0))
    quotients = (reshape(image, (n, 1)) - reshape(image, (1, n))) / where(same, 1.0, gap)
    divided = where(same, reshape(slope, (n, 1)), quotients)
    inner = divided * matmul(solve(vectors, change), vectors)
    moved = solve(vectors.T, matmul(vectors, inner).T).T
    return (out, error), (moved, error * 0)
