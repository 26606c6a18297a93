"""The programs of ``gradcli.numpy`` are JAX's, primitive for primitive; where they are not, it is listed here, and why.

What is called inside of a program (``jit``, custom rules) is taken to be written out.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import gradcli.numpy as gnp
from gradcli.conformance.rows.numpy_functions import ROWS as TABLE
from gradcli.engine.api import make_jaxpr

DIFFERENT = {
    "constants that are known when it is traced are folded: masks, indices, offsets, counts": """
        corrcoef diag diagonal einsum repeat take take_along_axis trace tril triu vander""",
    "operands that have the shape, the dtype or the place already are not broadcast, converted or moved": """
        all any average clip column_stack count_nonzero cov cross fmod full_like heaviside kron linspace logspace max
        mean min mod nanmax nanmean nanmin nanstd nansum nanvar ones_like outer pad power prod remainder reshape roll
        rot90 std sum tile var zeros_like""",
    "another formula, which is right at more points": """
        angle copysign geomspace hypot isclose logaddexp logaddexp2 nan_to_num signbit sinc""",
    "one operation of NumPy's on all elements, where JAX has a loop, a search or a convolution": """
        convolve correlate digitize interp median nanmedian percentile polyval quantile searchsorted select""",
}
CALLS = ("jit", "pjit", "custom_jvp_call", "custom_vjp_call", "closed_call", "remat", "checkpoint")


def primitives(jaxpr: Any) -> Counter[str]:
    found: Counter[str] = Counter()
    for eqn in jaxpr.eqns:
        if eqn.primitive.name not in CALLS:
            found[eqn.primitive.name] += 1
        for value in eqn.params.values():
            for part in value if isinstance(value, (tuple, list)) else [value]:
                inner = getattr(part, "jaxpr", part)
                if hasattr(inner, "eqns"):
                    found += primitives(inner)
    return found


def test_the_list_has_each_function_once() -> None:
    names = " ".join(DIFFERENT.values()).split()
    assert len(names) == len(set(names)) and set(names) <= {case.name for case in TABLE}


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_programs_are_those_of_jax() -> None:
    jax = pytest.importorskip("jax")
    found: set[str] = set()
    compared = 0
    with jax.enable_x64(True):
        for case in TABLE:
            try:
                theirs = primitives(jax.make_jaxpr(case.function(jax.numpy))(*case.arrays).jaxpr)
            except (AttributeError, NotImplementedError, TypeError, ValueError):
                continue  # JAX does not have it, or not for these arguments
            compared += 1
            if primitives(make_jaxpr(case.function(gnp))(*case.arrays)) != theirs:
                found.add(case.name)
    assert compared > 0.95 * len(TABLE)
    assert sorted(found) == sorted(" ".join(DIFFERENT.values()).split())
