"""Rows of ``gradcli.lax.linalg``: factorisations and solves."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.conformance.row import Draw, home, rows_of

Case = rows_of("lax.linalg")
real = Draw(24)


def spread(x: Any) -> Any:
    """With eigenvalues and singular values well apart."""
    n = min(x.shape[-2:])
    return x + 2 * np.eye(*x.shape[-2:]) * np.arange(1.0, x.shape[-1] + 1) * (-1.0) ** np.arange(n)[0]


S, TALL, FLAT = spread(real((3, 3))), spread(real((4, 2))), spread(real((2, 3)))
MANY = spread(real((2, 3, 3)))
C = S + 1j * real((3, 3))
H = S + S.T
HC = C + C.conj().T
POS = S @ S.T + np.eye(3)
POSC = C @ C.conj().T + np.eye(3)
B, V = real((3, 2)), real((3,))
PHASE = "only up to signs or phases the same"
NONE = "has no derivative"
UNDIFFERENTIATED: tuple[dict[str, Any], ...] = ({"order": 0, "why": "JAX has no derivative"}, {"jax": False})
PIVOTS, ORDER = np.array([1, 2, 2], np.int32), np.array([2, 0, 1], np.int32)


def first(f: Any, *args: Any, **options: Any) -> Any:
    """The first result."""
    return f(*args, **options)[0]


def rebuilt_svd(f: Any, x: Any, **options: Any) -> Any:
    """What does not depend on signs: singular values, and a function of the matrix."""
    n = home(f, "numpy")
    u, s, vh = f(x, full_matrices=False, **options)
    return s, u @ (n.sin(s)[..., None] * vh)


def rebuilt_eigh(f: Any, x: Any, **options: Any) -> Any:
    """Eigenvalues, and the sine of the matrix."""
    n = home(f, "numpy")
    v, w = f(x, **options)
    return w, (v * n.sin(w)[..., None, :]) @ n.conj(n.swapaxes(v, -1, -2))


def rebuilt_schur(f: Any, x: Any, **options: Any) -> Any:
    """The matrix again, and the eigenvalues on the diagonal."""
    n = home(f, "numpy")
    t, q = f(x, **options)
    return q @ t @ n.conj(n.swapaxes(q, -1, -2))


FACTORS = [
    *[
        Case("cholesky", (x,), {"symmetrize_input": s}, complex=False)
        for x, s in ((POS, True), (POSC, True), (np.stack([POS, H @ H]), True))
    ],
    Case("cholesky", (POS,), {"symmetrize_input": False}, lambda f, x, **o: f((x + x.T) / 2, **o), complex=False),
    *[Case("lu", (x,), call=first) for x in (S, TALL, FLAT, C, MANY)],
    *[Case("lu", (x,), call=lambda f, x: f(x)[1:], order=0, why="pivots") for x in (S, TALL, MANY)],
    *[Case("qr", (x,), {"full_matrices": False}, single=1e-3) for x in (S, TALL, C, MANY)],
    *[
        Case("qr", (x,), {"full_matrices": full}, order=0, why="has no derivative for such shapes")
        for x, full in ((TALL, True), (FLAT, True), (FLAT, False))
    ],
    Case("qr", (S,), {"pivoting": True}, lambda f, x, pivoting: f(x, pivoting=pivoting)[2], order=0, why="pivots"),
    Case("qr", (S,), {"full_matrices": False}, lambda f, x, **o: f(x, pivoting=True, **o)[:2], jax=False,
         id="pivoting"),
    *[Case("svd", (x,), call=rebuilt_svd, single=1e-3) for x in (S, TALL, FLAT, C, MANY)],
    *[Case("svd", (x,), {"compute_uv": False}) for x in (S, TALL, FLAT, MANY)],
    *[
        Case("svd", (x,), {"full_matrices": True}, lambda f, x, **o: f(x, **o)[1], order=0, why=NONE)
        for x in (TALL, FLAT)
    ],
    *[
        Case("eigh", (x,), o, rebuilt_eigh, complex=False, single=1e-3)
        for x, o in ((H, {}), (HC, {}), (np.stack([H, POS]), {}), (S, {"symmetrize_input": True}))
    ],
    *[
        Case("eigh", (S,), {"lower": lower}, lambda f, x, lower: f(x, lower=lower, symmetrize_input=False)[1],
             order=0, why="of one triangle alone")
        for lower in (True, False)
    ],
    *[
        Case("eig", (x,), {"compute_left_eigenvectors": False, "compute_right_eigenvectors": False}, single=1e-3)
        for x in (S, C)
    ],
    Case("eig", (S,), call=lambda f, x: home(f, "numpy").abs(f(x)[2]), order=0, why=PHASE, id="vectors"),
    *[Case("schur", (x,), call=rebuilt_schur, order=0, why=NONE, single=1e-3) for x in (S, C)],
    Case("schur", (C,), {"compute_schur_vectors": False}, lambda f, x, **o: f(x, **o)[0].diagonal(), order=0,
         why=NONE),
    *[Case("hessenberg", (x,), order=0, why=NONE) for x in (spread(real((4, 4))), C, MANY)],
    *[
        Case("tridiagonal", (x,), {"lower": lower}, order=0, why=NONE)
        for x in (S, C, spread(real((4, 4))), MANY)
        for lower in (True, False)
    ],
    *[Case("qdwh", (x,), order=0, why=NONE, single=None) for x in (S, TALL, C)],
    *[
        Case("householder_product", (x, t), **o)
        for x, t in ((real((4, 2)), real((2,))), (real((3, 3)), real((3,))), (real((2, 3, 2)), real((2, 1))))
        for o in UNDIFFERENTIATED
    ],
    *[
        Case("ormqr", (real((4, 2)), real((2,)), real(c)), {"left": left, "transpose": t}, **o)
        for o in UNDIFFERENTIATED
        for c, left, t in (((4, 3), True, False), ((4, 3), True, True), ((3, 4), False, False))
    ],
]  # fmt: skip

SOLVES = [
    *[
        Case("triangular_solve", (a, b), o)
        for a, b, o in (
            (S, B, {"left_side": True, "lower": True}), (S, B, {"left_side": True, "transpose_a": True}),
            (S, B.T, {"lower": True}), (S, B.T, {"lower": True, "transpose_a": True}),
            (S, B, {"left_side": True, "unit_diagonal": True}), (MANY, real((2, 3, 1)), {"left_side": True}),
            (C, C[:, :2], {"left_side": True, "lower": True, "transpose_a": True, "conjugate_a": True}),
        )
    ],
    Case("tridiagonal_solve", (real((4,)), 3 + real((4,), (0.0, 1.0)), real((4,)), real((4, 2)))),
    Case("tridiagonal_solve", (real((2, 3)), 3 + real((2, 3), (0.0, 1.0)), real((2, 3)), real((2, 3, 1))), id="many"),
    *[Case("lu_solve", (S, B), {"trans": t}, lambda f, x, b, trans: f(x, ORDER, b, trans), jax=False)
      for t in (0, 1, 2)],
    Case("lu_solve", (S, V), call=lambda f, x, b: f(x, ORDER, b), id="vector", jax=False),  # there not public
    *[Case("lu_pivots_to_permutation", (PIVOTS,), {"permutation_size": n}, order=0) for n in (3, 5)],
    Case("symmetric_product", (FLAT, H[:2, :2]), {"alpha": 0.5, "beta": 2.0}, lambda f, a, c, **o: f(
        a, c, symmetrize_output=True, **o), jax=False),  # there the derivative fails
    *[Case("symmetric_product", (FLAT, H[:2, :2]), {"alpha": 0.5, "beta": 2.0}, **o) for o in UNDIFFERENTIATED[:1]],
    *[Case("cholesky_update", (np.linalg.cholesky(POS).T, V), complex=False, **o) for o in UNDIFFERENTIATED],
]  # fmt: skip

ROWS = [*FACTORS, *SOLVES]
