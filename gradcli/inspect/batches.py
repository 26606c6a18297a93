"""``batch``: per-sample values and gradients along an axis of one or several arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradcli.engine.errors import fail
from gradcli.inspect.evaluate import plain_values
from gradcli.inspect.problem import Problem
from gradcli.inspect.reduce import Largest, keeper, labelled
from gradcli.inspect.results import BatchResult
from gradcli.inspect.samples import Progress, Samples
from gradcli.inspect.stream import Stream


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
    the largest gradient norms. Inputs that are memory maps are read chunk by chunk; what is kept is held in memory.
    Raises G211 where axes do not fit, G204 where one sample gives no scalar.
    """
    kept = keeper(reduce, top)
    samples = Samples.of(problem, over)
    stream = Stream.of(samples, chunk)
    for found in stream.run(0, progress):
        kept.take(found)
    return BatchResult(
        target=problem.target.label, dtype=problem.dtype, over=tuple(over), n=samples.n, reduce=reduce,
        notes=tuple(dict.fromkeys([*problem.notes, *stream.notes])),
        inputs=plain_values(problem.inputs), values=kept.values(),
        gradients=labelled(problem, kept.gradients(), reduce),
        indices=kept.indices if isinstance(kept, Largest) else None,
    )  # fmt: skip


def batch_parts(
    problem: Problem,
    over: Sequence[str],
    chunk: int | None = None,
    reduce: str = "none",
    progress: Progress = lambda done, total: None,
) -> Iterator[BatchResult]:
    """``batch_of`` chunk by chunk, each a result with the ``indices`` of its samples; nothing of it is kept.

    Notes are complete in the first part. Raises G101 for a mean or sum, which no part has.
    """
    if reduce not in ("none", "norm"):
        raise fail("G101", f"--reduce {reduce} leaves no samples")
    samples = Samples.of(problem, over)
    stream = Stream.of(samples, chunk)
    inputs = plain_values(problem.inputs)
    for found in stream.run(0, progress):
        yield BatchResult(
            target=problem.target.label, dtype=problem.dtype, over=tuple(over), n=samples.n, reduce=reduce,
            notes=tuple(dict.fromkeys([*problem.notes, *stream.notes])), inputs=inputs,
            values=found.values, gradients=labelled(problem, found.gradients, reduce),
            indices=tuple(range(found.chunk.start, found.chunk.stop)),
        )  # fmt: skip
