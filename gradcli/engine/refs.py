"""Refs: mutable arrays, read and written in place by indexing.

Programs have no memory to write to, so a ref is its present value: a read takes a part of it, a write replaces it.
While a trace is open, a ref that was made outside of it has a value of its own there, which starts as the one outside.
Where it was written inside, the value has to come out again: :class:`RefsWritten` tells whoever traces a function that
it writes to refs from around it, and :func:`threaded` is the same function with their values as an argument and a
result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn

import numpy as np

from gradcli.engine.array import Array, Value, is_value, not_an_array, type_of
from gradcli.engine.control.common import trace_tree
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType, Shape, array_type, canonical_dtype, promote_types
from gradcli.engine.ops.elementwise import convert_element_type
from gradcli.engine.ops.shape import zeros
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import STATE, Trace, trace_program
from gradcli.engine.tree import TreeDef, register_pytree_node, tree_flatten, tree_map

Function = Callable[..., Any]


class RefsWritten(ValueError):
    """A function that is traced writes to ``refs`` from around it."""

    refs: list[Ref]


class _Use:
    """The value that a ref has in one trace. ``kept``: whoever traces knows of it, and takes it out."""

    __slots__ = ("kept", "value", "written")

    def __init__(self, value: Any, kept: bool = False) -> None:
        self.value, self.kept, self.written = value, kept, False


class Ref:
    """A mutable array. ``ref[index]`` reads, ``ref[index] = value`` writes; there is no arithmetic on refs.

    >>> ref = new_ref(np.zeros(3))
    >>> ref[1] += 2.0
    >>> ref
    Ref([0., 2., 0.], dtype=float64)
    """

    __slots__ = ("__weakref__", "_home", "_own", "type")
    __array_priority__ = 1000
    __array_ufunc__ = None
    exist = False  # whether there are any: what handles them is skipped before the first

    def __init__(self, value: Any) -> None:
        Ref.exist = True
        self.type: ArrayType = type_of(value)
        self._home, self._own = _current(), _Use(value, True)

    @property
    def shape(self) -> Shape:
        """The shape."""
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.type.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.type.size

    @property
    def aval(self) -> AbstractRef:
        """The type, by JAX's name for it."""
        return AbstractRef(self.type)

    @property
    def value(self) -> Any:
        """What the ref holds here."""
        return self._use(_current()).value

    def put(self, value: Any) -> None:
        """Replaces all that the ref holds."""
        use = self._use(_current())
        use.value, use.written = value, True

    def _use(self, trace: Trace | None) -> _Use:
        if trace is self._home:
            return self._own
        if trace is None:
            raise fail("G202", "a ref was used after the trace that it was made in had ended", cls=RuntimeError,
                       location=user_location(), hint="freeze it there, and return its value")  # fmt: skip
        if trace.refs is None:
            trace.refs = {}
        found: _Use | None = trace.refs.get(self)
        if found is None:
            found = trace.refs[self] = _Use(self._use(_outside(trace)).value)
        return found

    def __getitem__(self, index: Any) -> Any:
        if _is_whole(index):
            return self.value
        _part_type(self.type, index)
        return self.value[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        swap(self, index, value)

    def addupdate(self, value: Any, index: Any = ...) -> None:
        """Adds to a part."""
        addupdate(self, index, value)

    def __len__(self) -> int:
        if not self.type.shape:
            raise TypeError("len() of unsized object")
        return self.type.shape[0]

    def __repr__(self) -> str:
        value = self.value
        if type(value) is not Array:
            return repr(self.aval)
        text = np.array2string(np.asarray(value.value), separator=", ", prefix="Ref(")
        weak = ", weak_type=True" if value.weak_type else ""
        return f"Ref({text}, dtype={self.dtype.name}{weak})"


# Structures hold the refs themselves: a function that gets one as an argument has it from around it.
register_pytree_node(Ref, lambda ref: ((), ref), lambda ref, _: ref)


class AbstractRef:
    """The type of a ref."""

    def __init__(self, inner_aval: ArrayType) -> None:
        self.inner_aval = inner_aval
        self.shape, self.dtype, self.weak_type = inner_aval.shape, inner_aval.dtype, inner_aval.weak_type

    def __repr__(self) -> str:
        return f"Ref{{{self.inner_aval.long().removeprefix('~')}}}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AbstractRef) and self.inner_aval is other.inner_aval

    def __hash__(self) -> int:
        return hash(self.inner_aval)


def _current() -> Trace | None:
    trace = STATE.trace
    return _outside(trace) if trace is not None and trace.linear else trace


def _outside(trace: Trace) -> Trace | None:
    """The next trace around that records all operations."""
    found = trace.parent
    while found is not None and found.linear:
        found = found.parent
    return found


# --- reading and writing ----------------------------------------------------------------------------------------------


def _is_whole(index: Any) -> bool:
    return index is None or index is Ellipsis or (isinstance(index, tuple) and (not index or index == (Ellipsis,)))


def _part_type(t: ArrayType, index: Any) -> ArrayType:
    """The type of a part. Raises ValueError for integers that lie outside."""
    try:
        get = import_module("gradcli.engine.ops.indexing").get  # which is strict under all settings
        return trace_program(lambda x: [get(x, index)], [t]).out_types[0]
    except IndexError as error:
        raise fail("G206", f"Out of bound indexer: {error}", location=user_location(), cls=ValueError) from None


def _checked(what: str, ref: Ref, part: ArrayType, value: Any) -> Any:
    if not is_value(value):
        raise not_an_array(value)
    t = type_of(value)
    if t.shape != part.shape:
        _refuse(
            f"Invalid shape for `{what}`. Ref shape: {ref.shape}. Expected shape: {part.shape}. Value shape: {t.shape}."
        )
    if t.dtype != part.dtype and not (t.weak_type and promote_types(part.strong(), t)[0] == part.dtype):
        _refuse(f"Invalid dtype for `{what}`. Ref dtype: {ref.dtype}. Value dtype: {t.dtype}.")
    if t.dtype != part.dtype:
        return convert_element_type(value, part.dtype)
    return value if isinstance(value, Value) else Array(np.array(value, t.dtype)[()], t)


def _refuse(message: str) -> NoReturn:
    raise fail("G206", message, location=user_location(), cls=ValueError)


def new_ref(init_val: Any, *, memory_space: Any = None, kind: str | None = None) -> Ref:
    """A ref that starts with this value. Raises TypeError (G207) for what is no array."""
    if not is_value(init_val):
        raise not_an_array(init_val)
    if isinstance(init_val, Value):
        return Ref(init_val)
    t = type_of(init_val)
    return Ref(Array(np.array(init_val, t.dtype)[()], t))


def empty_ref(ty: Any, memory_space: Any = None) -> Ref:
    """A ref of a shape and dtype (those of a value or a ShapeDtypeStruct), that holds zeros until it is written."""
    return Ref(zeros(array_type(tuple(ty.shape), canonical_dtype(ty.dtype))))


def free_ref(ref: Ref) -> tuple[()]:
    """Says that the ref is not used any more, which changes nothing."""
    return ()


def freeze(ref: Ref) -> Any:
    """The value that the ref has in the end."""
    return ref.value


def get(ref: Ref, idx: Any = None) -> Any:
    """A part, or all of it."""
    return ref[... if idx is None else idx]


def set(ref: Ref, idx: Any, value: Any) -> None:  # noqa: A001 - JAX's name
    """Replaces a part."""
    swap(ref, idx, value)


def swap(ref: Ref, idx: Any, value: Any) -> Any:
    """Replaces a part, and returns what was there.

    Raises ValueError (G206) for a value of another shape or dtype than the part, and for integers out of bounds.
    """
    before = ref.value
    if _is_whole(idx):
        ref.put(_checked("swap", ref, ref.type, value))
        return before
    part = _checked("swap", ref, _part_type(ref.type, idx), value)
    ref.put(before.at[idx].set(part))
    return before[idx]


def addupdate(ref: Ref, idx: Any, x: Any) -> None:
    """Adds to a part. Raises ValueError (G206) as :func:`swap` does."""
    before = ref.value
    if _is_whole(idx):
        ref.put(before + _checked("addupdate", ref, ref.type, x))
        return
    ref.put(before.at[idx].add(_checked("addupdate", ref, _part_type(ref.type, idx), x)))


# --- refs from around a function that is traced -----------------------------------------------------------------------


def check_unwritten(trace: Trace) -> None:
    """Raises RefsWritten where the function that was traced wrote to refs from around it that nobody takes out."""
    refs = [ref for ref, use in (trace.refs or {}).items() if use.written and not use.kept]
    if refs:
        raise _told(refs)


def _told(refs: Sequence[Ref]) -> RefsWritten:
    error: RefsWritten = fail(
        "G212", "a ref from around it is used by a function that is traced where its value cannot be passed on",
        location=user_location(), hint="make the ref inside of the function, or return the value", cls=RefsWritten,
    )  # fmt: skip
    error.refs = list(refs)
    return error


def threaded(fun: Function, refs: Sequence[Ref]) -> Function:
    """``fun(*args)`` as a function ``(values, *args) -> (values, result)`` of what the refs hold before and after."""

    def run(values: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        trace = _current()
        assert trace is not None
        if trace.refs is None:
            trace.refs = {}
        for ref, value in zip(refs, values, strict=True):
            trace.refs[ref] = _Use(value, True)
        out = fun(*args, **kwargs)
        return [trace.refs[ref].value for ref in refs], out

    run.__name__ = getattr(fun, "__name__", "f")
    return run


def values_of(refs: Sequence[Ref]) -> list[Any]:
    """What the refs hold here."""
    return [ref.value for ref in refs]


def put_all(refs: Sequence[Ref], values: Sequence[Any]) -> None:
    """Replaces what they hold."""
    for ref, value in zip(refs, values, strict=True):
        ref.put(value)


def traced_with_refs(
    fun: Function, in_tree: TreeDef, types: Sequence[ArrayType], name: str, origins: Sequence[Any] | None
) -> tuple[Jaxpr, TreeDef, list[Ref]]:
    """Traces a function whose program is run once, here: with what it wrote to refs from around it as last outputs."""
    refs: list[Ref] = []
    while True:
        try:
            jaxpr, tree = trace_tree(_held_last(fun, refs), in_tree, types, name, origins)
        except RefsWritten as told:
            refs = [*refs, *told.refs]
        else:
            return jaxpr, tree.parts[0] if refs else tree, refs


def _held_last(fun: Function, refs: Sequence[Ref]) -> Function:
    if not refs:
        return fun
    one, values = threaded(fun, refs), values_of(refs)

    def run(*args: Any) -> Any:
        held, out = one(values, *args)
        return out, held

    return run


def put_held(refs: Sequence[Ref], outs: Sequence[Any], active: Sequence[bool]) -> list[Any]:
    """Puts the last outputs into the refs, and returns the others. Raises where a derivative would flow into a ref."""
    count = len(outs) - len(refs)
    for ref, out, on in zip(refs, outs[count:], active[count:], strict=True):
        if on:
            raise fail(
                "G205", "performing a set/swap operation with a differentiated value on a non-differentiated array "
                f"reference of type {ref.aval}", hint="write stop_gradient(value), or make the ref an argument of vjp",
                location=user_location(), cls=Exception,
            )  # fmt: skip
        ref.put(out)
    return list(outs[:count])


def telling(fun: Function) -> Function:
    """``fun``, which raises RefsWritten also for refs that it only reads, and ValueError where it returns one."""

    def run(*args: Any, **kwargs: Any) -> Any:
        out = fun(*args, **kwargs)
        check_result(out)
        trace = _current()
        if trace is not None and trace.refs:
            refs = [ref for ref, use in trace.refs.items() if not use.kept]
            if refs:
                raise _told(refs)
        return out

    run.__name__ = getattr(fun, "__name__", "f")
    return run


# --- refs as arguments ------------------------------------------------------------------------------------------------


class Opened:
    """What a ref holds, in the place of the ref in a tree of arguments."""

    def __init__(self, value: Any) -> None:
        self.value = value


register_pytree_node(Opened, lambda o: ((o.value,), None), lambda _, children: Opened(children[0]))


def _is_ref(x: Any) -> bool:
    return isinstance(x, Ref)


def refs_in(tree: Any) -> list[Ref]:
    """The refs of a tree of arguments, left to right. Raises ValueError where one is there twice."""
    if not Ref.exist:
        return []
    found = [x for x in tree_flatten(tree, _is_ref)[0] if isinstance(x, Ref)]
    if len({id(r) for r in found}) < len(found):
        _refuse("only one reference to a mutable array may be passed as an argument to a function")
    return found


def opened(tree: Any) -> Any:
    """The tree with the values of refs in their place."""
    return tree_map(lambda x: Opened(x.value) if isinstance(x, Ref) else x, tree, is_leaf=_is_ref)


def on_values(fun: Function) -> Function:
    """``fun`` of trees with opened refs: refs are made of them, and the result is ``(result, values in the end)``.

    Raises ValueError where ``fun`` returns a ref.
    """

    def run(*args: Any, **kwargs: Any) -> Any:
        made: list[Ref] = []

        def closed(x: Any) -> Any:
            if not isinstance(x, Opened):
                return x
            made.append(Ref(x.value))
            return made[-1]

        args, kwargs = tree_map(closed, (args, kwargs), is_leaf=lambda x: isinstance(x, Opened))
        out = fun(*args, **kwargs)
        check_result(out)
        return out, values_of(made)

    run.__name__ = getattr(fun, "__name__", "f")
    return run


def check_result(out: Any) -> None:
    """Raises ValueError for a result that holds refs."""
    if Ref.exist and any(isinstance(x, Ref) for x in tree_flatten(out, _is_ref)[0]):
        _refuse("a function that is traced returned a mutable array reference, which cannot leave it: return its value")
