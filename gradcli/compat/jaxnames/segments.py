"""``jax.ops``: reductions of the rows that have the same number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.engine.array import raw, type_of


def _lowest(dtype: np.dtype[Any], sign: int) -> Any:
    if dtype.kind == "f":
        return -np.inf * sign
    if dtype.kind == "b":
        return sign < 0
    limits = np.iinfo(dtype)
    return limits.min if sign > 0 else limits.max


_NEUTRAL: dict[str, Callable[[np.dtype[Any]], Any]] = {
    "add": lambda dtype: 0, "multiply": lambda dtype: 1, "max": lambda dtype: _lowest(dtype, 1),
    "min": lambda dtype: _lowest(dtype, -1),
}  # fmt: skip


def _segments(method: str, name: str) -> Callable[..., Any]:
    def apply(
        data: Any, segment_ids: Any, num_segments: int | None = None, indices_are_sorted: bool = False,
        unique_indices: bool = False, bucket_size: int | None = None, mode: Any = None,
    ) -> Any:  # fmt: skip
        x, ids = gnp.asarray(data), gnp.asarray(segment_ids)
        n = int(np.max(raw(ids), initial=-1)) + 1 if num_segments is None else num_segments
        t = type_of(x)
        start = gnp.full((n, *t.shape[1:]), _NEUTRAL[method](t.dtype), t.dtype)
        # A negative number means no segment at all, not one counted from the end.
        return getattr(start.at[gnp.where(ids < 0, n, ids)], method)(x, mode="drop")

    apply.__name__ = name
    apply.__doc__ = (
        f"The {name.removeprefix('segment_')} of the rows of ``data`` by ``segment_ids``: row i of the result is that "
        "of segment i. Rows whose number is no segment are left out."
    )
    return apply


segment_sum = _segments("add", "segment_sum")
segment_prod = _segments("multiply", "segment_prod")
segment_max = _segments("max", "segment_max")
segment_min = _segments("min", "segment_min")
