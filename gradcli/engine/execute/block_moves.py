"""Statements for operations that compute nothing: views, and copies into places of a buffer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gradcli.engine.ir.program import Eqn
from gradcli.engine.ops.cuts import pad_places

if TYPE_CHECKING:
    from gradcli.engine.execute.blocks import BlockWriter

ALIASES = ("stop_gradient", "copy")
VIEWS = (*ALIASES, "broadcast_in_dim", "reshape", "rev", "slice", "squeeze", "transpose")


def view(writer: BlockWriter, eqn: Eqn, x: str) -> str:
    """The text of a view. A broadcast is left to the ufuncs that read it, unless something else does."""
    var, given = eqn.outputs[0], eqn.inputs[0]
    name, shape, layout = eqn.primitive.name, var.type.shape, writer.layout
    if name in ALIASES or not given.type.shape:
        if given in writer.narrow or not given.type.shape:
            writer.narrow.add(var)
        return x
    text = f"v{len(writer.lines)}"
    if name == "broadcast_in_dim":
        dims = eqn.params["broadcast_dimensions"]
        x = writer.full(x, given) + layout.index([":" if d in dims else "None" for d in range(len(shape))])
        writer.narrow.add(var)
    elif name in ("reshape", "squeeze"):
        x = f"{writer.full(x, given)}.reshape{layout.shape(shape[1:])}"
    elif name == "transpose":
        order = [layout.axes([d], len(shape))[0] for d in eqn.params["permutation"]]
        x = f"{writer.full(x, given)}.transpose({', '.join(str(order[d]) for d in layout.order(len(shape)))})"
    elif name == "rev":
        turned = eqn.params["dimensions"]
        x = writer.full(x, given) + layout.index(["::-1" if d in turned else ":" for d in range(len(shape))])
    else:
        starts, limits, steps = (eqn.params[k] for k in ("start_indices", "limit_indices", "strides"))
        cuts = [f"{a}:{b}:{s}" for a, b, s in zip(starts, limits, steps or (1,) * len(starts), strict=True)]
        x = writer.full(x, given) + layout.index([":", *cuts[1:]])
    writer.lines.append(f"{text} = {x}")
    return text


def _pad(writer: BlockWriter, eqn: Eqn, args: Sequence[str], target: str) -> None:
    places, source = pad_places(eqn.inputs[0].type.shape, eqn.params["padding_config"])
    writer.lines.append(f"{target}[...] = {args[1]}")
    into, cut = (writer.layout.index([":", *map(_text, p[1:])]) for p in (places, source))
    writer.lines.append(f"copyto({target}{into}, {writer.full(args[0], eqn.inputs[0])}{cut})")


def _text(s: slice) -> str:
    return f"{s.start}:{s.stop}" if s.step in (None, 1) else f"{s.start}:{s.stop}:{s.step}"


def _concatenate(writer: BlockWriter, eqn: Eqn, args: Sequence[str], target: str) -> None:
    axis, start = eqn.params["dimension"], 0
    for x, a in zip(args, eqn.inputs, strict=True):
        stop = start + a.type.shape[axis]
        places = [f"{start}:{stop}" if d == axis else ":" for d in range(a.type.ndim)]
        writer.lines.append(f"copyto({target}{writer.layout.index(places)}, {x})")
        start = stop


def _stack(writer: BlockWriter, eqn: Eqn, args: Sequence[str], target: str) -> None:
    ndim = eqn.outputs[0].type.ndim
    for i, x in enumerate(args):
        places = [f"{i}" if d == eqn.params["axis"] else ":" for d in range(ndim)]
        writer.lines.append(f"copyto({target}{writer.layout.index(places)}, {x})")


MOVES: dict[str, Callable[[BlockWriter, Eqn, Sequence[str], str], None]] = {
    "pad": _pad, "concatenate": _concatenate, "stack": _stack,
}  # fmt: skip
