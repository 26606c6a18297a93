"""``odeint``: initial value problems by adaptive Runge-Kutta steps, with gradients by the adjoint equation.

Steps: the embedded pair of orders 5 and 4 of Dormand and Prince (J. Comp. Appl. Math. 6, 1980), the first step as in
Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.4. Gradients: Pontryagin's adjoint,
integrated backwards together with the solution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradcli import lax
from gradcli import numpy as gnp
from gradcli.engine import api
from gradcli.engine.custom import as_value, custom_vjp
from gradcli.engine.functional import closure_convert
from gradcli.engine.tree import tree_map
from gradcli.flatten_util import ravel_pytree

Slope = Callable[[Any, Any], Any]

_NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0)
_ROWS = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
)
_FIFTH = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
_FOURTH = (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40)
_ORDER, _SAFETY, _SHRINK, _GROW = 5, 0.9, 0.2, 10.0


class Options(NamedTuple):
    """Tolerances, and limits of the number and size of steps between two output times."""

    rtol: float
    atol: float
    mxstep: float
    hmax: float


def _combined(weights: tuple[float, ...], slopes: list[Any]) -> Any:
    return sum((w * k for w, k in zip(weights[1:], slopes[1:], strict=True)), weights[0] * slopes[0])


def _step(f: Slope, y: Any, slope: Any, t: Any, h: Any) -> tuple[Any, Any, Any]:
    """The next value, its slope, and the estimated error."""
    slopes = [slope]
    for node, row in zip(_NODES, _ROWS, strict=True):
        slopes.append(f(y + h * _combined(row, slopes), t + node * h))
    new = y + h * _combined(_FIFTH, slopes)
    slopes.append(f(new, t + h))
    difference = tuple(a - b for a, b in zip((*_FIFTH, 0.0), _FOURTH, strict=True))
    return new, slopes[-1], h * _combined(difference, slopes)


def _size(x: Any, scale: Any) -> Any:
    return gnp.sqrt(gnp.mean(gnp.abs(x / scale) ** 2))


def _first_step(f: Slope, y: Any, slope: Any, t: Any, options: Options) -> Any:
    scale = options.atol + gnp.abs(y) * options.rtol
    d0, d1 = _size(y, scale), _size(slope, scale)
    small = gnp.logical_or(d0 < 1e-5, d1 < 1e-5)
    h0 = gnp.where(small, 1e-6, 0.01 * d0 / gnp.where(d1 > 0, d1, 1.0))
    d2 = _size(f(y + h0 * slope, t + h0) - slope, scale) / h0
    largest = gnp.maximum(d1, d2)
    careful = (0.01 / gnp.where(largest > 0, largest, 1.0)) ** (1 / _ORDER)
    h1 = gnp.where(largest <= 1e-15, gnp.maximum(1e-6, h0 * 1e-3), careful)
    return gnp.minimum(100.0 * h0, h1)


def _integrate(f: Slope, y0: Any, ts: Any, options: Options) -> Any:
    """The solution at the increasing times ``ts``, the first of which is where ``y0`` holds."""
    tiny = float(np.finfo(y0.dtype).eps)

    def going(state: Any) -> Any:
        i, _, _, t, h, target = state
        return (t < target) & (i < options.mxstep) & (h > tiny * gnp.abs(t))

    def body(state: Any) -> Any:
        i, y, slope, t, h, target = state
        step = gnp.minimum(h, target - t)
        new, new_slope, error = _step(f, y, slope, t, step)
        ratio = _size(error, options.atol + options.rtol * gnp.maximum(gnp.abs(y), gnp.abs(new)))
        fine = ratio <= 1.0
        factor = gnp.where(ratio == 0, _GROW, _SAFETY * gnp.where(ratio > 0, ratio, 1.0) ** (-1 / _ORDER))
        next_h = gnp.where(gnp.isfinite(ratio), step * gnp.clip(factor, _SHRINK, _GROW), step * _SHRINK)
        # A step cut short by the output time says nothing against the step that was planned.
        next_h = gnp.where(fine & (step < h), gnp.maximum(next_h, h), next_h)
        after = gnp.where(step < h, target, t + step)
        kept = (gnp.where(fine, a, b) for a, b in ((new, y), (new_slope, slope), (after, t)))
        return (i + 1, *kept, gnp.minimum(next_h, options.hmax), target)

    def to(carry: Any, target: Any) -> Any:
        y, slope, t, h = carry
        start = (as_value(np.int32(0)), y, slope, t, h, target)
        _, y, slope, t, h, _ = lax.while_loop(going, body, start)
        out = gnp.where(t < target, gnp.nan, y)  # the steps did not suffice
        return (y, slope, t, h), out

    slope = f(y0, ts[0])
    h = gnp.minimum(_first_step(f, y0, slope, ts[0], options), options.hmax)
    _, ys = lax.scan(to, (y0, slope, ts[0], gnp.asarray(h, ts.dtype)), ts[1:])
    return gnp.concatenate([y0[None], ys])


def _solve_(func: Callable[..., Any], options: Options, y0: Any, ts: Any, *args: Any) -> Any:
    return _integrate(lambda y, t: gnp.asarray(func(y, t, *args), y0.dtype), y0, ts, options)


def _fwd(func: Callable[..., Any], options: Options, y0: Any, ts: Any, *args: Any) -> Any:
    ys = _solve(func, options, y0, ts, *args)
    return ys, (ys, ts, args)


def _bwd(func: Callable[..., Any], options: Options, residuals: Any, g: Any) -> Any:
    ys, ts, args = residuals

    def backwards(state: Any, s: Any, *args: Any) -> Any:
        """The slope of value, adjoint and adjoints of the arguments, in the time -s."""
        y, ybar, _ = unravel(state)
        slope, pull = api.vjp(lambda y, *a: func(y, -s, *a), y, *args)
        dy, *dargs = pull(ybar)
        return ravel_pytree((-slope, dy, tuple(dargs)))[0]

    zero_args = tree_map(gnp.zeros_like, tuple(args))
    _, unravel = ravel_pytree((ys[-1], g[-1], zero_args))

    def interval(carry: Any, row: Any) -> Any:
        ybar, argbar = carry
        y, t, before, g_here, g_before = row
        t_bar = gnp.dot(func(y, t, *args), g_here)  # another time of output moves this output alone
        state, _ = ravel_pytree((y, ybar, argbar))
        out = _solve(backwards, options, state, gnp.stack([-t, -before]), *args)[1]  # can be differentiated in turn
        _, ybar, argbar = unravel(out)
        return (ybar + g_before, argbar), t_bar

    rows = (ys[1:], ts[1:], ts[:-1], g[1:], g[:-1])
    (ybar, argbar), t_bars = lax.scan(interval, (g[-1], zero_args), rows, reverse=True)
    first = -gnp.dot(func(ys[0], ts[0], *args), ybar - g[0])
    return (ybar, gnp.concatenate([first[None], t_bars]), *argbar)


_solve: Any = custom_vjp(_solve_, nondiff_argnums=(0, 1))
_solve.defvjp(_fwd, _bwd)


def odeint(
    func: Callable[..., Any], y0: Any, t: Any, *args: Any, rtol: float = 1.4e-8, atol: float = 1.4e-8,
    mxstep: float = np.inf, hmax: float = np.inf,
) -> Any:  # fmt: skip
    """The solution of ``dy/dt = func(y, t, *args)`` at the increasing times ``t``, where y is ``y0`` at ``t[0]``.

    y0: an array or pytree of floats; the result has a leading axis of times. It can be differentiated in reverse mode
    with respect to y0, t and args. Where the steps become too many or too small the result is nan.

    >>> float(odeint(lambda y, t: -y, 1.0, np.array([0.0, 1.0]))[1]).__round__(6)
    0.367879
    """
    flat, unravel = ravel_pytree(y0)
    ts = gnp.asarray(t, flat.dtype)
    values = tree_map(as_value, tuple(args))

    def slope(y: Any, s: Any, *rest: Any) -> Any:
        return ravel_pytree(func(unravel(y), s, *rest))[0]

    converted, captured = closure_convert(slope, flat, ts[0], *values)
    ys = _solve(converted, Options(rtol, atol, mxstep, hmax), flat, ts, *values, *captured)
    return api.vmap(unravel)(ys)
