"""Expected and actual: pytrees of numbers within a tolerance, programs up to the names of their variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcli.engine.array import is_value, raw


@dataclass(frozen=True)
class Tolerance:
    """What may differ: ``atol + rtol * |expected|``."""

    rtol: float = 1e-6
    atol: float = 1e-9


def differences(path: str, expected: Any, actual: Any, tolerance: Tolerance) -> Iterator[str]:
    """What differs, a line each. NaN equals NaN; scalars spread over nothing: shapes must agree."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            yield f"{path}: expected {sorted(expected)}, got {text(actual)}"
            return
        for key in expected:
            if key not in actual:
                yield f"{path}.{key}: nothing of that name; there is {', '.join(map(str, actual)) or 'nothing'}"
            else:
                yield from differences(f"{path}.{key}", expected[key], actual[key], tolerance)
        return
    if isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        if len(expected) != len(actual):
            yield f"{path}: expected {len(expected)} entries, got {len(actual)}"
            return
        for i, (a, b) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(f"{path}[{i}]", a, b, tolerance)
        return
    yield from _numbers(path, expected, actual, tolerance)


def _numbers(path: str, expected: Any, actual: Any, tolerance: Tolerance) -> Iterator[str]:
    try:
        a, b = (np.asarray(raw(x)) if is_value(x) else np.asarray(x) for x in (expected, actual))
    except ValueError:
        a, b = np.asarray(None), np.asarray(None)
    if a.dtype.kind not in "biufc" or b.dtype.kind not in "biufc":
        if expected != actual:
            yield f"{path}: expected {text(expected)}, got {text(actual)}"
        return
    if a.shape != b.shape:
        yield f"{path}: expected shape {a.shape}, got {b.shape} ({text(actual)})"
        return
    with np.errstate(all="ignore"):
        allowed = tolerance.atol + tolerance.rtol * np.abs(a)
        close = np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) <= allowed)
        same = close | (a == b) | (np.isnan(a) & np.isnan(b))
    if np.all(same):
        return
    wrong = np.argwhere(~same)
    at = tuple(int(i) for i in wrong[0])
    where = path + (f"[{','.join(map(str, at))}]" if at else "")
    more = f" ({len(wrong)} of {a.size} differ)" if len(wrong) > 1 else ""
    yield f"{where}: expected {text(a[at])}, got {text(b[at])}, off by {abs(a[at] - b[at]):.2g}{more}"


def text(x: Any) -> str:
    """A value on one line."""
    found = str(x.item() if isinstance(x, (np.generic, np.ndarray)) and np.ndim(x) == 0 else x).replace("\n", " ")
    return found if len(found) <= 80 else found[:77] + "..."


def same_program(expected: str, actual: str) -> bool:
    """Whether two programs are the same text up to whitespace and one-to-one renaming of variables.

    >>> same_program("{ lambda ; a. let b = mul a a in (b,) }", "{ lambda ; x. let y = mul x x in (y,) }")
    True
    >>> same_program("{ lambda ; a. let b = mul a a in (b,) }", "{ lambda ; x. let y = mul x x in (x,) }")
    False
    """
    return _canonical(expected) == _canonical(actual)


_KEYWORDS = {"lambda", "let", "in"}


def _canonical(program: str) -> list[str]:
    """The program's words, each variable replaced by its number in order of first appearance."""
    names: dict[str, str] = {}
    words = re.findall(r"\w+(?:\.\w+)?|[^\s\w]", re.sub(r"#[^\n]*", "", program))
    out = []
    for i, word in enumerate(words):
        before, after = (words[i - 1] if i else ""), (words[i + 1] if i + 1 < len(words) else "")
        primitive = before == "=" and after != ","
        kind = before == ":"  # a type such as f64
        variable = re.fullmatch(r"[a-z]+", word) and word not in _KEYWORDS and not primitive and not kind
        out.append(names.setdefault(word, f"${len(names)}") if variable else word)
    return out
