"""Rows of ``gradcli.nn`` and of its initializers."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.conformance.row import POSITIVE, Draw, Row, rows_of

Case, Maker = rows_of("nn"), rows_of("nn.initializers")
real = Draw(25)

A, B, T = real((2, 3)), real((2, 3)), real((2, 4, 2))
MASK = np.array([[True, False, True], [False, True, True]])
NEAR = np.array([-2.5, -0.7, 0.4, 1.9, 4.2])  # off the kinks
KEY = np.array([0, 7], np.uint32)
KINKS = "at kinks"


def each(names: str, x: Any, complex: bool | None = None) -> list[Row]:
    """One case a name."""
    return [Case(n, (x,), complex=complex) for n in names.split()]


ACTIVATIONS = [
    *each("identity log_sigmoid mish sigmoid silu soft_sign softplus squareplus swish tanh", NEAR),
    *each(
        "celu elu gelu hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu relu relu6 selu sparse_plus "
        "sparse_sigmoid", NEAR, complex=False,
    ),
    *[Case(n, (np.array([-1.0, 0.0, 1.0, 3.0, 6.0]),), order=0, why=KINKS, id="kinks") for n in (
        "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "relu", "relu6", "sparse_plus", "sparse_sigmoid",
    )],
    *[
        Case(n, (np.array([-900.0, -40.0, 40.0, 900.0]),), id="far", complex=False)
        for n in ("celu", "elu", "gelu", "log_sigmoid", "mish", "sigmoid", "silu", "softplus", "squareplus", "tanh")
    ],
    Case("log1mexp", (real((4,), POSITIVE),), complex=False),
    Case("log1mexp", (np.array([1e-9, 0.69, 0.7, 60.0]),), id="far", order=0, single=None,
         why="differences step over 0"),
    *[Case(n, (NEAR,), {"alpha": 0.7}, complex=False) for n in ("celu", "elu")],
    Case("leaky_relu", (NEAR,), {"negative_slope": 0.3}, complex=False),
    Case("gelu", (NEAR,), {"approximate": False}, complex=False),
    *[Case("glu", (T,), {"axis": axis}) for axis in (-1, 1, 0)],
    Case("squareplus", (NEAR, np.float64(1.5)), complex=False),
    *[Case(n, (np.array([3, -1, 2]),), order=0, id="int")
      for n in ("relu", "softplus", "gelu", "relu6", "hard_tanh", "selu")],
]  # fmt: skip

SUMS = [
    *[Case(n, (T,), {"axis": axis}) for n in ("softmax", "log_softmax") for axis in (-1, 0, (1, 2))],
    *[Case(n, (T,), {"axis": axis, "keepdims": k}) for n in ("logsumexp", "logmeanexp")
      for axis, k in ((None, False), (1, True), ((0, 2), False))],
    *[Case(n, (A,), {"axis": 1, "where": MASK}, complex=False) for n in ("softmax", "logsumexp", "logmeanexp")],
    Case("log_softmax", (A,), {"axis": 1, "where": MASK}, order=0, why="infinities"),
    *[
        Case(n, (np.array([[np.inf, 1.0], [-np.inf, -np.inf], [800.0, 801.0]]),), {"axis": 1}, order=0,
             why="infinities", id="far")
        for n in ("softmax", "log_softmax", "logsumexp")
    ],
    Case("logsumexp", (A, real((2, 3), POSITIVE)), call=lambda f, a, b: f(a, b=b, axis=0), complex=False),
    Case("logsumexp", (A, B), call=lambda f, a, b: f(a, b=b, return_sign=True), complex=False),
    *[Case("standardize", (T,), {"axis": axis}, complex=False) for axis in (-1, (0, 1))],
    Case("standardize", (A,), {"axis": 1, "where": MASK, "epsilon": 0.1}, complex=False),
    Case("standardize", (A, B[:, :1], real((2, 1), POSITIVE)), complex=False,
         call=lambda f, x, mean, variance: f(x, mean=mean, variance=variance)),
    *[
        Case("one_hot", (np.array([[0, 2], [5, -1]]),), {"num_classes": 3, **o}, order=0)
        for o in ({}, {"axis": 0}, {"dtype": "int32"})
    ],
]  # fmt: skip
SCALED = [
    Case("scaled_matmul", (real((2, 3, 4)), real((2, 2, 4)), real((2, 3, 2), POSITIVE), real((2, 2, 1), POSITIVE)),
         order=0, why="computed in float32", jax=False),  # there on other devices alone
    Case("scaled_matmul", tuple(x.astype("f4") for x in (T, T, T[..., :1], T)), {"preferred_element_type": "float64"},
         order=0, why="computed in float32", jax=False),
]  # fmt: skip

Q, K, V = real((2, 3, 4, 2)), real((2, 4, 2, 2)), real((2, 4, 2, 2))
BIAS, LENGTHS = real((1, 4, 3, 4)), np.array([2, 3], np.int32)
WHERE = real.rng.random((2, 1, 3, 4)) < 0.7
WHERE[..., 0] = True
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {}, "scale": {"scale": 0.3}, "bias and mask": {"bias": BIAS, "mask": WHERE}, "causal": {"is_causal": True},
    "lengths": {"query_seq_lengths": LENGTHS, "key_value_seq_lengths": LENGTHS}, "window": {"local_window_size": 1},
    "one side": {"local_window_size": (2, 0), "is_causal": True},
}  # fmt: skip
ATTENTION = [
    *[
        Case("dot_product_attention", (Q, K, V), o, id=name, complex=False, single=None,
             jax=False)  # there in single precision
        for name, o in OPTIONS.items()
    ],
    *[
        Case("dot_product_attention", tuple(x.astype(np.float32) for x in (Q, K, V)),
             {n: x.astype(np.float32) if n == "bias" else x for n, x in o.items()}, order=0,
             why="there in single precision", id=name)
        for name, o in OPTIONS.items()
    ],
    Case("dot_product_attention", (Q[0], K[0], V[0]), id="no batch", complex=False, jax=False),
    Case("dot_product_attention", (Q, K, V, BIAS), call=lambda f, q, k, v, b: f(q, k, v, bias=b), complex=False,
         jax=False),
    Case("dot_product_attention", (Q, K, V), call=lambda f, *xs: f(*xs, return_residual=True)[1], order=0, jax=False,
         why="has no derivative, as in JAX", id="residual"),
]  # fmt: skip


def initial(name: str, *args: Any, shape: tuple[int, ...] = (4, 6), jax: bool = True, **options: Any) -> Row:
    """Weights from an initializer that is made with these arguments."""
    return Maker(name, (KEY,), options, lambda f, key, **o: f(*args, **o)(key, shape), order=0, id=f"{args}{shape}",
                 single=None, jax=jax)  # fmt: skip


INITIALIZERS = [
    *[
        Maker(n, (KEY,), {"dtype": t}, lambda f, key, dtype: f(key, (2, 3), dtype), order=0)
        for n in ("zeros", "ones")
        for t in ("float32", "float64")
    ],
    initial("constant", 0.5),
    *[initial(n, 0.3) for n in ("uniform", "normal", "truncated_normal")],
    *[
        initial(f"{n}_{kind}", dtype=t)
        for n in ("glorot", "lecun", "he", "xavier", "kaiming")
        for kind in ("uniform", "normal")
        for t in ("float32", "float64")
    ],
    initial("variance_scaling", 1.5, "fan_out", "normal"),
    initial("variance_scaling", 1.5, "fan_in", "truncated_normal"),
    initial("variance_scaling", 1.5, "fan_geo_avg", "uniform", in_axis=0, out_axis=1),
    initial("variance_scaling", 1.5, "fan_avg", "uniform", shape=(2, 3, 4, 5)),
    initial("variance_scaling", 1.5, "fan_in", "normal", in_axis=(1,), out_axis=-1, batch_axis=0),
    # there divided by another number than the deviation of complex normal numbers cut at 2
    initial("variance_scaling", 1.5, "fan_in", "truncated_normal", dtype="complex128", jax=False),
    initial("variance_scaling", 1.5, "fan_in", "normal", dtype="complex128"),
    *[initial("orthogonal", *args) for args in ((), (2.0,), (2.0, 0))],
    initial("orthogonal", shape=(2, 3, 2)),
    initial("delta_orthogonal", shape=(3, 3, 2, 4)),
    Maker("constant", (A,), call=lambda f, x: f(x)(KEY, (2, 2, 3)), id="array", single=None),
]

ROWS = [*ACTIVATIONS, *SUMS, *SCALED, *ATTENTION, *INITIALIZERS]
