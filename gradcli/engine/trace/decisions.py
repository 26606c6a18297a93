"""What a function's values decided while it was traced, as a program: it tells whether other values decide the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.trace.collect import RareCollections
from gradcli.engine.trace.tracer import Trace


def decisions_of(f: Callable[..., Any], types: Sequence[ArrayType], origins: Sequence[Any]) -> Jaxpr | None:
    """The program from the inputs of ``f`` to every value whose concrete one ``f`` asked for, as in ``if x > 0``.

    ``origins``: the values at which ``f`` is run. None where a program inside of ``f`` asked, a loop's body say: what
    it asked for is no value of this program; None too where numbers of the run went into the program otherwise, as
    they do in a solver that chooses its steps. Whatever ``f`` raises is passed on.

    >>> from gradcli.engine.array import Array, type_of
    >>> from gradcli.engine.ops.logic import gt
    >>> import numpy as np
    >>> at = Array(np.float64(2))
    >>> program = decisions_of(lambda x: 1 if gt(x, at) else 2, [type_of(at)], [at])
    >>> [eqn.primitive.name for eqn in program.eqns], len(program.outputs)
    (['gt'], 1)
    """
    trace = Trace()
    with RareCollections(), trace:
        inputs = [trace.input(t, origin) for t, origin in zip(types, origins, strict=True)]
        f(*inputs)
        if trace.steered or any(asked.trace is not trace for asked in trace.decisions):
            return None
        return trace.close(inputs, list(dict.fromkeys(trace.decisions)))
