"""The folder of an unfinished batch: what is done, as far as it is safe on disk, and the arrays written so far.

Everything is named in the journal only after it has reached the disk, and the journal is replaced whole. So whenever
the process or the machine stops, the folder describes work that is really done.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gradcli.engine.errors import fail
from gradcli.inspect.fingerprint import Fingerprint

SCHEMA = "gradcli-batch/1"
JOURNAL = "journal.json"


@dataclass(frozen=True)
class Journal:
    """The samples before ``done`` are finished. totals: the file with sums over them, for a mean or sum."""

    work: Fingerprint
    n: int
    done: int
    rows: tuple[str, ...]
    totals: str = ""

    def text(self) -> str:
        """As JSON."""
        return json.dumps({"schema": SCHEMA, **asdict(self)})

    @classmethod
    def of_text(cls, text: str) -> Journal:
        """From JSON. Raises ValueError for anything that ``text`` did not write."""
        found = json.loads(text)
        try:
            if found.pop("schema") != SCHEMA:
                raise ValueError("another version")
            work, rows = Fingerprint(**found.pop("work")), tuple(found.pop("rows"))
            journal = cls(work=work, rows=rows, **found)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(str(error)) from None
        if not 0 <= journal.done <= journal.n:
            raise ValueError(f"{journal.done} of {journal.n} samples")
        return journal


class Rows:
    """A .npy file that is filled from the front, by ordinary writes: mapping it would count as memory."""

    def __init__(self, file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype, self.offset = shape, dtype, file.tell()
        self._file = file

    @classmethod
    def new(cls, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Rows:
        """A file of its full length, in which nothing is written yet."""
        file = path.open("w+b")
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, header)
        file.truncate(file.tell() + math.prod(shape) * dtype.itemsize)
        return cls(file, shape, dtype)

    @classmethod
    def existing(cls, path: Path) -> Rows:
        """A file that ``new`` made earlier. Raises OSError, ValueError."""
        file = path.open("r+b")
        try:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
            return cls(file, shape, dtype)
        except BaseException:
            file.close()
            raise

    def write(self, start: int, rows: np.ndarray[Any, Any]) -> None:
        """Writes rows from row ``start`` on. Raises ValueError where they are of another shape."""
        if rows.shape[1:] != self.shape[1:]:
            raise ValueError(f"rows of shape {rows.shape[1:]} in an array of shape {self.shape}")
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        self._file.seek(self.offset + start * row_bytes)
        self._file.write(np.ascontiguousarray(rows, self.dtype).data)

    def sync(self) -> None:
        """Returns when everything written is on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Gives the file back."""
        self._file.close()


@dataclass
class Folder:
    """The folder itself, next to the file that the batch will become."""

    path: Path

    @classmethod
    def beside(cls, out: Path) -> Folder:
        """That of an output file."""
        return cls(out.with_name(out.name + ".partial"))

    def journal(self) -> Journal | None:
        """What is done so far; None where there is no such work. Raises G306 where it cannot be read."""
        try:
            return Journal.of_text((self.path / JOURNAL).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise fail(
                "G306", f"cannot read {self.path / JOURNAL}: {error}", hint="--restart discards the unfinished batch"
            ) from None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Makes the folder, for this process alone; it stays if a journal is in it then.

        Raises G101 where another process works in it, G301 where it cannot be made.
        """
        try:
            self.path.mkdir(exist_ok=True)
            lock = (self.path / "lock").open("w")
        except OSError as error:
            raise fail("G301", f"cannot write {self.path}: {error.strerror or error}") from None
        with lock:
            if not _locked(lock):
                raise fail("G101", f"another process is at work in {self.path}", hint="wait for it, or stop it")
            try:
                yield
            finally:
                if not (self.path / JOURNAL).exists():
                    self._remove()

    def record(self, journal: Journal) -> None:
        """Replaces the journal, and removes the totals that the earlier one named."""
        self._replace(JOURNAL, journal.text().encode())
        for old in self.path.glob("totals-*.npz"):
            if old.name != journal.totals:
                old.unlink()

    def save_totals(self, done: int, totals: Mapping[str, Any]) -> str:
        """Writes sums over the first ``done`` samples; the name of their file."""
        name = f"totals-{done}.npz"
        with (self.path / name).open("wb") as file:
            np.savez(file, **totals)
            file.flush()
            os.fsync(file.fileno())
        return name

    def load_totals(self, journal: Journal) -> dict[str, Any]:
        """The sums that a journal names."""
        with np.load(self.path / journal.totals, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}

    def clear(self) -> None:
        """Removes everything that gradcli put into the folder, and the folder if that was all."""
        (self.path / JOURNAL).unlink(missing_ok=True)
        for pattern in ("rows-*.npy", "totals-*.npz", "*.new"):
            for file in self.path.glob(pattern):
                file.unlink(missing_ok=True)

    def _remove(self) -> None:
        self.clear()
        with contextlib.suppress(OSError):  # others' files in it; or where open files cannot be removed
            (self.path / "lock").unlink()
            self.path.rmdir()

    def _replace(self, name: str, content: bytes) -> None:
        new = self.path / f"{name}.new"
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path / name)


def _locked(file: Any) -> bool:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
