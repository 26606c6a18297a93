"""rng_bit_generator: random bits from a state that is returned anew, by the Threefry generator in counter mode.

J. Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*, SC 2011. The state holds the key in its first half and
a counter in its second; element i comes from the counter plus i (of 64 bits), or (of fewer) from a half of what a
counter gives, where both halves are neighbours along one axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.errors import RuleError, fail
from gradcli.engine.ir.types import ArrayType, array_type
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.random_bits import threefry2x32_p
from gradcli.engine.ops.shape import bad_shape, expand_dims, squeeze
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind


def rng_bit_generator(
    key: Any, shape: Sequence[int], dtype: Any = np.uint32, algorithm: Any = 0, *, out_sharding: Any = None
) -> tuple[Any, Any]:
    """The next state, and an array of random bits.

    key: u32[4] or u64[2]. dtype: an unsigned integer dtype. algorithm: ``RNG_DEFAULT`` or ``RNG_THREE_FRY``, which are
    the same here (JAX's default depends on the device). Raises TypeError for other keys and dtypes, and
    NotImplementedError for Philox.

    >>> state, bits = rng_bit_generator(np.arange(4, dtype=np.uint32), (2,))
    >>> print(state, bits.dtype)
    [0 1 3 3] uint32
    """
    if int(algorithm) == 2:
        raise fail("G212", "rng_bit_generator knows Threefry only, not Philox", location=user_location(),
                   hint="leave the algorithm out", cls=RuleError)  # fmt: skip
    sizes = tuple(int(n) for n in shape)
    state, bits = bind(rng_bit_generator_p, key, algorithm=algorithm, dtype=np.dtype(dtype), shape=sizes)
    return state, bits


def _type(key: ArrayType, algorithm: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> list[ArrayType]:
    if (key.dtype, key.shape) not in ((np.dtype(np.uint32), (4,)), (np.dtype(np.uint64), (2,))):
        raise bad_shape(f"rng_bit_generator needs a key u32[4] or u64[2], not {key}")
    if dtype.kind != "u":
        raise bad_shape(f"rng_bit_generator makes unsigned integers, not {dtype}")
    return [key, array_type(shape, dtype)]


def _impl(key: Any, algorithm: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> list[Any]:
    words = np.ascontiguousarray(key).view(np.uint32)
    counter = words[2:].view(np.uint64)[0]
    half, axis = (shape, 0) if dtype.itemsize == 8 else _halved(shape)
    blocks = math.prod(half)
    with np.errstate(over="ignore"):
        counters = counter + np.arange(blocks, dtype=np.uint64)
        following = np.array([counter + np.uint64(blocks)])
    low, high = (counters & np.uint64(0xFFFFFFFF)).astype(np.uint32), (counters >> np.uint64(32)).astype(np.uint32)
    first, second = threefry2x32_p.impl(words[0], words[1], low, high)
    pairs = np.stack([first, second], -1)
    if dtype.itemsize == 8:
        bits = pairs.reshape(-1).view(np.uint64).reshape(shape)
    else:
        wide = np.moveaxis(pairs.reshape(*half, 2), -1, axis + 1)
        wide = wide.reshape(*half[:axis], 2 * half[axis], *half[axis + 1 :])
        bits = wide[tuple(map(slice, shape or (1,)))].reshape(shape).astype(dtype)
    state = np.concatenate([words[:2], following.view(np.uint32)]).view(key.dtype)
    return [state, bits]


def _halved(shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The shape of blocks, which give two elements each, and the axis along which those lie.

    As XLA has it: along the first axis of even size, else along the largest, which is filled up.
    """
    sizes = shape or (1,)
    even = [i for i, n in enumerate(sizes) if n % 2 == 0]
    axis = even[0] if even else sizes.index(max(sizes))
    return tuple(-(-n // 2) if i == axis else n for i, n in enumerate(sizes)), axis


def _batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
    keys, d = args[0], dims[0]
    rows = [bind(rng_bit_generator_p, squeeze(slice_in_dim(keys, i, i + 1, d), (d,)), **params) for i in range(size)]
    columns = zip(*rows, strict=True)
    return [concatenate([expand_dims(r, (0,)) for r in column], 0) for column in columns], [0, 0]


rng_bit_generator_p: Primitive = Primitive(
    "rng_bit_generator",
    type_rule=_type,
    impl=_impl,
    jvp=lambda primals, tangents, **params: (bind(rng_bit_generator_p, *primals, **params), [None, None]),
    batch=_batch,
    multiple=True,
    family="random",
)
