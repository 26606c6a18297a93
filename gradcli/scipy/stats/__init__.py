"""Distributions and statistics, by the names of ``jax.scipy.stats``; each distribution is loaded when it is used.

>>> from gradcli.engine.api import grad
>>> from gradcli.scipy.stats import norm
>>> print(grad(norm.logpdf)(2.0))
-2.0
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_DISTRIBUTIONS = [
    "bernoulli", "beta", "betabinom", "binom", "cauchy", "chi2", "dirichlet", "expon", "gamma", "gennorm", "geom",
    "gumbel_l", "gumbel_r", "laplace", "logistic", "multinomial", "multivariate_normal", "nbinom", "norm", "pareto",
    "poisson", "t", "truncnorm", "uniform", "vonmises", "wrapcauchy",
]  # fmt: skip
_FUNCTIONS = {"gaussian_kde": "_kde", "mode": "_summary", "rankdata": "_summary", "sem": "_summary"}

__all__ = [*_DISTRIBUTIONS, *_FUNCTIONS]  # noqa: PLE0604 - the names are strings


def __getattr__(name: str) -> Any:
    if name in _DISTRIBUTIONS:
        return import_module(f"gradcli.scipy.stats.{name}")
    if name not in _FUNCTIONS:
        raise AttributeError(f"module 'gradcli.scipy.stats' has no attribute {name!r}")
    found = getattr(import_module(f"gradcli.scipy.stats.{_FUNCTIONS[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
