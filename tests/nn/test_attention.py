"""Attention against its definition, its masks, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli import nn
from gradcli.engine.api import grad, vmap
from gradcli.engine.array import raw

RNG = np.random.default_rng(0)
B, T, S, N, K, H = 2, 4, 5, 4, 2, 3
Q, KEY, V = RNG.normal(size=(B, T, N, H)), RNG.normal(size=(B, S, K, H)), RNG.normal(size=(B, S, K, H))
BIAS, MASK = RNG.normal(size=(1, N, T, S)), RNG.random((B, 1, T, S)) < 0.7
MASK[..., 0] = True
LENGTHS = np.array([2, 4], np.int32)

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "scale": {"scale": 0.3},
    "bias and mask": {"bias": BIAS, "mask": MASK},
    "causal": {"is_causal": True},
    "lengths": {"query_seq_lengths": LENGTHS, "key_value_seq_lengths": LENGTHS},
    "window": {"local_window_size": 1},
    "one side": {"local_window_size": (2, 0), "is_causal": True},
}


def by_definition(options: dict[str, Any]) -> Any:
    out = np.zeros((B, T, N, H))
    left, right = np.broadcast_to(options.get("local_window_size", 99), 2)
    for b in range(B):
        for n in range(N):
            for t in range(T):
                logits = KEY[b, :, n // (N // K)] @ Q[b, t, n] * options.get("scale", H**-0.5)
                logits = logits + options.get("bias", np.zeros((1, N, T, S)))[0, n, t]
                s = np.arange(S)
                keep = options.get("mask", np.ones((B, 1, T, S), bool))[b, 0, t] & (s >= t - left) & (s <= t + right)
                keep &= (s <= t) | (not options.get("is_causal", False))
                keep &= s < options.get("key_value_seq_lengths", [S, S])[b]
                if keep.any() and t < options.get("query_seq_lengths", [T, T])[b]:
                    shares = np.where(keep, np.exp(logits), 0)
                    out[b, t, n] = shares / shares.sum() @ V[b, :, n // (N // K)]
    return out


@pytest.mark.parametrize("name", list(OPTIONS))
def test_definition(name: str) -> None:
    found = nn.dot_product_attention(Q, KEY, V, **OPTIONS[name])
    np.testing.assert_allclose(raw(found), by_definition(OPTIONS[name]), rtol=1e-12, atol=1e-13)


def test_without_a_batch_axis_and_mapped() -> None:
    whole = raw(nn.dot_product_attention(Q, KEY, V))
    np.testing.assert_allclose(raw(nn.dot_product_attention(Q[0], KEY[0], V[0])), whole[0], rtol=1e-13)
    np.testing.assert_allclose(raw(vmap(nn.dot_product_attention)(Q, KEY, V)), whole, rtol=1e-13)
    out, rest = nn.dot_product_attention(Q, KEY, V, return_residual=True)
    logits = np.einsum("btnh,bsnh->btns", Q, np.repeat(KEY, N // K, 2)) * H**-0.5
    np.testing.assert_allclose(raw(rest), np.log(np.exp(logits).sum(-1)), rtol=1e-12)
    slope = grad(lambda q: nn.dot_product_attention(q, KEY, V, return_residual=True)[1].sum())(Q)
    assert not raw(slope).any()
    half = nn.dot_product_attention(*(x.astype(np.float16) for x in (Q, KEY, V)))
    assert half.dtype == np.float16
    np.testing.assert_allclose(raw(half), whole, rtol=2e-2, atol=2e-2)


def test_what_does_not_fit() -> None:
    for wrong in (
        lambda: nn.dot_product_attention(Q, KEY, V[:, :2]),
        lambda: nn.dot_product_attention(Q[:, :, :3], KEY, V),
        lambda: nn.dot_product_attention(Q.astype(np.float32), KEY, V),
        lambda: nn.dot_product_attention(Q, KEY, V, mask=np.ones((1, 1, T, S))),
        lambda: nn.dot_product_attention(Q, KEY, V, implementation="cudnn"),
    ):
        with pytest.raises(ValueError):
            wrong()
