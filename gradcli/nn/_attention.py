"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcli.engine.autodiff import stop_gradient
from gradcli.engine.ir.types import promote_types
from gradcli.nn._normalise import logsumexp, softmax
from gradcli.numpy import arange, asarray, einsum, moveaxis, where
from gradcli.numpy._base import value_error


def dot_product_attention(
    query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None, *, scale: Any = None,
    is_causal: bool = False, query_seq_lengths: Any = None, key_value_seq_lengths: Any = None,
    local_window_size: int | tuple[int, int] | None = None, implementation: str | None = None,
    return_residual: bool = False,
) -> Any:  # fmt: skip
    """``softmax(query key^T * scale + bias) value`` for each head (A. Vaswani and others, 2017).

    query: [b, t, n, h]; key and value: [b, s, k, h], each of the k heads being used by n / k of the query's; all
    without the leading axis too. bias, mask: broadcast to [b, n, t, s]; where the mask is False nothing is attended to.
    scale: default 1 / sqrt(h). is_causal: position i attends up to i. query_seq_lengths, key_value_seq_lengths: [b],
    what is behind is left out, and gives 0. local_window_size: how far to the left and right is attended to.
    return_residual: also the logarithm of the softmax's denominator [b, t, n], which has no derivative.
    implementation: ``xla`` or None, which are the same. Probabilities are in float32, float64 for float64 operands.
    Raises ValueError for shapes and dtypes that do not fit.
    """
    if implementation not in (None, "xla"):
        raise value_error(f"dot_product_attention has the implementation 'xla', not {implementation!r}")
    shape = asarray(query).shape
    query, key, value = (_four(x) for x in (query, key, value))
    mask, bias = (None if x is None else _four(x) for x in (mask, bias))
    _check(query, key, value, mask)
    (b, t, n, h), (s, k) = query.shape, key.shape[1:3]
    dtype = promote_types(query.type, asarray(np.float32(0)).type)[0]
    grouped = query.reshape(b, t, k, n // k, h).astype(dtype)
    logits = einsum("btkgh,bskh->bkgts", grouped, key.astype(dtype)).reshape(b, n, t, s)
    logits = logits * asarray(1.0 / math.sqrt(h) if scale is None else scale, dtype=dtype)
    if bias is not None:
        logits = (logits + bias).astype(dtype)
    allowed = _allowed(t, s, mask, is_causal, query_seq_lengths, key_value_seq_lengths, local_window_size)
    if allowed is not None:
        logits = where(allowed, logits, dtype.type(-0.7 * float(np.finfo(np.float32).max)))
    shares = softmax(logits, axis=-1).astype(key.dtype).reshape(b, k, n // k, t, s)
    out = einsum("bkgts,bskh->btkgh", shares, value).reshape(b, t, n, h)
    if query_seq_lengths is not None:
        out = where((arange(t) < asarray(query_seq_lengths)[:, None])[:, :, None, None], out, 0)
    if not return_residual:
        return out.reshape(shape)
    rest = moveaxis(logsumexp(logits, axis=-1).astype(key.dtype), 1, 2)
    return out.reshape(shape), stop_gradient(rest.reshape(shape[:-1]))


def _four(x: Any) -> Any:
    x = asarray(x)
    return x.reshape((1,) * (4 - x.ndim) + x.shape) if x.ndim < 4 else x


def _check(query: Any, key: Any, value: Any, mask: Any) -> None:
    b, _, k, h = key.shape
    if value.shape != key.shape or value.dtype != key.dtype:
        raise value_error(f"the value must be like the key, {key.type}, got {value.type}")
    if query.dtype != key.dtype or query.shape[0] != b or query.shape[3] != h or query.shape[2] % k:
        raise value_error(f"the query must fit the key, {key.type}, in dtype, batch, size and heads, got {query.type}")
    if mask is not None and mask.dtype != bool:
        raise value_error(f"the mask of dot_product_attention must be bool, got {mask.type}")


def _allowed(t: int, s: int, mask: Any, causal: bool, queries: Any, keys: Any, window: Any) -> Any:
    """Where is attended to, broadcasting to [b, n, t, s]; None: everywhere."""
    here, there = np.arange(t)[:, None], np.arange(s)
    found = [] if mask is None else [mask]
    if causal:
        found.append(there <= here)
    if window is not None:
        left, right = (window, window) if isinstance(window, int) else window
        found.append((here <= there + left) & (here >= there - right))
    if queries is not None:
        found.append(here < asarray(queries)[:, None, None, None])
    if keys is not None:
        found.append(there < asarray(keys)[:, None, None, None])
    out: Any = None
    for part in found:
        out = asarray(part) if out is None else out & part
    return out
