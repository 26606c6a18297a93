"""All rows."""

from __future__ import annotations

from tests.benchmarks.elementwise import elementwise, memory
from tests.benchmarks.matrices import matrices
from tests.benchmarks.processes import processes
from tests.benchmarks.rows import Plan, Scale
from tests.benchmarks.scalars import first_calls, loops, orders, scans, steady


def plan(scale: Scale) -> Plan:
    """Every row, growth and group, in the order they are shown."""
    found = Plan(())
    for part in (processes, loops, first_calls, steady, elementwise, memory, matrices, scans, orders):
        found = found + part(scale)
    return found
