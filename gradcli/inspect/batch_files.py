"""``batch`` straight into a .npy or .npz file of any size: written as it goes, resumed where it stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from gradcli.engine.errors import fail
from gradcli.engine.tree import tree_flatten_with_path
from gradcli.inspect.fingerprint import Fingerprint, fingerprint
from gradcli.inspect.journal import Folder, Journal, Rows
from gradcli.inspect.problem import Problem, dotted
from gradcli.inspect.reduce import Sums, Totals, keeper, labelled
from gradcli.inspect.samples import Progress, Samples
from gradcli.inspect.stream import Evaluated, Stream

CHECKPOINT_SECONDS = 1.0
VALUE = "value"


@dataclass(frozen=True)
class Written:
    """A finished file. resumed: how many of its samples an earlier run had computed."""

    path: Path
    n: int
    resumed: int
    notes: tuple[str, ...]


@dataclass
class Writer:
    """Takes the chunks of a batch and keeps folder and journal in step with them. sums: for a mean or sum."""

    folder: Folder
    problem: Problem
    work: Fingerprint
    names: tuple[str, ...]
    reduce: str
    n: int
    done: int = 0
    rows: dict[str, Rows] = field(default_factory=dict)
    sums: Sums | None = None
    _recorded: float = field(default_factory=monotonic)

    def take(self, found: Evaluated) -> None:
        """Writes a chunk; records it now and then."""
        named = {VALUE: found.values}
        if self.sums is None:
            named |= leaves_by_name(labelled(self.problem, found.gradients, self.reduce))
        for name, array in named.items():
            if name in self.names:
                self._rows(name, array).write(found.chunk.start, array)
        # An interrupt may come between any two steps: a chunk counts once, from one assignment on.
        if self.sums is not None:
            self.sums = self.sums.plus(found)
        else:
            self.done = found.chunk.stop
        if monotonic() - self._recorded > CHECKPOINT_SECONDS:
            self.record()

    @property
    def finished(self) -> int:
        """How many samples were taken."""
        return self.done if self.sums is None else self.sums.count

    def _rows(self, name: str, array: Any) -> Rows:
        if name not in self.rows:
            path = self.folder.path / f"rows-{self.names.index(name)}.npy"
            self.rows[name] = Rows.new(path, (self.n, *array.shape[1:]), array.dtype)
        return self.rows[name]

    def record(self) -> None:
        """Everything taken so far is on disk when this returns, and the journal says so."""
        sums, done = self.sums, self.finished
        if not done:
            return
        for rows in self.rows.values():
            rows.sync()
        name = "" if sums is None else self.folder.save_totals(done, {str(i): s for i, s in enumerate(sums.sums)})
        self.folder.record(Journal(self.work, self.n, done, tuple(self.rows), name))
        self._recorded = monotonic()

    def resume(self, journal: Journal) -> None:
        """Goes on where an earlier run of the same work stopped. Raises G306 where its files are not there."""
        try:
            for name in journal.rows:
                self.rows[name] = Rows.existing(self.folder.path / f"rows-{self.names.index(name)}.npy")
            if self.sums is None:
                self.done = journal.done
            else:
                found = self.folder.load_totals(journal)
                self.sums = Sums(journal.done, tuple(found[str(i)] for i in range(len(found))))
        except (OSError, ValueError, KeyError) as error:
            self.close()
            raise fail(
                "G306", f"cannot resume from {self.folder.path}: {error}",
                hint="--restart discards the unfinished batch",
            ) from None  # fmt: skip

    def close(self) -> None:
        """Gives the files back."""
        for rows in self.rows.values():
            rows.close()

    def finish(self, out: Path) -> None:
        """Makes the output file of what was written, replacing an earlier one in one step."""
        self.close()
        if self.sums is not None:
            means = self.sums.reduced(self.reduce == "mean")
            reduced = leaves_by_name(labelled(self.problem, means, self.reduce))
            for name in set(self.names) & set(reduced):
                with (self.folder.path / f"rows-{self.names.index(name)}.npy").open("wb") as file:
                    np.save(file, np.asarray(reduced[name]), allow_pickle=False)
        files = {name: self.folder.path / f"rows-{i}.npy" for i, name in enumerate(self.names)}
        whole = next(iter(files.values())) if out.suffix.lower() == ".npy" else _zipped(files, self.folder.path)
        if out.exists():
            os.chmod(whole, out.stat().st_mode & 0o777)
        os.replace(whole, out)


def _zipped(files: Mapping[str, Path], folder: Path) -> Path:
    whole = folder / "whole.new"
    with zipfile.ZipFile(whole, "w", allowZip64=True) as archive:
        for name, path in files.items():
            with path.open("rb") as source, archive.open(f"{name}.npy", "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 2**20)
    with whole.open("rb") as file:
        os.fsync(file.fileno())
    return whole


def leaves_by_name(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every array of values by label, with its name: ``x``, ``params.w``."""
    return {
        label + dotted(path): leaf for label, tree in values.items() for path, leaf in tree_flatten_with_path(tree)[0]
    }


def output_names(problem: Problem, reduce: str, out: Path) -> tuple[str, ...]:
    """The arrays of the output file. Raises G101 where there are several and the file can hold one."""
    marks = [np.zeros((1, 1))] * len(problem.numbers)
    names = tuple(leaves_by_name(labelled(problem, marks, reduce)))
    if out.suffix.lower() != ".npy":
        return (VALUE, *names)
    if len(names) > 1:
        raise fail(
            "G101", f"{out} can hold one array, and there are {len(names)}: {', '.join(names)}",
            hint="write to a .npz file, or pick one with --wrt",
        )  # fmt: skip
    return names


def write_batch(
    problem: Problem,
    over: Sequence[str],
    out: Path,
    chunk: int | None = None,
    reduce: str = "none",
    restart: bool = False,
    progress: Progress = lambda done, total: None,
) -> Written:
    """Per-sample values and gradients into ``out``, holding a few chunks in memory.

    An unfinished batch of the same function and inputs is resumed, or with ``restart`` discarded. Raises what
    ``batch_of`` raises; G101 where the unfinished batch is of other work; G601 when interrupted; G301 where writing
    fails, and what was written so far can be resumed.
    """
    kept = keeper(reduce, None)
    samples = Samples.of(problem, over)
    names = output_names(problem, reduce, out)
    stream = Stream.of(samples, chunk)
    folder = Folder.beside(out)
    with folder.held():
        work = fingerprint(samples, stream.program, reduce, names)
        sums = Sums() if isinstance(kept, Totals) else None
        writer = Writer(folder, problem, work, names, reduce, samples.n, sums=sums)
        journal = None if restart else _resumable(folder, work, out)
        if journal is None:
            folder.clear()
        else:
            writer.resume(journal)
        resumed = writer.finished
        with _recording(writer):
            for found in stream.run(resumed, progress):
                with _writing(out):
                    writer.take(found)
            with _writing(out):
                writer.record()
                writer.finish(out)
        folder.clear()
    again = [f"resumed at sample {resumed} of {samples.n}"] if resumed else []
    return Written(out, samples.n, resumed, tuple(dict.fromkeys([*problem.notes, *stream.notes, *again])))


def _resumable(folder: Folder, work: Fingerprint, out: Path) -> Journal | None:
    journal = folder.journal()
    if journal is None:
        return None
    differences = journal.work.differences(work)
    if differences:
        raise fail(
            "G101", f"{folder.path} is an unfinished batch with another {' and '.join(differences)}",
            hint="--restart discards it; or choose another --output",
        )  # fmt: skip
    finished = [folder.path / f"rows-{i}.npy" for i in range(len(journal.rows))]
    if journal.done == journal.n and out.exists() and not all(file.exists() for file in finished):
        return None  # its output was in place already when it was stopped
    return journal


@contextlib.contextmanager
def _recording(writer: Writer) -> Iterator[None]:
    """Whatever stops the work, what was done is recorded first."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(OSError, ValueError):
            writer.record()
        if isinstance(error, KeyboardInterrupt):
            raise fail(
                "G601", f"stopped after {writer.finished} of {writer.n} samples",
                hint="run the same command again to go on from there",
            ) from None  # fmt: skip
        raise
    finally:
        writer.close()


@contextlib.contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise fail("G301", f"cannot write {out}: {error.strerror or error}") from None
