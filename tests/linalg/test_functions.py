"""gradcli.numpy.linalg by table: against NumPy, differences, loops in place of vmap, and JAX."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from tests.linalg.cases import CASES, arguments, plain

DTYPES = {"f": (np.float32, np.float64), "c": (np.complex64, np.complex128)}
KINDS = [(name, kind) for name, case in CASES.items() for kind in case.kinds]
EVERY = [(name, dtype) for name, kind in KINDS for dtype in DTYPES[kind]]
LEAD = (2, 3)
TOLERANCE = {np.dtype(np.float32): 2e-3, np.dtype(np.complex64): 2e-3}


def close(found: Any, expected: Any, dtype: Any = np.float64) -> None:
    """Results equal in structure, shape and dtype, and in value up to what the dtype allows."""
    for x, y in zip(plain(found), plain(expected), strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert x.shape == y.shape
        tol = TOLERANCE.get(np.dtype(dtype), 1e-9)
        np.testing.assert_allclose(x, y, rtol=tol, atol=tol * max(1.0, np.abs(y).max(initial=0)))


@pytest.mark.parametrize("name,dtype", [(n, d) for n, d in EVERY if CASES[n].numpy])
def test_value(name: str, dtype: Any) -> None:
    case = CASES[name]
    args = arguments(case, dtype, LEAD if case.batched else ())
    found, expected = case.f(gnp, *args), case.f(np, *args)
    close(found, expected, dtype)
    for x, y in zip(plain(found), plain(expected), strict=True):
        if y.dtype.kind in "fc" and name != "eigvals":  # NumPy's are real where they can be
            assert x.dtype == y.dtype


# checked along a line, orders 1 to 3 in both modes, instead of along every direction
ALONG = [
    "cholesky", "eigvals", "eigvalsh", "eigh", "qr square", "qr wide", "qr complete tall", "svd tall", "svd wide",
    "svd product", "solve matrix", "det 3", "det 4", "slogdet 2", "slogdet 4", "pinv tall", "pinv wide", "lstsq",
    "cond None", "cond 1", "norm nuc", "matrix_power -3", "tensorsolve",
]  # fmt: skip


@pytest.mark.parametrize("name,kind", [(n, c.kinds[-1]) for n, c in CASES.items() if n not in {"matrix_rank", *ALONG}])
def test_derivatives(name: str, kind: str) -> None:
    case = CASES[name]
    args = arguments(case, DTYPES[kind][1])
    gradcli.check_grads(lambda *xs: case.f(gnp, *xs), tuple(args), 1, rtol=1e-5, atol=1e-5)


SECOND = [("cholesky", "c"), ("qr tall", "f"), ("solve vector", "f")]


@pytest.mark.parametrize("name,kind", SECOND)
def test_second_derivatives(name: str, kind: str) -> None:
    case = CASES[name]
    args = arguments(case, DTYPES[kind][1])
    gradcli.check_grads(lambda *xs: case.f(gnp, *xs), tuple(args), 2, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name,kind", [(n, "fc"[i % 2]) for i, n in enumerate(ALONG)])
def test_three_derivatives(name: str, kind: str) -> None:
    """Along one line, against differences of the derivative one order lower."""
    case = CASES[name]
    args = arguments(case, DTYPES[kind][1])
    direction = [np.cos(np.arange(x.size)).reshape(x.shape) for x in args]

    def along(t: Any) -> Any:
        moved = [x + t * d for x, d in zip(args, direction, strict=True)]
        return sum(gnp.sum(gnp.sin(gnp.abs(y))) for y in plain(case.f(gnp, *moved)))

    first = gradcli.grad(along)
    second = gradcli.grad(first)
    third = gradcli.jvp(second, (0.0,), (1.0,))[1]
    for lower, higher in ((along, first(0.0)), (first, second(0.0)), (second, third)):
        expected = [(float(lower(t)) - float(lower(-t))) / (2 * t) for t in (1e-3, 5e-4)]
        extrapolated = (4 * expected[1] - expected[0]) / 3
        np.testing.assert_allclose(float(higher), extrapolated, rtol=1e-5, atol=1e-5)


SLOPES = {
    "cholesky",
    "eigvals",
    "eigh",
    "qr tall",
    "qr wide",
    "svd wide",
    "solve matrix",
    "det 4",
    "slogdet 4",
    "pinv tall",
}
MAPPED = [(n, i) for n, c in CASES.items() for i in range(len(c.shapes[0]) + 1)]


@pytest.mark.parametrize("name,axis", MAPPED)
def test_vmap(name: str, axis: int) -> None:
    """Over each axis of the first argument, the others as they are; along one axis the gradient, too."""
    case = CASES[name]
    args = arguments(case, np.float64)
    several = [x * np.cos(0.1 * i) for i, x in enumerate([args[0]] * 3)]
    stacked = np.stack(several, axis)
    others = args[1:]
    axes = (axis, *[None] * len(others))
    loops = [plain(case.f(gnp, x, *others)) for x in several]
    expected = [np.stack([np.asarray(y) for y in ys]) for ys in zip(*loops, strict=True)]
    close(gradcli.vmap(lambda *xs: case.f(gnp, *xs), axes)(stacked, *others), expected)
    if name not in SLOPES or axis != 1:
        return

    def loss(*xs: Any) -> Any:
        return sum(gnp.sum(gnp.sin(gnp.abs(y))) for y in plain(case.f(gnp, *xs)))

    slope = gradcli.grad(loss)
    expected = np.stack([np.asarray(slope(x, *others)) for x in several])
    close(gradcli.vmap(slope, axes)(stacked, *others), expected)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if len(c.shapes) > 1])
def test_vmap_of_the_second_argument(name: str) -> None:
    case = CASES[name]
    args = arguments(case, np.float64)
    several = [args[1] * np.cos(0.1 * i) for i in range(3)]
    for axis in range(len(case.shapes[1]) + 1):
        found = gradcli.vmap(lambda b: case.f(gnp, args[0], b, *args[2:]), axis)(np.stack(several, axis))
        loops = [plain(case.f(gnp, args[0], b, *args[2:])) for b in several]
        close(found, [np.stack([np.asarray(y) for y in ys]) for ys in zip(*loops, strict=True)])


@pytest.mark.parametrize("name", CASES)
def test_compiled(name: str) -> None:
    case = CASES[name]
    args = arguments(case, np.float64)
    close(gradcli.jit(lambda *xs: case.f(gnp, *xs))(*args), case.f(gnp, *args))


# --- JAX --------------------------------------------------------------------------------------------------------------


def derivatives(mod: Any, n: Any, name: str, args: Any) -> list[Any]:
    """Value, forward and reverse derivative along fixed directions."""
    case = CASES[name]

    def f(*xs: Any) -> Any:
        return plain(case.f(n, *xs))

    def direction(x: Any) -> Any:
        return np.cos(1 + np.arange(x.size)).reshape(x.shape).astype(x.dtype)

    args = [n.asarray(x) for x in args]
    out, tangent = mod.jvp(f, tuple(args), tuple(direction(x) for x in args))
    pulled = mod.vjp(f, *args)[1]([direction(y) for y in out])
    return [*out, *tangent, *pulled]


KNOWN = ["cholesky", "eigvals", "qr complete tall", "qr wide", "svd tall", "det 4", "pinv tall", "lstsq"]


@pytest.mark.oracle
@pytest.mark.parametrize("name", KNOWN)
def test_as_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    import jax.numpy as jnp

    case = CASES[name]
    args = arguments(case, np.complex128, (2,) if case.batched else ())
    with jax.enable_x64(True):
        expected = [np.asarray(x) for x in jax.jit(lambda *xs: derivatives(jax, jnp, name, xs))(*args)]
    found = derivatives(gradcli, gnp, name, args)
    close(found, expected)
    assert [x.dtype for x in found] == [x.dtype for x in expected]


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["slogdet 4", "eigvalsh"])
def test_hessian_as_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    import jax.numpy as jnp

    case = CASES[name]
    args = arguments(case, np.float64)

    def loss(n: Any) -> Any:
        return lambda x: sum(n.sum(n.sin(y)) for y in plain(case.f(n, x)))

    with jax.enable_x64(True):
        expected = np.asarray(jax.jit(jax.hessian(loss(jnp)))(args[0]))
    close(gradcli.hessian(loss(gnp))(args[0]), expected)
