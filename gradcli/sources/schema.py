"""The keys of a spec and their types: what the reader accepts, and the JSON Schema that editors use, from one table."""

from __future__ import annotations

from typing import Any

_NUMBER: dict[str, Any] = {"type": "number"}
_TEXT: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer"}
_NAMES: dict[str, Any] = {"oneOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_DTYPE: dict[str, Any] = {"enum": ["float64", "float32"]}
_VALUE: dict[str, Any] = {
    "description": "A number, nested lists, a mapping, '@file' or a generator such as 'linspace(0,1,11)'."
}
_VALUES: dict[str, Any] = {"type": "object", "additionalProperties": _VALUE}
_EXPECTED: dict[str, Any] = {
    "description": "A value, or {expr: ...}: an expression of the function's arguments.",
}

_FUNCTION = {
    "file": {**_TEXT, "description": "A Python file, relative to the spec."},
    "name": {**_TEXT, "description": "The function of the file."},
    "expr": {"type": ["string", "number"], "description": "An expression; never runs code."},
    "args": {**_NAMES, "description": "The expression's arguments, in order."},
}
_EXPECT = {
    "value": _EXPECTED,
    "grad": {"type": "object", "additionalProperties": _EXPECTED},
    "derivatives": _EXPECTED,
    "jaxpr": {**_TEXT, "description": "The program's text, compared up to variable names."},
    "error": {"type": "string", "pattern": "^G[0-9]{3}$", "description": "The code of the error that must occur."},
    "jacobian": _EXPECTED,
    "hessian": _EXPECTED,
    "rtol": _NUMBER,
    "atol": _NUMBER,
}
_CHECK = {
    "order": {**_WHOLE, "minimum": 1},
    "modes": {"type": "array", "items": {"enum": ["fwd", "rev"]}, "minItems": 1},
    "rtol": _NUMBER,
    "atol": _NUMBER,
    "sample": _WHOLE,
    "seed": _WHOLE,
}
_CASE = {
    "name": _TEXT,
    "function": _TEXT,
    "at": _VALUES,
    "matrix": {"type": "object", "additionalProperties": {"type": "array"}},
    "wrt": _NAMES,
    "grad": {"type": "object"},
    "order": {**_WHOLE, "minimum": 0},
    "jaxpr": {**_TEXT, "description": "f, grad, value_and_grad, jvp, vjp, hessian, batch, or batch(grad(grad))."},
    "batch": _VALUES,
    "check": {"oneOf": [{"type": "boolean"}, {"type": "object", "properties": _CHECK, "additionalProperties": False}]},
    "dtype": _DTYPE,
    "expect": {"type": "object", "properties": _EXPECT, "additionalProperties": False},
}
_DEFAULTS = {"dtype": _DTYPE, "rtol": _NUMBER, "atol": _NUMBER}

FUNCTION_KEYS = tuple(_FUNCTION)
EXPECT_KEYS = tuple(_EXPECT)
CHECK_KEYS = tuple(_CHECK)
CASE_KEYS = tuple(_CASE)
DEFAULT_KEYS = tuple(_DEFAULTS)
TOP_KEYS = tuple(dict.fromkeys(["version", "defaults", "functions", "cases", "include", *_FUNCTION, *_CASE]))


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 7) of a spec.

    >>> schema()["title"]
    'gradcli spec'
    """
    top = {
        "version": {"const": 1},
        "defaults": _object(_DEFAULTS),
        "functions": {"type": "object", "additionalProperties": _object(_FUNCTION)},
        "cases": {"type": "array", "items": _object(_CASE)},
        "include": _NAMES,
    }
    short = {key: value for key, value in {**_CASE, **_FUNCTION}.items() if key not in top}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "gradcli spec",
        **_object({**top, **short}),
    }
