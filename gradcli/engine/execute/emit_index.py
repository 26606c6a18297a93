"""Reading and writing parts of arrays, sorting and cutting, as NumPy expressions and statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcli.engine.execute.emit_elementwise import Emit
from gradcli.engine.execute.emit_text import ATOM, Term, axis_text, call, dtype_text, index, method, number, tuple_text
from gradcli.engine.ir.program import Eqn
from gradcli.engine.ops.index_numpy import GatherScatterMode, Indexed, Layout, layout, window_sizes

if TYPE_CHECKING:
    from gradcli.engine.execute.emit_program import ProgramWriter

Statement = Callable[["ProgramWriter", Eqn], None]


def _copy(x: Term) -> Term:
    """An array that may be written to."""
    return x if x.text.startswith("np.full(") else call("np.array", x)


# --- windows at a place that is computed ------------------------------------------------------------------------------


def _window(writer: ProgramWriter, starts: Sequence[Any], shape: Sequence[int], sizes: Sequence[int]) -> list[str]:
    """The places of a window that is moved inside."""
    places = []
    for start, n, size in zip(starts, shape, sizes, strict=True):
        if n == size:
            places.append(":")
            continue
        at = writer.temporary(call("int", call("np.clip", writer.typed(start), "0", str(n - size))), "start")
        places.append(f"{at.text}:{at.text} + {size}")
    return places


def _dynamic_slice(writer: ProgramWriter, eqn: Eqn) -> None:
    x, *starts = eqn.inputs
    sizes = eqn.params["slice_sizes"]
    owner = writer.named(x)
    places = _window(writer, starts, x.type.shape, sizes)
    taken = index(writer.typed(owner), *places) if places else writer.typed(owner)
    writer.keep(eqn, taken)


def _dynamic_update_slice(writer: ProgramWriter, eqn: Eqn) -> None:
    x, update, *starts = eqn.inputs
    value = writer.typed(update)
    out = writer.temporary(_copy(writer.typed(x)), "updated")
    places = _window(writer, starts, x.type.shape, update.type.shape)
    writer.line(f"{out.text}[{', '.join(places) or '()'}] = {value.text}")
    writer.deliver(eqn.outputs, [out])


# --- gather and scatter -----------------------------------------------------------------------------------------------


def _along(text: str, axis: int, ndim: int) -> str:
    """A line as an axis of an array of ``ndim`` axes."""
    places = ["None"] * axis + [":"] + ["None"] * (ndim - axis - 1)
    return text if ndim == 1 else f"{text}[{', '.join(places)}]"


def _position(writer: ProgramWriter, indices: Term, lay: Layout, a: Indexed) -> tuple[str, str | None]:
    """The places on one axis, of a shape that broadcasts to batch + parts; and the condition for being inside."""
    n, parts = len(lay.batch_shape), len(lay.part_sizes)
    tail = ", None" * parts
    inside = None
    if a.column is not None:
        given = f"{indices.text}[..., {a.column}]"
        start = writer.temporary(call("np.clip", Term(given, ATOM), "0", str(a.limit)), "at").text
        inside = f"({given} == {start})"
        text = f"{start}[...{tail}]" if parts else start
    elif a.batch_axis is not None:
        text = _along(f"np.arange({lay.batch_shape[a.batch_axis]})", a.batch_axis, n + parts)
    else:
        text = "0"
    if a.window_axis is None:
        return text, inside
    steps = _along(f"np.arange({a.size})", n + a.window_axis, n + parts)
    return steps if text == "0" else f"{text} + {steps}", inside


def _places(writer: ProgramWriter, indices: Any, lay: Layout, mode: GatherScatterMode) -> tuple[list[str], str | None]:
    """The places on all indexed axes, and where windows are inside (None: everywhere)."""
    name = writer.typed(writer.named(indices))
    found = [_position(writer, name, lay, a) for a in lay.indexed]
    conditions = [inside for _, inside in found if inside is not None]
    conditions += [f"({name.text}[..., {column}] == 0)" for column in lay.whole_columns]
    drop = mode is GatherScatterMode.FILL_OR_DROP and conditions
    return [text for text, _ in found], " & ".join(conditions) if drop else None


def _broadcast(places: Sequence[str], shape: Sequence[int]) -> list[str]:
    return [f"np.broadcast_to({p}, {tuple_text(shape)})" for p in places]


def _gather(writer: ProgramWriter, eqn: Eqn) -> None:
    x, indices = eqn.inputs
    p = eqn.params
    lay = layout(x.type.shape, indices.type.shape, p["dimension_numbers"], p["slice_sizes"])
    owner = writer.typed(writer.named(x))
    picked = lay.batch_shape + lay.part_sizes
    axes = [a.axis for a in lay.indexed]
    places, inside = _places(writer, indices, lay, p["mode"])
    if not axes:
        out = call("np.broadcast_to", owner, tuple_text(picked + tuple(x.type.shape[d] for d in lay.whole)))
    else:
        order = [*axes, *lay.whole]
        turned = owner if order == sorted(order) else method(owner, "transpose", *map(str, order))
        out = index(turned, *(places if len(places) == 1 and not lay.part_sizes else _broadcast(places, picked)))
    if inside is not None:
        spread = "[..." + ", None" * (len(lay.part_sizes) + len(lay.whole)) + "]"
        fill = call(dtype_text(x.type.dtype) if x.type.dtype.kind != "b" else "np.bool", number(p["fill_value"]))
        out = call("np.where", f"({inside}){spread}" if spread != "[...]" else inside, out, fill)
    parts = [a.axis for a in lay.indexed if a.window_axis is not None]
    order = [*lay.batch_dims, *(lay.windows[d] for d in parts), *(lay.windows[d] for d in lay.whole)]
    if order != sorted(order):
        out = method(out, "transpose", *(str(int(i)) for i in np.argsort(order)))
    if not eqn.outputs[0].type.shape and inside is not None:
        out = index(out, "()")
    writer.keep(eqn, out)


_UFUNCS = {
    "scatter-add": "add", "scatter-sub": "subtract", "scatter-mul": "multiply", "scatter-min": "minimum",
    "scatter-max": "maximum",
}  # fmt: skip


def _scatter(writer: ProgramWriter, eqn: Eqn) -> None:
    x, indices, updates = eqn.inputs
    p = eqn.params
    numbers = p["dimension_numbers"].gather()
    lay = layout(x.type.shape, indices.type.shape, numbers, window_sizes(x.type.shape, updates.type.shape, numbers))
    value = writer.typed(writer.named(updates))
    places, inside = _places(writer, indices, lay, p["mode"])
    out = writer.temporary(_copy(writer.typed(x)), "updated")
    if not updates.type.size:
        writer.deliver(eqn.outputs, [out])
        return
    value, where = _arranged(value, lay, places, x.type.ndim)
    if inside is not None or not _covered(lay):
        where = [f"np.broadcast_to({w}, {tuple_text(_shape(lay))})" for w in where]
    if inside is not None:
        kept = writer.temporary(call("np.broadcast_to", _spread(inside, lay), tuple_text(_shape(lay))), "kept")
        where = [f"{w}[{kept.text}]" for w in where]
        value = index(value, kept.text)
    target = where[0] if len(where) == 1 else tuple_text(where)
    if eqn.primitive.name == "scatter":
        writer.line(f"{out.text}[{', '.join(where) or '()'}] = {value.text}")
    else:
        writer.line(f"np.{_UFUNCS[eqn.primitive.name]}.at({out.text}, {target if where else '()'}, {value.text})")
    writer.deliver(eqn.outputs, [out])


def _shape(lay: Layout) -> tuple[int, ...]:
    """Batch, parts and whole axes in this order."""
    return lay.batch_shape + lay.part_sizes + tuple(lay.out_shape[lay.windows[d]] for d in lay.whole)


def _covered(lay: Layout) -> bool:
    """Whether the places vary over all batch axes, so that they have the shape of the updates by themselves."""
    if any(a.column is not None for a in lay.indexed):
        return True
    return {a.batch_axis for a in lay.indexed} >= {i for i, n in enumerate(lay.batch_shape) if n != 1}


def _spread(text: str, lay: Layout) -> str:
    more = ", None" * (len(_shape(lay)) - len(lay.batch_shape))
    return f"({text})[...{more}]" if more else text


def _arranged(value: Term, lay: Layout, places: Sequence[str], ndim: int) -> tuple[Term, list[str]]:
    """The updates as batch + parts + whole, and the place of each of their elements on every axis of the operand."""
    parts = [a.axis for a in lay.indexed if a.window_axis is not None]
    order = [*lay.batch_dims, *(lay.windows[d] for d in parts), *(lay.windows[d] for d in lay.whole)]
    if order != sorted(order):
        value = method(value, "transpose", *map(str, order))
    total = len(order)
    where = [""] * ndim
    more = ", None" * len(lay.whole)
    for a, place in zip(lay.indexed, places, strict=True):
        where[a.axis] = f"({place})[...{more}]" if more and place != "0" else place
    for i, d in enumerate(lay.whole):
        line = f"np.arange({lay.out_shape[lay.windows[d]]})"
        where[d] = _along(line, total - len(lay.whole) + i, total)
    return value, where


# --- sorting and cutting ----------------------------------------------------------------------------------------------


def _sort(writer: ProgramWriter, eqn: Eqn) -> None:
    """One array by itself; several by the order of the first, or of several keys."""
    p, axis = eqn.params, f"axis={eqn.params['dimension']}"
    xs = [writer.typed(writer.named(a)) for a in eqn.inputs]
    kind = ('kind="stable"',) if p["is_stable"] else ()
    if len(xs) == 1:
        writer.deliver(eqn.outputs, [writer.temporary(call("np.sort", xs[0], axis, *kind), "sorted")])
        return
    if p["num_keys"] == 1:
        order = writer.temporary(call("np.argsort", xs[0], axis, *kind), "order")
    else:
        keys = tuple_text([x.text for x in reversed(xs[: p["num_keys"]])])
        order = writer.temporary(call("np.lexsort", keys, axis), "order")
    taken = [call("np.take_along_axis", x, order, axis) for x in xs]
    writer.deliver(eqn.outputs, [writer.temporary(t, "sorted") for t in taken])


def _split(args: Sequence[Term], eqn: Eqn) -> Term:
    cuts = np.cumsum(eqn.params["sizes"][:-1])
    axis = () if eqn.params["axis"] == 0 else (f"axis={eqn.params['axis']}",)
    return call("np.split", args[0], f"[{', '.join(map(str, cuts))}]", *axis)


def _unstack(args: Sequence[Term], eqn: Eqn) -> Term:
    axis = eqn.params["axis"]
    return args[0] if axis == 0 else call("np.moveaxis", args[0], str(axis), axis_text((0,)))


def _barrier(writer: ProgramWriter, eqn: Eqn) -> None:
    writer.deliver(eqn.outputs, [writer.named(a) for a in eqn.inputs])


RULES: dict[str, Emit] = {}
SEQUENCES: dict[str, Emit] = {"split": _split, "unstack": _unstack}
STATEMENTS: dict[str, Statement] = {
    "dynamic_slice": _dynamic_slice, "dynamic_update_slice": _dynamic_update_slice, "gather": _gather, "sort": _sort,
    "scatter": _scatter, **dict.fromkeys(_UFUNCS, _scatter), "optimization_barrier": _barrier,
}  # fmt: skip
