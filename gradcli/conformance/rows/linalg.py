"""Rows of ``gradcli.numpy.linalg``: systems, factorisations, norms, products."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.conformance.row import Draw, Row, home, rows_of

Case = rows_of("numpy.linalg")
real = Draw(31)

S = real((3, 3)) + np.diag([2.0, -3.0, 4.5])
MANY = real((2, 3, 3)) + np.diag([2.0, -3.0, 4.5])
TALL, FLAT = real((4, 2)) + np.eye(4, 2) * 2, real((2, 3)) + np.eye(2, 3) * 2
C = S + 1j * real((3, 3))
H, POS = S + S.T, S @ S.T + np.eye(3)
HC = C + C.conj().T
MANY_POS = MANY @ MANY.swapaxes(1, 2) + np.eye(3)
B, V, T = real((3, 2)), real((3,)), real((2, 3, 2))
STEPS = "an integer that is found by comparing"
VECTORS = "eigenvectors of general matrices have no derivative; eigvals has"


def again(f: Any, x: Any, **options: Any) -> Any:
    """Singular values, and a function of the matrix that does not depend on signs of vectors."""
    n = home(f, "numpy")
    u, s, vh = f(x, full_matrices=False, **options)
    return s, u @ (n.sin(s)[..., None] * vh)


def sine(f: Any, x: Any, **options: Any) -> Any:
    """Eigenvalues, and the sine of the matrix."""
    n = home(f, "numpy")
    w, v = f(x, **options)
    return w, (v * n.sin(w)[..., None, :]) @ n.conj(n.swapaxes(v, -1, -2))


def product(f: Any, x: Any, **options: Any) -> Any:
    """The matrix again, and what of its triangle does not depend on signs."""
    n = home(f, "numpy")
    q, r = f(x, **options)
    return q @ r, n.abs(n.diagonal(r, axis1=-2, axis2=-1))


def powers(f: Any, x: Any) -> Any:
    """Sums of powers of eigenvalues, which do not depend on their order."""
    n = home(f, "numpy")
    w = f(x)
    return n.sum(w**2, axis=-1), n.sum(w**3, axis=-1)


SYSTEMS = [
    *[Case("solve", (a, b)) for a, b in ((S, V), (S, B), (MANY, B), (S, T[:, :, :1]), (C, V))],
    *[Case("inv", (a,)) for a in (S, MANY, C, np.zeros((0, 0)))],
    *[Case("det", (a,)) for a in (S, MANY, C, S[:2, :2], real((4, 4)), np.ones((1, 1)))],
    *[Case("slogdet", (a,)) for a in (S, MANY, C)],
    Case("slogdet", (S,), {"method": "qr"}, complex=False, numpy=False),
    *[Case("pinv", (a,)) for a in (TALL, FLAT, MANY, C)],
    Case("pinv", (H,), {"hermitian": True}, lambda f, x, hermitian: f(x + x.T, hermitian=hermitian), complex=False),
    *[Case("lstsq", (TALL, b), call=lambda f, a, b: f(a, b, rcond=None)[0]) for b in (real((4,)), real((4, 2)))],
    Case("tensorsolve", (real((2, 3, 6)) + np.eye(6).reshape(2, 3, 6) * 3, real((2, 3)))),
    Case("tensorinv", (real((6, 2, 3)) + np.eye(6).reshape(6, 2, 3) * 3,), {"ind": 1}),
    *[Case("matrix_power", (S,), {"n": n}) for n in (0, 1, 3, -2)],
    *[Case("cond", (S,), {"p": p}) for p in (None, 1, -2, "fro")],
]

FACTORS = [
    *[Case("cholesky", (a,), complex=False) for a in (POS, MANY_POS, HC @ HC + np.eye(3))],
    *[Case("qr", (a,), call=product, numpy=False) for a in (S, TALL, MANY, C)],
    Case("qr", (TALL,), {"mode": "r"}, lambda f, x, mode: home(f, "numpy").abs(f(x, mode=mode)), complex=False,
         numpy=False),
    *[Case("eigh", (a,), call=sine, complex=False, numpy=False) for a in (H, HC, MANY + MANY.swapaxes(1, 2))],
    *[Case("eigvalsh", (a,), complex=False) for a in (H, HC)],
    *[Case("eigvals", (a,), call=powers, numpy=False) for a in (S, MANY, C)],
    Case("eig", (H,), call=lambda f, x: home(f, "numpy").sort(f(x)[0].real), order=0, why=VECTORS, numpy=False),
    *[Case("svd", (a,), call=again, numpy=False) for a in (S, TALL, FLAT, MANY, C)],
    Case("svd", (TALL,), {"compute_uv": False}),
    *[Case("svdvals", (a,)) for a in (TALL, MANY)],
]

NORMS = [
    *[Case("norm", (S,), {"ord": o}) for o in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
    *[Case("norm", (V,), {"ord": o}) for o in (None, 1, 2, 3, 0.5, np.inf, -np.inf)],
    *[Case("norm", (T,), {"axis": axis, "keepdims": k}) for axis, k in ((0, False), (-1, True), ((0, 2), False))],
    *[Case("matrix_norm", (MANY,), {"ord": o, "keepdims": k}) for o, k in (("fro", True), (2, False), (1, False))],
    *[Case("vector_norm", (T,), {"axis": axis, "ord": o}) for axis, o in ((None, 2), (1, 3), ((0, 1), 1))],
    *[Case("matrix_rank", (a,), order=0, why=STEPS) for a in (S, np.ones((3, 3)), MANY)],
]

PRODUCTS = [
    *[Case("matmul", (a, b)) for a, b in ((S, B), (MANY, S), (V, S), (V, V))],
    Case("multi_dot", (V, S, B), call=lambda f, *xs: f(list(xs))),
    Case("multi_dot", (real((2, 4)), real((4, 1)), real((1, 5)), real((5, 2))), call=lambda f, *xs: f(list(xs))),
    *[Case("cross", (a, b)) for a, b in ((V, real((3,))), (S, real((3, 3))))],
    Case("outer", (V, real((2,)))),
    Case("tensordot", (T, real((3, 2))), call=lambda f, x, y: f(x, y, axes=[[1, 2], [0, 1]])),
    *[Case("vecdot", (T, real((2, 3, 2))), {"axis": axis}) for axis in (-1, 1)],
    *[Case(n, (MANY,), {"offset": k}) for n in ("diagonal", "trace") for k in (0, -1, 1)],
    Case("matrix_transpose", (T,)),
]

ROWS: list[Row] = [*SYSTEMS, *FACTORS, *NORMS, *PRODUCTS]
