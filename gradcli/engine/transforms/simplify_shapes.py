"""Simplifications of equations that move values about: two that cancel go, two in a row become one."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.ir.program import Eqn
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.transforms.simplify_table import Change, View, rule


@rule("reshape of reshape", "reshape")
def _reshape_of_reshape(eqn: Eqn, view: View) -> Change:
    """A reshape sees only the order of the elements, which other reshapes and squeezes leave alone."""
    (x,) = eqn.inputs
    inner = view.find(x, "reshape") or view.find(x, "squeeze") or view.find(x, "broadcast_in_dim")
    if inner is None or inner.inputs[0].type.size != x.type.size:
        return None
    dims = inner.params.get("broadcast_dimensions")
    if dims is not None and list(dims) != sorted(dims):
        return None
    return "reshape", (inner.inputs[0],), eqn.params


@rule("same shape", "reshape", "broadcast_in_dim")
def _same_shape(eqn: Eqn, view: View) -> Change:
    """A reshape or broadcast to the shape that is there is the operand."""
    (x,) = eqn.inputs
    dims = eqn.params.get("broadcast_dimensions")
    in_order = dims is None or list(dims) == sorted(dims)
    return x if x.type.shape == eqn.outputs[0].type.shape and in_order else None


@rule("broadcast of broadcast", "broadcast_in_dim")
def _broadcast_of_broadcast(eqn: Eqn, view: View) -> Change:
    """Two broadcasts are one."""
    inner = view.find(eqn.inputs[0], "broadcast_in_dim")
    if inner is None:
        return None
    outer = eqn.params["broadcast_dimensions"]
    dims = tuple(outer[d] for d in inner.params["broadcast_dimensions"])
    return "broadcast_in_dim", (inner.inputs[0],), {"shape": eqn.params["shape"], "broadcast_dimensions": dims}


@rule("squeeze of nothing", "squeeze", "rev")
def _squeeze_of_nothing(eqn: Eqn, view: View) -> Change:
    """No dimensions dropped or reversed: the operand."""
    return eqn.inputs[0] if not eqn.params["dimensions"] else None


@rule("squeeze of broadcast", "squeeze")
def _squeeze_of_broadcast(eqn: Eqn, view: View) -> Change:
    """Dimensions that a broadcast put in and a squeeze drops need not be put in."""
    inner = view.find(eqn.inputs[0], "broadcast_in_dim")
    gone = eqn.params["dimensions"]
    if inner is None or any(d in gone for d in inner.params["broadcast_dimensions"]):
        return None
    dims = tuple(d - sum(g < d for g in gone) for d in inner.params["broadcast_dimensions"])
    shape = eqn.outputs[0].type.shape
    return "broadcast_in_dim", (inner.inputs[0],), {"shape": shape, "broadcast_dimensions": dims}


@rule("squeeze of reshape", "squeeze")
def _squeeze_of_reshape(eqn: Eqn, view: View) -> Change:
    """A squeeze after a reshape is the reshape to the smaller shape."""
    inner = view.find(eqn.inputs[0], "reshape")
    return None if inner is None else ("reshape", (inner.inputs[0],), {"new_sizes": eqn.outputs[0].type.shape})


@rule("identity transpose", "transpose")
def _identity_transpose(eqn: Eqn, view: View) -> Change:
    """Axes in their order: the operand."""
    permutation = eqn.params["permutation"]
    return eqn.inputs[0] if list(permutation) == sorted(permutation) else None


@rule("transpose of transpose", "transpose")
def _transpose_of_transpose(eqn: Eqn, view: View) -> Change:
    """Two permutations of axes are one."""
    inner = view.find(eqn.inputs[0], "transpose")
    if inner is None:
        return None
    first = inner.params["permutation"]
    return "transpose", (inner.inputs[0],), {"permutation": tuple(first[p] for p in eqn.params["permutation"])}


@rule("reversed twice", "rev")
def _reversed_twice(eqn: Eqn, view: View) -> Change:
    """The dimensions that are reversed once by two reversals."""
    inner = view.find(eqn.inputs[0], "rev")
    if inner is None:
        return None
    once = sorted(set(eqn.params["dimensions"]) ^ set(inner.params["dimensions"]))
    return "rev", (inner.inputs[0],), {"dimensions": tuple(once)}


@rule("same dtype", "convert_element_type")
def _same_dtype(eqn: Eqn, view: View) -> Change:
    """A conversion to the type that is there is the operand."""
    x = eqn.inputs[0]
    return x if x.type is eqn.outputs[0].type else None


@rule("conversion of conversion", "convert_element_type")
def _conversion_of_conversion(eqn: Eqn, view: View) -> Change:
    """A conversion after one that lost nothing can start from the beginning: back again, or within one kind."""
    inner = view.find(eqn.inputs[0], "convert_element_type")
    if inner is None or not _lossless(inner.inputs[0].type, inner.outputs[0].type):
        return None
    start, between, end = inner.inputs[0].type.dtype, inner.outputs[0].type.dtype, eqn.outputs[0].type.dtype
    if end != start and not start.kind == between.kind == end.kind:
        return None
    return "convert_element_type", (inner.inputs[0],), eqn.params


def _lossless(a: ArrayType, b: ArrayType) -> bool:
    wide_integer = a.dtype.kind in "iu" and a.dtype.itemsize == 8 and b.dtype.kind in "fc"
    return bool(np.can_cast(a.dtype, b.dtype, "safe")) and not wide_integer


_REDUCTIONS = ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min", "reduce_and", "reduce_or", "reduce_xor")


@rule("reduction over nothing", *_REDUCTIONS)
def _reduction_over_nothing(eqn: Eqn, view: View) -> Change:
    """A reduction over no axes is the operand; but a sum makes 0.0 of -0.0, and a product is complex."""
    kind, name = eqn.inputs[0].type.dtype.kind, eqn.primitive.name
    if eqn.params["axes"] or (name == "reduce_sum" and kind in "fc") or (name == "reduce_prod" and kind == "c"):
        return None
    return eqn.inputs[0]


@rule("whole slice", "slice")
def _whole_slice(eqn: Eqn, view: View) -> Change:
    """A slice of everything is the operand."""
    return eqn.inputs[0] if eqn.inputs[0].type.shape == eqn.outputs[0].type.shape else None


@rule("slice of slice", "slice")
def _slice_of_slice(eqn: Eqn, view: View) -> Change:
    """A slice of a slice is one slice."""
    inner = view.find(eqn.inputs[0], "slice")
    if inner is None or not eqn.outputs[0].type.size:
        return None
    a, b = _starts_steps(inner), _starts_steps(eqn)
    starts = [s + t * n for (s, n), (t, _) in zip(a, b, strict=True)]
    steps = [n * m for (_, n), (_, m) in zip(a, b, strict=True)]
    limits = [s + (n - 1) * m + 1 for s, n, m in zip(starts, eqn.outputs[0].type.shape, steps, strict=True)]
    return "slice", (inner.inputs[0],), _slice_params(starts, limits, steps)


def _starts_steps(eqn: Eqn) -> list[tuple[int, int]]:
    starts, strides = eqn.params["start_indices"], eqn.params["strides"]
    return list(zip(starts, strides or (1,) * len(starts), strict=True))


def _slice_params(starts: Any, limits: Any, steps: Any) -> dict[str, Any]:
    strides = None if all(n == 1 for n in steps) else tuple(steps)
    return {"start_indices": tuple(starts), "limit_indices": tuple(limits), "strides": strides}


@rule("slice of concatenation", "slice")
def _slice_of_concatenation(eqn: Eqn, view: View) -> Change:
    """A slice that lies within one of the joined arrays is a slice of that array."""
    inner = view.find(eqn.inputs[0], "concatenate")
    if inner is None:
        return None
    axis, at = inner.params["dimension"], 0
    first, last = eqn.params["start_indices"][axis], eqn.params["limit_indices"][axis]
    for part in inner.inputs:
        n = part.type.shape[axis]
        if at <= first <= last <= at + n and first < last:
            starts, limits = list(eqn.params["start_indices"]), list(eqn.params["limit_indices"])
            starts[axis], limits[axis] = first - at, last - at
            steps = [step for _, step in _starts_steps(eqn)]
            return "slice", (part,), _slice_params(starts, limits, steps)
        at += n
    return None


@rule("slice of padding", "slice")
def _slice_of_padding(eqn: Eqn, view: View) -> Change:
    """A slice of what was there before the padding is a slice of that."""
    inner = view.find(eqn.inputs[0], "pad")
    if inner is None or any(between for _, _, between in inner.params["padding_config"]):
        return None
    low = [a for a, _, _ in inner.params["padding_config"]]
    shape = inner.inputs[0].type.shape
    starts = [s - a for s, a in zip(eqn.params["start_indices"], low, strict=True)]
    limits = [s - a for s, a in zip(eqn.params["limit_indices"], low, strict=True)]
    if any(not 0 <= s <= e <= n for s, e, n in zip(starts, limits, shape, strict=True)):
        return None
    return "slice", (inner.inputs[0],), _slice_params(starts, limits, [step for _, step in _starts_steps(eqn)])


@rule("no padding", "pad")
def _no_padding(eqn: Eqn, view: View) -> Change:
    """Nothing put around or between: the operand."""
    return eqn.inputs[0] if not any(any(c) for c in eqn.params["padding_config"]) else None


@rule("one piece", "concatenate")
def _one_piece(eqn: Eqn, view: View) -> Change:
    """One array, joined with nothing (or with empty ones)."""
    axis = eqn.params["dimension"]
    full = [a for a in eqn.inputs if a.type.shape[axis]]
    if len(full) == 1:
        return full[0]
    return ("concatenate", tuple(full), eqn.params) if 0 < len(full) < len(eqn.inputs) else None
