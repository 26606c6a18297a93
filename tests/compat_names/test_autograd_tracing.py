"""autograd's nodes and graphs, and primitives of one's own: what is run, how often, and what is kept of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.engine import api
from tests.compat_names.running import standin

PRELUDE = """
import numpy as onp
import autograd.numpy as np
from autograd import grad, jacobian
from autograd.extend import VJPNode, defvjp, primitive, register_notrace
from autograd.core import primitive_vjps
from autograd.misc import const_graph
from autograd.misc.tracers import full_graph
from autograd.tracer import Node, toposort, trace

class Named(Node):
    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        self.value, self.name, self.args, self.parents = value, fun.__name__, args, parents
    def initialize_root(self, value=None):
        self.value, self.name, self.args, self.parents = value, "argument", (), []

def names(f, x):
    value, end = trace(Named.new_root(), f, x)
    return [n.name for n in toposort(end)][::-1], value, end
"""


def run(source: str) -> dict[str, Any]:
    return standin(PRELUDE + source, "float64")


def test_nodes_are_what_is_computed_from_the_argument() -> None:
    out = run("order, value, end = names(lambda x: np.exp(np.sin(x) * 2.0) + onp.cos(3.0), 0.5)")
    assert out["order"] == ["argument", "sin", "mul", "exp", "add"]
    assert out["value"] == out["end"].value == np.exp(np.sin(0.5) * 2) + np.cos(3.0)
    assert out["end"].args == (np.exp(np.sin(0.5) * 2), np.cos(3.0))


def test_traces_go_through_gradients_and_containers() -> None:
    out = run("""
order, slope, _ = names(grad(np.sin), 0.5)
_, parts, end = names(lambda d: (d["a"] * d["b"], d["b"]), {"a": 2.0, "b": 5.0})
recipe = full_graph(lambda x, y: x * y, 2.0, 3.0).recipe
""")
    assert "cos" in out["order"] and out["slope"] == np.cos(0.5)
    assert out["parts"] == out["end"].value == (10.0, 5.0)
    operation, args, _, parents = out["recipe"]
    assert operation(*args) == 6.0 and [i for i, _ in parents] == [0, 1]


def test_independent_results_have_no_node() -> None:
    with pytest.warns(UserWarning, match="independent"):
        assert run("out = trace(Named.new_root(), lambda x: 3.0, 1.0)")["out"] == (3.0, None)


def test_classes_of_nodes_have_to_say_what_they_keep() -> None:
    with pytest.raises(NotImplementedError, match="initialize_root"):
        run("Node.new_root()")


def test_graphs_are_traced_once_and_what_is_constant_in_them_is_not_run_again() -> None:
    out = run("""
seen = []
shown = primitive(lambda x, name: (seen.append(name), 2.0 * x)[1])
graph = const_graph(lambda a, x, b: (seen.append("f"), shown(a, "a") + shown(x, "x") * b)[1], 1.0, b=3.0)
values = [graph(2.0), graph(2.0), graph(5.0)]
""")
    assert out["values"] == [14.0, 14.0, 32.0]
    assert out["seen"] == ["f", "a", "x", "x", "x"]


def test_a_primitive_runs_once_for_a_value_and_a_gradient() -> None:
    out = run("""
calls = []
square = primitive(lambda x: (calls.append(float(onp.sum(x))), x**2)[1])
defvjp(square, lambda ans, x: lambda g: 2.0 * x * g)
slope = grad(lambda x: square(x) + square(2 * x))(3.0)
""")
    assert out["slope"] == 30.0 and out["calls"] == [3.0, 6.0]


def test_rules_are_in_a_table_by_primitive() -> None:
    out = run("""
twice = primitive(lambda x: 2 * x)
defvjp(twice, lambda ans, x: lambda g: 2 * g)
rule = primitive_vjps.pop(twice)
try:
    grad(twice)(1.0)
except NotImplementedError as error:
    text = str(error)
primitive_vjps[twice] = rule
slope = grad(twice)(1.0)
register_notrace(VJPNode, twice)
fixed = grad(lambda x: x * twice(x))(3.0)
""")
    assert out["text"].startswith("VJP of") and out["slope"] == 2.0 and out["fixed"] == 6.0


def test_primitives_have_their_rules_in_the_operators_of_gradcli_too() -> None:
    out = run("""
cube = primitive(lambda x: x**3)
defvjp(cube, lambda ans, x: lambda g: 3.0 * x**2 * g)
f = lambda x: cube(np.sin(x))
""")
    x = np.float64(0.7)
    assert api.grad(out["f"])(x) == pytest.approx(3 * np.sin(x) ** 2 * np.cos(x), rel=1e-14)
    assert api.jvp(out["f"], (x,), (np.float64(1.0),))[1] == pytest.approx(3 * np.sin(x) ** 2 * np.cos(x), rel=1e-14)
    assert api.grad(api.grad(out["f"]))(x) == pytest.approx(float(bend(x)), rel=1e-12)


def test_rules_for_operands_of_several_shapes_are_written_with_the_helpers_of_numpy_vjps() -> None:
    out = run("""
from autograd.numpy.numpy_vjps import match_complex, repeat_to_match_shape, replace_zero, unbroadcast_f
from autograd.test_util import check_grads
times = primitive(lambda x, y: x * y)
defvjp(times, lambda ans, x, y: unbroadcast_f(x, lambda g: g * y), lambda ans, x, y: unbroadcast_f(y, lambda g: g * x))
total = primitive(lambda x, axis, keepdims: onp.sum(x, axis=axis, keepdims=keepdims))
defvjp(total, lambda ans, x, axis, keepdims: lambda g: repeat_to_match_shape(g, x.shape, x.dtype, axis, keepdims)[0])
rng = onp.random.RandomState(2)
for a, b in ((2.0, rng.randn(3)), (rng.randn(2, 1), rng.randn(3)), (rng.randn(3), 1j * rng.randn(2, 3))):
    check_grads(times, argnum=(0, 1), modes=["rev"])(a, b)
for axis, keepdims in ((None, False), (0, True), ((0, 2), False), (-1, False)):
    check_grads(total, modes=["rev"])(rng.randn(2, 3, 4), axis, keepdims)
kinds = [onp.iscomplexobj(match_complex(t, x)) for t in (1.0, 1j) for x in (2.0, 2j)]
filled = replace_zero(onp.array([0.0, 2.0]), 5.0)
""")
    assert out["kinds"] == [False, False, True, True] and out["filled"].tolist() == [5.0, 2.0]


def bend(x: float) -> float:
    """The second derivative of sin(x)**3."""
    return 6 * np.sin(x) * np.cos(x) ** 2 - 3 * np.sin(x) ** 3


@pytest.mark.parametrize("result", ["np.allclose(x, 2.0)", "np.sum(x > 1)", "True"])
def test_gradients_are_of_floats(result: str) -> None:
    with pytest.raises(TypeError, match="not a float"):
        run(f"import warnings; warnings.simplefilter('ignore')\ngrad(lambda x: {result})(2.0)")
