"""Numbers survive the way through text, in every dtype, and JSON is strict."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradcli.render.numbers import elements, number_text, shown, to_data, to_json


def strict(text: str) -> object:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


ODD = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def back(data: object) -> object:
    return [back(x) for x in data] if isinstance(data, list) else ODD.get(data, data) if isinstance(data, str) else data


@given(st.sampled_from([np.float32, np.float64]).flatmap(
    lambda t: hnp.arrays(t, hnp.array_shapes(min_dims=0, max_dims=3, max_side=3), elements=hnp.from_dtype(np.dtype(t)))
))  # fmt: skip
def test_every_float_comes_back(x: np.ndarray) -> None:
    for indent in (None, 2):
        again = np.asarray(back(strict(to_json(to_data(x), indent))), dtype=x.dtype)
        np.testing.assert_array_equal(again.reshape(x.shape), x)
    for value in x.ravel():
        np.testing.assert_equal(x.dtype.type(number_text(value)), value)


def test_float32_is_written_by_its_own_shortest_text() -> None:
    assert to_json(to_data(np.float32([0.1, 0.7864477])), None) == "[0.1, 0.7864477]"
    assert number_text(np.float32(0.1)) == "0.1"
    assert number_text(np.float64(0.1)) == "0.1"


def test_complex_and_other_things() -> None:
    data = to_data({"z": 1 + 2j, "n": None, "f": math.sin, "b": np.array([True]), "i": np.int64(3)})
    assert data == {"z": {"real": 1.0, "imag": 2.0}, "n": None, "f": "sin", "b": [True], "i": 3}


def test_elements_name_every_number() -> None:
    tree = {"layers": [{"w": np.eye(2)}, {"w": np.array(5.0)}]}
    found = {name: float(x) for name, x in elements("df/dp", tree)}
    assert found == {
        "df/dp.layers[0].w[0,0]": 1.0, "df/dp.layers[0].w[0,1]": 0.0, "df/dp.layers[0].w[1,0]": 0.0,
        "df/dp.layers[0].w[1,1]": 1.0, "df/dp.layers[1].w": 5.0,
    }  # fmt: skip


def test_big_arrays_are_shortened_for_people_only() -> None:
    text, cut = shown(np.arange(1000.0))
    assert cut and "..." in text
    assert len(to_data(np.arange(1000.0))) == 1000
    assert shown(np.arange(5.0)) == ("[0. 1. 2. 3. 4.]", False)


@pytest.mark.parametrize("depth", [1, 3])
def test_json_is_readable(depth: int) -> None:
    data: object = {"matrix": [[1.0, 2.0], [3.0, 4.0]], "n": 1}
    assert to_json(data) == '{\n  "matrix": [[1.0, 2.0], [3.0, 4.0]],\n  "n": 1\n}'
