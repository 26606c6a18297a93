"""``autograd.numpy.numpy_vjps``'s helpers, with which files write the rules of their own primitives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.compat.autogradnames.numpynames import metadata
from gradcli.compat.functions import function

Function = Callable[..., Any]
_sum, _reshape, _real, _where, _broadcast_to = map(function, "sum reshape real where broadcast_to".split())


def unbroadcast(x: Any, target_meta: Any, broadcast_idx: int = 0) -> Any:
    """The sum of a cotangent over the axes along which what it belongs to was repeated.

    target_meta: shape, number of axes, dtype and whether it is complex, of the operand; see :func:`metadata`.
    """
    shape, ndim, _, is_complex = target_meta
    while np.ndim(x) > ndim:
        x = _sum(x, axis=broadcast_idx)
    repeated = tuple(i for i, n in enumerate(shape) if n == 1)
    if repeated:
        x = _sum(x, axis=repeated, keepdims=True)
    return x if is_complex or not np.iscomplexobj(x) else _real(x)


def unbroadcast_f(target: Any, f: Function) -> Function:
    """``f`` with its result summed to the shape of ``target``."""
    meta = metadata(target)
    return lambda g: unbroadcast(f(g), meta)


def match_complex(target: Any, x: Any) -> Any:
    """``x`` as a real number, or as a complex one, as ``target`` is."""
    wanted, found = np.iscomplexobj(target), np.iscomplexobj(x)
    return _real(x) if found and not wanted else x + 0j if wanted and not found else x


def replace_zero(x: Any, val: Any) -> Any:
    """``x`` with ``val`` for its zeros."""
    return _where(x, x, val)


def balanced_eq(x: Any, z: Any, y: Any) -> Any:
    """1 where x alone equals z, 1/2 where y does too, 0 elsewhere."""
    return (x == z) / (1.0 + (x == y))


def repeat_to_match_shape(g: Any, shape: Any, dtype: Any, axis: Any, keepdims: bool) -> tuple[Any, Any]:
    """A cotangent of a reduction along ``axis``, repeated to the operand's shape, and how often it was."""
    if shape == ():
        return g, 1
    axes = range(len(shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    kept = list(shape)
    for i in axes:
        kept[i] = 1
    size = int(np.prod([shape[i] for i in axes]))
    return _broadcast_to(_reshape(g, tuple(kept)), shape), size


NAMES = ("balanced_eq", "match_complex", "metadata", "repeat_to_match_shape", "replace_zero", "unbroadcast",
         "unbroadcast_f")  # fmt: skip
