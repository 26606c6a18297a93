"""``autograd.scipy.linalg.solve_banded``: linear systems of band matrices, with derivatives in time linear in the size.

A band matrix A is stored as ``ab[u + i - j, j] = A[i, j]``, with l diagonals below and u above the main one.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.autogradnames.values import isbox, plain
from gradcli.engine.callbacks import pure_callback
from gradcli.engine.custom import custom_vjp
from gradcli.engine.staging import ShapeDtypeStruct


def _rows(bands: tuple[int, int], n: int) -> tuple[Any, Any]:
    """Of each place of ``ab`` the row of A that it stands for, and whether there is one."""
    rows = np.arange(sum(bands) + 1)[:, None] - bands[1] + np.arange(n)
    inside = (rows >= 0) & (rows < n)
    return np.where(inside, rows, 0), inside


def _transposed(bands: tuple[int, int], ab: Any) -> Any:
    """The transpose of A, stored likewise with u diagonals below and l above."""
    places, inside = _rows(bands[::-1], ab.shape[1])
    return gnp.where(inside, gnp.flip(ab, 0)[np.arange(ab.shape[0])[:, None], places], 0)


def _solved(bands: tuple[int, int], ab: Any, b: Any) -> Any:
    """The solution as NumPy's array: SciPy's, or that of the full matrix where SciPy is not installed."""
    if find_spec("scipy"):
        return import_module("scipy.linalg").solve_banded(bands, ab, b)
    places, inside = _rows(bands, ab.shape[1])
    full = np.zeros((ab.shape[1],) * 2, np.result_type(ab, b))
    np.add.at(full, (places, np.arange(ab.shape[1])[None]), np.where(inside, ab, 0))
    return np.linalg.solve(full, b)


def _value(bands: tuple[int, int], ab: Any, b: Any) -> Any:
    out = ShapeDtypeStruct(b.shape, gnp.result_type(ab, b))
    return pure_callback(lambda m, v: _solved(bands, m, v), out, ab, b, vmap_method="sequential")


def _fwd(bands: tuple[int, int], ab: Any, b: Any) -> Any:
    x = _solve(bands, ab, b)
    return x, (ab, x)


def _bwd(bands: tuple[int, int], residuals: Any, g: Any) -> Any:
    ab, x = residuals
    dual = _solve(bands[::-1], _transposed(bands, ab), g)
    places, inside = _rows(bands, ab.shape[1])
    product = dual[places] * x[None]
    return gnp.where(inside, -(product.sum(-1) if x.ndim == 2 else product), 0), dual


_solve: Any = custom_vjp(_value, nondiff_argnums=(0,))
_solve.defvjp(_fwd, _bwd)


def solve_banded(l_and_u: Any, ab: Any, b: Any, *_: Any, **__: Any) -> Any:
    """The solution of ``A @ x == b``; l_and_u: how many diagonals A has below and above the main one.

    ab: [l + u + 1, n]; b: [n] or [n, k]. It can be differentiated in reverse mode by ``ab`` and ``b``.
    """
    bands = (int(l_and_u[0]), int(l_and_u[1]))
    if not (isbox(ab) or isbox(b)):
        return _solved(bands, np.asarray(plain(ab)), np.asarray(plain(b)))
    return plain(_solve(bands, gnp.asarray(ab) * 1.0, gnp.asarray(b) * 1.0))
