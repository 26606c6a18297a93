"""Keys: made from seeds, split, and folded with numbers. A key is two uint32 words; typed keys hide them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.keys import KEY
from gradcli.engine.ir.types import UINT32, canonical_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.random_bits import random_split, random_unwrap, random_wrap, threefry2x32
from gradcli.engine.ops.shape import reshape
from gradcli.engine.settings import settings
from gradcli.engine.trace.source import user_location

_IMPLEMENTATIONS = ("threefry2x32", "fry")


class _Keys(type):
    """The class of ``PRNGKeyArray``: an array is one if its dtype is that of keys."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return is_key(instance)


class PRNGKeyArray(metaclass=_Keys):
    """Arrays of typed keys. They are indexed, moved, chosen and compared as others are, and have no arithmetic."""


def is_key(x: Any) -> bool:
    """Whether a value is an array of typed keys."""
    return isinstance(x, Value) and x.type.dtype is KEY


# --- from seeds and words ---------------------------------------------------------------------------------------------


def PRNGKey(seed: Any, *, impl: Any = None) -> Any:  # noqa: N802 - JAX's name
    """A key from an integer seed, as an array of two uint32 words. :func:`key` makes typed keys.

    Raises TypeError for seeds that are no integer scalar.

    >>> print(PRNGKey(42))
    [ 0 42]
    """
    _check_implementation(impl)
    return _seed_words("PRNGKey", seed)


def key(seed: Any, *, impl: Any = None, dtype: Any = None) -> Any:
    """A typed key from an integer seed.

    Raises TypeError for seeds that are no integer scalar.

    >>> key(42)
    Array((), dtype=key<fry>) overlaying:
    [ 0 42]
    """
    _check_implementation(impl if dtype is None else dtype)
    return random_wrap(_seed_words("key", seed))


def _check_implementation(impl: Any) -> None:
    if impl is not None and impl is not KEY and impl not in _IMPLEMENTATIONS:
        raise fail("G212", f"there is no generator {impl!r}", location=user_location(), cls=ValueError,
                   hint="the only one is 'threefry2x32'")  # fmt: skip


def _seed_words(name: str, seed: Any) -> Any:
    """The high and the low word of the seed; with 32-bit precision the high one is 0."""
    if is_key(seed):
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


def wrap_key_data(key_bits_array: Any, *, impl: Any = None, dtype: Any = None) -> Any:
    """Typed keys from words u32[..., 2]. Raises TypeError for arrays of another dtype or shape."""
    _check_implementation(impl if dtype is None else dtype)
    return random_wrap(_checked(key_bits_array, "wrap_key_data"))


def key_data(keys: Any) -> Any:
    """The words u32[..., 2] of keys."""
    return random_unwrap(keys) if is_key(keys) else _checked(keys, "key_data")


def key_impl(keys: Any) -> str:
    """The name of the generator that the keys are for."""
    key_data(keys)
    return "threefry2x32"


def key_dtype(impl: Any = None) -> Any:
    """The dtype of typed keys."""
    _check_implementation(impl)
    return KEY


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
    words = random_unwrap(key) if is_key(key) else _checked(key, name)
    if words.ndim != 1:
        raise fail(
            "G206", f"{name} needs one key, got keys of shape {words.shape[:-1]}", location=user_location(),
            hint=f"use vmap: vmap({name})(keys)", cls=ValueError,
        )  # fmt: skip
    return words


# --- from keys --------------------------------------------------------------------------------------------------------


def _like(key: Any, words: Any) -> Any:
    return random_wrap(words) if is_key(key) else words


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
