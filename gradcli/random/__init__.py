"""Random numbers as a function of a key: the names, and bit for bit the numbers, of ``jax.random``.

>>> from gradcli import random
>>> print(random.uniform(random.key(0), (2,)).shape)
(2,)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.engine.array import Value
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import canonical_dtype, default_float, default_int
from gradcli.engine.ops.elementwise import add, convert_element_type, max, mul, rem, sub
from gradcli.engine.ops.sort import argsort, sort
from gradcli.engine.ops.special import erf, erf_inv
from gradcli.engine.trace.source import user_location
from gradcli.random._bitcast import unit_float
from gradcli.random._keys import PRNGKeyArray as PRNGKeyArray
from gradcli.random._keys import fold_words, random_bits, seed_words, split_words

__all__ = [
    "PRNGKey", "PRNGKeyArray", "bernoulli", "bits", "categorical", "cauchy", "choice", "exponential", "fold_in", "gumbel",
    "key", "key_data", "laplace", "logistic", "normal", "permutation", "rademacher", "randint", "split",
    "truncated_normal", "uniform", "wrap_key_data",
]  # fmt: skip

Shape = Sequence[int]


def PRNGKey(seed: Any, *, impl: Any = None) -> Any:  # noqa: N802 - JAX's name
    """A key as raw uint32[2]."""
    return seed_words(seed)


def key(seed: Any, *, impl: Any = None) -> PRNGKeyArray:
    """A typed key."""
    return PRNGKeyArray(seed_words(seed))


def key_data(keys: Any) -> Any:
    """The uint32 data of keys."""
    return keys.data if isinstance(keys, PRNGKeyArray) else keys


def wrap_key_data(data: Any, *, impl: Any = None) -> PRNGKeyArray:
    """Typed keys from uint32 data of shape ``(..., 2)``."""
    return PRNGKeyArray(gnp.asarray(data))


def _like(key: Any, data: Any) -> Any:
    return PRNGKeyArray(data) if isinstance(key, PRNGKeyArray) else data


def split(key: Any, num: int | tuple[int, ...] = 2) -> Any:
    """``num`` new keys, along a leading axis (or axes)."""
    return _like(key, split_words(key, (num,) if isinstance(num, int) else tuple(num)))


def fold_in(key: Any, data: Any) -> Any:
    """A new key from a key and an integer."""
    return _like(key, fold_words(key, data))


def _shape(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)


def _float_dtype(dtype: Any) -> np.dtype[Any]:
    found = default_float() if dtype is None or dtype is float else canonical_dtype(dtype)
    if found.kind != "f":
        raise fail(
            "G206", f"this distribution needs a float dtype, got {found}", location=user_location(), cls=ValueError
        )
    return found


def bits(key: Any, shape: Shape = (), dtype: Any = None) -> Any:
    """Uniform random bits as unsigned integers."""
    found = canonical_dtype(np.uint64 if dtype is None else dtype)
    return random_bits(key, found.itemsize * 8, _shape(shape))


def uniform(key: Any, shape: Shape = (), dtype: Any = None, minval: Any = 0.0, maxval: Any = 1.0) -> Any:
    """Uniform on [minval, maxval): the mantissa is random, so that the spacing is even."""
    found, size = _float_dtype(dtype), _shape(shape)
    low, high = gnp.asarray(minval, found), gnp.asarray(maxval, found)
    low, high = (x if x.ndim in (0, len(size)) else gnp.broadcast_to(x, size) for x in (low, high))
    unit = unit_float(random_bits(key, found.itemsize * 8, size), found)
    return max(low, add(mul(unit, sub(high, low)), low))


def normal(key: Any, shape: Shape = (), dtype: Any = None) -> Any:
    """Standard normal."""
    found = _float_dtype(dtype)
    low = np.nextafter(found.type(-1), found.type(0))
    return mul(found.type(math.sqrt(2)), erf_inv(uniform(key, shape, found, low, 1.0)))


def truncated_normal(key: Any, lower: Any, upper: Any, shape: Shape | None = None, dtype: Any = None) -> Any:
    """Standard normal, conditioned on lying between ``lower`` and ``upper``."""
    found = _float_dtype(dtype)
    low, high = gnp.asarray(lower, found), gnp.asarray(upper, found)
    size = np.broadcast_shapes(low.shape, high.shape) if shape is None else _shape(shape)
    root = found.type(math.sqrt(2))
    draw = mul(root, erf_inv(uniform(key, size, found, erf(low / root), erf(high / root))))
    return gnp.clip(draw, low, high)


def bernoulli(key: Any, p: Any = 0.5, shape: Shape | None = None, mode: str = "low") -> Any:
    """True with probability ``p``."""
    p = gnp.asarray(p)
    p = p if p.dtype.kind == "f" else p.astype(default_float())
    size = p.shape if shape is None else _shape(shape)
    return gnp.less(uniform(key, size, p.dtype), p)


def randint(key: Any, shape: Shape, minval: Any, maxval: Any, dtype: Any = None) -> Any:
    """Integers from ``minval`` up to, not including, ``maxval``; 8- and 16-bit ones are drawn with 32 bits.

    The bias of taking a remainder is at most (maxval - minval) / 2**bits.
    """
    found, size = canonical_dtype(default_int() if dtype is None or dtype is int else dtype), _shape(shape)
    info = np.iinfo(found)
    if info.bits < 32:
        low = gnp.clip(gnp.asarray(minval).astype(np.int32), info.min, info.max)
        high = gnp.clip(gnp.asarray(maxval).astype(np.int32), info.min, info.max + 1)
        return _randint(key, size, low, high, np.dtype(np.int32)).astype(found)
    return _randint(key, size, minval, maxval, found)


def _randint(key: Any, size: tuple[int, ...], minval: Any, maxval: Any, found: np.dtype[Any]) -> Any:
    info, unsigned = np.iinfo(found), np.dtype(f"uint{found.itemsize * 8}")
    low = gnp.clip(gnp.asarray(minval), info.min, info.max).astype(found)
    high = gnp.asarray(maxval)
    past_end = gnp.greater(high, info.max)
    high = gnp.clip(high, info.min, info.max).astype(found)
    pair = split_words(key, (2,))
    first, second = pair[0], pair[1]
    width = found.itemsize * 8
    higher, lower = random_bits(first, width, size), random_bits(second, width, size)
    span = convert_element_type(high - low, unsigned)
    span = gnp.where(gnp.less_equal(high, low), unsigned.type(1), span)
    span = gnp.where(gnp.logical_and(past_end, gnp.greater(high, low)), span + unsigned.type(1), span)
    half = unsigned.type(2 ** (width // 2) % 2**width)
    multiplier = _rem(half, span)
    multiplier = _rem(multiplier * multiplier, span)
    offset = _rem(_rem(higher, span) * multiplier + _rem(lower, span), span)
    return low + convert_element_type(offset, found)


def _rem(x: Any, y: Any) -> Any:
    """The remainder, with x for a span of 0 (2**bits, that is)."""
    return rem(*gnp.broadcast_arrays(gnp.asarray(x), gnp.asarray(y)))


def permutation(key: Any, x: Any, axis: int = 0, independent: bool = False) -> Any:
    """``arange(x)`` in random order for an integer, else ``x`` with its slices along ``axis`` in random order."""
    if isinstance(x, (int, np.integer)) or (isinstance(x, Value) and not x.shape):
        return _shuffle(key, gnp.arange(int(x)), 0)
    x = gnp.asarray(x)
    if independent or x.ndim == 1:
        return _shuffle(key, x, axis)
    return gnp.take(x, _shuffle(key, gnp.arange(x.shape[axis]), 0), axis=axis)


def _shuffle(key: Any, x: Any, axis: int) -> Any:
    """Sorts by random keys, often enough that ties (birthdays among 32-bit keys) cannot bias the order."""
    rounds = math.ceil(3 * math.log(x.size or 1) / math.log(2**32 - 1))
    words = _like_words(key)
    for _ in range(rounds):
        pair = split_words(words, (2,))
        words = pair[0]
        order = random_bits(pair[1], 32, x.shape)
        x = sort((order, x), dimension=axis % x.ndim, num_keys=1)[1]
    return x


def _like_words(key: Any) -> Any:
    return key.data if isinstance(key, PRNGKeyArray) else key


def choice(
    key: Any, a: Any, shape: Shape = (), replace: bool = True, p: Any = None, axis: int = 0, mode: Any = None
) -> Any:
    """Samples of ``a`` (of ``arange(a)`` for an integer), with or without replacement, weighted by ``p``."""
    size = _shape(shape)
    source = gnp.asarray(a)
    whole = not source.shape
    n = int(source) if whole else source.shape[axis]
    count = math.prod(size)
    if not replace and count > n:
        raise fail("G206", f"cannot take {count} of {n} without replacement", location=user_location(), cls=ValueError)
    if p is None and not replace:
        drawn = permutation(key, n if whole else source, axis)
        kept = drawn[:count] if whole else gnp.take(drawn, gnp.arange(count), axis=axis)
        return kept.reshape(size if whole else (*source.shape[:axis], *size, *source.shape[axis + 1 :]))
    if p is None:
        index = randint(key, size, 0, n)
    elif replace:
        weights = gnp.asarray(p)
        cumulative = gnp.cumsum(weights)
        draw = cumulative[-1] * (1 - uniform(key, size, cumulative.dtype))
        index = gnp.searchsorted(cumulative, draw).astype(default_int())
    else:
        weights = gnp.asarray(p)
        scores = gumbel(key, (n,), weights.dtype) + gnp.log(weights)
        index = argsort(-scores, 0)[:count].reshape(size)
    return index if whole else gnp.take(source, index, axis=axis)


def exponential(key: Any, shape: Shape = (), dtype: Any = None) -> Any:
    """Exponential with mean 1."""
    return -gnp.log1p(-uniform(key, shape, _float_dtype(dtype)))


def gumbel(key: Any, shape: Shape = (), dtype: Any = None, mode: Any = None) -> Any:
    """Standard Gumbel."""
    found = _float_dtype(dtype)
    return -gnp.log(-gnp.log(uniform(key, shape, found, np.finfo(found).tiny, 1.0)))


def laplace(key: Any, shape: Shape = (), dtype: Any = None) -> Any:
    """Standard Laplace."""
    found = _float_dtype(dtype)
    u = uniform(key, shape, found, found.type(-1) + np.finfo(found).epsneg, 1.0)
    return gnp.sign(u) * gnp.log1p(-gnp.abs(u))


def logistic(key: Any, shape: Shape = (), dtype: Any = None) -> Any:
    """Standard logistic."""
    found = _float_dtype(dtype)
    x = uniform(key, shape, found, np.finfo(found).tiny, 1.0)
    return gnp.log(x) - gnp.log1p(-x)


def cauchy(key: Any, shape: Shape = (), dtype: Any = None) -> Any:
    """Standard Cauchy."""
    found = _float_dtype(dtype)
    u = uniform(key, shape, found, np.finfo(found).eps, 1.0)
    return gnp.tan(found.type(math.pi) * (u - found.type(0.5)))


def rademacher(key: Any, shape: Shape = (), dtype: Any = None) -> Any:
    """-1 or 1, each with probability one half."""
    found = canonical_dtype(default_int() if dtype is None else dtype)
    return (2 * bernoulli(key, 0.5, shape) - 1).astype(found)


def categorical(key: Any, logits: Any, axis: int = -1, shape: Shape | None = None, replace: bool = True) -> Any:
    """Indices along ``axis`` with probabilities softmax(logits): the argmax of logits with Gumbel noise."""
    logits = gnp.asarray(logits)
    axis = axis % logits.ndim
    batch = (*logits.shape[:axis], *logits.shape[axis + 1 :])
    size = batch if shape is None else _shape(shape)
    lead = size[: len(size) - len(batch)]
    noise = gumbel(key, (*lead, *logits.shape), logits.dtype)
    return gnp.argmax(noise + logits, axis=axis + len(lead))
