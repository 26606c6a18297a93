"""Keys and raw bits: the two layouts in which threefry's counter is laid out over an array.

The original layout hashes 0 … n-1, cut into two halves; the partitionable one hashes each element's own 64-bit index,
and is what JAX uses by default now. ``settings().prng_partitionable`` chooses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.engine.array import Array, Value, raw, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import UINT32
from gradcli.engine.ops.elementwise import (
    bitwise_or,
    bitwise_xor,
    convert_element_type,
    shift_left,
    shift_right_logical,
)
from gradcli.engine.ops.random_bits import threefry2x32
from gradcli.engine.ops.shape import reshape, slice_in_dim
from gradcli.engine.settings import settings
from gradcli.engine.trace.source import user_location
from gradcli.engine.tree import register_pytree_node

Shape = Sequence[int]


class PRNGKeyArray:
    """An array of typed keys: uint32 data of shape ``(*shape, 2)`` that prints and indexes as an array of keys."""

    def __init__(self, data: Any) -> None:
        self.data = data

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, a key being one element."""
        return tuple(self.data.shape[:-1])

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of keys."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a single key")
        return self.shape[0]

    def __getitem__(self, index: Any) -> PRNGKeyArray:
        return PRNGKeyArray(self.data[index])

    def __iter__(self) -> Iterator[PRNGKeyArray]:
        return iter([self[i] for i in range(len(self))])

    def reshape(self, *shape: Any) -> PRNGKeyArray:
        """The keys in another shape."""
        new = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        return PRNGKeyArray(self.data.reshape(*new, 2))

    def __repr__(self) -> str:
        return f"Array({self.shape}, dtype=key<fry>) overlaying:\n{self.data}"


register_pytree_node(PRNGKeyArray, lambda k: ((k.data,), None), lambda _, children: PRNGKeyArray(*children))


def key_words(key: Any) -> tuple[Any, Any]:
    """The two uint32 words of a single key. Raises TypeError for anything else."""
    data = key.data if isinstance(key, PRNGKeyArray) else key
    t = type_of(data)
    if t.shape != (2,) or t.dtype != UINT32:
        raise fail(
            "G206",
            f"a random function needs one key (uint32[2]), got {t}",
            hint="make it with random.key(seed); for several keys use vmap",
            location=user_location(),
            cls=TypeError,
        )
    if not isinstance(data, Value):
        data = Array(np.asarray(data))
    if isinstance(data, Array):
        words = raw(data)
        return Array(words[0]), Array(words[1])
    return reshape(slice_in_dim(data, 0, 1, 0), ()), reshape(slice_in_dim(data, 1, 2, 0), ())


def seed_words(seed: Any) -> Any:
    """uint32[2] from an integer: its high and low half (the high one is 0 for 32-bit seeds)."""
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        low, high = int(seed) & 0xFFFFFFFF, (int(seed) >> 32) & 0xFFFFFFFF
        narrow = settings().precision == "float32" or -(2**31) <= int(seed) < 2**31
        return Array(np.array([0 if narrow and seed >= 0 else _high(int(seed), high), low], np.uint32))
    t = type_of(seed)
    if t.shape or t.dtype.kind not in "iu":
        raise fail("G206", f"a seed must be an integer scalar, got {t}", location=user_location(), cls=TypeError)
    low = convert_element_type(seed, UINT32)
    high = np.uint32(0)
    if t.dtype.itemsize == 8:
        wide = convert_element_type(seed, np.uint64)
        high = convert_element_type(shift_right_logical(wide, np.uint64(32)), UINT32)
    return gnp.stack([gnp.asarray(high), gnp.asarray(low)])


def _high(seed: int, high: int) -> int:
    return 0 if settings().precision == "float32" else high


def _original_words(words: tuple[Any, Any], count: int) -> Any:
    """``count`` words in the original layout: the counter cut into halves, padded to an even number."""
    even = count + count % 2
    counter = np.arange(even, dtype=np.uint32)
    if even != count:
        counter[-1] = 0
    first, second = threefry2x32(*words, counter[: even // 2], counter[even // 2 :])
    return slice_in_dim(gnp.concatenate([first, second]), 0, count, 0)


def _index_words(shape: Shape) -> tuple[Any, Any]:
    """Each element's row-major index as (high, low) words."""
    index = np.arange(math.prod(shape), dtype=np.uint64).reshape(tuple(shape))
    return (index >> np.uint64(32)).astype(np.uint32), index.astype(np.uint32)


def random_bits(key: Any, width: int, shape: Shape) -> Any:
    """Uniform bits of 8, 16, 32 or 64 as unsigned integers of that shape."""
    words, shape = key_words(key), tuple(shape)
    dtype = np.dtype(f"uint{width}")
    if settings().prng_partitionable:
        high_index, low_index = _index_words(shape)
        high, low = threefry2x32(*words, high_index, low_index)
        return _joined(high, low) if width == 64 else convert_element_type(bitwise_xor(high, low), dtype)
    size = math.prod(shape)
    if width == 64:
        both = _original_words(words, 2 * size)
        high, low = slice_in_dim(both, 0, size, 0), slice_in_dim(both, size, 2 * size, 0)
        return reshape(_joined(high, low), shape)
    if width == 32:
        return reshape(_original_words(words, size), shape)
    per_word = 32 // width
    found = _original_words(words, -(-size // per_word))
    shifts = (np.arange(per_word, dtype=np.uint32) * np.uint32(width)).reshape(per_word, 1)
    spread = shift_right_logical(reshape(found, (1, type_of(found).size)), shifts)
    masked = gnp.bitwise_and(spread, np.uint32(2**width - 1))
    flat = reshape(gnp.transpose(masked), (type_of(masked).size,))
    return reshape(convert_element_type(slice_in_dim(flat, 0, size, 0), dtype), shape)


def _joined(high: Any, low: Any) -> Any:
    wide = shift_left(convert_element_type(high, np.uint64), np.uint64(32))
    return bitwise_or(wide, convert_element_type(low, np.uint64))


def split_words(key: Any, shape: Shape) -> Any:
    """New keys, uint32 of ``(*shape, 2)``."""
    words, shape = key_words(key), tuple(shape)
    if settings().prng_partitionable:
        high_index, low_index = _index_words(shape)
        return gnp.stack(list(threefry2x32(*words, high_index, low_index)), axis=-1)
    return reshape(_original_words(words, 2 * math.prod(shape)), (*shape, 2))


def fold_words(key: Any, data: Any) -> Any:
    """A new key from a key and an integer."""
    words = key_words(key)
    low = convert_element_type(gnp.asarray(data), UINT32)
    return gnp.stack(list(threefry2x32(*words, np.uint32(0), low)))
