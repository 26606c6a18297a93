"""The quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno (Nocedal and Wright, Algorithm 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine.autodiff import value_and_grad
from gradcli.engine.control.loop import while_loop
from gradcli.numpy import asarray, eye, isfinite, linalg, outer, where
from gradcli.numpy._base import type_error, value_error
from gradcli.scipy.optimize._line_search import line_search
from gradcli.scipy.stats._base import common_dtype


class OptimizeResults(NamedTuple):
    """The minimum ``x``, its value and gradient, whether and why it was taken for one, and what it cost.

    status: 0 converged, 1 maxiter reached, 3 the line search failed, 5 it reached its own limit.
    """

    x: Any
    success: Any
    status: Any
    fun: Any
    jac: Any
    hess_inv: Any
    nfev: Any
    njev: Any
    nit: Any


def minimize(
    fun: Callable[..., Any], x0: Any, args: tuple[Any, ...] = (), *, method: str, tol: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResults:  # fmt: skip
    """A local minimum of ``fun(x, *args)``, a scalar, from the vector ``x0`` on; it can be compiled and mapped.

    method: ``BFGS``. options: ``maxiter`` (default: 200 times the size), ``norm`` (default: inf) and ``gtol`` (default:
    1e-5): the norm of the gradient below which it is taken for a minimum; ``line_search_maxiter`` (default: 10).
    ``tol`` stands for ``gtol`` where that is not given. Raises ValueError for another method or option and for an x0
    that is no vector, TypeError for args that are no tuple.

    >>> import numpy as np
    >>> print(minimize(lambda x: ((x - 2.0) ** 2).sum(), np.zeros(2), method="BFGS").x)
    [2. 2.]
    """
    if not isinstance(args, tuple):
        raise type_error(f"args of minimize must be a tuple, got a {type(args).__name__}")
    if method.lower() != "bfgs":
        raise value_error(f"minimize has the method 'BFGS', not {method!r}")
    given = dict(options or {})
    unknown = set(given) - {"maxiter", "norm", "gtol", "line_search_maxiter"}
    if unknown:
        raise value_error(f"minimize has no option {', '.join(sorted(unknown))}")
    if tol is not None:
        given.setdefault("gtol", tol)
    (x0,) = common_dtype(x0)
    if x0.ndim != 1:
        raise value_error(f"minimize needs a vector to start from, got {x0.type}")
    return _bfgs(lambda x: fun(x, *args), x0, **given)


class _State(NamedTuple):
    x: Any
    f: Any
    g: Any
    inverse: Any
    before: Any
    converged: Any
    failed: Any
    limit: Any
    nit: Any
    calls: Any


def _bfgs(
    fun: Callable[[Any], Any], x0: Any, maxiter: int | None = None, norm: Any = np.inf, gtol: float = 1e-5,
    line_search_maxiter: int = 10,
) -> OptimizeResults:  # fmt: skip
    steps = x0.size * 200 if maxiter is None else maxiter
    slope = value_and_grad(fun)
    f, g = slope(x0)
    small = linalg.norm(g, ord=norm) < gtol
    no, one = asarray(False), asarray(1)
    start = _State(x0, f, g, eye(x0.size, dtype=x0.dtype), f + linalg.norm(g) / 2, small, no, no, one * 0, one)

    def step(s: _State) -> _State:
        direction = -(s.inverse @ s.g)
        descent = direction @ s.g
        guess = 2.02 * (s.f - s.before) / descent
        found = line_search(slope, s.x, direction, s.f, s.g, where((guess > 0) & (guess < 1), guess, 1.0),
                            line_search_maxiter)  # fmt: skip
        moved, turned = found.a * direction, found.g - s.g
        curvature = turned @ moved
        inverse = _updated(s.inverse, moved, turned, curvature)
        return _State(
            s.x + moved, found.f, found.g, where(curvature > 0, inverse, s.inverse), s.f,
            linalg.norm(found.g, ord=norm) < gtol, ~found.done, found.limit, s.nit + 1, s.calls + found.calls,
        )  # fmt: skip

    end = while_loop(lambda s: ~s.converged & ~s.failed & (s.nit < steps), step, start)
    end = _State(*end)
    reason = where(end.limit, 5, 3)
    status = where(end.converged, 0, where(end.failed, reason, 1))
    good = end.converged & isfinite(end.f)
    return OptimizeResults(end.x, good, status, end.f, end.g, end.inverse, end.calls, end.calls, end.nit)


def _updated(inverse: Any, moved: Any, turned: Any, curvature: Any) -> Any:
    """The inverse Hessian after a step (Nocedal and Wright, 6.17)."""
    rho = 1 / where(curvature > 0, curvature, 1)
    left = eye(moved.size, dtype=moved.dtype) - rho * outer(moved, turned)
    return left @ inverse @ left.T + rho * outer(moved, moved)
