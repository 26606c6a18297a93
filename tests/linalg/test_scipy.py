"""gradcli.scipy.linalg by table: against differences, defining equations, SciPy and JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli.scipy import linalg
from tests.linalg.cases import SQUARE, TALL, WIDE, Case, arguments, h, plain, positive
from tests.linalg.test_functions import close

# la: gradcli.scipy.linalg, scipy.linalg or jax.scipy.linalg; n: gradcli.numpy, NumPy or jax.numpy
Function = Callable[..., Any]
DIFFERENTIABLE: dict[str, Case] = {
    "cholesky": Case(lambda la, n, x: la.cholesky(positive(n, x)), (SQUARE,)),
    "cho_solve": Case(lambda la, n, x, b: la.cho_solve(la.cho_factor(positive(n, x)), b), (SQUARE, (4, 2))),
    "cho_solve lower": Case(lambda la, n, x, b: la.cho_solve(la.cho_factor(positive(n, x), True), b), (SQUARE, (4,))),
    "solve": Case(lambda la, n, a, b: la.solve(a, b), (SQUARE, (4, 2))),
    "solve pos": Case(lambda la, n, a, b: la.solve(positive(n, a), b, assume_a="pos"), (SQUARE, (4, 2))),
    **{f"solve_triangular {t} {low}": Case(lambda la, n, a, b, t=t, low=low: la.solve_triangular(a, b, t, low),
                                           (SQUARE, (4,))) for t in (0, "T", 2) for low in (False, True)},
    "solve_triangular unit": Case(
        lambda la, n, a, b: la.solve_triangular(a, b, lower=True, unit_diagonal=True), (SQUARE, (4, 2))
    ),
    "inv": Case(lambda la, n, x: la.inv(x), (SQUARE,)),
    "det": Case(lambda la, n, x: la.det(x), (SQUARE,)),
    **{f"lu_solve {t}": Case(lambda la, n, a, b, t=t: la.lu_solve(la.lu_factor(a), b, t), (SQUARE, (4, 2)))
       for t in (0, 1, 2)},
    "lu": Case(lambda la, n, x: la.lu(x)[1:], (SQUARE,)),
    "lu tall": Case(lambda la, n, x: la.lu(x)[1:], (TALL,)),
    "lu wide": Case(lambda la, n, x: la.lu(x, permute_l=True), (WIDE,)),
    "qr": Case(lambda la, n, x: la.qr(x), (TALL,)),
    "qr r": Case(lambda la, n, x: la.qr(x, mode="r")[0], (TALL,)),
    "qr pivoting": Case(lambda la, n, x: la.qr(x, mode="economic", pivoting=True)[:2], (TALL,)),
    "qr pivoting wide": Case(lambda la, n, x: la.qr(x, mode="economic", pivoting=True)[:2], (WIDE,), jax=False),
    "qr_multiply": Case(lambda la, n, a, c: la.qr_multiply(a, c, mode="left")[0], (TALL, (3, 2))),
    "svd": Case(lambda la, n, x: la.svd(x, compute_uv=False), (TALL,)),
    "eigh": Case(lambda la, n, x: n.abs(la.eigh(x + h(n, x))[1]), (SQUARE,)),
    "eigh general": Case(lambda la, n, x, b: la.eigh(x + h(n, x), positive(n, b))[0], (SQUARE, SQUARE), jax=False),
    "eigh_tridiagonal": Case(lambda la, n, d, o: la.eigh_tridiagonal(d, o, eigvals_only=True), ((4,), (3,)), "f"),
    "expm": Case(lambda la, n, x: la.expm(x), (SQUARE,)),
    "expm small": Case(lambda la, n, x: la.expm(x * 0.01), (SQUARE,)),
    "expm large": Case(lambda la, n, x: la.expm(x - 8 * n.eye(4)), (SQUARE,)),
    "expm_frechet": Case(lambda la, n, a, b: la.expm_frechet(a * 0.3, b), (SQUARE, SQUARE)),
    "sqrtm": Case(lambda la, n, x: la.sqrtm(positive(n, x) + x), (SQUARE,), jax=False),
    "solve_sylvester": Case(
        lambda la, n, a, b, c: la.solve_sylvester(positive(n, a), b, c), (SQUARE, (2, 2), (4, 2)), jax=False
    ),
    "polar": Case(lambda la, n, x: la.polar(x, method="svd") if la is linalg else la.polar(x), (TALL,), jax=False),
    "polar left": Case(
        lambda la, n, x: la.polar(x, "left", method="svd") if la is linalg else la.polar(x, "left"), (WIDE,), jax=False
    ),
    "block_diag": Case(lambda la, n, a, b: la.block_diag(a, b), (TALL, (2, 2))),
    "toeplitz": Case(lambda la, n, c, r: la.toeplitz(c, r), ((4,), (3,))),
    "toeplitz hermitian": Case(lambda la, n, c: la.toeplitz(c), ((4,),)),
    "hankel": Case(lambda la, n, c, r: la.hankel(c, r), ((4,), (3,))),
    "hankel zeros": Case(lambda la, n, c: la.hankel(c), ((4,),)),
    "circulant": Case(lambda la, n, c: la.circulant(c), ((4,),)),
    **{f"convolution_matrix {m} {k}": Case(lambda la, n, a, m=m, k=k: la.convolution_matrix(a, k, m), ((4,),))
       for m in ("full", "valid", "same") for k in (2, 4, 7)},
    "leslie": Case(lambda la, n, f, s: la.leslie(f, s), ((4,), (3,)), "f"),
    "companion": Case(lambda la, n, a: la.companion(a), ((4,),)),
    **{f"fiedler_companion {k}": Case(lambda la, n, a: la.fiedler_companion(a), ((k,),)) for k in (3, 4, 5, 6, 7)},
    "fiedler": Case(lambda la, n, a: la.fiedler(a), ((4,),), "f"),
}  # fmt: skip
CONSTANT: dict[str, Function] = {
    **{f"hilbert {k}": lambda la, k=k: la.hilbert(k) for k in (1, 4)},
    **{f"invhilbert {k}": lambda la, k=k: la.invhilbert(k) for k in (1, 5)},
    **{f"pascal {k}": lambda la, k=k: la.pascal(4, k) for k in ("symmetric", "lower", "upper")},
    **{f"invpascal {k}": lambda la, k=k: la.invpascal(4, k) for k in ("symmetric", "lower", "upper")},
    **{f"helmert {k}": lambda la, k=k: la.helmert(4, full=k) for k in (True, False)},
    "hadamard": lambda la: la.hadamard(8),
    **{f"dft {k}": lambda la, k=k: la.dft(5, k) for k in (None, "sqrtn", "n")},
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_derivatives(name: str) -> None:
    case = DIFFERENTIABLE[name]
    args = arguments(case, np.complex128 if "c" in case.kinds and "expm" not in name else np.float64)
    gradcli.check_grads(lambda *xs: plain(case.f(linalg, gnp, *xs)), tuple(args), 1, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["expm", "sqrtm", "solve pos", "polar", "eigh general", "solve_sylvester"])
def test_higher_derivatives(name: str) -> None:
    """The second and third along a line, against differences of the order below."""
    case = DIFFERENTIABLE[name]
    args = arguments(case, np.float64)
    direction = [np.cos(np.arange(x.size)).reshape(x.shape) for x in args]

    def along(t: Any) -> Any:
        moved = [x + t * d for x, d in zip(args, direction, strict=True)]
        return sum(gnp.sum(gnp.sin(gnp.abs(y) / 10)) for y in plain(case.f(linalg, gnp, *moved)))

    first = gradcli.grad(along)
    second = gradcli.grad(first)
    third = gradcli.jvp(second, (0.0,), (1.0,))[1]
    for lower, higher in ((first, second(0.0)), (second, third)):
        expected = [(float(lower(t)) - float(lower(-t))) / (2 * t) for t in (1e-3, 5e-4)]
        np.testing.assert_allclose(float(higher), (4 * expected[1] - expected[0]) / 3, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_vmap(name: str) -> None:
    case = DIFFERENTIABLE[name]
    args = arguments(case, np.float64)
    several = [[x * np.cos(0.1 * i) for x in args] for i in range(3)]

    def f(*xs: Any) -> Any:
        return plain(case.f(linalg, gnp, *xs))

    expected = [np.stack([np.asarray(y) for y in ys]) for ys in zip(*[f(*xs) for xs in several], strict=True)]
    close(gradcli.vmap(f, -1)(*[np.stack(xs, -1) for xs in zip(*several, strict=True)]), expected)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name,kind", [(n, k) for n, c in DIFFERENTIABLE.items() for k in c.kinds])
def test_as_scipy(name: str, kind: str) -> None:
    scipy = pytest.importorskip("scipy.linalg")
    case = DIFFERENTIABLE[name]
    args = arguments(case, np.complex128 if kind == "c" else np.float64)
    close(case.f(linalg, gnp, *args), case.f(scipy, np, *args))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", CONSTANT)
def test_constant_as_scipy(name: str) -> None:
    scipy = pytest.importorskip("scipy.linalg")
    close(CONSTANT[name](linalg), CONSTANT[name](scipy))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", ["expm", "cho_solve", "lu tall", "solve pos", "solve_triangular T True"])
def test_as_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    import jax.numpy as jnp
    import jax.scipy.linalg as jsp

    case = DIFFERENTIABLE[name]
    args = arguments(case, np.float64)

    def derivatives(mod: Any, n: Any, library: Any, *xs: Any) -> Any:
        def f(*xs: Any) -> Any:
            return plain(case.f(library, n, *xs))

        out, tangent = mod.jvp(f, xs, tuple(n.cos(x) for x in xs))
        return [*out, *tangent, *mod.vjp(f, *xs)[1]([n.sin(y) for y in out])]

    with jax.enable_x64(True):
        expected = [np.asarray(x) for x in jax.jit(lambda *xs: derivatives(jax, jnp, jsp, *xs))(*args)]
    close(derivatives(gradcli, gnp, linalg, *map(gnp.asarray, args)), expected)
