"""Which results have weak types: those that JAX's have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcli import numpy as gnp
from gradcli.engine.array import type_of
from gradcli.engine.tree import tree_leaves

BOTH = """
    add subtract multiply divide power remainder arctan2 maximum fmin copysign equal not_equal less greater_equal
    logical_and logical_or logical_xor isclose dot vdot inner outer kron where_ stack_ concatenate_ append full_like
""".split()
ONE = """
    abs negative sin exp sqrt log2 log10 isnan isinf isfinite real imag angle conj sign floor rint isreal iscomplex sum
    mean median std max argmax sort cumsum zeros_like ones_like logical_not square nan_to_num ravel diff spacing
    reciprocal
""".split()


def of(library: Any, name: str) -> Callable[..., Any]:
    """A function of a library's, of one or two values."""
    if name == "where_":
        return lambda x, y: library.where(np.True_, x, y)
    if name.endswith("_"):
        join = getattr(library, name[:-1])
        return lambda x, y: join([library.atleast_1d(x), library.atleast_1d(y)])
    return getattr(library, name)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "weak"),
    [("isnan", True), ("zeros_like", True), ("imag", True), ("log10", False), ("median", False), ("isinf", False)],
)
def test_of_one_number(name: str, weak: bool) -> None:
    assert type_of(getattr(gnp, name)(2.5)).weak_type is weak


@pytest.mark.parametrize("name", ["add", "dot", "stack_", "concatenate_", "hypot", "logaddexp", "equal"])
def test_of_two_numbers_and_of_a_number_and_an_array(name: str) -> None:
    f = of(gnp, name)
    assert type_of(f(2.5, 3.0)).weak_type
    assert not type_of(f(2.5, gnp.array([1.0]))).weak_type


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*ONE, *BOTH])
def test_weak_types_are_jaxs(name: str) -> None:
    jax = pytest.importorskip("jax")
    values: list[Any] = [3, 2.5, np.arange(3), np.arange(3.0), np.arange(3, dtype=np.float32), np.ones(3, bool)]
    with jax.enable_x64(True):
        for x in values:
            for y in values if name in BOTH else [None]:
                given = [v for v in (x, y) if v is not None]
                try:
                    wanted = of(jax.numpy, name)(*given)
                except (TypeError, ValueError):
                    continue  # JAX refuses these
                found = of(gnp, name)(*given)
                for a, b in zip(tree_leaves(found), jax.tree_util.tree_leaves(wanted), strict=True):
                    assert (a.dtype, type_of(a).weak_type) == (b.dtype, b.weak_type), given
