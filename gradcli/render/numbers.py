"""Numbers and pytrees as text and as JSON data, so that every float comes back as it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcli.engine.tree import tree_flatten_with_path


def number_text(x: Any) -> str:
    """The shortest text that gives the number back in its own dtype.

    >>> number_text(np.float32(0.1)), number_text(0.1), number_text(np.int64(3)), number_text(float("nan"))
    ('0.1', '0.1', '3', 'nan')
    """
    if isinstance(x, np.generic):
        return str(x) if x.dtype.kind in "fc" and x.dtype.itemsize < 8 * (1 + (x.dtype.kind == "c")) else str(x.item())
    return str(x)


def to_data(x: Any) -> Any:
    """A value as plain data for strict JSON: arrays as nested lists, NaN and the infinities as strings.

    Complex numbers become ``{"real": …, "imag": …}``; what is no number becomes its text.

    >>> to_data({"a": np.float32([0.1, np.inf]), "b": (1, None)})
    {'a': [0.1, 'Infinity'], 'b': [1, None]}
    """
    if x is None or isinstance(x, (bool, int, str)):
        return x
    if isinstance(x, float) and not isinstance(x, np.generic):
        return x if math.isfinite(x) else _odd(x)
    if isinstance(x, complex) and not isinstance(x, np.generic):
        return {"real": to_data(x.real), "imag": to_data(x.imag)}
    if isinstance(x, np.ndarray):
        return _array_data(x)
    if isinstance(x, np.generic):
        return _array_data(np.asarray(x))
    if isinstance(x, dict):
        return {str(k): to_data(v) for k, v in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return {name: to_data(v) for name, v in zip(x._fields, x, strict=True)}
    if isinstance(x, (list, tuple)):
        return [to_data(v) for v in x]
    if hasattr(x, "__array__"):
        return _array_data(np.asarray(x))
    return getattr(x, "__name__", None) or str(x)


def _odd(x: float) -> str:
    return "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"


def _array_data(x: np.ndarray[Any, Any]) -> Any:
    kind = x.dtype.kind
    if kind == "c":
        return _nested(x, lambda v: {"real": to_data(v.real), "imag": to_data(v.imag)})
    if kind != "f":
        return x.tolist()
    if x.dtype.itemsize < 8:  # float32 by its own shortest text: 0.1, not 0.10000000149011612
        return _nested(x, lambda v: float(str(v)) if math.isfinite(v) else _odd(float(v)))
    return x.tolist() if np.all(np.isfinite(x)) else _nested(x, lambda v: to_data(float(v)))


def _nested(x: np.ndarray[Any, Any], convert: Any) -> Any:
    return convert(x[()]) if x.ndim == 0 else [_nested(row, convert) for row in x]


def to_json(data: Any, indent: int | None = 2) -> str:
    """Strict JSON of plain data: innermost lists on one line, so that matrices read as rows."""
    import json  # here: tables and plain text need none of it

    if indent is None:
        return json.dumps(data, allow_nan=False, ensure_ascii=False)
    return _pretty(json.dumps, data, 0)


def _pretty(dumps: Callable[..., str], data: Any, level: int) -> str:
    pad, end = "  " * (level + 1), "  " * level
    flat = dumps(data, allow_nan=False, ensure_ascii=False)
    if isinstance(data, dict) and data and (level < 1 or len(flat) > 100):
        rows = [f"{pad}{dumps(str(k), ensure_ascii=False)}: {_pretty(dumps, v, level + 1)}" for k, v in data.items()]
        return "{\n" + ",\n".join(rows) + f"\n{end}}}"
    if isinstance(data, list) and data and len(flat) > 100 and isinstance(data[0], (list, dict)):
        return "[\n" + ",\n".join(pad + _pretty(dumps, v, level + 1) for v in data) + f"\n{end}]"
    return flat


def elements(label: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every number of a pytree with a label of its own: ``w[0,1]``, ``params.b[2]``.

    >>> [(name, float(x)) for name, x in elements("df/dw", {"a": np.array([1.0, 2.0])})]
    [('df/dw.a[0]', 1.0), ('df/dw.a[1]', 2.0)]
    """
    for path, leaf in tree_flatten_with_path(value)[0]:
        name = label + dotted(path)
        if isinstance(leaf, np.ndarray) and leaf.ndim:
            for index in np.ndindex(leaf.shape):
                yield f"{name}[{','.join(map(str, index))}]", leaf[index]
        else:
            yield name, leaf[()] if isinstance(leaf, np.ndarray) else leaf


def leaves(label: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every leaf of a pytree with its label."""
    for path, leaf in tree_flatten_with_path(value)[0]:
        yield label + dotted(path), leaf


def dotted(path: str) -> str:
    """``['w'][0]`` as ``.w[0]``."""
    out = path
    for quote in "'\"":
        parts = out.split(f"[{quote}")
        out = parts[0] + "".join("." + p.replace(f"{quote}]", "", 1) for p in parts[1:])
    return out


def shown(x: Any, limit: int = 60, digits: int | None = None) -> tuple[str, bool]:
    """A value for people, and whether it was shortened: arrays of over ``limit`` numbers, as NumPy shortens them."""
    if isinstance(x, np.ndarray) and x.ndim:
        text = np.array2string(
            x, threshold=limit, edgeitems=3 if x.ndim == 1 else 2, max_line_width=76, separator=" ",
            precision=digits or 8, floatmode="maxprec",
        )  # fmt: skip
        return text, x.size > limit
    if isinstance(x, np.ndarray):
        x = x[()]
    if isinstance(x, (dict, list, tuple)):
        inner = [(name.lstrip("."), shown(leaf, 6)) for name, leaf in leaves("", x)]
        return ", ".join(f"{name}={text}" for name, (text, _) in inner), any(cut for _, (_, cut) in inner)
    if x is None:
        return "", False
    if isinstance(x, str):
        return x, False
    return getattr(x, "__name__", None) or number_text(x), False
