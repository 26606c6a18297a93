"""Pytrees as vectors, by the name of ``jax.flatten_util``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.custom import as_value
from gradcli.engine.ir.types import default_float, promote_types
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.elementwise import convert_element_type, real
from gradcli.engine.ops.shape import reshape
from gradcli.engine.tree import tree_flatten, tree_unflatten
from gradcli.numpy._base import type_error, value_error

__all__ = ["ravel_pytree"]


def ravel_pytree(pytree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All leaves as one vector (of their common dtype), and the function that makes a pytree of such a vector.

    The pytree that comes back has the shapes and dtypes of the first one. That function raises ValueError for a vector
    of another length and TypeError for another dtype.

    >>> flat, unravel = ravel_pytree({"a": np.ones((2, 1)), "b": 3.0})
    >>> print(flat, unravel(2 * flat)["b"])
    [1. 1. 3.] 6.0
    """
    leaves, tree = tree_flatten(pytree)
    types = [type_of(as_value(x)) for x in leaves]
    dtype = promote_types(*types)[0] if types else default_float()
    rows = [reshape(convert_element_type(as_value(x), dtype), (t.size,)) for x, t in zip(leaves, types, strict=True)]
    sizes = [math.prod(t.shape) for t in types]

    def unravel(flat: Any) -> Any:
        _checked(flat, sum(sizes), dtype)
        out, start = [], 0
        for t, n in zip(types, sizes, strict=True):
            part = reshape(slice_in_dim(as_value(flat), start, start + n, 0), t.shape)
            part = real(part) if dtype.kind == "c" and t.dtype.kind != "c" else part
            out.append(convert_element_type(part, t.dtype))
            start += n
        return tree_unflatten(tree, out)

    return (concatenate(rows, 0) if rows else as_value(np.zeros(0, dtype))), unravel


def _checked(flat: Any, size: int, dtype: Any) -> None:
    t = type_of(flat)
    if t.shape != (size,):
        raise value_error(f"unravel needs a vector of {size} elements, got {t}")
    if t.dtype != dtype:
        raise type_error(f"unravel needs a vector of dtype {dtype.name}, got {t}")
