"""``scipy.ndimage``: filters, as sums of shifted copies, so that weights are differentiated as well as images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.scipynames.steering import number, values
from gradcli.engine.errors import fail
from gradcli.engine.trace.source import user_location
from gradcli.scipy.ndimage import map_coordinates

_MODES = {
    "reflect": "symmetric", "grid-mirror": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap",
    "grid-wrap": "wrap", "constant": "constant", "grid-constant": "constant",
}  # fmt: skip


def _padded(x: Any, before: int, after: int, axis: int, mode: str, cval: Any) -> Any:
    if mode not in _MODES:
        raise fail("G206", f"the mode of a filter is one of {', '.join(_MODES)}, not {mode!r}",
                   location=user_location(), cls=ValueError)  # fmt: skip
    widths = [(before, after) if a == axis else (0, 0) for a in range(x.ndim)]
    options = {"constant_values": cval} if _MODES[mode] == "constant" else {}
    return gnp.pad(x, widths, mode=_MODES[mode], **options)


def correlate1d(
    input: Any, weights: Any, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0,  # noqa: A002
    origin: int = 0,
) -> Any:  # fmt: skip
    """The sum of shifted copies along an axis, ``weights[k] * input[i + k - n // 2]``."""
    x, w = values(input) * 1.0, values(weights)
    axis %= x.ndim
    size, n = w.shape[0], x.shape[axis]
    before = size // 2 + origin
    wide = _padded(x, before, size - 1 - before, axis, mode, cval)
    place = [slice(None)] * x.ndim
    total: Any = 0.0
    for k in range(size):
        place[axis] = slice(k, k + n)
        total = total + w[k] * wide[tuple(place)]
    return total


def convolve1d(
    input: Any, weights: Any, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0,  # noqa: A002
    origin: int = 0,
) -> Any:  # fmt: skip
    """:func:`correlate1d` with the weights reversed."""
    w = values(weights)
    return correlate1d(input, w[::-1], axis, None, mode, cval, -origin - (w.shape[0] % 2 == 0))


def correlate(
    input: Any, weights: Any, output: Any = None, mode: str = "reflect", cval: Any = 0.0, origin: Any = 0,  # noqa: A002
) -> Any:  # fmt: skip
    """The sum of copies shifted along all axes."""
    return _correlated(values(input) * 1.0, values(weights), mode, cval, _each(origin, np.ndim(number(input))))


def convolve(
    input: Any, weights: Any, output: Any = None, mode: str = "reflect", cval: Any = 0.0, origin: Any = 0,  # noqa: A002
) -> Any:  # fmt: skip
    """:func:`correlate` with the weights reversed along all axes."""
    w = values(weights)
    origins = [-o - (n % 2 == 0) for o, n in zip(_each(origin, w.ndim), w.shape, strict=True)]
    return _correlated(values(input) * 1.0, gnp.flip(w), mode, cval, origins)


def _correlated(x: Any, w: Any, mode: str, cval: Any, origins: Sequence[int]) -> Any:
    wide = x
    for axis, (size, origin) in enumerate(zip(w.shape, origins, strict=True)):
        wide = _padded(wide, size // 2 + origin, size - 1 - size // 2 - origin, axis, mode, cval)
    total: Any = 0.0
    for index in np.ndindex(*w.shape):
        total = total + w[index] * wide[tuple(slice(k, k + n) for k, n in zip(index, x.shape, strict=True))]
    return total


def _each(x: Any, n: int) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x] * n


def gaussian_filter1d(
    input: Any, sigma: Any, axis: int = -1, order: int = 0, output: Any = None, mode: str = "reflect",  # noqa: A002
    cval: Any = 0.0, truncate: float = 4.0, *, radius: int | None = None,
) -> Any:  # fmt: skip
    """A Gaussian filter along an axis, or a derivative of one; its width ``sigma`` may be traced."""
    reach = int(truncate * float(number(sigma)) + 0.5) if radius is None else radius
    return correlate1d(input, _gaussian(sigma, order, reach)[::-1], axis, None, mode, cval)


def _gaussian(sigma: Any, order: int, reach: int) -> Any:
    """The weights: the order-th derivative of a Gaussian of sum 1, a polynomial times it."""
    x = np.arange(-reach, reach + 1)
    variance = sigma * sigma
    bell = gnp.exp(-0.5 / variance * x**2)
    bell = bell / gnp.sum(bell)
    polynomial: list[Any] = [1.0]
    for _ in range(order):  # q' - q x / variance
        slope = [(k + 1) * q for k, q in enumerate(polynomial[1:])]
        moved = [0.0, *[-q / variance for q in polynomial]]
        polynomial = [m + (slope[k] if k < len(slope) else 0.0) for k, m in enumerate(moved)]
    return bell * sum(q * x.astype(float) ** k for k, q in enumerate(polynomial))


def gaussian_filter(
    input: Any, sigma: Any, order: Any = 0, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,  # noqa: A002
    truncate: float = 4.0, *, radius: Any = None, axes: Any = None,
) -> Any:  # fmt: skip
    """:func:`gaussian_filter1d` along each of the axes."""
    x = values(input) * 1.0
    along = list(range(x.ndim)) if axes is None else [a % x.ndim for a in _each(axes, 1)]
    sigmas = list(sigma) if np.ndim(number(sigma)) else [sigma] * len(along)
    each = (_each(option, len(along)) for option in (order, mode, radius))
    for axis, s, k, m, reach in zip(along, sigmas, *each, strict=True):
        if float(number(s)) > 1e-15:
            x = gaussian_filter1d(x, s, axis, k, None, m, cval, truncate, radius=reach)
    return x


def uniform_filter1d(
    input: Any, size: int, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0,  # noqa: A002
    origin: int = 0,
) -> Any:  # fmt: skip
    """The mean of ``size`` neighbours along an axis."""
    return correlate1d(input, np.full(size, 1.0 / size), axis, None, mode, cval, origin)


def uniform_filter(
    input: Any, size: Any = 3, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0,  # noqa: A002
) -> Any:  # fmt: skip
    """The mean of the neighbours in a box."""
    x = values(input) * 1.0
    parts = zip(_each(size, x.ndim), _each(mode, x.ndim), _each(origin, x.ndim), strict=True)
    for axis, (n, m, o) in enumerate(parts):
        if n > 1:
            x = uniform_filter1d(x, n, axis, None, m, cval, o)
    return x


def laplace(input: Any, output: Any = None, mode: str = "reflect", cval: Any = 0.0) -> Any:  # noqa: A002
    """The sum of second differences along all axes."""
    x = values(input) * 1.0
    return sum(correlate1d(x, np.array([1.0, -2.0, 1.0]), axis, None, mode, cval) for axis in range(x.ndim))


def _edges(smoothing: Sequence[float]) -> Any:
    def edges(
        input: Any, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0  # noqa: A002
    ) -> Any:
        x = values(input) * 1.0
        axis %= x.ndim
        found = correlate1d(x, np.array([-1.0, 0.0, 1.0]), axis, None, mode, cval)
        for other in range(x.ndim):
            if other != axis:
                found = correlate1d(found, np.array(smoothing), other, None, mode, cval)
        return found

    edges.__doc__ = f"Differences along an axis, smoothed by {list(smoothing)} along the others."
    return edges


sobel, prewitt = _edges((1.0, 2.0, 1.0)), _edges((1.0, 1.0, 1.0))

__all__ = [
    "convolve", "convolve1d", "correlate", "correlate1d", "gaussian_filter", "gaussian_filter1d", "laplace",
    "map_coordinates", "prewitt", "sobel", "uniform_filter", "uniform_filter1d",
]  # fmt: skip
