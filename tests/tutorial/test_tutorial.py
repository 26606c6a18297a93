"""The tutorial's own Python, cell by cell, under the stand-ins for jax: the same results, in float32 and float64."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.compat.imports import user_builtins
from gradcli.engine.ir.text import jaxpr_text
from gradcli.engine.settings import override

SOURCE = (Path(__file__).parent / "data" / "tutorial.py").read_text(encoding="utf-8")
BATCH = [0.48228705, 0.45585024, 0.99329686, 0.0953269, 0.8153717]


def cells() -> dict[int, str]:
    parts = re.split(r"^# In \[(\d+)\]\n", SOURCE, flags=re.MULTILINE)
    return {int(n): code for n, code in zip(parts[1::2], parts[2::2], strict=True)}


class Notebook:
    """Runs cells in one namespace; keeps what each printed and the value of its last line."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__builtins__": user_builtins(), "__name__": "notebook"}
        self.printed: dict[int, str] = {}
        self.value: dict[int, Any] = {}

    def run(self, number: int, code: str) -> None:
        tree = ast.parse(code, f"cell {number}")
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(tree, f"cell {number}", "exec"), self.names)
            if last is not None:
                assert isinstance(last, ast.Expr)
                self.value[number] = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), self.names)
        self.printed[number] = out.getvalue()


def run_all(precision: str) -> Notebook:
    notebook = Notebook()
    with override(precision=precision, prng_partitionable=False):
        for number, code in cells().items():
            notebook.run(number, code)
    return notebook


@pytest.fixture(scope="module")
def notebook() -> Iterator[Notebook]:
    yield run_all("float32")


@pytest.fixture(scope="module")
def double() -> Iterator[Notebook]:
    yield run_all("float64")


def number_after(text: str, label: str) -> float:
    return float(text.split(label, 1)[1].split()[0])


def primitives(program: Any) -> list[str]:
    return [e.primitive.name for e in program.eqns]


def test_all_cells_ran(notebook: Notebook) -> None:
    assert sorted(notebook.printed) == list(range(1, 20))


def test_gradients_of_a_product(notebook: Notebook) -> None:
    assert notebook.printed[2] == (
        "Input Variable x: 3.0\nInput Variable y: 4.0\nProduct z: 12.0\n\n"
        "Gradient of z wrt x: 4.0\nGradient of z wrt y: 3.0\n"
    )
    assert notebook.printed[3] == "Product z: 12.0\nGradient of z wrt x: 4.0\n"


def test_programs_of_the_gradients_equation_for_equation(notebook: Notebook) -> None:
    with override(precision="float32"):
        jaxpr, grad, product = (notebook.names[n] for n in ("make_jaxpr", "grad", "product"))
        wrt_x = jaxpr_text(jaxpr(grad(product, argnums=0))(3.0, 4.0), "classic")
        wrt_y = jaxpr_text(jaxpr(grad(product, argnums=1))(3.0, 4.0), "classic")
    assert wrt_x == "{ lambda ; a b.\n  let _ = mul a b\n      c = mul 1.0 b\n  in (c,) }"
    assert wrt_y == "{ lambda ; a b.\n  let _ = mul a b\n      c = mul a 1.0\n  in (c,) }"
    assert "_:f32[] = mul a b\n    c:f32[] = mul 1.0:f32[] b\n" in notebook.printed[4]


def test_stop_gradient(notebook: Notebook) -> None:
    assert float(notebook.value[6]) == 0.0 and notebook.value[6].dtype == np.float32


def test_one_sample_and_the_error_for_a_batch(notebook: Notebook) -> None:
    lines = notebook.printed[7].splitlines()
    assert lines[0] == "Gradient for a single input x=0.5:  0.7864477"
    assert lines[3:5] == ["Input shape:  (5,)", "Output shape:  (5,)"]
    assert lines[5] == ("TypeError Gradient only defined for scalar-output functions. Output had shape: (5,).")


def test_per_sample_gradients_and_their_program(notebook: Notebook) -> None:
    np.testing.assert_allclose(np.asarray(notebook.names["grads_batch"]), BATCH, rtol=3e-6)
    printed = notebook.printed[8].removeprefix("Gradients for the batch:  ")
    np.testing.assert_allclose(np.fromstring(printed.strip("[] \n"), sep=" "), BATCH, rtol=3e-6)
    assert primitives(notebook.value[9]) == ["tanh", "sub", "mul", "mul", "add_any"]
    assert jaxpr_text(notebook.value[9], "classic") == (
        "{ lambda ; a.\n  let b = tanh a\n      c = sub 1.0 b\n      d = mul 1.0 c\n      e = mul d b\n"
        "      f = add_any d e\n  in (f,) }"
    )


def test_jit_gives_the_same_numbers(notebook: Notebook) -> None:
    runs = re.findall(r"\[(.*)\]", notebook.printed[10])
    assert len(runs) == 3 and notebook.printed[10].count("Time taken: ") == 3
    for run in runs:
        np.testing.assert_allclose(np.fromstring(run, sep=" "), BATCH, rtol=3e-6)


def test_finite_differences_agree(notebook: Notebook) -> None:
    assert notebook.printed[11] == "Gradient match with gradient calculated using finite differences\n"
    check_grads, jitted, x = (notebook.names[n] for n in ("check_grads", "jitted_grads_batch", "x"))
    with override(precision="float32"):
        check_grads(notebook.names["activate"], (0.5,), order=3)
    assert jitted is not None and x == 0.5


def test_higher_orders(notebook: Notebook) -> None:
    text = notebook.printed[12]
    for label, expected in [("First", 0.7864477), ("Second", -0.726862), ("Third", -0.5652091)]:
        assert number_after(text, f"{label} order derivative: ") == pytest.approx(expected, rel=1e-6)


def test_numerical_stability(notebook: Notebook) -> None:
    assert notebook.printed[14].strip().endswith("0.9933072")
    assert notebook.printed[15].strip().endswith("nan")
    assert primitives(notebook.value[16]) == ["exp", "add", "log", "div", "mul"]
    assert notebook.printed[18].strip().endswith("1.0")
    assert primitives(notebook.value[19]) == ["custom_jvp_call", "exp", "add", "div", "sub", "mul"]


def test_in_float64(double: Notebook) -> None:
    assert number_after(double.printed[7], "x=0.5: ") == pytest.approx(1 - np.tanh(0.5) ** 2, rel=1e-15)
    assert number_after(double.printed[14], "of x: ") == pytest.approx(1 / (1 + np.exp(-5.0)), rel=1e-15)
    assert number_after(double.printed[15], "of x: ") == pytest.approx(1.0, rel=1e-15)  # exp(500) is finite here
    assert number_after(double.printed[18], "of x: ") == 1.0
    assert primitives(double.value[9]) == ["tanh", "sub", "mul", "mul", "add_any"]
