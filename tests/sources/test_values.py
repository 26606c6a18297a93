"""Values as users write them: numbers, lists, files, generators; and what is refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcli.engine.errors import GradcliError
from gradcli.sources.values import MAX_DEPTH, parse_assignments, parse_value, parse_vary


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3),
        ("-2.5", -2.5),
        ("1e-6", 1e-6),
        (".5", 0.5),
        ("5.", 5.0),
        ("+4", 4),
        ("1_000", 1000),
        ("2j", 2j),
        ("inf", np.inf),
        ("-inf", -np.inf),
        ("pi", np.pi),
        ("true", True),
        ("False", False),
        ("null", None),
        ("(1, [2])", (1, np.array([2]))),
        ("{a: 1, 'b c': [1, 2]}", {"a": 1, "b c": np.array([1, 2])}),
        ("'text'", "text"),
    ],
)
def test_scalars_and_containers(text: str, expected: Any) -> None:
    found = parse_value(text)
    assert type(found) is type(expected)
    np.testing.assert_equal(found, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2.5, -3]", [1, 2.5, -3]),
        ("[[1,2],[3,4]]", [[1, 2], [3, 4]]),
        ("[]", []),
        ("[1,2,]", [1, 2]),
        ("linspace(0, 1, 3)", [0, 0.5, 1]),
        ("arange(3)", [0, 1, 2]),
        ("zeros(2, 2)", [[0, 0], [0, 0]]),
        ("full(2, 7.5)", [7.5, 7.5]),
        ("eye(2)", [[1, 0], [0, 1]]),
        ("logspace(0, 2, 3)", [1, 10, 100]),
        ("-ones(2)", [-1, -1]),
        ("[nan, inf]", [np.nan, np.inf]),
    ],
)
def test_arrays(text: str, expected: Any) -> None:
    found = parse_value(text)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, expected)


def test_random_values_are_seeded() -> None:
    np.testing.assert_array_equal(parse_value("normal(3,4; seed=1)"), parse_value("normal(3, 4, seed=1)"))
    assert parse_value("normal(3,4; seed=1)").shape == (3, 4)
    assert not np.array_equal(parse_value("normal(4; seed=1)"), parse_value("normal(4; seed=2)"))
    low = parse_value("uniform(100; low=2, high=3)")
    assert low.min() >= 2 and low.max() <= 3


def test_several_assignments_at_once() -> None:
    found = parse_assignments(["x=3,y=[4, 5]", "p={a: 1},n=linspace(0,1,2)"])
    assert list(found) == ["x", "y", "p", "n"]
    np.testing.assert_array_equal(found["y"], [4, 5])


def test_ragged_lists_are_pytrees() -> None:
    found = parse_value("[[1, 2], 3]")
    assert isinstance(found, list) and found[1] == 3


def test_files(tmp_path: Path) -> None:
    w = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "a.npy", w)
    np.savez(tmp_path / "p.npz", w=w, b=w[0])
    (tmp_path / "d.csv").write_text("a, b,label\n1,2,7\n3,,8\n")
    (tmp_path / "plain.csv").write_text("1,2\n3,4\n")
    (tmp_path / "p.json").write_text(json.dumps({"w": [[1, 2], [3, 4]], "deep": {"b": "NaN"}}))
    at = lambda text: parse_value(text, tmp_path)  # noqa: E731
    np.testing.assert_array_equal(at("@a.npy"), w)
    np.testing.assert_array_equal(at("@p.npz:b"), w[0])
    assert set(at("@p.npz")) == {"w", "b"}
    np.testing.assert_array_equal(at("@d.csv:a,b"), [[1, 2], [3, np.nan]])
    np.testing.assert_array_equal(at("@d.csv:label"), [7, 8])
    np.testing.assert_array_equal(at("@plain.csv"), [[1, 2], [3, 4]])
    assert np.isnan(at("@p.json")["deep"]["b"]) and at("@p.json")["w"].shape == (2, 2)
    found = parse_assignments([f"X=@{tmp_path / 'd.csv'}:a,b,y=@{tmp_path / 'a.npy'}"])
    assert found["X"].shape == (2, 2) and found["y"].shape == (2, 3)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "evil.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "worse.npy").write_bytes(pickle.dumps({"a": 1}))
    for name in ("evil.npy", "worse.npy"):
        with pytest.raises(GradcliError) as info:
            parse_value(f"@{name}", tmp_path)
        assert info.value.diagnostic.code == "G306"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "expected = after 'x'"),
        ("x=", "expected a value"),
        ("=3", "expected name=value"),
        ("x=[1", "expected , or ]"),
        ("x=foo", "'foo' is no value"),
        ("x=lispace(0,1)", "no generator 'lispace'"),
        ("x=1 2", "expected a comma"),
        ("x=linspace()", "linspace: "),
        ("x=zeros(-1)", "negative"),
        ("x=zeros(100000,100000)", "too large"),
        ("x=1,x=2", "given twice"),
        ("x='a", "not closed"),
        ("x=__import__('os')", "no generator"),
        ("x={1", "expected :"),
        ("x=" + "[" * (MAX_DEPTH + 2), "nested deeper"),
        ("x=1.2.3", ""),
        ("x=0x10", ""),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(GradcliError) as info:
        parse_assignments([text])
    assert info.value.diagnostic.code == "G104" and message in str(info.value)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("@no.npy", "no such file"),
        ("@x.pkl", "cannot tell the format"),
        ("@d.csv:z", "no column 'z'"),
        ("@bad.csv", "is no number"),
        ("@bad.json", "cannot read"),
        ("@empty.csv", "empty"),
        ("@p.npz:q", "holds no 'q'"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, reference: str, message: str) -> None:
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")
    (tmp_path / "bad.csv").write_text("a,b\n1,two\n")
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "empty.csv").write_text("")
    np.savez(tmp_path / "p.npz", w=np.ones(2))
    with pytest.raises(GradcliError) as info:
        parse_value(reference, tmp_path)
    assert info.value.diagnostic.code == "G306" and message in str(info.value)


def test_vary() -> None:
    name, values = parse_vary("x=-3:3:61")
    assert name == "x" and values.shape == (61,) and values[0] == -3 and values[-1] == 3
    np.testing.assert_array_equal(parse_vary("t=[1,2]")[1], [1, 2])
    for bad in ("x", "x=1:2", "x=1:2:0", "x=a:b:3", "x=[[1]]"):
        with pytest.raises(GradcliError):
            parse_vary(bad)


@given(st.floats(allow_nan=False))
def test_every_float_comes_back(x: float) -> None:
    assert parse_value(repr(x)) == x


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_cleanly(text: str) -> None:
    try:
        parse_assignments([text])
    except GradcliError as error:
        assert error.diagnostic.code in ("G104", "G306")
