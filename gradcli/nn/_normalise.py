"""Functions over an axis: softmax and its logarithms, standardisation, one-hot vectors."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import canonical_dtype, default_float
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.elementwise import stop_gradient_value
from gradcli.engine.ops.operators import add, inexact, like, multiply, subtract, true_divide
from gradcli.engine.ops.operators import where as select
from gradcli.engine.ops.shape import canonical_axis, iota
from gradcli.numpy._base import Axis, arr, axes_of
from gradcli.numpy._reductions import any as any_of
from gradcli.numpy._reductions import max, mean, sum, var
from gradcli.numpy._shapes import broadcast_to, squeeze
from gradcli.numpy._ufuncs import isfinite

Where = Any


def _top(x: Any, axis: Axis, mask: Where) -> Any:
    """The largest element along the axes, kept as axes of size 1, without a derivative: it only shifts."""
    if mask is None and type_of(x).size:
        return stop_gradient_value(max(x, axis, keepdims=True))
    return stop_gradient_value(max(x, axis, keepdims=True, where=mask, initial=-math.inf))


def _shifted(x: Any, axis: Axis, mask: Where) -> Any:
    """``x`` less its largest element; 0 where ``mask`` is False, so that no derivative meets an infinity there."""
    if mask is None:
        return subtract(x, _top(x, axis, mask))
    kept = select(mask, x, like(x, 0))
    top = _top(x, axis, mask)
    return select(mask, subtract(kept, select(any_of(mask, axis, keepdims=True), top, like(top, 0))), like(x, 0))


def _total(shares: Any, axis: Axis, mask: Where) -> Any:
    """The sum along the axes, 1 where ``mask`` leaves nothing to add."""
    total = sum(shares, axis, keepdims=True, where=mask)
    return total if mask is None else select(any_of(mask, axis, keepdims=True), total, like(total, 1))


def softmax(x: Any, axis: Axis = -1, where: Where = None, initial: Any = None) -> Any:
    """``exp(x) / sum(exp(x))`` along an axis; elements where ``where`` is False count as nothing and give 0.

    >>> import numpy as np
    >>> print(softmax(np.zeros(2)))
    [0.5 0.5]
    """
    (x,) = inexact(x)
    where = None if where is None else broadcast_to(where, type_of(x).shape)
    shares = e.exp(_shifted(x, axis, where))
    result = true_divide(shares, _total(shares, axis, where))
    return result if where is None else select(where, result, like(result, 0))


def log_softmax(x: Any, axis: Axis = -1, where: Where = None, initial: Any = None) -> Any:
    """The logarithm of :func:`softmax`; -inf where ``where`` is False."""
    (x,) = inexact(x)
    where = None if where is None else broadcast_to(where, type_of(x).shape)
    shifted = _shifted(x, axis, where)
    result = subtract(shifted, e.log(_total(e.exp(shifted), axis, where)))
    return result if where is None else select(where, result, like(result, -math.inf))


def logsumexp(
    a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False, return_sign: bool = False, where: Where = None
) -> Any:
    """``log(sum(b * exp(a)))`` over the axes (default: all), without overflow.

    With ``return_sign`` also the sign of the sum, the logarithm then being that of its size; without, a negative sum
    gives nan.
    """
    a = arr(inexact(a)[0]) if b is None else arr(inexact(a, b)[0])
    if b is not None:
        (b,) = inexact(b)
        a = arr(select(e.ne(b, like(b, 0)), a, like(a, -math.inf)))  # 0 * exp(inf) counts as 0
    axes = axes_of(axis, a.ndim)
    real = e.real(a) if a.dtype.kind == "c" else a
    top = _top(real, axes, where)
    top = select(isfinite(top), top, like(top, 0))
    shares = e.exp(subtract(a, top))
    shares = shares if b is None else multiply(b, shares)
    total = sum(shares, axes, keepdims=keepdims, where=where)
    sign = e.sign(total)
    if return_sign:
        total = e.abs(total)
    out = e.log(total)
    out = add(out, top if keepdims else squeeze(top, axes))
    return (out, sign) if return_sign else out


def logmeanexp(a: Any, axis: Axis = None, where: Where = None, keepdims: bool = False) -> Any:
    """``log(mean(exp(a)))`` over the axes, without overflow."""
    total = logsumexp(a, axis, keepdims=keepdims, where=where)
    t = type_of(a)
    if where is None:
        count: Any = math.prod(t.shape[i] for i in axes_of(axis, t.ndim))
        return subtract(total, math.log(count) if count else -math.inf)
    ones = e.convert_element_type(arr(where), type_of(total).dtype)
    from_where = sum(s.broadcast_to_type(ones, type_of(total).with_shape(t.shape)), axis, keepdims=keepdims)
    return subtract(total, e.log(from_where))


def standardize(
    x: Any, axis: Axis = -1, mean: Any = None, variance: Any = None, epsilon: Any = 1e-5, where: Where = None
) -> Any:
    """``(x - mean) / sqrt(variance + epsilon)`` along the axes."""
    (x,) = inexact(x)
    middle = _mean(x, axis, keepdims=True, where=where) if mean is None else mean
    spread = var(x, axis, keepdims=True, where=where, mean=mean) if variance is None else variance
    return multiply(subtract(x, middle), e.rsqrt(*inexact(subtract(spread, -epsilon))))


_mean = mean


def one_hot(x: Any, num_classes: int, *, dtype: Any = None, axis: int = -1) -> Any:
    """Vectors of ``num_classes`` along a new axis: 1 at index ``x``, 0 elsewhere (all 0 for an index outside).

    >>> import numpy as np
    >>> print(one_hot(np.array([0, 2]), 3))
    [[1. 0. 0.]
     [0. 0. 1.]]
    """
    x = arr(x)
    ndim = x.ndim + 1
    place = canonical_axis(axis, ndim)
    classes = iota(x.dtype, tuple(int(num_classes) if i == place else 1 for i in range(ndim)), place)
    hot = e.eq(s.expand_dims(x, [place]), classes)
    return e.convert_element_type(hot, default_float() if dtype is None else canonical_dtype(dtype))
