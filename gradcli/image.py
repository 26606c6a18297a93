"""Images of another size, by the names of ``jax.image``.

Every resized axis is a product with a matrix of weights: a kernel around the place in the old image that a new pixel
stands for, its weights adding up to 1. Derivatives flow to the image, and to scale and translation.
"""

from __future__ import annotations

import enum
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ops.operators import inexact
from gradcli.engine.trace.source import user_location

Kernel = Callable[[Any], Any]
_TINY = 1e-3  # below it the Lanczos kernel is 1
_FOLDED = 2  # pixels beyond each edge that a cubic kernel reaches


class ResizeMethod(enum.Enum):
    """How pixels are made from those around them."""

    NEAREST = 0
    LINEAR = 1
    LANCZOS3 = 2
    LANCZOS5 = 3
    CUBIC = 4
    CUBIC_PYTORCH = 5
    AREA = 6

    @staticmethod
    def from_string(s: str) -> ResizeMethod:
        """The method of that name. Raises ValueError for an unknown one."""
        if s not in _NAMES:
            raise _wrong(f"unknown resize method {s!r}; known are {', '.join(_NAMES)}")
        return _NAMES[s]


_NAMES = {
    "nearest": ResizeMethod.NEAREST, "lanczos3": ResizeMethod.LANCZOS3, "lanczos5": ResizeMethod.LANCZOS5,
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), ResizeMethod.LINEAR),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), ResizeMethod.CUBIC),
    **dict.fromkeys(("cubic-pytorch", "bicubic-pytorch"), ResizeMethod.CUBIC_PYTORCH), "area": ResizeMethod.AREA,
}  # fmt: skip


def _wrong(message: str) -> Exception:
    error: Exception = fail("G206", message, location=user_location(), cls=ValueError)
    return error


def _triangle(x: Any) -> Any:
    return gnp.maximum(0, 1 - x)


def _cubic(a: float) -> Kernel:
    """The kernel of Keys, *Cubic convolution interpolation* (1981), equation 4, with its free constant."""

    def kernel(x: Any) -> Any:
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        return gnp.where(x < 1, near, gnp.where(x < 2, far, 0))

    return kernel


def _lanczos(radius: float) -> Kernel:
    def kernel(x: Any) -> Any:
        safe = gnp.where(x > _TINY, x, 1)
        wave = radius * gnp.sin(math.pi * safe) * gnp.sin(math.pi * safe / radius) / (math.pi**2 * safe**2)
        return gnp.where(x > radius, 0, gnp.where(x > _TINY, wave, 1))

    return kernel


_KERNELS = {
    ResizeMethod.LINEAR: _triangle, ResizeMethod.LANCZOS3: _lanczos(3.0), ResizeMethod.LANCZOS5: _lanczos(5.0),
    ResizeMethod.CUBIC: _cubic(-0.5), ResizeMethod.CUBIC_PYTORCH: _cubic(-0.75),
}  # fmt: skip


def _weights(n: int, m: int, scale: Any, shift: Any, method: ResizeMethod, antialias: bool, dtype: Any) -> Any:
    """The matrix (n, m) that makes m new pixels of n old ones."""
    step = 1 / scale
    new = gnp.arange(m, dtype=dtype)
    middle = (new + 0.5) * step - shift * step - 0.5  # where the middle of a new pixel lies among the old ones
    folded = method is ResizeMethod.CUBIC_PYTORCH and not antialias
    if method is ResizeMethod.AREA:
        low, old = (new - shift) * step, gnp.arange(n, dtype=dtype)[:, None]
        found = gnp.maximum(0, gnp.minimum(low + step, old + 1) - gnp.maximum(low, old))
    else:
        width = gnp.maximum(step, 1) if antialias else 1
        kernel = _KERNELS[ResizeMethod.CUBIC if antialias and method is ResizeMethod.CUBIC_PYTORCH else method]
        old = gnp.arange(-_FOLDED, n + _FOLDED, dtype=dtype) if folded else gnp.arange(n, dtype=dtype)
        middle = gnp.clip(middle, -1, n) if folded else middle
        found = kernel(abs(middle - old[:, None]) / width)
        if folded:  # what lies beyond an edge is the pixel at the edge
            places = np.clip(np.arange(-_FOLDED, n + _FOLDED), 0, n - 1)
            found = gnp.zeros((n, m), found.dtype).at[places].add(found)
    total = gnp.sum(found, axis=0)
    none = abs(total) <= 1000 * float(np.finfo(np.float32).eps)
    found = gnp.where(none, 0, found / gnp.where(none, 1, total))
    if folded:
        return found.astype(dtype)
    return gnp.where((middle >= -0.5) & (middle <= n - 0.5), found, 0).astype(dtype)


def _method(method: str | ResizeMethod) -> ResizeMethod:
    return ResizeMethod.from_string(method) if isinstance(method, str) else ResizeMethod(method)


def _scaled(
    x: Any, shape: Sequence[int], axes: Sequence[int], scale: Any, shift: Any, method: ResizeMethod, antialias: bool
) -> Any:
    for i, axis in enumerate(axes):
        n, m = x.shape[axis], shape[axis]
        weights = _weights(n, m, scale[i], shift[i], method, antialias, type_of(gnp.real(x)).dtype)
        x = gnp.moveaxis(gnp.tensordot(x, weights, ((axis,), (0,))), -1, axis)
    return x


def scale_and_translate(
    image: Any, shape: Sequence[int], spatial_dims: Sequence[int], scale: Any, translation: Any,
    method: str | ResizeMethod, antialias: bool = True, precision: Any = None,
) -> Any:  # fmt: skip
    """An image whose pixel at x is that of the old one at ``(x - translation) / scale``, along ``spatial_dims``.

    scale, translation: one number for each of these axes. Raises ValueError for the method "nearest", and where sizes
    or dimensions do not fit.

    >>> print(scale_and_translate(np.array([1.0, 3.0]), (4,), (0,), np.array([2.0]), np.array([0.0]), "linear"))
    [1.  1.5 2.5 3. ]
    """
    (x,) = inexact(image)
    sizes, method = _sizes(x, shape), _method(method)
    if method is ResizeMethod.NEAREST:
        raise _wrong("scale_and_translate does not take the method 'nearest'")
    scale, shift = gnp.asarray(scale), gnp.asarray(translation)
    if scale.shape != (len(spatial_dims),) or shift.shape != scale.shape:
        raise _wrong(f"scale and translation need one number for each of {len(spatial_dims)} axes")
    axes = [operator.index(axis) % x.ndim for axis in spatial_dims]
    if any(n != m for i, (n, m) in enumerate(zip(x.shape, sizes, strict=True)) if i not in axes):
        raise _wrong(f"the axes {list(axes)} alone change: from {x.shape} to {sizes} others would too")
    return _scaled(x, sizes, axes, scale, shift, method, antialias)


def _sizes(x: Any, shape: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(operator.index(n) for n in shape)
    if len(sizes) != x.ndim:
        raise _wrong(f"the shape {sizes} needs one size for each of {x.ndim} dimensions")
    return sizes


def resize(
    image: Any, shape: Sequence[int], method: str | ResizeMethod, antialias: bool = True, precision: Any = None
) -> Any:
    """The image with another shape; axes whose size stays (of channels, say) are left alone.

    method: "nearest", "linear", "cubic", "cubic-pytorch", "lanczos3", "lanczos5" or "area"; antialias: a wider kernel
    where an axis becomes smaller. Raises ValueError for another method, or a shape of another length.

    >>> print(resize(np.arange(4.0), (2,), "linear"), resize(np.arange(3), (6,), "nearest"))
    [0.71428571 2.28571429] [0 0 1 1 2 2]
    """
    x = gnp.asarray(image)
    sizes, method = _sizes(x, shape), _method(method)
    axes = [i for i, (n, m) in enumerate(zip(x.shape, sizes, strict=True)) if n != m]
    if method is ResizeMethod.NEAREST:
        for axis in axes:
            n, m = x.shape[axis], sizes[axis]
            places = np.floor((np.arange(m, dtype=np.float32) + 0.5) * np.float32(n) / np.float32(m)).astype(int)
            x = gnp.take(x, places, axis)
        return x
    (x,) = inexact(x)
    return _scaled(x, sizes, axes, [sizes[i] / x.shape[i] for i in axes], [0.0] * len(axes), method, antialias)


__all__ = ["ResizeMethod", "resize", "scale_and_translate"]
