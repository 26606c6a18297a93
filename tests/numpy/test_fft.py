"""The Fourier transform: errors, programs, float32, and NumPy's functions on traced values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli import lax
from gradcli.compat import protocols as _protocols  # noqa: F401 - NumPy's functions on values
from gradcli.engine.api import grad, make_jaxpr, vmap
from tests.engine.harness import check_operation, numpy_of

X = np.array([0.5, -1.0, 2.0, 0.25])


@pytest.mark.parametrize("kind", ["fft", "ifft", "rfft", "irfft"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lengths", [(4,), (5,), (3, 4)])
def test_primitive(kind: str, dtype: str, lengths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    shape = lengths if kind != "irfft" else (*lengths[:-1], lengths[-1] // 2 + 1)
    x = rng.normal(size=(2, *shape)).astype(dtype)
    if kind != "rfft":
        x = (x + 1j * rng.normal(size=x.shape)).astype(np.result_type(dtype, np.complex64))
    check_operation(lambda v: lax.fft(v, kind, lengths), (x,), order=1)


def test_program_is_jaxs() -> None:
    text = str(make_jaxpr(lambda x: gnp.fft.rfft(x, 3, norm="ortho"))(X))
    assert "fft[fft_lengths=(3,) fft_type=2]" in text and "slice" in text


def test_types_by_name_and_by_value() -> None:
    for name in ("fft", "FFT", lax.FftType.FFT):
        np.testing.assert_allclose(numpy_of(lax.fft(X, name, (4,))), np.fft.fft(X))
    assert lax.fft(X, "fft", ()).dtype == np.complex128
    assert lax.fft_p.name == "fft"


BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda: lax.fft(X, "dct", (4,)), ValueError, "no type of Fourier transform"),
    (lambda: lax.fft(X, "fft", (3,)), ValueError, "does not fit"),
    (lambda: lax.fft(X, "fft", (2, 4)), ValueError, "cannot have 2 lengths"),
    (lambda: lax.fft(X + 0j, "rfft", (4,)), ValueError, "real numbers only"),
    (lambda: gnp.fft.fft(X, n=0), ValueError, "positive lengths"),
    (lambda: gnp.fft.fft(X, axis=(0,)), ValueError, "along one axis"),
    (lambda: gnp.fft.fft(X, axis=1), ValueError, "out of bounds"),
    (lambda: gnp.fft.fft(X, norm="half"), ValueError, "norm must be"),
    (lambda: gnp.fft.fftn(X, (2, 2), (0,)), ValueError, "2 lengths for 1 axes"),
    (lambda: gnp.fft.fftn(np.eye(2), axes=(0, -2)), ValueError, "an axis twice"),
    (lambda: gnp.fft.fft2(np.eye(2), axes=(0,)), ValueError, "over two axes"),
    (lambda: gnp.fft.fftfreq([4]), ValueError, "one length"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD, ids=[m for _, _, m in BAD])
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("n", [0, 1, 4, 5])
def test_frequencies(n: int) -> None:
    for name in ("fftfreq", "rfftfreq") if n else ("fftfreq",):
        with np.errstate(all="ignore"):
            expected = getattr(np.fft, name)(n, 0.25) if n else np.zeros(0)
        found = getattr(gnp.fft, name)(n, 0.25)
        np.testing.assert_allclose(numpy_of(found), expected)
        assert getattr(gnp.fft, name)(n, 0.25, dtype="float32").dtype == np.float32
    assert gnp.fft.fft(np.zeros((2, n))).shape == (2, n)


def test_energy_is_kept_and_its_gradient_is_the_signals() -> None:
    def energy(x: Any) -> Any:
        return gnp.sum(gnp.abs(gnp.fft.fft(x, norm="ortho")) ** 2)

    np.testing.assert_allclose(float(energy(X)), np.sum(X**2))
    np.testing.assert_allclose(numpy_of(grad(energy)(X)), 2 * X)


def test_numpys_functions_take_traced_values() -> None:
    mapped = vmap(lambda x: np.fft.ifft(np.fft.fft(x)))(np.stack([X, 2 * X]))
    np.testing.assert_allclose(numpy_of(mapped), [X, 2 * X])
