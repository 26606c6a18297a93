"""Primitives that move, reduce, multiply and sort arrays, as NumPy expressions."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from gradcli.engine.execute.emit_elementwise import Emit, is_scalar, kind
from gradcli.engine.execute.emit_text import (
    ATOM,
    PRODUCT,
    Term,
    axis_text,
    call,
    dtype_text,
    index,
    infix,
    method,
    slice_text,
    tuple_text,
)
from gradcli.engine.ir.program import Eqn
from gradcli.engine.ops.dot import free_dims

# --- shapes -----------------------------------------------------------------------------------------------------------


def _broadcast(args: Sequence[Term], eqn: Eqn) -> Term:
    """Zeros, ones and other numbers as such; all else as a view."""
    (x,), shape = args, eqn.params["shape"]
    dtype = eqn.outputs[0].type.dtype
    if eqn.inputs[0].is_literal:
        given = () if dtype.name in ("float64", "bool") else (dtype_text(dtype),)
        return call("np.full", tuple_text(shape), x, *given)
    return call("np.broadcast_to", aligned(x, eqn), tuple_text(shape))


def aligned(x: Term, eqn: Eqn) -> Term:
    """The operand of a broadcast with axes of size 1 where they are missing, so that NumPy broadcasts it by itself."""
    dims, ndim = eqn.params["broadcast_dimensions"], len(eqn.params["shape"])
    if tuple(dims) == tuple(range(ndim - len(dims), ndim)):
        return x
    first = dims[0]
    places = [":" if d in dims else "None" for d in range(first, ndim)]
    return index(x, *places)


def _only_element(x: Term, ndim: int) -> Term:
    """The element of an array that has one; of a slice ``x[2:3]`` it is ``x[2]``."""
    sliced = re.fullmatch(r"(\w+)\[([^\[\]()]+)\]", x.text)
    if sliced is not None:
        found = [_unit_start(part) for part in sliced[2].split(", ")]
        if len(found) == ndim and None not in found:
            return index(Term(sliced[1], ATOM), *map(str, found))
    return index(x, *["0"] * ndim)


def _unit_start(text: str) -> str | None:
    """The start of a slice that is known to have one element."""
    start, _, stop = text.partition(":")
    one = stop in ("1", f"{start} + 1") if not start.isdigit() else stop == str(int(start) + 1)
    return (start or "0") if one else None


def _reshape(args: Sequence[Term], eqn: Eqn) -> Term:
    (x,), shape, before = args, eqn.params["new_sizes"], eqn.inputs[0].type
    if not shape:
        return _only_element(x, before.ndim)
    if not before.shape or eqn.inputs[0].is_literal:
        return call("np.reshape", x, tuple_text(shape))
    return method(x, "reshape", *map(str, shape))


def _squeeze(args: Sequence[Term], eqn: Eqn) -> Term:
    (x,), dims = args, eqn.params["dimensions"]
    if is_scalar(eqn):
        return _only_element(x, eqn.inputs[0].type.ndim)
    return method(x, "squeeze", axis_text(dims))


def _transpose(args: Sequence[Term], eqn: Eqn) -> Term:
    (x,), order = args, eqn.params["permutation"]
    if list(order) == list(reversed(range(len(order)))):
        return Term(f"{x.at(ATOM)}.T", ATOM)
    return method(x, "transpose", *map(str, order))


def _slice(args: Sequence[Term], eqn: Eqn) -> Term:
    p, shape = eqn.params, eqn.inputs[0].type.shape
    steps = p["strides"] or (1,) * len(shape)
    rows = zip(p["start_indices"], p["limit_indices"], steps, shape, strict=True)
    places = [slice_text(*row) for row in rows]
    while len(places) > 1 and places[-1] == ":":
        places.pop()
    return index(args[0], *places)


def _pad(args: Sequence[Term], eqn: Eqn) -> Term | None:
    config = eqn.params["padding_config"]
    if any(low < 0 or high < 0 or inner for low, high, inner in config):
        return None
    widths = tuple_text([tuple_text((low, high)) for low, high, _ in config])
    zero = eqn.inputs[1].is_literal and args[1].text in ("0.0", "0", "False")
    return call("np.pad", args[0], widths, *(() if zero else (f"constant_values={args[1].text}",)))


def _iota(args: Sequence[Term], eqn: Eqn) -> Term:
    p = eqn.params
    line = call("np.arange", f"{p['shape'][p['dimension']]}", f"dtype={dtype_text(p['dtype'])}")
    if len(p["shape"]) == 1:
        return line
    after = len(p["shape"]) - p["dimension"] - 1
    line = index(line, ":", *["None"] * after) if after else line
    return call("np.broadcast_to", line, tuple_text(p["shape"]))


def _joined(name: str) -> Emit:
    def rule(args: Sequence[Term], eqn: Eqn) -> Term:
        axis = eqn.params["dimension" if name == "concatenate" else "axis"]
        parts = tuple_text([a.text for a in args])
        return call(f"np.{name}", parts, *(() if axis == 0 else (f"axis={axis}",)))

    return rule


# --- reductions -------------------------------------------------------------------------------------------------------


def _sum(name: str) -> Emit:
    def rule(args: Sequence[Term], eqn: Eqn) -> Term:
        """NumPy would add small integers as int64: the dtype is said where it matters."""
        t, axes = eqn.inputs[0].type, eqn.params["axes"]
        axis = () if len(axes) == t.ndim else (f"axis={axis_text(axes)}",)
        dtype = () if kind(eqn) in "fc" else (f"dtype={dtype_text(t.dtype)}",)
        return call(f"np.{name}", args[0], *axis, *dtype)

    return rule


def _extremum(name: str) -> Emit:
    def rule(args: Sequence[Term], eqn: Eqn) -> Term | None:
        t, axes = eqn.inputs[0].type, eqn.params["axes"]
        if not all(t.shape[a] for a in axes):
            return None
        return call(f"np.{name}", args[0], *(() if len(axes) == t.ndim else (f"axis={axis_text(axes)}",)))

    return rule


def _reduced_by(ufunc: str) -> Emit:
    return lambda args, eqn: call(f"np.{ufunc}.reduce", args[0], f"axis={axis_text(eqn.params['axes'])}")


def _position(name: str) -> Emit:
    def rule(args: Sequence[Term], eqn: Eqn) -> Term:
        axis = () if eqn.inputs[0].type.ndim == 1 else (f"axis={eqn.params['axes'][0]}",)
        return method(call(f"np.{name}", args[0], *axis), "astype", dtype_text(eqn.params["index_dtype"]))

    return rule


def _cumulative(ufunc: str, short: str = "") -> Emit:
    def rule(args: Sequence[Term], eqn: Eqn) -> Term | None:
        t, axis = eqn.inputs[0].type, eqn.params["axis"]
        if ufunc == "logaddexp" and kind(eqn) == "c":
            return None
        turned = ", ".join([":"] * axis + ["::-1"])
        x = index(args[0], turned) if eqn.params["reverse"] else args[0]
        where = (f"axis={axis}",) if (t.ndim > 1 if short else axis) else ()
        dtype = () if kind(eqn) in "fc" else (f"dtype={dtype_text(t.dtype)}",)
        out = call(f"np.{short or ufunc + '.accumulate'}", x, *where, *dtype)
        return index(out, turned) if eqn.params["reverse"] else out

    return rule


# --- products ---------------------------------------------------------------------------------------------------------


def _dot(args: Sequence[Term], eqn: Eqn) -> Term | None:
    """``@`` where the operands allow it (transposed or not), ``tensordot`` without batch axes, else ``einsum``."""
    (x, y), (a, b) = args, (v.type for v in eqn.inputs)
    (contract, batch) = eqn.params["dimension_numbers"]
    dtype = eqn.params["preferred_element_type"]
    if a.dtype != dtype or b.dtype != dtype or dtype.name == "float16":
        return None
    if len(contract[0]) == 1 and not batch[0] and a.ndim <= 2 and b.ndim <= 2:
        left = Term(f"{x.at(ATOM)}.T", ATOM) if a.ndim == 2 and contract[0] == (0,) else x
        right = Term(f"{y.at(ATOM)}.T", ATOM) if b.ndim == 2 and contract[1] == (1,) else y
        return infix("@", PRODUCT, left, right)
    if not contract[0] and not batch[0]:
        return call("np.multiply.outer", x, y)
    if not batch[0]:
        return call("np.tensordot", x, y, f"axes={tuple_text([tuple_text(c) for c in contract])}")
    n = len(batch[0])
    lead = tuple(range(n))
    if batch == (lead, lead) and a.ndim == b.ndim == n + 2 and contract[0] == (n + 1,) and contract[1] == (n,):
        return infix("@", PRODUCT, x, y)
    return call("np.einsum", _subscripts(eqn), x, y)


def _fft(args: Sequence[Term], eqn: Eqn) -> Term | None:
    lengths, out = eqn.params["fft_lengths"], eqn.outputs[0].type
    if not out.size or not eqn.inputs[0].type.size:
        return None
    axes = f"axes={tuple_text(range(-len(lengths), 0))}"
    whole = call(f"np.fft.{eqn.params['fft_type'].name.lower()}n", args[0], tuple_text(lengths), axes)
    return method(whole, "astype", dtype_text(out.dtype), "copy=False")


def _subscripts(eqn: Eqn) -> str:
    """The subscripts of einsum for a dot_general."""
    (c_lhs, c_rhs), (b_lhs, b_rhs) = eqn.params["dimension_numbers"]
    letters = iter(string.ascii_letters)
    left = [next(letters) for _ in range(eqn.inputs[0].type.ndim)]
    right = [""] * eqn.inputs[1].type.ndim
    for i, j in zip((*c_lhs, *b_lhs), (*c_rhs, *b_rhs), strict=True):
        right[j] = left[i]
    right = [s or next(letters) for s in right]
    out = [left[i] for i in (*b_lhs, *free_dims(len(left), c_lhs, b_lhs))]
    out += [right[j] for j in free_dims(len(right), c_rhs, b_rhs)]
    return repr(f"{''.join(left)},{''.join(right)}->{''.join(out)}")


RULES: dict[str, Emit] = {
    "broadcast_in_dim": _broadcast, "reshape": _reshape, "squeeze": _squeeze, "transpose": _transpose, "slice": _slice,
    "rev": lambda args, eqn: call("np.flip", args[0], axis_text(eqn.params["dimensions"])), "pad": _pad, "iota": _iota,
    "concatenate": _joined("concatenate"), "stack": _joined("stack"),
    "tile": lambda args, eqn: call("np.tile", args[0], tuple_text(eqn.params["reps"])),
    "reduce_sum": _sum("sum"), "reduce_prod": _sum("prod"), "reduce_max": _extremum("max"),
    "reduce_min": _extremum("min"),
    "reduce_and": _reduced_by("bitwise_and"), "reduce_or": _reduced_by("bitwise_or"),
    "reduce_xor": _reduced_by("bitwise_xor"), "argmax": _position("argmax"), "argmin": _position("argmin"),
    "cumsum": _cumulative("add", "cumsum"), "cumprod": _cumulative("multiply", "cumprod"),
    "cummax": _cumulative("maximum"), "cummin": _cumulative("minimum"), "cumlogsumexp": _cumulative("logaddexp"),
    "dot_general": _dot, "fft": _fft,
}  # fmt: skip
