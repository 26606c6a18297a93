"""Errors: one shape (code, message, the user's line, hint) for the whole program.

Every error that gradcli raises on purpose carries a :class:`Diagnostic` in its attribute ``diagnostic``. Where Python
or JAX fix the exception class (a ``TypeError`` for a gradient of a non-scalar function), the class is that one; the
attribute is the same. The first digit after ``G`` decides the exit status of the command line.
"""

from __future__ import annotations

from typing import Any

from gradcli.engine.record import record

CODES: dict[str, str] = {
    "G101": "wrong use of the command line",
    "G102": "an argument of the function has no value",
    "G103": "the target is ambiguous",
    "G104": "a value on the command line cannot be read",
    "G105": "an unknown name where one of several was expected",
    "G200": "the function raised an exception",
    "G201": "a value that does not exist while tracing was asked for",
    "G202": "a traced value was used after its trace had ended",
    "G203": "a primitive has no rule for this transformation",
    "G204": "a gradient was asked of a function whose output is not a scalar",
    "G205": "an argument or output has a dtype that cannot be differentiated",
    "G206": "shapes or dtypes do not fit",
    "G207": "a value is no array, number or pytree of them",
    "G208": "a custom derivative rule is missing or returned the wrong structure",
    "G209": "branches or loop bodies disagree in structure or type",
    "G210": "pytrees disagree in structure",
    "G211": "a batching axis is wrong",
    "G212": "this operation is not supported on traced values",
    "G213": "a program failed its own check",
    "G214": "arrays cannot be changed in place",
    "G301": "a file cannot be read",
    "G302": "a module cannot be imported",
    "G303": "a YAML document cannot be read",
    "G304": "a spec breaks the schema",
    "G305": "an expression cannot be read",
    "G306": "data cannot be read",
    "G307": "running code is not allowed here",
    "G501": "nothing was selected",
    "G601": "a batch is incomplete",
    "G900": "a fault of gradcli itself",
}


@record
class Location:
    """A line of the user's code: file as shown, 1-based line, its text, and the function it is in."""

    file: str
    line: int
    text: str = ""
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@record
class Diagnostic:
    """What went wrong, where in the user's code, and what to do about it."""

    code: str
    message: str
    location: Location | None = None
    hint: str | None = None


class GradcliError(Exception):
    """An error of gradcli that has no more specific Python class."""

    diagnostic: Diagnostic

    def __init__(self, message: str, diagnostic: Diagnostic | None = None) -> None:
        super().__init__(message)
        self.diagnostic = diagnostic or Diagnostic("G900", message)


class TracerError(TypeError):
    """Base of the errors about traced values, so that ``except TypeError`` catches them as it does under JAX."""


class ConcretizationTypeError(TracerError):
    """A concrete value was needed where only a traced one exists."""


class TracerBoolConversionError(ConcretizationTypeError):
    """The truth of a traced value was asked for."""


class TracerArrayConversionError(TracerError):
    """A traced value was to become a NumPy array."""


class TracerIntegerConversionError(TracerError):
    """A traced value was to become an index."""


class NonConcreteBooleanIndexError(IndexError):
    """A traced boolean mask was used where the result's shape would depend on its values."""


class TypePromotionError(ValueError):
    """Dtypes that are not promoted under strict promotion."""


class UnexpectedTracerError(RuntimeError):
    """A traced value outlived its trace."""


class RuleError(NotImplementedError):
    """A primitive lacks the rule that a transformation needs."""


def fail(
    code: str,
    message: str,
    *,
    hint: str | None = None,
    location: Location | None = None,
    cls: type[Exception] = GradcliError,
) -> Any:
    """Builds (does not raise) an exception of class ``cls`` that carries its diagnostic.

    >>> error = fail("G206", "add got f64[3] and f64[4]", hint="shapes must be equal", cls=TypeError)
    >>> type(error).__name__, str(error), error.diagnostic.code
    ('TypeError', 'add got f64[3] and f64[4]', 'G206')
    """
    assert code in CODES, code
    error: Any = cls(message)
    error.diagnostic = Diagnostic(code, message, location, hint)
    return error


def diagnostic_of(error: BaseException) -> Diagnostic | None:
    """The diagnostic that an exception carries, or None for an exception that is not gradcli's."""
    return getattr(error, "diagnostic", None)
