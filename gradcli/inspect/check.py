"""``check``: every derivative by automatic differentiation beside the difference quotient of what it differentiates.

One comparison is one entry of a derivative: of output o, by the input entries e1 … ek at order k. The derivative of
order k-1 (by e1 … ek-1, automatic) is differenced along ek and held against the automatic derivative of order k. Steps
are extrapolated from sizes relative to the input, and the quotient comes with an estimate of its own error. A point
where the two one-sided slopes differ is reported as a kink, whatever the values are.
"""

from __future__ import annotations

import itertools
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
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.numeric import Estimate, difference
from gradcli.engine.ops.shape import reshape, slice_in_dim
from gradcli.engine.transforms.dce import dce_jaxpr
from gradcli.engine.tree import tree_flatten, tree_flatten_with_path
from gradcli.inspect.evaluate import plain_values, traced
from gradcli.inspect.problem import Problem, called
from gradcli.inspect.results import Check, CheckResult, Verdict

Progress = Callable[[int, int], None]
Scalar = Callable[..., Any]
SAMPLE = 64


@dataclass(frozen=True)
class CheckOptions:
    """How to check. ``sample``: at most so many entries an order (0: all); ``eps``: one fixed step instead of many."""

    order: int = 1
    modes: tuple[str, ...] = ("fwd", "rev")
    method: str = "fd"
    eps: float | None = None
    atol: float | None = None
    rtol: float | None = None
    sample: int = SAMPLE
    seed: int = 0
    strict: bool = False

    def __post_init__(self) -> None:
        if self.order < 1:
            raise fail("G101", f"--order {self.order}: check starts at order 1")
        if not self.modes or set(self.modes) - {"fwd", "rev"}:
            raise fail("G105", f"--modes {','.join(self.modes)!r}", hint="fwd, rev, or fwd,rev")
        if self.method not in ("fd", "complex"):
            raise fail("G105", f"--method {self.method!r}", hint="fd or complex")
        if self.eps is not None and not self.eps > 0:
            raise fail("G101", f"--eps {self.eps}: a step must be positive")


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

    @classmethod
    def of(cls, options: CheckOptions, dtype: Any) -> Tolerance:
        """The defaults of a dtype, where the options do not say."""
        single = np.finfo(dtype).dtype.itemsize < 8
        atol, rtol = (1e-5, 1e-3) if single else (1e-9, 1e-6)
        return cls(
            atol if options.atol is None else options.atol,
            rtol if options.rtol is None else options.rtol,
            5e-3 if single else 1e-4,
        )


def check_of(
    problem: Problem, options: CheckOptions, progress: Progress = lambda done, total: None
) -> CheckResult:
    """Compares derivatives of orders 1 … ``options.order`` in each mode. Nothing raises where they differ."""
    f = traced(problem)
    name = problem.name
    outputs = _outputs(f, problem)
    entries = _entries(problem)
    tolerance = Tolerance.of(options, np.result_type(*(p.dtype for p in problem.points), np.float32))
    rng = np.random.default_rng(options.seed)
    checks: list[Check] = []
    notes = list(f.notes)
    plans = [_plan(outputs, entries, k, options, rng, notes) for k in range(1, options.order + 1)]
    total = sum(len(plan) for plan in plans) * len(options.modes)
    for order, plan in enumerate(plans, start=1):
        cache: dict[Any, Derivative] = {}
        for output, *path in plan:
            for mode in options.modes:
                key = (mode if order > 1 else "", output, *path[:-1])
                found = cache.get(key) or cache.setdefault(key, Derivative(problem, name, output, path[:-1], mode))
                checks.append(_compare(found, path[-1], mode, order, options, tolerance))
                progress(len(checks), total)
    verdict = "fail" if any(_failed(c, options.strict) for c in checks) else "pass"
    return CheckResult(
        target=problem.target.label, dtype=problem.dtype, notes=tuple(notes), inputs=plain_values(problem.inputs),
        method=options.method, checks=tuple(checks), verdict="fail" if verdict == "fail" else "pass",
        summary=_summary(checks, options),
    )  # fmt: skip


def _failed(check: Check, strict: bool) -> bool:
    return check.verdict == "fail" or (strict and check.verdict != "pass")


def _summary(checks: Sequence[Check], options: CheckOptions) -> str:
    count = {v: sum(c.verdict == v for c in checks) for v in ("pass", "fail", "kink", "unclear")}
    parts = [f"{count['pass']} of {len(checks)} derivatives agree"]
    if count["fail"]:
        worst = max((c for c in checks if c.verdict == "fail"), key=lambda c: _rank(c.rel_error))
        parts.append(f"{count['fail']} differ (worst: {worst.derivative}, {worst.mode})")
    if count["kink"]:
        parts.append(f"{count['kink']} at a kink")
    if count["unclear"]:
        parts.append(f"{count['unclear']} unclear")
    if options.strict and (count["kink"] or count["unclear"]):
        parts.append("strict: these fail")
    return ", ".join(parts)


def _rank(x: float) -> float:
    return math.inf if math.isnan(x) else x


# --- what there is to check --------------------------------------------------------------------------------------


Output = tuple[int, int, str]


def _outputs(f: Any, problem: Problem) -> list[Output]:
    """Every float number of the output: leaf, flat position, and its index as text."""
    types = f.jaxpr.out_types
    marks = f.out_tree.unflatten(range(len(types)))
    paths = [path for path, _ in tree_flatten_with_path(marks)[0]]
    found: list[Output] = []
    for i, (path, t) in enumerate(zip(paths, types, strict=True)):
        if t.is_float:
            for j in range(t.size):
                index = ",".join(str(int(n)) for n in np.unravel_index(j, t.shape)) if t.shape else ""
                found.append((i, j, path + (f"[{index}]" if index else "")))
    if not found:
        raise fail(
            "G205", f"{called(problem.target)} returned no floats: there is nothing to check",
            location=f.return_location(),
        )  # fmt: skip
    return found


def _entries(problem: Problem) -> list[Entry]:
    return [
        Entry(k, j, label, tuple(int(n) for n in np.unravel_index(j, point.shape)) if point.shape else ())
        for k, (label, point) in enumerate(zip(problem.leaf_labels(), problem.points, strict=True))
        for j in range(point.size)
    ]


def _plan(
    outputs: Sequence[Output], entries: Sequence[Entry], order: int, options: CheckOptions, rng: Any, notes: list[str]
) -> list[tuple[Any, ...]]:
    """Which derivatives of one order to compare: all of them, or a random sample without repetition."""
    total = len(outputs) * len(entries) ** order
    if not options.sample or total <= options.sample:
        return list(itertools.product(outputs, *[entries] * order))
    notes.append(
        f"order {order}: {options.sample} of {total} derivatives, picked at random with seed {options.seed} "
        "(--sample 0 checks all)"
    )
    many = total >= 10**7  # drawing without repetition would list them all
    picked = rng.integers(0, total, options.sample) if many else rng.choice(total, options.sample, replace=False)
    plan = []
    for number in sorted(int(i) for i in picked):
        path = []
        for _ in range(order):
            number, place = divmod(number, len(entries))
            path.append(entries[place])
        plan.append((outputs[number % len(outputs)], *reversed(path)))
    return plan


# --- derivatives and quotients -----------------------------------------------------------------------------------


class Derivative:
    """The automatic derivative of one output number by the entries ``path``, as a function of the inputs."""

    def __init__(self, problem: Problem, name: str, output: Output, path: Sequence[Entry], mode: str) -> None:
        self.problem, self.path = problem, tuple(path)
        self.name = name + output[2]
        self.label = _label(self.name, path)
        self.function: Scalar = _number(problem.of_chosen, output)
        for entry in path:
            self.function = (_forward if mode == "fwd" else _reverse)(self.function, entry)
        self._estimates: dict[Any, Any] = {}

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
            return _python(api.jvp(self.function, points, _unit(points, entry))[1])
        return _python(np.asarray(raw(self.pulled[entry.leaf])).ravel()[entry.flat])

    @cached_property
    def at(self) -> Callable[[Sequence[Any]], Any]:
        """The function on NumPy values. Where tracing took decisions, the user's code runs anew at every point."""
        jaxpr, _, _, _ = program_of(self.function, self.problem.points)
        if jaxpr.notes:
            return lambda values: np.asarray(raw(self.function(*[Array(v) for v in values])))
        live = dce_jaxpr(jaxpr)
        return lambda values: np.asarray(interpret(live, values)[0])

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

    def quotient(self, entry: Entry, options: CheckOptions, tolerance: Tolerance) -> tuple[Estimate, Kink | None]:
        """The difference quotient along ``entry``, and what is known of a kink there."""
        found = self._estimates.get(entry)
        if found is None:
            if options.method == "complex":
                found = self._complex_step(entry), None
            else:
                found = _estimate(self, entry, options.eps, tolerance)
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


def _label(name: str, path: Sequence[Entry]) -> str:
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


def _python(x: Any) -> complex:
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


def _compare(
    d: Derivative, entry: Entry, mode: str, order: int, options: CheckOptions, tolerance: Tolerance
) -> Check:
    ad = d.automatic(entry, mode)
    estimate, kink = d.quotient(entry, options, tolerance)
    fd = _python(estimate.value)
    gap = abs(ad - fd)
    largest = max(abs(ad), abs(fd))
    verdict, reason = _verdict(ad, fd, estimate, kink, tolerance)
    return Check(
        derivative=_label(d.name, (*d.path, entry)), of=d.label, argument=entry.label, index=entry.index, order=order,
        mode=mode, ad=ad, fd=fd, abs_error=gap, rel_error=gap / largest if largest else 0.0, step=float(estimate.step),
        fd_error=float(estimate.error), verdict=verdict, reason=reason,
    )  # fmt: skip


def _verdict(
    ad: complex, fd: complex, estimate: Estimate, kink: Kink | None, tolerance: Tolerance
) -> tuple[Verdict, str]:
    if ad != ad:
        return "fail", "the automatic derivative is NaN" + (f"; {kink}" if kink is not None else "")
    if kink is not None and kink.finite:
        slack = tolerance.atol + 1e-3 * max(abs(kink.left), abs(kink.right))
        low, high = sorted((kink.left, kink.right))
        inside = kink.jump or low - slack <= np.real(ad) <= high + slack
        return ("kink" if inside else "fail"), str(kink)
    if not np.isfinite(fd) or not np.isfinite(ad):
        return "unclear", str(kink or "the difference quotient is not finite")
    gap, base = abs(ad - fd), tolerance.atol + tolerance.rtol * abs(fd)
    if gap <= base:
        return "pass", ""
    doubt = 10 * estimate.error
    if gap <= base + doubt:
        if doubt <= tolerance.known * max(abs(fd), abs(ad)):
            return "pass", ""
        return "unclear", str(kink or f"the quotient is known to ±{estimate.error:.1e} only")
    return "fail", str(kink or "")
