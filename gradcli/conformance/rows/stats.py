"""Rows of ``gradcli.scipy.stats``: every function of every distribution, by points, parameters, location and scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.conformance.row import Draw, Row, rows_of
from gradcli.conformance.table import names_of

real = Draw(33)

# Points inside of the support, then parameters: all of them are differentiated.
CONTINUOUS: dict[str, tuple[list[float], tuple[float, ...]]] = {
    "beta": ([0.4, 1.1], (2.5, 1.3, 0.2, 1.5)), "cauchy": ([-1.0, 3.0], (0.5, 2.0)),
    "chi2": ([0.7, 4.0], (3.0, 0.1, 1.5)), "expon": ([0.6, 3.0], (0.5, 2.0)),
    "gamma": ([0.7, 3.0], (2.5, 0.3, 1.5)), "gennorm": ([-0.3, 1.4], (1.7,)), "gumbel_l": ([0.2, 2.0], (0.3, 1.5)),
    "gumbel_r": ([0.2, 4.0], (0.3, 1.5)), "laplace": ([-1.0, 2.0], (0.3, 1.5)), "logistic": ([0.2, 5.0], (0.3, 1.5)),
    "norm": ([-1.0, 3.0], (0.3, 1.5)), "pareto": ([2.4, 9.0], (2.3, 0.5, 1.5)), "t": ([0.2, 2.0], (3.7, 0.3, 1.5)),
    "truncnorm": ([-0.6, 2.9], (-1.0, 2.5, 0.3, 1.5)), "uniform": ([0.5, 1.7], (0.3, 1.5)),
    "vonmises": ([0.3, 2.0], (1.7,)), "wrapcauchy": ([0.3, 3.0], (0.6,)),
}  # fmt: skip
DISCRETE: dict[str, tuple[list[int], tuple[float, ...]]] = {
    "bernoulli": ([0, 1], (0.3,)), "betabinom": ([0, 3], (7, 2.3, 1.1)), "binom": ([0, 3], (7, 0.3)),
    "geom": ([1, 5], (0.3,)), "nbinom": ([0, 4], (3.5, 0.4)), "poisson": ([0, 4], (2.7,)),
}  # fmt: skip
QUANTILES = ("ppf", "isf")
# Where JAX has less: seven digits, derivatives by shapes of a few digits, an error for a derivative by a number.
NOT_IN_JAX = {
    "betabinom": ("logpmf", "pmf"), "beta": ("cdf", "logcdf", "logsf", "sf"), "gumbel_l": ("logpdf", "pdf", "ppf"),
    "gumbel_r": ("logpdf", "pdf", "ppf"),
}  # fmt: skip
BY_SHAPE = "the incomplete functions have one derivative by their shape"


def of(name: str, points: Any, parameters: tuple[float, ...]) -> list[Row]:
    """A row for each function of a distribution."""
    case, found = rows_of(f"scipy.stats.{name}"), []
    for function in names_of(f"scipy.stats.{name}"):
        x = np.array([0.2, 0.8]) if function in QUANTILES else np.array(points)
        arrays = tuple(np.asarray(p) for p in parameters)
        once = name in ("beta", "chi2", "gamma") and function in ("cdf", "logcdf", "sf", "logsf")
        given = arrays if function == "entropy" else (x, *arrays)
        options: dict[str, Any] = {"order": 1, "why": BY_SHAPE} if once else {}
        options["jax"] = function not in NOT_IN_JAX.get(name, ())
        found.append(case(function, given, complex=False, **options))
    return found


P = np.array([0.2, 0.5, 0.3])
SEVERAL = [
    *[
        rows_of("scipy.stats.dirichlet")(
            n, (P, np.array([1.5, 2.0, 0.7])), call=lambda f, x, a: f(x / x.sum(), a), complex=False
        )
        for n in ("logpdf", "pdf")
    ],
    *[
        rows_of("scipy.stats.multinomial")(n, (np.array([1, 2, 1]), P), call=lambda f, x, p: f(x, 4, p), complex=False)
        for n in ("logpmf", "pmf")
    ],
    *[
        rows_of("scipy.stats.multivariate_normal")(
            n, (real((4, 2)), real((2,)), real((2, 2))), complex=False,
            call=lambda f, x, m, a: f(x, m, a @ a.T + 2 * (a * 0 + np.eye(2, dtype=a.dtype))),
        )
        for n in ("logpdf", "pdf")
    ],
]  # fmt: skip

ROWS = [
    *[row for table in (CONTINUOUS, DISCRETE) for name, (x, p) in table.items() for row in of(name, x, p)], *SEVERAL,
]  # fmt: skip
