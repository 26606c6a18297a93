"""YAML by the core schema of 1.2, with positions, and with everything dangerous refused quickly."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcli.engine.errors import GradcliError
from gradcli.sources.yamlcore import load_yaml


def data(text: str) -> Any:
    return load_yaml(text, "a.yaml").data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-6", 1e-6),
        ("1.5e3", 1500.0),
        ("-.5", -0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("+1", 1),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("1:30", "1:30"),
        ("on", "on"),
        ("no", "no"),
        ("y", "y"),
        ("yes", "yes"),
        ("Off", "Off"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("2024-01-01", "2024-01-01"),
        ("'1e-6'", "1e-6"),
        ('"on"', "on"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("=", "="),
        ("!!str 5", "5"),
        ("!!float 5", 5.0),
        ("<<", "<<"),
    ],
)
def test_scalars_mean_what_people_mean(text: str, expected: Any) -> None:
    found = data(text)
    assert found == expected and type(found) is type(expected)


def test_nan() -> None:
    assert math.isnan(data(".nan")) and math.isnan(data("[.NaN]")[0])


def test_positions_of_keys_and_values() -> None:
    document = load_yaml("a: 1\nb:\n  - x\n  - {c: 2}\n", "a.yaml")
    assert document.positions[("a",)] == (1, 4) and document.positions[("b", 1, "c")] == (4, 9)
    where = document.location(("b", 1, "c", "deeper"))
    assert (where.file, where.line, where.text) == ("a.yaml", 4, "- {c: 2}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3:1: the key 'a' is given twice"), ("a: &a [*a]", "contains itself"),
        ("a: [1", "a.yaml:"), ("!!python/object/apply:os.system ['true']", "is not allowed"),
        ("!custom x", "is not allowed"), ("a: 1\n---\nb: 2\n", "a second document"),
        ("? [a, b]\n: 1\n", "a key must be a word"), ("a: *nowhere", "a.yaml:1"),
        ("[" * 5000, "nested deeper"), ("{a: " * 60 + "1" + "}" * 60, "nested deeper"), ("\t- x", "a.yaml"),
        ("a: \x00", "not valid"), ("x: " + "y" * 10_000_001, "larger than 10 MB"), ("!!int abc", "cannot read"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(GradcliError) as info:
        data(text)
    assert info.value.diagnostic.code == "G303" and message in str(info.value)


def test_aliases_cannot_explode() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(GradcliError, match="too large"):
        data("\n".join(lines))
    assert data("a: &a {x: 1}\nb: *a\n") == {"a": {"x": 1}, "b": {"x": 1}}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, width=32),
        lambda c: st.lists(c, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "on", "no"]), c, max_size=3),
        max_leaves=12,
    )
)
def test_plain_data_comes_back(tree: Any) -> None:
    import json

    text = json.dumps(tree).replace("Infinity", ".inf").replace("-.inf", "-.inf")
    assert data(text) == tree


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_cleanly(text: str) -> None:
    try:
        data(text)
    except GradcliError as error:
        assert error.diagnostic.code == "G303"
