"""``time``: how long tracing, differentiating, compiling, the first and every further run take."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from gradcli.engine.autodiff import program_of
from gradcli.engine.execute.compiled import Compiled, compile_program
from gradcli.engine.ir.program import Jaxpr
from gradcli.inspect.jaxprs import staged
from gradcli.inspect.problem import Problem
from gradcli.inspect.results import TimeResult

T = TypeVar("T")


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = perf_counter()
    result = work()
    return result, (perf_counter() - start) * 1e3


def _compiled(jaxpr: Jaxpr) -> Compiled:
    program = compile_program(jaxpr)
    _ = program.quick if program.may_be_quick else program.careful  # written when first used
    return program


def time_of(problem: Problem, of: str, over: tuple[str, ...], runs: int) -> TimeResult:
    """Times each stage of ``of`` (the grammar of ``jaxpr --of``), then ``runs`` runs after the first.

    Compiling is what turns the program into something that runs: simplifying it and writing it as Python source.
    """
    stage = staged(problem, of, over)
    base = staged(problem, "f", ()) if not over else None
    trace_ms = _timed(lambda: program_of(base.function, base.args))[1] if base is not None else 0.0
    (jaxpr, leaves, _, _), whole_ms = _timed(lambda: program_of(stage.function, stage.args))
    program, compile_ms = _timed(lambda: _compiled(jaxpr))
    _, first_ms = _timed(lambda: program(leaves))
    runs_ms = tuple(_timed(lambda: program(leaves))[1] for _ in range(runs))
    plain = of.strip() == "f"
    return TimeResult(
        target=problem.target.label, dtype=problem.dtype, notes=problem.notes, of=of, equations=len(program.jaxpr.eqns),
        trace_ms=whole_ms if plain or base is None else trace_ms,
        differentiate_ms=0.0 if plain or base is None else max(0.0, whole_ms - trace_ms),
        compile_ms=compile_ms, first_ms=first_ms, runs_ms=runs_ms,
    )  # fmt: skip
