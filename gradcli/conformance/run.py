"""What holds of a row, found by computing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradcli.conformance.exceptions import REAL
from gradcli.conformance.row import Array, Row
from gradcli.conformance.trial import Trial, inexact, inner, joined, value_of
from gradcli.engine.autodiff import jvp, vjp
from gradcli.engine.execute.compiled import compile_program
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.check import check_jaxpr
from gradcli.engine.record import record
from gradcli.engine.vmap import vmap

CHECKS = ("value", "jvp", "vjp", "second", "vmap", "jit", "float32", "complex")
ROUGH = 1e-4  # relative: the most that the error of differences may allow
SIZE = 3  # of the axis that vmap maps


@record
class Outcome:
    """What was checked of a row: each check's name with an empty text, or with what is wrong."""

    row: Row
    found: dict[str, str]

    @property
    def holds(self) -> bool:
        """Whether everything that was checked does."""
        return not any(self.found.values())


def outcome(row: Row, only: Sequence[str] = CHECKS) -> Outcome:
    """Checks everything that the row asks for.

    >>> from gradcli.conformance.row import Row
    >>> outcome(Row("numpy", "sin", (np.array([0.5]),))).found
    {'value': '', 'jvp': '', 'vjp': '', 'second': '', 'vmap': '', 'jit': '', 'float32': '', 'complex': ''}
    """
    trial = Trial(row, row.arrays)
    return Outcome(row, {name: _tried(_CHECKS[name], trial) for name in asked(row) if name in only})


def asked(row: Row) -> tuple[str, ...]:
    """The checks that a row asks for.

    >>> from gradcli.conformance.row import Row
    >>> asked(Row("numpy", "argmax", (np.array([0.5]),), order=0))
    ('value', 'vmap', 'jit', 'float32')
    """
    floats = any(inexact(np.asarray(a)) for a in row.arrays)
    wide = any(np.asarray(a).dtype in (np.float64, np.complex128) for a in row.arrays)
    wanted = {
        "value": True, "jvp": row.order > 0 and floats, "vjp": row.order > 0 and floats,
        "second": row.order > 1 and floats, "vmap": row.traced and bool(row.arrays), "jit": row.traced,
        "float32": row.single is not None and wide, "complex": floats and row.order > 0 and _complex_too(row),
    }  # fmt: skip
    return tuple(name for name in CHECKS if wanted[name])


def _complex_too(row: Row) -> bool:
    if row.complex is not None:
        return row.complex
    real = any(np.asarray(a).dtype == np.float64 for a in row.arrays)
    return row.traced and real and row.name not in REAL.get(row.space, "").split()


def _tried(check: Callable[[Trial], None], trial: Trial) -> str:
    try:
        with np.errstate(all="ignore"):
            check(trial)
    except Exception as error:  # whatever an operation raises is what is wrong with it
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return f"{type(error).__name__}: {' '.join(lines)[:300]}"
    return ""


def _same(found: Sequence[Any], expected: Sequence[Any], tol: float, what: str, types: bool = True) -> None:
    """Raises AssertionError where values differ by more than ``tol`` of the largest, or in shape or dtype."""
    for i, (x, y) in enumerate(zip(map(value_of, found), map(value_of, expected), strict=True)):
        if x.shape != y.shape or types and x.dtype != y.dtype:
            raise AssertionError(f"{what}, result {i}: {x.dtype}{list(x.shape)}, not {y.dtype}{list(y.shape)}")
        if not np.allclose(x, y, rtol=tol, atol=tol * _size(y), equal_nan=True):
            raise AssertionError(f"{what}, result {i}: {x.tolist()}, not {y.tolist()}")


def _size(y: Array) -> float:
    sizes = np.abs(y) if y.dtype.kind in "fciu" else np.zeros(0)
    return min(1.0, float(np.max(sizes, initial=0.0, where=np.isfinite(sizes))))


def _close(found: Any, expected: Any, error: float, tol: float, what: str) -> None:
    scale = 1 + np.max(np.abs(expected), initial=0.0)
    # Differences that do not settle (at a jump, say) say nothing about a derivative, and excuse none.
    allowed = scale * min(tol + 10 * error / scale if np.isfinite(error) else tol, ROUGH)
    if not np.all(np.abs(np.asarray(found) - expected) <= allowed):
        raise AssertionError(f"{what}: {np.asarray(found).tolist()}, not {np.asarray(expected).tolist()}")


# --- checks -----------------------------------------------------------------------------------------------------------


def _value(t: Trial) -> None:
    """What the function returns is what the reference interpreter makes of its program."""
    found = t.f(*t.args)
    if t.row.traced:
        check_jaxpr(t.program)
        _same(found, interpret(t.program, t.args), 0.0, "at once against the program")


def _jit(t: Trial) -> None:
    """Compiled programs, of the function and of its derivative, are what the reference interpreter makes of them."""
    programs = [t.program, t.slope_program] if "vjp" in asked(t.row) else [t.program]
    for program in programs:
        check_jaxpr(program)
        compiled = [np.asarray(x) for x in compile_program(program)(t.args)]
        _same(compiled, interpret(program, t.args), 1e-12, "compiled against interpreted")


def _jvp(t: Trial) -> None:
    """Forward mode is the difference quotient."""
    numeric = t.quotient(t.smooth_program)
    _close(joined(t.forward(t.smooth)), numeric.value, numeric.error, t.row.tolerance, "jvp against differences")


def _vjp(t: Trial) -> None:
    """Reverse mode is the transpose of forward mode."""
    slopes = t.slope(*t.args)
    moved = [d for d in t.direction if inexact(d)]
    for g, d in zip(slopes, moved, strict=True):
        if value_of(g).shape != d.shape or value_of(g).dtype != d.dtype:
            raise AssertionError(f"cotangent {value_of(g).dtype}{list(value_of(g).shape)} of {d.dtype}{list(d.shape)}")
    forward = inner(t.weights, t.forward(t.smooth))
    _close(inner(slopes, moved), forward, 0.0, 1e-9, "vjp against jvp")


def _second(t: Trial) -> None:
    """Forward over reverse against differences of reverse, and reverse and forward over both against it."""
    if not t.weights:
        return
    numeric = t.quotient(t.slope_program)
    bent = t.forward(t.slope)
    _close(joined(bent), numeric.value, numeric.error, 10 * t.row.tolerance, "second order against differences")
    moved = [d for d in t.direction if inexact(d)]
    slopes, pull = vjp(t.slope, *t.args)
    weights = [t.like(value_of(g)) for g in slopes]
    back = [g for g, a in zip(pull(weights), t.args, strict=True) if inexact(a)]
    _close(inner(back, moved), inner(weights, bent), 0.0, 1e-8, "reverse over reverse")
    twice = t.forward(lambda *xs: jvp(t.smooth, xs, tuple(t.direction))[1])
    _close(inner(t.weights, twice), inner(bent, moved), 0.0, 1e-8, "forward over forward")


def _vmap(t: Trial) -> None:
    """Mapping is a loop: over each argument along each of its axes, and over all arguments along the last."""
    for mapped, axes, rows in mappings(t.args):
        found = vmap(t.f, tuple(axes))(*mapped)
        loops = [[value_of(y) for y in t.f(*row)] for row in rows]
        _same(found, [np.stack(ys) for ys in zip(*loops, strict=True)], 1e-9, f"vmap over {axes}")


def _float32(t: Trial) -> None:
    """In single precision: results of single precision, near those of double precision."""
    narrow = Trial(t.row, [a.astype({"f": "f4", "c": "c8"}.get(a.dtype.kind, a.dtype)) for a in t.args])
    found, expected = [value_of(y) for y in narrow.f(*narrow.args)], [value_of(y) for y in t.f(*t.args)]
    for y in found:
        if y.dtype in (np.float64, np.complex128):
            raise AssertionError(f"a result is {y.dtype}")
    _same(found, expected, t.row.single or 0.0, "float32 against float64", types=False)


def _complex(t: Trial) -> None:
    """Values and both modes with complex arguments."""
    turned = [a * np.exp(0.3j) if a.dtype.kind == "f" else a for a in t.args]
    other = Trial(t.row, turned)
    for check in (_value, _jvp, _vjp, _jit):
        check(other)


def mappings(args: Sequence[Array]) -> Iterator[tuple[list[Array], list[int | None], list[list[Array]]]]:
    """Arguments to map, the axes, and the arguments of the loop: each one along each axis, then all together."""
    for i, a in enumerate(args):
        rows = [_varied(a, k) for k in range(SIZE)]
        for axis in (*range(a.ndim), -1):
            axes: list[int | None] = [None] * len(args)
            axes[i] = axis
            yield _put(args, i, np.stack(rows, axis)), axes, [_put(args, i, row) for row in rows]
    if len(args) > 1:
        every = [[_varied(a, k) for a in args] for k in range(SIZE)]
        yield [np.stack(column, -1) for column in zip(*every, strict=True)], [-1] * len(args), every


def _varied(a: Array, k: int) -> Array:
    if a.dtype.kind == "u":  # words: keys of random numbers say
        return np.asarray(a ^ a.dtype.type(k))
    return a if a.dtype.kind in "bi" else (a * (1 - k / 16)).astype(a.dtype)


def _put(args: Sequence[Array], i: int, new: Array) -> list[Array]:
    return [*args[:i], new, *args[i + 1 :]]


_CHECKS: dict[str, Callable[[Trial], None]] = {
    "value": _value, "jvp": _jvp, "vjp": _vjp, "second": _second, "vmap": _vmap, "jit": _jit, "float32": _float32,
    "complex": _complex,
}  # fmt: skip
