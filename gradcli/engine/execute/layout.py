"""Where the rows of a block are: first, as in the arrays themselves, or last.

NumPy's inner loop runs along the last axis. Where that has a few elements the loop costs more than what it does; such
blocks have the rows last, so that every loop is as long as the block. Operands are copied into that order and results
out of it, which takes about as long as one operation.

A layout gives the source text of what depends on it. A value ``[rows, a, b]`` is ``[n, a, b]`` in a block of n rows, or
``[a, b, n]``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradcli.engine.ir.types import Shape

_FEW = 3  # elements of a row up to which they are copied out one by one


def _tuple(parts: Sequence[object]) -> str:
    return f"({''.join(f'{p}, ' for p in parts)})"


class RowsFirst:
    """Blocks are slices of the arrays."""

    last = False

    def order(self, ndim: int) -> list[int]:
        """The axes of an array in the order in which the block has them."""
        return list(range(ndim))

    def shape(self, rest: Shape, rows: str = "-1") -> str:
        """The shape of a block whose rows have the shape ``rest``."""
        return _tuple([rows, *rest])

    def moved(self, x: str, ndim: int) -> str:
        """An array in the order of the block."""
        return x

    def index(self, places: Sequence[str]) -> str:
        """An index, given for each axis of the array."""
        return f"[{', '.join(places[d] for d in self.order(len(places)))}]"

    def axes(self, axes: Sequence[int], ndim: int) -> Shape:
        """Where axes of the array are in the block."""
        order = self.order(ndim)
        return tuple(order.index(a) for a in axes)

    def cut(self, result: str) -> str:
        """The rows of a result that are in the order of the block."""
        return f"{result}[low:high]"

    def stores(self, target: str, x: str, rest: Shape) -> list[str]:
        """The statements that copy a block to the result's rows."""
        return [f"copyto({target}, {x})"]


class RowsLast(RowsFirst):
    """Blocks have the rows along their last axis."""

    last = True

    def order(self, ndim: int) -> list[int]:
        return [*range(1, ndim), 0][-ndim:] if ndim else []

    def shape(self, rest: Shape, rows: str = "-1") -> str:
        return _tuple([*rest, rows])

    def moved(self, x: str, ndim: int) -> str:
        return x if ndim < 2 else f"{x}.transpose{_tuple(self.order(ndim))}"

    def cut(self, result: str) -> str:
        return f"{result}[..., low:high]"

    def stores(self, target: str, x: str, rest: Shape) -> list[str]:
        if math.prod(rest) > _FEW:
            return [f"copyto({target}, {x}.transpose{_tuple([len(rest), *range(len(rest))])})"]
        places: list[Shape] = [()]
        for n in rest:
            places = [(*p, i) for p in places for i in range(n)]
        return [f"{target}[{_tuple([':', *p])[1:-1]}] = {x}[{_tuple(p)[1:-1]}]" for p in places]


ROWS_FIRST, ROWS_LAST = RowsFirst(), RowsLast()
