"""The primitives below the random numbers: the generator, bits in blocks, fused multiply-add, erf_inv."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import grad, make_jaxpr, vmap
from gradcli.engine.array import raw
from gradcli.engine.ir.check import check_jaxpr
from gradcli.engine.ops import random_bits as module
from gradcli.engine.ops.erf_inv import BLOCK, erf_inv
from gradcli.engine.ops.fma import fma, nextafter
from gradcli.engine.ops.random_bits import random_bits, random_split, threefry2x32
from gradcli.engine.ops.special import erf

ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # the known answers of the authors' Random123 library
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((ONES, ONES), (ONES, ONES), (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
@pytest.mark.parametrize("size", [(), (3,), (2, 40), (70_000,)])
def test_threefry(counter: Any, key: Any, expected: Any, size: tuple[int, ...]) -> None:
    words = [np.full(size, w, np.uint32)[()] for w in counter]
    found = threefry2x32(*(np.uint32(w) for w in key), *words)
    for word, wanted in zip(found, expected, strict=True):
        assert word.shape == size and word.dtype == np.uint32
        np.testing.assert_array_equal(raw(word), wanted)


def test_threefry_broadcasts_and_maps() -> None:
    keys, counters = np.arange(3, dtype=np.uint32), np.arange(20, dtype=np.uint32)
    rows = [[raw(x) for x in threefry2x32(k, np.uint32(7), np.uint32(0), counters)] for k in keys]
    wide = threefry2x32(keys[:, None], np.uint32(7), np.uint32(0), counters)
    mapped = vmap(lambda k: threefry2x32(k, np.uint32(7), np.uint32(0), counters))(keys)
    for i in (0, 1):
        np.testing.assert_array_equal(raw(wide[i]), np.stack([r[i] for r in rows]))
        np.testing.assert_array_equal(raw(mapped[i]), np.stack([r[i] for r in rows]))
    check_jaxpr(make_jaxpr(lambda k: threefry2x32(k, k, np.uint32(0), counters)[0])(np.uint32(1)))
    with pytest.raises(TypeError, match="uint32"):
        threefry2x32(1, 2, 3, 4)


@pytest.mark.parametrize("partitionable", [True, False])
@pytest.mark.parametrize("width", [8, 16, 32, 64])
def test_sizes_of_blocks_do_not_matter(width: int, partitionable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = raw(random_split(np.array([1, 2], np.uint32), (5,), partitionable))
    for size in (0, 1, 2, 3, 9, 100, 257):
        draws = []
        for few, block in ((0, 16), (0, 1 << 16), (10**6, 1)):
            monkeypatch.setattr(module, "_FEW", few)
            monkeypatch.setattr(module, "_BLOCK", block)
            draws.append(raw(random_bits(keys, width, (size,), partitionable)))
            assert draws[-1].shape == (5, size) and draws[-1].dtype == f"uint{width}"
        for draw in draws[1:]:
            np.testing.assert_array_equal(draw, draws[0])


def test_wrong_keys() -> None:
    with pytest.raises(TypeError, match="u32"):
        random_bits(np.zeros(3, np.uint32), 32, (2,), True)
    with pytest.raises(TypeError, match="widths"):
        random_bits(np.zeros(2, np.uint32), 24, (2,), True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fma_rounds_once(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, y, z = (rng.normal(size=500).astype(dtype) for _ in range(3))
    z[:250] = -(x * y)[:250]  # cancellation leaves the rounding error of the product
    found = raw(fma(x, y, z))
    for a, b, c, r in zip(x.tolist(), y.tolist(), z.tolist(), found.tolist(), strict=True):
        exact = Fraction(a) * Fraction(b) + Fraction(c)
        beside = [float(np.nextafter(dtype(r), dtype(s * np.inf))) for s in (1, -1)]
        assert all(abs(Fraction(r) - exact) <= abs(Fraction(other) - exact) for other in beside)
    huge = dtype(np.finfo(dtype).max)
    np.testing.assert_array_equal(raw(fma(np.array([huge, 1], dtype), dtype(2), dtype(0))), [np.inf, 2])
    assert float(grad(lambda x: fma(x, 3.0, x))(2.0)) == 4.0


def test_nextafter() -> None:
    np.testing.assert_array_equal(raw(nextafter(np.array([1.0, 0.0]), np.inf)), [1 + 2**-52, 5e-324])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 5e-7), (np.float64, 5e-14)])
def test_erf_inv(dtype: Any, tolerance: float) -> None:
    x = np.linspace(-0.999, 0.999, 4001).astype(dtype)
    np.testing.assert_allclose(raw(erf(erf_inv(x))), x, rtol=tolerance, atol=tolerance)
    special = raw(erf_inv(np.array([0.0, -0.0, 1, -1, 1.5, -2, np.nan, np.inf], dtype)))
    np.testing.assert_array_equal(special, [0, 0, np.inf, -np.inf, np.nan, np.nan, np.nan, np.nan])
    assert np.signbit(special[1]) and special.dtype == dtype
    long = np.resize(x, BLOCK + 5)
    np.testing.assert_array_equal(raw(erf_inv(long))[BLOCK:], raw(erf_inv(long[BLOCK:])))
    np.testing.assert_allclose(float(grad(erf_inv)(0.5)), np.sqrt(np.pi) / 2 * np.exp(float(erf_inv(0.5)) ** 2))


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_erf_inv_is_xla_s(dtype: Any) -> None:
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(-1, 1, 50_000), 1 - 10.0 ** -rng.uniform(0, 16, 2000)]).astype(dtype)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(raw(erf_inv(x)), np.asarray(jax.lax.erf_inv(x)))
