"""``np.nditer`` as a plain file uses it, over arrays that may hold traced values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradcli.compat import protocols
from gradcli.compat.boxes import boxed, boxing
from gradcli.compat.buffer import Buffer
from gradcli.compat.functions import TRACED, function, scan


class Iteration:
    """``np.nditer``: the elements of arrays together, each a view of no dimensions, in the order that NumPy takes."""

    def __init__(
        self, op: Any, flags: Sequence[str] = (), op_flags: Any = None, op_dtypes: Any = None, order: Any = "K",
        *_: Any, **__: Any,
    ) -> None:  # fmt: skip
        several = isinstance(op, (list, tuple))
        if "external_loop" in flags:
            raise protocols.unsupported("numpy.nditer with external_loop")
        given = [None if x is None else function("asarray")(x) for x in (op if several else [op])]
        form = np.broadcast_shapes(*[x.shape for x in given if x is not None])
        arrays = [boxed(np.zeros(form)) if x is None else x for x in given]
        self.operands = tuple([x if x.shape == form else function("broadcast_to")(x, form) for x in arrays])
        self.shape, self.ndim, self.several = form, len(form), several
        self.has_multi_index, self.has_index = "multi_index" in flags, bool({"c_index", "f_index"} & set(flags))
        self._fortran = "f_index" in flags
        skeletons = [x.skeleton if isinstance(x, Buffer) else np.asarray(x) for x in self.operands]
        walk = np.nditer(skeletons, ["multi_index", "zerosize_ok"], order=order)
        self._places: list[tuple[int, ...]] = [walk.multi_index for _ in walk]
        self.itersize, self.iterindex = len(self._places), 0

    @property
    def finished(self) -> bool:
        """Whether all elements have been visited."""
        return self.iterindex >= self.itersize

    @property
    def multi_index(self) -> tuple[int, ...]:
        """The place of the present elements."""
        return self._places[self.iterindex]

    @property
    def index(self) -> int:
        """The place of the present elements, counted in C or Fortran order."""
        return int(np.ravel_multi_index(self.multi_index, self.shape, order="F" if self._fortran else "C"))

    @property
    def value(self) -> Any:
        """The present elements: one array, or a tuple of them."""
        items = tuple([x[(*self.multi_index, ...)] for x in self.operands])
        return items if self.several else items[0]

    def iternext(self) -> bool:
        """Goes on to the next elements; whether there are any."""
        self.iterindex += 1
        return not self.finished

    def reset(self) -> None:
        """Starts again."""
        self.iterindex = 0

    def close(self) -> None:
        """Ends the iteration."""
        self.iterindex = self.itersize

    def __iter__(self) -> Iterator[Any]:
        while not self.finished:
            yield self.value
            self.iterindex += 1

    def __getitem__(self, i: int) -> Any:
        return self.operands[i][(*self.multi_index, ...)]

    def __setitem__(self, i: int, value: Any) -> None:
        self.operands[i][self.multi_index] = value

    def __len__(self) -> int:
        return len(self.operands)

    def __enter__(self) -> Iteration:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def nditer(op: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.nditer``."""
    return (Iteration if boxing() or scan(op) == TRACED else np.nditer)(op, *args, **kwargs)
