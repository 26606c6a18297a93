"""A progress bar on standard error: on a terminal only, and only for work that takes over a second."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from gradcli.cli.streams import Streams

PATIENCE = 1.0
INTERVAL = 0.1


@contextlib.contextmanager
def progress(streams: Streams, what: str, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A function to call with (done, total); draws nothing before a second has passed."""
    if quiet or not streams.is_terminal(streams.stderr) or streams.environment.get("TERM") == "dumb":
        yield lambda done, total: None
        return
    start = last = monotonic()
    bars: list[tuple[Any, Any]] = []

    def update(done: int, total: int) -> None:
        nonlocal last
        now = monotonic()
        if now - last < INTERVAL and done < total:
            return
        last = now
        if not bars and now - start > PATIENCE and done < total:
            bars.append(_bar(streams, what, done, total))
        for bar, task in bars:
            bar.update(task, completed=done)

    try:
        yield update
    finally:
        for bar, _ in bars:
            bar.stop()


def _bar(streams: Streams, what: str, done: int, total: int) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(file=streams.stderr, no_color=not streams.color(streams.stderr)), transient=True,
    )  # fmt: skip
    bar.start()
    return bar, bar.add_task(what, total=total, completed=done)
