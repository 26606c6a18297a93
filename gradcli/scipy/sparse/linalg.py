"""Iterative solution of linear systems: conjugate gradients, BiCGSTAB and GMRES.

A system is a matrix, or a linear function of a pytree like the right-hand side. Solutions are differentiated as those
of the system (implicitly), not through the iterations; second derivatives too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradcli import lax
from gradcli import numpy as gnp
from gradcli.engine.errors import fail
from gradcli.engine.trace.source import user_location
from gradcli.flatten_util import ravel_pytree
from gradcli.tree_util import tree_leaves, tree_map, tree_structure

Operator = Callable[[Any], Any]
RESTART = 20  # the directions that GMRES keeps before it starts again
_STEPS = 10  # without ``maxiter``: iterations for every unknown


def _operator(a: Any, unravel: Operator, what: str) -> Operator:
    """A matrix or function as a function of flat vectors."""
    if callable(a):
        return lambda v: ravel_pytree(a(unravel(v)))[0]
    matrix = gnp.asarray(a)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise fail(
            "G206", f"{what} must be a square matrix or a function, got {matrix.type}", location=user_location(),
            cls=ValueError,
        )  # fmt: skip
    return lambda v: gnp.matmul(matrix, v)


def _checked_start(x0: Any, b: Any) -> Any:
    if x0 is None:
        return tree_map(gnp.zeros_like, b)
    same = tree_structure(x0) == tree_structure(b)
    if not same or any(gnp.shape(x) != gnp.shape(y) for x, y in zip(tree_leaves(x0), tree_leaves(b), strict=True)):
        raise fail(
            "G210", "x0 and b must have matching structures and shapes", location=user_location(), cls=ValueError
        )
    return x0


def _norm2(v: Any) -> Any:
    return gnp.vdot(v, v).real


def _solved(
    method: Callable[..., Any], a: Any, b: Any, x0: Any, tol: Any, atol: Any, maxiter: int | None, m: Any,
    symmetric: bool,
) -> tuple[Any, None]:  # fmt: skip
    start = _checked_start(x0, b)
    flat, unravel = ravel_pytree(tree_map(gnp.asarray, b))
    flat_start, _ = ravel_pytree(tree_map(gnp.asarray, start))
    precondition: Operator = (lambda v: v) if m is None else _operator(m, unravel, "M")
    steps = _STEPS * flat.size if maxiter is None else maxiter

    def solve(matvec: Operator, rhs: Any) -> Any:
        limit = gnp.maximum(gnp.square(tol) * _norm2(rhs), gnp.square(atol))
        return method(matvec, rhs, lax.stop_gradient(flat_start), limit, steps, precondition)

    system = _operator(a, unravel, "A")
    return unravel(lax.custom_linear_solve(system, flat, solve, solve, symmetric)), None


def cg(
    A: Any, b: Any, x0: Any = None, *, tol: Any = 1e-5, atol: Any = 0.0, maxiter: int | None = None, M: Any = None,
) -> tuple[Any, None]:  # fmt: skip
    """``(x, None)`` with A(x) = b for a positive definite A, by conjugate gradients.

    Iterates until |b - A x| is at most ``max(tol * |b|, atol)``. ``M`` approximates the inverse of A. Raises ValueError
    for a matrix that is not square, and for ``x0`` of another structure than ``b``. (Hestenes and Stiefel, 1952.)

    >>> import numpy as np
    >>> print(cg(np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([3.0, 4.0]))[0])
    [1. 1.]
    """
    return _solved(_cg, A, b, x0, tol, atol, maxiter, M, True)


def _cg(a: Operator, b: Any, x0: Any, limit: Any, steps: int, m: Operator) -> Any:
    def going(state: Any) -> Any:
        _, r, _, _, k = state
        return (_norm2(r) > limit) & (k < steps)

    def step(state: Any) -> Any:
        x, r, p, gamma, k = state
        image = a(p)
        alpha = gamma / gnp.vdot(p, image).real.astype(gamma.dtype)
        x, r = x + alpha * p, r - alpha * image
        z = m(r)
        new = gnp.vdot(r, z).real.astype(gamma.dtype)
        return x, r, z + (new / gamma) * p, new, k + 1

    r = b - a(x0)
    z = m(r)
    return lax.while_loop(going, step, (x0, r, z, gnp.vdot(r, z).real, 0))[0]


def bicgstab(
    A: Any, b: Any, x0: Any = None, *, tol: Any = 1e-5, atol: Any = 0.0, maxiter: int | None = None, M: Any = None,
) -> tuple[Any, None]:  # fmt: skip
    """``(x, None)`` with A(x) = b for any A, by stabilised biconjugate gradients; arguments as of :func:`cg`.

    A breakdown of the method ends it. (van der Vorst, *Bi-CGSTAB*, SIAM J. Sci. Stat. Comput. 13, 1992.)

    >>> import numpy as np
    >>> print(bicgstab(np.array([[2.0, 1.0], [0.0, 4.0]]), np.array([3.0, 4.0]))[0])
    [1. 1.]
    """
    return _solved(_bicgstab, A, b, x0, tol, atol, maxiter, M, False)


def _bicgstab(a: Operator, b: Any, x0: Any, limit: Any, steps: int, m: Operator) -> Any:
    def going(state: Any) -> Any:
        _, r, *_, k = state
        return (_norm2(r) > limit) & (k < steps) & (k >= 0)

    def step(state: Any) -> Any:
        x, r, shadow, alpha, omega, rho, p, q, k = state
        new = gnp.vdot(shadow, r)
        p = r + (new / rho * alpha / omega) * (p - omega * q)
        direction = m(p)
        q = a(direction)
        alpha = new / gnp.vdot(shadow, q)
        half = r - alpha * q
        early = _norm2(half) < limit
        turned = m(half)
        image = a(turned)
        omega = gnp.vdot(image, half) / gnp.vdot(image, image)
        x = gnp.where(early, x + alpha * direction, x + alpha * direction + omega * turned)
        r = gnp.where(early, half, half - omega * image)
        broken = (omega == 0) | (alpha == 0) | (new == 0)
        return x, r, shadow, alpha, omega, new, p, q, gnp.where(broken & ~early, -1, k + 1)

    r = b - a(x0)
    one, zero = gnp.ones((), r.dtype), gnp.zeros_like(r)
    return lax.while_loop(going, step, (x0, r, r, one, one, one, zero, zero, 0))[0]


def gmres(
    A: Any, b: Any, x0: Any = None, *, tol: Any = 1e-5, atol: Any = 0.0, restart: int = RESTART,
    maxiter: int | None = None, M: Any = None, solve_method: str = "batched",
) -> tuple[Any, Any]:  # fmt: skip
    """``(x, 0)`` with A(x) = b for any A, by generalised minimal residuals started again every ``restart`` steps.

    In the place of 0 stands -1 where the result is no number.

    Arguments as of :func:`cg`; ``maxiter`` counts restarts. Raises ValueError for another ``solve_method`` than
    "batched" and "incremental", which are one here. (Saad and Schultz, SIAM J. Sci. Stat. Comput. 7, 1986.)

    >>> import numpy as np
    >>> print(gmres(np.array([[2.0, 1.0], [0.0, 4.0]]), np.array([3.0, 4.0]))[0])
    [1. 1.]
    """
    if solve_method not in ("batched", "incremental"):
        raise fail(
            "G206", f"solve_method must be 'batched' or 'incremental', got {solve_method!r}", location=user_location(),
            cls=ValueError,
        )  # fmt: skip
    size = sum(gnp.size(leaf) for leaf in tree_leaves(b))
    method = functools.partial(_gmres, restart=min(restart, size))
    x, _ = _solved(method, A, b, x0, tol, atol, maxiter, M, False)
    total = sum((gnp.sum(abs(leaf)) for leaf in tree_leaves(x)), gnp.zeros(()))
    return x, gnp.where(gnp.isnan(total), -1, 0)


def _gmres(a: Operator, b: Any, x0: Any, limit: Any, steps: int, m: Operator, restart: int) -> Any:
    def going(state: Any) -> Any:
        _, r, k = state
        return (_norm2(r) > limit) & (k < steps)

    def cycle(state: Any) -> Any:
        x, r, k = state
        x = x + _correction(a, m, r, restart)
        return x, b - a(x), k + 1

    return lax.while_loop(going, cycle, (x0, b - a(x0), 0))[0]


def _correction(a: Operator, m: Operator, residual: Any, restart: int) -> Any:
    """The vector of the Krylov space that makes the (preconditioned) residual least, by Arnoldi's iteration."""
    start = m(residual)
    size = gnp.sqrt(_norm2(start)).astype(start.dtype)
    basis = gnp.zeros((start.size, restart + 1), start.dtype).at[:, 0].set(_unit(start, size))

    def step(k: Any, state: Any) -> Any:
        basis, hessenberg = state
        v = m(a(basis[:, k]))
        before = gnp.sqrt(_norm2(v))
        column = gnp.zeros((restart + 1,), v.dtype)
        for _ in range(2):  # twice is enough for orthogonality to working precision
            overlap = gnp.conj(basis).T @ v
            v, column = v - basis @ overlap, column + overlap
        length = gnp.sqrt(_norm2(v))
        length = gnp.where(length <= 10 * gnp.finfo(v.dtype).eps * before, 0, length).astype(v.dtype)
        return basis.at[:, k + 1].set(_unit(v, length)), hessenberg.at[:, k].set(column.at[k + 1].set(length))

    empty = gnp.zeros((restart + 1, restart), start.dtype)
    basis, hessenberg = lax.fori_loop(0, restart, step, (basis, empty))
    target = gnp.zeros((restart + 1,), start.dtype).at[0].set(size)
    return basis[:, :-1] @ gnp.linalg.lstsq(hessenberg, target)[0]


def _unit(v: Any, length: Any) -> Any:
    """``v / length``, or zeros where the length is 0: the space has no further direction."""
    none = length == 0
    return gnp.where(none, gnp.zeros_like(v), v / gnp.where(none, gnp.ones_like(length), length))


__all__ = ["bicgstab", "cg", "gmres"]
