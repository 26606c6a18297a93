"""bfloat16: kept as float32, rounded after every operation, and promoted and printed as JAX does."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradcli.numpy as gnp
from gradcli import lax, nn, random
from gradcli.conformance.row import Row
from gradcli.conformance.table import rows
from gradcli.engine.api import grad, hessian, jit, jvp, make_jaxpr, vmap
from gradcli.engine.array import raw
from gradcli.engine.ir.bfloat16 import BFLOAT16, rounded
from gradcli.engine.settings import override
from gradcli.engine.tree import tree_leaves

V = gnp.asarray([0.1, -1.7, 2.3], gnp.bfloat16)
M = gnp.asarray([[0.3, 1.1], [-0.7, 2.2]], gnp.bfloat16)


def mixed(x: Any) -> Any:
    return gnp.sum(gnp.tanh(x) * gnp.exp(-x) + x**3)


def looped(x: Any) -> Any:
    carry, ys = lax.scan(lambda c, v: (c * v + v, gnp.sin(c)), x[0], x)
    return carry + gnp.sum(ys) + lax.fori_loop(0, 5, lambda i, c: c * x[1] - x[2], x[0])


def chosen(x: Any) -> Any:
    return lax.cond(x[0] > 0, lambda v: gnp.sum(v * v), lambda v: gnp.sum(v), x) + gnp.max(gnp.where(x > 0, x, -x))


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "mixed": mixed,
    "looped": looped,
    "chosen": chosen,
    "matmul": lambda x: gnp.sum(M @ x[:2]),
    "einsum": lambda x: gnp.einsum("i,j->", x, x),
    "softmax": lambda x: nn.softmax(x)[0],
    "gathered": lambda x: gnp.sum(x[np.array([2, 0, 2])] ** 2) + x.at[1].set(x[0])[1],
    "jitted": jit(mixed),
    "mean": lambda x: gnp.mean(x) + gnp.std(x),
}


@given(st.floats(width=32))
def test_rounding_is_to_the_nearest(x: float) -> None:
    found = rounded(x)
    if not np.isfinite(x):
        assert np.array_equal(found, x, equal_nan=True)
        return
    assert np.float32(found).view(np.uint32) & 0xFFFF == 0
    with np.errstate(over="ignore"):
        near = [np.nextafter(np.float32(found), np.float32(s)).view(np.uint32) for s in (-np.inf, np.inf)]
    assert len(near) == 2
    if np.isfinite(found):
        others = [raw(gnp.nextafter(gnp.asarray(found, gnp.bfloat16), gnp.asarray(s * np.inf, gnp.bfloat16)))
                  for s in (-1, 1)]  # fmt: skip
        assert all(abs(float(found) - x) <= abs(float(o) - x) for o in others)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_derivatives_are_those_of_float32_rounded(name: str) -> None:
    f, wide = FUNCTIONS[name], V.astype("float32")
    with override(precision="float32"):
        for of in (f, jit(f), grad(f), jit(grad(f)), lambda x: jvp(f, (x,), (x,))[1]):
            found, expected = of(V), of(wide)
            assert found.dtype is BFLOAT16
            assert np.array_equal(rounded(raw(found)), raw(found))
            np.testing.assert_allclose(raw(found), raw(expected), rtol=0.06, atol=0.06)


def test_higher_orders_and_batches() -> None:
    assert hessian(lambda x: gnp.sum(x**3))(V).dtype is BFLOAT16
    np.testing.assert_allclose(raw(hessian(lambda x: gnp.sum(x**3))(V)), np.diag(6 * raw(V)), rtol=0.02)
    each = vmap(grad(lambda x: x * gnp.sin(x)))(V)
    assert np.array_equal(raw(each), [raw(grad(lambda x: x * gnp.sin(x))(x)) for x in V])


def test_programs_say_so() -> None:
    program = str(make_jaxpr(lambda x: gnp.sin(x) * 2)(V))
    assert program.split("let")[1].split() == "b:bf16[3] = sin a c:bf16[3] = mul b 2.0:bf16[] in (c,) }".split()


def test_sums_are_kept_in_float32() -> None:
    many = gnp.full((4096,), 1.0, gnp.bfloat16)
    assert float(gnp.sum(many)) == 4096.0
    assert float(gnp.mean(many)) == 1.0


def test_what_it_looks_like() -> None:
    assert repr(V) == "Array([0.100098, -1.70312, 2.29688], dtype=bfloat16)"
    assert str(V[0]) == "0.100098"
    assert V.dtype == gnp.bfloat16 == "bfloat16" and V.dtype != np.float16 and V.itemsize == 2
    assert gnp.finfo(gnp.bfloat16).eps == 0.0078125
    assert gnp.issubdtype(gnp.bfloat16, gnp.floating) and not gnp.issubdtype(V.dtype, gnp.float16)
    again = pickle.loads(pickle.dumps(V))
    assert again.dtype is BFLOAT16 and np.array_equal(raw(again), raw(V))
    assert np.asarray(V).dtype == np.float32


def test_bits() -> None:
    bits = lax.bitcast_convert_type(V, np.uint16)
    assert [hex(b) for b in bits.tolist()] == ["0x3dcd", "0xbfda", "0x4013"]
    assert np.array_equal(raw(lax.bitcast_convert_type(bits, gnp.bfloat16)), raw(V))
    mantissa, exponent = gnp.frexp(V)
    assert np.array_equal(raw(gnp.ldexp(mantissa, exponent)), raw(V))


@pytest.fixture(scope="module")
def jax() -> Any:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


@pytest.mark.oracle
def test_promotion_is_jaxs(jax: Any) -> None:
    names = "bool int8 int64 uint8 uint32 float16 bfloat16 float32 float64 complex64 complex128".split()
    for a, b in itertools.product(names, ["bfloat16"]):
        assert gnp.promote_types(a, b).name == jax.numpy.promote_types(a, b).name, (a, b)
        assert gnp.issubdtype(a, b) == jax.numpy.issubdtype(a, b)
        assert gnp.can_cast(a, b) == jax.numpy.can_cast(a, b), (a, b)
    for scalar in (True, 1, 1.5, 1j):
        assert (V * scalar).dtype.name == (jax.numpy.ones(3, "bfloat16") * scalar).dtype.name


@pytest.mark.oracle
def test_random_numbers_are_jaxs(jax: Any) -> None:
    mine, theirs = random.key(3), jax.random.key(3)
    for name in ("uniform", "normal", "gumbel", "laplace"):
        found = getattr(random, name)(mine, (50,), gnp.bfloat16)
        expected = getattr(jax.random, name)(theirs, (50,), jax.numpy.bfloat16)
        np.testing.assert_allclose(raw(found), np.asarray(expected, np.float32), rtol=0.02)


def is_float(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype == np.float64


CHOSEN = [
    row
    for row in rows()
    if row.jax and row.space in ("numpy", "lax", "nn") and len(row.arrays) in (1, 2) and all(map(is_float, row.arrays))
]


@pytest.mark.oracle
@pytest.mark.parametrize("row", CHOSEN[::4], ids=str)
def test_rows_of_the_table_are_jaxs(row: Row, jax: Any) -> None:
    try:
        expected = row.of("jax")(*[jax.numpy.asarray(a).astype("bfloat16") for a in row.arrays])
    except (TypeError, ValueError, NotImplementedError):
        pytest.skip("not in JAX")
    found = row.of("gradcli")(*[gnp.asarray(a).astype("bfloat16") for a in row.arrays])
    for mine, theirs in zip(tree_leaves(found), jax.tree.leaves(expected), strict=True):
        if hasattr(theirs, "dtype"):
            assert mine.dtype.name == theirs.dtype.name
        np.testing.assert_allclose(np.asarray(mine, complex), np.asarray(theirs).astype(complex), rtol=0.03, atol=0.02)
