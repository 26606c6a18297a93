"""Types and promotion, pytrees, settings, source lines, printing, random-access values."""

from __future__ import annotations

import dataclasses
import pickle
import threading
from collections import OrderedDict, defaultdict, namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcli.engine.api import grad, make_jaxpr, vmap
from gradcli.engine.array import Array, type_of
from gradcli.engine.errors import CODES, fail
from gradcli.engine.ir.names import var_name
from gradcli.engine.ir.text import jaxpr_json, jaxpr_text
from gradcli.engine.ir.types import _ABOVE, array_type, promote_types, scalar_type
from gradcli.engine.ops.elementwise import exp, log, mul, tanh
from gradcli.engine.settings import Settings, override, settings
from gradcli.engine.tree import (
    register_dataclass,
    register_pytree_node,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_map,
    tree_structure,
    tree_transpose,
    tree_unflatten,
)

# --- types ------------------------------------------------------------------------------------------------------

DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()
)


def test_types_are_interned_and_printed() -> None:
    assert array_type((3, 4), "int64") is array_type((3, 4), np.int64)
    assert [str(array_type(s, d)) for s, d in [((5,), "float32"), ((), "float64"), ((3, 4), "int64"), ((), bool)]] == [
        "f32[5]", "f64[]", "i64[3,4]", "bool[]",
    ]  # fmt: skip
    t = array_type((2,), "float64", True)
    assert pickle.loads(pickle.dumps(t)) is t


def test_promotion_is_a_lattice() -> None:
    types = [array_type((), d, w) for d in DTYPES for w in (False, True) if not (w and d == "bool")]
    for a in types:
        assert promote_types(a, a) == (a.dtype, a.weak_type)
        for b in types:
            assert promote_types(a, b) == promote_types(b, a)
    assert set(_ABOVE) >= set(DTYPES)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("int32", 1.0, ("float64", True)), ("float32", 1.0, ("float32", False)), ("float32", 1j, ("complex64", False)),
        ("uint8", 1, ("uint8", False)), ("bool", 1, ("int64", True)), ("float16", 1.0, ("float16", False)),
    ],
)  # fmt: skip
def test_python_scalars_are_weak(a: str, b: Any, expected: Any) -> None:
    dtype, weak = promote_types(array_type((), a), scalar_type(b))
    assert (dtype.name, weak) == expected


@pytest.mark.oracle
def test_promotion_is_jax_s() -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        for a in DTYPES:
            for b in DTYPES:
                expected = jax.numpy.promote_types(a, b)
                assert promote_types(array_type((), a), array_type((), b))[0] == expected, (a, b)


def test_float32_precision_caps_every_array() -> None:
    with override(precision="float32"):
        assert type_of(1.0).dtype == np.float32 and type_of(1).dtype == np.int32
        assert type_of(np.ones(2)).dtype == np.float32 and type_of(np.ones(2, complex)).dtype == np.complex64
        assert str(grad(tanh)(0.5)) == "0.7864477"
    assert settings() == Settings()


def test_settings_are_local_to_the_thread() -> None:
    seen = []
    with override(precision="float32"):
        thread = threading.Thread(target=lambda: seen.append(settings().precision))
        thread.start()
        thread.join()
    assert seen == ["float64"]


@pytest.mark.parametrize("bad", ["text", None, object(), np.array(["a"]), [1.0], np.array([object()])])
def test_what_is_no_array_is_named(bad: Any) -> None:
    with pytest.raises(TypeError, match="is not a valid array"):
        type_of(bad)


# --- arrays -----------------------------------------------------------------------------------------------------


def test_arrays_print_convert_and_stay() -> None:
    x = Array(np.arange(3.0))
    assert repr(x) == "Array([0., 1., 2.], dtype=float64)" and str(x) == "[0. 1. 2.]"
    assert np.asarray(x).flags.writeable is False and np.array(x).flags.writeable is True
    scalar = Array(np.float64(2.5))
    assert (float(scalar), f"{scalar:.2f}", bool(scalar), scalar.item(), f"{scalar}") == (2.5, "2.50", True, 2.5, "2.5")
    assert pickle.loads(pickle.dumps(x)).tolist() == [0.0, 1.0, 2.0]
    assert np.ones(3) * x is not NotImplemented and (np.ones(3) * x).tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = x.nothing


# --- trees ------------------------------------------------------------------------------------------------------

Point = namedtuple("Point", "x y")


@register_dataclass
@dataclasses.dataclass
class Layer:
    w: Any
    name: Any = dataclasses.field(metadata={"static": True}, default="layer")


class Box:
    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b


register_pytree_node(Box, lambda box: ((box.a, box.b), None), lambda _, children: Box(*children))

TREES = [
    1.0, (), None, [1, (2, None)], {"b": 1, "a": [2]}, Point(1, {"z": 2}), OrderedDict(b=1, a=2),
    defaultdict(list, q=1), Layer(w=[1, 2]), (1, [2, {"k": (3,)}]),
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_trees_come_apart_and_together(tree: Any) -> None:
    leaves, structure = tree_flatten(tree)
    again = tree_unflatten(structure, leaves)
    assert again == tree and type(again) is type(tree)
    assert tree_structure(again) == structure and hash(tree_structure(again)) == hash(structure)
    paths, _ = tree_flatten_with_path(tree)
    assert [leaf for _, leaf in paths] == leaves and len({p for p, _ in paths}) == len(paths)


def test_custom_nodes_paths_and_transposes() -> None:
    box = tree_map(lambda x: x * 2, Box(1, [2]))
    assert (box.a, box.b) == (2, [4])
    assert [p for p, _ in tree_flatten_with_path({"a": Point(1, Layer([2]))})[0]] == ["['a'].x", "['a'].y.w[0]"]
    outer, inner = tree_structure([0, 0]), tree_structure({"a": 0})
    assert tree_transpose(outer, inner, [{"a": 1}, {"a": 2}]) == {"a": [1, 2]}
    assert float(grad(lambda layer: layer.w[0] * layer.w[1])(Layer([2.0, 3.0])).w[0]) == 3.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tree_map(lambda a, b: a, {"a": 1}, {"b": 1}), "pytrees disagree"),
        (lambda: tree_map(lambda a, b: a, [1], (1,)), "pytrees disagree"),
        (lambda: tree_unflatten(tree_structure([1, 2]), [1]), "too few"),
        (lambda: tree_unflatten(tree_structure([1]), [1, 2]), "too many"),
        (lambda: tree_flatten({1: 1, "a": 2}), "cannot be sorted"),
        (lambda: register_pytree_node(Box, None, None), "already"),  # type: ignore[arg-type]
    ],
)
def test_trees_that_disagree(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


json_like = st.recursive(
    st.integers() | st.floats(allow_nan=False), lambda c: st.lists(c) | st.dictionaries(st.text(), c) | st.tuples(c, c)
)


@given(json_like)
def test_any_tree_survives(tree: Any) -> None:
    leaves, structure = tree_flatten(tree)
    assert tree_unflatten(structure, leaves) == tree
    assert tree_leaves(tree_map(lambda x: 0, tree)) == [0] * len(leaves)


# --- text -------------------------------------------------------------------------------------------------------


def product(x: Any, y: Any) -> Any:
    return x * y


def test_the_tutorial_s_programs_in_both_styles() -> None:
    wrt_x = make_jaxpr(grad(product))(3.0, 4.0)
    assert jaxpr_text(wrt_x, "classic") == ("{ lambda ; a b.\n  let _ = mul a b\n      c = mul 1.0 b\n  in (c,) }")
    wrt_y = make_jaxpr(grad(product, argnums=1))(3.0, 4.0)
    assert "c:f64[] = mul a 1.0:f64[]" in str(wrt_y)
    per_sample = make_jaxpr(vmap(grad(tanh)))(np.ones(5))
    assert [e.primitive.name for e in per_sample.eqns] == ["tanh", "sub", "mul", "mul", "add_any"]
    stable = make_jaxpr(grad(lambda x: log(1.0 + exp(x))))(500.0)
    assert [e.primitive.name for e in stable.eqns] == ["exp", "add", "log", "div", "mul"]


def test_json_names_sources_and_types() -> None:
    data = jaxpr_json(make_jaxpr(lambda x: mul(x, 2.0))(1.0))
    assert data["inputs"] == [{"name": "a", "type": "f64[]"}] and data["outputs"] == ["b"]
    (equation,) = data["equations"]
    assert equation["primitive"] == "mul" and equation["inputs"] == ["a", "2.0"] and equation["types"] == ["f64[]"]
    assert "test_foundations.py:" in equation["source"]


def test_names_never_repeat() -> None:
    assert len({var_name(i) for i in range(2000)}) == 2000


def test_error_codes_are_known() -> None:
    with pytest.raises(AssertionError):
        fail("G000", "no such code")
    assert all(code[0] == "G" and len(code) == 4 for code in CODES)


def test_sources_stand_behind_their_equations() -> None:
    text = jaxpr_text(make_jaxpr(lambda x: mul(x, 2.0))(1.0), source=True)
    (line,) = [line for line in text.splitlines() if "mul" in line]
    assert "test_foundations.py:" in line.split("# ")[1] and " in (" not in line
