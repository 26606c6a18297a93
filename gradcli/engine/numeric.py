"""Derivatives by differences, and ``check_grads``: automatic derivatives held against them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import raw
from gradcli.engine.autodiff import jvp, vjp
from gradcli.engine.custom import as_value
from gradcli.engine.record import record
from gradcli.engine.tree import tree_flatten, tree_flatten_with_path, tree_unflatten

Vector = np.ndarray[Any, np.dtype[Any]]


@record
class Estimate:
    """A difference quotient, an estimate of its error, and the step it was taken with."""

    value: Any
    error: float
    step: float


def difference(f: Callable[[float], Any], scale: float, dtype: Any, steps: int = 6) -> Estimate:
    """The derivative at 0 of ``f`` (a function of one real step) by Ridders' extrapolation of central differences.

    scale: the size of the step over which ``f`` changes; dtype: that in which ``f`` computes.
    Steps start large, shrink by 1.6 and are extrapolated to zero; the column with the smallest estimated error wins, so
    that neither truncation nor rounding is left to chance (C. J. F. Ridders, Adv. Eng. Software 4 (1982) 75–76).

    >>> estimate = difference(lambda h: np.exp(1 + h), 1.0, np.float64)
    >>> bool(abs(estimate.value - np.e) < 1e-9)
    True
    """
    shrink = 1.6
    eps = float(np.finfo(dtype).eps)
    h = scale * eps ** (1 / 5) * 2
    table: list[Any] = []
    best = Estimate(np.nan, np.inf, h)
    for i in range(steps):
        plus, minus = _double(f(h)), _double(f(-h))
        row = [(plus - minus) / (2 * h)]
        noise = eps * float(np.max(np.abs(plus), initial=0.0) + np.max(np.abs(minus), initial=0.0)) / (2 * h)
        if i == 0:
            best = Estimate(row[0], np.inf, h)
        factor = shrink * shrink
        for j in range(i):
            row.append((row[j] * factor - table[j]) / (factor - 1))
            factor *= shrink * shrink
            error = max(_distance(row[j + 1], row[j]), _distance(row[j + 1], table[j])) + noise
            if error < best.error:
                best = Estimate(row[j + 1], error, h)
        table = row
        h /= shrink
    return best


def _double(x: Any) -> Vector:
    wide: Vector = np.asarray(x)
    return wide.astype(complex if wide.dtype.kind == "c" else float)


def _distance(a: Any, b: Any) -> float:
    d = np.abs(a - b)
    return float(np.max(d, initial=0.0)) if np.all(np.isfinite(d)) else np.inf


def _flat(f: Callable[..., Any], args: Sequence[Any]) -> tuple[Callable[..., Vector], list[Vector], list[str]]:
    """``f`` from a list of arrays to one vector of all its outputs; the float arguments' paths."""
    pairs, tree = tree_flatten_with_path(tuple(args))
    leaves = [np.asarray(raw(x)) for _, x in pairs]

    def run(new: Sequence[Vector]) -> Vector:
        outs = tree_flatten(f(*tree_unflatten(tree, [as_value(x) for x in new])))[0]
        flat = [np.asarray(raw(o)).ravel() for o in outs if np.asarray(raw(o)).dtype.kind in "fc"]
        return np.concatenate(flat) if flat else np.zeros(0)

    return run, leaves, [path for path, _ in pairs]


def _directions(leaves: Sequence[Vector], rng: np.random.Generator, limit: int) -> list[tuple[str, list[Vector]]]:
    """Every unit direction where there are few entries, else random ones that touch all entries."""
    floats = [i for i, x in enumerate(leaves) if x.dtype.kind in "fc"]
    total = sum(leaves[i].size for i in floats)
    zeros = [np.zeros(x.shape, x.dtype) for x in leaves]
    out = []
    if total <= limit:
        for i in floats:
            for j in range(leaves[i].size):
                direction = list(zeros)
                direction[i] = zeros[i].copy()
                direction[i].flat[j] = 1
                out.append((f"argument {i}, index {tuple(map(int, np.unravel_index(j, leaves[i].shape)))}", direction))
        return out
    for k in range(limit // 2):
        direction = [
            rng.choice([-1.0, 1.0], x.shape).astype(x.dtype) if x.dtype.kind in "fc" else z
            for x, z in zip(leaves, zeros, strict=True)
        ]
        out.append((f"random direction {k}", direction))
    return out


def _scale(leaves: Sequence[Vector], direction: Sequence[Vector]) -> float:
    moved = [np.abs(x[d != 0]) for x, d in zip(leaves, direction, strict=True) if np.any(d != 0)]
    return max(1e-3, *(float(np.max(m)) for m in moved)) if moved else 1.0


def check_grads(
    f: Callable[..., Any], args: Sequence[Any], order: int, modes: Sequence[str] = ("fwd", "rev"),
    atol: float | None = None, rtol: float | None = None, eps: float | None = None,
) -> None:  # fmt: skip
    """Checks derivatives of ``f`` at ``args`` up to ``order``, in forward and reverse mode, against differences.

    Raises AssertionError that names order, mode, argument and index (or direction), both values and the step.

    >>> check_grads(lambda x: x * x, (3.0,), order=2)
    """
    if isinstance(modes, str):
        modes = (modes,)
    _check(f, tuple(as_tree(args)), order, 1, tuple(modes), atol, rtol, eps, np.random.default_rng(0))


def as_tree(args: Sequence[Any]) -> Sequence[Any]:
    """The arguments as a tuple of pytrees of values."""
    leaves, tree = tree_flatten(tuple(args))
    result: Sequence[Any] = tree_unflatten(tree, [as_value(x) for x in leaves])
    return result


def _check(
    f: Any,
    args: tuple[Any, ...],
    order: int,
    level: int,
    modes: tuple[str, ...],
    atol: Any,
    rtol: Any,
    eps: Any,
    rng: Any,
) -> None:
    run, leaves, _ = _flat(f, args)
    dtype = np.result_type(*(x.dtype for x in leaves if x.dtype.kind in "fc"), np.float32)
    real = np.finfo(dtype).dtype
    tree = tree_flatten(args)[1]
    tol = 2e-2 if real == np.float32 else 1e-6
    atol, rtol = (tol if atol is None else atol), (tol if rtol is None else rtol)
    for label, direction in _directions(leaves, rng, 12):
        moved = Mover(run, leaves, direction)
        scale = _scale(leaves, direction)
        numeric = (
            difference(moved, scale, real)
            if eps is None
            else Estimate((moved(eps) - moved(-eps)) / (2 * eps), 0.0, eps)
        )
        tangent = tree_unflatten(tree, [as_value(d) for d in direction])
        if "fwd" in modes:
            out = tree_flatten(jvp(f, args, tangent)[1])[0]
            flat = [
                np.asarray(raw(o)).ravel()
                for o in out
                if getattr(o, "dtype", None) is not None and o.dtype.kind in "fc"
            ]
            _compare(level, "fwd", label, np.concatenate(flat) if flat else np.zeros(0), numeric, atol, rtol)
        if "rev" in modes:
            _check_reverse(f, args, direction, label, numeric, level, atol, rtol, rng)
    if order > 1:
        _next_order(f, args, order, level, modes, atol, rtol, eps, rng)


class Mover:
    """``f`` along a direction: a function of the step."""

    def __init__(self, run: Callable[..., Vector], leaves: Sequence[Vector], direction: Sequence[Vector]) -> None:
        self.run, self.leaves, self.direction = run, leaves, direction

    def __call__(self, h: float) -> Vector:
        return self.run([
            (x + x.dtype.type(h) * d) if x.dtype.kind in "fc" else x
            for x, d in zip(self.leaves, self.direction, strict=True)
        ])  # fmt: skip


def _check_reverse(
    f: Any,
    args: Any,
    direction: Sequence[Vector],
    label: str,
    numeric: Estimate,
    level: int,
    atol: float,
    rtol: float,
    rng: Any,
) -> None:
    out, pull = vjp(f, *args)
    out_leaves, out_tree = tree_flatten(out)
    cts = [
        rng.uniform(0.5, 1.5, o.shape).astype(o.dtype) if o.dtype.kind in "fc" else np.zeros(o.shape, o.dtype)
        for o in out_leaves
    ]
    weights = [c.ravel() for c, o in zip(cts, out_leaves, strict=True) if o.dtype.kind in "fc"]
    found = tree_flatten(pull(tree_unflatten(out_tree, cts)))[0]
    value = sum(
        np.sum(np.asarray(raw(g)) * d)
        for g, d in zip(found, direction, strict=True)
        if getattr(g, "dtype", np.dtype(int)).kind in "fc"
    )
    weight = np.concatenate(weights) if weights else np.zeros(0)
    expected = Estimate(np.real(np.sum(weight * numeric.value)), numeric.error * max(1, weight.size), numeric.step)
    _compare(level, "rev", label, np.real(value), expected, atol, rtol)


def _compare(level: int, mode: str, label: str, ad: Any, numeric: Estimate, atol: float, rtol: float) -> None:
    expected = np.asarray(numeric.value)
    finite = np.isfinite(numeric.error)
    allowed = atol + rtol * np.abs(expected) + (10 * numeric.error if finite else 0.0)
    wrong = ~(np.abs(ad - expected) <= allowed) & ~(np.isnan(ad) & np.isnan(expected))
    if np.any(wrong):
        at = int(np.argmax(np.atleast_1d(wrong)))
        raise AssertionError(
            f"order {level}, mode {mode}, {label}, output {at}: automatic {np.atleast_1d(ad)[at]!s}, "
            f"difference quotient {np.atleast_1d(expected)[at]!s} (step {numeric.step:.2g}, tolerance "
            f"{np.atleast_1d(allowed)[at]:.2g})"
        )


def _next_order(
    f: Any, args: Any, order: int, level: int, modes: tuple[str, ...], atol: float, rtol: float, eps: Any, rng: Any
) -> None:
    leaves, tree = tree_flatten(args)
    if "fwd" in modes:
        dots = [
            rng.choice([-1.0, 1.0], x.shape).astype(x.dtype) if x.dtype.kind in "fc" else np.zeros(x.shape, x.dtype)
            for x in leaves
        ]
        tangent = tree_unflatten(tree, [as_value(d) for d in dots])
        _check(lambda *a: jvp(f, a, tangent)[1], args, order - 1, level + 1, modes, atol, rtol, eps, rng)
    if "rev" in modes:
        out_leaves, out_tree = tree_flatten(f(*args))
        cts = [rng.uniform(0.5, 1.5, o.shape).astype(o.dtype) for o in map(as_value, out_leaves)]
        ct = tree_unflatten(out_tree, [as_value(c) for c in cts])

        def pulled(*a: Any) -> Any:
            found = tree_flatten(vjp(f, *a)[1](ct))[0]
            return [g for g in found if g.dtype.kind in "fc"]

        _check(pulled, args, order - 1, level + 1, modes, atol, rtol, eps, rng)
