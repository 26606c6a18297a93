"""Runs a script's text under the stand-ins, or under the real libraries, and gives back its module."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from gradcli.compat.imports import run_source
from gradcli.compat.jaxnames.config import first_settings
from gradcli.engine.settings import override


def standin(source: str, precision: str = "float32") -> dict[str, Any]:
    """The names that a script defines, run with gradcli's stand-ins."""
    with override(**{**first_settings(), "precision": precision}):
        return vars(run_source(source, "<script>", "gradcli_script", Path.cwd()))


def real(source: str) -> dict[str, Any]:
    """The names that a script defines, run with the libraries themselves."""
    module = types.ModuleType("real_script")
    sys.modules[module.__name__] = module  # where dataclasses look their module up
    exec(compile(source, "<script>", "exec"), module.__dict__)
    return vars(module)


def assert_same(found: Any, expected: Any, rtol: float = 1e-5, atol: float = 1e-6, where: str = "out") -> None:
    """Compares results: containers by structure, arrays by value and dtype, texts and the like exactly."""
    if isinstance(expected, dict):
        assert sorted(found) == sorted(expected), where
        for key in expected:
            assert_same(found[key], expected[key], rtol, atol, f"{where}[{key!r}]")
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected), where
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            assert_same(a, b, rtol, atol, f"{where}[{i}]")
    elif isinstance(expected, (str, bool, type(None))):
        assert found == expected, f"{where}: {found!r} is not {expected!r}"
    else:
        a, b = np.asarray(found), np.asarray(expected)
        assert a.dtype == b.dtype and a.shape == b.shape, f"{where}: {a.dtype}{a.shape} is not {b.dtype}{b.shape}"
        np.testing.assert_allclose(a, b, rtol, atol, err_msg=where)
