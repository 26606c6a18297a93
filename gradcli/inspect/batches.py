"""``batch``: per-sample values and gradients along an axis of one or several arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradcli.engine import api
from gradcli.engine.array import Array, is_value, raw
from gradcli.engine.custom import as_value
from gradcli.engine.errors import fail
from gradcli.engine.tree import tree_map
from gradcli.inspect.evaluate import needs_values, plain_values, require_scalar, traced
from gradcli.inspect.problem import Problem, called
from gradcli.inspect.results import BatchResult, Values

Progress = Callable[[int, int], None]
REDUCTIONS = ("none", "norm", "mean", "sum")


def batch_of(
    problem: Problem,
    over: Sequence[str],
    chunk: int | None = None,
    reduce: str = "none",
    top: int | None = None,
    progress: Progress = lambda done, total: None,
) -> BatchResult:
    """Values and gradients of a per-sample function over the samples of the arguments ``over``.

    over: names, ``x`` or ``x:1`` for another axis than the first; chunk: samples at a time; top: keep the samples with
    the largest gradient norms. Raises G211 where axes do not fit, G204 where one sample gives no scalar.
    """
    if reduce not in REDUCTIONS:
        raise fail("G101", f"--reduce {reduce!r}", hint=f"choose among {', '.join(REDUCTIONS)}")
    if top is not None and reduce in ("mean", "sum"):
        raise fail("G101", f"--top picks samples and --reduce {reduce} leaves none", hint="leave one of them out")
    axes = batch_axes(problem, over)
    n = sample_count(problem, axes)
    sample = sample_problem(problem, axes, 0)
    f = traced(sample)
    require_scalar(f, sample)
    values, leaf_gradients, how = _evaluate(problem, axes, n, chunk or n, progress)
    gradients = problem.by_label(leaf_gradients)
    indices = _largest(leaf_gradients, top) if top is not None else None
    if indices is not None:
        values = values[list(indices)]
        gradients = {label: tree_map(lambda g: g[list(indices)], tree) for label, tree in gradients.items()}
    notes = (*problem.notes, *([] if not how else [*how, *f.notes]))
    return BatchResult(
        target=problem.target.label, dtype=problem.dtype, notes=tuple(dict.fromkeys(notes)), over=tuple(over), n=n,
        inputs=plain_values(problem.inputs), values=values, gradients=_reduced(gradients, reduce), reduce=reduce,
        indices=indices,
    )  # fmt: skip


def batch_axes(problem: Problem, over: Sequence[str]) -> dict[int, int]:
    """For each leaf that runs over samples, the axis that does."""
    axes: dict[int, int] = {}
    for item in over or _default_over(problem):
        name, _, axis = item.partition(":")
        inside = [i for i, p in enumerate(problem.paths) if p == name or p.startswith((name + ".", name + "["))]
        if not inside:
            raise fail("G105", f"no argument {name!r} to batch over", hint=f"choose among {', '.join(problem.names)}")
        if axis and not axis.lstrip("-").isdigit():
            raise fail("G101", f"--over {item}: the axis must be an integer")
        for i in inside:
            axes[i] = int(axis or 0)
    return axes


def _default_over(problem: Problem) -> list[str]:
    if len(problem.names) == 1:
        return list(problem.names)
    raise fail("G101", "batch needs --over", hint=f"choose among {', '.join(problem.names)}")


def sample_count(problem: Problem, axes: dict[int, int]) -> int:
    """How many samples there are. Raises G211 where an argument lacks the axis or sizes differ, G501 for none."""
    sizes: dict[str, int] = {}
    for i, axis in axes.items():
        shape = np.shape(problem.leaves[i])
        if not -len(shape) <= axis < len(shape):
            raise fail(
                "G211",
                f"{problem.paths[i]} has shape {shape}: it has no axis {axis} to batch over",
                hint=f"give one value a sample, e.g. --at {problem.paths[i]}=linspace(0,1,11)",
            )
        sizes[problem.paths[i]] = shape[axis]
    if len(set(sizes.values())) > 1:
        raise fail("G211", "different numbers of samples: " + ", ".join(f"{k} has {v}" for k, v in sizes.items()))
    n = next(iter(sizes.values()))
    if n == 0:
        raise fail("G501", "the batch holds no samples")
    return n


def sample_problem(problem: Problem, axes: dict[int, int], k: int) -> Problem:
    """The problem of sample ``k``."""
    numbers = list(axes)
    return problem.with_leaves(numbers, [np.take(np.asarray(raw(problem.leaves[i])), k, axes[i]) for i in numbers])


def _evaluate(
    problem: Problem, axes: dict[int, int], n: int, chunk: int, progress: Progress
) -> tuple[Any, list[Any], tuple[str, ...]]:
    """Values, a gradient for each chosen leaf, and a note where the samples had to be taken one by one."""
    parts: list[tuple[Any, list[Any]]] = []
    note: tuple[str, ...] = ()
    for start in range(0, n, chunk):
        stop = min(start + chunk, n)
        if not note:
            try:
                parts.append(_vmapped(problem, axes, start, stop))
            except TypeError as error:
                if not needs_values(error):
                    raise
                note = (f"{called(problem.target)} decides by values, so its samples were computed one by one",)
        if note:
            parts.append(_one_by_one(problem, axes, start, stop, n, progress))
        progress(stop, n)
    values = np.concatenate([v for v, _ in parts])
    return values, [np.concatenate(gs) for gs in zip(*(g for _, g in parts), strict=True)], note


def _vmapped(problem: Problem, axes: dict[int, int], start: int, stop: int) -> tuple[Any, list[Any]]:
    numbers = tuple(dict.fromkeys([*problem.numbers, *axes]))
    wanted = tuple(range(len(problem.numbers)))

    def sample(*values: Any) -> Any:
        return problem.at(numbers, values)

    sample.__name__ = problem.name
    values = [
        _part(problem.leaves[i], axes[i], start, stop) if i in axes else as_value(problem.leaves[i]) for i in numbers
    ]
    in_axes = tuple(axes.get(i) for i in numbers)
    value, gradients = api.vmap(api.value_and_grad(sample, argnums=wanted), in_axes=in_axes)(*values)
    return np.asarray(raw(value)), [np.asarray(raw(g)) for g in gradients]


def _part(leaf: Any, axis: int, start: int, stop: int) -> Any:
    array = np.asarray(raw(leaf))
    index = [slice(None)] * array.ndim
    index[axis] = slice(start, stop)
    return Array(raw(array[tuple(index)]))


def _one_by_one(
    problem: Problem, axes: dict[int, int], start: int, stop: int, n: int, progress: Progress
) -> tuple[Any, list[Any]]:
    values, rows = [], []
    for k in range(start, stop):
        sample = sample_problem(problem, axes, k)
        sample = replace(sample, leaves=tuple(x[()] if isinstance(x, np.ndarray) else x for x in sample.leaves))
        value, gradients = api.value_and_grad(sample.of_chosen, tuple(range(len(sample.numbers))))(*sample.points)
        values.append(np.asarray(raw(value)))
        rows.append([np.asarray(raw(g)) for g in gradients])
        progress(k + 1, n)
    return np.stack(values), [np.stack(column) for column in zip(*rows, strict=True)]


def _norms(leaf_gradients: Sequence[Any]) -> Any:
    total = sum(np.sum(np.abs(g.reshape(len(g), -1)) ** 2, axis=1) for g in leaf_gradients)
    return np.sqrt(total)


def _largest(leaf_gradients: Sequence[Any], top: int) -> tuple[int, ...]:
    """The samples with the largest gradient norms, NaN first of all: they are what one looks for."""
    norms = _norms(leaf_gradients)
    order = np.argsort(np.where(np.isnan(norms), -np.inf, -norms), kind="stable")
    return tuple(int(i) for i in order[: max(top, 0)])


def _reduced(gradients: Values, reduce: str) -> Values:
    if reduce == "none":
        return gradients
    if reduce == "norm":
        return {label: _norms([g for g in _float_leaves(tree)]) for label, tree in gradients.items()}
    over = np.mean if reduce == "mean" else np.sum
    return {label: tree_map(lambda g: over(g, axis=0)[()], tree) for label, tree in gradients.items()}


def _float_leaves(tree: Any) -> list[Any]:
    found: list[Any] = []
    tree_map(lambda g: found.append(g) if is_value(g) else None, tree)
    return found
