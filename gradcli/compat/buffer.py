"""Arrays that a plain NumPy file changes in place, over values that cannot be changed.

A buffer is an ordinary NumPy array until something traced is put into it or a view of it. From then on the buffer that
owns the memory holds a functional value, which assignments replace; its NumPy array only says how views lie in it.
Single rows and elements that were put there are kept as they are (*cells*): a loop that fills an array and reads what
it has put there records no scatter and no gather, and the array is made of its cells at once where it is needed whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.arrays import ArrayMethods
from gradcli.compat.boxes import MAKERS, Number, boxed, operand
from gradcli.compat.indices import (
    has_traced,
    integers,
    is_basic,
    is_mask,
    is_truth,
    numpy_index,
    settled,
    spread,
    within,
)
from gradcli.compat.places import Index, Place, address, locate, shape_at
from gradcli.engine.array import Array, Value, raw
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import canonical_dtype
from gradcli.engine.trace.source import user_location

_NONE: dict[Index, Any] = {}  # shared by all buffers without cells, and never added to
_NOTHING: set[Index] = set()


class Buffer(ArrayMethods):
    """An array. ``root`` owns the memory; ``value``, ``cells`` and ``version`` mean something for a root only."""

    __slots__ = ("cells", "copies", "data", "dirty", "lead", "place", "pristine", "root", "seen", "value", "version")

    def __init__(self, value: Value | None, data: Any = None, root: Buffer | None = None) -> None:
        self.value, self.data = value, data
        self.root: Buffer = self if root is None else root
        self.version = self.lead = 0
        self.cells: dict[Index, Any] = _NONE
        self.dirty: set[Index] = _NOTHING
        self.pristine = False
        self.place: Place | None = None
        self.seen: tuple[int, Any] | None = None  # what was read, and at which version
        self.copies: dict[Any, Any] | None = None  # of a root: what was frozen of it and its views

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        found: tuple[int, ...] = self.value.type.shape if self.data is None else self.data.shape  # type: ignore[union-attr]
        return found

    @shape.setter
    def shape(self, shape: Any) -> None:
        if self.root is not self or self.value is not None:
            raise fail(
                "G214", "the shape of a traced array cannot be assigned", hint="write a = a.reshape(shape)",
                location=user_location(), cls=AttributeError,
            )  # fmt: skip
        self.data.shape = shape

    @property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]
        """The NumPy dtype."""
        value = self.root.value
        found: np.dtype[Any] = self.data.dtype if value is None else value.type.dtype
        return found

    @property
    def ndim(self) -> int:  # type: ignore[override]
        """The number of dimensions."""
        return len(self.shape)

    @property
    def skeleton(self) -> Any:
        """A NumPy array of its shape, with the layout that its views are found by."""
        if self.data is None:
            self.data = np.empty(self.shape, self.dtype)
        return self.data

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self) -> Any:
        """The present value: one of the engine, or the NumPy array while nothing traced is in it."""
        root = self.root
        if root.value is None:
            return self.data
        if root is self:
            return self.whole() if self.dirty else self.value
        if not self.data.size:
            return gnp.zeros(self.data.shape, self.dtype)
        if self.seen is None or self.seen[0] != root.version:
            found = self.where().read(root.at)
            self.seen = (root.version, found if isinstance(found, Value) else gnp.asarray(found))
        return self.seen[1]

    def frozen(self) -> Any:
        """The present value for the engine: of a NumPy array, a copy that is made again only where it has changed."""
        if self.root.value is not None:
            return self.read()
        root, data = self.root, self.data
        if root.copies is None:
            root.copies = {}
        key = (address(data), data.shape, data.strides)
        before = root.copies.get(key)
        if before is not None and _same(before[0], data):
            return before[1]
        copy = np.array(data)
        root.copies[key] = (copy, Array(raw(copy)))
        return root.copies[key][1]

    def where(self) -> Place:
        """Its place in the root."""
        if self.place is None:
            self.place = locate(self.root.skeleton, self.data)
        return self.place

    def whole(self) -> Any:
        """The value of a root, with all cells in it."""
        if self.dirty:
            self.value = self._pieced() if self.pristine else self._merged()
            self.dirty = _NOTHING
            self.pristine = False
        return self.value

    def _merged(self) -> Any:
        value, keys = self.value, sorted(self.dirty)
        assert value is not None
        rows = [self.cells[key] for key in keys]
        if len(keys) == np.prod(value.shape[: self.lead]):
            stacked = gnp.stack(rows)
            return gnp.reshape(stacked, value.shape) if self.lead > 1 else stacked
        if len(keys) == 1:
            return value.at[keys[0]].set(rows[0])
        return value.at[tuple(np.array(part) for part in zip(*keys, strict=True))].set(gnp.stack(rows))

    def _pieced(self) -> Any:
        """The cells, with what the array held before between them: constants need no scatter."""
        shape = self.shape
        lead, rest = shape[: self.lead], shape[self.lead :]
        before = np.array(self.data, canonical_dtype(self.data.dtype)).reshape((-1, *rest))
        traced = []
        for key in sorted(self.dirty):
            cell = self.cells[key]
            flat = int(np.ravel_multi_index(key, lead))
            if isinstance(cell, Value):
                traced.append((flat, cell))
            else:
                before[flat] = cell
        pieces, done = [], 0
        for flat, cell in traced:
            if flat > done:
                pieces.append(before[done:flat])
            pieces.append(gnp.reshape(cell, (1, *rest)))
            done = flat + 1
        if done < len(before):
            pieces.append(before[done:])
        joined = gnp.concatenate(pieces) if len(pieces) > 1 else gnp.asarray(pieces[0])
        return joined if len(lead) == 1 else gnp.reshape(joined, shape)

    def at(self, index: Index) -> Any:
        """The value of a traced root at an index."""
        key, rest = index[: self.lead], index[self.lead :]
        if self.pristine and not self.cells:
            return np.array(self.data[index])[()] if index else self.value
        if self.cells and len(index) >= self.lead and all(type(i) is int for i in key):
            if key in self.cells:
                cell = self.cells[key]
                return cell[rest] if rest else cell
            if self.pristine:
                return np.array(self.data[index])[()]
            return self.value[index]  # type: ignore[index]
        whole = self.whole()
        return whole[index] if index else whole

    def __getitem__(self, index: Any) -> Any:
        root = self.root
        if type(index) is int and root is self and self.value is not None and not self.pristine and not self.cells:
            shape = self.value.type.shape  # the quick way
            if shape and -shape[0] <= index < shape[0]:
                return Number(self.value[index]) if len(shape) == 1 else self._row(index)
        if is_basic(index):
            if root.value is None:
                found = self.data[index]
                return Buffer(None, found, root) if type(found) is np.ndarray else found
            key = integers(index, self.shape)
            if key is None or len(key) < len(self.shape):
                view = Buffer(None, self.skeleton[index], root)
                if root is self:
                    view.place = Place(key or (index if type(index) is tuple else (index,)), None, None)
                return view
            if root is self:
                return boxed(root.at(key))
            return boxed(locate(root.skeleton, self.data[(*key, Ellipsis)]).read(root.at))
        index = settled(index)
        if is_truth(index):
            return self.copy()[None, ...][() if index else np.zeros(0, np.intp)]
        if root.value is None and not has_traced(index):
            return boxed(self.data[numpy_index(index)])
        return boxed(gnp.asarray(self.frozen())[within(index, self.shape)])

    def _row(self, index: int) -> Buffer:
        view = Buffer(None, self.skeleton[index], self)
        view.place = Place((index % len(self.skeleton),), None, None)
        return view

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    # --- writing ------------------------------------------------------------------------------------------------------

    def __setitem__(self, index: Any, value: Any) -> None:
        root, basic = self.root, is_basic(index)
        if basic and type(value) is Buffer and self._same_place(index, value):
            return  # a[i] += b: the view has changed already
        new = operand(value)
        if new is NotImplemented:
            raise TypeError(f"cannot put a {type(value).__name__} into an array")
        index = index if basic else settled(index, mask=not np.shape(new))
        if is_truth(index):
            if not index:
                return
            index, basic = ..., True
        if root.value is None and not isinstance(new, Value) and not has_traced(index):
            self.data[numpy_index(index)] = new
            return
        new = self.fitting(new)
        root.promote()
        if basic:
            self._put(index, new)
        else:
            self._put_advanced(index, new)

    def _same_place(self, index: Any, value: Buffer) -> bool:
        if value.root is not self.root or value.root is value:
            return False
        part = self.skeleton[index]
        if type(part) is not np.ndarray or part.shape != value.data.shape or part.strides != value.data.strides:
            return False
        return bool(part.__array_interface__["data"] == value.data.__array_interface__["data"])

    def _put(self, index: Any, new: Any) -> None:
        """``self[index] = new`` for a basic index."""
        root = self.root
        key = integers(index, self.shape) if root is self else None
        if key:
            root.write(key, spread(new, self.shape[len(key) :]))
            return
        index = index if type(index) is tuple else (index,)
        part = self.skeleton[index if Ellipsis in index else (*index, Ellipsis)]  # an array, never an element
        if part.size:
            place = locate(root.skeleton, part)
            root.write(place.index, place.prepare(spread(new, part.shape), shape_at(root.shape, place.index)))

    def _put_advanced(self, index: Any, new: Any) -> None:
        value = self.read()
        if is_mask(index) and not np.shape(new):
            mask = gnp.reshape(index, index.shape + (1,) * (value.ndim - index.ndim))
            self.assign(gnp.where(mask, new, value))
        else:
            self.assign(gnp.asarray(value).at[within(index, self.shape)].set(new))

    def write(self, index: Index, new: Any) -> None:
        """Puts a value of the right shape and dtype into a traced root."""
        self.version += 1
        if index and all(type(i) is int for i in index):
            if self.cells and self.lead != len(index):
                self.forget()
            if not self.cells:
                self.cells, self.dirty, self.lead = {}, set(), len(index)
            elif not self.dirty:
                self.dirty = set()
            self.cells[index] = new
            self.dirty.add(index)
        elif index:
            self.forget()
            self.pristine = False
            self.value = self.value.at[index].set(new)  # type: ignore[union-attr]
        else:
            self.cells, self.dirty, self.pristine = _NONE, _NOTHING, False
            self.value = gnp.asarray(new)

    def forget(self) -> None:
        """Puts all cells into the value and keeps none."""
        self.whole()
        self.cells = _NONE

    def promote(self) -> None:
        """Makes the root one with a functional value; while it is ``pristine``, the array has the value's constants."""
        if self.value is None:
            if not self.data.flags.writeable:
                raise ValueError("assignment destination is read-only")
            self.pristine = True
            data = self.data
            first = data.flat[0] if data.size else 0
            same = data.size and bool((data == first).all())
            dtype = canonical_dtype(data.dtype)
            self.value = gnp.full(data.shape, first, dtype) if same else Array(raw(np.array(data)))
            self.version += 1

    def assign(self, new: Any) -> None:
        """``self[...] = new``, traced or not."""
        root = self.root
        if root.value is None and not isinstance(new, Value):
            self.data[...] = new
            return
        new = self.fitting(new)
        root.promote()
        if root is self:
            root.write((), spread(new, self.shape))
        elif self.data.size:
            place = self.where()
            root.write(place.index, place.prepare(spread(new, self.shape), shape_at(root.shape, place.index)))

    def become_other(self, value: Value | None, data: Any) -> None:
        """Holds other memory from now on."""
        self.value, self.data = value, data
        self.cells, self.dirty, self.pristine = _NONE, _NOTHING, False
        self.version, self.place, self.seen, self.copies = self.version + 1, None, None, None

    def fitting(self, new: Any) -> Any:
        """A value in the dtype of this array. Raises G214 where a traced one would lose its fraction."""
        target = canonical_dtype(self.dtype)
        if not isinstance(new, Value):
            return np.asarray(new).astype(target, casting="unsafe")[()]
        if new.dtype != target:
            rank = "biufc".index
            if rank(new.dtype.kind) > max(rank(target.kind), rank("u")):
                raise truncating(new, target)
            new = new.astype(target)
        return new


def truncating(new: Value, target: np.dtype[Any]) -> Exception:
    """The error for a traced float that an array of integers cannot hold."""
    error: Exception = fail(
        "G214", f"a traced {new.type} cannot be put into an array of {target.name}: it would be cut to a whole number, "
        "and its derivative lost", location=user_location(), cls=TypeError,
        hint="give the array dtype=float where it is made, or write 0.0 for 0 in it",
    )  # fmt: skip
    return error


def _same(a: Any, b: Any) -> bool:
    equal = a == b
    return bool(equal.all()) or (a.dtype.kind in "fc" and bool((equal | ((a != a) & (b != b))).all()))


def _buffer(x: Any) -> Any:
    if isinstance(x, Value):
        return Buffer(x)
    if x.flags.writeable and min(x.strides, default=1) <= 0:
        x = np.array(x)  # places are found by strides that count upwards
    return Buffer(None, x)


def _turned(a: Any) -> bool:
    """Whether its elements lie in another order than its axes."""
    steps = [abs(step) for step, n in zip(a.strides, a.shape, strict=True) if n > 1]
    return any(before < after for before, after in itertools.pairwise(steps))


def laid_like(out: Any, operands: Sequence[Any], order: Any = "K") -> Any:
    """A result of an elementwise operation, in NumPy's layout: whether ``ravel`` is a view of it depends on that."""
    made = boxed(out)
    if type(made) is not Buffer or made.data is not None or made.ndim < 2 or order == "C":
        return made
    if order == "F":
        made.data = np.empty(made.shape, made.dtype, "F")
    elif any(type(x) is Buffer and x.data is not None and _turned(x.data) for x in operands):
        arrays = [x.skeleton if type(x) is Buffer else x for x in operands if type(x) in (Buffer, np.ndarray)]
        flags: Any = [*[["readonly"]] * len(arrays), ["writeonly", "allocate"]]
        kinds = [*[None] * len(arrays), made.dtype]
        made.data = np.nditer([*arrays, None], ["zerosize_ok"], flags, kinds).operands[-1]
    return made


MAKERS["buffer"] = _buffer
MAKERS["like"] = laid_like
