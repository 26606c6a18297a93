"""autograd.scipy: what gradcli.scipy does not have is checked against differences, and against SciPy where it is."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tests.compat_names.running import standin

PRELUDE = """
import numpy as onp
import autograd.numpy as np
from autograd import elementwise_grad, grad, jacobian
from autograd.test_util import check_grads
from autograd.scipy import integrate, linalg, special, stats
rng = onp.random.RandomState(1)
A = rng.randn(3, 3); A = A @ A.T + onp.eye(3)
T = onp.array([-9.0, -1.5, -0.1, 0.0, 0.1, 2.0, 7.0])
flat = onp.diag([1.0, 2.0, 0.0])
band = rng.rand(4, 5) + onp.array([0.0, 0.0, 5.0, 0.0])[:, None]
"""


def run(source: str) -> Any:
    np.random.seed(5)
    return standin(PRELUDE + source, "float64")


CHECKED = [
    "check_grads(stats.t.cdf, modes=['rev', 'fwd'], argnum=(0, 1, 2))(T[:3], 2.5, 0.3, 1.2)",
    "check_grads(stats.t.logcdf)(T, 3.0)",
    "check_grads(lambda m, c: stats.multivariate_normal.entropy(m, c + c.T), argnum=1)(onp.ones(3), A)",
    "check_grads(lambda x, m: stats.multivariate_normal.logpdf(x, m * [1, 1, 0], flat, allow_singular=True), "
    "argnum=(0, 1))(onp.ones((2, 3)), onp.ones(3))",
    "check_grads(linalg.solve_banded, argnum=(1, 2), modes=['rev'])((1, 2), band, rng.randn(5))",
    "check_grads(linalg.solve_banded, argnum=(1, 2), modes=['rev'])((1, 2), band, rng.randn(5, 2))",
    "check_grads(special.erfcinv)(onp.array([0.2, 1.0, 1.7]))",
    "check_grads(special.rgamma)(onp.array([-1.4, 0.2, 3.0]))",
    "check_grads(lambda y, a: integrate.odeint(lambda y, t, a: a * y - y**2, y, onp.array([0.0, 0.5, 1.0]), (a,)), "
    "argnum=(0, 1), modes=['rev'])(onp.array([0.5, 1.5]), 0.7)",
]  # fmt: skip


@pytest.mark.parametrize("statement", CHECKED)
def test_derivatives_agree_with_differences(statement: str) -> None:
    run(statement)


BY_SCIPY = [
    *(f"special.{name}(x)" for name in "j0 j1 y0 y1".split()),
    *(f"special.{name}(2, x)" for name in "jn yn jv iv ive".split()),
    "special.erf(x + 0.3j)", "special.erfc(x * 1j)",
]  # fmt: skip


@pytest.mark.oracle
@pytest.mark.parametrize("expression", BY_SCIPY)
def test_functions_whose_values_are_those_of_scipy(expression: str) -> None:
    pytest.importorskip("scipy")
    out = run(f"f = lambda x: {expression}\nx = onp.array([0.3, 1.1, 4.0])\nvalue = f(x)\ncheck_grads(f)(x)")
    expected = eval(expression, {"special": import_module("scipy.special"), "x": out["x"]})
    np.testing.assert_allclose(out["value"], expected, rtol=1e-14)


def test_cdf_of_t_is_precise_in_both_tails_and_smooth_in_the_middle() -> None:
    out = run("""
value = stats.t.cdf(T, 2.0)
slope = elementwise_grad(stats.t.cdf)(T, 2.0)
bend = elementwise_grad(elementwise_grad(stats.t.cdf))(T, 2.0)
log = stats.t.logcdf(onp.array([-1e6, 1e6]), 2.0)
""")
    z = out["T"]
    np.testing.assert_allclose(out["value"], 0.5 + z / (2 * np.sqrt(2 + z**2)), rtol=1e-12)  # closed form for df = 2
    np.testing.assert_allclose(out["slope"], (2 + z**2) ** -1.5, rtol=1e-12)
    np.testing.assert_allclose(out["bend"], -3 * z * (2 + z**2) ** -2.5, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(out["log"], [np.log(0.5e-12), -0.5e-12], rtol=1e-9)


def test_singular_covariances_have_no_derivative() -> None:
    with pytest.raises(NotImplementedError, match="singular"):
        run("grad(lambda c: stats.multivariate_normal.logpdf(onp.ones(3), onp.ones(3), c, True))(flat)")


def test_samples_of_dirichlet_lie_in_the_simplex() -> None:
    samples = run("out = stats.dirichlet.rvs(onp.array([1.0, 2.0, 3.0]), size=500, random_state=0)")["out"]
    np.testing.assert_allclose(samples.sum(1), 1.0)
    np.testing.assert_allclose(samples.mean(0), [1 / 6, 1 / 3, 1 / 2], atol=0.05)
