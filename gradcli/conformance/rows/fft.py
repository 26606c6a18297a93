"""Rows of ``gradcli.numpy.fft``."""

from __future__ import annotations

import numpy as np

from gradcli.conformance.row import Array, Draw, Row, rows_of

Case = rows_of("numpy.fft")
real = Draw(9)

REAL, PAIR, CUBE = real((2, 5)), real((2, 4)), real((2, 3, 4))
COMPLEX, SPECTRUM, BLOCK = REAL + 1j * real((2, 5)), PAIR + 1j * real((2, 4)), CUBE + 1j * real((2, 3, 4))
NORMS = (None, "backward", "forward", "ortho")


def fft(name: str, x: Array, **options: object) -> Row:
    kind = "complex" if np.iscomplexobj(x) else ""
    text = "-".join(f"{k}{v}".replace(" ", "") for k, v in options.items())
    return Case(name, (x,), dict(options), id=f"{kind}{text}")


ROWS = [
    *[fft(n, x, norm=norm) for n in ("fft", "ifft") for x in (REAL, SPECTRUM) for norm in NORMS],
    *[fft(n, x, norm=norm) for n in ("rfft", "ihfft") for x in (REAL, PAIR) for norm in NORMS],
    *[fft(n, x, norm=norm) for n in ("irfft", "hfft") for x in (COMPLEX, PAIR) for norm in NORMS],
    *[fft(n, x, n=k, axis=0) for n in ("fft", "ifft", "irfft", "hfft") for k in (1, 3) for x in (COMPLEX,)],
    *[fft(n, REAL, n=k, axis=-2) for n in ("rfft", "ihfft") for k in (1, 3)],
    *[fft(n, x, n=k) for n in ("irfft", "hfft") for k in (3, 6, 7, 9) for x in (SPECTRUM,)],
    *[fft(n, x) for n in ("fft2", "ifft2", "irfft2", "fftn", "ifftn", "irfftn") for x in (BLOCK,)],
    *[fft(n, CUBE) for n in ("rfft2", "rfftn")],
    *[fft(n, BLOCK, s=(3, 5), axes=(0, 2), norm="ortho") for n in ("fftn", "ifftn", "irfftn", "fft2", "irfft2")],
    *[fft(n, CUBE, s=(3, 5), axes=(2, -3), norm="forward") for n in ("rfftn", "rfft2")],
    fft("fftn", real((2, 1, 2, 1, 3))),
    fft("rfftn", real((2, 1, 2, 3))),
    fft("irfftn", real((2, 1, 2, 3)) + 1j),
    *[fft(n, x) for n in ("fftshift", "ifftshift") for x in (REAL, CUBE)],
    *[fft(n, CUBE, axes=axes) for n in ("fftshift", "ifftshift") for axes in (1, (0, -1))],
    *[fft(n, np.zeros((0, 4)) + 0j) for n in ("fft", "irfft")],
    *[fft(n, np.array([[3, -1, 2], [0, 5, -4]])) for n in ("fft", "rfft", "fftn")],
]
ROWS += [
    Case(n, (), {"d": 0.25}, lambda f, k=k, **o: f(k, **o), order=0, id=str(k))
    for n in ("fftfreq", "rfftfreq")
    for k in (1, 4, 5)
]
