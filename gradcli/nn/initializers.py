"""Initial weights, by the names of ``jax.nn.initializers``: functions of a key, a shape and a dtype.

>>> from gradcli.random import key
>>> print(he_normal()(key(0), (3, 2), "float32").shape)
(3, 2)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from gradcli import random
from gradcli.engine.ir.types import canonical_dtype, complex_dtype, default_float, real_dtype
from gradcli.numpy import asarray, exp, full, log, moveaxis, sqrt
from gradcli.numpy import zeros as _zeros
from gradcli.numpy._base import value_error

Axes = int | Sequence[int]

__all__ = [
    "Initializer", "constant", "delta_orthogonal", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform",
    "kaiming_normal", "kaiming_uniform", "lecun_normal", "lecun_uniform", "normal", "ones", "orthogonal",
    "truncated_normal", "uniform", "variance_scaling", "xavier_normal", "xavier_uniform", "zeros",
]  # fmt: skip


class Initializer(Protocol):
    """A function that makes weights."""

    def __call__(self, key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Any:
        """Weights of that shape and dtype (default: that of the initializer, else the default float dtype)."""
        ...


def _initializer(make: Callable[[Any, tuple[int, ...], np.dtype[Any]], Any], default: Any = None) -> Initializer:
    def init(key: Any, shape: Any, dtype: Any = default, out_sharding: Any = None) -> Any:
        """Weights of that shape and dtype."""
        found = default_float() if dtype is None else canonical_dtype(dtype)
        return make(key, tuple(int(n) for n in shape), found)

    return init


def zeros(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Any:
    """Weights that are 0; the key is not used."""
    return constant(0)(key, shape, dtype)


def ones(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Any:
    """Weights that are 1; the key is not used."""
    return constant(1)(key, shape, dtype)


def constant(value: Any, dtype: Any = None) -> Initializer:
    """Weights of one value, or of an array that broadcasts."""
    return _initializer(lambda key, shape, found: full(shape, value, dtype=found), dtype)


def uniform(scale: Any = 1e-2, dtype: Any = None) -> Initializer:
    """Uniform weights in [0, scale)."""
    return _initializer(lambda k, shape, t: random.uniform(k, shape, t) * asarray(scale, dtype=t), dtype)


def normal(stddev: Any = 1e-2, dtype: Any = None) -> Initializer:
    """Normal weights of mean 0."""
    return _initializer(lambda k, shape, t: random.normal(k, shape, t) * asarray(stddev, dtype=t), dtype)


def truncated_normal(stddev: Any = 1e-2, dtype: Any = None, lower: Any = -2.0, upper: Any = 2.0) -> Initializer:
    """Normal weights, cut at ``lower`` and ``upper`` before they are multiplied by ``stddev``."""

    def make(key: Any, shape: tuple[int, ...], found: np.dtype[Any]) -> Any:
        return random.truncated_normal(key, lower, upper, shape, found) * asarray(stddev, dtype=found)

    return _initializer(make, dtype)


# --- by the size of the layer ---------------------------------------------------------------------------------------


def _size(shape: tuple[int, ...], axes: Axes) -> int:
    return shape[axes] if isinstance(axes, int) else math.prod(shape[i] for i in axes)


def _fans(shape: tuple[int, ...], in_axis: Axes, out_axis: Axes, batch_axis: Axes) -> tuple[float, float]:
    """How many inputs a unit has, and how many outputs; further axes are those of a kernel."""
    if isinstance(in_axis, int) and in_axis == -2 and len(shape) <= 1:
        raise value_error(f"the inputs of weights {shape} are not known: name their in_axis, or use two axes")
    inputs, outputs = _size(shape, in_axis), _size(shape, out_axis)
    kernel = math.prod(shape) / inputs / outputs / _size(shape, batch_axis)
    return inputs * kernel, outputs * kernel


_MODES: dict[str, Callable[[float, float], float]] = {
    "fan_in": lambda inputs, outputs: inputs,
    "fan_out": lambda inputs, outputs: outputs,
    "fan_avg": lambda inputs, outputs: (inputs + outputs) / 2,
    "fan_geo_avg": lambda inputs, outputs: math.sqrt(inputs * outputs),
}


def _cut_deviation() -> float:
    """The standard deviation of a normal number given that it is in [-2, 2]."""
    density = math.exp(-2.0) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 4 * density / math.erf(math.sqrt(2.0)))


def _cut_complex_deviation() -> float:
    """The same of a complex one whose size is at most 2."""
    return math.sqrt(1 - 4 * math.exp(-4.0) / (1 - math.exp(-4.0)))


def variance_scaling(
    scale: Any, mode: str, distribution: str, in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (),
    dtype: Any = None,
) -> Initializer:  # fmt: skip
    """Weights of variance ``scale / n``, where n counts inputs, outputs, or is a mean of both.

    mode: ``fan_in``, ``fan_out``, ``fan_avg`` or ``fan_geo_avg``. distribution: ``truncated_normal`` (cut at two
    standard deviations), ``normal`` or ``uniform``. Raises ValueError for others when weights are made.
    """

    def make(key: Any, shape: tuple[int, ...], found: np.dtype[Any]) -> Any:
        if mode not in _MODES or distribution not in ("truncated_normal", "normal", "uniform"):
            raise value_error(f"variance_scaling has no mode {mode!r} with distribution {distribution!r}")
        spread = sqrt(asarray(scale / _MODES[mode](*_fans(shape, in_axis, out_axis, batch_axis)), dtype=found))
        if distribution == "normal":
            return random.normal(key, shape, found) * spread
        if found.kind == "c":
            return _disc(key, shape, found, distribution == "truncated_normal") * spread
        if distribution == "uniform":
            return random.uniform(key, shape, found, -1) * (spread * asarray(math.sqrt(3.0), dtype=found))
        return random.truncated_normal(key, -2, 2, shape, found) * (spread / asarray(_cut_deviation(), dtype=found))

    return _initializer(make, dtype)


def _disc(key: Any, shape: tuple[int, ...], dtype: np.dtype[Any], bell: bool) -> Any:
    """Complex numbers of variance 1: with normal parts cut at size 2, or uniform in a disc."""
    real, (first, second) = real_dtype(dtype), random.split(key)
    u = random.uniform(first, shape, real)
    if bell:
        sizes = sqrt(-log(1 - (1 - math.exp(-4.0)) * u)) / _cut_complex_deviation()
    else:
        sizes = sqrt(2 * u)
    turn = exp((1j * (2 * math.pi) * random.uniform(second, shape, real)).astype(complex_dtype(real)))
    return sizes.astype(turn.dtype) * turn


def _scaled(scale: float, mode: str, distribution: str, name: str, what: str) -> Callable[..., Initializer]:
    def make(in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None) -> Initializer:
        return variance_scaling(scale, mode, distribution, in_axis, out_axis, batch_axis, dtype)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f":func:`variance_scaling` by {scale:g}, {mode} and {distribution}: {what}."
    return make


_GLOROT, _LECUN, _HE = "X. Glorot and Y. Bengio, 2010", "Y. LeCun and others, 1998", "K. He and others, 2015"
glorot_uniform = xavier_uniform = _scaled(1.0, "fan_avg", "uniform", "glorot_uniform", _GLOROT)
glorot_normal = xavier_normal = _scaled(1.0, "fan_avg", "truncated_normal", "glorot_normal", _GLOROT)
lecun_uniform = _scaled(1.0, "fan_in", "uniform", "lecun_uniform", _LECUN)
lecun_normal = _scaled(1.0, "fan_in", "truncated_normal", "lecun_normal", _LECUN)
he_uniform = kaiming_uniform = _scaled(2.0, "fan_in", "uniform", "he_uniform", _HE)
he_normal = kaiming_normal = _scaled(2.0, "fan_in", "truncated_normal", "he_normal", _HE)


# --- orthogonal -----------------------------------------------------------------------------------------------------


def _orthogonal(key: Any, shape: tuple[int, ...], dtype: np.dtype[Any], scale: Any, column_axis: int) -> Any:
    if len(shape) < 2:
        raise value_error(f"orthogonal weights have at least two axes, got the shape {shape}")
    if 0 in shape:
        return _zeros(shape, dtype)
    columns = shape[column_axis]
    others = list(shape)
    del others[column_axis]
    q = random.orthogonal(key, math.prod(others), (), dtype, columns)
    return asarray(scale, dtype=dtype) * moveaxis(q.reshape(*others, columns), -1, column_axis)


def orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Orthonormal columns along ``column_axis`` (or rows, if there are fewer), times ``scale``: A. Saxe, 2014.

    Raises ValueError for weights of fewer than two axes.
    """
    return _initializer(lambda key, shape, found: _orthogonal(key, shape, found, scale, column_axis), dtype)


def delta_orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Kernels [..., inputs, outputs] of one to three axes that are orthogonal in the middle, else 0: L. Xiao, 2018.

    Raises ValueError for other shapes, and for more inputs than outputs.
    """

    def make(key: Any, shape: tuple[int, ...], found: np.dtype[Any]) -> Any:
        if len(shape) not in (3, 4, 5):
            raise value_error(f"delta_orthogonal weights have three to five axes, got the shape {shape}")
        if shape[-1] < shape[-2]:
            raise value_error(f"delta_orthogonal weights have no more inputs than outputs, got the shape {shape}")
        middle = _orthogonal(key, shape[-2:], found, scale, column_axis)
        return _zeros(shape, found).at[tuple((n - 1) // 2 for n in shape[:-2])].set(middle)

    return _initializer(make, dtype)
