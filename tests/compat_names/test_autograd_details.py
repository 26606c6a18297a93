"""Details in which files for autograd differ from other files: each row is an expression and its value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.compat_names.running import assert_same, standin

PRELUDE = """
import numpy as onp
import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import *
from autograd import deriv, grad_and_aux, elementwise_grad, grad, hessian, jacobian, make_vjp
from autograd.extend import primitive, defvjp, defjvp
from autograd.test_util import check_grads
rng = onp.random.RandomState(0)
"""
LOPSIDED = "onp.array([[2.0, 0.3, 0.1], [0.7, 1.0, -0.4], [0.2, -0.5, 0.4]])"

VALUES: list[tuple[str, Any]] = [
    # conventions where a function has no derivative, or no unique one
    ("deriv(np.abs)(0.0)", 0.0),
    ("grad(np.abs)(0.0)", 0.0),
    ("grad(lambda x: np.abs(x) * x)(-2.0)", 4.0),
    ("grad(np.std)(3.0)", 0.0),
    ("deriv(lambda x: np.std(x, axis=0).sum())(onp.ones((1, 3)))", 0.0),
    ("grad(lambda x: np.std([x, x**2]))(3.0)", 2.5),
    ("grad(grad(lambda x: np.hypot(x, 2.0)))(2.0)", 4 / 8**1.5),
    # names that only autograd.numpy has, or that NumPy has dropped
    ("np.make_diagonal(onp.array([1.0, 2.0]), axis1=-1, axis2=-2)", np.diag([1.0, 2.0])),
    ("elementwise_grad(lambda d: np.make_diagonal(d, axis1=-1, axis2=-2)**2)(onp.arange(3.0))", 2.0 * np.arange(3.0)),
    ("jacobian(lambda x: np.row_stack([x, 2 * x]))(onp.ones(1))", np.array([[[1.0]], [[2.0]]])),
    ("np.linalg.T(onp.ones((2, 3))).shape", (3, 2)),
    ("np.__version__", np.__version__),
    # integers out of what is differentiated
    ("grad(lambda x: (x * np.int64(x)).sum())(onp.array([1.5, 2.5]))", np.array([1.0, 2.0])),
    ("isinstance(onp.int64(3), np.int64) and not isinstance(3.0, np.int64)", True),
    ("np.int32(3.7)", np.int32(3)),
    ("grad(lambda x: x**2 * onp.array([3.0, 5.0])[np.floor(x).astype(int)])(1.5)", 15.0),
    ("grad(lambda x: np.sum(x[1:] * onp.arange(3.0)[x > 1]))(onp.array([0.0, 2.0, 3.0]))", np.array([0.0, 1.0, 2.0])),
    # what has no derivative is not traced, where its value is known
    ("type(grad_and_aux(lambda x: (np.sum(x), np.floor(x)))(onp.array([1.5]))[1]).__name__", "ndarray"),
    ("(lambda seen: (grad(lambda x: seen.append(np.floor(x)) or x)(1.5), type(seen[0]).__name__))([])[1]", "float64"),
    ("jacobian(lambda x: x * np.sign(x) + np.round(x))(onp.array([-1.0, 2.0]))", np.diag([-1.0, 1.0])),
    ("hessian(lambda x: np.sum(x**3 * np.isfinite(x)))(onp.ones(2))", 6 * np.eye(2)),
    ("jacobian(lambda x: np.stack([x[np.argmax(x)], x[np.argsort(x)[0]]]))(onp.array([2.0, 1.0]))", np.eye(2)),
    # the type of what where chooses
    ("type(np.where(True, 1, 2.0)).__name__", "float"),
    ("np.where(False, [1, 2], [3, 4])", [3, 4]),
    ("grad(lambda x: np.where(condition=x > 0, x=x, y=2 * x))(-1.0)", 2.0),
    ("np.where([True, False], onp.ones(2), 0)", np.array([1.0, 0.0])),
    # lists of traced values where NumPy takes an array
    ("grad(lambda x: np.linalg.norm([x, x + 7.0]))(5.0)", 17 / 13),
    ("grad(lambda x: np.real(np.fft.fft([x, 2 * x]))[0])(1.0)", 3.0),
    ("grad(lambda x: np.sum(x * [1.0, 2.0] + (3, 4) / x))(onp.ones(2))", np.array([-2.0, -2.0])),
    ("grad(lambda x: np.sum([x[0], 2.0] @ np.outer(x, x)))(onp.ones(2))", np.array([7.0, 7.0])),
    # eigh is a function of one triangle; eigenvectors of eig have derivatives
    (f"grad(lambda a: np.linalg.eigh(a)[0][0])({LOPSIDED})[0, 1:].tolist()", [0.0, 0.0]),
    (f"grad(lambda a: np.linalg.eigh(a, 'U')[0][0])({LOPSIDED})[1:, 0].tolist()", [0.0, 0.0]),
    (f"type(np.gradient({LOPSIDED})) is make_vjp(lambda x: np.gradient(x))({LOPSIDED})[1].__class__", True),
    ("grad(lambda x: np.real_if_close(x + 0j) ** 2)(3.0)", 6.0),
    (f"make_vjp(lambda a: np.linalg.svd(a))({LOPSIDED})[1].__class__ is type(onp.linalg.svd(onp.eye(2)))", True),
    # names and dtypes of results
    ("jacobian(np.sin, 0).__name__", "jacobian_of_sin_wrt_argnum_0"),
    ("grad(lambda x: np.sum(x**2))(onp.ones(2, onp.float16))", np.full(2, 2, np.float16)),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=[v[0] for v in VALUES])
def test_value(expression: str, expected: Any) -> None:
    assert_same(standin(f"{PRELUDE}\nout = {expression}", "float64")["out"], expected, rtol=1e-12, atol=1e-12)


CHECKED = [
    f"check_grads(lambda a: tuple(np.linalg.eigh(a)))({LOPSIDED})",
    f"check_grads(lambda a: np.linalg.eigh(a, 'U'))({LOPSIDED})",
    f"check_grads(lambda a: np.linalg.eigvalsh(a))({LOPSIDED})",
    f"check_grads(lambda a: [np.abs(x) for x in np.linalg.eig(a)])({LOPSIDED})",
    f"check_grads(lambda a: np.gradient(a))({LOPSIDED})",
    "check_grads(lambda x, y: np.hypot(x, y), argnum=(0, 1))(1.5, 1.5)",
]


@pytest.mark.parametrize("statement", CHECKED)
def test_derivatives_agree_with_differences(statement: str) -> None:
    np.random.seed(3)
    standin(f"{PRELUDE}\n{statement}", "float64")


def test_failed_check_of_a_second_derivative_names_the_function() -> None:
    source = """
once = primitive(lambda x: 2.0 * x)
defvjp(once, lambda ans, x: lambda g: 2 * again(g))
again = primitive(lambda x: x)
defvjp(again, lambda ans, x: lambda g: 1.01 * g)
once.__name__ = "once"
check_grads(once, modes=["rev"])(1.0)
"""
    with pytest.raises(AssertionError, match="VJP.* check of vjp_once failed"):
        standin(PRELUDE + source, "float64")


def test_wide_floats_are_computed_with_in_64_bits_and_said_so() -> None:
    if np.dtype(np.longdouble) == np.float64:
        pytest.skip("long doubles are doubles here")
    with pytest.warns(UserWarning, match="float64"):
        out = standin(f"{PRELUDE}\nout = grad(lambda x: np.sum(x**2))(onp.ones(2, onp.longdouble))", "float64")["out"]
    np.testing.assert_array_equal(out, [2.0, 2.0])
