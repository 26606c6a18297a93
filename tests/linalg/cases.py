"""The table: what is computed, of which matrices. ``n`` is gradcli.numpy, NumPy or jax.numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """A function of a module and of matrices of these shapes; what it can be compared and differentiated with."""

    f: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    kinds: str = "fc"
    batched: bool = True  # takes leading axes
    numpy: bool = True  # is the same function in NumPy
    jax: bool = True


def h(n: Any, x: Any) -> Any:
    """The conjugate transposes."""
    return n.conj(n.swapaxes(x, -1, -2))


def positive(n: Any, x: Any) -> Any:
    """A positive definite matrix made of a square one."""
    return n.matmul(x, h(n, x)) + n.eye(x.shape[-1], dtype=x.dtype)


def plain(out: Any) -> list[Any]:
    """The results as a list."""
    return list(out) if isinstance(out, (tuple, list)) else [out]


SQUARE, TALL, WIDE = (4, 4), (5, 3), (3, 5)
MATRICES = {"square": SQUARE, "tall": TALL, "wide": WIDE}


def _of_each_shape(name: str, f: Callable[..., Any], **rest: Any) -> dict[str, Case]:
    return {f"{name} {kind}": Case(f, (shape,), **rest) for kind, shape in MATRICES.items()}


CASES: dict[str, Case] = {
    "cholesky": Case(lambda n, x: n.linalg.cholesky(positive(n, x)), (SQUARE,)),
    "cholesky upper": Case(lambda n, x: n.linalg.cholesky(positive(n, x), upper=True), (SQUARE,)),
    "eigvals": Case(lambda n, x: n.linalg.eigvals(x), (SQUARE,)),
    "eigvalsh": Case(lambda n, x: n.linalg.eigvalsh(x + h(n, x)), (SQUARE,)),
    "eigvalsh upper": Case(lambda n, x: n.linalg.eigvalsh(x + h(n, x), "U"), (SQUARE,)),
    "eigh": Case(lambda n, x: (lambda w, v: [w, n.abs(v)])(*n.linalg.eigh(x + h(n, x))), (SQUARE,)),
    **_of_each_shape("qr", lambda n, x: plain(n.linalg.qr(x))),
    **_of_each_shape("qr complete", lambda n, x: plain(n.linalg.qr(x, "complete"))),
    "qr r": Case(lambda n, x: n.linalg.qr(x, "r"), (TALL,)),
    **_of_each_shape("svdvals", lambda n, x: n.linalg.svdvals(x)),
    **_of_each_shape(
        "svd", lambda n, x: (lambda u, s, v: [n.abs(u), s, n.abs(v)])(*n.linalg.svd(x, full_matrices=False))
    ),
    "svd product": Case(
        lambda n, x: (lambda u, s, v: n.matmul(u * n.sin(s)[..., None, :], v))(*n.linalg.svd(x, full_matrices=False)),
        (TALL,),
    ),
    "svd hermitian": Case(
        lambda n, x: (lambda u, s, v: [n.abs(u), s, n.abs(v)])(*n.linalg.svd(x + h(n, x), hermitian=True)), (SQUARE,)
    ),
    "solve matrix": Case(lambda n, a, b: n.linalg.solve(a, b), (SQUARE, (4, 2))),
    "solve vector": Case(lambda n, a, b: n.linalg.solve(a, b), (SQUARE, (4,)), batched=False),
    "inv": Case(lambda n, x: n.linalg.inv(x), (SQUARE,)),
    "inv 1x1": Case(lambda n, x: n.linalg.inv(x), ((1, 1),)),
    **{f"det {k}": Case(lambda n, x: n.linalg.det(x), ((k, k),)) for k in (1, 2, 3, 4)},
    **{f"slogdet {k}": Case(lambda n, x: plain(n.linalg.slogdet(x)), ((k, k),)) for k in (1, 2, 4)},
    "slogdet qr": Case(lambda n, x: plain(n.linalg.slogdet(x, method="qr")), (SQUARE,), "f", numpy=False),
    **_of_each_shape("pinv", lambda n, x: n.linalg.pinv(x)),
    "pinv hermitian": Case(lambda n, x: n.linalg.pinv(x + h(n, x), hermitian=True), (SQUARE,)),
    "lstsq": Case(lambda n, a, b: plain(n.linalg.lstsq(a, b)[:2]), (TALL, (5, 2)), batched=False),
    "lstsq vector": Case(lambda n, a, b: n.linalg.lstsq(a, b)[0], (TALL, (5,)), batched=False),
    "lstsq wide": Case(lambda n, a, b: n.linalg.lstsq(a, b)[0], (WIDE, (3, 2)), batched=False),
    **{f"cond {p}": Case(lambda n, x, p=p: n.linalg.cond(x, p), (SQUARE,))
       for p in (None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc")},
    "matrix_rank": Case(lambda n, x: n.linalg.matrix_rank(n.matmul(x, h(n, x))), (TALL,)),
    **{f"matrix_power {k}": Case(lambda n, x, k=k: n.linalg.matrix_power(x, k), (SQUARE,)) for k in (-3, 0, 1, 5)},
    **{f"norm {p}": Case(lambda n, x, p=p: n.linalg.norm(x, p, (-2, -1)), (TALL,))
       for p in (None, 1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc")},
    **{f"vector norm {p}": Case(lambda n, x, p=p: n.linalg.norm(x, p, -1), (TALL,))
       for p in (None, 1, 2, 3, 0.5, np.inf, -np.inf)},
    "norm nuc keepdims": Case(lambda n, x: n.linalg.norm(x, "nuc", (-1, -2), keepdims=True), (WIDE,)),
    "matrix_norm": Case(lambda n, x: n.linalg.matrix_norm(x, ord=2), (TALL,)),
    "vector_norm": Case(lambda n, x: n.linalg.vector_norm(x, axis=-1), (TALL,)),
    "multi_dot": Case(
        lambda n, a, b, c: n.linalg.multi_dot([a, b, c, a]), (TALL, (3, 2), (2, 5)), batched=False
    ),
    "multi_dot vectors": Case(lambda n, a, b, c: n.linalg.multi_dot([a, b, c]), ((5,), TALL, (3,)), batched=False),
    "tensorsolve": Case(lambda n, a, b: n.linalg.tensorsolve(a, b), ((2, 3, 6), (2, 3)), batched=False),
    "tensorsolve axes": Case(
        lambda n, a, b: n.linalg.tensorsolve(a, b, axes=(0, 2)), ((2, 6, 3), (6,)), batched=False
    ),
    "tensorinv": Case(lambda n, a: n.linalg.tensorinv(a), ((2, 3, 6),), batched=False),
    "tensordot": Case(lambda n, a, b: n.linalg.tensordot(a, b, axes=1), (TALL, (3, 2)), batched=False),
    "cross": Case(lambda n, a, b: n.linalg.cross(a, b), (TALL, TALL)),
    "outer": Case(lambda n, a, b: n.linalg.outer(a, b), ((3,), (2,)), batched=False),
    "vecdot": Case(lambda n, a, b: n.linalg.vecdot(a, b), (TALL, TALL)),
    "matmul": Case(lambda n, a, b: n.linalg.matmul(a, b), (TALL, WIDE)),
    "trace": Case(lambda n, x: n.linalg.trace(x, offset=1), (TALL,)),
    "diagonal": Case(lambda n, x: n.linalg.diagonal(x, offset=-1), (TALL,)),
    "matrix_transpose": Case(lambda n, x: n.linalg.matrix_transpose(x), (TALL,)),
}  # fmt: skip


def arguments(case: Case, dtype: Any, lead: tuple[int, ...] = (), seed: int = 0) -> list[Any]:
    """Well-conditioned matrices of that dtype, the same ones in every precision."""
    rng = np.random.default_rng(seed)
    out = []
    for shape in case.shapes:
        x = rng.normal(size=(*lead, *shape))
        if np.dtype(dtype).kind == "c":
            x = x + 1j * rng.normal(size=x.shape)
        if len(shape) == 2 and shape[0] == shape[1]:
            x = x + 2 * np.diag(np.arange(1.0, shape[0] + 1) * (-1) ** np.arange(shape[0]))
        out.append(x.astype(dtype))
    return out
