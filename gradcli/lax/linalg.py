"""Factorisations and solves, by the names of ``jax.lax.linalg``: the primitives and functions right above them.

>>> import numpy as np
>>> from gradcli.lax import linalg
>>> print(linalg.cholesky(np.array([[4.0, 2.0], [2.0, 5.0]])))
[[2. 0.]
 [1. 2.]]
"""

from __future__ import annotations

from gradcli.engine.ops.linalg.cholesky import cholesky as cholesky
from gradcli.engine.ops.linalg.cholesky import cholesky_p as cholesky_p
from gradcli.engine.ops.linalg.eig import eig as eig
from gradcli.engine.ops.linalg.eig import eig_p as eig_p
from gradcli.engine.ops.linalg.eigh import eigh as eigh
from gradcli.engine.ops.linalg.eigh import eigh_p as eigh_p
from gradcli.engine.ops.linalg.hessenberg import hessenberg as hessenberg
from gradcli.engine.ops.linalg.hessenberg import hessenberg_p as hessenberg_p
from gradcli.engine.ops.linalg.hessenberg import tridiagonal as tridiagonal
from gradcli.engine.ops.linalg.lu import lu as lu
from gradcli.engine.ops.linalg.lu import lu_p as lu_p
from gradcli.engine.ops.linalg.lu import lu_pivots_to_permutation as lu_pivots_to_permutation
from gradcli.engine.ops.linalg.lu import lu_pivots_to_permutation_p as lu_pivots_to_permutation_p
from gradcli.engine.ops.linalg.lu import lu_solve as lu_solve
from gradcli.engine.ops.linalg.products import cholesky_update as cholesky_update
from gradcli.engine.ops.linalg.products import ormqr as ormqr
from gradcli.engine.ops.linalg.products import symmetric_product as symmetric_product
from gradcli.engine.ops.linalg.qr import geqrf_p as geqrf_p
from gradcli.engine.ops.linalg.qr import householder_product as householder_product
from gradcli.engine.ops.linalg.qr import householder_product_p as householder_product_p
from gradcli.engine.ops.linalg.qr import qr as qr
from gradcli.engine.ops.linalg.qr import qr_p as qr_p
from gradcli.engine.ops.linalg.schur import schur as schur
from gradcli.engine.ops.linalg.schur import schur_p as schur_p
from gradcli.engine.ops.linalg.svd import svd as svd
from gradcli.engine.ops.linalg.svd import svd_p as svd_p
from gradcli.engine.ops.linalg.triangular import triangular_solve as triangular_solve
from gradcli.engine.ops.linalg.triangular import triangular_solve_p as triangular_solve_p
from gradcli.engine.ops.linalg.tridiagonal import tridiagonal_solve as tridiagonal_solve
from gradcli.engine.ops.linalg.tridiagonal import tridiagonal_solve_p as tridiagonal_solve_p
from gradcli.lax._polar import qdwh as qdwh

__all__ = [
    "cholesky", "cholesky_p", "cholesky_update", "eig", "eig_p", "eigh", "eigh_p", "geqrf_p", "hessenberg",
    "hessenberg_p", "householder_product", "householder_product_p", "lu", "lu_p", "lu_pivots_to_permutation",
    "lu_pivots_to_permutation_p", "lu_solve", "ormqr", "qdwh", "qr", "qr_p", "schur", "schur_p", "svd", "svd_p",
    "symmetric_product", "triangular_solve", "triangular_solve_p", "tridiagonal", "tridiagonal_solve",
    "tridiagonal_solve_p",
]  # fmt: skip
