"""gradcli.lax.linalg: what defines each factorisation, for all flags, sizes and batches, and the same as JAX."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import gradcli
import gradcli.numpy as gnp
from gradcli.lax import linalg
from tests.linalg.test_functions import close

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
SHAPES = [(5, 5), (5, 3), (3, 5), (1, 1), (2, 4, 4), (2, 3, 4, 2), (40, 40), (2, 37, 50)]


def matrix(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    return (x + 1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else x).astype(dtype)


def adjoint(x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


def values(out: Any) -> list[Any]:
    return [np.asarray(x) for x in out]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_lu(shape: tuple[int, ...], dtype: Any) -> None:
    a = matrix(shape, dtype)
    k = min(shape[-2:])
    factors, pivots, permutation = values(linalg.lu(a))
    lower = np.tril(factors[..., :, :k], -1) + np.eye(shape[-2], k)
    close(lower @ np.triu(factors[..., :k, :]), np.take_along_axis(a, permutation[..., None], -2), dtype)
    assert np.abs(factors[np.broadcast_to(np.tri(*shape[-2:], -1, dtype=bool), shape)]).max(initial=0) <= 1.5
    assert factors.dtype == dtype and pivots.dtype == permutation.dtype == np.int32
    np.testing.assert_array_equal(linalg.lu_pivots_to_permutation(pivots, shape[-2]), permutation)


@pytest.mark.parametrize("trans", [0, 1, 2])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_lu_solve(trans: int, dtype: Any) -> None:
    a, b = matrix((3, 4, 4), dtype), matrix((1, 4, 2), dtype, 1)
    factors, _, permutation = linalg.lu(a)
    turned = (a, np.swapaxes(a, -1, -2), adjoint(a))[trans]
    close(linalg.lu_solve(factors, permutation, b, trans), np.linalg.solve(turned, b))
    vectors = matrix((3, 4), dtype, 2)
    close(linalg.lu_solve(factors, permutation, vectors, trans), np.linalg.solve(turned, vectors[..., None])[..., 0])


FLAGS = list(itertools.product([False, True], repeat=5))


@pytest.mark.parametrize("flags", FLAGS)
def test_triangular_solve(flags: tuple[bool, ...]) -> None:
    """Against the general solve, for matrices small and large, with anything in the other triangle."""
    left, lower, transposed, conjugated, unit = flags
    for n, lead in ((3, (2,)), (150, ())):
        full = matrix((*lead, n, n), np.complex128) / n + 3 * np.eye(n)
        op = np.tril(full) if lower else np.triu(full)
        if unit:
            op = op - op * np.eye(n) + np.eye(n)
        op = np.swapaxes(op, -1, -2) if transposed else op
        op = np.conj(op) if conjugated else op
        b = matrix((*lead, n, 2) if left else (*lead, 2, n), np.complex128, 1)
        x = np.asarray(
            linalg.triangular_solve(
                full, b, left_side=left, lower=lower, transpose_a=transposed, conjugate_a=conjugated, unit_diagonal=unit
            )
        )
        close(op @ x if left else x @ op, b)


@pytest.mark.parametrize("flags", FLAGS[::3])
def test_triangular_solve_derivatives(flags: tuple[bool, ...]) -> None:
    left, lower, transposed, conjugated, unit = flags
    a = matrix((3, 3), np.complex128) + 3 * np.eye(3)
    for b in (matrix((3, 5) if left else (5, 3), np.complex128, 1), matrix((3,), np.complex128, 1)):
        gradcli.check_grads(
            lambda a, b: linalg.triangular_solve(
                a, b, left_side=left, lower=lower, transpose_a=transposed, conjugate_a=conjugated, unit_diagonal=unit
            ),
            (a, b), 1,
        )  # fmt: skip


def test_triangular_solve_of_a_singular_matrix() -> None:
    a = np.array([[1.0, 2.0], [0.0, 0.0]])
    out = np.asarray(linalg.triangular_solve(a, np.ones((2, 1)), left_side=True))
    assert not np.isfinite(out).any()


@pytest.mark.parametrize("pivoting,full", [(p, f) for p in (False, True) for f in (False, True)])
@pytest.mark.parametrize("shape", SHAPES)
def test_qr(shape: tuple[int, ...], pivoting: bool, full: bool) -> None:
    a = matrix(shape, np.complex128)
    q, r, *order = values(linalg.qr(a, pivoting=pivoting, full_matrices=full))
    moved = np.take_along_axis(a, order[0][..., None, :], -1) if pivoting else a
    close(q @ r, moved)
    close(adjoint(q) @ q, np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], q.shape[-1], q.shape[-1])))
    close(r, np.triu(r))
    if pivoting:
        size = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
        assert np.all(np.diff(size, axis=-1) <= 1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (2, 4, 3)])
def test_householder_product(shape: tuple[int, ...], dtype: Any) -> None:
    a = matrix(shape, dtype)
    packed, taus = gradcli.numpy.linalg.qr(a, "raw")
    packed = np.swapaxes(np.asarray(packed), -1, -2)
    close(linalg.householder_product(packed, taus), np.linalg.qr(a)[0], dtype)
    n, m = shape[-2:]
    whole = np.linalg.qr(a, "complete")[0]
    c = matrix((*shape[:-2], n, 2), dtype, 1)
    close(linalg.ormqr(packed, taus, c), whole @ c, dtype)
    close(linalg.ormqr(packed, taus, c, transpose=True), adjoint(whole) @ c, dtype)
    c = np.swapaxes(c, -1, -2)
    close(linalg.ormqr(packed, taus, c, left=False), c @ whole, dtype)
    close(linalg.ormqr(packed, taus, c, left=False, transpose=True), c @ adjoint(whole), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 5), (2, 4, 4), (1, 1), (2, 2)])
def test_hessenberg(shape: tuple[int, ...], dtype: Any) -> None:
    from gradcli.scipy.linalg import hessenberg

    a = matrix(shape, dtype)
    h, q = values(hessenberg(a, calc_q=True))
    close(q @ h @ adjoint(q), a, dtype)
    close(adjoint(q) @ q, np.broadcast_to(np.eye(shape[-1]), shape), dtype)
    close(np.tril(h, -2), np.zeros(shape))


JORDAN = np.diag(np.ones(3), 1) + 2 * np.eye(4)
ROTATION = np.kron(JORDAN[:2, :2], np.array([[0.0, 1.0], [-1.0, 0.0]]))
MATRICES = [matrix((6, 6), np.float64), matrix((2, 5, 5), np.complex128), JORDAN, JORDAN.T, ROTATION, np.zeros((3, 3)),
            np.eye(3), matrix((4, 4), np.float32), JORDAN.astype(np.complex128)]  # fmt: skip


@pytest.mark.parametrize("a", MATRICES, ids=range(len(MATRICES)))
def test_schur(a: Any) -> None:
    from gradcli.scipy.linalg import rsf2csf, schur

    for output in ("real", "complex"):
        t, z = values(schur(a, output))
        close(z @ t @ adjoint(z), a, a.dtype)
        close(adjoint(z) @ z, np.broadcast_to(np.eye(a.shape[-1]), a.shape), a.dtype)
        close(t, np.triu(t, 0 if output == "complex" or a.dtype.kind == "c" else -1), a.dtype)
        if a.ndim == 2:
            below = np.diagonal(t, -1) != 0
            assert not np.any(below[1:] & below[:-1])  # blocks of at most two
            upper, turn = values(rsf2csf(t, z))
            close(turn @ upper @ adjoint(turn), a, a.dtype)
            assert not np.tril(upper, -1).any()


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_eig(dtype: Any) -> None:
    a = matrix((2, 4, 4), dtype)
    w, left, right = values(linalg.eig(a))
    close(a @ right, right * w[..., None, :])
    close(adjoint(left) @ a, w[..., :, None] * adjoint(left))
    for v in (left, right):
        close(np.linalg.norm(v, axis=-2), np.ones((2, 4)))
        top = np.take_along_axis(v, np.abs(v).argmax(-2)[..., None, :], -2)
        close(top.imag, np.zeros(top.shape))
    gradcli.check_grads(lambda a: linalg.eig(a + 0j, enable_eigvec_derivs=True), (a[0],), 1, rtol=1e-5, atol=1e-5)
    with pytest.raises(NotImplementedError, match="eigenvectors"):
        gradcli.jvp(lambda a: linalg.eig(a), (a,), (a,))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_tridiagonal_solve(n: int) -> None:
    """Also where elimination needs swaps: the first element of the diagonal is zero."""
    lower, middle, upper = (matrix((2, n), np.float64, i) for i in range(3))
    if n > 1:
        middle[:, 0] = 0
    b = matrix((2, n, 3), np.float64, 3)
    dense = np.zeros((2, n, n))
    i = np.arange(n)
    dense[:, i, i] = middle
    dense[:, i[1:], i[:-1]] = lower[:, 1:]
    dense[:, i[:-1], i[1:]] = upper[:, :-1]
    close(linalg.tridiagonal_solve(lower, middle, upper, b), np.linalg.solve(dense, b))
    middle += 2
    gradcli.check_grads(linalg.tridiagonal_solve, (lower[0], middle[0], upper[0], b[0]), 2)
    found = gradcli.vmap(linalg.tridiagonal_solve)(lower, middle, upper, b)
    close(found, linalg.tridiagonal_solve(lower, middle, upper, b))


def test_products() -> None:
    a, c = matrix((3, 4), np.float64), np.eye(3)
    close(linalg.symmetric_product(a, c, alpha=2.0, beta=3.0, symmetrize_output=True), 2 * a @ a.T + 3 * c)
    r, w = np.triu(matrix((4, 4), np.float64)) + 4 * np.eye(4), matrix((4,), np.float64, 1)
    close(linalg.cholesky_update(r, w), np.linalg.cholesky(r.T @ r + np.outer(w, w)).T)
    gradcli.check_grads(linalg.cholesky_update, (r, w), 1)


# --- special arguments ------------------------------------------------------------------------------------------------


EMPTY: dict[str, tuple[Any, tuple[int, ...]]] = {
    **{name: (lambda n, x, name=name: getattr(n.linalg, name)(x), (2, 0, 0))
       for name in ("cholesky", "eigvalsh", "eigvals", "inv", "det", "svdvals", "pinv", "eigh", "qr")},
    "slogdet": (lambda n, x: n.linalg.slogdet(x), (0, 0)),
    **{f"{name} {shape}": (lambda n, x, name=name: getattr(n.linalg, name)(x), shape)
       for name in ("svdvals", "pinv", "qr") for shape in ((0, 3), (3, 0))},
    "no matrices": (lambda n, x: n.linalg.inv(x), (0, 3, 3)),
    "solve": (lambda n, x: n.linalg.solve(x, n.zeros((0, 2))), (0, 0)),
    "solve nothing": (lambda n, x: n.linalg.solve(x, n.zeros((3, 0))), (3, 3)),
    "matrix_power": (lambda n, x: n.linalg.matrix_power(x, 3), (0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", EMPTY)
def test_empty(name: str) -> None:
    f, shape = EMPTY[name]
    x = np.zeros(shape) + (np.eye(shape[-1]) if shape[-2] == shape[-1] else 0)
    close(f(gnp, x), f(np, x))
    out = gradcli.grad(lambda x: sum(gnp.sum(gnp.abs(y)) for y in gradcli.tree_util.tree_leaves(f(gnp, x))))(x)
    assert out.shape == shape


@pytest.mark.parametrize("name", ["cholesky", "eigh", "svd", "eig", "qr", "inv", "eigvals", "det"])
def test_only_the_matrix_with_nan_is_lost(name: str) -> None:
    a = np.stack([np.eye(3) + 0.1] * 3)
    a[1, 0, 0] = np.nan
    for out in gradcli.tree_util.tree_leaves(getattr(gnp.linalg, name)(a)):
        out = np.asarray(out)
        assert np.isnan(out[1]).any() and np.isfinite(out[[0, 2]]).all()


def test_cholesky_of_what_is_not_positive_definite() -> None:
    a = np.stack([np.eye(2), -np.eye(2)])
    out = np.asarray(gnp.linalg.cholesky(a))
    np.testing.assert_array_equal(out[0], np.eye(2))
    assert np.isnan(out[1][np.tri(2, dtype=bool)]).all()


def test_singular_matrices() -> None:
    a = np.ones((4, 4))
    sign, logabsdet = gnp.linalg.slogdet(a)
    assert float(sign) == 0 and float(logabsdet) == -np.inf
    assert float(gnp.linalg.det(a)) == 0 and int(gnp.linalg.matrix_rank(a)) == 1
    assert (
        not np.isfinite(np.asarray(gnp.linalg.inv(a))).any() and float(gnp.linalg.cond(np.zeros((2, 2)), 1)) == np.inf
    )


def test_derivative_of_the_determinant_of_a_singular_matrix() -> None:
    """The adjugate, which is not zero for rank n - 1, and zero for less."""
    rng = np.random.default_rng(0)
    for rank in (3, 2):
        a = np.round(rng.normal(size=(4, rank)) * 4) @ np.round(rng.normal(size=(rank, 4)) * 4)
        minors = [
            [np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) * (-1) ** (i + j) for j in range(4)] for i in range(4)
        ]
        found = np.asarray(gradcli.grad(gnp.linalg.det)(a))
        np.testing.assert_allclose(found, minors, atol=1e-7 * np.abs(a).max() ** 3)


def test_equal_eigenvalues() -> None:
    """Eigenvalues have a derivative where eigenvectors have none."""
    a = np.eye(3)
    np.testing.assert_allclose(gradcli.grad(lambda a: gnp.sum(gnp.linalg.eigvalsh(a) ** 2))(a), 2 * a)
    np.testing.assert_allclose(gradcli.grad(lambda a: gnp.linalg.norm(a, "nuc"))(a), a)
    assert not np.isfinite(np.asarray(gradcli.grad(lambda a: gnp.sum(gnp.linalg.eigh(a)[1]))(a))).all()


ERRORS: dict[str, tuple[Any, type[Exception]]] = {
    "solve": (lambda: gnp.linalg.solve(np.ones((2, 3)), np.ones(2)), ValueError),
    "solve sizes": (lambda: gnp.linalg.solve(np.eye(2), np.ones(3)), ValueError),
    "inv": (lambda: gnp.linalg.inv(np.ones(3)), ValueError),
    "det": (lambda: gnp.linalg.det(np.ones((2, 3))), ValueError),
    "cholesky": (lambda: gnp.linalg.cholesky(np.ones((3, 2))), TypeError),
    "cholesky of a list": (lambda: gnp.linalg.cholesky([[1.0]]), TypeError),
    "float16": (lambda: gnp.linalg.inv(np.eye(2, dtype=np.float16)), TypeError),
    "eigh UPLO": (lambda: gnp.linalg.eigh(np.eye(2), "X"), ValueError),
    "qr mode": (lambda: gnp.linalg.qr(np.eye(2), "X"), ValueError),
    "slogdet method": (lambda: gnp.linalg.slogdet(np.eye(2), method="X"), ValueError),
    "slogdet qr": (lambda: gnp.linalg.slogdet(np.eye(2) * 1j, method="qr"), TypeError),
    "norm order": (lambda: gnp.linalg.norm(np.eye(2), "X"), ValueError),
    "norm axes": (lambda: gnp.linalg.norm(np.ones((2, 2, 2)), 2), ValueError),
    "cond": (lambda: gnp.linalg.cond(np.ones((2, 3)), 1), ValueError),
    "tensorinv": (lambda: gnp.linalg.tensorinv(np.ones((2, 3)), 1), ValueError),
    "tensorsolve": (lambda: gnp.linalg.tensorsolve(np.ones((2, 3)), np.ones(2)), ValueError),
    "lstsq": (lambda: gnp.linalg.lstsq(np.ones((2, 3)), np.ones(3)), ValueError),
    "multi_dot": (lambda: gnp.linalg.multi_dot([np.ones((2, 3)), np.ones((2, 3))]), ValueError),
    "pinv": (lambda: gnp.linalg.pinv(np.eye(2), 0.1, rcond=0.1), ValueError),
    "triangular_solve": (lambda: linalg.triangular_solve(np.eye(2), np.ones((3, 3))), TypeError),
    "lu_solve": (lambda: linalg.lu_solve(np.eye(2), np.arange(2, dtype=np.int32), np.ones(3)), TypeError),
    "subset": (lambda: linalg.svd(np.eye(3), subset_by_index=(0, 1)), TypeError),
    "svd full": (lambda: gradcli.jvp(lambda a: linalg.svd(a), (np.ones((3, 2)),), (np.ones((3, 2)),)),
                 NotImplementedError),
    "schur": (lambda: gradcli.jvp(linalg.schur, (np.eye(3),), (np.eye(3),)), Exception),
    "name": (lambda: gnp.linalg.nothing, AttributeError),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    f, kind = ERRORS[name]
    with pytest.raises(kind) as info:
        f()
    assert str(info.value)


def test_subsets() -> None:
    a = matrix((2, 5, 4), np.float64)
    u, s, vh = values(linalg.svd(a, full_matrices=False, subset_by_index=(1, 3)))
    whole = np.linalg.svd(a, full_matrices=False)
    close([s, np.abs(u), np.abs(vh)], [whole[1][:, 1:3], np.abs(whole[0][..., 1:3]), np.abs(whole[2][:, 1:3])])
    square = a[:, :4] + adjoint(a[:, :4])
    vectors, found = values(linalg.eigh(square, subset_by_index=(1, 3)))
    close(found, np.linalg.eigvalsh(square)[:, 1:3])
    close(square @ vectors, vectors * found[:, None])


def test_types_of_results() -> None:
    out = gnp.linalg.eigh(np.eye(2))
    assert out.eigenvalues is out[0] and out.eigenvectors is out[1]
    assert gnp.linalg.qr(np.eye(2)).R.shape == gnp.linalg.svd(np.eye(2)).Vh.shape == (2, 2)
    assert float(gnp.linalg.slogdet(np.eye(3)).logabsdet) == 0
    assert gnp.linalg.inv(np.eye(2, dtype=np.int64)).dtype == np.float64
    assert gnp.linalg.eigvals(np.eye(2, dtype=np.float32)).dtype == np.complex64


def test_only_loaded_when_used() -> None:
    code = (
        "import sys, gradcli, gradcli.numpy as n; a = 'gradcli.engine.ops.linalg' in sys.modules\n"
        "n.linalg.norm(n.ones(2)); b = 'gradcli.engine.ops.linalg' in sys.modules\n"
        "n.linalg.inv(n.eye(2)); c = 'gradcli.engine.ops.linalg' in sys.modules; print(a, b, c)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False", "True"]


def test_every_public_name_is_there() -> None:
    for module in (gnp.linalg, linalg):
        assert all(callable(getattr(module, name)) or name.endswith("_p") for name in module.__all__)


@pytest.mark.oracle
def test_names_of_jax() -> None:
    """All of jax.numpy.linalg and jax.scipy.linalg, but for one."""
    pytest.importorskip("jax")
    import jax.numpy.linalg as jnl
    import jax.scipy.linalg as jsl

    from gradcli.scipy import linalg as sl

    assert {n for n in dir(jnl) if not n.startswith("_")} <= set(gnp.linalg.__all__)
    assert {n for n in dir(jsl) if not n.startswith("_")} - set(sl.__all__) == {"funm"}


@pytest.mark.oracle
def test_multivariate_normal_as_jax() -> None:
    jax = pytest.importorskip("jax")
    from gradcli import random

    mean, cov = np.array([1.0, 2.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    with jax.enable_x64(True):
        for method in ("cholesky", "svd", "eigh"):

            def draw(r: Any, c: Any, method: str = method) -> Any:
                return r.multivariate_normal(r.key(3), mean, c, (3,), method=method)

            close(draw(random, cov), draw(jax.random, cov))
            expected = jax.grad(lambda c, draw=draw: draw(jax.random, c).sum())(cov)
            close(gradcli.grad(lambda c, draw=draw: draw(random, c).sum())(cov), expected)
