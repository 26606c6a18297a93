"""Gradients with respect to objects of a user's class that has a box and a vector space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.compat_names.running import standin

PRELUDE = """
import autograd.numpy as np
from autograd import deriv, grad, value_and_grad
from autograd.extend import Box, VSpace, defvjp, primitive, vspace
from autograd.tracer import isbox, getval

class Line:
    def __init__(self, slope, height):
        self.slope, self.height = slope, height
    @primitive
    def __call__(self, x):
        return self.slope * x + self.height
    @primitive
    def turned(self):
        return Line(-self.slope, self.height)

defvjp(
    Line.__call__, lambda ans, f, x: lambda g: Line(np.sum(g * x), np.sum(g)),
    lambda ans, f, x: lambda g: g * f.slope)

class LineBox(Box, Line):
    pass

class Lines(VSpace):
    def __init__(self, value):
        self.kind = type(value)
    def zeros(self):
        return Line(0.0, 0.0)
    def _add(self, f, g):
        return Line(f.slope + g.slope, f.height + g.height)
    def _scalar_mul(self, f, a):
        return Line(a * f.slope, a * f.height)

LineBox.register(Line)
Lines.register(Line)
line = Line(2.0, -1.0)
"""


def run(source: str) -> dict[str, Any]:
    return standin(PRELUDE + source, "float64")


def test_gradient_by_an_object_and_by_numbers_beside_it() -> None:
    out = run("""
xs = np.array([0.0, 1.0, 2.0])
loss = lambda f, x: np.sum(f(x) ** 2) + f(3.0)
value, (by_line, by_x) = value_and_grad(loss, (0, 1))(line, xs)
alone = grad(loss)(line, xs)
""")
    y = 2 * out["xs"] - 1
    assert out["value"] == (y**2).sum() + 5
    found = [(g.slope, g.height) for g in (out["by_line"], out["alone"])]
    assert found == [((2 * y * out["xs"]).sum() + 3, (2 * y).sum() + 1)] * 2
    np.testing.assert_array_equal(out["by_x"], 4 * y)


def test_an_object_that_is_not_used_has_a_gradient_of_zero() -> None:
    with pytest.warns(UserWarning, match="independent"):
        zero = run("zero = grad(lambda f: 3.0)(line)")["zero"]
    assert (zero.slope, zero.height) == (0.0, 0.0)


def test_boxes_are_boxes_and_spaces_are_spaces() -> None:
    out = run("""
seen = []
grad(lambda f: seen.append((isbox(f), isinstance(f, LineBox), isinstance(f, Box), getval(f) is line)) or f(1.0))(line)
space = vspace(line)
double = space.scalar_mul(space.add(line, line), 0.5)
ordinary = isinstance(1.0, LineBox)
""")
    assert set(out["seen"]) == {(True, True, True, True)} and not out["ordinary"]
    assert out["space"] == out["space"] and (out["double"].slope, out["double"].height) == (2.0, -1.0)


@pytest.mark.parametrize(
    ("expression", "message"),
    [("grad(lambda f: f.turned()(1.0))(line)", "makes a Line"), ("deriv(lambda f: f(1.0))(line)", "forward mode")],
)
def test_what_objects_cannot_do_is_said(expression: str, message: str) -> None:
    with pytest.raises(NotImplementedError, match=message):
        run(expression)


def test_objects_without_a_box_are_refused_by_the_name_of_their_class() -> None:
    with pytest.raises(TypeError, match="Plain"):
        run("class Plain: pass\ngrad(lambda p: 1.0)(Plain())")
