"""Convolutions and correlations of arrays of any number of axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.errors import fail
from gradcli.engine.ops.shape import canonical_axis
from gradcli.engine.trace.source import user_location
from gradcli.lax import conv_general_dilated
from gradcli.numpy import conj, fft, flip
from gradcli.numpy._base import value_error
from gradcli.scipy.stats._base import common_dtype

_MODES = ("full", "same", "valid")


def _both(name: str, in1: Any, in2: Any, mode: str, axes: Sequence[int] | None = None) -> tuple[Any, Any]:
    """Both operands in one dtype. Raises ValueError for a mode that is none and for shapes that do not fit."""
    if mode not in _MODES:
        raise value_error(f"the mode of {name} is one of {', '.join(_MODES)}, not {mode!r}")
    x, y = common_dtype(in1, in2)
    if x.ndim != y.ndim:
        raise value_error(f"{name} needs operands of as many axes, got {x.type} and {y.type}")
    along = range(x.ndim) if axes is None else axes
    if mode == "valid" and any(x.shape[a] < y.shape[a] for a in along) and any(x.shape[a] > y.shape[a] for a in along):
        raise value_error(f"{name}, mode='valid': one operand must be the larger one along every axis, got {x.type} "
                          f"and {y.type}")  # fmt: skip
    return x, y


def _cut(full: Any, first: Sequence[int], second: Sequence[int], mode: str, axes: Sequence[int]) -> Any:
    """The part of the full convolution that a mode keeps, along some axes."""
    if mode == "full":
        return full
    places = [slice(None)] * full.ndim
    for axis in axes:
        n, m = first[axis], second[axis]
        size = n if mode == "same" else max(n, m) - min(n, m) + 1
        start = (n + m - 1 - size) // 2
        places[axis] = slice(start, start + size)
    return full[tuple(places)]


def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None) -> Any:
    """The sum over k of ``in1[k] * in2[n - k]``, along all axes.

    mode: ``full``; ``same``, the middle part of the shape of ``in1``; ``valid``, where the operands overlap entirely.
    method: ``direct`` (also ``auto``) or ``fft``. Raises ValueError for other modes and methods and for shapes that do
    not fit. ``precision`` has no effect.

    >>> import numpy as np
    >>> print(convolve(np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0])))
    [ 1.  1.  1. -3.]
    """
    if method not in ("auto", "direct", "fft"):
        raise value_error(f"the method of convolve is auto, direct or fft, not {method!r}")
    if method == "fft":
        return fftconvolve(in1, in2, mode)
    x, y = _both("convolve", in1, in2, mode)
    if not x.ndim:
        return x * y
    pads = [(m - 1, m - 1) for m in y.shape]
    full = conv_general_dilated(x[None, None], flip(y)[None, None], (1,) * x.ndim, pads)[0, 0]
    return _cut(full, x.shape, y.shape, mode, range(x.ndim))


def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None) -> Any:
    """The sum over k of ``in1[k + n] * conj(in2[k])``; arguments and errors are those of :func:`convolve`."""
    x, y = _both("correlate", in1, in2, mode)
    return convolve(x, flip(conj(y)), mode, method, precision)


def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: float = 0, precision: Any = None
) -> Any:
    """:func:`convolve` of matrices, with zeros around them. Raises NotImplementedError for other boundaries."""
    return convolve(*_matrices("convolve2d", in1, in2, boundary, fillvalue), mode, "direct", precision)


def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: float = 0, precision: Any = None
) -> Any:
    """:func:`correlate` of matrices, with zeros around them. Raises NotImplementedError for other boundaries.

    ``same`` is the part around the place of ``in2``'s middle, which differs from that of :func:`correlate` where a
    size of ``in2`` is even: as in SciPy and in JAX.
    """
    x, y = _matrices("correlate2d", in1, in2, boundary, fillvalue)
    if mode == "same":
        return flip(convolve(flip(x), conj(y), mode, "direct", precision))
    return correlate(x, y, mode, "direct", precision)


def _matrices(name: str, in1: Any, in2: Any, boundary: str, fillvalue: float) -> tuple[Any, Any]:
    if boundary != "fill" or fillvalue != 0:
        raise fail("G212", f"{name} has zeros around its operands, not boundary={boundary!r}, fillvalue={fillvalue!r}",
                   hint="pad the operands, and use mode='valid'", location=user_location(),
                   cls=NotImplementedError)  # fmt: skip
    x, y = common_dtype(in1, in2)
    if x.ndim != 2 or y.ndim != 2:
        raise value_error(f"{name} needs two matrices, got {x.type} and {y.type}")
    return x, y


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Sequence[int] | int | None = None) -> Any:
    """:func:`convolve` along ``axes`` (all by default) by Fourier transforms; the other axes broadcast."""
    (probe,) = common_dtype(in1)
    given = range(probe.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    along = [canonical_axis(a, probe.ndim) for a in given]
    x, y = _both("fftconvolve", in1, in2, mode, along)
    if any(n != m and 1 not in (n, m) for a, (n, m) in enumerate(zip(x.shape, y.shape, strict=True)) if a not in along):
        raise value_error(f"fftconvolve along {tuple(along)} of {x.type} and {y.type}: the other axes do not fit")
    if not along:
        return x * y
    sizes = [x.shape[a] + y.shape[a] - 1 for a in along]
    if x.dtype.kind == "c":
        full = fft.ifftn(fft.fftn(x, sizes, along) * fft.fftn(y, sizes, along), sizes, along)
    else:
        full = fft.irfftn(fft.rfftn(x, sizes, along) * fft.rfftn(y, sizes, along), sizes, along)
    return _cut(full, x.shape, y.shape, mode, along)
