"""The discrete Fourier transform over the last axes: one primitive, ``fft``, with the four types of ``jax.lax.fft``.

Forward transforms have no factor, inverse ones 1/n. All four are linear: FFT and IFFT are their own transposes, those
of RFFT and IRFFT follow from the symmetry X[n - k] = conj(X[k]) of the transform of real numbers, by which every
column of the half that is kept stands for two, but the first one and, if n is even, the last one.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType, Shape, array_type, complex_dtype, real_dtype
from gradcli.engine.ops.define import Primitive, linear_jvp
from gradcli.engine.ops.elementwise import conj, convert_element_type, div, mul
from gradcli.engine.ops.operators import to_inexact
from gradcli.engine.ops.shape import bad_shape, moveaxis
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind


class FftType(enum.IntEnum):
    """The transforms of ``fft``: complex forward and inverse, real to half of the complex, and back."""

    FFT = 0
    IFFT = 1
    RFFT = 2
    IRFFT = 3


def fft(x: Any, fft_type: FftType | str, fft_lengths: Sequence[int]) -> Any:
    """The Fourier transform of ``x`` over its last ``len(fft_lengths)`` axes, which have these lengths (IRFFT: will).

    fft_type: FFT, IFFT (complex to complex), RFFT (real to complex, the last axis cut to n//2 + 1), IRFFT (back).
    Integers become floats. Raises ValueError for an unknown type, or a shape that does not fit; TypeError for RFFT of
    complex numbers.

    >>> print(fft(np.array([1.0, 0.0, 0.0]), "rfft", (3,)))
    [1.+0.j 1.+0.j]
    """
    kind = _fft_type(fft_type)
    dtype = type_of(x).dtype
    if kind is FftType.RFFT:
        if dtype.kind == "c":
            raise _wrong("rfft accepts real numbers only", "use fft")
        x = convert_element_type(x, to_inexact(dtype))
    else:
        x = convert_element_type(x, dtype if dtype.kind == "c" else complex_dtype(to_inexact(dtype)))
    lengths = tuple(int(n) for n in fft_lengths)
    return bind(fft_p, x, fft_lengths=lengths, fft_type=kind) if lengths else x


def _fft_type(name: Any) -> FftType:
    if isinstance(name, FftType):
        return name
    if isinstance(name, str) and (name.islower() or name.isupper()) and name.upper() in FftType.__members__:
        return FftType[name.upper()]
    raise _wrong(f"no type of Fourier transform: {name!r}", "FFT, IFFT, RFFT or IRFFT")


def _wrong(message: str, hint: str | None = None) -> Exception:
    error: Exception = fail("G206", message, hint=hint, location=user_location(), cls=ValueError)
    return error


def _fft_type_rule(x: ArrayType, fft_lengths: Shape, fft_type: FftType) -> ArrayType:
    n = len(fft_lengths)
    if n > x.ndim:
        raise _wrong(f"a Fourier transform of {x} cannot have {n} lengths")
    if x.dtype.kind != ("f" if fft_type is FftType.RFFT else "c") or x.dtype.itemsize < 4:
        raise bad_shape(f"{fft_type.name} does not accept dtype {x.dtype.name}")
    lead, last = x.shape[: x.ndim - n], x.shape[x.ndim - n :]
    checked = n - 1 if fft_type is FftType.IRFFT else n
    if last[:checked] != fft_lengths[:checked]:
        raise _wrong(f"{fft_type.name} with lengths {fft_lengths} does not fit {x}")
    if fft_type is FftType.RFFT:
        return array_type((*lead, *fft_lengths[:-1], fft_lengths[-1] // 2 + 1), complex_dtype(x.dtype))
    dtype = real_dtype(x.dtype) if fft_type is FftType.IRFFT else x.dtype
    return array_type((*lead, *fft_lengths), dtype)


def _fft_impl(x: Any, fft_lengths: Shape, fft_type: FftType) -> Any:
    out = _fft_type_rule(array_type(x.shape, x.dtype), fft_lengths, fft_type)
    if 0 in fft_lengths or 0 in out.shape or 0 in x.shape:
        return np.zeros(out.shape, out.dtype)
    transform = getattr(np.fft, f"{fft_type.name.lower()}n")  # loaded when first used
    return transform(x, fft_lengths, tuple(range(-len(fft_lengths), 0))).astype(out.dtype, copy=False)


def _again(x: Any, **params: Any) -> Any:
    return bind(fft_p, x, **params)


def _counts(n: int, dtype: np.dtype[Any], ndim: int) -> Any:
    """How many elements of a transform of length ``n`` each one of the half that is kept stands for."""
    counts = np.full(n // 2 + 1, 2, dtype)
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return counts.reshape((1,) * (ndim - 1) + counts.shape)


def _fft_transpose(ct: Any, x: Any, fft_lengths: Shape, fft_type: FftType) -> tuple[Any]:
    t = type_of(ct)
    if fft_type in (FftType.FFT, FftType.IFFT):
        return (fft(ct, fft_type, fft_lengths),)
    total, dtype = math.prod(fft_lengths), complex_dtype(t.dtype) if t.dtype.kind == "f" else t.dtype
    counts = _counts(fft_lengths[-1], dtype, t.ndim)
    if fft_type is FftType.RFFT:
        back = fft(div(conj(ct), counts), FftType.IRFFT, fft_lengths)
        return (mul(real_dtype(t.dtype).type(total), back),)
    scaled = mul(counts * dtype.type(1 / total if total else 0), fft(ct, FftType.RFFT, fft_lengths))
    return (conj(scaled),)


fft_p: Primitive = Primitive(
    "fft",
    type_rule=_fft_type_rule,
    impl=_fft_impl,
    jvp=linear_jvp(_again),
    transpose=_fft_transpose,
    batch=lambda size, args, dims, **params: (_again(moveaxis(args[0], dims[0], 0), **params), 0),
    family="fft",
)
