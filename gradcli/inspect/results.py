"""The results of the commands: frozen dataclasses that hold everything a rendering needs, and print nothing.

A *value* here is a Python number, a NumPy array, or a pytree of them; values by argument are dictionaries from the
argument's label (``x``, ``params``, ``params.w``) to a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gradcli.engine.record import record

if TYPE_CHECKING:
    from gradcli.conformance.table import Coverage

Values = dict[str, Any]
Verdict = Literal["pass", "fail", "kink", "unclear"]


@record(kw_only=True)
class Result:
    """What all results have. ``notes`` go to stderr: promotions, decisions that tracing took, what was left out."""

    command: ClassVar[str] = ""
    target: str
    dtype: str
    notes: tuple[str, ...] = ()


@record(kw_only=True)
class GradResult(Result):
    """Value and gradient at ``inputs``; with ``order`` the derivatives 0 … order instead of gradients.

    varied: name and points of the argument that ``--vary`` moves; the values then have one leading axis of that length.
    """

    command: ClassVar[str] = "grad"
    inputs: Values
    value: Any
    gradients: Values | None
    derivatives: tuple[Any, ...] | None = None
    wrt: str = ""
    varied: tuple[str, Any] | None = None
    show_value: bool = True


@record(kw_only=True)
class JvpResult(Result):
    """Value and the derivative along ``tangents``."""

    command: ClassVar[str] = "jvp"
    inputs: Values
    tangents: Values
    value: Any
    tangent_out: Any


@record(kw_only=True)
class VjpResult(Result):
    """Value and what ``cotangent`` pulls back to, for each argument."""

    command: ClassVar[str] = "vjp"
    inputs: Values
    cotangent: Any
    value: Any
    cotangents: Values


@record(kw_only=True)
class MatrixResult(Result):
    """A Jacobian or Hessian. ``matrix`` is one value, or a dictionary by argument (for a Hessian: by two arguments)."""

    kind: Literal["jacobian", "hessian"]
    inputs: Values
    value: Any
    matrix: Any
    wrt: tuple[str, ...]
    mode: str

    @property
    def command(self) -> str:  # type: ignore[override]
        """``jacobian`` or ``hessian``."""
        return self.kind


@record(kw_only=True)
class TaylorResult(Result):
    """Derivatives 0 … order of a function of one scalar argument, by Taylor mode."""

    command: ClassVar[str] = "taylor"
    inputs: Values
    wrt: str
    derivatives: tuple[Any, ...]


@record(kw_only=True)
class BatchResult(Result):
    """Per-sample values and gradients; ``values`` and each gradient have a leading axis of length ``n``.

    reduce: what was done to the gradients: ``none``, ``norm`` (one a sample), ``mean`` or ``sum`` (over samples).
    indices: the sample numbers of the rows, where ``--top`` picked some.
    """

    command: ClassVar[str] = "batch"
    inputs: Values
    over: tuple[str, ...]
    n: int
    values: Any
    gradients: Values
    reduce: str = "none"
    indices: tuple[int, ...] | None = None


@record(kw_only=True)
class JaxprResult(Result):
    """The program: its text in the style asked, and its data. ``values``: per equation, where asked for."""

    command: ClassVar[str] = "jaxpr"
    of: str
    text: str
    data: dict[str, Any]
    values: tuple[tuple[str, ...], ...] | None = None


@record(kw_only=True)
class Check:
    """One derivative by both ways. ``of`` names what was differentiated: ``f``, or a derivative of lower order.

    derivative: its name, ``d2f/dxdy``. ad: by automatic differentiation in ``mode``; fd: by differences of ``of`` along
    ``argument[index]`` with ``step``; fd_error: how far the difference quotient itself may be off.
    """

    derivative: str
    of: str
    argument: str
    index: tuple[int, ...]
    order: int
    mode: str
    ad: complex
    fd: complex
    abs_error: float
    rel_error: float
    step: float
    fd_error: float
    verdict: Verdict
    reason: str = ""


@record(kw_only=True)
class CheckResult(Result):
    """Every comparison made; ``verdict`` is ``fail`` as soon as one of them failed."""

    command: ClassVar[str] = "check"
    inputs: Values
    method: str
    checks: tuple[Check, ...]
    verdict: Literal["pass", "fail"]
    summary: str


@record(kw_only=True)
class TimeResult(Result):
    """Milliseconds of each stage, and of every run."""

    command: ClassVar[str] = "time"
    of: str
    equations: int
    trace_ms: float
    differentiate_ms: float
    compile_ms: float
    first_ms: float
    runs_ms: tuple[float, ...]


@record(kw_only=True)
class CaseResult:
    """One case of a spec. ``message`` says in one line what differed, or what the error was."""

    file: str
    name: str
    status: Literal["passed", "failed", "error"]
    message: str = ""
    seconds: float = 0.0
    line: int | None = None


@record(kw_only=True)
class RunResult(Result):
    """All cases of all specs."""

    command: ClassVar[str] = "run"
    cases: tuple[CaseResult, ...]

    @property
    def passed(self) -> int:
        """The number of cases that passed."""
        return sum(c.status == "passed" for c in self.cases)

    @property
    def failed(self) -> int:
        """The number of cases whose result differs from what was expected."""
        return sum(c.status == "failed" for c in self.cases)

    @property
    def errors(self) -> int:
        """The number of cases that could not be computed."""
        return sum(c.status == "error" for c in self.cases)

    @property
    def summary(self) -> str:
        """``12 passed, 0 failed``, and the errors if there are any."""
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.errors} errors" if self.errors else "")


@record(kw_only=True)
class FunctionRow:
    """A function of a file: signature with defaults, first line of its docstring, and where it is."""

    name: str
    signature: str
    defaults: Values
    doc: str
    line: int | None


@record(kw_only=True)
class ListResult(Result):
    """The functions of a file."""

    command: ClassVar[str] = "list"
    functions: tuple[FunctionRow, ...]


@record(kw_only=True)
class OpRow:
    """A primitive and which rules it has."""

    name: str
    family: str
    jvp: bool
    transpose: bool
    batch: bool


@record(kw_only=True)
class OpsResult(Result):
    """Every primitive."""

    command: ClassVar[str] = "ops"
    ops: tuple[OpRow, ...]


@record(kw_only=True)
class CoverageResult(Result):
    """What the conformance table covers."""

    command: ClassVar[str] = "ops"
    coverage: tuple[Coverage, ...]

    @property
    def summary(self) -> str:
        """``1210 names: 1100 with 2700 rows, 110 excepted, 0 missing``."""
        names, covered, rows, excepted = (
            sum(getattr(row, field) for row in self.coverage) for field in ("names", "covered", "rows", "excepted")
        )
        missing = sum(len(row.missing) for row in self.coverage)
        return f"{names} names: {covered} with {rows} rows, {excepted} excepted, {missing} missing"


@record(kw_only=True)
class ConformanceRow:
    """A row of the conformance table, and each check of it: an empty text where it holds, else what is wrong."""

    name: str
    checks: dict[str, str]

    @property
    def wrong(self) -> str:
        """What is wrong, with the check's name."""
        return "; ".join(f"{check}: {text}" for check, text in self.checks.items() if text)


@record(kw_only=True)
class ConformanceResult(Result):
    """Rows of the conformance table, checked."""

    command: ClassVar[str] = "ops"
    rows: tuple[ConformanceRow, ...]

    @property
    def failed(self) -> int:
        """How many rows do not hold."""
        return sum(bool(row.wrong) for row in self.rows)

    @property
    def summary(self) -> str:
        """``12 rows, 0 failed``."""
        return f"{len(self.rows)} rows, {self.failed} failed"


@record(kw_only=True)
class NameRow:
    """A name of another library: the lines that use it, whether it is there, and the nearest that is if not."""

    name: str
    status: Literal["yes", "plain values only", "no", "not installed"]
    lines: tuple[int, ...] = ()
    nearest: str = ""


@record(kw_only=True)
class DoctorResult(Result):
    """The names that a file uses of other libraries."""

    command: ClassVar[str] = "doctor"
    names: tuple[NameRow, ...]

    @property
    def missing(self) -> int:
        """How many are not there."""
        return sum(n.status in ("no", "not installed") for n in self.names)

    @property
    def summary(self) -> str:
        """``12 names, 2 missing``."""
        return f"{len(self.names)} names, {self.missing} missing"


@record(kw_only=True)
class NamesResult(Result):
    """The public names of a library (``target``: with its version), and which of them are here."""

    command: ClassVar[str] = "ops"
    names: tuple[NameRow, ...]

    @property
    def summary(self) -> str:
        """How many of them are here, and for which values."""
        count = {s: sum(n.status == s for n in self.names) for s in ("yes", "plain values only")}
        text = f"{self.target}: {count['yes']} of {len(self.names)} names"
        return text + (f", {count['plain values only']} more for plain values" if count["plain values only"] else "")
