"""Distributions with parameters, and points that include the ends of their support."""

from __future__ import annotations

from typing import Any

import numpy as np

INF = np.inf

# name: parameters, points
CONTINUOUS: dict[str, tuple[tuple[float, ...], list[float]]] = {
    "beta": ((2.5, 1.3, 0.2, 1.5), [-0.5, 0.2, 0.4, 1.1, 1.7, 3.0]),
    "cauchy": ((0.5, 2.0), [-1e5, -1.0, 0.5, 3.0]),
    "chi2": ((3.0, 0.1, 1.5), [-1.0, 0.2, 1.5, 9.0]),
    "expon": ((0.5, 2.0), [-1.0, 0.6, 3.0, 60.0]),
    "gamma": ((2.5, 0.3, 1.5), [-1.0, 0.5, 3.0, 20.0]),
    "gennorm": ((1.7,), [-2.0, -0.3, 0.4, 3.0]),
    "gumbel_l": ((0.3, 1.5), [-9.0, 0.2, 2.0]),
    "gumbel_r": ((0.3, 1.5), [-2.0, 0.2, 9.0]),
    "laplace": ((0.3, 1.5), [-3.0, 0.2, 2.0]),
    "logistic": ((0.3, 1.5), [-30.0, 0.2, 5.0]),
    "norm": ((0.3, 1.5), [-60.0, -1.0, 0.4, 9.0]),
    "pareto": ((2.3, 0.5, 1.5), [1.0, 2.1, 9.0]),
    "t": ((3.7, 0.3, 1.5), [-9.0, 0.2, 2.0]),
    "truncnorm": ((-1.0, 2.5, 0.3, 1.5), [-3.0, -1.0, 0.5, 3.9, 5.0]),
    "uniform": ((0.3, 1.5), [-1.0, 0.5, 1.7, 2.0]),
    "vonmises": ((1.7,), [-2.0, 0.3, 3.0]),
    "wrapcauchy": ((0.6,), [-0.1, 0.3, 3.0, 6.2]),
}  # fmt: skip
DISCRETE: dict[str, tuple[tuple[float, ...], list[float]]] = {
    "bernoulli": ((0.3,), [-1, 0, 1, 2]),
    "betabinom": ((7, 2.3, 1.1), [-1, 0, 3, 7, 8]),
    "binom": ((7, 0.3), [-1, 0, 3, 7, 8]),
    "geom": ((0.3,), [0, 1, 5]),
    "nbinom": ((3.5, 0.4), [-1, 0, 4]),
    "poisson": ((2.7,), [-1, 0, 4, 30]),
}
LOGS = {"logpdf": "pdf", "logpmf": "pmf", "logcdf": "cdf", "logsf": "sf"}


def functions(module: Any) -> list[str]:
    names = ("logpdf", "pdf", "logpmf", "pmf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")
    return [n for n in names if hasattr(module, n)]
