"""Spectra of signals that are cut into overlapping segments, and what lies under them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.ops.shape import canonical_axis
from gradcli.numpy import asarray, concatenate, conj, fft, flip, mean, median, moveaxis, pad, real, where, zeros
from gradcli.numpy._base import value_error
from gradcli.scipy.stats._base import common_dtype

_COSINES = {  # weights of cos(2 pi k n / N)
    "boxcar": (1.0,), "hann": (0.5, -0.5), "hamming": (0.54, -0.46), "blackman": (0.42, -0.5, 0.08),
    "nuttall": (0.3635819, -0.4891775, 0.1365995, -0.0106411),
    "blackmanharris": (0.35875, -0.48829, 0.14128, -0.01168),
    "flattop": (0.21557895, -0.41663158, 0.277263158, -0.083578947, 0.006947368),
}  # fmt: skip
_MANY = 1e-10  # of the squares of windows, below which nothing can be recovered


def detrend(data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: None = None) -> Any:
    """The data less its mean (``constant``) or less the straight line nearest to it, in each part between ``bp``.

    Raises ValueError for another type and for break points beyond the data.

    >>> print(detrend(np.array([1.0, 2.0, 4.0]), type="constant"))
    [-1.33333333 -0.33333333  1.66666667]
    """
    if type not in ("constant", "linear"):
        raise value_error(f"the type of detrend is 'constant' or 'linear', not {type!r}")
    (x,) = common_dtype(data)
    axis = canonical_axis(axis, x.ndim)
    if type == "constant":
        return x - mean(x, axis, keepdims=True)
    x, n = moveaxis(x, axis, -1), x.shape[axis]
    points = sorted({0, n, *(int(b) for b in np.atleast_1d(bp))})
    if points[0] < 0 or points[-1] > n:
        raise value_error(f"the break points of detrend must be between 0 and {n}, got {bp}")
    parts = []
    for a, b in zip(points, points[1:], strict=False):
        line = np.stack([np.ones(b - a), np.arange(1, b - a + 1) / (b - a)], 1)
        onto = asarray(line @ np.linalg.pinv(line), dtype=x.dtype)
        parts.append(x[..., a:b] - x[..., a:b] @ onto.T)
    return moveaxis(concatenate(parts, -1), -1, axis)


# --- segments ---------------------------------------------------------------------------------------------------------


def _window(window: Any, size: int, dtype: Any) -> Any:
    """A window by name, periodic, or as it is given."""
    if isinstance(window, str):
        n = np.arange(size) / max(size, 1)
        if window == "bartlett":
            return asarray(1 - np.abs(2 * n - 1), dtype=dtype)
        if window not in _COSINES:
            raise value_error(f"there is no window {window!r}", f"{', '.join(_COSINES)}, bartlett, or an array")
        terms = [w * np.cos(2 * math.pi * k * n) for k, w in enumerate(_COSINES[window])]
        return asarray(sum(terms), dtype=dtype)
    found = asarray(window)
    if found.ndim != 1 or found.shape[0] != size:
        raise value_error(f"the window {found.type} is not one of the {size} elements of a segment")
    return found.astype(dtype)


def _sizes(nperseg: int | None, noverlap: int | None, nfft: int | None, n: int, window: Any) -> tuple[int, int, int]:
    """The length of segments, the step from one to the next, and the length of transforms."""
    given = None if isinstance(window, str) else asarray(window).shape[0]
    size = min(int(nperseg if nperseg is not None else given or 256), n)
    overlap = size // 2 if noverlap is None else int(noverlap)
    length = size if nfft is None else int(nfft)
    if size < 1 or length < size or not 0 <= overlap < size:
        raise value_error(f"nperseg={size}, noverlap={overlap} and nfft={length} do not fit each other",
                          "0 <= noverlap < nperseg <= nfft")  # fmt: skip
    return size, size - overlap, length


def _segments(x: Any, size: int, step: int) -> Any:
    """Segments [..., segment, element] of the last axis."""
    starts = np.arange(0, x.shape[-1] - size + 1, step)
    return x[..., starts[:, None] + np.arange(size)]


def _transformed(
    x: Any, window: Any, size: int, step: int, length: int, trend: Any, onesided: bool
) -> Any:  # fmt: skip
    parts = _segments(x, size, step)
    if callable(trend):
        parts = trend(parts)
    elif trend:
        parts = detrend(parts, type=trend)
    parts = parts * window
    return fft.rfft(parts, length) if onesided else fft.fft(parts, length)


def _frequencies(length: int, fs: Any, onesided: bool) -> Any:
    return (fft.rfftfreq if onesided else fft.fftfreq)(length, 1 / fs)


_BORDERS: dict[str, Callable[[Any, int], tuple[Any, Any]]] = {
    "even": lambda x, n: (flip(x[..., 1 : n + 1], -1), flip(x[..., -n - 1 : -1], -1)),
    "odd": lambda x, n: (
        2 * x[..., :1] - flip(x[..., 1 : n + 1], -1), 2 * x[..., -1:] - flip(x[..., -n - 1 : -1], -1),
    ),
    "constant": lambda x, n: (x[..., :1] + zeros((n,)), x[..., -1:] + zeros((n,))),
    "zeros": lambda x, n: (x[..., :1] * 0 + zeros((n,)), x[..., :1] * 0 + zeros((n,))),
}  # fmt: skip


# --- spectra ----------------------------------------------------------------------------------------------------------


def csd(
    x: Any, y: Any, fs: Any = 1.0, window: Any = "hann", nperseg: int | None = None, noverlap: int | None = None,
    nfft: int | None = None, detrend: Any = "constant", return_onesided: bool = True, scaling: str = "density",
    axis: int = -1, average: str = "mean",
) -> tuple[Any, Any]:  # fmt: skip
    """Frequencies, and the cross spectrum of two signals by Welch's method (P. Welch, IEEE Trans. AU-15 (1967), 70-73).

    fs: the samples a unit of time. window: a name (boxcar, hann, hamming, blackman, bartlett, ...) or an array.
    nperseg, noverlap, nfft: elements of a segment (256), of its overlap (half), of a transform. scaling: ``density`` or
    ``spectrum``. average: ``mean`` or ``median``. Raises ValueError for arguments that do not fit.
    """
    if scaling not in ("density", "spectrum") or average not in ("mean", "median"):
        raise value_error(f"spectra have the scaling density or spectrum and the average mean or median, not "
                          f"{scaling!r} and {average!r}")  # fmt: skip
    same = y is None or y is x
    x, *others = common_dtype(x) if same else common_dtype(x, y)
    axis = canonical_axis(axis, x.ndim)
    x = moveaxis(x, axis, -1)
    y = x if same else moveaxis(others[0], axis, -1)
    n = max(x.shape[-1], y.shape[-1])
    x, y = (pad(v, [(0, 0)] * (v.ndim - 1) + [(0, n - v.shape[-1])]) if v.shape[-1] < n else v for v in (x, y))
    size, step, length = _sizes(nperseg, noverlap, nfft, n, window)
    onesided = return_onesided and x.dtype.kind != "c"
    weights = _window(window, size, real(x[..., :0]).dtype)
    f = _transformed(x, weights, size, step, length, detrend, onesided)
    g = f if same else _transformed(y, weights, size, step, length, detrend, onesided)
    scale = 1 / (fs * (weights * weights).sum()) if scaling == "density" else 1 / weights.sum() ** 2
    power = conj(f) * g * scale
    if onesided:
        twice = np.full(power.shape[-1], 2.0)
        twice[0] = 1.0
        if length % 2 == 0:
            twice[-1] = 1.0
        power = power * asarray(twice, dtype=weights.dtype)
    found = _averaged(power, average)
    return _frequencies(length, fs, onesided), moveaxis(real(found) if same else found, -1, axis)


def _averaged(power: Any, average: str) -> Any:
    """The mean of all segments, or their median less its bias for a spectrum of noise."""
    if average == "mean":
        return mean(power, -2)
    k = np.arange(1, (power.shape[-2] - 1) // 2 + 1)
    bias = 1 + float(np.sum(1.0 / (2 * k + 1) - 1.0 / (2 * k)))
    middle = median(real(power), -2)
    if power.dtype.kind == "c":
        middle = middle + 1j * median(power.imag, -2)
    return middle / bias


def welch(
    x: Any, fs: Any = 1.0, window: Any = "hann", nperseg: int | None = None, noverlap: int | None = None,
    nfft: int | None = None, detrend: Any = "constant", return_onesided: bool = True, scaling: str = "density",
    axis: int = -1, average: str = "mean",
) -> tuple[Any, Any]:  # fmt: skip
    """Frequencies, and the power spectrum of a signal; arguments and errors are those of :func:`csd`.

    >>> f, power = welch(np.cos(np.arange(64.0) * np.pi / 2), nperseg=8)
    >>> print(f[power.argmax()])
    0.25
    """
    f, power = csd(
        x, None, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average
    )  # fmt: skip
    return f, power


def stft(
    x: Any, fs: Any = 1.0, window: Any = "hann", nperseg: int = 256, noverlap: int | None = None,
    nfft: int | None = None, detrend: Any = False, return_onesided: bool = True, boundary: str | None = "zeros",
    padded: bool = True, axis: int = -1,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Frequencies, times, and the Fourier transforms of segments, [..., frequency, time].

    boundary: how both ends are continued by half a segment: ``zeros``, ``even``, ``odd``, ``constant`` or None.
    padded: zeros are added until segments fit. Other arguments and errors are those of :func:`csd`.
    """
    if boundary is not None and boundary not in _BORDERS:
        raise value_error(f"the boundary of stft is one of {', '.join(_BORDERS)} or None, not {boundary!r}")
    (x,) = common_dtype(x)
    axis = canonical_axis(axis, x.ndim)
    x = moveaxis(x, axis, -1)
    size, step, length = _sizes(nperseg, noverlap, nfft, x.shape[-1], window)
    if boundary is not None and size > 1:
        before, after = _BORDERS[boundary](x, size // 2)
        x = concatenate([before.astype(x.dtype), x, after.astype(x.dtype)], -1)
    if padded:
        more = -(x.shape[-1] - size) % step
        x = pad(x, [(0, 0)] * (x.ndim - 1) + [(0, more)])
    onesided = return_onesided and x.dtype.kind != "c"
    weights = _window(window, size, real(x[..., :0]).dtype)
    found = _transformed(x, weights, size, step, length, detrend, onesided) / weights.sum()
    times = (np.arange(size / 2, x.shape[-1] - size / 2 + 1, step) - (size / 2 if boundary is not None else 0)) / fs
    return _frequencies(length, fs, onesided), asarray(times), moveaxis(found, -1, axis)


def istft(
    Zxx: Any, fs: Any = 1.0, window: Any = "hann", nperseg: int | None = None, noverlap: int | None = None,  # noqa: N803
    nfft: int | None = None, input_onesided: bool = True, boundary: bool = True, time_axis: int = -1,
    freq_axis: int = -2,
) -> tuple[Any, Any]:  # fmt: skip
    """Times, and the signal whose :func:`stft` is nearest to ``Zxx``.

    Source: D. Griffin and J. Lim, IEEE Transactions ASSP-32 (1984), 236-243.
    boundary: the signal was continued at both ends. Raises ValueError for arguments that do not fit.
    """
    (z,) = common_dtype(Zxx)
    if z.ndim < 2:
        raise value_error(f"istft needs [frequency, time], got {z.type}")
    axes = canonical_axis(freq_axis, z.ndim), canonical_axis(time_axis, z.ndim)
    if axes[0] == axes[1]:
        raise value_error("istft needs different axes of frequency and time")
    z = moveaxis(z, axes, (-1, -2))
    default = 2 * (z.shape[-1] - 1) if input_onesided else z.shape[-1]
    size = default if nperseg is None else int(nperseg)
    odd = nfft is None and input_onesided and size == default + 1
    length = size if odd else default if nfft is None else int(nfft)
    size, step, length = _sizes(size, noverlap, max(length, size), max(size, 1), window)
    parts = (fft.irfft(z, length) if input_onesided else fft.ifft(z, length))[..., :size]
    weights = _window(window, size, real(parts[..., :0]).dtype)
    count = z.shape[-2]
    total = size + (count - 1) * step
    places = np.arange(count)[:, None] * step + np.arange(size)
    x = zeros((*parts.shape[:-2], total), parts.dtype).at[..., places].add(parts * weights * weights.sum())
    squares = zeros(total, weights.dtype).at[places].add(weights * weights + zeros((count, 1), weights.dtype))
    if boundary:
        half = size // 2
        x, squares = x[..., half : total - half], squares[half : total - half]
    x = x / where(squares > _MANY, squares, 1)
    return asarray(np.arange(x.shape[-1]) / fs), _back(x, axes)


def _back(x: Any, axes: Sequence[int]) -> Any:
    """The axis of time where it was, as far as that of frequencies is gone."""
    frequency, time = axes
    return moveaxis(x, -1, time - (frequency < time))
