"""Gamma numbers, and distributions made of them, differentiable in their parameters."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradcli.engine.errors import fail
from gradcli.engine.ir.types import Shape
from gradcli.engine.ops import elementwise as e
from gradcli.engine.settings import settings
from gradcli.engine.trace.source import user_location
from gradcli.nn import softmax
from gradcli.numpy import abs, asarray, broadcast_to, linalg, sign, sqrt, where
from gradcli.random._basic import DTypeLike, common_shape, float_dtype, normal_of, pair_of_keys, shape_of
from gradcli.random._continuous import _exponential, _parameters
from gradcli.random._discrete import rademacher
from gradcli.random._keys import single_key
from gradcli.random._rejection import random_gamma


def _gamma(words: Any, a: Any, log_space: bool) -> Any:
    return asarray(random_gamma(words, a, log_space, settings().prng_partitionable))


def gamma(key: Any, a: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Gamma numbers of shape parameter ``a`` and scale 1. Raises ValueError where ``a`` does not broadcast.

    >>> from gradcli.random import key
    >>> print(gamma(key(0), 2.0, dtype="float32").shape)
    ()
    """
    words = single_key("gamma", key)
    return _gamma(words, _parameters("gamma", shape, dtype, a)[2][0], False)


def loggamma(key: Any, a: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Logarithms of gamma numbers, which do not underflow for small ``a``."""
    words = single_key("loggamma", key)
    return _gamma(words, _parameters("loggamma", shape, dtype, a)[2][0], True)


def beta(key: Any, a: Any, b: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Beta numbers: the share of one of two gamma numbers."""
    words = single_key("beta", key)
    _, _, parameters = _parameters("beta", shape, dtype, a, b)
    first, second = (_gamma(w, x, True) for w, x in zip(pair_of_keys(words), parameters, strict=True))
    top = e.max(first, second)
    first, second = e.exp(first - top), e.exp(second - top)
    return first / (first + second)


def dirichlet(key: Any, alpha: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Shares [*shape, n] for parameters ``alpha`` [..., n]; ``shape`` defaults to the leading axes.

    Raises ValueError for a scalar ``alpha`` and where it does not broadcast.
    """
    words, found = single_key("dirichlet", key), float_dtype("dirichlet", dtype)
    alpha = asarray(alpha)
    if not alpha.ndim:
        raise fail("G206", "dirichlet needs parameters [..., n], got a scalar", location=user_location(),
                   cls=ValueError)  # fmt: skip
    size = common_shape("dirichlet", shape, alpha.shape[:-1])
    wide = broadcast_to(e.convert_element_type(alpha, found), (*size, alpha.shape[-1]))
    return softmax(_gamma(words, wide, True), -1)


def _chisquare(words: Any, df: Any) -> Any:
    return e.exp(_gamma(words, df / 2, True)) * 2


def chisquare(key: Any, df: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Chi-squared numbers of ``df`` degrees of freedom."""
    words = single_key("chisquare", key)
    return _chisquare(words, _parameters("chisquare", shape, dtype, df)[2][0])


def f(key: Any, dfnum: Any, dfden: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """F numbers: the quotient of two chi-squared numbers, each divided by its degrees of freedom."""
    words = single_key("f", key)
    _, _, (above, below) = _parameters("f", shape, dtype, dfnum, dfden)
    low, high = pair_of_keys(words)
    return _chisquare(high, above) / above / (_chisquare(low, below) / below)


def t(key: Any, df: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Student's t numbers of ``df`` degrees of freedom."""
    words = single_key("t", key)
    size, found, (df,) = _parameters("t", shape, dtype, df)
    first, second = pair_of_keys(words)
    half = df / 2
    return normal_of(first, size, found) * sqrt(half / _gamma(second, half, False))


def generalized_normal(key: Any, p: Any, shape: Any = (), dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Numbers with a density proportional to ``exp(-abs(x)**p)``."""
    words, found = single_key("generalized_normal", key), float_dtype("generalized_normal", dtype)
    return _generalized_normal(words, p, shape_of(shape), found)


def _generalized_normal(words: Any, p: Any, size: Shape, dtype: np.dtype[Any]) -> Any:
    first, second = pair_of_keys(words)
    p = e.convert_element_type(asarray(p), dtype)
    sizes = _gamma(first, broadcast_to(1 / p, size), False)
    return asarray(rademacher(second, size, dtype)) * sizes ** (1 / p)


def ball(key: Any, d: int, p: Any = 2, shape: Any = (), dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Points [*shape, d], uniform in the unit ball of the ``p`` norm (F. Barthe and others, Ann. Probab. 33, 2005)."""
    words, found, size = single_key("ball", key), float_dtype("ball", dtype), shape_of(shape)
    first, second = pair_of_keys(words)
    points = _generalized_normal(first, p, (*size, operator.index(d)), found)
    rest = _exponential(second, size, found)
    p = e.convert_element_type(asarray(p), found)
    return points / (((abs(points) ** p).sum(-1) + rest) ** (1 / p))[..., None]


def orthogonal(
    key: Any, n: int, shape: Any = (), dtype: DTypeLike = None, m: int | None = None, *, out_sharding: Any = None
) -> Any:
    """Matrices [*shape, n, m] (m: default n) with orthonormal columns, or rows if there are fewer: uniform ones."""
    words = single_key("orthogonal", key)
    n, m = operator.index(n), operator.index(n if m is None else m)
    found = asarray(0.0, dtype=float if dtype is None else dtype).dtype
    z = asarray(normal_of(words, (*shape_of(shape), max(n, m), min(n, m)), found))
    q, r = linalg.qr(z)
    signs = sign(linalg.diagonal(r))
    out = q * where(signs == 0, 1, signs)[..., None, :]
    return out.mT if n < m else out
