"""The package's surface: what ``import gradcli`` offers is what the engine's API has, loaded late and typed."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

import gradcli
import gradcli.engine.api
from tests.console import ROOT


def test_every_public_function_is_exported() -> None:
    public = {name for name in vars(gradcli.engine.api) if not name.startswith("_")}
    assert public == set(gradcli._API)
    for name in (*gradcli._API, *gradcli._MODULES):
        assert getattr(gradcli, name) is not None and name in dir(gradcli)


def test_type_checkers_see_them_too() -> None:
    tree = ast.parse((ROOT / "gradcli" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == {*gradcli._API, *gradcli._MORE}


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'gard'"):
        gradcli.gard  # type: ignore[attr-defined]  # noqa: B018


def test_four_dependencies_and_no_more() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[<>=!~ ]", dependency)[0] for dependency in project["dependencies"]}
    assert names == {"typer", "rich", "numpy", "pyyaml"}
    assert project["requires-python"] == ">=3.11"


def test_typer_is_of_the_range_that_starts_fast() -> None:
    """0.26 brought click inside; 0.28 costs 15 ms more than 0.27, and 0.29 loads pydantic in every command."""
    import typer

    assert (0, 26) <= tuple(int(n) for n in typer.__version__.split(".")[:2]) < (0, 28)
