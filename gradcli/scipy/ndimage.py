"""Interpolation between the elements of an array, by the names of ``jax.scipy.ndimage``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from gradcli.engine.errors import fail
from gradcli.engine.ops import elementwise as e
from gradcli.engine.trace.source import user_location
from gradcli.numpy import abs, asarray, clip, floor, floor_divide, where
from gradcli.numpy._base import value_error

__all__ = ["map_coordinates"]


def _mirrored(index: Any, size: int) -> Any:
    if size == 1:
        return index * 0
    return abs((index + size - 1) % (2 * (size - 1)) - (size - 1))


_BORDERS: dict[str, Callable[[Any, int], Any]] = {
    "constant": lambda index, size: clip(index, 0, size - 1),
    "nearest": lambda index, size: clip(index, 0, size - 1),
    "wrap": lambda index, size: index % size,
    "mirror": _mirrored,
    "reflect": lambda index, size: floor_divide(_mirrored(2 * index + 1, 2 * size + 1) - 1, 2),
}


def map_coordinates(input: Any, coordinates: Sequence[Any], order: int, mode: str = "constant", cval: Any = 0.0) -> Any:
    """The values of ``input`` at coordinates between its elements, one array of them an axis; differentiable in both.

    order: 0 takes the nearest element, 1 interpolates linearly. mode: what is beyond the edge: ``constant`` (``cval``),
    ``nearest``, ``wrap``, ``mirror`` or ``reflect``. Raises ValueError unless there is one array an axis,
    NotImplementedError for other orders and modes.

    >>> import numpy as np
    >>> print(map_coordinates(np.array([0.0, 1.0, 4.0]), [np.array([0.5, 1.5])], 1))
    [0.5 2.5]
    """
    array, places = asarray(input), [asarray(c) for c in coordinates]
    if len(places) != array.ndim:
        raise value_error(f"map_coordinates needs {array.ndim} arrays of coordinates, got {len(places)}")
    if mode not in _BORDERS or order not in (0, 1):
        raise fail("G212", f"map_coordinates has no mode {mode!r} with order {order!r}", location=user_location(),
                   hint=f"orders are 0 and 1, modes {', '.join(_BORDERS)}", cls=NotImplementedError)  # fmt: skip
    fill = asarray(cval, dtype=array.dtype)
    total: Any = None
    for corner in product(*(_nodes(c, order) for c in places)):
        index = tuple(_BORDERS[mode](i, n) for (i, _), n in zip(corner, array.shape, strict=True))
        value = array[index]
        if mode == "constant":
            inside: Any = True
            for (i, _), n in zip(corner, array.shape, strict=True):
                inside = inside & (i >= 0) & (i < n)
            value = where(inside, value, fill)
        for _, weight in corner:
            value = value if weight is None else weight * value
        total = value if total is None else total + value
    if array.dtype.kind in "iu" and total.dtype.kind == "f":
        total = e.round(total)
    return e.convert_element_type(total, array.dtype)


def _nodes(place: Any, order: int) -> list[tuple[Any, Any]]:
    """The indices that count for a coordinate, and their weights (None: 1)."""
    small = np.dtype(np.int32)
    if order == 0:
        nearest = place if place.dtype.kind in "iu" else e.round(place)
        return [(asarray(e.convert_element_type(nearest, small)), None)]
    if place.dtype.kind in "iu":
        place = place.astype(float)
    low = floor(place)
    index, part = asarray(e.convert_element_type(low, small)), place - low
    return [(index, 1 - part), (index + 1, part)]
