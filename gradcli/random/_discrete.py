"""Integers, truth values, orders and choices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.bfloat16 import finfo
from gradcli.engine.ir.types import Shape, default_float, default_int
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import slice_in_dim
from gradcli.engine.ops.shape import canonical_axis, moveaxis, reshape, transpose
from gradcli.engine.ops.sort import sort, top_k
from gradcli.engine.trace.source import user_location
from gradcli.numpy import arange, argmax, asarray, cumsum, log, searchsorted, take, zeros
from gradcli.random._basic import (
    DTypeLike,
    bits_of,
    common_shape,
    float_dtype,
    integer_dtype,
    pair_of_keys,
    parameter,
    shape_of,
    uniform_of,
)
from gradcli.random._keys import single_key

INT32 = np.dtype(np.int32)


# --- integers ---------------------------------------------------------------------------------------------------------


def randint(
    key: Any, shape: Any, minval: Any, maxval: Any, dtype: DTypeLike = None, *, out_sharding: Any = None
) -> Any:
    """Integers from ``minval`` up to ``maxval``, which is left out; ``minval`` where there are none between.

    A remainder is taken of twice as many bits as an integer has, at least 64: other than for powers of 2 the
    distribution is off by at most (maxval - minval) / 2**64, or the square of 2**32 for 64 bits.
    Raises ValueError for a dtype that is no integer and for bounds that do not broadcast to ``shape``.

    >>> from gradcli.random import key
    >>> print(randint(key(0), (3,), 0, 10, "int32"))
    [9 0 2]
    """
    words, found, size = single_key("randint", key), integer_dtype("randint", dtype), shape_of(shape)
    low, high = (_integer(x) for x in (minval, maxval))
    common_shape("randint", size, low.shape, high.shape)
    info = np.iinfo(found)
    if info.bits < 32:  # drawn with 32 bits, which makes the bias smaller
        low = _clipped(e.convert_element_type(low, INT32), info.min, info.max)
        high = _clipped(e.convert_element_type(high, INT32), info.min, info.max + 1)
        return e.convert_element_type(_randint(words, size, low, high, INT32), found)
    return _randint(words, size, low, high, found)


def _integer(x: Any) -> Any:
    value = asarray(x)
    return value if value.dtype.kind in "iu" else e.convert_element_type(value, default_int())


def _clipped(x: Any, low: int, high: int) -> Any:
    """The value within bounds, which are brought into the range of its dtype first."""
    dtype = type_of(x).dtype
    info = np.iinfo(dtype)
    return e.clamp(dtype.type(max(low, info.min)), x, dtype.type(min(high, info.max)))


def _randint(words: Any, size: Shape, low: Any, high: Any, dtype: np.dtype[Any]) -> Any:
    info, unsigned = np.iinfo(dtype), np.dtype(f"uint{8 * dtype.itemsize}")
    one = unsigned.type(1)
    largest = min(info.max, np.iinfo(high.dtype).max)
    beyond = e.gt(high, high.dtype.type(largest))
    low, high = (parameter(_clipped(x, info.min, info.max), dtype, len(size)) for x in (low, high))
    some = e.lt(low, high)
    span = e.select_n(some, one, e.convert_element_type(e.sub(high, low), unsigned))
    if not beyond.shape or beyond.ndim == len(size):
        more = beyond
    else:
        more = reshape(beyond, (1,) * (len(size) - beyond.ndim) + beyond.shape)
    span = e.select_n(e.bitwise_and(more, some), span, e.add(span, one))  # all integers: 2**bits, which wraps to 0
    root = e.rem(unsigned.type(2 ** (info.bits // 2)), span)
    factor = e.rem(e.mul(root, root), span)  # 2**bits, the weight of the higher bits
    higher, lower = (e.rem(bits_of(w, info.bits, size), span) for w in pair_of_keys(words))
    offset = e.rem(e.add(e.mul(higher, factor), lower), span)
    return e.add(low, e.convert_element_type(offset, dtype))


def bernoulli(key: Any, p: Any = 0.5, shape: Any = None, mode: str = "low", *, out_sharding: Any = None) -> Any:
    """True with probability ``p``; ``shape`` defaults to that of ``p``.

    mode: ``high`` takes twice the bits, for probabilities that are not resolved by the mantissa of a float.
    Raises TypeError where ``p`` is no float, ValueError where it does not broadcast or for another mode.
    """
    words, p = single_key("bernoulli", key), asarray(p)
    _check_mode("bernoulli", mode, ("low", "high"))
    if p.dtype.kind != "f":
        raise fail("G206", f"the probability of bernoulli must be a float, not {p.type}", location=user_location(),
                   cls=TypeError)  # fmt: skip
    size = common_shape("bernoulli", shape, p.shape)
    p = parameter(p, p.dtype, len(size))
    if mode == "high":
        first, second = uniform_of(words, (2, *size), type_of(p).dtype)
        info = finfo(type_of(p).dtype)
        return e.lt(e.mul(second, type_of(p).dtype.type(2.0**-info.nmant)), e.sub(p, first))
    return e.lt(uniform_of(words, size, type_of(p).dtype), p)


def _check_mode(name: str, mode: str, allowed: tuple[str, ...]) -> None:
    if mode not in allowed:
        raise fail("G206", f"the mode of {name} is one of {', '.join(allowed)}, not {mode!r}",
                   location=user_location(), cls=ValueError)  # fmt: skip


def rademacher(key: Any, shape: Any = (), dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """-1 or 1, each with probability one half."""
    found = asarray(0, dtype=int if dtype is None else dtype).dtype
    coin = e.convert_element_type(bernoulli(key, 0.5, shape_of(shape)), found)
    return e.sub(e.mul(found.type(2), coin), found.type(1))


# --- orders -----------------------------------------------------------------------------------------------------------


def permutation(key: Any, x: Any, axis: int = 0, independent: bool = False, *, out_sharding: Any = None) -> Any:
    """``arange(x)`` in random order for an integer; else ``x`` with the slices along ``axis`` in random order.

    independent: every vector along the axis is put into an order of its own.
    Raises TypeError for a scalar that is no integer.
    """
    words, x = single_key("permutation", key), asarray(x)
    if not x.shape:
        if x.dtype.kind not in "iu":
            raise fail("G206", f"permutation takes an integer or an array, not {x.type}", location=user_location(),
                       cls=TypeError)  # fmt: skip
        return _shuffle(words, arange(int(x)), 0)
    axis = canonical_axis(axis, x.ndim)
    if independent or x.ndim == 1:
        return _shuffle(words, x, axis)
    return take(x, _shuffle(words, arange(x.shape[axis]), 0), axis, unique_indices=True)


def _shuffle(words: Any, x: Any, axis: int) -> Any:
    """Sorted by random integers of 32 bits, so many times that all elements are told apart almost surely."""
    rounds = math.ceil(3 * math.log(max(1, x.size)) / math.log(2**32 - 1))
    for _ in range(rounds):
        words, last = pair_of_keys(words)
        _, x = sort((bits_of(last, 32, x.shape), x), axis, num_keys=1)
    return x


# --- choices ----------------------------------------------------------------------------------------------------------


def choice(
    key: Any, a: Any, shape: Any = (), replace: bool = True, p: Any = None, axis: int = 0, mode: str | None = None
) -> Any:
    """Elements of ``a`` (slices along ``axis``; of ``arange(a)`` for an integer), with probabilities ``p`` or alike.

    Raises ValueError where there is nothing to choose from, where more are asked for than there are and
    ``replace`` is False, and where ``p`` is not one probability an element.
    """
    words, a, size = single_key("choice", key), asarray(a), shape_of(shape)
    whole = not a.shape
    axis = 0 if whole else canonical_axis(axis, a.ndim)
    n, draws = int(a) if whole else a.shape[axis], math.prod(size)
    if draws == 0:
        return zeros(size, a.dtype)
    if n <= 0 or (not replace and draws > n):
        how = "" if replace else " without replacement"
        raise fail(
            "G206",
            f"choice cannot take {draws} of {n} elements{how}",
            hint="replace=True allows an element to come twice" if n > 0 else None,
            location=user_location(),
            cls=ValueError,
        )
    if p is None and not replace:
        ordered = permutation(words, n if whole else a, axis)
        out = slice_in_dim(ordered, 0, draws, axis)
    else:
        index = randint(words, size, 0, n) if p is None else _weighted(words, n, size, replace, p, mode)
        out = index if whole else take(a, index, axis)
    return reshape(out, (*a.shape[:axis], *size, *a.shape[axis + 1 :]))


def _weighted(words: Any, n: int, size: Shape, replace: bool, p: Any, mode: str | None) -> Any:
    p = asarray(p)
    p = p if p.dtype.kind == "f" else e.convert_element_type(p, default_float())
    if p.shape != (n,):
        raise fail("G206", f"choice needs one probability for each of {n} elements, got {p.type}",
                   location=user_location(), cls=ValueError)  # fmt: skip
    if not replace:
        scores = e.add(gumbel(words, (n,), p.dtype, mode), log(p))
        return e.convert_element_type(top_k(scores, math.prod(size))[1], default_int())
    sums = cumsum(p)
    draw = e.mul(sums[-1], e.sub(p.dtype.type(1), uniform_of(words, size, p.dtype)))
    return e.convert_element_type(searchsorted(sums, draw), default_int())


def gumbel(
    key: Any, shape: Any = (), dtype: DTypeLike = None, mode: str | None = None, *, out_sharding: Any = None
) -> Any:
    """Standard Gumbel numbers. mode: ``low`` (default), or ``high``, which resolves the tail with twice the bits."""
    words, found, size = single_key("gumbel", key), float_dtype("gumbel", dtype), shape_of(shape)
    _check_mode("gumbel", mode or "low", ("low", "high"))
    info = finfo(found)
    if mode != "high":
        return e.neg(e.log(e.neg(e.log(uniform_of(words, size, found, info.tiny, 1.0)))))
    first, second = uniform_of(words, (2, *size), found)
    fine = e.add(e.add(first, e.mul(found.type(2.0**-info.nmant), second)), info.tiny)
    x = e.select_n(e.ge(first, found.type(0.5)), fine, first)
    return e.neg(e.log(e.neg(e.log1p(e.neg(x)))))


def categorical(
    key: Any, logits: Any, axis: int = -1, shape: Any = None, replace: bool = True, mode: str | None = None,
    *, out_sharding: Any = None,
) -> Any:  # fmt: skip
    """Indices along ``axis``, drawn with the probabilities softmax(logits, axis).

    shape: default that of the logits without the axis; it may have more dimensions in front.
    replace: False draws the samples of the dimensions in front without repetition.
    Raises ValueError where the logits do not broadcast to the shape, or there are fewer categories than samples.
    """
    words, logits = single_key("categorical", key), asarray(logits)
    logits = logits if logits.dtype.kind == "f" else e.convert_element_type(logits, default_float())
    axis = canonical_axis(axis, logits.ndim)
    batch = (*logits.shape[:axis], *logits.shape[axis + 1 :])
    size = common_shape("categorical", batch if shape is None else shape, batch)
    front = size[: len(size) - len(batch)]
    if not replace:
        return _without_repetition(e.add(logits, gumbel(words, logits.shape, logits.dtype, mode)), axis, front, size)
    full = list(size[len(front) :])
    full.insert(axis, logits.shape[axis])
    wide = reshape(logits, (1,) * len(front) + logits.shape)
    noise = gumbel(words, (*front, *full), logits.dtype, mode)
    return argmax(e.add(noise, wide), axis=len(front) + axis)


def _without_repetition(scores: Any, axis: int, front: Shape, size: Shape) -> Any:
    k = math.prod(front)
    if k > scores.shape[axis]:
        raise fail("G206", f"categorical cannot draw {k} of {scores.shape[axis]} categories without repetition",
                   location=user_location(), cls=ValueError)  # fmt: skip
    _, places = top_k(moveaxis(scores, axis, scores.ndim - 1), k)
    last = places.ndim - 1
    return reshape(transpose(places, (last, *range(last))), size)
