"""Tracing: running a function on stand-ins (tracers) while an open trace writes down every operation.

``bind`` is the one door through which operations pass. With no trace open it evaluates; otherwise the innermost open
trace records the operation. A tracer of an outer trace, or an array, that is used inside becomes a captured constant:
lexical scope, which is what keeps nested derivatives apart. A *linear* trace (the tangent half of reverse mode) records
only what depends on its own tracers and leaves the rest to its parent.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from gradcli.engine.array import PROTOCOLS as PROTOCOLS
from gradcli.engine.array import Array, Value, raw, type_of
from gradcli.engine.errors import (
    ConcretizationTypeError,
    Location,
    TracerArrayConversionError,
    TracerBoolConversionError,
    TracerIntegerConversionError,
    UnexpectedTracerError,
    fail,
)
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Note, Var
from gradcli.engine.ir.stored import Stored
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.settings import settings
from gradcli.engine.trace.collect import RareCollections
from gradcli.engine.trace.nans import refuse
from gradcli.engine.trace.source import Source, user_location, user_source

if TYPE_CHECKING:
    from gradcli.engine.ops.define import Primitive


T = TypeVar("T")


_ASSIGNMENT = re.compile(r"[\w.]+\[.*\]\s*[-+*/]?=[^=]")
_CONDITION = re.compile(r"(?:if|elif|while)\s+(.+?)\s*:(?:\s|$)")


NO_PARAMS: dict[str, Any] = {}  # shared: the parameters of an equation are never changed


class _State(threading.local):
    """What is open in this thread: the innermost trace, and the source line that equations are to carry.

    ``refusals`` counts the concrete values that were asked for and were not there: a user's ``except`` hides the error.
    ``doubts`` counts the operations that would be others for some values, where there were none.
    """

    def __init__(self) -> None:
        self.trace: Trace | None = None
        self.hidden = False  # whether traces are open that are not in force, as inside of ``untraced``
        self.source: Source | None = None
        self.refusals = self.doubts = 0


STATE = _State()


class Tracer(Var, Value):
    """A variable of a program that is still being written; looks like an array to the function being traced."""

    __slots__ = ("trace",)

    def __init__(self, trace: Trace, type_: ArrayType) -> None:
        self.trace = trace
        self.type = type_

    def __repr__(self) -> str:
        value = value_of(self) if self.trace.open else None
        if value is None:
            return f"JitTracer({self.type.long()})"
        tangent = f", typeof(tangent)={self.type}" if self.type.is_float else ""
        return f"GradTracer(primal={value}{tangent})"

    __str__ = __repr__

    def concrete(self) -> Any:
        value = value_of(self)
        if value is None:
            raise no_value(self, "a concrete value", ConcretizationTypeError)
        return value

    def __bool__(self) -> bool:
        value = value_of(self)
        if value is None:
            raise no_value(self, "its truth", TracerBoolConversionError)
        truth = bool(value)
        self.trace.note(self, truth)
        return truth

    def __int__(self) -> int:
        return self._noted(int)

    def __float__(self) -> float:
        return self._uncut("float()")._noted(float)

    def __complex__(self) -> complex:
        return self._uncut("complex()")._noted(complex)

    def item(self, *index: int) -> Any:
        return self._uncut(".item()")._noted(lambda value: value.item(*index))

    def tolist(self) -> Any:
        return self._uncut(".tolist()")._noted(lambda value: np.asarray(value).tolist())

    def __index__(self) -> int:
        if self.type.dtype.kind not in "iu" or self.type.shape:
            raise TypeError(f"only integer scalars can be an index, not {self.type}")
        return self._noted(int, TracerIntegerConversionError)

    def _uncut(self, what: str) -> Tracer:
        """Itself, unless a derivative would be lost: a silent zero is worse than an error."""
        if value_of(self) is not None and self.type.is_float and depends_on_input(self):
            location = user_location()
            _check_assignment(self, location)
            raise fail(
                "G201",
                f"{what} of a traced {self.type} would cut the derivative that flows through it",
                hint="use numpy functions instead of math's and keep the value as it is, or say stop_gradient(x)",
                location=location,
                cls=ConcretizationTypeError,
            )
        return self

    def _noted(self, convert: Callable[[Any], T], error: type[Exception] = ConcretizationTypeError) -> T:
        value = value_of(self)
        if value is None:
            raise no_value(self, f"its value as {convert.__name__}", error)
        result = convert(value)
        self.trace.note(self, result)
        return result

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        taken = PROTOCOLS["array"](self, dtype) if "array" in PROTOCOLS else None
        if taken is not None:
            return taken
        location = user_location()
        _check_assignment(self, location)
        raise fail(
            "G201",
            f"a traced value {self.type} cannot become a NumPy array",
            hint="use gradcli.numpy (or jax.numpy) functions on it, and `.at[].set()` for assignment",
            location=location,
            cls=TracerArrayConversionError,
        )


def _check_assignment(tracer: Tracer, location: Location | None) -> None:
    """Raises where the user's line assigns into an array: NumPy asks the value to become a number or array there."""
    if location is not None and _ASSIGNMENT.match(location.text):
        raise fail(
            "G214",
            f"a traced value {tracer.type} cannot be assigned into a NumPy array",
            hint="collect the values in a list and make an array of it, or write x = x.at[index].set(value)",
            location=location,
            cls=TracerArrayConversionError,
        )


def no_value(tracer: Tracer, what: str, cls: type[Exception]) -> Exception:
    """The error where a concrete value is asked for and there is none."""
    STATE.refusals += 1
    error: Exception = fail(
        "G201",
        f"{what} was asked of a traced {tracer.type}, which has none here (under vmap, jit or in a loop body)",
        hint="use where(condition, x, y), lax.cond or lax.while_loop, or mark the argument static",
        location=user_location(),
        cls=cls,
    )
    return error


class Trace:
    """A program being written. ``origins`` gives inputs and captured constants their values, where they have one."""

    __slots__ = (
        "_captured",
        "_indexed",
        "_known",
        "_producers",
        "consts",
        "constvars",
        "decisions",
        "eqns",
        "linear",
        "notes",
        "open",
        "origins",
        "parent",
        "refs",
        "steered",
    )

    def __init__(self, linear: bool = False) -> None:
        self.linear = linear
        self.eqns: list[Eqn] = []
        self.constvars: list[Var] = []
        self.consts: list[Any] = []
        self.notes: list[Note] = []
        self.decisions: list[Tracer] = []  # whose concrete values were asked for
        self.origins: dict[Var, Any] = {}
        self.parent: Trace | None = None
        self.refs: dict[Any, Any] | None = None  # what refs from outside hold here
        self.open = self.steered = False
        self._captured: dict[int, Tracer] = {}
        self._known: dict[Var, Any] = {}
        self._producers: dict[Var, int] = {}
        self._indexed = 0

    def __enter__(self) -> Trace:
        self.parent, STATE.trace, self.open = STATE.trace, self, True
        return self

    def __exit__(self, *_: Any) -> None:
        STATE.trace, self.open = self.parent, False
        # Tracers outlive their trace as variables of the program: without what refers to them there is no cycle, and
        # values are freed at once instead of when Python next looks for cycles.
        self.eqns, self.origins, self.decisions, self.refs = [], {}, [], None
        self._captured, self._known, self._producers = {}, {}, {}

    def input(self, type_: ArrayType, origin: Any = None) -> Tracer:
        """A new input variable; ``origin`` is the value that it stands for, if there is one."""
        tracer = Tracer(self, type_)
        if origin is not None:
            self.origins[tracer] = origin
        return tracer

    def lift(self, x: Any) -> Atom:
        """The atom of this trace for any value: its own tracer, a literal, or a captured constant."""
        if isinstance(x, Tracer):
            if x.trace is self:
                return x
            if not x.trace.open:
                raise fail(
                    "G202",
                    f"a traced value {x.type} was used after its trace had ended",
                    hint="return it from the function instead of keeping it in an outer variable",
                    location=user_location(),
                    cls=UnexpectedTracerError,
                )
            return self._capture(x)
        if isinstance(x, Literal):
            return x
        type_ = type_of(x)
        if not type_.shape:
            return Literal(x.value if type(x) is Array else x, type_)
        return self._capture(x)

    def _capture(self, x: Any) -> Tracer:
        found = self._captured.get(id(x))
        if found is None:
            found = self._captured[id(x)] = self.input(type_of(x), x)
            self.constvars.append(found)
            self.consts.append(x if isinstance(x, Value) else Array(raw(x)))
            self.origins[found] = x  # also keeps x alive, so that its id stays its own
        return found

    def record(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Writes one equation and returns its tracer (a list of them from primitives with several outputs)."""
        inputs = [a if type(a) is Tracer and a.trace is self else self.lift(a) for a in args]
        out = primitive.type_rule(*[a.type for a in inputs], **params)
        source = STATE.source or user_source(3)
        if primitive.multiple:
            return self.write(primitive, inputs, params, out, source)
        tracer = Tracer(self, out)
        self.eqns.append(Eqn(primitive, inputs, params, (tracer,), source))
        return tracer

    def write(
        self, primitive: Primitive, inputs: Sequence[Atom], params: dict[str, Any], types: Sequence[ArrayType],
        source: Source | None,
    ) -> list[Tracer]:  # fmt: skip
        """Writes one equation whose types are known; returns its outputs."""
        outputs = [Tracer(self, t) for t in types]
        self.eqns.append(Eqn(primitive, inputs, params, outputs, source))
        return outputs

    def note(self, tracer: Tracer, outcome: Any) -> None:
        """Remembers that tracing followed one concrete outcome."""
        source = user_source(3)
        text = _text_of(source) if source is not None else ""
        condition = _CONDITION.match(text)
        if condition is not None and isinstance(outcome, bool):
            said = f"{condition.group(1)} is {outcome}"
        else:
            said = f"{tracer.type} is {_shown(outcome)}" + (f" in `{text}`" if text else "")
        for trace in self.remember(said, source):
            trace.decisions.append(tracer)

    def remember(self, text: str, source: Source | None) -> list[Trace]:
        """Adds a note to this program and to every one around it, for which it holds as well; returns these traces."""
        found: list[Trace] = []
        trace: Trace | None = self
        while trace is not None:
            trace.notes.append(Note(text, source))
            found.append(trace)
            trace = trace.parent
        return found

    def steer(self) -> None:
        """Says of this program and those around it that numbers of the run went into it: decisions do not say all."""
        trace: Trace | None = self
        while trace is not None:
            trace.steered = True
            trace = trace.parent

    def close(self, inputs: Sequence[Var], outputs: Sequence[Any], name: str = "") -> Jaxpr:
        """The finished program, with these inputs and these values as outputs."""
        outs = tuple(self.lift(x) for x in outputs)
        return Jaxpr(
            tuple(inputs), tuple(self.eqns), outs, tuple(self.constvars), tuple(self.consts), tuple(self.notes), name
        )

    def depth(self) -> int:
        """How many traces are open around this one."""
        return 0 if self.parent is None else 1 + self.parent.depth()

    def producer(self, var: Var) -> Eqn | None:
        """The equation that defines a variable of this trace."""
        for i in range(self._indexed, len(self.eqns)):
            for out in self.eqns[i].outputs:
                self._producers[out] = i
        self._indexed = len(self.eqns)
        index = self._producers.get(var)
        return None if index is None else self.eqns[index]


@functools.lru_cache(maxsize=4096)
def _text_of(source: Source) -> str:
    """The text of the user's line."""
    return source.full().text


def _shown(outcome: Any) -> str:
    """What became of a value, in one line: loops note many, and printing arrays takes long."""
    if not np.ndim(outcome):
        return str(outcome)
    if outcome.dtype == bool:
        return f"true in {int(np.count_nonzero(outcome))} of {outcome.size} places"
    return str(outcome.tolist()) if outcome.size <= 12 else f"as its {outcome.size} numbers are in this run"


def bind(primitive: Primitive, *args: Any, **params: Any) -> Any:
    """Applies a primitive: recorded by the innermost open trace that it concerns, else evaluated at once."""
    trace = STATE.trace
    while trace is not None and trace.linear:
        for a in args:
            if type(a) is Tracer and a.trace is trace:
                return trace.record(primitive, args, params)
        trace = trace.parent
    if trace is not None:
        return trace.record(primitive, args, params)
    return evaluate(primitive, args, params)


def write_known(primitive: Primitive, inputs: Sequence[Atom], trace: Trace, type_: ArrayType) -> Tracer:
    """The quick way of ``bind``, for atoms of the innermost trace under a primitive without parameters."""
    tracer = Tracer(trace, type_)
    trace.eqns.append(Eqn(primitive, inputs, NO_PARAMS, (tracer,), STATE.source or user_source(3)))
    return tracer


def _innermost(args: Sequence[Any]) -> Trace | None:
    """The trace that an operation belongs to though none is in force; None where one of its values has outlived its."""
    traces = [a.trace for a in args if type(a) is Tracer]
    return max(traces, key=Trace.depth) if all(t.open for t in traces) else None


def evaluate(primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """Applies a primitive to concrete values."""
    types = [type_of(a) for a in args]
    out = primitive.type_rule(*types, **params)
    for a in args:
        if type(a) is Tracer:
            if STATE.hidden and (trace := _innermost(args)) is not None:
                return trace.record(primitive, args, params)
            thread = a.trace.open
            raise fail(
                "G202", f"a traced value {a.type} was used "
                + ("in another thread than the one that traces it" if thread else "after its trace had ended"),
                hint="call the function in this thread" if thread
                else "return it from the function instead of keeping it in a variable",
                location=user_location(), cls=UnexpectedTracerError,
            )  # fmt: skip
    values = [a.value if type(a) is Array else raw(a) for a in args]
    with np.errstate(all="ignore"):
        if Stored.seen:
            outs = out if primitive.multiple else [out]
            result = _narrow().evaluated(primitive.run, types, outs, values, params)
        else:
            result = primitive.run(*values, **params)
    now = settings()
    if now.checks_values:
        results = result if primitive.multiple else [result]
        refuse(primitive.name, args, results, now.debug_infs, STATE.source or user_source(2))
    if primitive.multiple:
        return [Array(r, t) for r, t in zip(result, out, strict=True)]
    return Array(result, out)


def _narrow() -> Any:
    """What computes with bfloat16: it is seldom needed, and lies above this module."""
    return import_module("gradcli.engine.transforms.narrow")


def value_of(x: Any) -> Any:
    """The NumPy value that a value has in this run, computed on demand; None where there is none."""
    if not isinstance(x, Tracer):
        return raw(x)
    known = x.trace._known
    if x not in known:
        saved, STATE.trace = STATE.trace, None
        try:
            with np.errstate(all="ignore"):
                _evaluate(x, x.trace, known)
        finally:
            STATE.trace = saved
    return known[x]


def _evaluate(x: Tracer, trace: Trace, known: dict[Var, Any]) -> None:
    """Computes the value of a tracer, and of all that it needs."""
    stack: list[Var] = [x]
    while stack:
        var = stack[-1]
        if var in known:
            stack.pop()
            continue
        eqn = trace.producer(var)
        if eqn is None:
            origin = trace.origins.get(var)
            known[var] = value_of(origin) if origin is not None else None
            continue
        waiting = len(stack)
        values = []
        for a in eqn.inputs:
            if isinstance(a, Literal):
                values.append(a.value)
            elif a in known:
                values.append(known[a])
            else:
                stack.append(a)
        if len(stack) == waiting:
            _evaluate_into(eqn, values, known)
            stack.pop()


def depends_on_input(x: Tracer) -> bool:
    """Whether a float input of an open trace reaches the value through floats (only there can a derivative flow)."""
    seen: set[Var] = set()
    stack: list[Any] = [x]
    while stack:
        var = stack.pop()
        if not isinstance(var, Tracer) or var in seen or not var.type.is_float:
            continue
        seen.add(var)
        eqn = var.trace.producer(var)
        if eqn is not None:
            if eqn.primitive.name != "stop_gradient":
                stack.extend(eqn.inputs)
        elif any(var is c for c in var.trace.constvars):
            stack.append(var.trace.origins[var])
        else:
            return True
    return False


def _evaluate_into(eqn: Eqn, values: Sequence[Any], known: dict[Var, Any]) -> None:
    primitive = eqn.primitive
    if primitive.effect or any([v is None for v in values]):
        known.update(dict.fromkeys(eqn.outputs))
        return
    results = _narrow().computed(eqn, values) if Stored.seen else primitive.run(*values, **eqn.params)
    if primitive.multiple:
        known.update(zip(eqn.outputs, results, strict=True))
    else:
        known[eqn.outputs[0]] = results


def trace_program(
    f: Callable[..., Sequence[Any]], types: Sequence[ArrayType], origins: Sequence[Any] | None = None, name: str = ""
) -> Jaxpr:
    """Runs ``f`` on one tracer a type; ``f`` returns a flat sequence of values. Captured constants may be tracers."""
    trace = Trace()
    with RareCollections(), trace:
        inputs = [trace.input(t, origins[i] if origins is not None else None) for i, t in enumerate(types)]
        saved, STATE.source = STATE.source, None
        try:
            outputs = f(*inputs)
        finally:
            STATE.source = saved
        if trace.refs:
            import_module("gradcli.engine.refs").check_unwritten(trace)
        return trace.close(inputs, outputs, name)


def trace_closed(f: Callable[..., Sequence[Any]], types: Sequence[ArrayType], name: str = "") -> Jaxpr:
    """Like :func:`trace_program`, for a program that is to live inside an equation: it may hold arrays, never tracers.

    Raises UnexpectedTracerError where ``f`` (a custom rule, say) uses a tracer from around it.
    """
    jaxpr = trace_program(f, types, name=name)
    for const in jaxpr.consts:
        if isinstance(const, Tracer):
            raise fail(
                "G202",
                f"a custom rule or transformed function uses a traced {const.type} from outside of itself",
                hint="pass the value as an argument",
                location=user_location(),
                cls=UnexpectedTracerError,
            )
    return jaxpr


@contextmanager
def untraced() -> Iterator[None]:
    """Within it, operations on concrete values are evaluated, and not written into the program that is being traced.

    Those on traced values are written, as ever.
    """
    before, hidden = STATE.trace, STATE.hidden
    STATE.trace, STATE.hidden = None, True
    try:
        yield
    finally:
        STATE.trace, STATE.hidden = before, hidden


def tracing() -> bool:
    """Whether a trace is open here."""
    return STATE.trace is not None
