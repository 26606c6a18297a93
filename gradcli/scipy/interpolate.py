"""Interpolation on a grid, by the names of ``jax.scipy.interpolate``."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from gradcli.engine.errors import fail
from gradcli.engine.trace.source import user_location
from gradcli.numpy import asarray, broadcast_arrays, clip, searchsorted, stack, where
from gradcli.numpy._base import value_error
from gradcli.scipy.stats._base import common_dtype
from gradcli.tree_util import register_pytree_node_class

__all__ = ["RegularGridInterpolator"]


@register_pytree_node_class
class RegularGridInterpolator:
    """Interpolation between ``values`` [n1, ..., nd, ...] on the grid of ``points``: d increasing vectors.

    method: ``linear`` or ``nearest``. fill_value: what is beyond the grid; None extrapolates.
    Raises ValueError for arguments that do not fit, NotImplementedError for ``bounds_error``.

    >>> import numpy as np
    >>> f = RegularGridInterpolator((np.array([0.0, 1.0, 3.0]),), np.array([0.0, 1.0, 9.0]))
    >>> print(f(np.array([0.5, 2.0])))
    [0.5 5. ]
    """

    def __init__(
        self, points: Any, values: Any, method: str = "linear", bounds_error: bool = False, fill_value: Any = math.nan
    ) -> None:
        if bounds_error:
            raise fail("G212", "RegularGridInterpolator has no bounds_error: values beyond are fill_value",
                       location=user_location(), cls=NotImplementedError)  # fmt: skip
        (values,) = common_dtype(values)
        grid = tuple(asarray(p) for p in points)
        if len(grid) > values.ndim or any(g.shape != (n,) for g, n in zip(grid, values.shape, strict=False)):
            raise value_error(f"the grid {[str(g.type) for g in grid]} does not fit the values {values.type}")
        self.method, self.bounds_error, self.grid, self.values = _known(method), bounds_error, grid, values
        self.fill_value = None if fill_value is None else asarray(fill_value)

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The arrays it is made of, and the rest."""
        return (self.grid, self.values, self.fill_value), (self.method, self.bounds_error)

    @classmethod
    def tree_unflatten(cls, aux: tuple[Any, ...], children: tuple[Any, ...]) -> RegularGridInterpolator:
        """The interpolator of these arrays."""
        out = cls.__new__(cls)
        (out.grid, out.values, out.fill_value), (out.method, out.bounds_error) = children, aux
        return out

    def __call__(self, xi: Any, method: str | None = None) -> Any:
        """The values at ``xi`` [..., d], or at a tuple of d arrays."""
        method = self.method if method is None else _known(method)
        d = len(self.grid)
        if isinstance(xi, tuple):
            xi = asarray(xi[0]) if len(xi) == 1 else stack(broadcast_arrays(*(asarray(x) for x in xi)), -1)
        xi = asarray(xi)
        xi = xi.reshape(-1, d) if xi.ndim == 1 else xi
        if xi.shape[-1] != d:
            raise value_error(f"the interpolator is of {d} dimensions, got points {xi.type}")
        flat = xi.reshape(-1, d)
        low, parts, outside = self._places(flat)
        result: Any = None
        for corner in product((0, 1), repeat=d):
            index = tuple(i + c for i, c in zip(low, corner, strict=True))
            weight: Any = 1.0
            for part, c in zip(parts, corner, strict=True):
                share = where(part <= 0.5, 0.0, 1.0) if method == "nearest" else part
                weight = weight * (share if c else 1 - share)
            value = self.values[index]
            term = weight.reshape(-1, *(1,) * (value.ndim - 1)) * value
            result = term if result is None else result + term
        if self.fill_value is not None:
            result = where(outside.reshape(-1, *(1,) * (result.ndim - 1)), self.fill_value, result)
        return result.reshape(*xi.shape[:-1], *self.values.shape[d:])

    def _places(self, xi: Any) -> tuple[list[Any], list[Any], Any]:
        """For each dimension the cell and the place in it, from 0 to 1; and which points are beyond the grid."""
        low, parts, outside = [], [], asarray(False)
        for k, g in enumerate(self.grid):
            x = xi[:, k]
            i = clip(searchsorted(g, x) - 1, 0, max(g.size - 2, 0))
            low.append(i)
            parts.append((x - g[i]) / (g[i + 1] - g[i]))
            outside = outside | (x < g[0]) | (x > g[-1])
        return low, parts, outside


def _known(method: str) -> str:
    if method not in ("linear", "nearest"):
        raise value_error(f"the method of RegularGridInterpolator is 'linear' or 'nearest', not {method!r}")
    return method
