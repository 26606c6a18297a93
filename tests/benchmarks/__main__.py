"""``python -m tests.benchmarks [NAME...] [--quick] [--json]``: measure gradcli and its peers side by side.

Names select rows by how they (or their group) begin. The exit status is 1 where contenders disagree in value or gradcli
fails at a row; a missed target is a figure, not a failure.
"""

from __future__ import annotations

import argparse
import sys

from tests.benchmarks import report
from tests.benchmarks.measure import Budget, measure
from tests.benchmarks.plan import plan
from tests.benchmarks.rows import OURS, Scale


def main(arguments: list[str] | None = None) -> int:
    """Runs the rows asked for and prints what came out, each row as soon as it is measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="rows or groups by how their names begin; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, without the largest rows")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    parser.add_argument("--list", action="store_true", help="the names of the rows, without measuring")
    options = parser.parse_args(arguments)
    chosen = plan(Scale()).select(tuple(options.names), options.quick)
    if not chosen.rows:
        parser.error(f"no row begins with {' or '.join(options.names)}; --list shows all")
    if options.list:
        print(*(row.name for row in chosen.rows), sep="\n")
        return 0
    lines = {}
    if not options.json:
        print(report.table_header())
    for row in chosen.rows:
        lines[row.name] = report.line_of(row, measure(row, Budget.of(options.quick)))
        if not options.json:
            print(report.table_text(lines[row.name]), flush=True)
    last = report.summary_lines(chosen, lines)
    every = [*lines.values(), *last]
    verdicts = [j.verdict for line in every for j in line.judged]
    if options.json:
        print(report.json_text(every))
    else:
        print(*map(report.table_text, last), sep="\n")
        print(", ".join(f"{verdicts.count(v)} {v}" for v in ("holds", "misses", "unclear") if verdicts.count(v)))
    return int(any(line.disagreement or OURS in line.errors for line in every))


if __name__ == "__main__":
    sys.exit(main())
