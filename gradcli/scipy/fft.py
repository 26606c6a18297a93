"""The discrete cosine transform of type 2 and its inverse, by the names of ``jax.scipy.fft``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.errors import fail
from gradcli.engine.ops.shape import canonical_axis
from gradcli.engine.trace.source import user_location
from gradcli.numpy import asarray, concatenate, fft, flip, moveaxis, pad, real
from gradcli.numpy._base import value_error
from gradcli.scipy.stats._base import common_dtype

__all__ = ["dct", "dctn", "idct", "idctn"]


def dct(x: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """``2 sum(x[j] cos(pi k (2 j + 1) / (2 n)))`` along an axis, by the transform of ``x`` and its mirror image.

    n: the axis is cut or filled with zeros to it. norm: None, or ``ortho``, which makes the transform orthogonal.
    Raises NotImplementedError for other types, ValueError for another norm and for complex ``x``.
    """
    x, size = _prepared(x, type, n, axis, norm)
    spectrum = fft.fft(concatenate([x, flip(x, -1)], -1), axis=-1)[..., :size]
    turn = asarray(np.exp(-0.5j * math.pi * np.arange(size) / size), dtype=spectrum.dtype)
    out = real(spectrum * turn) * _weights(size, norm, x.dtype)
    return moveaxis(out, -1, canonical_axis(axis, x.ndim))


def idct(x: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of :func:`dct`, with the same arguments and errors."""
    x, size = _prepared(x, type, n, axis, norm)
    half = x / _weights(size, norm, x.dtype)
    turn = asarray(np.exp(0.5j * math.pi * np.arange(size + 1) / size), dtype=fft.fft(half[..., :1]).dtype)
    spectrum = pad(half, [(0, 0)] * (x.ndim - 1) + [(0, 1)]) * turn
    out = fft.irfft(spectrum, 2 * size, axis=-1)[..., :size]
    return moveaxis(out, -1, canonical_axis(axis, x.ndim))


def dctn(
    x: Any, type: int = 2, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Any:
    """:func:`dct` along several axes, by default all; s: their sizes."""
    return _several(dct, x, type, s, axes, norm)


def idctn(
    x: Any, type: int = 2, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Any:
    """The inverse of :func:`dctn`."""
    return _several(idct, x, type, s, axes, norm)


def _several(f: Callable[..., Any], x: Any, type: int, s: Any, axes: Any, norm: str | None) -> Any:
    x = asarray(x)
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    if s is not None and len(s) != len(axes):
        raise value_error(f"cosine transforms need one size an axis, got {s} for {tuple(axes)}")
    for k, axis in enumerate(axes):
        x = f(x, type, None if s is None else s[k], axis, norm)
    return x


def _prepared(x: Any, type: int, n: int | None, axis: int, norm: str | None) -> tuple[Any, int]:
    """The operand as floats, the axis last and of the size asked for."""
    if type != 2:
        raise fail("G212", f"cosine transforms are of type 2, not {type}", location=user_location(),
                   cls=NotImplementedError)  # fmt: skip
    (x,) = common_dtype(x)
    if norm not in (None, "ortho") or x.dtype.kind == "c":
        raise value_error(f"cosine transforms take real operands and the norm None or 'ortho', got {x.type}, {norm!r}")
    x = moveaxis(x, canonical_axis(axis, x.ndim), -1)
    size = x.shape[-1] if n is None else int(n)
    if size < 1:
        raise value_error(f"cosine transforms need at least one element, got {size}")
    x = x[..., :size]
    return pad(x, [(0, 0)] * (x.ndim - 1) + [(0, size - x.shape[-1])]), size


def _weights(size: int, norm: str | None, dtype: np.dtype[Any]) -> Any:
    out = np.ones(size)
    if norm == "ortho":
        out *= math.sqrt(0.5 / size)
        out[0] *= math.sqrt(0.5)
    return asarray(out, dtype=dtype)
