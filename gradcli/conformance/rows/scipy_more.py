"""Rows of the smaller namespaces of ``gradcli.scipy``: signals, transforms, interpolation, minima, sparse systems."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.conformance.row import POSITIVE, Draw, Row, home

real = Draw(35)

V, W, M = real((7,)), real((4,)), real((4, 5))
K = real((3, 2))
LONG, OTHER = real((24,)), real((24,))
S = real((3, 3)) + np.diag([4.0, -5.0, 6.5])
POS = S @ S.T + np.eye(3)
B = real((3,))
PAIR, GRID = np.array([0.5, 0.8]), (np.linspace(0.0, 3.0, 4), np.linspace(0.0, 2.0, 5))
WHERE = np.stack([real((6,), (0.2, 2.8)), real((6,), (0.1, 1.9))], axis=-1)
STEPS, RANKS = "a search, without derivative", "ranks are integers"
POWER = {"nperseg": 8, "noverlap": 4}


def rosenbrock(f: Any, x: Any, a: Any) -> Any:
    """Where the valley is lowest."""
    found = f(lambda x: (1 - x[0]) ** 2 + a * (x[1] - x[0] ** 2) ** 2, x, method="BFGS")
    return found.x, found.fun


def between(f: Any, values: Any, points: Any, method: str) -> Any:
    """Interpolated on a grid."""
    return f(GRID, values, method=method)(points)


def turned(f: Any, quaternions: Any, vectors: Any) -> Any:
    """Rotations as all that they can be written as."""
    r = f.from_quat(quaternions)
    found = [r.apply(vectors), (r * f.from_rotvec(vectors)).as_quat(canonical=True), r.inv().as_matrix()]
    return [*found, r.as_rotvec(), r.as_mrp(), r.as_euler("ZYX"), r.as_euler("xyx"), r.magnitude()]


def turning(f: Any, quaternions: Any, times: Any) -> Any:
    """Rotations between rotations."""
    rotations = home(f, "scipy.spatial.transform").Rotation.from_quat(quaternions)
    return f.init(np.arange(4.0), rotations)(times).as_matrix()


def density(f: Any, data: Any, points: Any, **options: Any) -> Any:
    """By kernels, at points."""
    kde = f(data, **options)
    return kde(points), kde.logpdf(points)


def integrals(f: Any, data: Any) -> Any:
    """Of kernels: over an interval, against a normal distribution, of the square."""
    kde = f(data)
    return kde.integrate_box_1d(-1.0, 0.5), kde.integrate_gaussian(0.2, 0.7), kde.integrate_kde(f(data * 0.5))


def system(f: Any, a: Any, b: Any) -> Any:
    """The solution without what was found on the way."""
    return f(a, b, tol=1e-12, atol=1e-12)[0]


def symmetric(f: Any, a: Any, b: Any) -> Any:
    """Of a symmetric matrix."""
    return system(f, (a + a.T) / 2, b)


def spectrum(f: Any, *xs: Any, **options: Any) -> Any:
    """Without the frequencies and times, which are no functions of the signal."""
    return f(*xs, **options)[-1]


def again(f: Any, x: Any) -> Any:
    """The signal again."""
    return f(home(f, "scipy.signal").stft(x, **POWER)[-1], **POWER)[-1]


SIGNAL = [
    *[
        Row("scipy.signal", name, arrays, {"mode": mode})
        for name in ("convolve", "correlate")
        for arrays, mode in (((V, W), "full"), ((V, W), "same"), ((V, W), "valid"), ((M, K), "full"))
    ],
    *[Row("scipy.signal", "convolve", (V, W), {"method": "fft"})],
    *[Row("scipy.signal", name, (M, K), {"mode": mode})
      for name in ("convolve2d", "correlate2d") for mode in ("full", "same", "valid")],
    *[Row("scipy.signal", "fftconvolve", arrays, options)
      for arrays, options in (((V, W), {"mode": "same"}), ((M, M), {"axes": 1}))],
    *[Row("scipy.signal", "detrend", (x,), options)
      for x, options in ((LONG, {"type": "linear"}), (M, {"type": "constant", "axis": 0}), (LONG, {"bp": (0, 10)}))],
    Row("scipy.signal", "csd", (LONG, OTHER), POWER, spectrum, complex=False),
    *[Row("scipy.signal", "welch", (LONG,), POWER | {"scaling": s}, spectrum, complex=False)
      for s in ("density", "spectrum")],
    Row("scipy.signal", "stft", (LONG,), POWER, spectrum, complex=False),
    Row("scipy.signal", "istft", (LONG,), call=again, complex=False),
]  # fmt: skip

TRANSFORMS = [
    *[
        Row("scipy.fft", name, (x,), options)
        for name in ("dct", "idct")
        for x, options in ((V, {}), (M, {"axis": 0, "norm": "ortho"}), (V, {"n": 5}))
    ],
    *[
        Row("scipy.fft", name, (M,), options)
        for name in ("dctn", "idctn")
        for options in ({}, {"norm": "ortho", "axes": (1,)}, {"s": (3, 6)})
    ],
]

BETWEEN = [
    *[
        Row("scipy.ndimage", "map_coordinates", (M, real((2, 3), (0.2, 2.8))), {"order": order, "mode": mode},
            lambda f, x, at, **options: f(x, list(at), **options), complex=False, order=1 + order,
            why="" if order else "the nearest sample, whatever the distance")
        for order in (0, 1) for mode in ("constant", "nearest", "wrap")
    ],
    *[Row("scipy.interpolate", "RegularGridInterpolator", (M, WHERE), {"method": method}, between, complex=False,
          single=None)
      for method in ("linear", "nearest")],
    *[Row("scipy.integrate", "trapezoid", arrays, options)
      for arrays, options in (((V,), {"dx": 0.3}), ((M, np.cumsum(real((5,), POSITIVE))), {}), ((M,), {"axis": 0}))],
    Row("scipy.optimize", "OptimizeResults", (), call=lambda f: f(*range(len(f._fields))), order=0, numpy=False,
        traced=False, why="a class"),
    Row("scipy.optimize", "minimize", (PAIR, np.float64(3.0)), call=rosenbrock, order=0, why=STEPS, complex=False,
        single=None, numpy=False, tolerance=1e-4, jax=False),  # there the line search gives up on the way
]  # fmt: skip

SYSTEMS = [
    Row("scipy.sparse.linalg", "cg", (POS, B), call=symmetric, complex=False, numpy=False, single=1e-3),
    *[Row("scipy.sparse.linalg", name, (S, B), call=system, numpy=False, single=1e-3, complex=False)
      for name in ("gmres", "bicgstab")],
]  # fmt: skip

SAMPLES = [
    Row("scipy.cluster.vq", "vq", (real((6, 2)), real((3, 2))), call=lambda f, x, c: f(x, c), complex=False),
    *[Row("scipy.stats", "sem", (x,), options, complex=False)
      for x, options in ((V, {}), (M, {"axis": 1, "ddof": 0}), (M, {"axis": None, "keepdims": True}))],
    *[Row("scipy.stats", "rankdata", (np.array([3.0, 1.0, 3.0, -2.0, 1.0, 0.5]),), {"method": method}, order=0,
          why=RANKS, complex=False, single=None) for method in ("average", "min", "max", "dense", "ordinal")],
    Row("scipy.stats", "rankdata", (M,), {"axis": 1}, order=0, why=RANKS, complex=False, single=None),
    *[Row("scipy.stats", "mode", (np.array([[3.0, 1.0], [1.0, 2.0], [3.0, 2.0]]),), options, order=0,
          why="one of the values", complex=False) for options in ({}, {"axis": 1}, {"axis": None}, {"keepdims": True})],
    *[Row("scipy.stats", "gaussian_kde", arrays, options, density, complex=False)
      for arrays, options in (
          ((LONG, W), {}), ((real((2, 9)), real((2, 3))), {"bw_method": "silverman"}), ((LONG, W), {"bw_method": 0.4}),
      )],
    Row("scipy.stats", "gaussian_kde", (LONG, W, real((24,), POSITIVE)), call=lambda f, x, at, w: f(x, weights=w)(at),
        complex=False),
    Row("scipy.stats", "gaussian_kde", (LONG,), call=integrals, complex=False),
]  # fmt: skip

TURNS = [
    Row("scipy.spatial.transform", "Rotation", (real((4, 4)), real((4, 3))), call=turned, complex=False),
    Row("scipy.spatial.transform", "Slerp", (real((4, 4)), real((3,), (0.2, 2.8))), call=turning, complex=False,
        numpy=False),
]  # fmt: skip

ROWS = (*SIGNAL, *TRANSFORMS, *BETWEEN, *SYSTEMS, *SAMPLES, *TURNS)
