"""``python -m tests.benchmarks.peak ROW CONTENDER``: seconds and bytes that one call adds to a process. Linux only."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from time import perf_counter

from tests.benchmarks.plan import plan
from tests.benchmarks.rows import Scale


def status(field: str) -> int:
    """A size of this process, in bytes."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    if found is None:
        raise RuntimeError(f"/proc/self/status has no {field}")
    return int(found.group(1)) * 1024


def main(name: str, peer: str) -> None:
    """Makes the inputs, forgets the peak so far, calls once."""
    row = next(row for row in plan(Scale()).rows if row.name == name)
    subject = row.contenders[peer]()
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    start = perf_counter()
    subject.sample(1)
    print(perf_counter() - start, status("VmHWM") - before)


if __name__ == "__main__":
    main(*sys.argv[1:])
