"""Keys: made from seeds, split, and folded with numbers. A key is two uint32 words; typed keys hide them."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import UINT32, Shape, canonical_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.random_bits import random_split, threefry2x32
from gradcli.engine.ops.shape import reshape, transpose
from gradcli.engine.settings import settings
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer
from gradcli.engine.tree import register_pytree_node
from gradcli.numpy import all as all_of
from gradcli.numpy import take

_IMPLEMENTATIONS = ("threefry2x32", "fry")


class KeyType:
    """The dtype of typed keys."""

    name = "key<fry>"
    itemsize = 8
    type = "prng_key"

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyType)

    def __hash__(self) -> int:
        return hash(self.name)


class PRNGKeyArray:
    """An array of keys, over words u32[..., 2]: a pytree of one leaf, so that transformations take it apart.

    It can be indexed, iterated, reshaped and compared, and has no arithmetic.
    """

    __slots__ = ("_base_array",)
    __array_priority__ = 1000
    dtype = KeyType()
    itemsize = 8

    def __init__(self, words: Any) -> None:
        self._base_array = words

    @property
    def shape(self) -> Shape:
        """The shape, words not counted."""
        shape: Shape = self._base_array.shape[:-1]
        return shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of keys."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes in all."""
        return 8 * self.size

    @property
    def T(self) -> PRNGKeyArray:  # noqa: N802 - NumPy's name
        """The array with its axes reversed."""
        return self.transpose()

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[PRNGKeyArray]:
        if not self.shape:
            raise TypeError("iteration over a 0-d key array")
        return iter([PRNGKeyArray(row) for row in self._base_array])

    def __getitem__(self, index: Any) -> PRNGKeyArray:
        parts = index if isinstance(index, tuple) else (index,)
        rest = () if any(p is Ellipsis for p in parts) else (Ellipsis,)
        return PRNGKeyArray(self._base_array[(*parts, *rest, slice(None))])

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, PRNGKeyArray):
            return NotImplemented
        return all_of(self._base_array == other._base_array, axis=-1)

    def __ne__(self, other: object) -> Any:
        if not isinstance(other, PRNGKeyArray):
            return NotImplemented
        return e.bitwise_not(all_of(self._base_array == other._base_array, axis=-1))

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("key array cannot be converted to boolean.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise fail(
            "G207", "random keys cannot become a NumPy array", location=user_location(), cls=TypeError,
            hint="random.key_data(key) gives their words",
        )  # fmt: skip

    def __repr__(self) -> str:
        if isinstance(self._base_array, Tracer):
            return f"JitTracer(key<fry>[{','.join(map(str, self.shape))}])"
        return f"Array({self.shape}, dtype=key<fry>) overlaying:\n{self._base_array}"

    def copy(self) -> PRNGKeyArray:
        """Itself: keys do not change."""
        return self

    def block_until_ready(self) -> PRNGKeyArray:
        """Itself: computation here is never asynchronous."""
        return self

    def reshape(self, *shape: Any) -> PRNGKeyArray:
        """The same keys in another shape; one size may be -1."""
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
        known = math.prod(n for n in sizes if n != -1)
        full = [self.size // max(known, 1) if n == -1 else operator.index(n) for n in sizes]
        return PRNGKeyArray(reshape(self._base_array, (*full, 2)))

    def ravel(self) -> PRNGKeyArray:
        """The keys in one row."""
        return self.reshape(-1)

    flatten = ravel

    def squeeze(self) -> PRNGKeyArray:
        """Without dimensions of size 1."""
        return self.reshape(*(n for n in self.shape if n != 1))

    def transpose(self, *axes: int) -> PRNGKeyArray:
        """The axes in another order; reversed without arguments."""
        order = axes or tuple(reversed(range(self.ndim)))
        return PRNGKeyArray(transpose(self._base_array, (*(a % self.ndim for a in order), self.ndim)))

    def take(self, indices: Any, axis: int = 0) -> PRNGKeyArray:
        """The keys at these places of an axis."""
        return PRNGKeyArray(take(self._base_array, indices, axis % self.ndim))


register_pytree_node(
    PRNGKeyArray, lambda keys: ((keys._base_array,), None), lambda _, children: PRNGKeyArray(children[0])
)


# --- from seeds and words ---------------------------------------------------------------------------------------------


def PRNGKey(seed: Any, *, impl: Any = None) -> Any:  # noqa: N802 - JAX's name
    """A key from an integer seed, as an array of two uint32 words. :func:`key` makes typed keys.

    Raises TypeError for seeds that are no integer scalar.

    >>> print(PRNGKey(42))
    [ 0 42]
    """
    _check_implementation(impl)
    return _seed_words("PRNGKey", seed)


def key(seed: Any, *, impl: Any = None, dtype: Any = None) -> PRNGKeyArray:
    """A typed key from an integer seed.

    Raises TypeError for seeds that are no integer scalar.

    >>> key(42)
    Array((), dtype=key<fry>) overlaying:
    [ 0 42]
    """
    _check_implementation(impl if dtype is None else dtype)
    return PRNGKeyArray(_seed_words("key", seed))


def _check_implementation(impl: Any) -> None:
    if impl is not None and not isinstance(impl, KeyType) and impl not in _IMPLEMENTATIONS:
        raise fail("G212", f"there is no generator {impl!r}", location=user_location(), cls=ValueError,
                   hint="the only one is 'threefry2x32'")  # fmt: skip


def _seed_words(name: str, seed: Any) -> Any:
    """The high and the low word of the seed; with 32-bit precision the high one is 0."""
    if isinstance(seed, PRNGKeyArray):
        raise fail("G206", f"{name} needs a seed, not a key", location=user_location(), cls=TypeError)
    if isinstance(seed, int) and not isinstance(seed, bool):
        number = np.int64(seed).astype(canonical_dtype(np.int64))  # beyond 64 bits this is an OverflowError
        words = [int(number) >> 32 & 0xFFFFFFFF if number.dtype.itemsize == 8 else 0, int(number) & 0xFFFFFFFF]
        return Array(np.array(words, np.uint32))
    t = type_of(seed)
    if t.shape or t.dtype.kind not in "iu":
        raise fail("G206", f"the seed of {name} must be an integer scalar, not {t}", location=user_location(),
                   hint="use vmap for several seeds", cls=TypeError)  # fmt: skip
    wide = t.dtype.itemsize == 8
    high = e.shift_right_logical(seed, t.dtype.type(32)) if wide else np.uint32(0)
    words = [e.convert_element_type(w, UINT32) for w in (high, seed)]
    return concatenate([reshape(w, (1,)) for w in words], 0)


def wrap_key_data(key_bits_array: Any, *, impl: Any = None, dtype: Any = None) -> PRNGKeyArray:
    """Typed keys from words u32[..., 2]. Raises TypeError for arrays of another dtype or shape."""
    _check_implementation(impl if dtype is None else dtype)
    return PRNGKeyArray(_checked(key_bits_array, "wrap_key_data"))


def key_data(keys: Any) -> Any:
    """The words u32[..., 2] of keys."""
    return keys._base_array if isinstance(keys, PRNGKeyArray) else _checked(keys, "key_data")


def key_impl(keys: Any) -> str:
    """The name of the generator that the keys are for."""
    key_data(keys)
    return "threefry2x32"


def key_dtype(impl: Any = None) -> KeyType:
    """The dtype of typed keys."""
    _check_implementation(impl)
    return KeyType()


def clone(keys: Any) -> Any:
    """The same keys."""
    return keys


def _checked(words: Any, name: str) -> Any:
    if not isinstance(words, (Value, np.ndarray)):
        raise fail("G206", f"{name} needs one key, got a {type(words).__name__}", location=user_location(),
                   hint="make one with random.key(seed)", cls=TypeError)  # fmt: skip
    t = type_of(words)
    if t.dtype != UINT32 or not t.shape or t.shape[-1] != 2:
        raise fail("G206", f"{name} needs one key, which is u32[2], got {t}", location=user_location(),
                   hint="make one with random.key(seed)", cls=TypeError)  # fmt: skip
    return words if isinstance(words, Value) else Array(words)


def single_key(name: str, key: Any) -> Any:
    """The words u32[2] of one key. Raises TypeError for what is no key, ValueError for several."""
    words = key._base_array if isinstance(key, PRNGKeyArray) else _checked(key, name)
    if words.ndim != 1:
        raise fail(
            "G206", f"{name} needs one key, got keys of shape {words.shape[:-1]}", location=user_location(),
            hint=f"use vmap: vmap({name})(keys)", cls=ValueError,
        )  # fmt: skip
    return words


# --- from keys --------------------------------------------------------------------------------------------------------


def _like(key: Any, words: Any) -> Any:
    return PRNGKeyArray(words) if isinstance(key, PRNGKeyArray) else words


def split(key: Any, num: int | Sequence[int] = 2) -> Any:
    """``num`` new keys (or an array of keys of that shape) from one, along a leading axis.

    Raises ValueError for an array of keys.

    >>> print(split(PRNGKey(0), 3).shape)
    (3, 2)
    """
    return _like(key, split_words(single_key("split", key), num))


def split_words(words: Any, num: int | Sequence[int] = 2) -> Any:
    """:func:`split` for the words of a single key."""
    shape = tuple(map(operator.index, num)) if isinstance(num, Sequence) else (operator.index(num),)
    return random_split(words, shape, settings().prng_partitionable)


def fold_in(key: Any, data: Any) -> Any:
    """A new key from a key and an integer (its lower 32 bits count).

    Raises TypeError for data that are no integer scalar, ValueError for an array of keys.
    """
    words = single_key("fold_in", key)
    t = type_of(data)
    if t.shape or t.dtype.kind not in "iu":
        raise fail("G206", f"fold_in takes an integer scalar, not {t}", location=user_location(), cls=TypeError)
    number = np.uint32(data & 0xFFFFFFFF) if isinstance(data, int) else e.convert_element_type(data, UINT32)
    first, second = (reshape(slice_in_dim(words, i, i + 1, 0), ()) for i in (0, 1))
    mixed = threefry2x32(first, second, np.uint32(0), number)
    return _like(key, concatenate([reshape(w, (1,)) for w in mixed], 0))
