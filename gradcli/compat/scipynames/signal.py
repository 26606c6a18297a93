"""``scipy.signal``: what filters signals in time, next to gradcli.scipy.signal."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli import lax
from gradcli import numpy as gnp
from gradcli.compat.scipynames.ndimage import correlate1d
from gradcli.compat.scipynames.steering import number, refuse, values


def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """A signal filtered by the rational function b / a of the delay, in the transposed direct form II.

    zi: the state to begin with; then the state at the end is returned as well.
    """
    b, a, x = (gnp.atleast_1d(values(v) * 1.0) for v in (b, a, x))
    b, a = b / a[0], a / a[0]
    order = max(b.shape[0], a.shape[0])
    b, a = (gnp.pad(v, (0, order - v.shape[0])) for v in (b, a))
    signal = gnp.moveaxis(x, axis, 0)
    state = gnp.zeros((order - 1, *signal.shape[1:])) if zi is None else gnp.moveaxis(values(zi) * 1.0, axis, 0)
    wide = (slice(1, None),) + (None,) * (signal.ndim - 1)

    def step(z: Any, now: Any) -> tuple[Any, Any]:
        out = b[0] * now + (z[0] if order > 1 else 0.0)
        moved = gnp.concatenate([z[1:], gnp.zeros_like(z[:1])]) if order > 1 else z
        return moved + b[wide] * now - a[wide] * out, out

    state, out = lax.scan(step, state, signal)
    out = gnp.moveaxis(out, 0, axis)
    return out if zi is None else (out, gnp.moveaxis(state, 0, axis))


def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """A signal filtered by sections of second order, one after the other."""
    if zi is not None:
        raise refuse("sosfilt with zi is not supported on traced values", "filter section by section with lfilter")
    out = values(x)
    for section in values(sos):
        out = lfilter(section[:3], section[3:], out, axis)
    return out


def savgol_filter(
    x: Any, window_length: int, polyorder: int, deriv: int = 0, delta: float = 1.0, axis: int = -1,
    mode: str = "interp", cval: float = 0.0,
) -> Any:  # fmt: skip
    """Polynomials fitted to windows (A. Savitzky, M. Golay 1964); ``interp``: near the ends to the last windows."""
    x = gnp.moveaxis(values(x) * 1.0, axis, -1)
    half, n = window_length // 2, x.shape[-1]
    powers = np.vander(np.arange(window_length) - (window_length - 1) / 2, polyorder + 1, increasing=True)
    fit = np.linalg.pinv(powers)  # from samples to coefficients

    def at(offset: float) -> Any:
        """The weights of samples in the derivative at a place of the window."""
        slopes = [
            float(np.prod(np.arange(k - deriv + 1, k + 1))) * offset ** (k - deriv) if k >= deriv else 0.0
            for k in range(polyorder + 1)
        ]
        return np.array(slopes) @ fit / delta**deriv

    middle = at(0.0 if window_length % 2 else 0.5)
    out = correlate1d(x, middle, -1, None, "constant" if mode == "interp" else mode, cval)
    if mode == "interp":
        center = (window_length - 1) / 2
        near = [i - center for i in range(half)]
        first = gnp.stack([x[..., :window_length] @ at(i) for i in near], axis=-1)
        last = gnp.stack([x[..., n - window_length :] @ at(-i) for i in reversed(near)], axis=-1)
        out = gnp.concatenate([first, out[..., half : n - half], last], axis=-1)
    return gnp.moveaxis(out, -1, axis)


def hilbert(x: Any, N: int | None = None, axis: int = -1) -> Any:  # noqa: N803 - SciPy's name
    """The analytic signal."""
    x = gnp.moveaxis(values(x), axis, -1)
    n = x.shape[-1] if N is None else N
    gain = np.zeros(n)
    gain[0] = 1
    gain[1 : (n + 1) // 2] = 2
    if n % 2 == 0:
        gain[n // 2] = 1
    return gnp.moveaxis(gnp.fft.ifft(gnp.fft.fft(x, n) * gain), -1, axis)


def sawtooth(t: Any, width: float = 1.0) -> Any:
    """A wave of period 2 pi that rises from -1 to 1 in ``width`` of it, and falls in the rest."""
    if not 0 < float(number(width)) <= 1:
        raise refuse("sawtooth needs a width above 0 and up to 1", "mirror the wave in time for width 0")
    part = gnp.mod(values(t), 2 * np.pi) / (2 * np.pi)
    rising = 2 * part / width - 1
    return rising if width == 1 else gnp.where(part < width, rising, 1 - 2 * (part - width) / (1 - width))
