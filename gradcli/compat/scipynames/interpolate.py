"""``scipy.interpolate``: interpolants in one variable that are differentiated by places, values and knots alike.

Cubic pieces: C. de Boor, A Practical Guide to Splines (1978), chapter IV; monotone ones: F. Fritsch, J. Butland (1984).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.scipynames.steering import number, refuse, steered, values
from gradcli.engine.errors import fail
from gradcli.engine.trace.source import user_location


def _bad(text: str) -> Exception:
    error: Exception = fail("G206", text, location=user_location(), cls=ValueError)
    return error


class _Pieces:
    """Polynomials on intervals: ``c[k]`` times the power degree - k of the distance from the left end of each."""

    def __init__(self, c: Any, x: Any, extrapolate: Any = True, axis: int = 0) -> None:
        self.c, self.x, self.extrapolate, self.axis = c, x, extrapolate, axis

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """The interpolant at ``x``, or its derivative of order ``nu``."""
        x = values(x) * 1.0
        knots, rule = number(self.x), self.extrapolate if extrapolate is None else extrapolate
        if rule == "periodic":
            span = self.x[-1] - self.x[0]
            x = self.x[0] + gnp.mod(x - self.x[0], span)
        at = number(x)
        place = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
        steered("points lie in the pieces of an interpolant as in this run")
        d = x - self.x[place]
        lead = (...,) + (None,) * (self.c.ndim - 2)
        found, degree = gnp.zeros(np.shape(at) + self.c.shape[2:]), self.c.shape[0] - 1
        for k in range(degree - nu + 1):
            power = degree - k
            factor = float(np.prod(np.arange(power - nu + 1, power + 1))) if nu else 1.0
            found = found * d[lead] + self.c[k][place] * factor
        if rule is False:
            found = gnp.where(((at < knots[0]) | (at > knots[-1]))[lead], np.nan, found)
        return _in_place(found, np.ndim(at), self.axis)

    def derivative(self, nu: int = 1) -> _Pieces:
        """The derivative, of order ``nu``."""
        c = self.c
        for _ in range(nu):
            powers = np.arange(c.shape[0] - 1, 0, -1.0)
            c = c[:-1] * powers.reshape(-1, *(1 for _ in c.shape[1:]))
        return _Pieces(c, self.x, self.extrapolate, self.axis)

    def integrate(self, a: Any, b: Any) -> Any:
        """The integral from ``a`` to ``b``, both within the knots."""
        degrees = np.arange(self.c.shape[0], 0, -1.0).reshape(-1, *(1 for _ in self.c.shape[1:]))
        c = gnp.concatenate([self.c / degrees, gnp.zeros_like(self.c[:1])])
        lengths = gnp.diff(self.x).reshape(-1, *(1 for _ in self.c.shape[2:]))
        whole = sum(c[k] * lengths ** (c.shape[0] - 1 - k) for k in range(c.shape[0] - 1))
        starts = gnp.concatenate([gnp.zeros_like(whole[:1]), gnp.cumsum(whole, axis=0)[:-1]])
        primitive = _Pieces(gnp.concatenate([c[:-1], starts[None]]), self.x)
        return primitive(b) - primitive(a)


def _in_place(found: Any, ndim: int, axis: int) -> Any:
    """Results with the axes of the points where that of the samples was."""
    return gnp.moveaxis(found, range(ndim), range(axis, axis + ndim)) if axis else found


def _samples(x: Any, y: Any, axis: int) -> tuple[Any, Any]:
    x, y = values(x) * 1.0, gnp.moveaxis(values(y) * 1.0, axis, 0)
    if x.ndim != 1 or x.shape[0] < 2 or y.shape[0] != x.shape[0]:
        raise _bad(f"an interpolant needs at least two places and as many values, got {x.shape} and {y.shape}")
    if np.any(np.diff(number(x)) <= 0):
        raise _bad("the places of an interpolant must increase")
    return x, y


def _hermite(x: Any, y: Any, slopes: Any) -> Any:
    """The coefficients of cubic pieces with these values and slopes at the knots."""
    h = gnp.diff(x).reshape(-1, *(1 for _ in y.shape[1:]))
    chord = gnp.diff(y, axis=0) / h
    t = (slopes[:-1] + slopes[1:] - 2 * chord) / h
    return gnp.stack([t / h, (chord - slopes[:-1]) / h - t, slopes[:-1], y[:-1]])


class CubicSpline(_Pieces):
    """The cubic spline through samples.

    bc_type: not-a-knot, natural, clamped, periodic, or for each end the order and the value of a derivative.
    """

    def __init__(self, x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None) -> None:
        x, y = _samples(x, y, axis)
        rule = ("periodic" if bc_type == "periodic" else True) if extrapolate is None else extrapolate
        super().__init__(_hermite(x, y, _spline_slopes(x, y, bc_type)), x, rule, axis)


def _spline_slopes(x: Any, y: Any, bc_type: Any) -> Any:
    """The slopes at the knots that make the second derivative continuous."""
    n, h = x.shape[0], gnp.diff(x)
    flat = y.reshape(n, -1)
    chord = gnp.diff(flat, axis=0) / h[:, None]
    rows: list[Any] = []
    right: list[Any] = []
    eye = np.eye(n)
    for i in range(1, n - 1):
        rows.append(h[i] * eye[i - 1] + 2 * (h[i - 1] + h[i]) * eye[i] + h[i - 1] * eye[i + 1])
        right.append(3 * (h[i] * chord[i - 1] + h[i - 1] * chord[i]))
    if isinstance(bc_type, str) and bc_type == "periodic":
        first = 2 * (h[-1] + h[0]) * eye[0] + h[-1] * eye[1] + h[0] * eye[n - 2]
        ends = [(first, 3 * (h[0] * chord[-1] + h[-1] * chord[0])), (eye[0] - eye[-1], 0 * chord[0])]
    elif n == 3 and isinstance(bc_type, str) and bc_type == "not-a-knot":  # a parabola
        ends = [(eye[0] + eye[1], 2 * chord[0]), (eye[1] + eye[2], 2 * chord[1])]
        rows, right = [h[1] * eye[0] + 2 * (h[0] + h[1]) * eye[1] + h[0] * eye[2]], right
    else:
        kinds = (bc_type, bc_type) if isinstance(bc_type, str) else bc_type
        ends = [_end(kinds[0], h, chord, eye, False), _end(kinds[1], h[::-1], chord[::-1], eye[::-1], True)]
    matrix = gnp.stack([gnp.asarray(r) for r in (ends[0][0], *rows, ends[1][0])])
    target = gnp.stack([gnp.broadcast_to(r, chord[0].shape) for r in (ends[0][1], *right, ends[1][1])])
    return gnp.linalg.solve(matrix, target).reshape(y.shape)


def _end(kind: Any, h: Any, chord: Any, eye: Any, last: bool) -> tuple[Any, Any]:
    """The equation of one end; at the last one everything is seen in a mirror."""
    sign = -1.0 if last else 1.0
    if kind == "not-a-knot":
        if eye.shape[0] < 3:
            return eye[0], chord[0]
        both = h[0] + h[1]
        return h[1] * eye[0] + both * eye[1], ((h[0] + 2 * both) * h[1] * chord[0] + h[0] ** 2 * chord[1]) / both
    if kind in ("natural", "clamped"):
        kind = (2, 0.0) if kind == "natural" else (1, 0.0)
    order, value = kind
    if order == 1:
        return eye[0], values(value) * 1.0
    return 2 * eye[0] + eye[1], 3 * chord[0] - 0.5 * sign * h[0] * values(value)


class PchipInterpolator(_Pieces):
    """Cubic pieces that rise and fall only where the samples do."""

    def __init__(self, x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> None:
        x, y = _samples(x, y, axis)
        super().__init__(_hermite(x, y, _monotone_slopes(x, y)), x, extrapolate is not False, axis)


def _monotone_slopes(x: Any, y: Any) -> Any:
    h = gnp.diff(x).reshape(-1, *(1 for _ in y.shape[1:]))
    chord = gnp.diff(y, axis=0) / h
    if x.shape[0] == 2:
        return gnp.concatenate([chord, chord])
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    alike = chord[1:] * chord[:-1] > 0
    left, right = (gnp.where(alike, part, 1.0) for part in (chord[:-1], chord[1:]))
    inner = gnp.where(alike, (w1 + w2) / (w1 / left + w2 / right), 0.0)
    ends = [_monotone_end(h[0], h[1], chord[0], chord[1]), _monotone_end(h[-1], h[-2], chord[-1], chord[-2])]
    return gnp.concatenate([ends[0][None], inner, ends[1][None]])


def _monotone_end(h0: Any, h1: Any, c0: Any, c1: Any) -> Any:
    slope = ((2 * h0 + h1) * c0 - h0 * c1) / (h0 + h1)
    slope = gnp.where(gnp.sign(slope) != gnp.sign(c0), 0.0, slope)
    return gnp.where((gnp.sign(c0) != gnp.sign(c1)) & (gnp.abs(slope) > 3 * gnp.abs(c0)), 3 * c0, slope)


class interp1d:  # noqa: N801 - SciPy's name
    """Samples joined by straight lines, steps or a cubic spline. fill_value: beyond the samples, or ``extrapolate``."""

    def __init__(
        self, x: Any, y: Any, kind: Any = "linear", axis: int = -1, copy: bool = True, bounds_error: Any = None,
        fill_value: Any = np.nan, assume_sorted: bool = False,
    ) -> None:  # fmt: skip
        x = values(x) * 1.0
        order = np.argsort(number(x), kind="stable")
        self.x, self.y = _samples(x[order], gnp.moveaxis(values(y) * 1.0, axis, 0)[order], 0)
        names = {1: "linear", 0: "zero", 3: "cubic"}
        self.kind = names.get(kind, kind) if not isinstance(kind, str) else kind
        if self.kind not in ("linear", "cubic", "nearest", "previous", "next", "zero"):
            raise refuse(f"interp1d with kind={kind!r} is not supported on traced values", "use linear or cubic")
        self.spread = isinstance(fill_value, str)
        self.fill = np.nan if self.spread else fill_value
        self.error = (not self.spread and fill_value is np.nan) if bounds_error is None else bounds_error
        self.axis = axis if axis >= 0 else axis + self.y.ndim

    def __call__(self, x: Any) -> Any:
        """The values at ``x``."""
        x = values(x) * 1.0
        at, knots = number(x), number(self.x)
        beyond = (at < knots[0]) | (at > knots[-1])
        if self.error and np.any(beyond):
            raise _bad("a value in x lies beyond the range of the samples")
        found = self._inside(x, at, knots)
        if not self.spread:
            lead = (...,) + (None,) * (self.y.ndim - 1)
            low, high = self.fill if isinstance(self.fill, tuple) else (self.fill, self.fill)
            found = gnp.where((at > knots[-1])[lead], values(high), found)
            found = gnp.where((at < knots[0])[lead], values(low), found)
        return _in_place(found, np.ndim(at), self.axis)

    def _inside(self, x: Any, at: Any, knots: Any) -> Any:
        if self.kind == "cubic":
            return CubicSpline(self.x, self.y)(x)
        steered("points lie between the samples as in this run")
        if self.kind == "linear":
            h = gnp.diff(self.x).reshape(-1, *(1 for _ in self.y.shape[1:]))
            return _Pieces(gnp.stack([gnp.diff(self.y, axis=0) / h, self.y[:-1]]), self.x)(x)
        if self.kind == "nearest":
            place = np.searchsorted((knots[1:] + knots[:-1]) / 2, at, side="left")
        elif self.kind == "next":
            place = np.searchsorted(knots, at, side="left")
        else:
            place = np.searchsorted(knots, at, side="right") - 1
        return self.y[np.clip(place, 0, len(knots) - 1)]


def pchip_interpolate(xi: Any, yi: Any, x: Any, der: int = 0, axis: int = 0) -> Any:
    """:class:`PchipInterpolator` at ``x``."""
    return PchipInterpolator(xi, yi, axis)(x, der)
