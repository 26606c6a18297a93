"""JUnit XML of the cases of ``run``, for CI systems."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from gradcli.inspect.results import CaseResult, RunResult


def junit_text(result: RunResult) -> str:
    """One suite a spec, one case a case."""
    root = ET.Element(
        "testsuites", tests=str(len(result.cases)), failures=str(result.failed), errors=str(result.errors)
    )
    for file in dict.fromkeys(c.file for c in result.cases):
        cases = [c for c in result.cases if c.file == file]
        suite = ET.SubElement(
            root, "testsuite", name=file, tests=str(len(cases)), time=f"{sum(c.seconds for c in cases):.6f}",
            failures=str(sum(c.status == "failed" for c in cases)),
            errors=str(sum(c.status == "error" for c in cases)),
        )  # fmt: skip
        for case in cases:
            _case(suite, case)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, case: CaseResult) -> None:
    element = ET.SubElement(
        suite, "testcase", classname=case.file, name=case.name, time=f"{case.seconds:.6f}"
    )
    if case.line is not None:
        element.set("line", str(case.line))
    if case.status != "passed":
        message = "".join(c if c.isprintable() else " " for c in case.message)  # XML has no control characters
        ET.SubElement(element, "failure" if case.status == "failed" else "error", message=message)
