"""Distributions of counts: Poisson, binomial, multinomial."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.ir.types import default_float, promote_types, to_inexact
from gradcli.engine.ops import elementwise as e
from gradcli.engine.settings import settings
from gradcli.numpy import asarray, broadcast_to, clip, cumsum, flip, moveaxis, stack, where
from gradcli.random._basic import DTypeLike, common_shape, float_dtype, integer_dtype, pair_of_keys
from gradcli.random._keys import single_key
from gradcli.random._rejection import random_binomial, random_poisson


def poisson(key: Any, lam: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Poisson numbers of mean ``lam`` (taken in float32), as integers; nan gives -1.

    Raises ValueError where ``lam`` does not broadcast, or the dtype is no integer.
    """
    words, found, lam = single_key("poisson", key), integer_dtype("poisson", dtype), asarray(lam)
    size = common_shape("poisson", shape, lam.shape)
    rates = e.convert_element_type(broadcast_to(lam, size), np.dtype(np.float32))
    return e.convert_element_type(random_poisson(words, rates, settings().prng_partitionable), found)


def binomial(key: Any, n: Any, p: Any, shape: Any = None, dtype: DTypeLike = None) -> Any:
    """The number of successes among ``n`` trials of probability ``p``, as floats; nan for what are no such numbers.

    Raises ValueError where the parameters do not broadcast, or the dtype is no float.
    """
    words, found = single_key("binomial", key), float_dtype("binomial", dtype)
    n, p = asarray(n), asarray(p)
    size = common_shape("binomial", shape, n.shape, p.shape)
    return _binomial(words, n, p, size, found)


def _binomial(words: Any, n: Any, p: Any, size: Any, dtype: np.dtype[Any]) -> Any:
    working = p.dtype if p.dtype.kind == "f" else default_float()
    n, p = (broadcast_to(e.convert_element_type(x, working), size) for x in (n, p))
    return e.convert_element_type(random_binomial(words, n, p, settings().prng_partitionable), dtype)


def multinomial(key: Any, n: Any, p: Any, *, shape: Any = None, dtype: DTypeLike = None, unroll: int | bool = 1) -> Any:
    """How often each of k outcomes comes among ``n`` trials, for probabilities ``p`` [..., k]: [..., k].

    shape: that of the result, default that of ``p``. ``unroll`` has no effect.
    """
    words, found, n, p = single_key("multinomial", key), float_dtype("multinomial", dtype), asarray(n), asarray(p)
    working = to_inexact(promote_types(n.type, p.type)[0])
    size = common_shape("multinomial", p.shape if shape is None else shape, p.shape)
    rest = broadcast_to(e.convert_element_type(n, working), size[:-1])
    p = moveaxis(broadcast_to(e.convert_element_type(p, working), size), -1, 0)
    remaining = flip(cumsum(flip(p, 0), 0), 0)
    ratios = clip(p / where(remaining == 0, 1, remaining), 0, 1)
    counts = []
    for word, ratio in zip(pair_of_keys(words, p.shape[0]), ratios, strict=True):
        count = asarray(_binomial(word, rest, ratio, size[:-1], working))
        counts.append(count)
        rest = rest - count
    return e.convert_element_type(stack(counts, -1), found)
