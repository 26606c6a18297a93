"""Polynomials as vectors of coefficients, highest power first."""

from __future__ import annotations

import builtins
import math
import operator
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.engine.array import Array, numbers, type_of
from gradcli.engine.ir.bfloat16 import finfo
from gradcli.engine.ir.types import complex_dtype
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops import sort as sorting
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.operators import add, inexact, like, multiply, promoted, where
from gradcli.numpy._base import arr, strong, type_error, value_error
from gradcli.numpy._creation import array
from gradcli.numpy._linear import convolve, outer
from gradcli.numpy._reductions import all as all_
from gradcli.numpy._reductions import argmin, sum
from gradcli.numpy._shapes import atleast_1d, swapaxes


def polyval(p: Any, x: Any, *, unroll: int = 16) -> Any:
    """The polynomial with coefficients ``p`` (highest power first) at ``x``, by Horner's rule.

    >>> print(polyval([1.0, 0.0, -1.0], 3.0))
    8.0
    """
    p = _coefficients(p)
    (x,) = promoted(x)
    out = None
    for i in range(p.shape[0]):
        coefficient = s.reshape(slice_in_dim(p, i, i + 1, 0), p.shape[1:])
        out = coefficient if out is None else add(multiply(out, x), coefficient)
    if out is None:
        return s.broadcast_to_type(like(x, 0), type_of(x))
    return strong(out if type_of(out).shape else s.broadcast_to_type(promoted(out, like(x, 0))[0], type_of(x)))


def _coefficients(p: Any) -> Any:
    return array(p) if isinstance(p, (list, tuple)) else arr(p)


def _linalg() -> Any:
    """Linear algebra, which few polynomials need."""
    return import_module("gradcli.numpy.linalg")


def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials."""
    a, b = (_coefficients(v) for v in (a1, a2))
    n = builtins.max(a.shape[0], b.shape[0])
    return e.add(*promoted(*(_lengthened(v, n) for v in (a, b))))


def _lengthened(p: Any, n: int) -> Any:
    """With zeros for the missing higher powers."""
    return cuts.pad(p, p.dtype.type(0), [(n - p.shape[0], 0, 0), *[(0, 0, 0)] * (p.ndim - 1)])


def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials."""
    a, b = (_coefficients(v) for v in (a1, a2))
    n = builtins.max(a.shape[0], b.shape[0])
    return e.sub(*promoted(*(_lengthened(v, n) for v in (a, b))))


def polymul(a1: Any, a2: Any, *, trim_leading_zeros: bool = False) -> Any:
    """The product of two polynomials; ``trim_leading_zeros`` needs known values."""
    a, b = inexact(_vector(a1), _vector(a2))
    if trim_leading_zeros and (a.shape[0] > 1 or b.shape[0] > 1):
        a, b = _trimmed(a), _trimmed(b)
    return convolve(*(v if v.shape[0] else s.full((1,), 0, v.dtype) for v in (a, b)))


def _vector(p: Any) -> Any:
    p = atleast_1d(_coefficients(p))
    if p.ndim != 1:
        raise value_error(f"a polynomial is a vector of coefficients, got {p.type}")
    return p


def _trimmed(p: Any, tolerance: float = 0.0) -> Any:
    """Without the zeros (or less than the tolerance) in front. Raises ConcretizationTypeError for unknown values."""
    values = np.abs(np.asarray(p.concrete()))
    small = values < tolerance if tolerance else values == 0
    return slice_in_dim(p, p.shape[0] if small.all() else int(small.argmin()), p.shape[0], 0)


def polydiv(u: Any, v: Any, *, trim_leading_zeros: bool = False) -> tuple[Any, Any]:
    """Quotient and remainder; the remainder has the length of ``u``, unless leading zeros are trimmed."""
    u, v = inexact(_vector(u), _vector(v))
    steps = u.shape[0] - v.shape[0] + 1
    n = v.shape[0]
    scale = e.div(like(v, 1), v[0])
    quotient = []
    for k in range(steps):
        factor = e.mul(scale, u[k])
        quotient.append(s.reshape(factor, (1,)))
        taken = e.mul(factor, v)
        u = e.sub(u, cuts.pad(taken, u.dtype.type(0), [(k, u.shape[0] - n - k, 0)]))
    q = concatenate(quotient, 0) if quotient else s.full((1,), 0, u.dtype)
    return q, _trimmed(u, math.sqrt(finfo(u.dtype).eps)) if trim_leading_zeros else u


def _order(m: Any, name: str) -> int:
    m = operator.index(m)
    if m < 0:
        raise value_error(f"the order of {name} cannot be negative: {m}")
    return int(m)


def _falling(highest: int, lowest: int, m: int) -> list[int]:
    """``k (k - 1) … (k - m + 1)`` for k from ``highest`` down to ``lowest``: what m derivatives put before a power."""
    return [math.prod(range(k - m + 1, k + 1)) for k in range(highest, lowest - 1, -1)]


def polyder(p: Any, m: int = 1) -> Any:
    """The ``m``-th derivative of a polynomial. Raises ValueError for a negative order.

    >>> print(polyder([1.0, 2.0, 3.0]))
    [2. 2.]
    """
    m = _order(m, "a derivative")
    (p,) = inexact(_vector(p))
    p, n = arr(p), type_of(p).shape[0]
    if not m:
        return p
    return e.mul(slice_in_dim(p, 0, builtins.max(n - m, 0), 0), numbers(np.array(_falling(n - 1, m, m)), p.dtype))


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The ``m``-th integral of a polynomial, with constants ``k`` (one, or one each; default 0), the first one first.

    Raises ValueError for a negative order and another number of constants.
    """
    m = _order(m, "an integral")
    p, constants = (arr(v) for v in inexact(_vector(p), atleast_1d(_coefficients(0 if k is None else k))))
    if constants.shape == (1,):
        constants = s.broadcast_in_dim(constants, (m,), (0,))
    if constants.shape != (m,):
        raise value_error(f"polyint of order {m} needs one constant or {m}, got {constants.type}")
    n = p.shape[0]
    if not m:
        return p
    factorials = [math.factorial(i) for i in range(m - 1, -1, -1)]  # what the constants are divided by
    divisors = numbers(np.array([*_falling(n + m - 1, m, m), *factorials]), p.dtype)
    return e.div(concatenate([p, constants], 0), divisors)


def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with leading coefficient 1 that has these zeros, or is characteristic for a square matrix.

    Raises ValueError for other shapes.

    >>> print(poly([1.0, -1.0]))
    [ 1.  0. -1.]
    """
    zeros = arr(inexact(atleast_1d(_coefficients(seq_of_zeros)))[0])
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] and zeros.size:
        zeros = _linalg().eigvals(zeros)
    if zeros.ndim != 1:
        raise value_error(f"poly needs a vector of zeros or a square matrix, got {zeros.type}")
    out = s.full((1,), 1, zeros.dtype)
    for i in range(zeros.shape[0]):
        root = slice_in_dim(zeros, i, i + 1, 0)
        out = convolve(out, concatenate([np.ones(1, zeros.dtype), e.neg(root)], 0))
    return out if zeros.size else s.reshape(out, ())


def roots(p: Any, *, strip_zeros: bool = True) -> Any:
    """The complex zeros of a polynomial: the eigenvalues of its companion matrix.

    strip_zeros: leading zeros are dropped, for which values must be known; else a nan stands for each root they cost.
    Raises ValueError unless ``p`` is a vector.
    """
    p = arr(inexact(_vector(p))[0])
    n = p.shape[0]
    if n < 2:
        return Array(np.zeros(0, complex_dtype(p.dtype)))
    if strip_zeros:
        return _companion_values(_trimmed(p))
    zero = e.eq(p, like(p, 0))
    none = all_(zero)
    leading = where(none, n, argmin(zero))
    p = where(none, like(p, 1), p)
    places = s.iota(type_of(leading).dtype, (n,), 0)
    shifted = p[e.rem(e.add(places, leading), like(leading, n))]  # the zeros move to the end, as roots that are 0
    found = _companion_values(shifted)
    (_, order) = sorting.sort((e.eq(found, like(found, 0)), s.iota(places.dtype, (n - 1,), 0)), 0)
    kept = e.lt(s.iota(places.dtype, (n - 1,), 0), e.sub(like(leading, n - 1), leading))
    return where(kept, found[order], like(found, complex(math.nan, math.nan)))


def _companion_values(p: Any) -> Any:
    n = p.shape[0]
    if n < 2:
        return Array(np.zeros(0, complex_dtype(p.dtype)))
    top = e.neg(e.div(slice_in_dim(p, 1, n, 0), p[0]))
    below = np.eye(n - 2, n - 1, dtype=p.dtype)
    return _linalg().eigvals(concatenate([s.reshape(top, (1, n - 1)), below], 0))


# --- least squares --------------------------------------------------------------------------------------------------


def polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: bool | str = False
) -> Any:
    """The polynomial of a degree with the least sum of squares of ``w * (y - p(x))``, for each column of ``y``.

    full: also residuals, rank, singular values and ``rcond``. cov: also the covariance matrix of the coefficients, as
    it is with ``cov="unscaled"``. Raises ValueError for a negative degree or too few points for a covariance,
    TypeError for shapes that do not fit.
    """
    deg = operator.index(deg)
    if deg < 0:
        raise value_error(f"polyfit needs a degree of at least 0, got {deg}")
    x, y = arr(x), arr(y)
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or y.shape[0] != x.shape[0]:
        raise type_error(f"polyfit needs a vector x, and y of its length with at most two axes; got {x.type}, {y.type}")
    x, y = (arr(inexact(v)[0]) for v in (x, y))
    limit = x.size * float(finfo(x.dtype).eps) if rcond is None else float(rcond)
    rows, target = _weighted(_powers(x, deg + 1), y, w)
    scale = e.sqrt(sum(e.mul(rows, rows), 0))
    found, residuals, rank, singular = _linalg().lstsq(e.div(rows, s.reshape(scale, (1, deg + 1))), target, limit)
    c = found / (scale if found.ndim == 1 else s.reshape(scale, (deg + 1, 1)))
    if full:
        return c, residuals, rank, singular, arr(np.asarray(limit))
    if not cov:
        return c
    scaled = e.div(rows, s.reshape(scale, (1, deg + 1)))
    base = e.div(_linalg().inv(swapaxes(scaled, 0, 1) @ scaled), outer(scale, scale))
    if cov == "unscaled":
        return c, base
    if x.size <= deg + 1:
        raise value_error("polyfit needs more points than coefficients to scale the covariance")
    spread = residuals / (x.size - deg - 1)
    return c, base * spread if y.ndim == 1 else s.expand_dims(base, [2]) * s.expand_dims(spread, [0, 1])


def _powers(x: Any, n: int) -> Any:
    column = s.reshape(x, (x.size, 1))
    return concatenate([e.integer_pow(column, k) for k in range(n - 1, -1, -1)], 1)


def _weighted(rows: Any, y: Any, w: Any) -> tuple[Any, Any]:
    if w is None:
        return rows, y
    w = arr(inexact(w)[0])
    if w.ndim != 1 or w.shape[0] != y.shape[0]:
        raise type_error(f"polyfit needs one weight a point, got {w.type} for {y.shape[0]}")
    column = s.reshape(w, (w.size, 1))
    return multiply(rows, column), multiply(y, w if y.ndim == 1 else column)
