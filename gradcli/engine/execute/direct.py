"""NumPy expressions for primitives on small arrays, where calling the general evaluation costs more than the work.

They compute bit for bit what the primitive's own evaluation does.
"""

from __future__ import annotations

from collections.abc import Sequence

from gradcli.engine.execute import emit_arrays, emit_elementwise
from gradcli.engine.execute.emit_text import ATOM, Term, call
from gradcli.engine.execute.fuse import REDUCTIONS
from gradcli.engine.ir.program import Eqn
from gradcli.engine.ops.blas import on_one_thread
from gradcli.engine.ops.dot import multiplications

_SAME = {
    **{name: emit_elementwise.RULES[name] for name in (
        "integer_pow", "select_n", "convert_element_type", "clamp", "rem",
    )},
    **{name: emit_arrays.RULES[name] for name in (
        "reshape", "squeeze", "transpose", "slice", "rev", "concatenate", "stack", "iota", "broadcast_in_dim",
    )},
}  # fmt: skip


def _reduce(args: Sequence[Term], eqn: Eqn) -> Term | None:
    """The ufunc's own method: ``np.sum`` takes twice the time before it gets there."""
    t, axes = eqn.inputs[0].type, eqn.params["axes"]
    if t.dtype.kind not in "fc" or not all(t.shape[a] for a in axes):
        return None
    return call(f"np.{REDUCTIONS[eqn.primitive.name]}.reduce", args[0], f"axis={tuple(axes)}")


def _dot(args: Sequence[Term], eqn: Eqn) -> Term | None:
    """Products of vectors and matrices, transposed where they are read so, and outer products of vectors."""
    (x, y), (a, b) = args, (v.type for v in eqn.inputs)
    (left, right), batch = eqn.params["dimension_numbers"]
    plain = a.dtype == b.dtype == eqn.params["preferred_element_type"] and a.dtype.kind in "fc" and a.dtype.itemsize > 2
    if batch[0] or not plain or a.ndim > 2 or b.ndim > 2:
        return None
    if not left:
        return call("np.multiply.outer", x, y) if a.ndim == b.ndim == 1 else None
    if len(left) != 1 or a.shape[left[0]] == 1 or on_one_thread(multiplications(a, b, eqn.params["dimension_numbers"])):
        return None
    first = f"{x.text}.T" if a.ndim == 2 and left == (0,) else x.text
    second = f"{y.text}.T" if b.ndim == 2 and right == (1,) else y.text
    return call("np.dot", first, second)


_RULES = {**_SAME, **dict.fromkeys(REDUCTIONS, _reduce), "dot_general": _dot}


def expression(eqn: Eqn, args: Sequence[str]) -> str | None:
    """The text of an equation on NumPy values that are given by names; None where there is none."""
    rule = _RULES.get(eqn.primitive.name)
    found = rule([Term(a, ATOM) for a in args], eqn) if rule is not None else None
    return None if found is None else found.text
