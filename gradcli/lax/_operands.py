"""Functions of the engine under the argument names that ``jax.lax`` gives them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.ops import cuts
from gradcli.engine.ops import reduce as r
from gradcli.engine.ops import shape as s

Function = Callable[..., Any]


def _operand_first(f: Function) -> Function:
    """``f``, whose first argument may also be given as ``operand``; ``out_sharding`` has no effect."""

    @functools.wraps(f)
    def run(operand: Any, *args: Any, out_sharding: Any = None, **kwargs: Any) -> Any:
        return f(operand, *args, **kwargs)

    return run


argmax, argmin = _operand_first(r.argmax), _operand_first(r.argmin)
cumlogsumexp, cumprod, cumsum = _operand_first(r.cumlogsumexp), _operand_first(r.cumprod), _operand_first(r.cumsum)
cummax, cummin = _operand_first(r.cummax), _operand_first(r.cummin)
reduce_and, reduce_or = _operand_first(r.reduce_and), _operand_first(r.reduce_or)
reduce_xor = _operand_first(r.reduce_xor)
reduce_max, reduce_min = _operand_first(r.reduce_max), _operand_first(r.reduce_min)
reduce_prod, reduce_sum = _operand_first(r.reduce_prod), _operand_first(s.reduce_sum)
broadcast_in_dim, pad = _operand_first(s.broadcast_in_dim), _operand_first(cuts.pad)
rev, slice, transpose = _operand_first(s.rev), _operand_first(cuts.slice), _operand_first(s.transpose)


def expand_dims(array: Any, dimensions: Any) -> Any:
    """Inserts dimensions of size 1 at these positions of the result."""
    return s.expand_dims(array, tuple(dimensions))


def squeeze(array: Any, dimensions: Any) -> Any:
    """Drops dimensions of size 1; negative ones count from the end."""
    ndim = type_of(array).ndim
    return s.squeeze(array, tuple(s.canonical_axis(d, ndim) for d in dimensions))
