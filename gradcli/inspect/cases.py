"""``run``: the cases of specs, each computed and compared with what it expects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from gradcli.engine.errors import Diagnostic, diagnostic_of, fail
from gradcli.engine.settings import override, settings
from gradcli.inspect.batches import batch_of
from gradcli.inspect.check import CheckOptions, check_of
from gradcli.inspect.compare import Tolerance, differences, same_program
from gradcli.inspect.evaluate import grad_of, hessian_of, jacobian_of, plain, traced
from gradcli.inspect.jaxprs import jaxpr_of, parse_of
from gradcli.inspect.problem import Problem, Request, problem_of
from gradcli.inspect.results import CaseResult, RunResult
from gradcli.sources.expression import compile_expression
from gradcli.sources.spec import Case, load_spec
from gradcli.sources.target import Target

Progress = Callable[[int, int], None]


def run_specs(
    paths: Sequence[str], allow_exec: bool = True, progress: Progress = lambda done, total: None
) -> RunResult:
    """Runs every case of the specs (files, ``file:case``, folders). Raises where a spec itself cannot be read."""
    cases = [case for path in paths for case in _cases(path)]
    rows = []
    for case in cases:
        rows.append(_run(case, allow_exec))
        progress(len(rows), len(cases))
    return RunResult(target=" ".join(paths), dtype=settings().precision, cases=tuple(rows))


def _cases(path: str) -> Iterator[Case]:
    place = Path(path)
    if place.is_dir():
        files = sorted(p for p in place.rglob("*") if p.suffix in (".yaml", ".yml") and p.is_file())
        if not files:
            raise fail("G501", f"no specs in {path}", hint="specs are .yaml or .yml files")
        for file in files:
            yield from load_spec(file).cases
        return
    name = None
    if not place.exists() and ":" in path:
        path, _, name = path.partition(":")
    found = load_spec(path).cases
    chosen = [c for c in found if name is None or c.name == name or c.name.startswith(name + "[")]
    if name is not None and not chosen:
        raise fail("G501", f"{path} has no case {name!r}", hint=f"its cases: {', '.join(c.name for c in found[:12])}")
    yield from chosen


def _run(case: Case, allow_exec: bool) -> CaseResult:
    start = perf_counter()
    wanted = case.expect.get("error")
    try:
        target = case.function.load(allow_exec)
        with override(precision=case.dtype or target.precision or "float64"):
            found = list(_differences(case, target))
        if wanted is not None:
            found = [f"expected error {wanted}, but it was computed"]
        status, message = ("failed", "; ".join(found)) if found else ("passed", "")
    except Exception as error:  # whatever the user's function raises is this case's result
        status, message = _of_error(error, wanted)
    return CaseResult(
        file=case.file, name=case.name, line=case.line, message=message, seconds=perf_counter() - start,
        status="passed" if status == "passed" else "failed" if status == "failed" else "error",
    )  # fmt: skip


def _of_error(error: Exception, wanted: str | None) -> tuple[str, str]:
    found = diagnostic_of(error) or Diagnostic("G200", f"{type(error).__name__}: {error}")
    where = f" ({found.location})" if found.location is not None else ""
    message = f"error[{found.code}]: {found.message}{where}"
    if wanted is None:
        return "error", message
    return ("passed", "") if wanted == found.code else ("failed", f"expected error {wanted}, got {message}")


def _differences(case: Case, target: Target) -> Iterator[str]:
    """What differs from what the case expects, a line each."""
    problem = problem_of(target, Request({**case.at, **case.batch}, case.wrt))
    if case.check is not None:
        yield from _check(problem, case.check)
    if case.jaxpr is not None:
        yield from _program(problem, case)
    elif case.batch:
        found = batch_of(problem, tuple(case.batch))
        yield from _compare(case, problem, {"value": found.values, "grad": found.gradients})
    elif case.order is not None:
        derivatives = grad_of(problem, case.order).derivatives
        yield from _compare(case, problem, {"derivatives": np.asarray(derivatives)})
    elif case.check is None or set(KEYS) & set(case.expect):
        yield from _compare(case, problem, _point(problem, case))


KEYS = ("value", "grad", "derivatives", "jacobian", "hessian")


def _point(problem: Problem, case: Case) -> dict[str, Any]:
    """What a case at one point expects; a value or Jacobian alone needs no scalar function."""
    found: dict[str, Any] = {}
    if "jacobian" in case.expect:
        jacobian = jacobian_of(problem)
        found = {"jacobian": jacobian.matrix, "value": jacobian.value}
    if "hessian" in case.expect:
        hessian = hessian_of(problem)
        found = {**found, "hessian": hessian.matrix, "value": hessian.value}
    if "grad" in case.expect or case.grad or not (found or "value" in case.expect):
        result = grad_of(problem)
        return {**found, "value": result.value, "grad": result.gradients}
    return found or {"value": plain(traced(problem)(*problem.points))}


def _compare(case: Case, problem: Problem, found: Mapping[str, Any]) -> Iterator[str]:
    tolerance = Tolerance(case.rtol, case.atol)
    for key in KEYS:
        if key not in case.expect:
            continue
        if key not in found:
            yield f"{key}: this case has none; it computes {', '.join(found)}"
        else:
            yield from differences(key, _resolved(case.expect[key], problem), found[key], tolerance)


def _resolved(expected: Any, problem: Problem) -> Any:
    """An expectation with every formula in it computed from the case's inputs."""
    if isinstance(expected, Mapping):
        if set(expected) == {"expr"}:
            function, _ = compile_expression(str(expected["expr"]), problem.names)
            return plain(function(*problem.args))
        return {key: _resolved(value, problem) for key, value in expected.items()}
    if isinstance(expected, (list, tuple)):
        return [_resolved(value, problem) for value in expected]
    return expected


def _check(problem: Problem, options: Mapping[str, Any]) -> Iterator[str]:
    given: dict[str, Any] = {key: tuple(value) if key == "modes" else value for key, value in options.items()}
    result = check_of(problem, CheckOptions(**given))
    if result.verdict == "fail":
        yield result.summary


def _program(problem: Problem, case: Case) -> Iterator[str]:
    of = str(case.jaxpr)
    over = tuple(case.batch) if "batch" in parse_of(of) else ()
    texts = [jaxpr_of(problem, of, over, style).text for style in ("modern", "classic")]
    expected = case.expect.get("jaxpr")
    if expected is not None and not any(same_program(str(expected), text) for text in texts):
        yield "expected another program; got\n" + texts[0]
