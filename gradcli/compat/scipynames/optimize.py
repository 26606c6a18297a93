"""``scipy.optimize``: SciPy finds a solution in numbers; its derivatives are those of the equations that it solves."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.scipynames.steering import (
    Function,
    Result,
    number,
    refuse,
    root_near,
    scipys,
    steered,
    value_at,
    values,
)
from gradcli.engine.autodiff import grad
from gradcli.engine.jacobian import jacfwd

_CONSTRAINED = "the derivative of a solution at a bound or constraint is not supported"


def _extra(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


# --- roots ------------------------------------------------------------------------------------------------------------


def _root_of_one(name: str) -> Function:
    """A solver of SciPy's for one equation: the root, or with ``full_output`` a tuple that begins with it."""

    def find(f: Function, *given: Any, args: Any = (), fprime: Any = None, fprime2: Any = None, **options: Any) -> Any:
        def of(x: Any) -> Any:
            return values(f(x, *_extra(args)))

        found = scipys(f"scipy.optimize.{name}")(lambda x: value_at(of, x)[()], *map(_plain, given), **options)
        root, rest = (found[0], found[1:]) if isinstance(found, tuple) else (found, None)
        steered("the root is the one that was found in this run")
        polished = root_near(of, root)
        return polished if rest is None else (polished, *rest)

    find.__name__ = find.__qualname__ = name
    find.__doc__ = f"SciPy's ``{name}``; the derivatives are those of the root (implicit function theorem)."
    return find


def _plain(x: Any) -> Any:
    found = number(x)
    return found if found.ndim else found.item()


bisect, brenth, brentq, ridder, toms748 = map(_root_of_one, ("bisect", "brenth", "brentq", "ridder", "toms748"))
_newton = _root_of_one("newton")


def newton(
    func: Function, x0: Any, fprime: Any = None, args: Any = (), tol: float = 1.48e-8, maxiter: int = 50, **rest: Any
) -> Any:
    """SciPy's ``newton``, by secants; the derivatives are those of the root."""
    return _newton(func, x0, args=args, tol=tol, maxiter=maxiter, **{k: rest[k] for k in ("x1", "rtol") if k in rest})


def root_scalar(
    f: Function, args: Any = (), method: Any = None, bracket: Any = None, fprime: Any = None, fprime2: Any = None,
    x0: Any = None, x1: Any = None, **options: Any,
) -> Result:  # fmt: skip
    """SciPy's ``root_scalar``; ``root`` has the derivatives of the root."""

    def of(x: Any) -> Any:
        return values(f(x, *_extra(args)))

    method = None if method in ("newton", "halley") else method  # which would need derivatives that are at hand here
    x1 = x0 * 1.0001 + 1e-4 if x0 is not None and x1 is None and bracket is None else x1
    places = {"bracket": bracket, "x0": x0, "x1": x1}
    given = {key: number(place).tolist() for key, place in places.items() if place is not None}
    found = scipys("scipy.optimize.root_scalar")(lambda x: value_at(of, x).item(), method=method, **given, **options)
    steered("the root is the one that was found in this run")
    return Result(dict(found), root=root_near(of, found.root))


def root(fun: Function, x0: Any, args: Any = (), method: str = "hybr", jac: Any = None, **options: Any) -> Result:
    """SciPy's ``root``; ``x`` has the derivatives of the root."""

    def of(x: Any) -> Any:
        out = fun(x, *_extra(args))
        return values(out[0] if jac is True else out)

    found = scipys("scipy.optimize.root")(lambda x: value_at(of, x), number(x0) * 1.0, method=method, **options)
    steered("the root is the one that was found in this run")
    return Result(dict(found), x=root_near(of, found.x))


def fsolve(func: Function, x0: Any, args: Any = (), fprime: Any = None, full_output: int = 0, **options: Any) -> Any:
    """SciPy's ``fsolve``: the root, an array; with ``full_output`` as SciPy gives it."""

    def of(x: Any) -> Any:
        return gnp.ravel(values(func(x, *_extra(args))))

    found = scipys("scipy.optimize.fsolve")(lambda x: value_at(of, x), number(x0) * 1.0, full_output=1, **options)
    steered("the root is the one that was found in this run")
    polished = root_near(of, found[0])
    return (polished, *found[1:]) if full_output else polished


def fixed_point(func: Function, x0: Any, args: Any = (), **options: Any) -> Any:
    """SciPy's ``fixed_point``: the x with func(x) = x."""

    def of(x: Any) -> Any:
        return values(func(x, *_extra(args)))

    found = scipys("scipy.optimize.fixed_point")(lambda x: value_at(of, x), number(x0) * 1.0, **options)
    steered("the fixed point is the one that was found in this run")
    return root_near(lambda x: of(x) - x, found)


# --- minima -----------------------------------------------------------------------------------------------------------

_WITH_GRADIENT = (None, "BFGS", "CG", "L-BFGS-B", "Newton-CG", "SLSQP", "TNC")


def minimize(
    fun: Function, x0: Any, args: Any = (), method: Any = None, jac: Any = None, hess: Any = None, hessp: Any = None,
    bounds: Any = None, constraints: Any = (), **options: Any,
) -> Result:  # fmt: skip
    """SciPy's ``minimize`` with exact gradients; ``x`` and ``fun`` have the derivatives of the minimum.

    Raises NotImplementedError where the minimum lies at a bound, or there are constraints.
    """
    if constraints != () and constraints is not None and len(constraints):
        raise refuse(_CONSTRAINED, "put the constraint into the function: substitute, or penalise")

    def of(x: Any) -> Any:
        out = fun(x, *_extra(args))
        return gnp.reshape(values(out[0] if jac is True else out), ())

    if method in _WITH_GRADIENT:
        options["jac"] = lambda x: value_at(grad(of), x)
    found = scipys("scipy.optimize.minimize")(
        lambda x: value_at(of, x).item(), number(x0) * 1.0, method=method, bounds=bounds, **options
    )
    _check_bounds(found.x, bounds)
    steered("the minimum is the one that was found in this run")
    x = root_near(grad(of), found.x)
    return Result(dict(found), x=x, fun=of(x))


def _check_bounds(x: Any, bounds: Any) -> None:
    if bounds is None:
        return
    pairs = zip(bounds.lb, bounds.ub, strict=True) if hasattr(bounds, "lb") else bounds
    for value, (low, high) in zip(x.ravel().tolist(), pairs, strict=True):
        if any(end is not None and abs(value - float(number(end))) <= 1e-8 * (1 + abs(value)) for end in (low, high)):
            raise refuse(_CONSTRAINED, "leave out the bound, or fix the variable that is at it")


def _minimum(method: str) -> Function:
    def find(f: Function, x0: Any, args: Any = (), **_: Any) -> Any:
        return minimize(f, x0, args, method).x

    find.__doc__ = f"The x of :func:`minimize` by {method}."
    return find


fmin, fmin_bfgs, fmin_cg, fmin_powell = map(_minimum, ("Nelder-Mead", "BFGS", "CG", "Powell"))


def minimize_scalar(
    fun: Function, bracket: Any = None, bounds: Any = None, args: Any = (), method: Any = None, **options: Any
) -> Result:
    """SciPy's ``minimize_scalar``; ``x`` and ``fun`` have the derivatives of the minimum."""

    def of(x: Any) -> Any:
        return gnp.reshape(values(fun(x, *_extra(args))), ())

    places = {"bracket": bracket, "bounds": bounds}
    given = {key: number(place).tolist() for key, place in places.items() if place is not None}
    found = scipys("scipy.optimize.minimize_scalar")(
        lambda x: value_at(of, float(x)).item(), method=method, **given, **options
    )
    if bounds is not None:  # the bounded method stays a little away from the ends
        low, high = given["bounds"]
        if min(found.x - low, high - found.x) < 1e-4 * (high - low):
            raise refuse(_CONSTRAINED, "widen the bounds")
    steered("the minimum is the one that was found in this run")
    x = root_near(grad(of), found.x)
    return Result(dict(found), x=x, fun=of(x))


# --- least squares ----------------------------------------------------------------------------------------------------


def least_squares(
    fun: Function, x0: Any, jac: Any = "2-point", bounds: Any = None, method: str = "trf", loss: Any = "linear",
    args: Any = (), kwargs: Any = None, **options: Any,
) -> Result:  # fmt: skip
    """SciPy's ``least_squares`` with exact Jacobians; ``x``, ``fun`` and ``cost`` have the derivatives of the minimum.

    Raises NotImplementedError for bounds, and for another ``loss`` than the linear one.
    """
    if bounds is not None and np.any(np.isfinite(np.concatenate([np.ravel(number(b)) for b in bounds]))):
        raise refuse(_CONSTRAINED, "leave out the bounds")
    if loss != "linear":
        raise refuse("least_squares with a loss of its own is not supported on traced values", "use minimize")

    def of(x: Any) -> Any:
        return gnp.ravel(values(fun(x, *_extra(args), **(kwargs or {}))))

    found = scipys("scipy.optimize.least_squares")(
        lambda x: value_at(of, x), np.atleast_1d(number(x0) * 1.0), jac=lambda x: value_at(jacfwd(of), x),
        method=method, **options,
    )  # fmt: skip
    steered("the minimum is the one that was found in this run")
    x = root_near(_slope_of_squares(of), found.x)
    residuals = of(x)
    return Result(dict(found), x=x, fun=residuals, cost=0.5 * gnp.sum(residuals**2))


def _slope_of_squares(of: Function) -> Function:
    return grad(lambda x: 0.5 * gnp.sum(of(x) ** 2))


def curve_fit(
    f: Function, xdata: Any, ydata: Any, p0: Sequence[float] | None = None, sigma: Any = None,
    absolute_sigma: bool = False, check_finite: bool = True, bounds: Any = None, **options: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """SciPy's ``curve_fit``: parameters and their covariance, with their derivatives by data and by all that f uses.

    Raises NotImplementedError for bounds and for a matrix of covariances as ``sigma``.
    """
    if sigma is not None and gnp.ndim(sigma) > 1:
        raise refuse("curve_fit with a covariance matrix is not supported on traced values", "give a vector sigma")
    if p0 is None:
        p0 = [1.0] * (len(signature(f).parameters) - 1)

    def of(p: Any) -> Any:
        residual = gnp.ravel(values(f(xdata, *p)) - values(ydata))
        return residual if sigma is None else residual / values(sigma)

    found = least_squares(of, p0, bounds=bounds, method="lm" if bounds is None else "trf", **options)
    slope = jacfwd(of)(found.x)
    covariance = gnp.linalg.inv(slope.T @ slope)
    freedom = slope.shape[0] - slope.shape[1]
    scale = 1.0 if absolute_sigma else 2 * found.cost / freedom if freedom > 0 else np.inf
    return found.x, covariance * scale
