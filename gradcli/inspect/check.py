"""``check``: every derivative by automatic differentiation beside the difference quotient of what it differentiates.

One comparison is one entry of a derivative: of output o, by the input entries e1 … ek at order k. The derivative of
order k-1 (by e1 … ek-1, automatic) is differenced along ek and held against the automatic derivative of order k. Steps
are extrapolated from sizes relative to the input, and the quotient comes with an estimate of its own error. A point
where the two one-sided slopes differ is reported as a kink, whatever the values are.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcli.engine.errors import fail
from gradcli.engine.ir.bfloat16 import finfo
from gradcli.engine.numeric import Estimate
from gradcli.engine.transforms.narrow import coarsest
from gradcli.engine.tree import tree_flatten_with_path
from gradcli.inspect.differences import Derivative, Entry, Kink, Output, Tolerance, as_python, label_of
from gradcli.inspect.evaluate import plain_values, traced
from gradcli.inspect.paths import Ways
from gradcli.inspect.problem import Problem, called, dotted
from gradcli.inspect.results import Check, CheckResult, Verdict

Progress = Callable[[int, int], None]
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


def _tolerance(options: CheckOptions, dtype: Any, coarse: Any) -> Tolerance:
    """The defaults of a dtype, where the options do not say; ``coarse``: of fewer digits, what is met on the way."""
    single = coarse is not None or dtype.itemsize < 8
    atol, rtol = (1e-6, 2e-4) if single else (1e-9, 1e-6)
    if coarse is not None and coarse.itemsize < 4:
        rtol = 16 * float(finfo(coarse).eps)  # the errors of a few operations
        atol = rtol / 16
    return Tolerance(
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
    coarse = coarsest(f.jaxpr, problem.width)
    tolerance = _tolerance(options, problem.width, coarse)
    rng = np.random.default_rng(options.seed)
    checks: list[Check] = []
    ways = Ways(problem.of_chosen)
    notes = list(f.notes)
    if coarse is not None:
        notes.append(f"parts are {coarse}: differences are taken without its rounding, to {tolerance.rtol:.2g}")
    plans = [_plan(outputs, entries, k, options, rng, notes) for k in range(1, options.order + 1)]
    total = sum(len(plan) for plan in plans) * len(options.modes)
    for order, plan in enumerate(plans, start=1):
        cache: dict[Any, Derivative] = {}
        for output, *path in plan:
            for mode in options.modes:
                key = (mode if order > 1 else "", output, *path[:-1])
                found = cache.get(key)
                if found is None:
                    found = cache[key] = Derivative(problem, name, output, path[:-1], mode, ways)
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


class Numbers(Sequence[Any]):
    """Every number of some arrays, made when it is asked for: there may be millions, of which a few are checked."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], make: Callable[[int, int, tuple[int, ...]], Any]) -> None:
        self.shapes, self.make = shapes, make
        self.ends = list(itertools.accumulate(math.prod(shape) for shape in shapes))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __getitem__(self, number: Any) -> Any:
        if not 0 <= number < len(self):
            raise IndexError(number)
        leaf = bisect.bisect_right(self.ends, number)
        flat = number - (self.ends[leaf - 1] if leaf else 0)
        return self.make(leaf, flat, tuple(int(n) for n in np.unravel_index(flat, self.shapes[leaf] or (1,))))


def _outputs(f: Any, problem: Problem) -> Sequence[Output]:
    """Every float number of the output: leaf, flat position, and its index as text."""
    types = f.jaxpr.out_types
    marks = f.out_tree.unflatten(range(len(types)))
    floats = [(i, dotted(path), types[i].shape) for path, i in tree_flatten_with_path(marks)[0] if types[i].is_float]

    def make(k: int, flat: int, index: tuple[int, ...]) -> Output:
        leaf, path, shape = floats[k]
        return leaf, flat, path + (f"[{','.join(map(str, index))}]" if shape else "")

    found = Numbers([shape for _, _, shape in floats], make)
    if not len(found):
        raise fail(
            "G205", f"{called(problem.target)} returned no floats: there is nothing to check",
            location=f.return_location(),
        )  # fmt: skip
    return found


def _entries(problem: Problem) -> Sequence[Entry]:
    labels, shapes = problem.leaf_labels(), [point.shape for point in problem.points]
    return Numbers(shapes, lambda k, flat, index: Entry(k, flat, labels[k], index if shapes[k] else ()))


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


def _compare(
    d: Derivative, entry: Entry, mode: str, order: int, options: CheckOptions, tolerance: Tolerance
) -> Check:
    ad = d.automatic(entry, mode)
    estimate, kink = d.quotient(entry, options.method, options.eps, tolerance)
    fd = as_python(estimate.value)
    gap = abs(ad - fd)
    largest = max(abs(ad), abs(fd))
    verdict, reason = _verdict(ad, fd, estimate, kink, tolerance)
    return Check(
        derivative=label_of(d.name, (*d.path, entry)), of=d.label, argument=entry.label, index=entry.index, order=order,
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
