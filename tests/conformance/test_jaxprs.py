"""The programs of all functions are JAX's, primitive for primitive; where they are not, ``jaxprs.yaml`` says why.

What is called inside of a program (``jit``, custom rules) is taken to be written out.
"""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from gradcli.conformance.table import rows
from gradcli.engine.api import make_jaxpr

CALLS = ("jit", "pjit", "custom_jvp_call", "custom_vjp_call", "closed_call", "remat", "checkpoint")
COMBINES = ("update_jaxpr", "reducer_jaxpr")  # parameters of JAX's that repeat the name of the primitive they belong to


def listed() -> list[str]:
    """The names of the functions whose programs differ."""
    text = Path(__file__).with_name("jaxprs.yaml").read_text(encoding="utf-8")
    spaces = [pair for of_reason in yaml.safe_load(text).values() for pair in of_reason.items()]
    return [f"{space}.{name}" for space, names in spaces for name in names.split()]


def primitives(jaxpr: Any) -> Counter[str]:
    """How often each primitive is in a program."""
    found: Counter[str] = Counter()
    for eqn in jaxpr.eqns:
        if eqn.primitive.name not in CALLS:
            found[eqn.primitive.name] += 1
        for name, value in eqn.params.items():
            for part in value if isinstance(value, (tuple, list)) else [value]:
                inner = getattr(part, "jaxpr", part)
                if hasattr(inner, "eqns") and name not in COMBINES:
                    found += primitives(inner)
    return found


def test_the_list_has_each_function_once() -> None:
    names = listed()
    assert len(names) == len(set(names)) and set(names) <= {row.full_name for row in rows()}


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_programs_are_those_of_jax() -> None:
    jax = pytest.importorskip("jax")
    compared: set[str] = set()
    different: set[str] = set()
    with jax.enable_x64(True):
        for row in rows():
            if not row.jax:
                continue
            import_module(f"jax.{row.space}")
            try:
                theirs = primitives(jax.make_jaxpr(row.of("jax"))(*row.arrays).jaxpr)
            except jax.errors.JAXTypeError:
                continue  # shapes that depend on values: JAX cannot trace it
            compared.add(row.full_name)
            if primitives(make_jaxpr(row.of())(*row.arrays)) != theirs:
                different.add(row.full_name)
    assert len(compared) > 800
    assert sorted(different) == sorted(listed())
