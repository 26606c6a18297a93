"""Initial value problems by embedded Runge-Kutta pairs, whose steps are those of this run.

Values are those of SciPy's RK45 and RK23; other methods are answered by RK45 with smaller tolerances.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.scipynames.steering import Function, Result, number, refuse, steered, values
from gradcli.engine.errors import fail
from gradcli.engine.record import record
from gradcli.engine.trace.source import user_location

_MOST_STEPS = 50_000
Table = tuple[tuple[float, ...], ...]


@record
class Pair:
    """A pair of formulas: stages, weights, those of the error, and of the polynomial between the ends of a step."""

    order: int  # of the formula that estimates the error
    a: Table
    c: tuple[float, ...]
    b: tuple[float, ...]
    error: tuple[float, ...]
    between: Table


# J. R. Dormand and P. J. Prince (1980); the polynomial is L. F. Shampine's (1986).
RK45 = Pair(
    order=4,
    a=((1 / 5,), (3 / 40, 9 / 40), (44 / 45, -56 / 15, 32 / 9), (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
       (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656)),
    c=(1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0),
    b=(35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    error=(-71 / 57600, 0.0, 71 / 16695, -71 / 1920, 17253 / 339200, -22 / 525, 1 / 40),
    between=(
        (1.0, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432),
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799),
        (0.0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072),
        (0.0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632),
        (0.0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844),
        (0.0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423),
    ),
)  # fmt: skip
# P. Bogacki and L. F. Shampine (1989).
RK23 = Pair(
    order=2,
    a=((1 / 2,), (0.0, 3 / 4)),
    c=(1 / 2, 3 / 4),
    b=(2 / 9, 1 / 3, 4 / 9),
    error=(5 / 72, -1 / 12, -1 / 9, 1 / 8),
    between=((1.0, -4 / 3, 5 / 9), (0.0, 1.0, -2 / 3), (0.0, 4 / 3, -8 / 9), (0.0, -1.0, 1.0)),
)  # fmt: skip
_PAIRS = {"RK45": (RK45, 1.0), "RK23": (RK23, 1.0)}
_OTHERS = ("DOP853", "Radau", "BDF", "LSODA")


def solve_ivp(
    fun: Function, t_span: Sequence[Any], y0: Any, method: Any = "RK45", t_eval: Any = None, dense_output: bool = False,
    events: Any = None, vectorized: bool = False, args: tuple[Any, ...] | None = None, rtol: float = 1e-3,
    atol: Any = 1e-6, max_step: float = math.inf, first_step: float | None = None, **_: Any,
) -> Result:  # fmt: skip
    """The solution of y' = fun(t, y) from ``y0`` over ``t_span``: ``t`` [m] and ``y`` [n, m] among the results.

    Raises NotImplementedError for events and dense_output, ValueError for an unknown method.
    """
    if events is not None or dense_output:
        raise refuse("solve_ivp with events or dense_output is not supported on traced values",
                     "ask for the times that are needed by t_eval")  # fmt: skip
    if method not in _PAIRS and method not in _OTHERS:
        raise fail("G206", f"the method of solve_ivp is one of {', '.join((*_PAIRS, *_OTHERS))}, not {method!r}",
                   location=user_location(), cls=ValueError)  # fmt: skip
    pair, sharper = _PAIRS.get(method, (RK45, 1e-2))
    extra = tuple(args) if args is not None else ()
    steps = _Steps(lambda t, y: values(fun(t, y, *extra)), pair, rtol * sharper, number(atol) * sharper, max_step)
    times, found = steps.run(t_span[0], t_span[1], gnp.atleast_1d(values(y0) * 1.0), t_eval, first_step)
    steered(f"the solution has the {steps.count} steps of this run")
    if method in _OTHERS:
        steered(f"{method} is answered by RK45 with smaller tolerances")
    t = gnp.stack([gnp.asarray(t) for t in times]) if times else gnp.zeros(0)
    y = gnp.stack(found, axis=1) if found else gnp.zeros((gnp.size(y0), 0))
    message = "The solver successfully reached the end of the integration interval."
    return Result(t=t, y=y, sol=None, t_events=None, y_events=None, nfev=steps.calls, njev=0, nlu=0, status=0,
                  message=message, success=True)  # fmt: skip


def odeint(
    func: Function, y0: Any, t: Any, args: tuple[Any, ...] = (), Dfun: Any = None, full_output: int = 0,  # noqa: N803
    tfirst: bool = False, rtol: float | None = None, atol: Any = None, hmax: float = 0.0, **_: Any,
) -> Any:  # fmt: skip
    """The solution of y' = func(y, t) at the times ``t``, the first of which is that of ``y0``: [times, n]."""
    extra = args if isinstance(args, tuple) else (args,)

    def fun(s: Any, y: Any) -> Any:
        return values(func(s, y, *extra) if tfirst else func(y, s, *extra))

    rtol, atol = (1.49012e-8 if tol is None else tol for tol in (rtol, atol))
    steps = _Steps(fun, RK45, rtol, number(atol), hmax or math.inf)
    y = gnp.atleast_1d(values(y0) * 1.0)
    rows = [y]
    for start, end in zip(t[:-1], t[1:], strict=True):  # ends of steps are more precise than what lies between them
        y = steps.run(start, end, y, None, steps.last)[1][-1]
        rows.append(y)
    steered(f"the solution has the {steps.count} steps of this run")
    return (gnp.stack(rows), {"message": "Integration successful."}) if full_output else gnp.stack(rows)


class _Steps:
    """One integration. ``last`` is the size that the step after the last one should have."""

    def __init__(self, fun: Function, pair: Pair, rtol: float, atol: Any, max_step: float) -> None:
        self.fun, self.pair, self.atol, self.max_step = fun, pair, atol, max_step
        self.rtol = max(rtol, 100 * np.finfo(float).eps)
        self.count = self.calls = 0
        self.last: float | None = None

    def f(self, t: Any, y: Any) -> Any:
        """The slope."""
        self.calls += 1
        return self.fun(t, y)

    def run(self, start: Any, end: Any, y: Any, t_eval: Any, first: float | None) -> tuple[list[Any], list[Any]]:
        """Times and states: at the ends of all steps, or at the times asked for."""
        t, finish = float(number(start)), float(number(end))
        sign = 1.0 if finish >= t else -1.0
        asked = None if t_eval is None else [float(s) for s in number(t_eval)]
        if asked is not None and any(not min(t, finish) <= s <= max(t, finish) for s in asked):
            raise fail("G206", "the times of t_eval lie beyond t_span", location=user_location(), cls=ValueError)
        times, found = ([start], [y]) if asked is None else ([], [])
        slope = self.f(start, y)
        size = self._first(start, y, slope, sign, abs(finish - t)) if first is None else first
        now = start
        while t != finish:
            h, end_of_step, new, stages, size = self._step(now, t, y, slope, sign, size, end, finish)
            ahead = float(number(end_of_step))
            if asked is None:
                times.append(end_of_step)
                found.append(new)
            else:
                due = [s for s in asked if (t < s or not times) and sign * (s - ahead) <= 0 and sign * (s - t) >= 0]
                for s in due[:]:
                    if len(times) < len(asked) and s == asked[len(times)]:
                        times.append(s)
                        found.append(new if s == ahead else self._between(y, stages, (s - now) / h, h))
            now, t, y, slope = end_of_step, ahead, new, stages[-1]
        self.last = size
        return times, found

    def _step(
        self, now: Any, t: float, y: Any, slope: Any, sign: float, size: float, end: Any, finish: float
    ) -> tuple[Any, Any, Any, list[Any], float]:
        """One step that is precise enough: its length, its end, the state there, slopes, and the next length."""
        least, rejected = 10 * abs(math.nextafter(t, sign * math.inf) - t), False
        size = min(max(size, least), self.max_step)
        while True:
            self.count += 1
            if size < least or self.count > _MOST_STEPS:
                raise fail(
                    "G200", f"the solution needs more than {_MOST_STEPS} steps, or ever smaller ones, near t = {t:g}",
                    hint="the problem may be stiff: see rtol, atol and the time span", location=user_location(),
                    cls=ArithmeticError,
                )  # fmt: skip
            last = sign * (t + sign * size - finish) >= 0
            end_of_step: Any = end if last else t + sign * size
            h = end_of_step - now
            new, stages = self._stages(now, y, slope, h)
            scale = self.atol + np.maximum(np.abs(number(y)), np.abs(number(new))) * self.rtol
            wrong = sum(w * number(k) for w, k in zip(self.pair.error, stages, strict=True)) * float(number(h))
            error = _norm(wrong / scale)
            factor = 10.0 if error == 0 else 0.9 * error ** (-1 / (self.pair.order + 1))
            size = abs(float(number(h)))
            if error < 1:
                return h, end_of_step, new, stages, size * min(1.0 if rejected else 10.0, factor)
            size *= max(0.2, factor) if error == error else 0.2
            rejected = True

    def _stages(self, now: Any, y: Any, slope: Any, h: Any) -> tuple[Any, list[Any]]:
        stages = [slope]
        for row, c in zip(self.pair.a, self.pair.c, strict=True):
            change = sum(w * k for w, k in zip(row, stages, strict=True) if w)
            stages.append(self.f(now + c * h, y + change * h))
        new = y + h * sum(w * k for w, k in zip(self.pair.b, stages, strict=True) if w)
        return new, [*stages, self.f(now + h, new)]

    def _between(self, y: Any, stages: Sequence[Any], part: Any, h: Any) -> Any:
        """The state inside a step, a ``part`` of it from its beginning."""
        powers = [part ** (i + 1) for i in range(len(self.pair.between[0]))]
        weights = [sum(w * p for w, p in zip(row, powers, strict=True)) for row in self.pair.between]
        return y + h * sum(w * k for w, k in zip(weights, stages, strict=True))

    def _first(self, start: Any, y: Any, slope: Any, sign: float, span: float) -> float:
        """The length of the first step (E. Hairer, S. Norsett, G. Wanner, Solving ODEs I, section II.4)."""
        if not span:
            return 0.0
        y0, f0 = number(y), number(slope)
        scale = self.atol + np.abs(y0) * self.rtol
        d0, d1 = _norm(y0 / scale), _norm(f0 / scale)
        h0 = min(1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1, span)
        t0 = float(number(start))
        d2 = _norm((number(self.f(t0 + sign * h0, y0 + sign * h0 * f0)) - f0) / scale) / h0
        h1 = max(1e-6, h0 * 1e-3) if max(d1, d2) <= 1e-15 else (0.01 / max(d1, d2)) ** (1 / (self.pair.order + 1))
        return min(100 * h0, h1, span, self.max_step)


def _norm(x: Any) -> float:
    return float(np.linalg.norm(x) / x.size**0.5)
