"""Random bits: the counter-based generator Threefry-2x32 with 20 rounds (Salmon et al., SC 2011), and bits as floats.

A key is two uint32 words; the generator turns a counter of two words into two random words. In which order counters
are spent on an array is the *layout*: see :func:`random_bits`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradcli.engine.errors import fail
from gradcli.engine.ir.keys import KEY
from gradcli.engine.ir.types import UINT32, ArrayType, Shape, array_type, broadcast_shapes
from gradcli.engine.ops.define import Primitive, zero_jvp
from gradcli.engine.ops.families import batch_elementwise, unary
from gradcli.engine.ops.shape import bad_shape, moveaxis
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind

Words = np.ndarray[Any, np.dtype[np.uint32]]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_MASK = 0xFFFFFFFF
_BLOCK = 1 << 16  # counters at a time: the three buffers stay in the second-level cache
_FEW = 8  # up to here Python integers are faster than calls of NumPy


# --- the generator ----------------------------------------------------------------------------------------------------


def _mix(k0: Any, k1: Any, x0: Words, x1: Words) -> None:
    """Turns counters into random words, in place; the key words broadcast against them."""
    keys = (k0, k1, k0 ^ k1 ^ np.uint32(_PARITY))
    spare = np.empty_like(x1)
    np.add(x0, k0, out=x0)
    np.add(x1, k1, out=x1)
    for i in range(5):
        for r in _ROTATIONS[i % 2]:
            np.add(x0, x1, out=x0)
            np.multiply(x1, np.uint32(1 << r), out=spare)  # a shift to the left, in NumPy's faster loop
            np.right_shift(x1, np.uint32(32 - r), out=x1)
            np.bitwise_or(x1, spare, out=x1)
            np.bitwise_xor(x1, x0, out=x1)
        np.add(x0, keys[(i + 1) % 3], out=x0)
        np.add(x1, keys[(i + 2) % 3] + np.uint32(i + 1), out=x1)


def _mix_integers(k0: int, k1: int, x0: int, x1: int) -> tuple[int, int]:
    """:func:`_mix` of one counter."""
    keys = (k0, k1, k0 ^ k1 ^ _PARITY)
    x0, x1 = (x0 + k0) & _MASK, (x1 + k1) & _MASK
    for i in range(5):
        for r in _ROTATIONS[i % 2]:
            x0 = (x0 + x1) & _MASK
            x1 = ((x1 << r & _MASK) | x1 >> (32 - r)) ^ x0
        x0 = (x0 + keys[(i + 1) % 3]) & _MASK
        x1 = (x1 + keys[(i + 2) % 3] + i + 1) & _MASK
    return x0, x1


def _threefry_impl(k0: Any, k1: Any, x0: Any, x1: Any) -> tuple[Any, Any]:
    shape = np.broadcast_shapes(np.shape(k0), np.shape(k1), np.shape(x0), np.shape(x1))
    size = math.prod(shape)
    if size <= _FEW:
        columns = [np.broadcast_to(a, shape).reshape(-1).tolist() for a in (k0, k1, x0, x1)]
        pairs = [_mix_integers(*row) for row in zip(*columns, strict=True)]
        few = np.array(pairs, np.uint32).reshape((*shape, 2))
        return few[..., 0][()], few[..., 1][()]
    first, second = (np.array(np.broadcast_to(x, shape), order="C") for x in (x0, x1))
    if np.ndim(k0) or np.ndim(k1):
        _mix(np.asarray(k0), np.asarray(k1), first, second)
    else:
        flat, other = first.reshape(-1), second.reshape(-1)
        for i in range(0, size, _BLOCK):
            _mix(k0, k1, flat[i : i + _BLOCK], other[i : i + _BLOCK])
    return first, second


def _threefry_type(*types: ArrayType) -> list[ArrayType]:
    if any(t.dtype != UINT32 for t in types):
        raise bad_shape(f"threefry2x32 needs uint32 operands, got {', '.join(map(str, types))}")
    return [array_type(broadcast_shapes(*[t.shape for t in types]), UINT32)] * 2


def threefry2x32(k0: Any, k1: Any, x0: Any, x1: Any) -> Any:
    """The two random words of the counter (x0, x1) under the key (k0, k1), elementwise; all uint32.

    Raises TypeError for other dtypes and for shapes that do not broadcast.

    >>> print([hex(int(w)) for w in threefry2x32(*np.zeros(4, np.uint32))])
    ['0x6b200159', '0x99ba4efe']
    """
    return bind(threefry2x32_p, k0, k1, x0, x1)


def _threefry_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, list[None]]:
    return threefry2x32(*primals), [None, None]


def _threefry_batch(size: int, args: Any, dims: Any) -> tuple[Any, list[int]]:
    out, _ = batch_elementwise(threefry2x32, size, args, dims)
    return out, [0, 0]


threefry2x32_p = Primitive(
    "threefry2x32",
    type_rule=_threefry_type,
    impl=_threefry_impl,
    jvp=_threefry_jvp,
    batch=_threefry_batch,
    multiple=True,
    family="random",
)


# --- arrays of bits ---------------------------------------------------------------------------------------------------


def random_bits(keys: Any, bit_width: int, shape: Shape, partitionable: bool) -> Any:
    """Unsigned integers of ``bit_width`` random bits: an array of ``shape`` for each key of ``keys`` (u32[..., 2]).

    partitionable: element i comes from the counter i, so that parts of an array can be drawn apart; both words of 64
    bits are used, of smaller widths the exclusive or. Otherwise (the original layout) counters 0 … 2n-1 are paired
    first half with second half, and every word is cut into as many elements as it holds.
    Raises TypeError for keys of another dtype or shape, and for widths that are not 8, 16, 32 or 64.
    """
    return bind(random_bits_p, keys, bit_width=bit_width, shape=tuple(shape), partitionable=partitionable)


def _bits_type(keys: ArrayType, bit_width: int, shape: Shape, partitionable: bool) -> ArrayType:
    if keys.dtype != UINT32 or not keys.shape or keys.shape[-1] != 2:
        raise bad_shape(f"random keys must be u32[..., 2], got {keys}", "make one with random.key(seed)")
    if bit_width not in (8, 16, 32, 64):
        raise bad_shape(f"random bits come in widths of 8, 16, 32 and 64, not {bit_width}")
    return array_type((*keys.shape[:-1], *shape), np.dtype(f"uint{bit_width}"))


def _bits_impl(keys: Any, bit_width: int, shape: Shape, partitionable: bool) -> Any:
    rows, size = np.asarray(keys).reshape(-1, 2), math.prod(shape)
    layout = _partitionable if partitionable else _original
    out = layout(rows, bit_width, size)
    return out.reshape((*np.shape(keys)[:-1], *shape))[()]


def _partitionable(keys: Words, bit_width: int, size: int) -> Any:
    out = np.empty((len(keys), size), f"uint{bit_width}")
    for rows, start, first, second in _words(keys, size, 0):
        place = out[rows, start : start + first.shape[-1]]
        if bit_width == 64:
            np.left_shift(first, np.uint64(32), out=place, dtype=np.uint64)
            np.bitwise_or(place, second, out=place)
        else:
            np.bitwise_xor(first, second, out=first)
            place[...] = first  # of narrower integers the low bits are kept
    return out


def _original(keys: Words, bit_width: int, size: int) -> Any:
    words = -(-bit_width * size // 32)
    if words > _MASK:
        raise fail(
            "G206", f"the original layout of random bits ends at 2**32 words, {words} were asked for",
            location=user_location(), hint="use the partitionable layout", cls=ValueError,
        )  # fmt: skip
    half = -(-words // 2)
    out = np.empty((len(keys), 2, half), np.uint32)
    for rows, start, first, second in _words(keys, half, words):
        stop = start + first.shape[-1]
        out[rows, 0, start:stop], out[rows, 1, start:stop] = first, second
    if bit_width == 64:
        return np.left_shift(out[:, 0], np.uint64(32), dtype=np.uint64) | out[:, 1]
    flat = out.reshape(len(keys), 2 * half)[:, :words]
    if bit_width == 32:
        return flat
    narrow = np.ascontiguousarray(flat, "<u4").view(f"<u{bit_width // 8}")
    return narrow[:, :size].astype(f"uint{bit_width}")


def _words(keys: Words, size: int, words: int) -> Iterator[tuple[slice, int, Words, Words]]:
    """Random words in blocks: which keys, the first counter, and the two words of each, shaped [keys, counters].

    words 0: counters are 0 … size-1 of 64 bits. Otherwise (i, size + i) for each i, with 0 past ``words``.
    """
    if len(keys) * size <= _FEW:
        yield from _few_words(keys, size, words)
        return
    together = max(1, _BLOCK // max(size, 1))
    for row in range(0, len(keys), together):
        part = keys[row : row + together]
        k0, k1 = (part[0, 0], part[0, 1]) if len(part) == 1 else (part[:, :1], part[:, 1:])
        for start in range(0, size, _BLOCK):
            stop = min(start + _BLOCK, size)
            first, second = _counters(start, stop, size, words)
            shape = (len(part), stop - start)
            x0, x1 = np.array(np.broadcast_to(first, shape)), np.array(np.broadcast_to(second, shape))
            _mix(k0, k1, x0, x1)
            yield slice(row, row + together), start, x0, x1


def _counters(start: int, stop: int, size: int, words: int) -> tuple[Any, Any]:
    if words:
        second = np.arange(size + start, size + stop, dtype=np.uint32)
        if stop == size and words % 2:
            second[-1] = 0
        return np.arange(start, stop, dtype=np.uint32), second
    if stop <= _MASK:
        return np.uint32(0), np.arange(start, stop, dtype=np.uint32)
    index = np.arange(start, stop, dtype=np.uint64)
    return (index >> np.uint64(32)).astype(np.uint32), index.astype(np.uint32)


def _few_words(keys: Words, size: int, words: int) -> Iterator[tuple[slice, int, Words, Words]]:
    counters = [(i, (size + i) % (words + words % 2 or 1)) if words else (0, i) for i in range(size)]
    if words % 2 and counters:
        counters[-1] = (size - 1, 0)
    pairs = [[_mix_integers(k0, k1, *c) for c in counters] for k0, k1 in keys.tolist()]
    out = np.array(pairs, np.uint32).reshape(len(keys), size, 2)
    yield slice(0, len(keys)), 0, out[..., 0], out[..., 1]


def _bits_batch(size: int, args: Any, dims: Any, **params: Any) -> tuple[Any, int]:
    (keys,), (d,) = args, dims
    return random_bits(moveaxis(keys, d, 0), **params), 0


random_bits_p = Primitive(
    "random_bits",
    type_rule=_bits_type,
    impl=_bits_impl,
    jvp=zero_jvp(random_bits),
    batch=_bits_batch,
    family="random",
)


def random_split(keys: Any, shape: Shape, partitionable: bool) -> Any:
    """New keys u32[..., *shape, 2] for each key of u32[..., 2], in the layouts of :func:`random_bits`."""
    return bind(random_split_p, keys, shape=tuple(shape), partitionable=partitionable)


def _split_impl(keys: Any, shape: Shape, partitionable: bool) -> Any:
    rows, size = np.asarray(keys).reshape(-1, 2), math.prod(shape)
    if partitionable:
        out = np.empty((len(rows), size, 2), np.uint32)
        for part, start, first, second in _words(rows, size, 0):
            stop = start + first.shape[-1]
            out[part, start:stop, 0], out[part, start:stop, 1] = first, second
    else:
        out = _original(rows, 32, 2 * size)
    return out.reshape((*np.shape(keys)[:-1], *shape, 2))


def _split_batch(size: int, args: Any, dims: Any, **params: Any) -> tuple[Any, int]:
    return random_split(moveaxis(args[0], dims[0], 0), **params), 0


random_split_p = Primitive(
    "random_split",
    type_rule=lambda keys, shape, partitionable: _bits_type(keys, 32, (*shape, 2), partitionable),
    impl=_split_impl,
    jvp=zero_jvp(random_split),
    batch=_split_batch,
    family="random",
)


# --- bits as floats ---------------------------------------------------------------------------------------------------


def _unit_float_impl(bits: Any) -> Any:
    dtype = np.dtype(f"f{bits.dtype.itemsize}")
    mantissa = np.finfo(dtype).nmant
    out = np.array(np.right_shift(bits, bits.dtype.type(8 * dtype.itemsize - mantissa)))
    np.bitwise_or(out, np.ones((), dtype).view(out.dtype), out=out)
    floats = out.view(dtype)
    np.subtract(floats, dtype.type(1), out=floats)
    return floats[()]


# Floats in [0, 1) from unsigned integers: as many leading bits as a mantissa holds, under the exponent of 1, less 1.
unit_float = unary("unit_float", _unit_float_impl, None, "u", result=lambda dtype: np.dtype(f"f{dtype.itemsize}"))


# --- typed keys -------------------------------------------------------------------------------------------------------


def random_wrap(words: Any) -> Any:
    """Typed keys from words u32[..., 2]. Raises TypeError for other arrays."""
    return bind(random_wrap_p, words)


def random_unwrap(keys: Any) -> Any:
    """The words u32[..., 2] of typed keys. Raises TypeError for other arrays."""
    return bind(random_unwrap_p, keys)


def _wrap_type(words: ArrayType) -> ArrayType:
    return array_type(_bits_type(words, 32, (), True).shape, KEY)


def _unwrap_type(keys: ArrayType) -> ArrayType:
    if keys.dtype is not KEY:
        raise bad_shape(f"{keys} are no typed keys", "make one with random.key(seed)")
    return array_type((*keys.shape, 2), UINT32)


def _wrap_impl(words: Any) -> Any:
    return np.ascontiguousarray(words).view(np.uint64)[..., 0][()]


def _unwrap_impl(keys: Any) -> Any:
    return np.ascontiguousarray(keys).view(np.uint32).reshape((*np.shape(keys), 2))


random_wrap_p = Primitive(
    "random_wrap",
    type_rule=_wrap_type,
    impl=_wrap_impl,
    jvp=zero_jvp(random_wrap),
    batch=lambda size, args, dims: (random_wrap(moveaxis(args[0], dims[0], 0)), 0),
    family="random",
)
random_unwrap_p = Primitive(
    "random_unwrap",
    type_rule=_unwrap_type,
    impl=_unwrap_impl,
    jvp=zero_jvp(random_unwrap),
    batch=lambda size, args, dims: (random_unwrap(moveaxis(args[0], dims[0], 0)), 0),
    family="random",
)
