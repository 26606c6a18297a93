"""The polar decomposition by Halley's iteration with weights.

Y. Nakatsukasa, Z. Bai and F. Gygi, *Optimizing Halley's iteration for computing the matrix polar decomposition*,
SIAM J. Matrix Anal. Appl. 31, 2010.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.engine.array import type_of
from gradcli.engine.control.loop import while_loop
from gradcli.engine.ops.linalg.qr import qr
from gradcli.numpy._base import type_error


def qdwh(
    x: Any, *, is_hermitian: bool = False, max_iterations: int | None = None, eps: float | None = None,
    dynamic_shape: tuple[int, int] | None = None,
) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """``u`` with orthonormal columns, Hermitian ``h`` with ``x == u @ h``, the steps taken, and whether they sufficed.

    x: [n, m] of full rank, n >= m. ``is_hermitian`` has no effect. A step whose change is below ``(4 * eps)**(1/3)`` of
    the iterate is the last; eps: default that of the dtype. Raises TypeError for other shapes and dtypes, and for a
    ``dynamic_shape``. Reverse mode does not go through its loop.

    >>> u, h, _, converged = qdwh(np.array([[0.0, 2.0], [1.0, 0.0]]))
    >>> print(abs(gnp.round(h, 12)), converged)
    [[1. 0.]
     [0. 2.]] True
    """
    x = gnp.asarray(x)
    if x.ndim != 2 or x.shape[0] < x.shape[1] or x.dtype.kind not in "fc" or dynamic_shape is not None:
        raise type_error(f"qdwh needs a matrix [n, m] of floats with n >= m, and no dynamic_shape, got {type_of(x)}")
    small = float(np.finfo(x.dtype).eps) if eps is None else eps
    size = gnp.sqrt(gnp.linalg.norm(x, 1) * gnp.linalg.norm(x, np.inf))
    real = size.dtype.type
    most = 10 if max_iterations is None else max_iterations

    def going(state: Any) -> Any:
        _, _, step, still = state
        return still & (step < most)

    def improve(state: Any) -> Any:
        u, low, step, _ = state
        new, low = _step(u, low)
        moved = gnp.linalg.norm(new - u) > (4 * small) ** (1 / 3) * gnp.linalg.norm(new)
        return new, low, step + 1, moved | (gnp.abs(1 - low) > 5 * small)

    start = (x / size, gnp.asarray(real(small)), gnp.asarray(0), np.True_)
    u, _, steps, still = while_loop(going, improve, start)
    h = gnp.conj(u.T) @ x
    return u, (h + gnp.conj(h.T)) / 2, steps, ~still


def _step(u: Any, low: Any) -> tuple[Any, Any]:
    """The next iterate, and a lower bound of its singular values, by QR of the iterate over the identity."""
    square = low * low
    d = gnp.cbrt(4 * (1 - square) / (square * square))
    root = gnp.sqrt(1 + d)
    a = root + gnp.sqrt(8 - 4 * d + 8 * (2 - square) / (square * root)) / 2
    b = (a - 1) ** 2 / 4
    c = a + b - 1
    n = u.shape[0]
    q, _ = qr(gnp.concatenate([gnp.sqrt(c) * u, gnp.eye(u.shape[1], dtype=u.dtype)]), full_matrices=False)
    new = (b / c) * u + ((a - b / c) / gnp.sqrt(c)) * (q[:n] @ gnp.conj(q[n:].T))
    return new, low * (a + b * square) / (1 + c * square)
