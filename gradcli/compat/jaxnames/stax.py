"""``jax.example_libraries.stax``: layers of networks as pairs (init, apply).

``init(key, input_shape) -> (output_shape, params)`` and ``apply(params, inputs, rng=key) -> outputs``. Sizes of -1 in a
shape stand for a batch of any size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli import lax, nn, random
from gradcli import numpy as gnp
from gradcli.compat.jaxnames.initializers import glorot_normal, normal, ones, zeros
from gradcli.engine import api
from gradcli.engine.ir.types import default_float

Shape = Sequence[int]
Layer = tuple[Callable[..., Any], Callable[..., Any]]


def _shape_of(apply: Callable[..., Any], params: Any, shape: Shape) -> tuple[int, ...]:
    """The output's shape; an open batch stays open."""
    full = [1 if n == -1 else n for n in shape]
    found = api.eval_shape(apply, params, api.ShapeDtypeStruct(full, default_float())).shape
    return (-1, *found[1:]) if shape and shape[0] == -1 else tuple(found)


def Dense(out_dim: int, W_init: Any = None, b_init: Any = None) -> Layer:  # noqa: N802 - JAX's names
    """A fully connected layer."""
    w_init, offset_init = W_init or glorot_normal(), b_init or normal()

    def init(rng: Any, input_shape: Shape) -> Any:
        k1, k2 = random.split(rng)
        shape = (input_shape[-1], out_dim)
        return (*input_shape[:-1], out_dim), (w_init(k1, shape), offset_init(k2, (out_dim,)))

    def apply(params: Any, inputs: Any, **_: Any) -> Any:
        w, b = params
        return gnp.dot(inputs, w) + b

    return init, apply


def GeneralConv(  # noqa: N802
    dimension_numbers: Any, out_chan: int, filter_shape: Shape, strides: Any = None, padding: Any = "VALID",
    W_init: Any = None, b_init: Any = None,
) -> Layer:  # fmt: skip
    """A convolution; ``dimension_numbers`` such as ``("NHWC", "HWIO", "NHWC")``."""
    lhs, rhs, out = dimension_numbers
    steps = strides or (1,) * len(filter_shape)
    w_init = W_init or glorot_normal(rhs.index("I"), rhs.index("O"))
    offset_init = b_init or normal(1e-6)

    def init(rng: Any, input_shape: Shape) -> Any:
        sizes = iter(filter_shape)
        named = {"O": out_chan, "I": input_shape[lhs.index("C")]}
        kernel = [named[c] if c in named else next(sizes) for c in rhs]
        offset = [out_chan if c == "C" else 1 for c in out]
        k1, k2 = random.split(rng)
        params = w_init(k1, kernel), offset_init(k2, offset)
        return _shape_of(apply, params, input_shape), params

    def apply(params: Any, inputs: Any, **_: Any) -> Any:
        w, b = params
        return lax.conv_general_dilated(inputs, w, steps, padding, dimension_numbers=dimension_numbers) + b

    return init, apply


def Conv(*args: Any, **kwargs: Any) -> Layer:  # noqa: N802
    """A convolution of images (batch, height, width, channels)."""
    return GeneralConv(("NHWC", "HWIO", "NHWC"), *args, **kwargs)


def BatchNorm(  # noqa: N802
    axis: Any = (0, 1, 2), epsilon: float = 1e-5, center: bool = True, scale: bool = True, beta_init: Any = zeros,
    gamma_init: Any = ones,
) -> Layer:  # fmt: skip
    """Normalises over the batch and places, then shifts and scales."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis)

    def init(rng: Any, input_shape: Shape) -> Any:
        shape = tuple(n for i, n in enumerate(input_shape) if i not in axes)
        k1, k2 = random.split(rng)
        beta = beta_init(k1, shape) if center else ()
        gamma = gamma_init(k2, shape) if scale else ()
        return tuple(input_shape), (beta, gamma)

    def apply(params: Any, x: Any, **_: Any) -> Any:
        beta, gamma = params
        index = tuple(None if i in axes else slice(None) for i in range(gnp.ndim(x)))
        z = nn.standardize(x, axis=axes, epsilon=epsilon)
        z = z * gamma[index] if scale else z
        return z + beta[index] if center else z

    return init, apply


def elementwise(fun: Callable[..., Any], **fun_kwargs: Any) -> Layer:
    """A layer without parameters that applies a function."""
    return lambda rng, shape: (shape, ()), lambda params, inputs, **_: fun(inputs, **fun_kwargs)


Tanh = elementwise(gnp.tanh)
Relu = elementwise(nn.relu)
Exp = elementwise(gnp.exp)
LogSoftmax = elementwise(nn.log_softmax, axis=-1)
Softmax = elementwise(nn.softmax, axis=-1)
Softplus = elementwise(nn.softplus)
Sigmoid = elementwise(nn.sigmoid)
Elu = elementwise(nn.elu)
LeakyRelu = elementwise(nn.leaky_relu)
Selu = elementwise(nn.selu)
Gelu = elementwise(nn.gelu)
Identity: Layer = (lambda rng, shape: (shape, ()), lambda params, inputs, **_: inputs)


def _pooling(name: str, reduce: Callable[..., Any], start: float, average: bool = False) -> Callable[..., Layer]:
    def pool(window_shape: Shape, strides: Any = None, padding: str = "VALID", spec: str = "NHWC") -> Layer:
        places = [i for i, c in enumerate(spec) if c not in "NC"]
        window, steps = [1] * len(spec), [1] * len(spec)
        for i, n, s in zip(places, window_shape, strides or (1,) * len(window_shape), strict=True):
            window[i], steps[i] = n, s

        def reduced(x: Any) -> Any:
            return lax.reduce_window(x, start, reduce, tuple(window), tuple(steps), padding)

        def apply(params: Any, inputs: Any, **_: Any) -> Any:
            out = reduced(inputs)
            return out / reduced(gnp.ones_like(inputs)) if average else out

        return (lambda rng, shape: (_shape_of(apply, (), shape), ())), apply

    pool.__name__ = name
    pool.__doc__ = f"{name}: one value a window of ``window_shape``."
    return pool


MaxPool = _pooling("MaxPool", lax.max, -math.inf)
SumPool = _pooling("SumPool", lax.add, 0.0)
AvgPool = _pooling("AvgPool", lax.add, 0.0, average=True)


def _flat(shape: Shape) -> tuple[int, ...]:
    return shape[0], math.prod(shape[1:])


Flatten: Layer = (
    lambda rng, shape: (_flat(shape), ()),
    lambda params, inputs, **_: gnp.reshape(inputs, (inputs.shape[0], -1)),
)


def FanOut(num: int) -> Layer:  # noqa: N802
    """The input ``num`` times."""
    return lambda rng, shape: ([shape] * num, ()), lambda params, inputs, **_: [inputs] * num


FanInSum: Layer = (lambda rng, shapes: (shapes[0], ()), lambda params, inputs, **_: sum(inputs[1:], inputs[0]))


def FanInConcat(axis: int = -1) -> Layer:  # noqa: N802
    """The inputs side by side."""

    def init(rng: Any, shapes: Sequence[Shape]) -> Any:
        at = axis % len(shapes[0])
        total = sum(s[at] for s in shapes)
        return (*shapes[0][:at], total, *shapes[0][at + 1 :]), ()

    return init, lambda params, inputs, **_: gnp.concatenate(inputs, axis)


def Dropout(rate: float, mode: str = "train") -> Layer:  # noqa: N802
    """Keeps each element with probability ``rate`` while ``mode`` is ``train``; ``apply`` then needs ``rng``."""

    def apply(params: Any, inputs: Any, **kwargs: Any) -> Any:
        rng = kwargs.get("rng")
        if rng is None:
            raise ValueError("Dropout layer requires apply_fun to be called with a PRNG key argument: rng=key")
        if mode != "train":
            return inputs
        return gnp.where(random.bernoulli(rng, rate, inputs.shape), inputs / rate, 0)

    return (lambda rng, shape: (shape, ())), apply


def _keys(rng: Any, n: int) -> Sequence[Any]:
    return random.split(rng, n) if rng is not None else [None] * n


def serial(*layers: Layer) -> Layer:
    """One layer after the other."""

    def init(rng: Any, input_shape: Any) -> Any:
        params, shape = [], input_shape
        for first, _ in layers:
            rng, key = random.split(rng)
            shape, p = first(key, shape)
            params.append(p)
        return shape, params

    def apply(params: Any, inputs: Any, **kwargs: Any) -> Any:
        rngs = _keys(kwargs.pop("rng", None), len(layers))
        for (_, run), p, rng in zip(layers, params, rngs, strict=True):
            inputs = run(p, inputs, rng=rng, **kwargs)
        return inputs

    return init, apply


def parallel(*layers: Layer) -> Layer:
    """Each layer on its own input; a list of their outputs."""

    def init(rng: Any, input_shape: Any) -> Any:
        keys = random.split(rng, len(layers))
        found = [first(k, s) for (first, _), k, s in zip(layers, keys, input_shape, strict=True)]
        return [s for s, _ in found], [p for _, p in found]

    def apply(params: Any, inputs: Any, **kwargs: Any) -> Any:
        rngs = _keys(kwargs.pop("rng", None), len(layers))
        rows = zip(layers, params, inputs, rngs, strict=True)
        return [run(p, x, rng=r, **kwargs) for (_, run), p, x, r in rows]

    return init, apply


def shape_dependent(make_layer: Callable[[Any], Layer]) -> Layer:
    """A layer that is made when the shape of its input is known."""

    def apply(params: Any, inputs: Any, **kwargs: Any) -> Any:
        return make_layer(inputs.shape)[1](params, inputs, **kwargs)

    return (lambda rng, shape: make_layer(shape)[0](rng, shape)), apply


__all__ = [
    "AvgPool", "BatchNorm", "Conv", "Dense", "Dropout", "Elu", "Exp", "FanInConcat", "FanInSum", "FanOut", "Flatten",
    "Gelu", "GeneralConv", "Identity", "LeakyRelu", "LogSoftmax", "MaxPool", "Relu", "Selu", "Sigmoid", "Softmax",
    "Softplus", "SumPool", "Tanh", "elementwise", "parallel", "serial", "shape_dependent",
]  # fmt: skip
