"""SciPy's routines in plain files: values and gradients as SciPy itself has them; without SciPy, by closed forms."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.cli.main import main
from gradcli.compat.scipynames import quadrature
from gradcli.compat.scipynames.steering import refuse
from tests.compat.test_plain import as_python_runs_it, write

TEXT = (Path(__file__).parent / "scipy_bodies.txt").read_text(encoding="utf-8")
BODIES = dict(section.strip().split("\n", 1) for section in ("\n" + TEXT).split("\n# ")[1:])


def gradient(path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    status = main(["grad", str(path), "--json"])
    out, err = capsys.readouterr()
    assert status == 0, err
    return json.loads(out)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(BODIES))
def test_values_and_gradients_are_those_of_scipy(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("scipy")
    path = write(BODIES[name], tmp_path)
    found, f = gradient(path, capsys), as_python_runs_it(path)
    x, s = np.array([0.3, -0.7, 1.2, 0.45]), 1.3
    np.testing.assert_allclose(found["value"], f(x, s), rtol=2e-7)
    h = 1e-4
    by_s = (8 * (f(x, s + h) - f(x, s - h)) - (f(x, s + 2 * h) - f(x, s - 2 * h))) / (12 * h)
    np.testing.assert_allclose(found["gradients"]["s"], by_s, rtol=2e-4, atol=2e-4)
    by_x = [(f(x + h * e, s) - f(x - h * e, s)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(found["gradients"]["x"], by_x, rtol=5e-4, atol=5e-4)


# A body, its value, and its derivative by s = 1.3: none of them needs SciPy.
S = 1.3
CLOSED = {
    "return integrate.quad(lambda t: np.exp(-s * t), 0, np.inf)[0]": (1 / S, -1 / S**2),
    "return integrate.quad(lambda t: t**2, 0, s)[0]": (S**3 / 3, S**2),
    "return integrate.solve_ivp(lambda t, y: -s * y, (0, 1), [1.0], rtol=1e-10, atol=1e-12).y[0, -1]": (
        math.exp(-S), -math.exp(-S)),
    "return integrate.odeint(lambda y, t: s * y, 1.0, [0.0, 0.5, 1.0])[-1, 0]": (math.exp(S), math.exp(S)),
    "return interpolate.CubicSpline([0, 1, 2, 3], np.array([0, 1, 8, 27]) * s)(1.5)": (3.375 * S, 3.375),
    "return interpolate.interp1d([0, 1, 3], [0, s, 3 * s])(2.0)": (2 * S, 2.0),
    "return spatial.distance.cdist([[0.0, 0.0]], [[3 * s, 4 * s]])[0, 0]": (5 * S, 5.0),
    "return signal.lfilter([1.0], [1.0, -s], np.array([1.0, 0, 0, 0]))[3]": (S**3, 3 * S**2),
    "return np.sum(ndimage.gaussian_filter(np.ones(9) * s, 1.0))": (9 * S, 9.0),
    "return integrate.simpson(np.linspace(0, 1, 5) ** 2 * s, x=np.linspace(0, 1, 5))": (S / 3, 1 / 3),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("body", list(CLOSED))
def test_closed_forms(body: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = "from scipy import integrate, interpolate, ndimage, signal, spatial\nimport scipy.spatial.distance\n"
    found = gradient(write(head + body, tmp_path), capsys)
    np.testing.assert_allclose([found["value"], found["gradients"]["s"]], CLOSED[body], rtol=1e-7)


def test_each_sample_of_a_batch_has_its_own_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    solved = "integrate.solve_ivp(lambda t, y: -s * y, (0, 1), [1.0], rtol=1e-10, atol=1e-12)"
    body = f"from scipy import integrate\nreturn {solved}.y[0, -1]"
    assert main(["batch", str(write(body, tmp_path)), "--at", "s=[0.5,2.0]", "--over", "s", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(found["values"], [math.exp(-0.5), math.exp(-2.0)], rtol=1e-7)
    np.testing.assert_allclose(found["gradients"]["s"], [-math.exp(-0.5), -math.exp(-2.0)], rtol=1e-6)


def test_what_scipy_must_find_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "from scipy import optimize\nreturn optimize.brentq(lambda t: t**2 - s, 0, 3)"
    status = main(["grad", str(write(body, tmp_path)), "--json"])
    out, err = capsys.readouterr()
    if status == 0:
        np.testing.assert_allclose(json.loads(out)["gradients"]["s"], 0.5 / math.sqrt(S), rtol=1e-9)
    else:
        assert "SciPy, which is not installed" in err and "pip install scipy" in err and "brentq(lambda" in err


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return integrate.quad(np.sin, 0, s, weight='cos', wvar=1.0)[0]", "weight"),
        ("return integrate.solve_ivp(lambda t, y: -s * y, (0, 1), [1.0], dense_output=True).sol(0.5)[0]", "t_eval"),
        ("return integrate.solve_ivp(lambda t, y: s * y, (0, 1), [1.0], method='Euler').y[0, -1]", "RK45"),
        ("return interpolate.interp1d([0.0, 1.0], [0.0, s])(2.0)", "beyond the range"),
        ("return interpolate.CubicSpline([0.0, 0.0, 1.0], [0.0, s, 1.0])(2.0)", "must increase"),
        ("return integrate.solve_ivp(lambda t, y: y**2 * s, (0, 9), [1.0]).y[0, -1]", "steps"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_refusals_name_the_line(body: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("from scipy import integrate, interpolate\n" + body, tmp_path)
    assert main(["grad", str(path)]) == 4
    err = capsys.readouterr().err
    assert said in err and "plain.py:10" in err


def test_the_rules_are_exact_for_polynomials() -> None:
    for weights, degree in ((quadrature.KRONROD, 31), (quadrature.GAUSS, 19)):
        for k in range(degree + 1):
            np.testing.assert_allclose(weights @ quadrature.NODES**k, 2 / (k + 1) if k % 2 == 0 else 0, atol=1e-15)
    assert abs(quadrature.GAUSS @ quadrature.NODES**20 - 2 / 21) > 1e-9
    assert isinstance(refuse("a", "b"), NotImplementedError)
