"""Programs with bfloat16 as programs of float32 in which every result is rounded, for what runs them.

Programs are traced, printed and differentiated with their own types. What computes them comes here first: NumPy has no
such numbers, and their arrays are kept as float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from gradcli.engine.array import Array, raw
from gradcli.engine.ir.bfloat16 import BFLOAT16, Bfloat16, rounded
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var, sub_jaxprs
from gradcli.engine.ir.types import FLOAT32, ArrayType
from gradcli.engine.ops.define import REGISTRY

Dtypes = Set[Any]
NARROW: Dtypes = frozenset({BFLOAT16})
COARSEST = (BFLOAT16, np.dtype(np.float16), FLOAT32)  # floats from the fewest digits on
# What only moves numbers, or takes some of them: there is nothing to round.
_EXACT = frozenset(
    """abs broadcast_in_dim clamp concatenate copy dynamic_slice dynamic_update_slice expand_dims gather max min neg pad
    reduce_max reduce_min reshape rev select_n sign slice sort squeeze stop_gradient transpose""".split()
)
_ROUNDING: dict[str, Any] = {"exponent_bits": 8, "mantissa_bits": 7}
_wide: WeakKeyDictionary[Jaxpr, Jaxpr | None] = WeakKeyDictionary()


def is_narrow(eqn: Eqn, dtypes: Dtypes = NARROW) -> bool:
    """Whether an equation, or one inside of it, has to do with bfloat16, or with other dtypes."""
    if any(a.type.dtype in dtypes for a in (*eqn.inputs, *eqn.outputs)):
        return True
    return any(uses(inside, dtypes) for _, inside in sub_jaxprs(eqn.params))


def uses(jaxpr: Jaxpr, dtypes: Dtypes = NARROW) -> bool:
    """Whether there is a dtype in a program."""
    if any(a.type.dtype in dtypes for a in (*jaxpr.inputs, *jaxpr.constvars, *jaxpr.outputs)):
        return True
    return any(is_narrow(eqn, dtypes) for eqn in jaxpr.eqns)


def uses_bfloat16(jaxpr: Jaxpr) -> bool:
    """Whether there is bfloat16 in a program."""
    return Bfloat16.seen and uses(jaxpr)


def widened(jaxpr: Jaxpr) -> Jaxpr:
    """The program with float32 in the place of bfloat16, and rounding; itself where there is none of it."""
    if not Bfloat16.seen:
        return jaxpr
    if jaxpr not in _wide:
        _wide[jaxpr] = Widening().program(jaxpr) if uses(jaxpr) else None  # itself would never be forgotten
    return _wide[jaxpr] or jaxpr


def coarsest(jaxpr: Jaxpr, wide: Any) -> Any:
    """The dtype of the fewest digits among a program's floats, if it has fewer than ``wide``; None otherwise."""
    return next((d for d in COARSEST if d != wide and d.itemsize < wide.itemsize and uses(jaxpr, {d})), None)


def unrounded(jaxpr: Jaxpr, wide: Any) -> Jaxpr:
    """The program with the dtype ``wide`` in the place of coarser floats; itself where there are none."""
    if coarsest(jaxpr, wide) is None:
        return jaxpr
    return Widening({d for d in COARSEST if d.itemsize < wide.itemsize}, wide, rounds=False).program(jaxpr)


def computed(eqn: Eqn, values: Sequence[Any]) -> Any:
    """What an equation's primitive gives for NumPy values."""
    if Bfloat16.seen and is_narrow(eqn):
        return run_narrow(eqn.primitive.impl, [v.type for v in eqn.outputs], values, eqn.params)
    return eqn.primitive.impl(*values, **eqn.params)


def run_narrow(impl: Callable[..., Any], types: Sequence[ArrayType], values: Sequence[Any], params: Any) -> Any:
    """An operation on NumPy values, with results of these types rounded."""
    out = impl(*values, **Widening().params(params))
    if isinstance(out, (list, tuple)):
        return [rounded(x) if t.dtype is BFLOAT16 else x for x, t in zip(out, types, strict=True)]
    return rounded(out) if types[0].dtype is BFLOAT16 else out


class Widening:
    """Puts one dtype in the place of narrower ones; ``rounds``: as the narrower one, bfloat16, would be."""

    def __init__(self, dtypes: Dtypes = NARROW, wide: Any = FLOAT32, rounds: bool = True) -> None:
        self.dtypes, self.wide, self.rounds = dtypes, wide, rounds

    def program(self, jaxpr: Jaxpr) -> Jaxpr:
        """A program, rewritten."""
        env: dict[Atom, Atom] = {}
        for v in (*jaxpr.inputs, *jaxpr.constvars):
            env[v] = self.var(v)
        eqns: list[Eqn] = []
        for eqn in jaxpr.eqns:
            if not is_narrow(eqn, self.dtypes):
                eqns.append(eqn)
                continue
            outputs = [self.var(v) for v in eqn.outputs]
            inputs = [env[a] if a in env else self.literal(a) for a in eqn.inputs]
            eqns.append(Eqn(eqn.primitive, inputs, self.params(eqn.params), outputs, eqn.source))
            env |= zip(eqn.outputs, outputs, strict=True)
            if self.rounds and eqn.primitive.name not in _EXACT and not sub_jaxprs(eqn.params):
                for old, new in zip(eqn.outputs, outputs, strict=True):
                    if new is not old:
                        env[old] = rounded_var = Var(new.type)
                        eqns.append(self.rounding(new, rounded_var, eqn.source))
        return Jaxpr(
            tuple(env[v] for v in jaxpr.inputs), tuple(eqns),  # type: ignore[misc]
            tuple(env[a] if a in env else self.literal(a) for a in jaxpr.outputs),
            tuple(env[v] for v in jaxpr.constvars),  # type: ignore[misc]
            tuple(self.constant(c) for c in jaxpr.consts), jaxpr.notes, jaxpr.name,
        )  # fmt: skip

    def type(self, t: ArrayType) -> ArrayType:
        """A type, widened."""
        return t.with_dtype(self.wide, t.weak_type) if t.dtype in self.dtypes else t

    def var(self, v: Var) -> Var:
        """A variable in the place of one that has to be wider; others are kept."""
        return Var(self.type(v.type)) if v.type.dtype in self.dtypes else v

    def literal(self, a: Atom) -> Atom:
        """A literal, or a variable that stays as it is."""
        return Literal(a.value, self.type(a.type)) if isinstance(a, Literal) and a.type.dtype in self.dtypes else a

    def constant(self, x: Any) -> Any:
        """What a program holds; a tracer stays as it is, for whoever runs it."""
        return Array(np.asarray(raw(x), self.wide)) if isinstance(x, Array) and x.dtype in self.dtypes else x

    def rounding(self, x: Var, out: Var, source: Any) -> Eqn:
        """The equation that rounds."""
        import_module("gradcli.engine.ops.bits")  # seldom needed otherwise
        return Eqn(REGISTRY["reduce_precision"], [x], _ROUNDING, (out,), source)

    def params(self, params: dict[str, Any]) -> dict[str, Any]:
        """An equation's parameters: the dtypes, types and programs among them."""
        return {key: self._param(value) for key, value in params.items()}

    def _param(self, value: Any) -> Any:
        if isinstance(value, Jaxpr):
            return widened(value) if self.rounds else unrounded(value, self.wide)
        if isinstance(value, ArrayType):
            return self.type(value)
        if isinstance(value, tuple):
            parts = map(self._param, value)
            return tuple(parts) if type(value) is tuple else type(value)(*parts)
        if value is BFLOAT16 or isinstance(value, np.dtype):
            return self.wide if value in self.dtypes else value
        return value
