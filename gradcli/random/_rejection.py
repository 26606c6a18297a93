"""Samplers that draw until they accept, as primitives: gamma, Poisson and binomial numbers.

They spend the bits of a key in the order in which JAX does, so that the numbers are the same; all elements are drawn
together, those that are done being left alone. Operands are the words of keys u32[*k, 2] and parameters [*k, *shape].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import UINT32, ArrayType, Shape
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.elementwise import add, div, eq, exp, mul, select_n, sub
from gradcli.engine.ops.erf_inv import erf_inv_values
from gradcli.engine.ops.fma import fma_values
from gradcli.engine.ops.random_bits import _bits_impl, _split_impl, _unit_float_impl
from gradcli.engine.ops.shape import broadcast_in_dim, moveaxis
from gradcli.engine.ops.special import _lgamma, digamma
from gradcli.engine.ops.special_gamma import random_gamma_grad
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind

Words = Any
Values = Any

# --- bits, on NumPy arrays ------------------------------------------------------------------------------------------


def _split(keys: Words, num: int, layout: bool) -> list[Words]:
    """``num`` new keys for each of u32[n, 2]."""
    new = _split_impl(keys, (num,), layout)
    return [new[:, i] for i in range(num)]


def _uniform(keys: Words, shape: Shape, dtype: np.dtype[Any], layout: bool) -> Values:
    return np.asarray(_unit_float_impl(np.asarray(_bits_impl(keys, 8 * dtype.itemsize, shape, layout))))


def _normal(keys: Words, dtype: np.dtype[Any], layout: bool) -> Values:
    low = np.nextafter(dtype.type(-1), dtype.type(0))
    inside = fma_values(_uniform(keys, (), dtype, layout), dtype.type(1) - low, low)
    return np.asarray(dtype.type(math.sqrt(2)) * erf_inv_values(inside))


# --- gamma ----------------------------------------------------------------------------------------------------------


def _gamma_impl(words: Words, a: Values, log_space: bool, partitionable: bool) -> Values:
    shape, dtype = np.shape(a), np.asarray(a).dtype
    flat = np.reshape(words, (-1, 2))
    keys = _split_impl(flat, (math.prod(shape[np.ndim(words) - 1 :]),), partitionable).reshape(-1, 2)
    a = np.reshape(a, -1)
    with np.errstate(all="ignore"):
        large = a >= 1
        d = np.where(large, a, a + dtype.type(1)) - dtype.type(1 / 3)
        keys, last = _split(keys, 2, partitionable)
        cube = _marsaglia_tsang(keys, d, dtype, partitionable)
        u = _uniform(last, (), dtype, partitionable)
        if log_space:
            logs = np.log1p(-u)
            boost = np.where(large | (logs == 0), dtype.type(0), logs * (dtype.type(1) / a))
            out = np.log(d) + np.log(cube) + boost
        else:
            boost = np.where(large, dtype.type(1), np.power(dtype.type(1) - u, dtype.type(1) / a))
            out = d * cube * boost
    return out.astype(dtype).reshape(shape)[()]


def _marsaglia_tsang(keys: Words, d: Values, dtype: np.dtype[Any], layout: bool) -> Values:
    """Cubes of 1 + c X by the method of G. Marsaglia and W. W. Tsang (ACM Trans. Math. Softw. 26, 2000, 363-372)."""
    out = np.full(d.shape, dtype.type(math.nan))
    open_ = np.flatnonzero(d == d)
    keys = keys[open_]
    while open_.size:
        keys, x_keys, u_keys = _split(keys, 3, layout)
        scale = d[open_]
        x, v = _positive(x_keys, dtype.type(1 / 3) / np.sqrt(scale), dtype, layout)
        square, cube = x * x, v * v * v
        u = _uniform(u_keys, (), dtype, layout)
        quick = u < dtype.type(1) - dtype.type(0.0331) * (square * square)
        slow = np.log(u) < square * dtype.type(0.5) + scale * (dtype.type(1) - cube + np.log(cube))
        done = quick | slow
        out[open_[done]] = cube[done]
        open_, keys = open_[~done], keys[~done]
    return out


def _positive(keys: Words, c: Values, dtype: np.dtype[Any], layout: bool) -> tuple[Values, Values]:
    """Normal numbers x with 1 + c x > 0, and these sums."""
    x, v = np.zeros(c.shape, dtype), np.full(c.shape, dtype.type(-1))
    while True:
        low = np.flatnonzero(v <= 0)
        if not low.size:
            return x, v
        new, drawn = _split(keys[low], 2, layout)
        keys = keys.copy()
        keys[low] = new
        x[low] = _normal(drawn, dtype, layout)
        v[low] = fma_values(x[low], c[low], dtype.type(1))


# --- Poisson --------------------------------------------------------------------------------------------------------


def _poisson_impl(words: Words, lam: Values, partitionable: bool) -> Values:
    """As float32, in which the rates are."""
    shape = np.shape(lam)
    keys = np.reshape(words, (-1, 2))
    inner = shape[np.ndim(words) - 1 :]
    lam = np.reshape(lam, (len(keys), *inner)).astype(np.float32)
    few = ~(lam >= 10)
    with np.errstate(all="ignore"):
        low = _poisson_products(keys, np.where(few, lam, np.float32(0)), inner, partitionable)
        high = _poisson_rejection(keys, np.where(few, np.float32(1e5), lam), inner, partitionable)
    out = np.where(lam == 0, 0.0, np.where(few, low, high))
    return out.astype(np.float32).reshape(shape)[()]


def _poisson_products(keys: Words, lam: Values, inner: Shape, layout: bool) -> Values:
    """D. E. Knuth's method: uniform numbers are multiplied until the product is below exp(-lam)."""
    count, product = np.zeros(lam.shape), np.zeros(lam.shape, np.float32)
    while True:
        more = product > -lam
        rows = np.flatnonzero(more.reshape(len(keys), -1).any(axis=1))
        if not rows.size:
            return count - 1
        new, drawn = _split(keys[rows], 2, layout)
        keys = keys.copy()
        keys[rows] = new
        count[rows] += more[rows]
        product[rows] += np.log(_uniform(drawn, inner, np.dtype(np.float32), layout))


def _poisson_rejection(keys: Words, lam: Values, inner: Shape, layout: bool) -> Values:
    """Transformed rejection with a squeeze (W. Hörmann, Insurance Math. Econom. 12, 1993, 39-45)."""
    single = np.float32
    b = single(0.931) + single(2.53) * np.sqrt(lam)
    a = single(-0.059) + single(0.02483) * b
    inverse_alpha = single(1.1239) + single(1.1328) / (b - single(3.4))
    bound = single(0.9277) - single(3.6224) / (b - single(2))

    def propose(u: Values, v: Values, r: Any) -> tuple[Values, Values]:
        near = single(0.5) - np.abs(u)
        k = np.floor((2 * a[r] / near + b[r]) * u + lam[r] + single(0.43))
        s = np.log(v * inverse_alpha[r] / (a[r] / (near * near) + b[r]))
        t = -lam[r] + k * np.log(lam[r]) - _log_factorial(k)
        refused = (k < 0) | ((near < single(0.013)) & (v > near))
        return k, ((near >= single(0.07)) & (v <= bound[r])) | (~refused & (s <= t))

    return _accepted(keys, lam.shape, inner, np.dtype(np.float32), propose, layout)


def _log_factorial(k: Values) -> Values:
    return _lgamma(k.astype(np.float64).reshape(-1) + 1).reshape(k.shape).astype(k.dtype)


def _accepted(
    keys: Words, shape: Shape, inner: Shape, dtype: np.dtype[Any],
    propose: Callable[[Values, Values, Any], tuple[Values, Values]], layout: bool,
) -> Values:  # fmt: skip
    """Proposals made until every element of a key has accepted one; each keeps the last that it accepted."""
    out, done = np.full(shape, dtype.type(-1)), np.zeros(shape, bool)
    while True:
        rows = np.flatnonzero(~done.reshape(len(keys), -1).all(axis=1))
        if not rows.size:
            return out
        new, first, second = _split(keys[rows], 3, layout)
        keys = keys.copy()
        keys[rows] = new
        u = _uniform(first, inner, dtype, layout) - dtype.type(0.5)
        k, good = propose(u, _uniform(second, inner, dtype, layout), rows)
        out[rows] = np.where(good, k, out[rows])
        done[rows] |= good


# --- binomial -------------------------------------------------------------------------------------------------------


def _binomial_impl(words: Words, count: Values, prob: Values, partitionable: bool) -> Values:
    shape, dtype = np.shape(prob), np.asarray(prob).dtype
    keys = np.reshape(words, (-1, 2))
    inner = shape[np.ndim(words) - 1 :]
    count, prob = (np.reshape(x, (len(keys), *inner)) for x in (count, prob))
    with np.errstate(all="ignore"):
        below = prob < 0.5
        q = np.where(below, prob, dtype.type(1) - prob)
        wrong_count, wrong = ~(count >= 0), ~(q >= 0)
        safe = np.where(wrong, dtype.type(0.01), q)
        few = wrong_count | ~(count * safe > 10)  # also without end and without chance, which no proposal would meet
        whole = np.floor(count)
        low = _binomial_inversion(
            keys, np.where(few & np.isfinite(whole), whole, dtype.type(0)), safe, inner, partitionable
        )
        n, p = np.where(few, dtype.type(1e4), whole), np.where(few, dtype.type(0.5), safe)
        out: Values = np.where(few, low, _binomial_rejection(keys, n, p, inner, partitionable))
        endless = np.isinf(count)
        out = np.where(wrong | wrong_count, math.nan, np.where(endless, math.inf, out))
        out = np.where(below | wrong_count | np.isnan(q) | endless, out, whole - out)
    return out.astype(dtype).reshape(shape)[()]


def _binomial_inversion(keys: Words, count: Values, prob: Values, inner: Shape, layout: bool) -> Values:
    """The number of geometric numbers that fit into the count."""
    logs, dtype = np.log1p(-prob), prob.dtype
    number, total = np.zeros_like(prob), np.zeros_like(prob)
    while True:
        more = total <= count
        rows = np.flatnonzero(more.reshape(len(keys), -1).any(axis=1))
        if not rows.size:
            return number - 1
        drawn, new = _split(keys[rows], 2, layout)
        keys = keys.copy()
        keys[rows] = new
        number[rows] += more[rows]
        total[rows] += np.ceil(np.log(_uniform(drawn, inner, dtype, layout)) / logs[rows])


def _binomial_rejection(keys: Words, n: Values, p: Values, inner: Shape, layout: bool) -> Values:
    """Transformed rejection (W. Hörmann, J. Stat. Comput. Simul. 46, 1993, 101-110)."""
    dtype = p.dtype
    spread = np.sqrt(n * p * (1 - p))
    b = dtype.type(1.15) + dtype.type(2.53) * spread
    a = dtype.type(-0.0873) + dtype.type(0.0248) * b + dtype.type(0.01) * p
    c, bound, odds = n * p + dtype.type(0.5), dtype.type(0.92) - dtype.type(4.2) / b, p / (1 - p)
    alpha, mode = (dtype.type(2.83) + dtype.type(5.1) / b) * spread, np.floor((n + 1) * p)

    def propose(u: Values, v: Values, r: Any) -> tuple[Values, Values]:
        near = dtype.type(0.5) - np.abs(u)
        count, m = n[r], mode[r]
        k = np.floor((2 * a[r] / near + b[r]) * u + c[r])
        s = np.log(v * alpha[r] / (a[r] / (near * near) + b[r]))
        t = (m + dtype.type(0.5)) * np.log((m + 1) / (odds[r] * (count - m + 1)))
        t = t + (count + 1) * np.log((count - m + 1) / (count - k + 1))
        t = t + (k + dtype.type(0.5)) * np.log(odds[r] * (count - k + 1) / (k + 1))
        t = t + _stirling_rest(m) + _stirling_rest(count - m) - _stirling_rest(k) - _stirling_rest(count - k)
        quick = (near >= dtype.type(0.07)) & (v <= bound[r])
        return k, quick | (~((k < 0) | (k > count)) & (s <= t))

    return _accepted(keys, p.shape, inner, dtype, propose, layout)


_RESTS = np.array([math.lgamma(k + 1) - (k + 0.5) * math.log(k + 1) + k + 1 - 0.5 * math.log(2 * math.pi)
                   for k in range(10)])  # fmt: skip


def _stirling_rest(k: Values) -> Values:
    """What Stirling's formula for log(k!), in k + 1, leaves."""
    square = (k + 1) * (k + 1)
    series = (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
    small: Values = _RESTS[np.clip(np.nan_to_num(k), 0, 9).astype(int)]
    return np.where(k <= 9, small.astype(k.dtype), series)


# --- primitives -----------------------------------------------------------------------------------------------------


def _type(words: ArrayType, *parameters: ArrayType, **params: Any) -> ArrayType:
    lead = words.shape[:-1]
    if words.dtype != UINT32 or any(p.shape[: len(lead)] != lead or p.dtype.kind != "f" for p in parameters):
        raise fail("G206", f"samplers need keys and float parameters, got {words} and {parameters}",
                   location=user_location(), cls=TypeError)  # fmt: skip
    return parameters[0].strong()


def _batch(apply: Callable[..., Any]) -> Callable[..., Any]:
    def rule(size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any) -> tuple[Any, int]:
        front = []
        for x, d in zip(args, dims, strict=True):
            shape = type_of(x).shape
            if d is None:
                front.append(broadcast_in_dim(x, (size, *shape), tuple(range(1, len(shape) + 1))))
            else:
                front.append(moveaxis(x, d, 0))
        return apply(*front, **params), 0

    return rule


def random_gamma(words: Any, a: Any, log_space: bool, partitionable: bool) -> Any:
    """Gamma numbers of shape parameter ``a``, or their logarithms, differentiable in it."""
    return bind(random_gamma_p, words, a, log_space=log_space, partitionable=partitionable)


def _gamma_jvp(primals: Sequence[Any], tangents: Sequence[Any], log_space: bool, **params: Any) -> tuple[Any, Any]:
    """By implicit differentiation of the distribution function: M. Figurnov, S. Mohamed and A. Mnih (NeurIPS 2018)."""
    words, a = primals
    out = random_gamma(words, a, log_space=log_space, **params)
    if tangents[1] is None:
        return out, None
    if not log_space:
        return out, mul(tangents[1], random_gamma_grad(a, out))
    sample = exp(out)
    dtype = type_of(out).dtype
    lost = eq(sample, dtype.type(0))  # there the distribution function is its first term
    safe = select_n(lost, sample, dtype.type(1))
    slope = div(random_gamma_grad(a, safe), safe)
    small = div(sub(digamma(add(a, dtype.type(1))), out), a)
    return out, mul(tangents[1], select_n(lost, slope, small))


random_gamma_p = Primitive(
    "random_gamma", type_rule=_type, impl=_gamma_impl, jvp=_gamma_jvp, batch=_batch(random_gamma), family="random"
)


def _without_derivative(apply: Callable[..., Any]) -> Callable[..., Any]:
    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, None]:
        return apply(*primals, **params), None

    return jvp


def random_poisson(words: Any, lam: Any, partitionable: bool) -> Any:
    """Poisson numbers, as floats; their derivative is 0."""
    return bind(random_poisson_p, words, lam, partitionable=partitionable)


def random_binomial(words: Any, count: Any, prob: Any, partitionable: bool) -> Any:
    """Binomial numbers, as floats; their derivative is 0."""
    return bind(random_binomial_p, words, count, prob, partitionable=partitionable)


random_poisson_p = Primitive(
    "random_poisson", type_rule=_type, impl=_poisson_impl, jvp=_without_derivative(random_poisson),
    batch=_batch(random_poisson), family="random",
)  # fmt: skip
random_binomial_p = Primitive(
    "random_binomial", type_rule=_type, impl=_binomial_impl, jvp=_without_derivative(random_binomial),
    batch=_batch(random_binomial), family="random",
)  # fmt: skip
