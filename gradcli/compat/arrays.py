"""The methods of NumPy's arrays that give views, and those that change the array: what a buffer has besides its store.

They are written with what :class:`gradcli.compat.buffer.Buffer` has: ``root``, ``data``, ``read`` and ``assign``.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.boxes import MAKERS, Boxed, attribute, boxed, operand, unboxed
from gradcli.compat.indices import numpy_index, settled
from gradcli.compat.places import owner_of
from gradcli.engine.array import Value
from gradcli.engine.errors import fail
from gradcli.engine.trace.source import user_location


class ArrayMethods(Boxed):
    """Methods of an array in ``data`` or, once something traced is in it, in the ``value`` of its ``root``."""

    __slots__ = ()
    root: Any
    data: Any
    skeleton: Any

    def __init__(self, value: Value | None, data: Any = None, root: Any = None) -> None:
        raise NotImplementedError

    def assign(self, new: Any) -> None:
        """``self[...] = new``."""
        raise NotImplementedError

    def become_other(self, value: Value | None, data: Any) -> None:
        """Holds other memory from now on."""
        raise NotImplementedError

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: Any, value: Any) -> None:
        raise NotImplementedError

    def __iter__(self) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        return attribute(self, name)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The view with its axes reversed."""
        return type(self)(None, self.skeleton.T, self.root)

    @property
    def flat(self) -> Any:
        """Its elements in order, which can be changed."""
        return self.reshape(-1) if self.skeleton.flags.c_contiguous else Flat(self)

    def item(self, *index: int) -> Any:
        """A single element; a traced one stays traced."""
        if index:
            return self.reshape(-1)[index[0]] if len(index) == 1 else self[index]
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self[(0,) * self.ndim]

    def tolist(self) -> Any:
        """Nested lists of its elements; traced ones stay traced."""
        return self.data.tolist() if self.root.value is None else [x.tolist() for x in self]

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        """A view of another shape where NumPy would give one, else a copy."""
        return self.laid_out("reshape", shape[0] if len(shape) == 1 else shape, order=order)

    def ravel(self, order: Any = "C") -> Any:
        """One-dimensional: a view where NumPy would give one, else a copy."""
        return self.laid_out("ravel", order=order)

    def laid_out(self, name: str, *args: Any, **options: Any) -> Any:
        """What a function of NumPy's that may give a view gives."""
        args = unboxed(args)
        part = getattr(np, name)(self.skeleton, *args, **options)
        if owner_of(part) is owner_of(self.root.skeleton):
            return type(self)(None, part, self.root)
        if self.root.value is None:
            return type(self)(None, part)
        made = boxed(getattr(gnp, name)(self.read(), *args, **options))
        made.data = part  # says how NumPy's copy lies
        return made

    def transpose(self, *axes: Any) -> Any:
        """The view with its axes permuted."""
        return type(self)(None, self.skeleton.transpose(*axes), self.root)

    def swapaxes(self, a: int, b: int) -> Any:
        """The view with two axes exchanged."""
        return type(self)(None, self.skeleton.swapaxes(a, b), self.root)

    def squeeze(self, axis: Any = None) -> Any:
        """The view without axes of length 1."""
        return type(self)(None, self.skeleton.squeeze(axis), self.root)

    def view(self, *kind: Any) -> Any:
        """The same array once more."""
        if kind and kind[0] is not np.ndarray:
            raise fail(
                "G212", "a.view(dtype) is not supported on traced values", hint="convert with a.astype(dtype)",
                location=user_location(), cls=NotImplementedError,
            )  # fmt: skip
        return type(self)(None, self.skeleton[...], self.root)

    def copy(self, order: Any = "C") -> Any:
        """A copy."""
        value = self.read()
        if isinstance(value, Value):
            return MAKERS["like"](value, (self,), order)
        return type(self)(None, value.copy(order))

    def __copy__(self) -> Any:
        return self.copy("K")

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy("K")

    def flatten(self, order: Any = "C") -> Any:
        """A one-dimensional copy."""
        return self.copy().ravel(order)

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """A copy in another dtype."""
        value = self.read()
        return MAKERS["like"](value.astype(np.dtype(dtype)), (self,))

    def fill(self, value: Any) -> None:
        """Puts one value everywhere."""
        self[...] = value

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        """Sorts in place."""
        value = self.read()
        self.assign(gnp.sort(value, axis) if isinstance(value, Value) else np.sort(value, axis))

    def resize(self, *shape: Any, refcheck: bool = True) -> None:
        """Another shape in place, of which zeros fill what is new. Raises ValueError for a view."""
        if self.root is not self:
            raise ValueError("cannot resize this array: it does not own its data")
        form = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        size, value = math.prod(form), self.read()
        if isinstance(value, Value):
            flat = gnp.ravel(value)[:size]
            self.become_other(gnp.reshape(gnp.pad(flat, (0, size - flat.shape[0])), tuple(form)), None)
        else:
            data = value.copy()
            data.resize(form, refcheck=False)
            self.become_other(None, data)

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Puts values at indices of the flat array."""
        flat = numpy_index(settled(indices))
        n = np.size(flat)
        parts = np.unravel_index(np.mod(np.reshape(flat, -1), self.size), self.shape)
        new = operand(values)
        self[parts] = boxed(gnp.resize(new, n)) if isinstance(new, Value) and new.size != 1 else new

    # --- in-place operators -------------------------------------------------------------------------------------------

    def become(self, name: str, other: Any) -> Any:
        """``self += other`` and its kin."""
        b = operand(other)
        if self.root.value is None and not isinstance(b, Value):
            _IN_PLACE[name](self.data, b)
            return self
        result = getattr(self, f"__{name}__")(other)
        if result is NotImplemented:
            raise TypeError(f"unsupported operand for an array: {type(other).__name__}")
        if result.shape != self.shape:
            raise ValueError(
                f"non-broadcastable output operand with shape {self.shape} doesn't match the broadcast shape "
                f"{result.shape}"
            )
        self.assign(result.read())
        return self


class Flat:
    """``a.flat`` of an array whose elements lie in another order."""

    def __init__(self, array: ArrayMethods) -> None:
        self.base = array

    def _places(self, index: Any) -> Any:
        return np.unravel_index(np.arange(self.base.size)[unboxed(index)], self.base.shape)

    def __getitem__(self, index: Any) -> Any:
        return self.base[self._places(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        self.base[self._places(index)] = value

    def __iter__(self) -> Any:
        return iter(self.base.flatten())

    def __len__(self) -> int:
        return self.base.size

    def copy(self) -> Any:
        """A one-dimensional copy."""
        return self.base.flatten()


_IN_PLACE = {
    name: getattr(operator, f"__i{name}__")
    for name in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
}
for _name in _IN_PLACE:
    setattr(ArrayMethods, f"__i{_name}__", lambda self, other, name=_name: self.become(name, other))
