"""Which names of jax, autograd, numpy, scipy and math are there for a file that imports them."""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

import gradcli.compat
from gradcli.compat import scipys
from gradcli.compat.lazy import nearest

Status = Literal["yes", "plain", "no"]
LISTS = ("jax", "autograd", "numpy")
ROOTS = (*LISTS, "scipy", "math")


class Support(NamedTuple):
    """``yes``; ``plain``: on plain values, not on traced ones; ``no``, with the nearest name that is there."""

    status: Status
    nearest: str | None = None


def support(name: str) -> Support:
    """Whether a full name (``jax.numpy.sin``) is there."""
    root = name.partition(".")[0]
    if root == "math":
        return _of_math(name)
    if root == "numpy" or name.startswith("autograd.numpy."):
        found = _of_numpy(name.removeprefix("autograd."))
        if root == "numpy" or found.status != "no":
            return found
    found = _of_table(name, table_of(root))
    if root == "scipy" and found.status == "yes" and not scipys.is_traced(name):
        return Support("plain")
    return found


@functools.cache
def table_of(root: str) -> Mapping[str, types.ModuleType]:
    """The stand-ins of a library by full name."""
    found: Mapping[str, types.ModuleType] = import_module(
        f"gradcli.compat.{'scipys' if root == 'scipy' else root}"
    ).modules()
    return found


def _of_table(name: str, table: Mapping[str, types.ModuleType]) -> Support:
    if name in table:
        return Support("yes")
    parts = name.split(".")
    for i in range(len(parts) - 1, 0, -1):
        prefix = ".".join(parts[:i])
        if prefix in table:
            return _of_module(table[prefix], prefix, parts[i])
    return Support("no", None)


def _of_module(module: types.ModuleType, prefix: str, member: str) -> Support:
    try:
        getattr(module, member)
    except (AttributeError, ImportError):
        close = nearest(module, member)
        return Support("no", f"{prefix}.{close}" if close else None)
    return Support("yes")


_NUMPY_ALSO = frozenset("shape ndim size copy iscomplexobj isrealobj result_type".split())


def _of_numpy(name: str) -> Support:
    """A name of NumPy itself: everything runs on plain arrays, what gradcli.numpy has on traced ones as well."""
    module, _, member = name.rpartition(".")
    if not module:
        return Support("yes")
    try:
        home = np if module == "numpy" else import_module(module)
    except ImportError:
        return Support("no", _nearest_of(module, ["numpy.fft", "numpy.linalg", "numpy.random"]))
    if not hasattr(home, member):
        return Support("no", _nearest_of(name, [f"{module}.{n}" for n in dir(home) if not n.startswith("_")]))
    value = getattr(home, member)
    if not callable(value) or isinstance(value, type) or home is np and member in _own_numpy():
        return Support("yes")
    if module.startswith("numpy.random"):
        return Support("yes")
    if module in ("numpy", "numpy.fft", "numpy.linalg"):
        ours = import_module(f"gradcli.{module}")
        if member in ours.__all__ or member in _NUMPY_ALSO:
            return Support("yes")
    return Support("plain", _nearest_of(name, [f"{module}.{n}" for n in _traced(module)]))


def _traced(module: str) -> list[str]:
    return list(import_module(f"gradcli.{module}").__all__) if module in ("numpy", "numpy.linalg", "numpy.fft") else []


@functools.cache
def _own_numpy() -> frozenset[str]:
    return frozenset(vars(import_module("gradcli.compat.plain").numpy_module()))


def _of_math(name: str) -> Support:
    member = name.partition(".")[2]
    if not member:
        return Support("yes")
    if not hasattr(math, member):
        return Support("no", _nearest_of(name, [f"math.{n}" for n in dir(math) if not n.startswith("_")]))
    plain: Any = import_module("gradcli.compat.plain")
    traced = {*plain._MATH_NAMES, "erf", "erfc", "lgamma", "log", "fsum", "dist", "prod"}
    if not callable(getattr(math, member)) or member in traced:
        return Support("yes")
    return Support("plain", _nearest_of(name, [f"math.{n}" for n in traced]))


def _nearest_of(name: str, known: Iterable[str]) -> str | None:
    prefix, _, last = name.rpartition(".")
    close = get_close_matches(last, [k.rpartition(".")[2] for k in known], 1)
    return f"{prefix}.{close[0]}" if close else None


def public_names(library: str) -> tuple[str, list[str]]:
    """The library with its version, and its full public names, from the list that is stored here."""
    text = (Path(gradcli.compat.__file__).parent / "names" / f"{library}.txt").read_text(encoding="utf-8")
    first, *names = text.splitlines()
    return first.removeprefix("# "), names
