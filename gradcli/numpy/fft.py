"""Fourier transforms, by the names of ``jax.numpy.fft``.

``n`` or ``s`` cuts an axis, or pads it with zeros, first. ``norm``: "backward" (default; the inverse has the factor
1/n), "forward" (the forward transform has it) or "ortho" (both have its root).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import canonical_dtype, default_float, default_int
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.fft import FftType
from gradcli.engine.ops.fft import fft as transform
from gradcli.engine.ops.operators import like, multiply, promoted, to_inexact
from gradcli.engine.ops.shape import canonical_axis, iota
from gradcli.numpy._base import arr, value_error
from gradcli.numpy._shapes import moveaxis, roll
from gradcli.numpy._ufuncs import conj

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

Sizes = Sequence[int] | None
Axes = Sequence[int] | None


def fftn(a: Any, s: Sizes = None, axes: Axes = None, norm: str | None = None) -> Any:
    """The transform over several axes: those named, or the last ``len(s)``, or all. Raises ValueError for axes twice.

    >>> import numpy as np
    >>> print(fftn(np.eye(2)))
    [[2.+0.j 0.+0.j]
     [0.+0.j 2.+0.j]]
    """
    return _transform(FftType.FFT, a, s, axes, norm)


def ifftn(a: Any, s: Sizes = None, axes: Axes = None, norm: str | None = None) -> Any:
    """The inverse of :func:`fftn`."""
    return _transform(FftType.IFFT, a, s, axes, norm)


def rfftn(a: Any, s: Sizes = None, axes: Axes = None, norm: str | None = None) -> Any:
    """:func:`fftn` of real numbers: of the last axis, whose other half follows, the first n//2 + 1 elements."""
    return _transform(FftType.RFFT, a, s, axes, norm)


def irfftn(a: Any, s: Sizes = None, axes: Axes = None, norm: str | None = None) -> Any:
    """The inverse of :func:`rfftn`; without ``s`` the last axis is taken to have been of even length."""
    return _transform(FftType.IRFFT, a, s, axes, norm)


def fft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The discrete Fourier transform along an axis, ``sum_j a[j] exp(-2 pi i j k / n)``. Raises ValueError for axes."""
    return _transform(FftType.FFT, a, *_one(n, axis), norm)


def ifft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of :func:`fft`."""
    return _transform(FftType.IFFT, a, *_one(n, axis), norm)


def rfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """:func:`fft` of real numbers: the first n//2 + 1 elements, which the others follow from.

    Raises ValueError for complex numbers.
    """
    return _transform(FftType.RFFT, a, *_one(n, axis), norm)


def irfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of :func:`rfft`; ``n`` is the length of the result, by default even."""
    return _transform(FftType.IRFFT, a, *_one(n, axis), norm)


def hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The transform of what has a real one (``a[n - k] = conj(a[k])``), given by its first half."""
    sizes, axes = _one(n, axis)
    a = arr(a)
    length = 2 * (a.shape[canonical_axis(axis, a.ndim)] - 1) if n is None else n
    return multiply(_transform(FftType.IRFFT, conj(a), sizes, axes, norm, inverse=False), length)


def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of :func:`hfft`."""
    sizes, axes = _one(n, axis)
    a = arr(a)
    length = a.shape[canonical_axis(axis, a.ndim)] if n is None else n
    return multiply(conj(_transform(FftType.RFFT, a, sizes, axes, norm, inverse=True)), 1 / length)


def fft2(a: Any, s: Sizes = None, axes: Sequence[int] = (-2, -1), norm: str | None = None) -> Any:
    """The transform over two axes. Raises ValueError for another number of axes."""
    return _transform(FftType.FFT, a, s, _two(axes), norm)


def ifft2(a: Any, s: Sizes = None, axes: Sequence[int] = (-2, -1), norm: str | None = None) -> Any:
    """The inverse of :func:`fft2`."""
    return _transform(FftType.IFFT, a, s, _two(axes), norm)


def rfft2(a: Any, s: Sizes = None, axes: Sequence[int] = (-2, -1), norm: str | None = None) -> Any:
    """:func:`fft2` of real numbers: half of the last axis."""
    return _transform(FftType.RFFT, a, s, _two(axes), norm)


def irfft2(a: Any, s: Sizes = None, axes: Sequence[int] = (-2, -1), norm: str | None = None) -> Any:
    """The inverse of :func:`rfft2`."""
    return _transform(FftType.IRFFT, a, s, _two(axes), norm)


def _one(n: int | None, axis: Any) -> tuple[Sizes, Axes]:
    if isinstance(axis, (list, tuple)):
        raise value_error(f"a transform along one axis got {axis!r}", "use the function of that name with an n")
    return (None if n is None else [n]), (None if axis is None else [axis])


def _two(axes: Sequence[int]) -> Sequence[int]:
    if len(axes) != 2:
        raise value_error(f"a transform over two axes got {axes!r}")
    return axes


# --- any transform over any axes ------------------------------------------------------------------------------------


def _transform(kind: FftType, a: Any, s: Sizes, axes: Axes, norm: str | None, inverse: bool | None = None) -> Any:
    """The axes brought to the end, cut or padded, transformed, and brought back."""
    a = arr(a)
    if s is not None:
        s = [operator.index(n) for n in s]
        if any(n <= 0 for n in s):
            raise value_error(f"a transform needs positive lengths, got {s}")
        if axes is not None and len(s) != len(axes):
            raise value_error(f"a transform got {len(s)} lengths for {len(axes)} axes")
    count = len(axes) if axes is not None else a.ndim if s is None else len(s)
    last = list(range(a.ndim - count, a.ndim))
    if axes is not None:
        places = [canonical_axis(axis, a.ndim) for axis in axes]
        if len(set(places)) != count:
            raise value_error(f"a transform got an axis twice: {tuple(axes)}")
        a = moveaxis(a, places, last)
    lengths = [a.shape[d] for d in last] if s is None else list(s)
    if s is not None:
        half = [n // 2 + 1 for n in lengths[-1:]] if kind is FftType.IRFFT else lengths[-1:]
        a = _resized(a, [*lengths[:-1], *half])
    elif kind is FftType.IRFFT and lengths:
        lengths[-1] = max(0, 2 * (lengths[-1] - 1))
    out = _over_last(kind, a, lengths)
    factor = _factor(norm, lengths, kind in (FftType.IFFT, FftType.IRFFT) if inverse is None else inverse)
    out = out if factor is None else e.mul(out, like(out, factor))
    return out if axes is None else moveaxis(out, last, places)


def _resized(a: Any, sizes: Sequence[int]) -> Any:
    """The last axes cut, and padded with zeros, to these sizes."""
    wanted = (*a.shape[: a.ndim - len(sizes)], *sizes)
    kept = tuple(map(min, a.shape, wanted))
    a = cuts.slice(a, (0,) * a.ndim, kept)
    return cuts.pad(a, a.dtype.type(0), [(0, m - n, 0) for n, m in zip(kept, wanted, strict=True)])


def _over_last(kind: FftType, a: Any, lengths: Sequence[int]) -> Any:
    """The transform over the last axes, at most three at a time, which is what ``jax.lax.fft`` can do."""
    if len(lengths) <= 3:
        return transform(a, kind, lengths)
    n = 2 if len(lengths) == 4 else 3
    front = list(range(a.ndim - len(lengths), a.ndim - n))
    back = [d + n for d in front]
    if kind in (FftType.RFFT, FftType.FFT):
        a = moveaxis(transform(a, kind, lengths[-n:]), front, back)
        return moveaxis(_over_last(FftType.FFT, a, lengths[:-n]), back, front)
    a = moveaxis(_over_last(FftType.IFFT, moveaxis(a, front, back), lengths[:-n]), back, front)
    return transform(a, kind, lengths[-n:])


def _factor(norm: str | None, lengths: Sequence[int], inverse: bool) -> float | None:
    """What the result is multiplied by, beyond what the transform itself does; None: by nothing."""
    total = math.prod(lengths)
    if norm is None or norm == "backward":
        return None
    if norm not in ("ortho", "forward"):
        raise value_error(f"norm must be 'backward', 'ortho' or 'forward', got {norm!r}")
    size = math.sqrt(total) if norm == "ortho" else float(total)
    return size if inverse else 1 / size


# --- frequencies and order ------------------------------------------------------------------------------------------


def fftfreq(n: int, d: Any = 1.0, *, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of the elements of :func:`fft` of ``n`` samples at distance ``d``: 0, 1, …, -2, -1, over n d.

    Raises ValueError where ``n`` or ``d`` is a sequence.
    """
    places = iota(default_int(), (_length(n, d),), 0)
    half = like(places, n // 2)
    k = e.sub(e.rem(e.add(places, half), like(places, n)), half) if n else places
    return _over(k, d, n, dtype)


def rfftfreq(n: int, d: Any = 1.0, *, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of the elements of :func:`rfft`. Raises ValueError where ``n`` or ``d`` is a sequence."""
    return _over(iota(default_int(), (_length(n, d) // 2 + 1,), 0), d, n, dtype)


def _length(n: Any, d: Any) -> int:
    if isinstance(n, (list, tuple)) or isinstance(d, (list, tuple)):
        raise value_error(f"frequencies need one length and one distance, got {n!r} and {d!r}")
    return operator.index(n)


def _over(k: Any, d: Any, n: int, dtype: Any) -> Any:
    wanted = default_float() if dtype is None else canonical_dtype(dtype)
    inner = to_inexact(wanted)
    width = e.convert_element_type(multiply(d, n), inner)
    return e.convert_element_type(e.div(*promoted(e.convert_element_type(k, inner), width)), wanted)


def fftshift(x: Any, axes: int | Sequence[int] | None = None) -> Any:
    """The frequency zero moved to the middle, along the axes (default: all)."""
    return _shifted(x, axes, 1)


def ifftshift(x: Any, axes: int | Sequence[int] | None = None) -> Any:
    """The inverse of :func:`fftshift`."""
    return _shifted(x, axes, -1)


def _shifted(x: Any, axes: int | Sequence[int] | None, sign: int) -> Any:
    shape = type_of(x).shape
    along = tuple(range(len(shape))) if axes is None else (axes,) if isinstance(axes, int) else tuple(axes)
    return roll(x, [sign * (shape[d] // 2) for d in along], along)
