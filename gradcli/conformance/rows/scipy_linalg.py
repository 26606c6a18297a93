"""Rows of ``gradcli.scipy.linalg``: systems, factorisations, functions of matrices, special matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.conformance.row import Draw, Row, home, rows_of

Case = rows_of("scipy.linalg")
real = Draw(32)

S = real((3, 3)) + np.diag([2.0, -3.0, 4.5])
MANY = real((2, 3, 3)) + np.diag([2.0, -3.0, 4.5])
TALL = real((4, 2)) + np.eye(4, 2) * 2
C = S + 1j * real((3, 3))
H, POS = S + S.T, S @ S.T + np.eye(3)
HC = C + C.conj().T
NEAR = 0.4 * real((3, 3))
B, V = real((3, 2)), real((3,))
ONCE, NONE = "its Schur form has no derivative", "it has no derivative"


def const(name: str, *args: Any) -> Row:
    """A matrix of integers' making."""
    return Case(name, (), call=lambda f: f(*args), order=0, id="-".join(map(str, args)), numpy=False)


def sine(f: Any, x: Any, **options: Any) -> Any:
    """Eigenvalues, and the sine of the matrix."""
    n = home(f, "numpy")
    w, v = f(x, **options)
    return w, (v * n.sin(w)[..., None, :]) @ n.conj(n.swapaxes(v, -1, -2))


def again(f: Any, x: Any) -> Any:
    """The matrix again."""
    p, low, up = f(x)
    return p @ low @ up, low, up


def complex_schur(f: Any, x: Any) -> Any:
    """The matrix again, from its complex Schur form."""
    t, z = f(*home(f, "scipy.linalg").schur(x))
    return z @ t @ z.conj().T


def solved(f: Any, x: Any, y: Any) -> Any:
    """By the factors of the same module."""
    module = home(f, "scipy.linalg")
    return f(module.lu_factor(x) if f.__name__ == "lu_solve" else module.cho_factor(x), y)


SYSTEMS = [
    *[Case("solve", (a, b), {"assume_a": "gen"}) for a, b in ((S, V), (S, B), (C, V))],
    Case("solve", (POS, V), call=lambda f, x, y: f((x + x.T) / 2, y, assume_a="pos"), complex=False),
    *[Case("solve_triangular", (S, b), {"lower": low, "trans": t}) for b, low, t in ((V, True, 0), (B, False, 1))],
    *[Case("inv", (a,)) for a in (S, C)],
    *[Case("det", (a,)) for a in (S, MANY)],
    Case("lu_solve", (S, V), call=solved),
    Case("cho_solve", (POS, V), call=lambda f, x, y: solved(f, (x + x.T) / 2, y), complex=False),
    Case("solve_sylvester", (S, POS[:2, :2], B), single=1e-3, jax=False),  # there without derivative
]

FACTORS = [
    *[
        Case("cholesky", (POS,), {"lower": low}, lambda f, x, lower: f((x + x.T) / 2, lower=lower), complex=False)
        for low in (False, True)
    ],
    Case("cho_factor", (POS,), call=lambda f, x: home(f, "numpy").triu(f((x + x.T) / 2)[0]), complex=False),
    *[Case("lu", (a,), call=again, jax=a.ndim == 2) for a in (S, MANY, C)],  # there of one matrix
    Case("lu_factor", (S,), call=lambda f, x: f(x)[0]),
    *[Case("eigh", (a,), call=sine, complex=False) for a in (H, HC)],
    Case("eigh_tridiagonal", (V, real((2,))), {"eigvals_only": True}, complex=False, order=0, single=None,
         why="found by bisection"),
    Case("svd", (TALL,), {"compute_uv": False}),
    Case("qr", (TALL,), {"mode": "economic"}, lambda f, x, mode: (lambda q, r: q @ r)(*f(x, mode=mode))),
    Case("qr_multiply", (TALL, real((3, 4))), call=lambda f, a, c: (lambda cq, r: cq @ r)(*f(a, c)),
         jax=False),  # there without derivative
    Case("hessenberg", (S,), call=lambda f, x: (lambda h, q: q @ h @ q.T)(*f(x, calc_q=True)), order=0, why=NONE),
    Case("schur", (S,), call=lambda f, x: (lambda t, z: z @ t @ z.T)(*f(x)), order=0, why=NONE),
    Case("rsf2csf", (S,), call=complex_schur, order=0, why=NONE, single=1e-3),
    Case("polar", (S,), call=lambda f, x: f(x)[0], single=1e-3, complex=False, jax=False),  # there without reverse mode
]

FUNCTIONS = [
    *[Case("expm", (a,)) for a in (NEAR, 3 * S, MANY)],
    Case("expm_frechet", (NEAR, real((3, 3))), {"compute_expm": False}),
    Case("sqrtm", (POS,), order=0, why=ONCE, single=1e-3),
    *[Case("funm", (a,), call=lambda f, x: f(x, home(f, "numpy").cos), single=1e-3, jax=False, complex=False)
      for a in (S, C)],  # there without derivative
    Case("block_diag", (S, B, V[None])),
    Case("toeplitz", (V, real((4,)))),
    *[Case(n, (V,)) for n in ("circulant", "hankel", "fiedler")],
    Case("companion", (np.array([2.0, -0.5, 1.5]),)),
    Case("fiedler_companion", (np.array([2.0, -0.5, 1.5]),)),
    Case("leslie", (V, real((2,)))),
    Case("convolution_matrix", (V,), {"n": 4}),
    *[const(n, 4) for n in ("dft", "hadamard", "helmert", "hilbert", "invhilbert", "invpascal")],
    Case("pascal", (), call=lambda f: f(4), order=0, id="4", numpy=False, jax=False),  # there in single precision
]

ROWS: list[Row] = [*SYSTEMS, *FACTORS, *FUNCTIONS]
