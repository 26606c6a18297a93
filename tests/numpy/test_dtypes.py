"""Dtypes and weakness of results: JAX's, for every combination of operand dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli.engine.settings import override

jax = pytest.importorskip("jax")
pytestmark = pytest.mark.oracle

DTYPES = [
    "bool", "int8", "int32", "int64", "uint8", "uint32", "uint64", "float32", "float64", "complex64", "complex128",
]  # fmt: skip
SCALARS = [True, 2, 2.5, 1j]
# JAX loses weakness in some inner jits, and lets complex operands of these pass.
WEAKNESS_DIFFERS = set(
    "hypot heaviside power logaddexp copysign isclose real abs polymul polyval convolve correlate kron".split()
)
REAL_ONLY = {"arctan2", "argmax", "nanargmax"}
UNARY = (
    "sin exp sqrt log1p square abs negative sign floor rint isnan reciprocal sum prod mean var max cumsum real conj "
    "any argmax round logical_not nan_to_num count_nonzero std sinc deg2rad exp2 cbrt signbit"
).split()
OF_VECTORS = (
    "ediff1d gradient unwrap cumulative_sum cumulative_prod nancumsum nanargmax i0 spacing sort_complex packbits cov "
    "iscomplex trapezoid median bitwise_count poly polyder polyint histogram_bin_edges angle corrcoef ptp vander diff "
    "fft.fft fft.irfft fft.rfft fft.hfft fft.ihfft fft.fftshift"
).split()
OF_TWO_VECTORS = "polyadd polymul polyval gcd lcm ldexp nextafter convolve correlate isin digitize kron".split()
BINARY = (
    "add subtract multiply divide floor_divide remainder power maximum logaddexp arctan2 equal less logical_and hypot "
    "bitwise_and left_shift fmod float_power copysign heaviside isclose fmax matmul"
).split()


@pytest.fixture(params=["float64", "float32"], autouse=True)
def precision(request: pytest.FixtureRequest) -> Iterator[str]:
    with jax.enable_x64(request.param == "float64"), override(precision=request.param):
        yield request.param


def result(f: Any, *args: Any) -> Any:
    """Dtype and weakness, or "error"; abstractly, so that JAX need not compile."""
    run = jax.eval_shape if f.__module__.startswith("jax") else lambda g: g()
    try:
        out = run(lambda: f(*args))
    except (TypeError, ValueError, NotImplementedError):
        return "error"
    return out.dtype.name, bool(out.weak_type) and out.dtype.kind in "if"


def arrays(dtype: str) -> tuple[Any, Any]:
    mine = gnp.ones((2,), dtype)
    theirs = jax.numpy.ones((2,), dtype)
    return mine, theirs


def differences(name: str, operands: list[tuple[tuple[Any, Any], ...]]) -> list[str]:
    """The rows on which gradcli and JAX disagree; what JAX refuses, gradcli may allow."""
    out = []
    for pairs in operands:
        mine = result(attrgetter(name)(gnp), *[p[0] for p in pairs])
        theirs = result(attrgetter(name)(jax.numpy), *[p[1] for p in pairs])
        if name in WEAKNESS_DIFFERS:
            mine, theirs = mine[0], theirs[0]
        if name in REAL_ONLY and mine == "error":
            continue
        if theirs not in ("error", "e", mine):
            out.append(f"{name}({', '.join(str(getattr(p[1], 'dtype', p[1])) for p in pairs)}): {mine} {theirs}")
    return out


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str) -> None:
    rows = [(arrays(d),) for d in DTYPES] + [((s, s),) for s in SCALARS]
    assert not differences(name, rows)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", OF_VECTORS)
def test_of_vectors(name: str) -> None:
    assert not differences(name, [(arrays(d),) for d in DTYPES])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", OF_TWO_VECTORS)
def test_of_two_vectors(name: str) -> None:
    values = [arrays(d) for d in DTYPES]
    assert not differences(name, [(x, y) for x in values for y in values])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str) -> None:
    values = [arrays(d) for d in DTYPES] + [(s, s) for s in SCALARS if name != "matmul"]
    assert not differences(name, [(x, y) for x in values for y in values])


def test_numpy_scalars_are_not_weak() -> None:
    x = gnp.ones(2, "float32")
    y = jax.numpy.ones(2, "float32")
    assert (x * np.float64(2)).dtype == (y * np.float64(2)).dtype
