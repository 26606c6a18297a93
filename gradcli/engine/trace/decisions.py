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
    it asked for is no value of this program. Whatever ``f`` raises is passed on.

    >>> from gradcli.engine.array import Array
    >>> from gradcli.engine.ir.types import ArrayType
    >>> program = decisions_of(lambda x: x if x > 0 else -x, [ArrayType((), "float64")], [Array(2.0)])
    >>> [eqn.primitive.name for eqn in program.eqns], len(program.outputs)
    (['gt'], 1)
    """
    trace = Trace()
    with RareCollections(), trace:
        inputs = [trace.input(t, origin) for t, origin in zip(types, origins, strict=True)]
        f(*inputs)
        if any(asked.trace is not trace for asked in trace.decisions):
            return None
        return trace.close(inputs, list(dict.fromkeys(trace.decisions)))
