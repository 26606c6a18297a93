"""Signals, by the names of ``jax.scipy.signal``: convolutions, trends, spectra."""

from __future__ import annotations

from gradcli.scipy.signal._convolution import convolve, convolve2d, correlate, correlate2d, fftconvolve
from gradcli.scipy.signal._spectra import csd, detrend, istft, stft, welch

__all__ = [
    "convolve", "convolve2d", "correlate", "correlate2d", "csd", "detrend", "fftconvolve", "istft", "stft", "welch",
]  # fmt: skip
