"""What makes two batches the same work: the function as it was traced, its inputs, and what is asked of them."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcli.engine.array import is_value, raw
from gradcli.engine.ir.text import jaxpr_text
from gradcli.engine.settings import settings
from gradcli.inspect.evaluate import Traced
from gradcli.inspect.samples import MappedFile, Samples, mapped_file

PROBES, PROBE_BYTES = 64, 2**16  # parts of a large file that are read to tell it from another


@dataclass(frozen=True)
class Fingerprint:
    """Digests of the parts that must be the same, so that a difference can be named."""

    function: str
    inputs: str
    request: str

    def differences(self, other: Fingerprint) -> list[str]:
        """The names of the parts that differ.

        >>> Fingerprint("a", "b", "c").differences(Fingerprint("a", "x", "c"))
        ['inputs']
        """
        return [name for name in ("function", "inputs", "request") if getattr(self, name) != getattr(other, name)]


def fingerprint(samples: Samples, program: Traced, reduce: str, names: tuple[str, ...]) -> Fingerprint:
    """The fingerprint of a batch. ``program``: its function, traced at the first sample; ``names``: the output's."""
    problem = samples.problem
    request = [reduce, problem.leaf_labels(), sorted(samples.axes.items()), samples.n, list(names)]
    request += [settings().precision, settings().prng_partitionable]
    return Fingerprint(
        _digest(_function(program)), _digest(_inputs(samples)), _digest(iter([json.dumps(request).encode()]))
    )


def _digest(parts: Iterator[bytes]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()


def _function(program: Traced) -> Iterator[bytes]:
    """The program and its constants and, where tracing took decisions, the text that other decisions would follow."""
    yield re.sub(r"0x[0-9a-f]+", "0x", jaxpr_text(program.jaxpr)).encode()
    for const in program.jaxpr.consts:
        yield from _array(np.asarray(raw(const)))
    if program.jaxpr.notes:
        try:
            yield inspect.getsource(program.problem.target.function).encode()
        except (OSError, TypeError):  # an expression, or a function made at run time
            yield b""


def _inputs(samples: Samples) -> Iterator[bytes]:
    for leaf in samples.problem.leaves:
        file = mapped_file(leaf)
        if file is not None:
            yield from _file(file)
        elif is_value(leaf):
            yield from _array(np.asarray(raw(leaf)))
        else:
            yield repr(leaf).encode()


def _array(array: np.ndarray[Any, Any]) -> Iterator[bytes]:
    yield f"{array.dtype} {array.shape}".encode()
    yield np.ascontiguousarray(array).tobytes()


def _file(file: MappedFile) -> Iterator[bytes]:
    """A large file by its size, its time of change and parts of its content: reading all of it takes too long."""
    status = file.path.stat()
    yield f"{file.dtype} {file.shape} {file.order} {status.st_size} {status.st_mtime_ns}".encode()
    with file.path.open("rb") as stream:
        for probe in range(PROBES):
            stream.seek(probe * max(status.st_size - PROBE_BYTES, 0) // (PROBES - 1))
            yield stream.read(PROBE_BYTES)
