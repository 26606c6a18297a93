"""One derivative by two ways: the automatic one, and the difference quotient of the derivative one order lower.

Steps are extrapolated from sizes relative to the input, and a quotient comes with an estimate of its own error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gradcli.engine import api
from gradcli.engine.array import Array, raw, type_of
from gradcli.engine.autodiff import program_of
from gradcli.engine.errors import fail
from gradcli.engine.execute.compiled import compile_program
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.numeric import Estimate, difference
from gradcli.engine.ops.cuts import slice_in_dim
from gradcli.engine.ops.shape import reshape
from gradcli.engine.transforms.jvp import jvp_values
from gradcli.engine.transforms.narrow import unrounded
from gradcli.engine.tree import tree_flatten
from gradcli.inspect.paths import Branching, Ways
from gradcli.inspect.problem import Problem

Scalar = Callable[..., Any]
Output = tuple[int, int, str]  # leaf, flat position, index as text


@dataclass(frozen=True)
class Entry:
    """One number among the inputs: leaf ``leaf`` of the chosen ones, at flat position ``flat``."""

    leaf: int
    flat: int
    label: str
    index: tuple[int, ...]

    @property
    def text(self) -> str:
        """``x`` or ``w[0,1]``."""
        return self.label + (f"[{','.join(map(str, self.index))}]" if self.index else "")


@dataclass(frozen=True)
class Tolerance:
    """What may differ: ``atol + rtol * |quotient|``, and how well the quotient must be known to count."""

    atol: float
    rtol: float
    known: float


class Derivative:
    """The automatic derivative of one output number by the entries ``path``, as a function of the inputs."""

    def __init__(
        self, problem: Problem, name: str, output: Output, path: Sequence[Entry], mode: str, ways: Ways
    ) -> None:
        self.problem, self.path, self.ways = problem, tuple(path), ways
        self.name = name + output[2]
        self.label = label_of(self.name, path)
        self.function: Scalar = _number(problem.of_chosen, output)
        for entry in path:
            self.function = (_forward if mode == "fwd" else _reverse)(self.function, entry)
        self._estimates: dict[Any, Any] = {}

    @cached_property
    def program(self) -> Jaxpr:
        """The function as traced at the point of the problem."""
        return program_of(self.function, self.problem.points)[0]

    @cached_property
    def pulled(self) -> Sequence[Any]:
        """The whole gradient in reverse mode."""
        value, pull = api.vjp(self.function, *self.problem.points)
        found: Sequence[Any] = pull(type_of(value).dtype.type(1))
        return found

    def automatic(self, entry: Entry, mode: str) -> complex:
        """The derivative by ``entry``."""
        points = self.problem.points
        if mode == "fwd":
            moved = jvp_values(self.program, points, _unit(points, entry))[1][0]
            return 0.0 if moved is None else as_python(moved)
        return as_python(np.asarray(raw(self.pulled[entry.leaf])).ravel()[entry.flat])

    @cached_property
    def at(self) -> Callable[[Sequence[Any]], Any]:
        """The function on NumPy values. Where tracing took decisions, points that decide otherwise are traced anew."""
        if self.program.notes:
            branching = Branching(self.function, self.ways)
            return lambda values: branching(values)[0]
        compiled = compile_program(unrounded(self.program, self.problem.width))  # of coarse floats, quotients are noise
        return lambda values: np.asarray(compiled(values)[0])

    def moved(self, entry: Entry) -> Callable[[complex], Any]:
        """The function of one step along ``entry``."""
        base = [np.asarray(raw(p)) for p in self.problem.points]

        def value(h: complex) -> Any:
            values: list[Any] = [x[()] for x in base]
            moved = base[entry.leaf].copy()
            moved.flat[entry.flat] += h
            values[entry.leaf] = moved[()]
            return self.at(values)

        return value

    def quotient(
        self, entry: Entry, method: str, eps: float | None, tolerance: Tolerance
    ) -> tuple[Estimate, Kink | None]:
        """The difference quotient along ``entry``, and what is known of a kink there."""
        found = self._estimates.get(entry)
        if found is None:
            if method == "complex":
                found = self._complex_step(entry), None
            else:
                found = _estimate(self, entry, eps, tolerance)
            self._estimates[entry] = found
        result: tuple[Estimate, Kink | None] = found
        return result

    def _complex_step(self, entry: Entry) -> Estimate:
        points = [np.asarray(raw(p)) for p in self.problem.points]
        kind = np.result_type(points[entry.leaf].dtype, np.complex64)
        step = 1e-30 if np.finfo(kind).dtype.itemsize == 8 else 1e-15
        values = [x.astype(np.result_type(x.dtype, np.complex64)) for x in points]
        values[entry.leaf] = values[entry.leaf].copy()
        values[entry.leaf].flat[entry.flat] += 1j * step
        out = np.asarray(raw(self.function(*[Array(v[()]) for v in values])))
        if out.dtype.kind != "c":
            raise fail(
                "G205", f"{self.label} drops the imaginary part, so the complex step cannot check it",
                hint="use --method fd",
            )  # fmt: skip
        return Estimate(out.imag / step, 0.0, step)


def label_of(name: str, path: Sequence[Entry]) -> str:
    if not path:
        return name
    power = "" if len(path) == 1 else str(len(path))
    same = len({e.text for e in path}) == 1
    return f"d{power}{name}/" + (f"d{path[0].text}{power}" if same else "".join(f"d{e.text}" for e in path))


def _number(f: Callable[..., Any], output: Output) -> Scalar:
    def number(*xs: Any) -> Any:
        leaf = tree_flatten(f(*xs))[0][output[0]]
        return _pick(leaf, output[1])

    return number


def _pick(x: Any, flat: int) -> Any:
    t = type_of(x)
    if not t.shape:
        return x if not isinstance(x, float) else np.float64(x)
    return reshape(slice_in_dim(reshape(x, (t.size,)), flat, flat + 1, 0), ())


def _unit(points: Sequence[Any], entry: Entry) -> tuple[Any, ...]:
    out = []
    for k, p in enumerate(points):
        t = type_of(p)
        unit = np.zeros(t.shape, t.dtype)
        if k == entry.leaf:
            unit.flat[entry.flat] = 1
        out.append(Array(unit[()]))
    return tuple(out)


def _forward(f: Scalar, entry: Entry) -> Scalar:
    return lambda *xs: api.jvp(f, xs, _unit(xs, entry))[1]


def _reverse(f: Scalar, entry: Entry) -> Scalar:
    def derivative(*xs: Any) -> Any:
        value, pull = api.vjp(f, *xs)
        return _pick(pull(type_of(value).dtype.type(1))[entry.leaf], entry.flat)

    return derivative


def as_python(x: Any) -> complex:
    value: complex = np.asarray(raw(x)).item()
    return value


def _estimate(
    d: Derivative, entry: Entry, eps: float | None, tolerance: Tolerance
) -> tuple[Estimate, Kink | None]:
    """The best extrapolated quotient over step sizes relative to the entry, its array, and one."""
    f = d.moved(entry)
    leaf = np.asarray(raw(d.problem.points[entry.leaf]))
    dtype = np.finfo(leaf.dtype).dtype
    at = float(abs(leaf.flat[entry.flat]))
    best = Estimate(np.nan, np.inf, 0.0)
    if not np.isfinite(at):
        return best, None
    with np.errstate(all="ignore"):
        if eps is not None:
            best = Estimate((f(eps) - f(-eps)) / (2 * eps), 0.0, eps)
            return best, _kink(f, best, dtype)
        for scale in _scales(at, leaf, float(np.finfo(leaf.dtype).eps)):
            found = difference(f, scale, dtype)
            if found.error < best.error or np.isinf(best.error):
                best = found
            if best.error <= 0.1 * (tolerance.atol + tolerance.rtol * float(np.abs(best.value))):
                break
        return best, _kink(f, best, dtype)


def _scales(at: float, leaf: Any, eps: float) -> list[float]:
    """Over what sizes the function may change: tried in turn until a quotient is known well enough."""
    least = 50 * eps**0.8 * at  # below, the smallest step would drown in the entry's own rounding
    largest = float(np.max(np.abs(leaf[np.isfinite(leaf)]), initial=0.0))
    near = at or 1.0
    scales = [at, max(at, 1e-2 * largest), max(at, 1.0), near * 1e-2, near * 1e-4, near * 1e-6]
    return list(dict.fromkeys(s for s in scales if s > least))


@dataclass(frozen=True)
class Kink:
    """What is wrong with a point: slopes that differ, or sides where the function is not finite (slopes NaN there)."""

    left: float
    right: float
    jump: bool = False

    @property
    def finite(self) -> bool:
        """Whether both slopes exist."""
        return math.isfinite(self.left) and math.isfinite(self.right)

    def __str__(self) -> str:
        if self.jump:
            return "it jumps here"
        if self.finite:
            return f"slopes {self.left:.6g} from the left, {self.right:.6g} from the right"
        if math.isfinite(self.right):
            return "f is not finite on the left"
        return "f is not finite on the right" if math.isfinite(self.left) else "f is not finite here"


def _kink(f: Callable[[complex], Any], best: Estimate, dtype: Any) -> Kink | None:
    """Says so where the slopes from the left and the right differ and do not come together as the step shrinks."""
    eps = float(np.finfo(dtype).eps)
    here = float(np.real(f(0.0)))
    slopes: list[tuple[float, float]] = []
    for h in (best.step, best.step / 8):
        right = (float(np.real(f(h))) - here) / h
        left = (here - float(np.real(f(-h)))) / h
        if not (np.isfinite(left) and np.isfinite(right)):
            return Kink(left, right)
        slopes.append((left, right))
    (coarse, fine), noise = slopes, 64 * eps * abs(here) / best.step
    gap, steep = abs(fine[1] - fine[0]), max(map(abs, fine))
    if steep > max(6 * max(map(abs, coarse)), 4 * noise, 1.0):
        return Kink(*fine, jump=True)
    if gap > max(4 * noise, 1e-3 * steep, 64 * eps) and gap > 0.5 * abs(coarse[1] - coarse[0]):
        return Kink(*fine)
    return None
