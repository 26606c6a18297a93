"""Vector quantisation."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import argmin, asarray, min, sqrt, square, sum
from gradcli.numpy._base import value_error
from gradcli.scipy.stats._base import common_dtype


def vq(obs: Any, code_book: Any, check_finite: bool = True) -> tuple[Any, Any]:
    """The index of the nearest row of ``code_book`` [k, n] for each of ``obs`` [m, n], and its distance.

    Vectors [m] and [k] are columns. ``check_finite`` has no effect. Raises ValueError where the shapes do not fit.

    >>> import numpy as np
    >>> print(vq(np.array([0.1, 2.0]), np.array([0.0, 3.0]))[0])
    [0 1]
    """
    obs, code_book = common_dtype(asarray(obs), asarray(code_book))
    if obs.ndim != code_book.ndim or obs.ndim not in (1, 2) or obs.shape[1:] != code_book.shape[1:]:
        raise value_error(f"vq needs observations [m, n] and codes [k, n], got {obs.type} and {code_book.type}")
    rows, codes = obs.reshape(obs.shape[0], -1), code_book.reshape(code_book.shape[0], -1)
    squares = sum(square(rows[:, None, :] - codes), -1)
    return argmin(squares, 1), sqrt(min(squares, 1))
