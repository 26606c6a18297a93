"""Linear algebra: factorisations and solves of the matrices in the last two axes, one family a file.

Importing the package defines all of them; nothing else of the engine imports it, so that starting does not pay for it.
"""

from gradcli.engine.ops.blas import small_matrices
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.ops.linalg import cholesky as cholesky
from gradcli.engine.ops.linalg import eig as eig
from gradcli.engine.ops.linalg import eigh as eigh
from gradcli.engine.ops.linalg import hessenberg as hessenberg
from gradcli.engine.ops.linalg import lu as lu
from gradcli.engine.ops.linalg import qr as qr
from gradcli.engine.ops.linalg import schur as schur
from gradcli.engine.ops.linalg import solve as solve
from gradcli.engine.ops.linalg import svd as svd
from gradcli.engine.ops.linalg import triangular as triangular
from gradcli.engine.ops.linalg import tridiagonal as tridiagonal

for primitive in REGISTRY.values():
    if primitive.family == "linalg":
        primitive.run = small_matrices(primitive.impl)
