"""Products of matrices whose elements have scales by block."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.dot import dot_general
from gradcli.numpy import asarray, repeat
from gradcli.numpy._base import value_error


def scaled_matmul(
    lhs: Any, rhs: Any, lhs_scales: Any, rhs_scales: Any, preferred_element_type: Any = np.float32
) -> Any:
    """``lhs`` [b, m, k] times the transpose of ``rhs`` [b, n, k], blocks along ``k`` multiplied by their scales first.

    lhs_scales: [b, m, p], rhs_scales: [b, n, q], where ``p`` and ``q`` divide ``k``. Products and sums are computed
    in float32. Raises ValueError where shapes do not fit.

    >>> a, b, half = np.array([[[1.0, 2.0, 3.0]]]), np.array([[[4.0, 5.0, 6.0]]]), np.array([[[0.5]]])
    >>> print(scaled_matmul(a, b, half, half))
    [[[8.]]]
    """
    operands = [(asarray(x), asarray(y)) for x, y in ((lhs, lhs_scales), (rhs, rhs_scales))]
    for x, scale in operands:
        if x.ndim != 3 or scale.ndim != 3 or x.shape[:2] != scale.shape[:2] or x.shape[2] % max(scale.shape[2], 1):
            raise value_error(f"scaled_matmul of {x.type} with scales {scale.type}: blocks along k must divide it")
    lhs, rhs = operands[0][0], operands[1][0]
    if lhs.shape[0] != rhs.shape[0] or lhs.shape[2] != rhs.shape[2]:
        raise value_error(
            f"scaled_matmul needs [b, m, k] and [b, n, k], got {operands[0][0].type}, {operands[1][0].type}"
        )
    left, right = (
        e.mul(*(e.convert_element_type(v, np.float32) for v in (x, repeat(y, x.shape[2] // y.shape[2], axis=2))))
        for x, y in operands
    )
    out = dot_general(left, right, (((2,), (2,)), ((0,), (0,))))
    return e.convert_element_type(out, preferred_element_type)
