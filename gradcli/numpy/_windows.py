"""Window functions, and the Bessel function that one of them is made of."""

from __future__ import annotations

import math
import operator
from typing import Any

from gradcli.engine.array import Array
from gradcli.engine.ir.types import default_float
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.operators import absolute, inexact
from gradcli.engine.ops.shape import full, iota
from gradcli.engine.ops.special_bessel import bessel_i0e
from gradcli.numpy._base import kind, value_error
from gradcli.numpy._ufuncs import cos, sqrt


def _places(m: Any) -> tuple[int, Any]:
    """The length, and 0, 1, 2, … as floats; ones instead where a window has at most one element."""
    m = operator.index(m.concrete().item() if isinstance(m, Array) else m)
    if m < 0:
        raise value_error(f"a window cannot have {m} elements")
    return m, full((m,), 1, default_float()) if m <= 1 else iota(default_float(), (m,), 0)


def _cosines(m: Any, *weights: float) -> Any:
    """``sum_k weights[k] cos(2 pi k n / (m - 1))``."""
    m, n = _places(m)
    if m <= 1:
        return n
    out: Any = weights[0]
    for k, weight in enumerate(weights[1:], 1):
        out = out + weight * cos(n * (2 * math.pi * k / (m - 1)))
    return out


def hanning(M: int) -> Any:
    """The Hann window, ``0.5 - 0.5 cos(2 pi n / (M - 1))``.

    >>> print(hanning(3))
    [0. 1. 0.]
    """
    return _cosines(M, 0.5, -0.5)


def hamming(M: int) -> Any:
    """The Hamming window, ``0.54 - 0.46 cos(2 pi n / (M - 1))``."""
    return _cosines(M, 0.54, -0.46)


def blackman(M: int) -> Any:
    """The Blackman window, ``0.42 - 0.5 cos(2 pi n / (M - 1)) + 0.08 cos(4 pi n / (M - 1))``."""
    return _cosines(M, 0.42, -0.5, 0.08)


def bartlett(M: int) -> Any:
    """The triangular window that is 0 at both ends."""
    m, n = _places(M)
    return n if m <= 1 else 1 - absolute(2 * n + (1 - m)) / (m - 1)


def kaiser(M: int, beta: Any) -> Any:
    """The Kaiser window ``i0(beta sqrt(1 - r^2)) / i0(beta)``, r from -1 to 1; differentiable in ``beta``."""
    m, n = _places(M)
    if m <= 1:
        return n
    half = 0.5 * (m - 1)
    return i0(beta * sqrt(1 - e.square((n - half) / half))) / i0(beta)


def i0(x: Any) -> Any:
    """The modified Bessel function of the first kind and order 0 (DLMF 10.25.2). Raises ValueError for complex numbers.

    >>> print(i0(0.0))
    1.0
    """
    (x,) = inexact(x)
    if kind(x) == "c":
        raise value_error("i0 is not defined for complex operands")
    size = e.mul(x, e.sign(x))  # not abs: its slope at 0 has to cancel that of bessel_i0e, which is sign(0) = 0
    return e.mul(e.exp(size), bessel_i0e(x))
