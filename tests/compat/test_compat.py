"""Plain NumPy and math on traced values, and the stand-ins for jax and autograd."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gradcli.compat import autograd as ag
from gradcli.compat import jax as jx
from gradcli.compat.plain import math_module, numpy_module
from gradcli.compat.protocols import CONSTANT_ONLY, DIFFERENTIABLE, UNSUPPORTED, gnp, public_ufuncs
from gradcli.engine.api import check_grads, grad, vmap
from gradcli.engine.array import Array, raw
from gradcli.engine.errors import GradcliError, diagnostic_of
from gradcli.engine.settings import override, settings

onp = numpy_module()
omath = math_module()
V = np.array([0.3, -0.7, 1.2])


def test_every_public_ufunc_has_exactly_one_verdict() -> None:
    sets = [DIFFERENTIABLE, CONSTANT_ONLY, UNSUPPORTED]
    for name in public_ufuncs():
        assert sum(name in s for s in sets) == 1, name
    assert all(hasattr(gnp, name) for name in DIFFERENTIABLE | CONSTANT_ONLY if name in public_ufuncs())


FUNCTIONS: list[Any] = [
    lambda x: np.sum(np.sin(x) * np.exp(-(x**2))),
    lambda x: np.dot(x, x) + np.linalg.norm(x),
    lambda x: np.mean(np.tanh(2.0 * V + x)),
    lambda x: np.max(np.abs(x)) + np.min(x),
    lambda x: np.sum(np.where(x > 0, x, 0.1 * x)),
    lambda x: np.add.reduce(x * x) + np.multiply.reduce(x),
    lambda x: np.sum(np.add.accumulate(x) * V),
    lambda x: np.sum(np.multiply.outer(x, x) @ V),
    lambda x: np.sum(np.concatenate([x, V * x[0]]) ** 2),
    lambda x: np.sum(np.stack([x, 2 * x], axis=1).T.reshape(-1)[::2] * V),
    lambda x: np.sum(V @ np.outer(x, V)),
    lambda x: np.sum(np.maximum(x, 0) + np.clip(x, -0.5, 0.5)),
    lambda x: np.var(x) + np.std(x),
    lambda x: (np.cumsum(x)[-1] + np.prod(x)) / np.shape(x)[0],
    lambda x: np.sum(np.einsum("i,j->ij", x, V) ** 2),
    lambda x: np.sum(onp.array([x[0], x[1] * x[2], 2.0]) ** 2),
    lambda x: onp.array([[x[0], 1.0], [x[1], x[2]]]).sum() * onp.asarray(x)[0],
    lambda x: sum(v * v for v in x) + max(x) * min(x),
    lambda x: omath.sin(x[0]) * omath.exp(x[1]) + omath.log(x[2], 2) + omath.hypot(x[0], 2.0) + omath.erf(x[1]),
    lambda x: omath.fsum([x[0], x[1], 1.0]) + omath.prod([x[0], 2.0]) + omath.dist([x[0], x[1]], [0.0, 1.0]),
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS, ids=range(len(FUNCTIONS)))
def test_numpy_code_has_the_right_value_and_gradient(f: Any) -> None:
    np.testing.assert_allclose(float(f(Array(V))), float(f(V)), rtol=1e-14)
    check_grads(f, (V,), 2)
    batch = np.stack([V, V * 0.5])
    if "max(x)" not in str(f):
        np.testing.assert_allclose(
            raw(vmap(grad(lambda x: np.sum(np.sin(x) * x)))(batch)), np.cos(batch) * batch + np.sin(batch)
        )


def test_plain_numbers_stay_plain() -> None:
    assert type(omath.sin(0.5)) is float and omath.sin(0.5) == math.sin(0.5)
    assert omath.pi == math.pi and omath.factorial(5) == 120 and omath.gcd(4, 6) == 2
    assert type(onp.array([1.0, 2.0])) is np.ndarray and onp.float64 is np.float64
    assert onp.linalg.norm(V) == np.linalg.norm(V) and type(onp.sin(V)) is np.ndarray


@pytest.mark.parametrize(
    ("f", "code"),
    [
        (lambda x: np.add(x, 1.0, out=np.zeros(3)), "G214"),
        (lambda x: np.add.at(np.zeros(3), 0, x), "G214"),
        (lambda x: np.spacing(x), "G212"),
        (lambda x: np.busday_count(x, x), "G212"),
        (lambda x: omath.nextafter(x[0], 1.0), "G212"),
        (lambda x: np.asarray(x), "G201"),
    ],
)
def test_what_cannot_be_done_is_named(f: Any, code: str) -> None:
    with pytest.raises(Exception) as info:  # noqa: PT011 - the diagnostic's code is what counts
        grad(lambda x: np.sum(f(x)))(V)
    diagnostic = diagnostic_of(info.value)
    assert diagnostic is not None and diagnostic.code == code
    assert diagnostic.location is not None and "test_compat.py" in diagnostic.location.file and diagnostic.hint


def test_the_jax_stand_in_has_what_files_import() -> None:
    modules = jx.modules()
    jax = modules["jax"]
    for name in ("grad", "jit", "vmap", "pmap", "make_jaxpr", "random", "lax", "nn", "numpy", "custom_jvp", "config"):
        assert hasattr(jax, name), name
    assert modules["jax.test_util"].check_grads and modules["jax.tree_util"].tree_map and jax.tree.map
    assert jax.block_until_ready(3) == 3


def test_jax_config_sets_the_precision() -> None:
    with override(precision="float32"):
        jx.config.update("jax_enable_x64", True)
        assert settings().precision == "float64" and jx.config.jax_enable_x64
        jx.config.update("jax_platform_name", "cpu")
        with pytest.raises(AttributeError, match="did you mean jax_enable_x64"):
            jx.config.update("jax_enable_x46", True)
    with jx.modules()["jax"].enable_x64(False):
        assert settings().precision == "float32"


def test_autograd_s_operators() -> None:
    f = lambda x, y: np.sum(np.sin(x) * y)  # noqa: E731
    np.testing.assert_allclose(raw(ag.grad(f)(V, 2)), 2 * np.cos(V))
    np.testing.assert_allclose(raw(ag.grad(f, 1)(V, 2)), np.sin(V).sum())
    np.testing.assert_allclose(raw(ag.elementwise_grad(np.sin)(V)), np.cos(V))
    np.testing.assert_allclose(raw(ag.jacobian(lambda x: x**2)(V)), np.diag(2 * V))
    np.testing.assert_allclose(raw(ag.hessian(lambda x: np.sum(x**3))(V)), np.diag(6 * V))
    pull, value = ag.make_vjp(lambda x: x**2)(V)
    np.testing.assert_allclose(raw(pull(np.ones(3))), 2 * V)
    np.testing.assert_allclose(raw(ag.make_jvp(lambda x: x**2)(V)(np.ones(3))[1]), 2 * V)
    np.testing.assert_allclose(raw(ag.hessian_vector_product(lambda x: np.sum(x**3))(V, np.ones(3))), 6 * V)
    assert float(ag.value_and_grad(lambda x: x * x)(3)[1]) == 6.0
    ag.modules()["autograd.test_util"].check_grads(np.tanh, modes=["fwd", "rev"], order=2)(V)


def test_errors_are_gradcli_s_or_python_s() -> None:
    with pytest.raises((GradcliError, TypeError, NotImplementedError)):
        grad(lambda x: np.busday_count(x, x))(1.0)
