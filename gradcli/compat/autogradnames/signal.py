"""``autograd.scipy.signal.convolve``: convolution along some axes, contraction along others, all in one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli import lax
from gradcli import numpy as gnp
from gradcli.compat.autogradnames.values import plain


def _sides(n: int, k: int, mode: str) -> tuple[int, int]:
    """How far an axis is padded on both sides for a kernel of length k."""
    if mode == "full":
        return k - 1, k - 1
    if mode == "same":
        return k // 2, k - 1 - k // 2
    if mode == "valid":
        if k > n:
            raise ValueError(f"mode valid needs a kernel no longer than the array, got {k} and {n}")
        return 0, 0
    raise ValueError(f"mode is full, same or valid, not {mode!r}")


def _grouped(x: Any, dots: Sequence[int], convolved: Sequence[int]) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    """The array as (rest, contracted, *convolved axes), and the shape of the rest and of the convolved axes."""
    rest = [i for i in range(x.ndim) if i not in (*dots, *convolved)]
    shapes = [tuple(x.shape[i] for i in group) for group in (rest, dots, convolved)]
    ordered = gnp.transpose(x, (*rest, *dots, *convolved))
    return gnp.reshape(ordered, (math.prod(shapes[0]), math.prod(shapes[1]), *shapes[2])), shapes[0], shapes[2]


def convolve(
    A: Any, B: Any, axes: Any = None, dot_axes: Any = ((), ()), mode: str = "full"  # noqa: N803 - autograd's names
) -> Any:  # fmt: skip
    """The convolution of A with B along ``axes`` (all if None), contracted along ``dot_axes``.

    axes, dot_axes: axes of A, then those of B that belong to them. The result has the other axes of A, those of B, and
    the convolved ones. Raises ValueError for an unknown mode or a kernel that does not fit.

    >>> convolve(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([1., 3., 2.])
    """
    a, b = gnp.asarray(A), gnp.asarray(B)
    if a.dtype != b.dtype:
        common = np.result_type(a.dtype, b.dtype)
        a, b = gnp.astype(a, common), gnp.astype(b, common)
    dots = [[i % n for i in group] for group, n in zip(dot_axes, (a.ndim, b.ndim), strict=True)]
    if axes is None:
        axes = [[i for i in range(n) if i not in d] for n, d in zip((a.ndim, b.ndim), dots, strict=True)]
    convolved = [[i % n for i in group] for group, n in zip(axes, (a.ndim, b.ndim), strict=True)]
    left, rest_a, sizes_a = _grouped(a, dots[0], convolved[0])
    right, rest_b, sizes_b = _grouped(b, dots[1], convolved[1])
    padding = [_sides(n, k, mode) for n, k in zip(sizes_a, sizes_b, strict=True)]
    flipped = gnp.flip(right, tuple(range(2, right.ndim)))
    out = lax.conv_general_dilated(left, flipped, (1,) * len(padding), padding)
    return plain(gnp.reshape(out, rest_a + rest_b + out.shape[2:]))
