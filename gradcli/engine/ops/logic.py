"""Comparison, logic, shifts and selection, elementwise; only selection has a derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import BOOL, ArrayType, array_type, broadcast_shapes
from gradcli.engine.ops.define import Primitive, is_linear
from gradcli.engine.ops.families import (
    INEXACT,
    MOVABLE,
    ORDERED,
    Operation,
    batch_elementwise,
    nary,
    one_dtype,
    same_kind,
    unary,
)
from gradcli.engine.ops.shape import broadcast_to_type, unbroadcast
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind


def _to_bool(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return BOOL


eq: Operation = nary("eq", np.equal, (), MOVABLE, result=_to_bool)
ne = nary("ne", np.not_equal, (), MOVABLE, result=_to_bool)
lt = nary("lt", np.less, (), ORDERED, result=_to_bool)
le = nary("le", np.less_equal, (), ORDERED, result=_to_bool)
gt = nary("gt", np.greater, (), ORDERED, result=_to_bool)
ge = nary("ge", np.greater_equal, (), ORDERED, result=_to_bool)
is_finite = unary("is_finite", np.isfinite, None, INEXACT, result=_to_bool)
bitwise_and = nary("and", np.bitwise_and, (), "biu")
bitwise_or: Operation = nary("or", np.bitwise_or, (), "biu")
bitwise_xor = nary("xor", np.bitwise_xor, (), "biu")
bitwise_not = unary("not", np.invert, None, "biu")


def _shift(numpy_shift: Operation, logical: bool) -> Operation:
    """Shifts by at least the width give 0 (or the sign), where C and NumPy leave them undefined.

    The first bit is the sign in arithmetic shifts, of unsigned numbers too, as in XLA.
    """

    def impl(x: Any, y: Any) -> Any:
        x, y = np.asarray(x), np.asarray(y)
        bits = x.dtype.itemsize * 8
        work = x.view(f"{'u' if logical else 'i'}{x.dtype.itemsize}")
        far = (y < 0) | (y >= bits)
        shifted = numpy_shift(work, np.where(far, 0, y).astype(work.dtype))
        rest = np.zeros_like(shifted) if logical else np.where(work < 0, -np.ones_like(work), np.zeros_like(work))
        return np.where(far, rest, shifted).astype(work.dtype).view(x.dtype)[()]

    return impl


shift_left = nary("shift_left", _shift(np.left_shift, True), (), "iu")
shift_right_logical = nary("shift_right_logical", _shift(np.right_shift, True), (), "iu")
shift_right_arithmetic = nary("shift_right_arithmetic", _shift(np.right_shift, False), (), "iu")
population_count = unary("population_count", lambda x: np.bitwise_count(x).astype(np.asarray(x).dtype), None, "iu")


def _select_type(which: ArrayType, *cases: ArrayType) -> ArrayType:
    if which.dtype.kind not in "bi":
        raise fail(
            "G206", f"select_n needs a bool or integer selector, got {which}", location=user_location(), cls=TypeError
        )
    same_kind("select_n", cases, MOVABLE)
    shape = broadcast_shapes(*[t.shape for t in cases])
    if which.shape and broadcast_shapes(which.shape, shape) != shape:
        shape = broadcast_shapes(which.shape, shape)
    return array_type(shape, cases[0].dtype, all(t.weak_type for t in cases))


def _select_impl(which: Any, *cases: Any) -> Any:
    if len(cases) == 1:
        return cases[0]
    if len(cases) == 2 and np.asarray(which).dtype == BOOL:
        return np.where(which, cases[1], cases[0])[()]
    return np.choose(np.asarray(which).astype(np.intp), cases, mode="clip")[()]


def select_n(which: Any, *cases: Any) -> Any:
    """Elementwise choice: ``cases[which]``; a bool selector takes the second case where it is True.

    Scalars among the cases, and a scalar selector, broadcast.
    """
    return bind(select_n_p, which, *one_dtype(cases))


def _select_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    which, *cases = primals
    out = select_n(which, *cases)
    out_type = type_of(out)
    case_tangents = tangents[1:]
    if all(t is None for t in case_tangents):
        return out, None
    zero = out_type.dtype.type(0)
    tangent = select_n(which, *[zero if t is None else t for t in case_tangents])
    return out, broadcast_to_type(tangent, out_type)


def _select_transpose(ct: Any, which: Any, *cases: Any) -> list[Any]:
    zero = type_of(ct).dtype.type(0)
    out: list[Any] = [None]
    for i, case in enumerate(cases):
        if is_linear(case):
            masked = select_n(which, *[ct if j == i else zero for j in range(len(cases))])
            out.append(unbroadcast(masked, case.type))
        else:
            out.append(None)
    return out


select_n_p = Primitive(
    "select_n",
    type_rule=_select_type,
    impl=_select_impl,
    jvp=_select_jvp,
    transpose=_select_transpose,
    batch=lambda size, args, dims: batch_elementwise(select_n, size, args, dims),
    family="elementwise",
)
