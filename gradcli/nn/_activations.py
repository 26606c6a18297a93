"""Activation functions, with JAX's derivatives where the function has a kink (relu' is 0 at 0)."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.operators import add, inexact, like, maximum, minimum, multiply, numeric, true_divide, where
from gradcli.engine.ops.shape import canonical_axis
from gradcli.engine.ops.special import erfc
from gradcli.engine.settings import settings
from gradcli.numpy._base import type_error, value_error
from gradcli.numpy._ufuncs import logaddexp, tanh


def identity(x: Any) -> Any:
    """``x`` itself."""
    return numeric(x)[0]


def relu(x: Any) -> Any:
    """``max(x, 0)``; the derivative at 0 is 0.

    >>> print(relu(-2.0), relu(3.0))
    0.0 3.0
    """
    (x,) = numeric(x)
    zero = like(x, 0)
    if settings().kink != "jax":
        return maximum(x, zero)
    return e.select_n(e.le(x, zero), x, zero)  # not x > 0, so that nan stays nan


def relu6(x: Any) -> Any:
    """``min(max(x, 0), 6)``; the derivative at 0 and at 6 is 0."""
    (x,) = inexact(x)
    low, high = like(x, 0), like(x, 6)
    if settings().kink != "jax":
        return minimum(maximum(x, low), high)
    return e.select_n(e.le(x, low), e.select_n(e.ge(x, high), x, high), low)


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return e.logistic(*inexact(x))


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))`` without overflow."""
    (x,) = inexact(x)
    return logaddexp(x, like(x, 0))


def sparse_plus(x: Any) -> Any:
    """0 up to -1, x from 1 on, and ``(x + 1)^2 / 4`` between."""
    (x,) = inexact(x)
    parabola = e.mul(e.square(e.add(x, like(x, 1))), like(x, 0.25))
    return where(e.le(x, like(x, -1)), like(x, 0), where(e.ge(x, like(x, 1)), x, parabola))


def sparse_sigmoid(x: Any) -> Any:
    """The derivative of :func:`sparse_plus`: ``(x + 1) / 2`` held between 0 and 1."""
    (x,) = inexact(x)
    return minimum(maximum(e.mul(e.add(x, like(x, 1)), like(x, 0.5)), like(x, 0)), like(x, 1))


def soft_sign(x: Any) -> Any:
    """``x / (1 + |x|)``."""
    (x,) = inexact(x)
    size = e.abs(x)
    return true_divide(x, e.add(size, like(size, 1)))


def silu(x: Any) -> Any:
    """``x * sigmoid(x)``."""
    (x,) = inexact(x)
    return e.mul(x, e.logistic(x))


swish = silu


def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))``."""
    (x,) = inexact(x)
    return e.mul(x, tanh(softplus(x)))


def log_sigmoid(x: Any) -> Any:
    """``log(sigmoid(x))`` without underflow."""
    (x,) = inexact(x)
    return e.neg(softplus(e.neg(x)))


def elu(x: Any, alpha: Any = 1.0) -> Any:
    """``x`` above 0, ``alpha * (exp(x) - 1)`` below."""
    (x,) = inexact(x)
    positive = e.gt(x, like(x, 0))
    below = where(positive, like(x, 0), x)  # keeps exp of large x out of the derivative
    return where(positive, x, multiply(alpha, e.expm1(below)))


def celu(x: Any, alpha: Any = 1.0) -> Any:
    """``x`` above 0, ``alpha * (exp(x / alpha) - 1)`` below."""
    (x,) = inexact(x)
    zero = like(x, 0)
    return add(maximum(x, zero), multiply(alpha, e.expm1(true_divide(minimum(x, zero), alpha))))


def selu(x: Any) -> Any:
    """The scaled exponential linear unit, with the constants that keep mean and variance."""
    return multiply(1.0507009873554804934193349852946, elu(x, 1.6732632423543772848170429916717))


def leaky_relu(x: Any, negative_slope: Any = 1e-2) -> Any:
    """``x`` from 0 on, ``negative_slope * x`` below."""
    (x,) = inexact(x)
    return where(e.ge(x, like(x, 0)), x, multiply(negative_slope, x))


def hard_tanh(x: Any) -> Any:
    """``x`` held between -1 and 1."""
    (x,) = numeric(x)
    return where(e.gt(x, like(x, 1)), like(x, 1), where(e.lt(x, like(x, -1)), like(x, -1), x))


def hard_sigmoid(x: Any) -> Any:
    """``relu6(x + 3) / 6``."""
    return true_divide(relu6(add(x, 3.0)), 6.0)


def hard_silu(x: Any) -> Any:
    """``x * hard_sigmoid(x)``."""
    (x,) = inexact(x)
    return multiply(x, hard_sigmoid(x))


hard_swish = hard_silu


def gelu(x: Any, approximate: bool = True) -> Any:
    """The Gaussian error linear unit, ``x Φ(x)``; by default its approximation with tanh."""
    (x,) = inexact(x)
    if not approximate:
        scaled = e.mul(e.neg(x), like(x, math.sqrt(0.5)))
        return e.mul(e.mul(like(x, 0.5), x), erfc(scaled))
    cubed = e.mul(like(x, 0.044715), e.integer_pow(x, 3))
    inner = e.mul(like(x, math.sqrt(2 / math.pi)), e.add(x, cubed))
    return e.mul(x, e.mul(like(x, 0.5), e.add(like(x, 1), e.tanh(inner))))


def glu(x: Any, axis: int = -1) -> Any:
    """The first half along an axis times the sigmoid of the second. Raises ValueError for an odd size."""
    (x,) = inexact(x)
    t = type_of(x)
    axis = canonical_axis(axis, t.ndim)
    n = t.shape[axis]
    if n % 2:
        raise value_error(f"glu needs an even size along axis {axis}, got {t}")
    first, second = cuts.slice_in_dim(x, 0, n // 2, axis), cuts.slice_in_dim(x, n // 2, n, axis)
    return e.mul(first, e.logistic(second))


def squareplus(x: Any, b: Any = 4.0) -> Any:
    """``(x + sqrt(x^2 + b)) / 2``."""
    x, b = inexact(x, b)
    root = e.sqrt(e.add(e.square(x), b))
    return e.mul(e.add(x, root), like(x, 0.5))


def log1mexp(x: Any) -> Any:
    """``log(1 - exp(-x))`` for positive ``x``, exact for small and large ones."""
    (x,) = inexact(x)
    if type_of(x).dtype.kind == "c":
        raise type_error("log1mexp does not accept complex operands")
    small = e.lt(x, like(x, math.log(2)))
    near, far = where(small, x, like(x, 1)), where(small, like(x, 1), x)
    return where(small, e.log(e.neg(e.expm1(e.neg(near)))), e.log1p(e.neg(e.exp(e.neg(far)))))
