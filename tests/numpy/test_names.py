"""The names of ``gradcli.numpy``: loaded when used, and the same for type checkers."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gradcli.numpy as gnp


def stub_names() -> set[str]:
    path = Path(str(gnp.__file__)).with_name("__init__.pyi")
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            names.update(t.id for t in node.targets if isinstance(t, ast.Name))
    return names


def test_type_checkers_see_the_same_names() -> None:
    assert stub_names() == set(gnp.__all__)


@pytest.mark.parametrize("name", gnp.__all__)
def test_every_name_is_there(name: str) -> None:
    getattr(gnp, name)
    assert name in dir(gnp)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'cosinus'"):
        gnp.cosinus  # noqa: B018


def test_importing_loads_no_functions() -> None:
    code = "import gradcli.numpy, sys; print(*[m for m in sys.modules if m.startswith('gradcli.numpy.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""


def test_star_import_and_aliases() -> None:
    names: dict[str, object] = {}
    exec("from gradcli.numpy import *", names)
    assert set(gnp.__all__) <= set(names)
    assert gnp.abs is gnp.absolute and gnp.degrees is gnp.rad2deg
