"""Distributions that are functions of uniform and normal numbers, differentiable in their parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.errors import fail
from gradcli.engine.ir.bfloat16 import finfo
from gradcli.engine.ir.types import Shape, default_float, promote_types
from gradcli.engine.ops import elementwise as e
from gradcli.engine.trace.source import user_location
from gradcli.numpy import asarray, broadcast_to, einsum, linalg
from gradcli.random._basic import (
    DTypeLike,
    common_shape,
    float_dtype,
    normal_of,
    pair_of_keys,
    shape_of,
    uniform_of,
)
from gradcli.random._discrete import rademacher
from gradcli.random._keys import single_key

# --- without parameters -----------------------------------------------------------------------------------------------


def exponential(key: Any, shape: Any = (), dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Exponential numbers with mean 1."""
    words, found = single_key("exponential", key), float_dtype("exponential", dtype)
    return _exponential(words, shape_of(shape), found)


def _exponential(words: Any, size: Shape, dtype: np.dtype[Any]) -> Any:
    return e.neg(e.log1p(e.neg(uniform_of(words, size, dtype))))


def laplace(key: Any, shape: Any = (), dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Laplace numbers with mean 0 and scale 1."""
    words, found = single_key("laplace", key), float_dtype("laplace", dtype)
    u = uniform_of(words, shape_of(shape), found, finfo(found).epsneg - found.type(1), 1.0)
    return e.mul(e.sign(u), e.log1p(e.neg(e.abs(u))))


def logistic(key: Any, shape: Any = (), dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Logistic numbers with mean 0 and scale 1."""
    words, found = single_key("logistic", key), float_dtype("logistic", dtype)
    x = uniform_of(words, shape_of(shape), found, finfo(found).tiny, 1.0)
    return e.sub(e.log(x), e.log1p(e.neg(x)))


def cauchy(key: Any, shape: Any = (), dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Cauchy numbers with location 0 and scale 1."""
    words, found = single_key("cauchy", key), float_dtype("cauchy", dtype)
    u = uniform_of(words, shape_of(shape), found, finfo(found).eps, 1.0)
    return e.tan(e.mul(found.type(math.pi), e.sub(u, found.type(0.5))))


def maxwell(key: Any, shape: Any = (), dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Maxwell numbers of scale 1: lengths of standard normal vectors in three dimensions."""
    words, found = single_key("maxwell", key), float_dtype("maxwell", dtype)
    return linalg.norm(normal_of(words, (*shape_of(shape), 3), found), axis=-1)


# --- with parameters --------------------------------------------------------------------------------------------------


def _parameters(name: str, shape: Any, dtype: DTypeLike, *given: Any) -> tuple[Shape, np.dtype[Any], list[Any]]:
    """The shape and dtype of the result, and the parameters broadcast and converted to them."""
    found, values = float_dtype(name, dtype), [asarray(x) for x in given]
    size = common_shape(name, shape, *(x.shape for x in values))
    return size, found, [broadcast_to(e.convert_element_type(x, found), size) for x in values]


def pareto(key: Any, b: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Pareto numbers of shape parameter ``b``, at least 1."""
    words = single_key("pareto", key)
    size, found, (b,) = _parameters("pareto", shape, dtype, b)
    return e.exp(e.div(_exponential(words, size, found), b))


def rayleigh(key: Any, scale: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Rayleigh numbers."""
    words = single_key("rayleigh", key)
    size, found, (scale,) = _parameters("rayleigh", shape, dtype, scale)
    return e.mul(scale, e.sqrt(e.mul(e.log(uniform_of(words, size, found)), found.type(-2))))


def lognormal(
    key: Any, sigma: Any = 1.0, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None
) -> Any:
    """Exponentials of normal numbers with mean 0 and standard deviation ``sigma``."""
    words = single_key("lognormal", key)
    size, found, (sigma,) = _parameters("lognormal", shape, dtype, sigma)
    return e.exp(e.mul(normal_of(words, size, found), sigma))


def triangular(
    key: Any, left: Any, mode: Any, right: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None
) -> Any:
    """Numbers with a triangular density from ``left`` by its peak at ``mode`` to ``right``."""
    words = single_key("triangular", key)
    size, found, (left, mode, right) = _parameters("triangular", shape, dtype, left, mode, right)
    u = uniform_of(words, size, found)
    width = e.sub(right, left)
    rising = e.add(left, e.sqrt(e.mul(e.mul(u, width), e.sub(mode, left))))
    falling = e.sub(right, e.sqrt(e.mul(e.mul(e.sub(found.type(1), u), width), e.sub(right, mode))))
    return e.select_n(e.lt(u, e.div(e.sub(mode, left), width)), falling, rising)


def weibull_min(key: Any, scale: Any, concentration: Any, shape: Any = (), dtype: DTypeLike = None) -> Any:
    """Weibull numbers; the parameters broadcast against ``shape``."""
    words, found, size = single_key("weibull_min", key), float_dtype("weibull_min", dtype), shape_of(shape)
    scale, concentration = (asarray(x).astype(found) for x in (scale, concentration))
    return _exponential(words, size, found) ** (1.0 / concentration) * scale


def wald(key: Any, mean: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """Wald (inverse Gaussian) numbers of scale 1, by the method of Michael, Schucany and Haas (1976)."""
    words = single_key("wald", key)
    size, found, (mean,) = _parameters("wald", shape, dtype, mean)
    first, second = pair_of_keys(words)
    y = e.integer_pow(normal_of(first, size, found), 2)
    chance = uniform_of(second, size, found)
    square = e.integer_pow(mean, 2)
    root = e.sqrt(4 * mean * y + square * e.integer_pow(y, 2))
    x = mean + square * y / 2 - mean / 2 * root
    return e.select_n(e.le(chance, mean / (mean + x)), square / x, x)


def geometric(key: Any, p: Any, shape: Any = None, dtype: DTypeLike = None, *, out_sharding: Any = None) -> Any:
    """The number of trials up to the first success, as integers; ``p`` is the probability of success."""
    words, p = single_key("geometric", key), asarray(p)
    found = asarray(0, dtype=int if dtype is None else dtype).dtype
    p = p if p.dtype.kind == "f" else e.convert_element_type(p, default_float())
    size = common_shape("geometric", shape, p.shape)
    one = p.dtype.type(1)
    u = uniform_of(words, size, p.dtype)
    u = e.select_n(e.eq(u, p.dtype.type(0)), u, one)
    trials = e.floor(e.div(e.log(u), broadcast_to(e.log1p(e.neg(p)), size)))
    return e.convert_element_type(e.add(trials, one), found)


def double_sided_maxwell(key: Any, loc: Any, scale: Any, shape: Any = (), dtype: DTypeLike = None) -> Any:
    """Maxwell numbers of either sign, scaled and moved; ``shape`` comes in front of that of the parameters."""
    words, found = single_key("double_sided_maxwell", key), float_dtype("double_sided_maxwell", dtype)
    loc, scale = asarray(loc), asarray(scale)
    inner = common_shape("double_sided_maxwell", None, loc.shape, scale.shape)
    size = (*(shape_of(shape) or inner), *inner)
    first, second = pair_of_keys(words)
    return rademacher(second, size, found) * maxwell(first, size, found) * scale + loc


def multivariate_normal(
    key: Any, mean: Any, cov: Any, shape: Any = None, dtype: DTypeLike = None, method: str = "cholesky",
    *, out_sharding: Any = None,
) -> Any:  # fmt: skip
    """Normal vectors of that ``mean`` [..., n] and covariance ``cov`` [..., n, n].

    shape: that of the result without its last axis; default that of the leading axes of both.
    method: how a factor of the covariance is found: ``cholesky``, or ``svd`` or ``eigh``, which allow singular ones.
    Raises ValueError for another method and for arguments that do not fit.
    """
    words, mean, cov = single_key("multivariate_normal", key), asarray(mean), asarray(cov)
    mean, cov = (x if x.dtype.kind == "f" else e.convert_element_type(x, default_float()) for x in (mean, cov))
    found = float_dtype("multivariate_normal", promote_types(mean.type, cov.type)[0] if dtype is None else dtype)
    n = mean.shape[-1] if mean.ndim else 0
    if not mean.ndim or cov.shape[-2:] != (n, n):
        raise fail("G206", f"multivariate_normal needs a mean [..., n] and a covariance [..., n, n], got {mean.type} "
                   f"and {cov.type}", location=user_location(), cls=ValueError)  # fmt: skip
    size = common_shape("multivariate_normal", shape, mean.shape[:-1], cov.shape[:-2])
    samples = normal_of(words, (*size, n), found)
    return mean + einsum("...ij,...j->...i", _factor(cov, method), samples)


def _factor(cov: Any, method: str) -> Any:
    """A matrix that gives the covariance when multiplied by its transpose."""
    if method not in ("cholesky", "svd", "eigh"):
        raise fail("G206", f"the method of multivariate_normal is cholesky, svd or eigh, not {method!r}",
                   location=user_location(), cls=ValueError)  # fmt: skip
    if method == "cholesky":
        return linalg.cholesky(cov)
    vectors, squares = linalg.svd(cov)[:2] if method == "svd" else reversed(linalg.eigh(cov))
    return vectors * e.sqrt(squares)[..., None, :]
