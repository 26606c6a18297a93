"""Programs with dtypes that NumPy has not as programs of those in which their arrays are kept, for what runs them.

Programs are traced, printed and differentiated with their own types. What computes them comes here first: with float32
for bfloat16, and every result rounded, and with uint64 for random keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from gradcli.engine.array import Array, raw
from gradcli.engine.ir.bfloat16 import BFLOAT16, rounded
from gradcli.engine.ir.keys import KEY
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var, sub_jaxprs
from gradcli.engine.ir.stored import Stored
from gradcli.engine.ir.types import FLOAT32, ArrayType
from gradcli.engine.ops.define import REGISTRY, Primitive

Dtypes = Set[Any]
OWN: Dtypes = frozenset({BFLOAT16, KEY})
COARSEST = (BFLOAT16, np.dtype(np.float16), FLOAT32)  # floats from the fewest digits on
# What only moves numbers, or takes some of them: there is nothing to round.
_EXACT = frozenset(
    """abs broadcast_in_dim clamp concatenate copy dynamic_slice dynamic_update_slice expand_dims gather max min neg pad
    reduce_max reduce_min reshape rev select_n sign slice sort squeeze stop_gradient transpose""".split()
)
_ROUNDING: dict[str, Any] = {"exponent_bits": 8, "mantissa_bits": 7}
_CASTS = {"random_wrap": KEY.storage, "random_unwrap": np.dtype(np.uint32)}
_wide: WeakKeyDictionary[Jaxpr, Jaxpr | None] = WeakKeyDictionary()


def is_stored(eqn: Eqn) -> bool:
    """Whether an equation, or one inside of it, has to do with dtypes that NumPy has not."""
    for a in eqn.inputs:
        if a.type.is_stored:
            return True
    for v in eqn.outputs:
        if v.type.is_stored:
            return True
    return bool(eqn.params) and any(uses_stored(inside) for _, inside in sub_jaxprs(eqn.params))


def uses_stored(jaxpr: Jaxpr) -> bool:
    """Whether there are dtypes in a program that NumPy has not."""
    return widened(jaxpr) is not jaxpr


def widened(jaxpr: Jaxpr) -> Jaxpr:
    """The program with the dtypes in which arrays are kept, and rounding; itself where these are its own dtypes."""
    if not Stored.seen:
        return jaxpr
    if jaxpr not in _wide:
        ends = (*jaxpr.inputs, *jaxpr.constvars, *jaxpr.outputs)
        found = any(a.type.is_stored for a in ends) or any(map(is_stored, jaxpr.eqns))
        _wide[jaxpr] = Widening().program(jaxpr) if found else None  # itself would never be forgotten
    return _wide[jaxpr] or jaxpr


def uses(jaxpr: Jaxpr, dtypes: Dtypes) -> bool:
    """Whether there are some dtypes in a program."""
    ends = (*jaxpr.inputs, *jaxpr.constvars, *jaxpr.outputs)
    return any(a.type.dtype in dtypes for a in ends) or any(has_dtype(eqn, dtypes) for eqn in jaxpr.eqns)


def has_dtype(eqn: Eqn, dtypes: Dtypes) -> bool:
    """Whether an equation, or one inside of it, has to do with some dtypes."""
    if any(a.type.dtype in dtypes for a in (*eqn.inputs, *eqn.outputs)):
        return True
    return any(uses(inside, dtypes) for _, inside in sub_jaxprs(eqn.params))


def walkable(jaxpr: Jaxpr) -> Jaxpr | None:
    """The program for a walk on NumPy values: with keys as they are kept. None where it has to be walked as it is.

    That is so with bfloat16, whose derivatives are rounded too, and where a user's rule is to be given keys.
    """
    plain = widened(jaxpr)
    return plain if plain is jaxpr or not _keeps_types(jaxpr) else None


def _keeps_types(jaxpr: Jaxpr) -> bool:
    """Whether a program that uses such dtypes has to be differentiated with them."""
    for eqn in filter(is_stored, jaxpr.eqns):
        dtypes = [a.type.dtype for a in (*eqn.inputs, *eqn.outputs)]
        if BFLOAT16 in dtypes or (KEY in dtypes and eqn.primitive.name.startswith("custom_")):
            return True
        if any(_keeps_types(inside) for _, inside in sub_jaxprs(eqn.params)):
            return True
    return any(v.type.dtype is BFLOAT16 for v in (*jaxpr.inputs, *jaxpr.outputs))


def coarsest(jaxpr: Jaxpr, wide: Any) -> Any:
    """The dtype of the fewest digits among a program's floats, if it has fewer than ``wide``; None otherwise."""
    return next((d for d in COARSEST if d != wide and d.itemsize < wide.itemsize and uses(jaxpr, {d})), None)


def unrounded(jaxpr: Jaxpr, wide: Any) -> Jaxpr:
    """The program with the dtype ``wide`` in the place of coarser floats; itself where there are none."""
    if coarsest(jaxpr, wide) is None:
        return jaxpr
    return Widening({d for d in COARSEST if d.itemsize < wide.itemsize}, wide).program(jaxpr)


def computed(eqn: Eqn, values: Sequence[Any]) -> Any:
    """What an equation's primitive gives for NumPy values."""
    if Stored.seen and is_stored(eqn):
        return run_narrow(eqn.primitive.impl, [v.type for v in eqn.outputs], values, eqn.params)
    return eqn.primitive.impl(*values, **eqn.params)


def evaluated(
    run: Callable[..., Any], types: Sequence[ArrayType], outs: Sequence[ArrayType], values: Sequence[Any], params: Any
) -> Any:
    """An operation on NumPy values of these types, with results of those."""
    if any(t.is_stored for t in (*types, *outs)) or sub_jaxprs(params):
        return run_narrow(run, outs, values, params)
    return run(*values, **params)


def run_narrow(impl: Callable[..., Any], types: Sequence[ArrayType], values: Sequence[Any], params: Any) -> Any:
    """An operation on NumPy values, with results of these types rounded."""
    out = impl(*values, **Widening().params(params))
    if isinstance(out, (list, tuple)):
        return [rounded(x) if t.dtype is BFLOAT16 else x for x, t in zip(out, types, strict=True)]
    return rounded(out) if types[0].dtype is BFLOAT16 else out


def _bits(name: str) -> Primitive:
    """An operation on bits: they are seldom needed otherwise."""
    import_module("gradcli.engine.ops.bits")
    return REGISTRY[name]


class Widening:
    """Puts other dtypes in the place of some: those in which they are kept, with rounding, or a wide one."""

    def __init__(self, dtypes: Dtypes = OWN, wide: Any = None) -> None:
        self.dtypes, self.wide = dtypes, wide

    def concerns(self, eqn: Eqn) -> bool:
        """Whether an equation changes."""
        return is_stored(eqn) if self.wide is None else has_dtype(eqn, self.dtypes)

    def dtype(self, old: Any) -> Any:
        """What is put in the place of a dtype."""
        return old if old not in self.dtypes else old.storage if self.wide is None else self.wide

    def program(self, jaxpr: Jaxpr) -> Jaxpr:
        """A program, rewritten."""
        env: dict[Atom, Atom] = {}
        for v in (*jaxpr.inputs, *jaxpr.constvars):
            env[v] = self.var(v)
        eqns: list[Eqn] = []
        for eqn in jaxpr.eqns:
            if not self.concerns(eqn):
                eqns.append(eqn)
                continue
            outputs = [self.var(v) for v in eqn.outputs]
            inputs = [env[a] if a in env else self.literal(a) for a in eqn.inputs]
            eqns.append(self.equation(eqn, inputs, outputs))
            env |= zip(eqn.outputs, outputs, strict=True)
            if self.wide is None and eqn.primitive.name not in _EXACT and not sub_jaxprs(eqn.params):
                for old, new in zip(eqn.outputs, outputs, strict=True):
                    if old.type.dtype is BFLOAT16:
                        env[old] = rounded_var = Var(new.type)
                        eqns.append(self.rounding(new, rounded_var, eqn.source))
        return Jaxpr(
            tuple(env[v] for v in jaxpr.inputs), tuple(eqns),  # type: ignore[misc]
            tuple(env[a] if a in env else self.literal(a) for a in jaxpr.outputs),
            tuple(env[v] for v in jaxpr.constvars),  # type: ignore[misc]
            tuple(self.constant(c) for c in jaxpr.consts), jaxpr.notes, jaxpr.name,
        )  # fmt: skip

    def equation(self, eqn: Eqn, inputs: Sequence[Atom], outputs: Sequence[Var]) -> Eqn:
        """The equation that has the same meaning for other dtypes."""
        cast = _CASTS.get(eqn.primitive.name)
        if cast is None or self.wide is not None:
            return Eqn(eqn.primitive, inputs, self.params(eqn.params), outputs, eqn.source)
        return Eqn(_bits("bitcast_convert_type"), inputs, {"new_dtype": cast}, outputs, eqn.source)

    def type(self, t: ArrayType) -> ArrayType:
        """A type, widened."""
        return t.with_dtype(self.dtype(t.dtype), t.weak_type) if t.dtype in self.dtypes else t

    def var(self, v: Var) -> Var:
        """A variable in the place of one that has to be wider; others are kept."""
        return Var(self.type(v.type)) if v.type.dtype in self.dtypes else v

    def literal(self, a: Atom) -> Atom:
        """A literal, or a variable that stays as it is."""
        return Literal(a.value, self.type(a.type)) if isinstance(a, Literal) and a.type.dtype in self.dtypes else a

    def constant(self, x: Any) -> Any:
        """What a program holds; a tracer stays as it is, for whoever runs it."""
        return Array(np.asarray(raw(x), self.dtype(x.dtype))) if isinstance(x, Array) and x.dtype in self.dtypes else x

    def rounding(self, x: Var, out: Var, source: Any) -> Eqn:
        """The equation that rounds."""
        return Eqn(_bits("reduce_precision"), [x], _ROUNDING, (out,), source)

    def params(self, params: dict[str, Any]) -> dict[str, Any]:
        """An equation's parameters: the dtypes, types and programs among them."""
        return {key: self._param(value) for key, value in params.items()}

    def _param(self, value: Any) -> Any:
        if isinstance(value, Jaxpr):
            return widened(value) if self.wide is None else unrounded(value, self.wide)
        if isinstance(value, ArrayType):
            return self.type(value)
        if isinstance(value, tuple):
            parts = map(self._param, value)
            return tuple(parts) if type(value) is tuple else type(value)(*parts)
        return self.dtype(value) if isinstance(value, (np.dtype, Stored)) else value
