"""Programs with bfloat16 as programs of float32 in which every result is rounded, for what runs them.

Programs are traced, printed and differentiated with their own types. What computes them comes here first: NumPy has no
such numbers, and their arrays are kept as float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from gradcli.engine.ir.bfloat16 import BFLOAT16, Bfloat16, rounded
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var, sub_jaxprs
from gradcli.engine.ir.types import FLOAT32, ArrayType
from gradcli.engine.ops.define import REGISTRY

# What only moves numbers, or takes some of them: there is nothing to round.
_EXACT = frozenset(
    """abs broadcast_in_dim clamp concatenate copy dynamic_slice dynamic_update_slice expand_dims gather max min neg pad
    reduce_max reduce_min reshape rev select_n sign slice sort squeeze stop_gradient transpose""".split()
)
_ROUNDING: dict[str, Any] = {"exponent_bits": 8, "mantissa_bits": 7}
_wide: WeakKeyDictionary[Jaxpr, Jaxpr | None] = WeakKeyDictionary()


def is_narrow(eqn: Eqn) -> bool:
    """Whether an equation, or one inside of it, has to do with bfloat16."""
    if any(a.type.dtype is BFLOAT16 for a in (*eqn.inputs, *eqn.outputs)):
        return True
    return any(uses_bfloat16(inside) for _, inside in sub_jaxprs(eqn.params))


def uses_bfloat16(jaxpr: Jaxpr) -> bool:
    """Whether there is bfloat16 in a program."""
    if not Bfloat16.seen:
        return False
    return any(a.type.dtype is BFLOAT16 for a in (*jaxpr.inputs, *jaxpr.constvars, *jaxpr.outputs)) or any(
        map(is_narrow, jaxpr.eqns)
    )


def widened(jaxpr: Jaxpr) -> Jaxpr:
    """The program with float32 in the place of bfloat16, and rounding; itself where there is none of it."""
    if not Bfloat16.seen:
        return jaxpr
    if jaxpr not in _wide:
        _wide[jaxpr] = _widened(jaxpr) if uses_bfloat16(jaxpr) else None  # itself would never be forgotten
    return _wide[jaxpr] or jaxpr


def computed(eqn: Eqn, values: Sequence[Any]) -> Any:
    """What an equation's primitive gives for NumPy values."""
    if Bfloat16.seen and is_narrow(eqn):
        return run_narrow(eqn.primitive.impl, [v.type for v in eqn.outputs], values, eqn.params)
    return eqn.primitive.impl(*values, **eqn.params)


def run_narrow(impl: Callable[..., Any], types: Sequence[ArrayType], values: Sequence[Any], params: Any) -> Any:
    """An operation on NumPy values, with results of these types rounded."""
    out = impl(*values, **{key: _wide_param(value) for key, value in params.items()})
    if isinstance(out, (list, tuple)):
        return [rounded(x) if t.dtype is BFLOAT16 else x for x, t in zip(out, types, strict=True)]
    return rounded(out) if types[0].dtype is BFLOAT16 else out


def _widened(jaxpr: Jaxpr) -> Jaxpr:
    import_module("gradcli.engine.ops.bits")  # seldom needed otherwise
    round_p = REGISTRY["reduce_precision"]
    env: dict[Atom, Atom] = {}

    def var(old: Var) -> Var:
        return env.setdefault(old, Var(_wide_type(old.type)) if old.type.dtype is BFLOAT16 else old)  # type: ignore[return-value]

    def atom(old: Atom) -> Atom:
        if isinstance(old, Literal):
            return Literal(old.value, _wide_type(old.type)) if old.type.dtype is BFLOAT16 else old
        return env.get(old, old)

    inputs, constvars = tuple(map(var, jaxpr.inputs)), tuple(map(var, jaxpr.constvars))
    eqns: list[Eqn] = []
    for eqn in jaxpr.eqns:
        if not is_narrow(eqn):
            eqns.append(eqn)
            continue
        params = {key: _wide_param(value) for key, value in eqn.params.items()}
        outputs = [Var(_wide_type(v.type)) if v.type.dtype is BFLOAT16 else v for v in eqn.outputs]
        eqns.append(Eqn(eqn.primitive, [atom(a) for a in eqn.inputs], params, outputs, eqn.source))
        inexact = eqn.primitive.name not in _EXACT and not sub_jaxprs(eqn.params)
        for old, new in zip(eqn.outputs, outputs, strict=True):
            env[old] = new
            if inexact and old.type.dtype is BFLOAT16:
                env[old] = Var(new.type)
                eqns.append(Eqn(round_p, [new], _ROUNDING, (env[old],), eqn.source))  # type: ignore[arg-type]
    return Jaxpr(
        inputs, tuple(eqns), tuple(map(atom, jaxpr.outputs)), constvars, jaxpr.consts, jaxpr.notes, jaxpr.name
    )


def _wide_type(t: ArrayType) -> ArrayType:
    return t.with_dtype(FLOAT32, t.weak_type) if t.dtype is BFLOAT16 else t


def _wide_param(value: Any) -> Any:
    """A parameter with float32 for bfloat16, in dtypes, types and programs."""
    if value is BFLOAT16:
        return FLOAT32
    if isinstance(value, Jaxpr):
        return widened(value)
    if isinstance(value, ArrayType):
        return _wide_type(value)
    if isinstance(value, tuple):
        parts = map(_wide_param, value)
        return tuple(parts) if type(value) is tuple else type(value)(*parts)
    return value
