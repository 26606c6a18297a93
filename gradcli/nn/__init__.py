"""Functions of neural networks, by the names of ``jax.nn``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gradcli.nn._activations import (
    celu,
    elu,
    gelu,
    glu,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    identity,
    leaky_relu,
    log1mexp,
    log_sigmoid,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_sign,
    softplus,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    swish,
)  # fmt: skip
from gradcli.nn._attention import dot_product_attention
from gradcli.nn._normalise import log_softmax, logmeanexp, logsumexp, one_hot, softmax, standardize
from gradcli.nn._scaled import scaled_matmul
from gradcli.numpy._ufuncs import tanh

__all__ = [
    "celu", "dot_product_attention", "elu", "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
    "identity", "initializers", "leaky_relu", "log1mexp", "log_sigmoid", "log_softmax", "logmeanexp", "logsumexp",
    "mish", "one_hot", "relu", "relu6", "scaled_matmul", "selu", "sigmoid", "silu", "soft_sign", "softmax", "softplus",
    "sparse_plus", "sparse_sigmoid", "squareplus", "standardize", "swish", "tanh",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "initializers":
        return import_module("gradcli.nn.initializers")
    raise AttributeError(f"module 'gradcli.nn' has no attribute {name!r}")
