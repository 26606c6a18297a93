"""Loops and calls outside any trace: compiled, where that pays, and kept for the next time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.engine.array import Array, type_of
from gradcli.engine.ir.program import Eqn, Jaxpr, Var
from gradcli.engine.ir.types import array_type, canonical_dtype
from gradcli.engine.ops.define import Primitive

LONG = 32  # steps from which a loop is compiled
_KEPT = 256
_programs: OrderedDict[Any, Any] = OrderedDict()


def _kept(x: Any) -> Any:
    """A value with its own dtype, where precision would cap it: keys are integers of 64 bits under every one."""
    wide = isinstance(x, (np.ndarray, np.generic)) and x.dtype != canonical_dtype(x.dtype)
    return Array(x, array_type(x.shape, x.dtype)) if wide else x


def run_compiled(primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    """Applies a primitive that holds programs to NumPy values, by its compiled form."""
    args = [_kept(a) for a in args]
    types = tuple(type_of(a) for a in args)
    key = (primitive, types, *params.items())
    found = _programs.get(key)
    if found is None:
        inputs = tuple(Var(t) for t in types)
        outputs = tuple(Var(t) for t in primitive.type_rule(*types, **params))
        program = Jaxpr(inputs, (Eqn(primitive, inputs, params, outputs, None),), outputs)
        found = _programs[key] = import_module("gradcli.engine.execute.compiled").compile_program(program)
        while len(_programs) > _KEPT:
            _programs.popitem(last=False)
    out: list[Any] = found(args)
    return out
