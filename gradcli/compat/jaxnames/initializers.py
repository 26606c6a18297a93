"""``jax.nn.initializers``: functions ``(key, shape, dtype) -> array`` that make the first weights of a network.

Variance scaling: Glorot and Bengio, AISTATS 2010; LeCun et al., Efficient BackProp, 1998; He et al., ICCV 2015.
Orthogonal matrices: Saxe, McClelland and Ganguli, ICLR 2014.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli import random
from gradcli.engine.ir.types import canonical_dtype, default_float

Initializer = Callable[..., Any]


def _dtype(dtype: Any) -> Any:
    return canonical_dtype(dtype) if dtype is not None else default_float()


def zeros(key: Any, shape: Sequence[int], dtype: Any = None, out_sharding: Any = None) -> Any:
    """Zeros, whatever the key."""
    return gnp.zeros(shape, _dtype(dtype))


def ones(key: Any, shape: Sequence[int], dtype: Any = None, out_sharding: Any = None) -> Any:
    """Ones, whatever the key."""
    return gnp.ones(shape, _dtype(dtype))


def constant(value: Any, dtype: Any = None) -> Initializer:
    """An initializer that fills with a value."""
    standard = dtype
    return lambda key, shape, dtype=standard, out_sharding=None: gnp.full(shape, value, _dtype(dtype))


def uniform(scale: Any = 1e-2, dtype: Any = None) -> Initializer:
    """Uniform on [0, scale)."""
    standard = dtype
    return lambda key, shape, dtype=standard, out_sharding=None: (
        random.uniform(key, shape, _dtype(dtype)) * gnp.asarray(scale, _dtype(dtype))
    )


def normal(stddev: Any = 1e-2, dtype: Any = None) -> Initializer:
    """Normal with mean 0."""
    standard = dtype
    return lambda key, shape, dtype=standard, out_sharding=None: (
        random.normal(key, shape, _dtype(dtype)) * gnp.asarray(stddev, _dtype(dtype))
    )


def truncated_normal(stddev: Any = 1e-2, dtype: Any = None, lower: Any = -2.0, upper: Any = 2.0) -> Initializer:
    """Normal cut off at ``lower`` and ``upper`` standard deviations."""
    standard = dtype
    return lambda key, shape, dtype=standard, out_sharding=None: (
        random.truncated_normal(key, lower, upper, shape, _dtype(dtype)) * gnp.asarray(stddev, _dtype(dtype))
    )


def _axes(shape: Sequence[int], axes: Any) -> list[int]:
    return [a % len(shape) for a in ([axes] if isinstance(axes, int) else axes)]


def _fans(shape: Sequence[int], in_axis: Any, out_axis: Any, batch_axis: Any) -> tuple[float, float]:
    if len(shape) <= 1:
        raise ValueError(
            f"Can't compute input and output sizes of a {len(shape)}-dimensional weights tensor. Must be at least 2D."
        )
    ins = math.prod(shape[a] for a in _axes(shape, in_axis))
    outs = math.prod(shape[a] for a in _axes(shape, out_axis))
    batch = math.prod(shape[a] for a in _axes(shape, batch_axis))
    field = math.prod(shape) / (ins * outs * batch)
    return ins * field, outs * field


# The standard deviation of a unit normal that is cut off at -2 and 2.
_CUT = math.sqrt(1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2)))


def variance_scaling(
    scale: Any, mode: str, distribution: str, in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (),
    dtype: Any = None,
) -> Initializer:  # fmt: skip
    """Random weights of variance ``scale / n``, n the number of inputs, of outputs or their mean, by ``mode``.

    mode: ``fan_in``, ``fan_out``, ``fan_avg`` or ``fan_geo_avg``; distribution: ``truncated_normal``, ``normal`` or
    ``uniform``. Raises ValueError for others.
    """
    standard = dtype

    def init(key: Any, shape: Sequence[int], dtype: Any = standard, out_sharding: Any = None) -> Any:
        kind = _dtype(dtype)
        fan_in, fan_out = _fans(shape, in_axis, out_axis, batch_axis)
        means = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2,
                 "fan_geo_avg": math.sqrt(fan_in * fan_out)}  # fmt: skip
        if mode not in means:
            raise ValueError(f"invalid mode for variance scaling initializer: {mode}")
        variance = gnp.asarray(scale / means[mode], kind)
        if kind.kind == "c":
            raise NotImplementedError("variance_scaling of complex weights is not supported")
        if distribution == "truncated_normal":
            return random.truncated_normal(key, -2, 2, shape, kind) * (gnp.sqrt(variance) / gnp.asarray(_CUT, kind))
        if distribution == "normal":
            return random.normal(key, shape, kind) * gnp.sqrt(variance)
        if distribution == "uniform":
            return random.uniform(key, shape, kind, -1) * gnp.sqrt(3 * variance)
        raise ValueError(f"invalid distribution for variance scaling initializer: {distribution}")

    return init


def _scaled(name: str, scale: float, mode: str, distribution: str) -> Callable[..., Initializer]:
    def make(in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None) -> Initializer:
        return variance_scaling(scale, mode, distribution, in_axis, out_axis, batch_axis, dtype)

    make.__name__ = name
    make.__doc__ = f"Variance scaling by {scale} over ``{mode}``, {distribution.replace('_', ' ')}."
    return make


glorot_uniform = xavier_uniform = _scaled("glorot_uniform", 1.0, "fan_avg", "uniform")
glorot_normal = xavier_normal = _scaled("glorot_normal", 1.0, "fan_avg", "truncated_normal")
lecun_uniform = _scaled("lecun_uniform", 1.0, "fan_in", "uniform")
lecun_normal = _scaled("lecun_normal", 1.0, "fan_in", "truncated_normal")
he_uniform = kaiming_uniform = _scaled("he_uniform", 2.0, "fan_in", "uniform")
he_normal = kaiming_normal = _scaled("he_normal", 2.0, "fan_in", "truncated_normal")


def orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Matrices with orthonormal columns (or rows), times ``scale``."""
    standard = dtype

    def init(key: Any, shape: Sequence[int], dtype: Any = standard, out_sharding: Any = None) -> Any:
        if len(shape) < 2:
            raise ValueError("orthogonal initializer requires at least a 2D shape")
        n_cols = shape[column_axis]
        n_rows = math.prod(shape) // n_cols
        size = (max(n_rows, n_cols), min(n_rows, n_cols))
        q, r = gnp.linalg.qr(random.normal(key, size, _dtype(dtype)))
        # A unique factor, and so a uniform distribution: the diagonal of r made positive.
        q = q * gnp.sign(gnp.diag(r))[None, :]
        q = q.T if n_rows < n_cols else q
        rest = tuple(int(n) for n in np.delete(shape, column_axis))
        return scale * gnp.moveaxis(gnp.reshape(q, (*rest, n_cols)), -1, column_axis)

    return init


__all__ = [
    "Initializer", "constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "kaiming_normal",
    "kaiming_uniform", "lecun_normal", "lecun_uniform", "normal", "ones", "orthogonal", "truncated_normal", "uniform",
    "variance_scaling", "xavier_normal", "xavier_uniform", "zeros",
]  # fmt: skip
